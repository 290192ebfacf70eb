//! The work-stealing scheduler: worker threads, each with a queue of its own, that take from each other.
//!
//! - `worker`: the loop of one thread. `place`: what others see of it. `places`: the array of them.
//! - `ring`: a worker's own queue. `inject`: the shared one.
//! - `monitor`: a thread that sees to it that nothing gets stuck. `judge`: how it decides. `alarm`: when it sleeps.
//! - `gate`: tasks of which not too many are polled at once. `spares`: threads that stand in. `balance`: how many of them.
//! - `idle` and `idle.md`: who sleeps and whom to wake. `seat`: who waits in the driver.
//! - `member`: a thread of the pool, as long as it is one. `ending`: a panic that ends the pool. `interface`: what tasks and
//!   handles call.
//!
//! 1. The pool's threads keep it alive, and with it every task that is not complete (rule 1 of `unstuck_task::Home`).
//! 2. Shutdown: the pool is closed, which every thread sees before its next poll. Each that leaves cancels all tasks but
//!    those that are being polled, whose own threads do so. The last one to leave tells the timers and the driver's
//!    resources, and drops the driver. When half of the time has passed that whoever shuts down will wait, a thread that is
//!    started for it does this: futures that are dropped, and wakers, may take as long as they like. A thread that is the last
//!    one, and blocks in such a drop, tells them before.
//! 3. A thread in a blocking part keeps its place, runs nothing, and is replaced by a spare for that time (`spares`).
//! 4. Every thread is a `Member` (`member`), from before it is started: whatever becomes of it, it leaves.

pub(crate) mod alarm;
pub(crate) mod balance;
mod ending;
pub(crate) mod gate;
pub(crate) mod idle;
mod interface;
pub(crate) mod judge;
pub(crate) mod member;
mod monitor;
pub(crate) mod place;
pub(crate) mod places;
pub(crate) mod ring;
pub(crate) mod seat;
mod spares;
pub(crate) mod worker;

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use unstuck_base::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use unstuck_base::{CachePadded, WakeBatch, local};
use unstuck_context::Handle;
use unstuck_driver::{Driver, Kernel, Offload, Timers};
use unstuck_task::{HomeRef, Probe, Runnable, TaskList};

use crate::blocking::StartThread;
use crate::counts::{Counts, Tally};
use crate::hooks::QueueClock;
use crate::inject::Inject;
use crate::latch::Latch;
use crate::panics::Then;
use crate::root;
use crate::worker_local::current_belonging;
use crate::{Hooks, Tuning, wake};
use balance::Balance;
use ending::Ending;
use gate::{Gate, UNLIMITED};
use idle::Idle;
use member::{Finisher, Member, Watcher};
use monitor::Monitor;
use places::Places;
use ring::Ring;
use seat::Seat;

/// How a pool is made.
pub struct Config {
    /// How many threads run tasks; at least 1.
    pub workers: usize,
    /// How many spares may replace threads in blocking parts.
    pub spares: usize,
    /// Makes a thread, given what it does. Called once per worker, and perhaps for one that ends the pool.
    pub start_thread: StartThread,
    /// What the user wants to be told of.
    pub hooks: Hooks,
    /// How the workers go about it.
    pub tuning: Tuning,
    /// Where random numbers begin.
    pub seed: u64,
    /// `None`: nobody looks after polls that do not end.
    pub monitor: Option<MonitorConfig>,
}

/// How stuck polls are found.
pub struct MonitorConfig {
    /// A poll that lasts for so long is stuck.
    pub threshold: Duration,
    /// Makes the monitor's thread, given what it does. Called once.
    pub start_thread: StartThread,
}

/// The scheduler, as its runtime holds it.
pub struct Pool {
    shared: Arc<Shared>,
}

