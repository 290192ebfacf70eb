//! The single-threaded scheduler: tasks run on whichever thread is in `block_on`.
//!
//! 1. The `Core` (queue and driver) is with one thread at a time, that of a `block_on`. Others that are in `block_on`
//!    meanwhile poll only their own root futures; when the core is given back, one of them takes it.
//! 2. The thread with the core pushes to its own queue without a lock; all others push to inject, and wake the thread if
//!    it sleeps in the driver. It says that it is going to sleep before it looks at inject for the last time.
//! 3. Fairness: the queue is first in, first out. The outside world is looked at as `pace.rs` says, and each time
//!    what is in inject joins the queue. Between two polls of the root future the tasks that are queued have their turn,
//!    `ROUND` of them at most.
//! 4. In a forked child the scheduler of its parent polls and drops nothing: `block_on` panics unless its future ends.
//! 5. The runtime's own thread-local role is set while futures are polled or dropped, so that what they wake is queued
//!    here.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use unstuck_base::parker::Parker;
use unstuck_base::prng::Prng;
use unstuck_base::sync::Mutex;
use unstuck_base::sync::atomic::{AtomicBool, Ordering};
use unstuck_base::{CachePadded, WakeBatch, local};
use unstuck_context::{CantBlock, Flavor, Scheduler, Spawner, WorkerCounts};
use unstuck_driver::{Driver, Kernel, Timers};
use unstuck_task::{HomeRef, Origin, Runnable, Schedule, TaskList};

use crate::asleep::Asleep;
use crate::counts::{Counts, Length, Stopwatch, Tally};
use crate::hooks::{self, QueueClock, queued};
use crate::inject::Inject;
use crate::pace::{Every, Pace};
use crate::panics::TaskPanic;
use crate::root::Root;
use crate::worker_local::{as_single, current_single};
use crate::{Hooks, Tuning, run_hook, wake};

/// So many tasks at most are polled between two polls of a root future that is woken.
const ROUND: usize = 32;

/// The scheduler, as its runtime holds it.
pub struct Single {
    shared: Arc<Shared>,
    core: Mutex<Option<Core>>,
    /// Threads in `block_on` that would take the core.
    waiting: Mutex<Vec<Arc<RootWaker>>>,
}

/// What tasks and handles reach.
pub struct Shared {
    home: HomeRef,
    tasks: TaskList,
    inject: Inject,
    kernel: Arc<dyn Kernel>,
    timers: Arc<Timers>,
    /// Whether the thread with the core sleeps in the driver.
    asleep: Asleep,
    /// Written by the thread with the core only.
    counts: CachePadded<Counts>,
    /// How long the queue is. Written by the thread with the core only.
    queued: Length,
    /// How often a poll used up its budget.
    forced_yields: Tally,
    hooks: Hooks,
    /// `None`: how long tasks are queued is not measured.
    queue_clock: Option<QueueClock>,
    tuning: Tuning,
    /// A task has panicked, and that is to end the runtime: whoever is in `block_on`, or comes later, panics.
    panicked: AtomicBool,
    /// Which one it was, from before `panicked` is set.
    why: OnceLock<String>,
    /// See [`Single::stay_on_this_thread`].
    only_thread: OnceLock<ThreadId>,
}

/// What the one thread needs to run tasks.
struct Core {
    /// `None`: the runtime has ended, by a panic.
    driver: Option<Box<dyn Driver>>,
    queue: VecDeque<Runnable>,
    random: Prng,
}

/// A thread that has the core.
pub(crate) struct Running {
    shared: *const Shared,
    queue: RefCell<VecDeque<Runnable>>,
    /// The task in progress was woken during its poll.
    yielded: Cell<bool>,
    /// Says when inject has its turn, whatever is queued.
    injects_turn: Every,
    watch: Stopwatch,
}

