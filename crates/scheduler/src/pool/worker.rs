//! One worker thread: finds a task, polls it, finds the next.
//!
//! 1. A worker looks for work in this order: its slot, its ring, inject, the rings of others. Then it sleeps.
//! 2. The slot is run before the ring, but not more often than [`SLOT_RUNS`] times in a row while the ring has work: two
//!    tasks that wake each other starve nobody. And while it polls what is here it takes no more from inject than that.
//! 3. Under any load it looks at inject, the driver and the timers as often as [`pace`](crate::pace) says.
//! 4. What it takes privately (from inject, or a batch of wakers) is in its ring, where others can take it, before it
//!    polls anything.
//! 5. A worker that is in a blocking part (`block_in_place`) runs nothing; what it wakes goes to inject.
//! 6. Tasks with long polls, and for spares new ones as well, are polled when there is room for them ([`gate`](super::gate)).
//!    What spares leave the other workers take; also before a task with long polls, but not always, so that this one has
//!    its turn.
//! 7. No user code is run or dropped while a task is woken. So what inject refuses, because the pool is closed, stays here
//!    until the worker leaves.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use unstuck_base::fork::{Process, abort_in_child};
use unstuck_base::prng::Prng;
use unstuck_base::sync::atomic::Ordering;
use unstuck_base::{WakeBatch, local};
use unstuck_driver::Kernel;
use unstuck_task::Runnable;

use super::Shared;
use super::gate::Turn;
use super::judge::Kind;
use super::place::Place;
use crate::counts::{Counts, Stopwatch};
use crate::hooks::{self, run_hook};
use crate::pace::{Every, Pace};
use crate::patience::Patience;
use crate::wake;
use crate::worker_local::as_worker;

/// How often in a row the slot is run before the ring.
const SLOT_RUNS: u32 = 3;
/// How many runnables a worker takes from inject at once, at most.
const INJECT_BATCH: usize = super::ring::SIZE / 4;

/// A thread that is a worker.
pub(crate) struct Worker {
    pub(crate) pool: Arc<Shared>,
    pub(crate) index: usize,
    /// Which of the configured workers it is, or stands in for.
    pub(crate) acts_as: usize,
    /// A spare ends when it is no longer needed.
    spare: bool,
    pub(crate) process: Process,
    /// In a blocking part (rule 5).
    pub(crate) blocks: Cell<bool>,
    /// Its name is on the list of those that sleep, or it counts as searching.
    idles: Cell<bool>,
    /// Wakers of a batch are being woken: they go to the ring, in their order.
    batching: Cell<bool>,
    /// The task in progress was woken during its poll.
    yielded: Cell<bool>,
    slot_runs: Cell<u32>,
    /// Rule 3, of inject alone.
    injects_turn: Every,
    watch: Stopwatch,
    /// Rule 6: whether one that a spare has left goes before the next one with long polls.
    doubtful_goes_first: Cell<bool>,
    /// Rule 7.
    refused: RefCell<Vec<Runnable>>,
}

impl Worker {
    pub(crate) fn new(pool: Arc<Shared>, index: usize, acts_as: usize, spare: bool) -> Self {
        Worker {
            injects_turn: Every::nth(pool.tuning.inject_interval),
            watch: Stopwatch::started(pool.kernel.real_now(), pool.places.get(index).polls().0),
            pool,
            index,
            acts_as,
            spare,
            process: Process::this(),
            blocks: Cell::new(false),
            idles: Cell::new(false),
            batching: Cell::new(false),
            yielded: Cell::new(false),
            slot_runs: Cell::new(0),
            doubtful_goes_first: Cell::new(true),
            refused: RefCell::new(Vec::new()),
        }
    }