/// What tasks, handles and workers reach.
pub struct Shared {
    home: HomeRef,
    tasks: TaskList,
    pub(crate) inject: Inject,
    pub(crate) idle: Idle,
    pub(crate) places: Places,
    pub(crate) seat: Seat,
    pub(crate) kernel: Arc<dyn Kernel>,
    pub(crate) timers: Arc<Timers>,
    pub(crate) workers: usize,
    pub(crate) hooks: Hooks,
    /// `None`: how long tasks are queued is not measured.
    pub(crate) queue_clock: Option<QueueClock>,
    pub(crate) tuning: Tuning,
    /// Of each configured worker.
    pub(crate) counts: Box<[PlaceCounts]>,
    /// How often the polls of root futures used up their budget.
    forced_yields: Tally,
    pub(crate) seed: u64,
    blocking: Arc<dyn Offload>,
    start_thread: StartThread,
    /// Whether a thread was started that finishes (rule 2).
    has_finisher: AtomicBool,
    closed: AtomicBool,
    /// How many threads are cancelling the tasks.
    cancelling: AtomicUsize,
    pub(crate) balance: Balance,
    threads: Arc<Latch>,
    /// How many threads are in the loop of a worker.
    loops: AtomicUsize,
    /// Where tasks with long polls wait for their turn.
    pub(crate) long: Gate,
    /// Where spares leave those, and tasks that nobody has polled yet. Other workers need not ask.
    pub(crate) doubtful: Gate,
    monitor: Option<Monitor>,
    ending: Ending,
}

/// What is counted for one of the configured workers.
pub(crate) struct PlaceCounts {
    /// By its own thread.
    pub(crate) own: CachePadded<Counts>,
    /// By those that stand in for it while it is in a blocking part.
    pub(crate) deputies: CachePadded<Counts>,
}

impl PlaceCounts {
    fn new(tuning: &Tuning) -> Self {
        PlaceCounts {
            own: CachePadded::new(Counts::of_one(tuning)),
            deputies: CachePadded::new(Counts::of_several(tuning)),
        }
    }
}

impl Pool {
    /// A pool whose threads do not run yet.
    pub fn new(
        config: &Config,
        kernel: Arc<dyn Kernel>,
        driver: Box<dyn Driver>,
        timers: Arc<Timers>,
        blocking: Arc<dyn Offload>,
    ) -> Self {
        let workers = config.workers;
        let shared = Arc::new(Shared {
            home: HomeRef::new(),
            tasks: TaskList::new(workers).with_times(config.tuning.measures_queueing()),
            inject: Inject::new(),
            idle: Idle::new(workers),
            places: Places::new(workers, config.spares),
            seat: Seat::new(driver),
            queue_clock: config.tuning.measures_queueing().then(|| QueueClock::new(kernel.clone())),
            kernel,
            timers,
            workers,
            hooks: config.hooks.clone(),
            counts: (0..workers).map(|_| PlaceCounts::new(&config.tuning)).collect(),
            tuning: config.tuning.clone(),
            forced_yields: Tally::new(),
            seed: config.seed,
            blocking,
            start_thread: config.start_thread.clone(),
            has_finisher: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            cancelling: AtomicUsize::new(0),
            balance: Balance::new(),
            threads: Latch::new(),
            loops: AtomicUsize::new(0),
            long: Gate::new(workers),
            doubtful: Gate::new(UNLIMITED),
            monitor: config.monitor.as_ref().map(|monitor| Monitor::new(monitor.threshold)),
            ending: Ending::new(),
        });
        // SAFETY: the Arc's content does not move. The last thread closes the list, waits for wakers and drains (rule 2)
        // before it gives its reference back; without any thread, the drop of `Pool` does.
        unsafe { shared.home.bind(&*shared) };
        Pool { shared }
    }

    /// What handles hold.
    pub fn scheduler(&self) -> Arc<Shared> {
        self.shared.clone()
    }

    /// Starts the threads, each in the context of `handle`.
    ///
    /// # Errors
    /// If a thread can't be started; those that were are told to end.
    pub fn start(&self, handle: &Handle, config: &Config) -> io::Result<()> {
        for index in 0..self.shared.workers {
            let member = Member::worker(&self.shared, handle.clone(), index);
            (config.start_thread)(Box::new(move || member.run())).inspect_err(|_| self.shared.close())?;
        }
        if let Some(monitor) = &config.monitor {
            let watcher = Watcher::new(&self.shared, handle.clone());
            (monitor.start_thread)(Box::new(move || watcher.run())).inspect_err(|_| self.shared.close())?;
        }
        Ok(())
    }