impl Single {
    /// A scheduler over this kernel and driver.
    pub fn new(
        kernel: Arc<dyn Kernel>,
        driver: Box<dyn Driver>,
        timers: Arc<Timers>,
        seed: u64,
        hooks: Hooks,
        tuning: Tuning,
    ) -> Self {
        let shared = Arc::new(Shared {
            home: HomeRef::new(),
            tasks: TaskList::new(0).with_times(tuning.measures_queueing()),
            inject: Inject::new(),
            queue_clock: tuning.measures_queueing().then(|| QueueClock::new(kernel.clone())),
            kernel,
            timers,
            asleep: Asleep::new(),
            counts: CachePadded::new(Counts::of_one(&tuning)),
            queued: Length::new(),
            forced_yields: Tally::new(),
            hooks,
            tuning,
            panicked: AtomicBool::new(false),
            why: OnceLock::new(),
            only_thread: OnceLock::new(),
        });
        // SAFETY: the Arc's content does not move; `shut_down`, which the drop of `Single` calls at the latest, closes the
        // list, waits for wakers, and drains, before the last reference can go.
        unsafe { shared.home.bind(&*shared) };
        let core = Core { driver: Some(driver), queue: VecDeque::new(), random: Prng::seeded(seed) };
        Single { shared, core: Mutex::new(Some(core)), waiting: Mutex::new(Vec::new()) }
    }

    /// Binds the scheduler to this thread: tasks that are not `Send` may be spawned here.
    ///
    /// # Safety
    /// From now on this `Single` stays on this thread: it is run, shut down and dropped here.
    pub unsafe fn stay_on_this_thread(&self) {
        self.shared.only_thread.get_or_init(|| thread::current().id());
    }

    /// What handles hold.
    pub fn scheduler(&self) -> Arc<Shared> {
        self.shared.clone()
    }

    /// Runs `future` to its end, and tasks meanwhile. The thread is in the runtime's context.
    ///
    /// # Errors
    /// If the driver breaks.
    ///
    /// # Panics
    /// If the future does; if a task has panicked, where that is to end the runtime.
    pub fn block_on<F: Future>(&self, future: F) -> io::Result<F::Output> {
        let mut future = std::pin::pin!(future);
        let waker =
            Arc::new(RootWaker { woken: AtomicBool::new(true), parker: Parker::new(), shared: self.shared.clone() });
        let mut root = Root::new();
        loop {
            if let Some(core) = self.take_core() {
                return self.run(core, root, future, &waker);
            }
            if waker.take() {
                let polled = root.poll(future.as_mut(), &mut Context::from_waker(&Waker::from(waker.clone())));
                if let Poll::Ready(output) = polled {
                    return Ok(output);
                }
            }
            self.shared.assert_is_here();
            self.waiting.lock().push(waker.clone());
            // The core may have come back before we were on the list.
            if self.core.lock().is_none() {
                waker.parker.park();
            }
            self.waiting.lock().retain(|other| !Arc::ptr_eq(other, &waker));
        }
    }

    /// Cancels all tasks, and drops the driver. The thread is in the runtime's context, and no other is in `block_on`.
    pub fn shut_down(&self) {
        let Some(core) = self.take_core() else { return };
        let (running, mut driver, random) = Running::begin(&self.shared, core);
        let outer = local::seed_random(Some(random));
        running.enter(|| running.end(&mut driver));
        local::seed_random(outer);
    }

    fn take_core(&self) -> Option<Core> {
        self.core.lock().take()
    }

    /// Runs tasks and the root future, with the core, until the root future ends.
    fn run<F: Future>(
        &self,
        core: Core,
        mut root: Root,
        mut future: Pin<&mut F>,
        root_waker: &Arc<RootWaker>,
    ) -> io::Result<F::Output> {
        let (running, driver, random) = Running::begin(&self.shared, core);
        let mut back = GiveBack { single: self, running: &running, driver, random: local::seed_random(Some(random)) };
        let waker = Waker::from(root_waker.clone());
        let mut cx = Context::from_waker(&waker);
        let mut batch = WakeBatch::new();
        let shared = &*self.shared;
        shared.counts.is_this_thread();
        let mut pace = Pace::new(shared.tuning.event_interval, shared.kernel.real_now());
        // How many tasks have their turn before the root future.
        let mut turns = 0;
        running.enter(|| {
            loop {
                let mut look = false;
                // A poll may have forked: in the child nothing runs any more.
                shared.assert_is_here();
                if shared.has_panicked() {
                    running.end(&mut back.driver);
                    let why = shared.why.get().map_or("", String::as_str);
                    panic!(
                        "a spawned task panicked and the runtime is configured to shut down on unhandled panic: {why}"
                    );
                }
                if turns == 0 && root_waker.take() {
                    if let Poll::Ready(output) = root.poll(future.as_mut(), &mut cx) {
                        return Ok(output);
                    }
                    shared.assert_is_here();
                    let queued = running.queue.borrow().len();
                    turns = queued.clamp(1, ROUND);
                    look = running.polled(&mut pace, root_waker.is_woken(), turns.min(queued) + 1);
                }
                let driver = back.driver.as_mut().expect("it is there until a panic ends the runtime");
                let after = running.run_some(&mut pace, root_waker, &mut turns, look);
                match after {
                    After::Root => continue,
                    After::Look => driver.poll(&mut batch)?,
                    After::Nothing => running.sleep(&mut **driver, root_waker, &mut batch)?,
                }
                shared.timers.expire(shared.kernel.now(), &mut batch);
                if matches!(after, After::Nothing) || !batch.is_empty() {
                    pace.found();
                }
                wake(&mut batch);
                running.take_injected();
                let now = shared.kernel.real_now();
                running.worked(now);
                pace.looked(now);
            }
        })
    }
}