    /// Runs until the pool closes, or a spare is not needed any more. The thread is in the runtime's context.
    ///
    /// # Panics
    /// If the driver breaks.
    pub(crate) fn run(&self) {
        struct Leave<'a>(&'a Worker, (*const (), usize));
        impl Drop for Leave<'_> {
            fn drop(&mut self) {
                self.0.leave();
                local::set_home(self.1.0, self.1.1);
            }
        }
        local::seed_random(Some(Prng::seeded(self.pool.seed ^ (self.index as u64) << 32)));
        let home = self.pool.home.get().key();
        as_worker(self, || {
            let _leave = Leave(self, local::set_home(home, self.index + 1));
            self.place().set_thread(self.kernel().this_thread());
            self.pool.loops.fetch_add(1, Ordering::SeqCst);
            self.pool.worker_is_awake();
            self.sign();
            let mut pace = Pace::new(self.pool.tuning.event_interval, self.kernel().real_now());
            let mut patience = Patience::new();
            while !self.is_over() {
                match self.next_task() {
                    Some(task) => self.poll(task, &mut pace),
                    None => self.without_work(&mut pace, &mut patience),
                }
            }
        });
    }

    /// Is it time for this thread to end?
    fn is_over(&self) -> bool {
        self.pool.is_closed() || (self.spare && self.pool.balance.retire())
    }

    /// The last look before it sleeps.
    fn has_reason_to_stay_awake(&self) -> bool {
        let of_its_kind = if self.spare { self.pool.balance.has_surplus() } else { !self.pool.doubtful.is_empty() };
        of_its_kind || self.pool.has_work() || self.pool.is_closed()
    }

    /// Queues a task that was woken, spawned or aborted on this thread.
    #[inline]
    pub(crate) fn schedule(&self, task: Runnable) {
        if self.blocks.get() {
            return self.pool.queue_from_outside(task).unwrap_or_else(|task| self.refused.borrow_mut().push(task));
        }
        self.counts().scheduled();
        if self.batching.get() {
            return self.push(task);
        }
        if !self.pool.tuning.slot {
            self.push(task);
            return self.pool.wake_one_soon();
        }
        if let Some(displaced) = self.place().swap_slot(task) {
            self.push(displaced);
            self.pool.wake_one_soon();
        }
    }

    /// Queues a task that was woken while this thread polled it: behind the others.
    pub(crate) fn reschedule(&self, task: Runnable) {
        self.yielded.set(true);
        self.counts().scheduled();
        self.push(task);
    }

    #[inline]
    fn poll(&self, task: Runnable, pace: &mut Pace) {
        if self.spare && (task.is_new() || task.is_long()) {
            self.poll_doubtful(task, pace);
        } else if task.is_long() {
            self.poll_long(task, pace);
        } else {
            self.poll_now(task, pace);
        }
    }

    /// A spare polls a task that may burn, if there is room for one more of those (rule 6).
    fn poll_doubtful(&self, task: Runnable, pace: &mut Pace) {
        match self.pool.doubtful.begin(task) {
            Turn::Now(task) => {
                if task.is_long() {
                    self.poll_long(task, pace);
                    self.queue_next(self.pool.doubtful.end());
                } else {
                    self.place().set_kind(Kind::New);
                    self.poll_once(task);
                    self.place().set_kind(Kind::Usual);
                    self.queue_next(self.pool.doubtful.end());
                    self.after_poll(pace);
                }
            }
            Turn::Later => self.pool.wake_for_doubtful(),
            Turn::Never(task) => self.refused.borrow_mut().push(task),
        }
    }

    /// Polls a task that is known to burn, if there is room for one more of those (rule 6).
    #[cold]
    fn poll_long(&self, task: Runnable, pace: &mut Pace) {
        if self.doubtful_goes_first.replace(!self.doubtful_goes_first.get())
            && let Some(doubtful) = self.take_doubtful()
        {
            self.push(task);
            return self.poll(doubtful, pace);
        }
        match self.pool.long.begin(task) {
            Turn::Now(task) => {
                self.place().set_kind(Kind::Long);
                self.offer_what_is_queued();
                self.poll_once(task);
                self.place().set_kind(Kind::Usual);
                self.queue_next(self.pool.long.end());
                self.after_poll(pace);
            }
            Turn::Later => {}
            Turn::Never(task) => self.refused.borrow_mut().push(task),
        }
    }

    /// It was waiting at a gate until now.
    fn queue_next(&self, next: Option<Runnable>) {
        if let Some(task) = next {
            self.push(task);
            self.pool.wake_one_soon();
        }
    }

    fn poll_now(&self, task: Runnable, pace: &mut Pace) {
        self.poll_once(task);
        self.after_poll(pace);
    }

    fn poll_once(&self, task: Runnable) {
        let place = self.place();
        place.begin_poll(task.id());
        self.yielded.set(false);
        let (clock, now) = (self.pool.queue_clock.as_ref(), || self.kernel().real_now());
        hooks::poll(task, &self.pool.hooks, self.counts(), clock, now, || place.poll_burned());
        self.abort_if_forked();
        place.end_poll();
        if self.spare {
            self.counts().polled();
        }
    }

    /// For who has run code of the user's: if that has forked, and this is the child, all that this thread could do here
    /// touches what is the parent's.
    fn abort_if_forked(&self) {
        if !self.process.is_this() {
            abort_in_child();
        }
    }

    /// Looks at the outside world, if it is time for that.
    fn after_poll(&self, pace: &mut Pace) {
        let yielded = self.yielded.get();
        // It counts only where a task has yielded.
        let queued = if yielded { self.place().queued() } else { 0 };
        if pace.polled(yielded, queued, || self.kernel().real_now()) {
            self.look_outside(pace);
        }
    }

    /// Rule 1, as far as it costs no search.
    #[inline]
    fn next_task(&self) -> Option<Runnable> {
        if self.injects_turn.turn()
            && let Some(task) = self.take_injected()
        {
            return Some(task);
        }
        let place = self.place();
        let runs = self.slot_runs.get();
        if runs < SLOT_RUNS
            && let Some(task) = place.take_slot()
        {
            self.slot_runs.set(runs + 1);
            return Some(task);
        }
        self.slot_runs.set(0);
        if let Some(task) = place.ring.pop() {
            return Some(task);
        }
        place.take_slot().or_else(|| self.take_injected())
    }

    /// Takes a fair part of inject into the ring; returns the first. When there is nothing, one that a spare has left.
    fn take_injected(&self) -> Option<Runnable> {
        let mut first = None;
        self.pool.inject.take(
            |waiting| self.share(waiting),
            |task| match first {
                None => first = Some(task),
                Some(_) => self.push(task),
            },
        );
        first.or_else(|| self.take_doubtful())
    }

    /// Takes one of the tasks that spares have left to others.
    fn take_doubtful(&self) -> Option<Runnable> {
        if self.spare { None } else { self.pool.doubtful.take() }
    }

    /// How many of those that wait in inject this worker takes at once.
    fn share(&self, waiting: usize) -> usize {
        (waiting / self.pool.workers + 1).min(INJECT_BATCH)
    }

    /// Looks at inject, the timers and the driver, without sleeping (rule 3).
    fn look_outside(&self, pace: &mut Pace) {
        let mut batch = WakeBatch::new();
        if let Some(mut seated) = self.pool.seat.try_sit() {
            seated.driver().poll(&mut batch).unwrap_or_else(|error| super::driver_broke(&error));
        }
        self.pool.timers.expire(self.kernel().now(), &mut batch);
        if !batch.is_empty() {
            pace.found();
        }
        self.wake_batch(&mut batch);
        // Rule 2: tasks that are here get every other turn at least.
        let most = self.place().queued().max(1);
        self.pool.inject.take(|waiting| self.share(waiting).min(most), |task| self.push(task));
        if let Some(task) = self.take_doubtful() {
            self.push(task);
        }
        // One that this worker runs next is no reason to wake another.
        if self.place().queued() > 1 {
            self.pool.wake_one();
        }
        let now = self.kernel().real_now();
        self.watch.worked(self.counts(), self.polls(), now);
        pace.looked(now);
    }

    /// Searches, and sleeps when there is nothing. Returns after work was found (and polled), or the worker has slept.
    fn without_work(&self, pace: &mut Pace, patience: &mut Patience) {
        let searching = self.pool.idle.search();
        if searching {
            let mut found = None;
            patience.spin_until(|| {
                found = self.take_injected().or_else(|| self.steal());
                found.is_some() || self.pool.is_closed()
            });
            if let Some(task) = found {
                self.found_work();
                return self.poll(task, pace);
            }
        }
        self.pool.idle.sleep(self.index, searching);
        self.idles.set(true);
        if !self.has_reason_to_stay_awake() {
            run_hook(&self.pool.hooks.park);
            self.abort_if_forked();
            // The hook may have spawned: what it left here nobody else would run. And if it had a blocking part, nobody
            // counts on this worker any more.
            if self.idles.get() && self.place().queued() == 0 {
                let mut batch = WakeBatch::new();
                self.watch.falls_asleep(self.counts(), self.polls(), self.kernel().real_now());
                self.sleep(&mut batch);
                self.watch.wakes(self.counts(), self.kernel().real_now());
                self.wake_batch(&mut batch);
            }
            run_hook(&self.pool.hooks.unpark);
        }
        self.search_again();
        self.pool.worker_is_awake();
        let task = self.next_task().or_else(|| self.steal());
        self.stop_searching();
        pace.found();
        pace.looked(self.kernel().real_now());
        if let Some(task) = task {
            self.poll(task, pace);
        }
    }

    /// Takes its name off the list. By its own hand or by that of whoever woke it, the worker is searching now, unless a
    /// hook had a blocking part.
    fn search_again(&self) {
        if self.idles.get() {
            self.pool.idle.stay_awake(self.index);
        }
    }

    /// Nobody counts on this worker any more, if anybody did: it has looked for work.
    fn stop_searching(&self) {
        if self.idles.take() {
            self.found_work();
        }
    }

    /// Stops searching; the last searcher wakes another if work is left.
    fn found_work(&self) {
        if self.pool.idle.stop_searching() && self.pool.has_work() {
            self.pool.wake_one();
        }
    }

    /// Sleeps: in the driver if the seat is free, else on the parker.
    fn sleep(&self, batch: &mut WakeBatch) {
        let place = self.place();
        let Some(mut seated) = self.pool.seat.try_sit() else { return place.park() };
        let slept = place.sit(|| {
            let deadline = self.pool.timers.begin_park();
            let result = seated.driver().park(deadline, batch);
            self.pool.timers.end_park();
            result
        });
        if let Some(Err(error)) = slept {
            super::driver_broke(&error);
        }
        self.pool.timers.expire(self.kernel().now(), batch);
        // The seat is free before anything that was found runs.
        drop(seated);
        if self.pool.tuning.hands_seat_on && !batch.is_empty() {
            self.pool.offer_seat();
        }
    }

    /// Wakes what the driver found, into the ring (rule 4).
    fn wake_batch(&self, batch: &mut WakeBatch) {
        self.batching.set(true);
        wake(batch);
        self.batching.set(false);
    }

    /// Takes half of another worker's ring, or else what is in the slot of one that is stuck.
    fn steal(&self) -> Option<Runnable> {
        let places = self.pool.places.visible();
        if places == 1 {
            // No random number is used up, so that those of a lone worker's tasks follow from the seed.
            return None;
        }
        let start = local::random_below(places as u32) as usize;
        (0..places)
            .map(|offset| (start + offset) % places)
            .filter(|index| *index != self.index)
            .find_map(|index| self.pool.places.get(index).ring.take_some_into(&self.place().ring))
            .or_else(|| (0..places).find_map(|index| self.pool.places.get(index).steal_slot()).map(|task| (task, 1)))
            .map(|(task, count)| {
                self.counts().stole(count);
                task
            })
    }

    /// Puts a runnable into the ring; when that is full, half of it goes to inject.
    fn push(&self, task: Runnable) {
        let ring = &self.place().ring;
        if let Err(task) = ring.push(task) {
            let pushed = self.pool.inject.push_all(ring.take_half().into_iter().chain([task]));
            pushed.unwrap_or_else(|refused| self.refused.borrow_mut().extend(refused));
            self.counts().overflowed();
            self.pool.wake_one();
        }
    }

    fn push_to_inject(&self, task: Runnable) {
        self.pool.inject.push(task).unwrap_or_else(|task| self.refused.borrow_mut().push(task));
    }

    /// Leaves the place empty: what is queued goes to inject, or is cancelled if the pool is closed.
    fn leave(&self) {
        let place = self.place();
        self.watch.ends(self.counts(), self.polls(), self.kernel().real_now());
        place.set_thread(None);
        self.pool.loops.fetch_sub(1, Ordering::SeqCst);
        let mut left = false;
        while let Some(task) = place.take_slot().or_else(|| place.ring.pop()) {
            self.push_to_inject(task);
            left = true;
        }
        if left {
            self.pool.wake_one();
        }
        self.pool.offer_seat();
        drop(self.refused.take());
    }

    /// Makes what is queued here available to others, for a blocking part. In a hook around its sleep the worker does not
    /// count as one that sleeps or searches, from now on.
    pub(crate) fn hand_over(&self) {
        self.search_again();
        self.stop_searching();
        self.offer_what_is_queued();
    }

    /// What is queued here others may take, and somebody is awake for it.
    fn offer_what_is_queued(&self) {
        if let Some(task) = self.place().take_slot() {
            self.push(task);
        }
        if !self.place().ring.is_empty() {
            self.pool.wake_one();
        }
    }

    /// The worker that this thread is, or stands in for while that one is in a blocking part, runs on this thread from now
    /// on, as far as the counts tell. One that is stuck has not left its thread.
    pub(crate) fn sign(&self) {
        if !self.spare || self.pool.places.get(self.acts_as).is_announced() {
            self.pool.counts[self.acts_as].own.is_this_thread();
        }
    }

    /// Where this worker counts.
    #[inline]
    pub(crate) fn counts(&self) -> &Counts {
        let counts = &self.pool.counts[self.acts_as];
        if self.spare { &counts.deputies } else { &counts.own }
    }

    /// How many polls there were in this place.
    fn polls(&self) -> u64 {
        self.place().polls().0
    }

    fn place(&self) -> &Place {
        self.pool.places.get(self.index)
    }

    fn kernel(&self) -> &dyn Kernel {
        &*self.pool.kernel
    }
}