    /// Runs `future` to its end on this thread, which polls nothing else.
    ///
    /// # Panics
    /// If the future does; if a task has panicked, where that is to end the runtime.
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        match self.shared.hooks.panic.then {
            Then::End => root::block_on(self.shared.ending.watched(future)),
            Then::Nothing | Then::Abort => root::block_on(future),
        }
    }

    /// Closes the pool, and waits until its threads have gone, at most for `limit` (`None`: for as long as it takes); not
    /// for itself, if this is one of them. After that every task is cancelled, or about to be, but those that are being
    /// polled; with a limit of zero that is left to the threads. `true`: the threads have gone.
    ///
    /// The thread is in the runtime's context.
    pub fn shut_down(&self, limit: Option<Duration>) -> bool {
        let shared = &self.shared;
        shared.close();
        if !shared.threads.is_anybody_running() {
            if limit.is_none() { shared.finish() } else { shared.finish_elsewhere() }
        }
        // In a blocking part, or dropping what it cancels: it will leave after that.
        let own = usize::from(current_belonging(|belongs| Arc::ptr_eq(&belongs.pool, shared)).unwrap_or(false));
        let wait = |limit| shared.threads.wait(own, limit, || shared.kernel.real_now());
        match limit {
            None if wait(None) && own == 0 => true,
            None => {
                shared.finish();
                false
            }
            Some(limit) if limit.is_zero() => wait(Some(limit)) && own == 0,
            // Some time is left to whoever finishes.
            Some(limit) if wait(Some(limit / 2)) && own == 0 => true,
            Some(limit) => {
                shared.finish_elsewhere();
                wait(Some(limit - limit / 2)) && own == 0
            }
        }
    }

    /// After a shutdown that began at `closed`: the tasks that are not gone, but for the one that asks, and since when each of
    /// them is polled, or to be dropped, at least.
    pub fn stragglers(&self, closed: Instant) -> Vec<(Instant, Probe)> {
        let shared = &*self.shared;
        let polled = (0..shared.places.visible()).filter_map(|index| {
            let (task, epoch) = shared.places.get(index).polled()?;
            Some((task, shared.monitor.as_ref()?.first_seen(index, epoch)?))
        });
        let polled: HashMap<_, _> = polled.collect();
        let own = local::current_task().map(|task| task.id);
        let mut tasks = shared.tasks.probes();
        tasks.retain(|task| Some(task.id.number()) != own);
        let since = |task: &Probe| polled.get(&task.id.number().get()).map_or(closed, |since| closed.min(*since));
        tasks.into_iter().map(|task| (since(&task), task)).collect()
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        if !self.shared.home.get().process().is_this() {
            // Its threads are the parent's, and keep all of it.
            return;
        }
        self.shared.close();
        // Those that are there finish when they go; also one that comes back from a blocking part.
        if !self.shared.threads.is_anybody_there() {
            self.shared.finish();
        }
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("workers", &self.shared.workers).finish_non_exhaustive()
    }
}

impl Shared {
    pub(crate) fn is_closed(&self) -> bool {
        // Acquire: pairs with the Release in `close`.
        self.closed.load(Ordering::Acquire)
    }

    fn close(&self) {
        // SeqCst by the lock in `wake_all`: a worker that goes to sleep later has its name on the list after that lock was
        // released, so it sees this store.
        self.closed.store(true, Ordering::Release);
        for index in self.idle.wake_all() {
            self.unpark(index);
        }
        if let Some(monitor) = &self.monitor {
            monitor.end();
        }
    }

    /// How many threads are in the loop of a worker.
    fn loops(&self) -> usize {
        // SeqCst: as the changes, which the monitor's last look before it sleeps must not miss.
        self.loops.load(Ordering::SeqCst)
    }

    /// A worker is awake that slept, or may have: the monitor looks after it.
    #[inline]
    pub(crate) fn worker_is_awake(&self) {
        if let Some(monitor) = &self.monitor {
            monitor.worker_woke();
        }
    }