impl Drop for Single {
    fn drop(&mut self) {
        if !self.shared.home.get().process().is_this() {
            // What it runs is the parent's, and is neither run nor dropped here.
            std::mem::forget(self.core.get_mut().take());
            return;
        }
        self.shut_down();
    }
}

/// Gives the core back when the thread leaves, also by a panic of the root future.
struct GiveBack<'a> {
    single: &'a Single,
    running: &'a Running,
    driver: Option<Box<dyn Driver>>,
    random: Option<Prng>,
}

impl Drop for GiveBack<'_> {
    fn drop(&mut self) {
        if !self.single.shared.home.get().process().is_this() {
            // As in the drop of `Single`.
            std::mem::forget((self.running.queue.take(), self.driver.take()));
            local::seed_random(self.random.take());
            return;
        }
        self.running.worked(self.single.shared.kernel.real_now());
        let random = local::seed_random(self.random.take()).unwrap_or_else(|| Prng::seeded(0));
        let queue = self.running.queue.take();
        let driver = self.driver.take();
        *self.single.core.lock() = Some(Core { driver, queue, random });
        for waiting in std::mem::take(&mut *self.single.waiting.lock()) {
            waiting.parker.unpark();
        }
    }
}

/// Why a thread stopped running tasks for a moment.
enum After {
    /// The root future is to be polled.
    Root,
    /// It is time to look at the driver.
    Look,
    /// Nothing is queued.
    Nothing,
}

impl Running {
    fn begin(shared: &Shared, core: Core) -> (Running, Option<Box<dyn Driver>>, Prng) {
        let Core { driver, queue, random } = core;
        let running = Running {
            shared,
            queue: RefCell::new(queue),
            yielded: Cell::new(false),
            injects_turn: Every::nth(shared.tuning.inject_interval),
            watch: Stopwatch::started(shared.kernel.real_now(), shared.counts.polls()),
        };
        (running, driver, random)
    }

    fn shared(&self) -> &Shared {
        // SAFETY: `Single` holds the Arc, and a `Running` lives inside its methods only.
        unsafe { &*self.shared }
    }

    /// Runs `f` as the scheduler's thread: what is woken meanwhile is queued here.
    fn enter<R>(&self, f: impl FnOnce() -> R) -> R {
        struct Restore((*const (), usize));
        impl Drop for Restore {
            fn drop(&mut self) {
                local::set_home(self.0.0, self.0.1);
            }
        }
        let _restore = Restore(local::set_home(self.shared().home.get().key(), 0));
        as_single(self, f)
    }

    /// Runs tasks until there is a reason to stop, the next `turns` of them before the root future.
    fn run_some(&self, pace: &mut Pace, root: &RootWaker, turns: &mut usize, mut look: bool) -> After {
        loop {
            if look {
                return After::Look;
            }
            if *turns == 0 && root.is_woken() {
                return After::Root;
            }
            let Some(task) = self.next() else {
                *turns = 0;
                return if root.is_woken() { After::Root } else { After::Nothing };
            };
            *turns = turns.saturating_sub(1);
            self.yielded.set(false);
            let shared = self.shared();
            shared.counts.polled();
            let (clock, now) = (shared.queue_clock.as_ref(), || shared.kernel.real_now());
            // However long a poll was: nobody else could have run the others meanwhile.
            hooks::poll(task, &shared.hooks, &shared.counts, clock, now, || false);
            look = self.polled(pace, self.yielded.get(), self.queue.borrow().len());
            if shared.has_panicked() || !shared.home.get().process().is_this() {
                return After::Root;
            }
        }
    }