    /// Cancels every task but those that are being polled: their threads cancel them when the polls return. The pool is
    /// closed. When several threads do this, the last of them drops what is queued.
    fn cancel_all(&self) {
        self.cancelling.fetch_add(1, Ordering::Relaxed);
        self.tasks.close();
        // AcqRel: the last one comes after all that the others did. Now no task is idle any more.
        if self.cancelling.fetch_sub(1, Ordering::AcqRel) > 1 {
            return;
        }
        // Wakers that found a task idle have queued it after this, so that the queue never refuses what a waker brings.
        self.home.wait_for_wakers();
        drop(self.inject.close());
        drop(self.long.close());
        drop(self.doubtful.close());
        let nowhere = Ring::new();
        for index in 0..self.places.visible() {
            let place = self.places.get(index);
            drop(place.take_slot());
            while let Some(task) = place.ring.take_into(&nowhere) {
                drop(task);
                drop(nowhere.take_half());
            }
        }
    }

    /// Tells everybody that the runtime has ended, and drops what is left of it. It may be called again.
    fn finish(&self) {
        self.cancel_all();
        self.tell_the_end();
    }

    /// Tells the timers and the driver's resources. It may be called again.
    fn tell_the_end(&self) {
        let mut batch = WakeBatch::new();
        self.timers.shutdown(&mut batch);
        if let Some(mut driver) = self.seat.close() {
            driver.shut_down(&mut batch);
        }
        wake(&mut batch);
    }

    /// As [`finish`](Shared::finish), but on another thread: users' code may keep it for long.
    fn finish_elsewhere(self: &Arc<Self>) {
        let Ok(handle) = unstuck_context::try_current() else { return self.finish() };
        // Relaxed: nothing else hangs on it.
        if self.has_finisher.swap(true, Ordering::Relaxed) {
            return;
        }
        let finisher = Finisher::new(self, handle);
        // Where no thread is to be had, it is left to those that are there, or come back from their blocking parts.
        if (self.start_thread)(Box::new(move || finisher.run())).is_err() {
            self.has_finisher.store(false, Ordering::Relaxed);
        }
    }

    /// A thread has ended, or is in a blocking part. The last one ends a closed pool; if it was not closed yet, whoever
    /// closes it does.
    fn one_runner_less(&self) {
        if self.threads.end() && self.is_closed() {
            self.finish();
        }
    }

    fn unpark(&self, index: usize) {
        self.places.get(index).unpark(|| self.kernel.unpark());
    }

    /// Work was queued where any worker may take it.
    #[inline]
    pub(crate) fn wake_one(&self) {
        if let Some(index) = self.idle.wake_one() {
            self.unpark(index);
        }
    }

    /// As [`wake_one`](Shared::wake_one), by a worker that queued in its own ring.
    #[inline]
    pub(crate) fn wake_one_soon(&self) {
        if let Some(index) = self.idle.wake_one_soon() {
            self.unpark(index);
        }
    }

    /// This thread will not go to sleep in the driver: somebody else does.
    pub(crate) fn offer_seat(&self) {
        if let Some(index) = self.seat.offer(&self.idle) {
            self.unpark(index);
        }
    }

    /// A spare has left a task to the others: one of them wakes for it, if any sleeps.
    pub(crate) fn wake_for_doubtful(&self) {
        if let Some(index) = self.idle.wake_a(|index| index < self.workers) {
            self.unpark(index);
        }
    }

    /// Queues a task where any worker may take it, or gives it back when it is too late for that.
    pub(crate) fn queue_from_outside(&self, task: Runnable) -> Result<(), Runnable> {
        self.inject.push_from_outside(task)?;
        self.wake_one();
        Ok(())
    }

    /// Is there anything that a worker could take? Call it after a fence; see `idle.md`.
    pub(crate) fn has_work(&self) -> bool {
        !self.inject.is_empty() || (0..self.places.visible()).any(|index| self.places.get(index).has_work_for_others())
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("workers", &self.workers).field("tasks", &self.tasks).finish_non_exhaustive()
    }
}

/// The outside world can't be waited for any more: no task that waits for it would ever run.
#[cold]
fn driver_broke(error: &io::Error) -> ! {
    panic!("the I/O driver broke and can't be waited for: {error}")
}

#[cfg(all(test, not(unstuck_loom)))]
mod tests;