    /// Counts a poll. Says whether it is time to look at the driver, whatever is queued.
    fn polled(&self, pace: &mut Pace, yielded: bool, queued: usize) -> bool {
        pace.polled(yielded, queued, || self.shared().kernel.real_now())
    }

    fn next(&self) -> Option<Runnable> {
        if self.injects_turn.turn() {
            self.take_injected();
        }
        self.pop().or_else(|| {
            self.take_injected();
            self.pop()
        })
    }

    fn pop(&self) -> Option<Runnable> {
        let mut queue = self.queue.borrow_mut();
        let task = queue.pop_front();
        self.shared().tell_length(&queue);
        task
    }

    /// What is in inject joins the queue.
    fn take_injected(&self) {
        let mut queue = self.queue.borrow_mut();
        self.shared().inject.take_all(&mut queue);
        self.shared().tell_length(&queue);
    }

    /// Cancels every task, drops what is queued, and ends every wait for the outside world, whoever waits. The runtime runs
    /// nothing after that. It may be called again.
    fn end(&self, driver: &mut Option<Box<dyn Driver>>) {
        let Some(mut driver) = driver.take() else { return };
        let shared = self.shared();
        shared.tasks.close();
        shared.home.wait_for_wakers();
        // No task is idle any more, so nothing is queued after this but what is spawned at this moment: that is refused.
        drop(shared.inject.close());
        let queue = self.queue.take();
        shared.tell_length(&VecDeque::new());
        drop(queue);
        let mut batch = WakeBatch::new();
        shared.timers.shutdown(&mut batch);
        wake(&mut batch);
        driver.shut_down(&mut batch);
        wake(&mut batch);
    }

    /// The time until now was work.
    fn worked(&self, now: Instant) {
        let counts = &self.shared().counts;
        self.watch.worked(counts, counts.polls(), now);
    }

    /// Sleeps in the driver, unless there is something to do after all.
    fn sleep(&self, driver: &mut dyn Driver, root: &RootWaker, batch: &mut WakeBatch) -> io::Result<()> {
        let shared = self.shared();
        run_hook(&shared.hooks.park);
        shared.asleep.lie_down();
        // The hook may have spawned or woken, too.
        let result = if root.is_woken() || !shared.inject.is_empty() || !self.queue.borrow().is_empty() {
            driver.poll(batch)
        } else {
            self.watch.falls_asleep(&shared.counts, shared.counts.polls(), shared.kernel.real_now());
            let deadline: Option<Instant> = shared.timers.begin_park();
            let result = driver.park(deadline, batch);
            shared.timers.end_park();
            self.watch.wakes(&shared.counts, shared.kernel.real_now());
            result
        };
        shared.asleep.get_up();
        run_hook(&shared.hooks.unpark);
        result
    }
}

impl Shared {
    /// Panics in a child of the process whose scheduler this is.
    #[track_caller]
    fn assert_is_here(&self) {
        self.home.get().process().assert_is_this();
    }

    fn has_panicked(&self) -> bool {
        // Relaxed: whoever panics says so on the thread that asks next, or before that thread gets the core.
        self.panicked.load(Ordering::Relaxed)
    }

    /// Says how long the queue is, for whoever counts.
    #[inline]
    fn tell_length(&self, queue: &VecDeque<Runnable>) {
        self.queued.tell(queue.len());
    }

    /// Wakes the thread with the core, if it sleeps.
    fn unpark(&self) {
        if self.asleep.must_wake() {
            self.kernel.unpark();
        }
    }

    /// Queues a runnable on the scheduler's own thread, or gives it back.
    #[inline]
    fn queue_here(&self, task: Runnable, yielded: bool) -> Option<Runnable> {
        let mut task = Some(task);
        current_single(|running| {
            if std::ptr::eq(running.shared, self)
                && let Some(task) = task.take()
            {
                let mut queue = running.queue.borrow_mut();
                queue.push_back(task);
                self.tell_length(&queue);
                self.counts.scheduled();
                running.yielded.set(yielded || running.yielded.get());
            }
        });
        task
    }

    /// Queues a runnable from any other thread. One that was spawned while the runtime shuts down is refused, and cancelled
    /// here; one that was woken never is, since the shutdown waits for wakers before it closes the queue.
    fn queue_from_outside(&self, task: Runnable) {
        match self.inject.push_from_outside(task) {
            Ok(()) => self.unpark(),
            Err(task) => drop(task),
        }
    }
}

impl Schedule for Shared {
    #[inline]
    fn schedule(&self, task: Runnable) {
        let task = queued(&self.queue_clock, task);
        if let Some(task) = self.queue_here(task, false) {
            self.queue_from_outside(task);
        }
    }

    fn reschedule(&self, task: Runnable) {
        let task = queued(&self.queue_clock, task);
        if let Some(task) = self.queue_here(task, true) {
            self.queue_from_outside(task);
        }
    }

    fn tasks(&self) -> Option<&TaskList> {
        Some(&self.tasks)
    }

    fn ended(&self, origin: Origin<'_>) {
        self.hooks.terminated(origin);
    }

    fn panicked(&self, origin: Origin<'_>, payload: &(dyn Any + Send)) {
        if let Some(why) = self.hooks.panic.panicked(&TaskPanic::of_task(origin, payload)) {
            // The first one counts.
            let _later = self.why.set(why);
            self.panicked.store(true, Ordering::Relaxed);
        }
    }
}

impl Spawner for Shared {
    fn home(&self) -> &HomeRef {
        &self.home
    }

    fn live(&self) -> &TaskList {
        &self.tasks
    }

    fn spawned(&self, origin: Origin<'_>) {
        self.hooks.spawned(origin);
    }
}

impl Scheduler for Shared {
    fn flavor(&self) -> Flavor {
        Flavor::CurrentThread
    }

    fn workers(&self) -> usize {
        1
    }

    fn inject_depth(&self) -> usize {
        self.inject.len()
    }

    fn worker(&self, _index: usize) -> WorkerCounts {
        // Between two looks at the clock the polls of the root future count, too: that would be no mean of the tasks.
        let mean_poll = Duration::ZERO;
        WorkerCounts { mean_poll, queued: self.queued.read(), ..self.counts.read() }
    }

    fn worker_index(&self) -> Option<usize> {
        current_single(|running| std::ptr::eq(running.shared, self)).filter(|ours| *ours).map(|_| 0)
    }

    fn remote_schedules(&self) -> u64 {
        self.inject.pushed_from_outside()
    }

    fn forced_yields(&self) -> u64 {
        self.forced_yields.read()
    }

    fn forced_yield(&self) {
        self.forced_yields.add_one();
    }

    fn poll_time_bounds(&self) -> Option<&[u64]> {
        self.tuning.poll_times.as_deref()
    }

    fn poll_times(&self, _worker: usize, bucket: usize) -> u64 {
        self.counts.poll_times().map_or(0, |times| times.count(bucket))
    }

    fn queue_time_bounds(&self) -> Option<&[u64]> {
        self.tuning.queue_times.as_deref()
    }

    fn queue_times(&self, _worker: usize, bucket: usize) -> u64 {
        self.counts.queue_times().map_or(0, |times| times.count(bucket))
    }

    fn begin_blocking(&self) -> Result<Option<Box<dyn std::any::Any>>, CantBlock> {
        if current_single(|running| std::ptr::eq(running.shared, self)) != Some(true) {
            return Ok(None);
        }
        Err(CantBlock("can call blocking only when running on the multi-threaded runtime"))
    }

    fn only_thread(&self) -> Option<ThreadId> {
        self.only_thread.get().copied()
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Single").field("tasks", &self.tasks).finish_non_exhaustive()
    }
}

/// Wakes a root future: its thread may have the core and sleep in the driver, or have none and sleep on its parker.
struct RootWaker {
    woken: AtomicBool,
    parker: Parker,
    shared: Arc<Shared>,
}

impl RootWaker {
    fn is_woken(&self) -> bool {
        // Relaxed: `take` orders.
        self.woken.load(Ordering::Relaxed)
    }

    fn take(&self) -> bool {
        // Acquire: pairs with the Release in `wake`: the poll sees what happened before the wake.
        self.is_woken() && self.woken.swap(false, Ordering::Acquire)
    }
}

impl Wake for RootWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.woken.store(true, Ordering::Release);
        let here = current_single(|running| std::ptr::eq(running.shared, &*self.shared)).unwrap_or(false);
        // On the thread with the core nobody sleeps now; but the root may be another thread's.
        self.parker.unpark();
        if !here {
            self.shared.unpark();
        }
    }
}

#[cfg(all(test, not(unstuck_loom)))]
mod tests;
