//! What a runtime is made of, and spawning onto it.
//!
//! 1. A handle keeps the memory of its runtime, never its threads: after shutdown, spawning gives a cancelled task.

use std::fmt;
use std::future::Future;
use std::mem::ManuallyDrop;
use std::panic::Location;
use std::sync::Arc;
use std::thread::ThreadId;
use std::time::Duration;

use unstuck_base::{entered, local};
use unstuck_driver::{Kernel, Offload, PausedClock, Timers};
use unstuck_task::{HomeRef, Id, JoinHandle, Origin, Runnable, Schedule, TaskList, unlisted};

use crate::blocking::{BlockingWork, ClockStands};
use crate::current::EnterGuard;
use crate::default::DefaultGuard;
use crate::nest;

/// Futures larger than this are boxed when they are spawned, before they are moved any further: 16 KiB.
const BOX_ABOVE: usize = 16 * 1024;

/// Something that tasks are spawned onto.
pub trait Spawner: Schedule {
    /// The home of its tasks.
    fn home(&self) -> &HomeRef;

    /// Its live tasks.
    fn live(&self) -> &TaskList;

    /// A task was made, and is going to be queued. It may run user code, whose panics end there.
    fn spawned(&self, origin: Origin<'_>) {
        let _ = origin;
    }
}

/// What a handle asks of a runtime's scheduler.
pub trait Scheduler: Spawner + 'static {
    /// What sort of scheduler it is.
    fn flavor(&self) -> Flavor;

    /// How many threads run its tasks.
    fn workers(&self) -> usize;

    /// How many tasks wait in the queue that all threads share.
    fn inject_depth(&self) -> usize;

    /// What a worker has counted.
    fn worker(&self, index: usize) -> WorkerCounts;

    /// Which worker this thread is, if it is one and not in a blocking part.
    fn worker_index(&self) -> Option<usize> {
        None
    }

    /// How many tasks were queued by other threads than workers.
    fn remote_schedules(&self) -> u64 {
        0
    }

    /// How many polls were found to be stuck.
    fn stuck_polls(&self) -> u64 {
        0
    }

    /// How many threads stand in for workers now.
    fn spare_workers(&self) -> usize {
        0
    }

    /// How often a poll has used up its budget.
    fn forced_yields(&self) -> u64 {
        0
    }

    /// Counts one of them, on this thread.
    fn forced_yield(&self) {}

    /// Where the buckets of the histogram of poll times end, but the last one: in nanoseconds, excluded. `None`: there is
    /// no histogram.
    fn poll_time_bounds(&self) -> Option<&[u64]> {
        None
    }

    /// How many polls of a worker fell into a bucket.
    fn poll_times(&self, worker: usize, bucket: usize) -> u64 {
        let _ = (worker, bucket);
        0
    }

    /// As [`poll_time_bounds`](Scheduler::poll_time_bounds), of how long tasks were queued before they were polled.
    fn queue_time_bounds(&self) -> Option<&[u64]> {
        None
    }

    /// How many polls of a worker fell into a bucket of those.
    fn queue_times(&self, worker: usize, bucket: usize) -> u64 {
        let _ = (worker, bucket);
        0
    }

    /// Prepares this thread for code that blocks, as `block_in_place` announces it: other tasks go on without it. `None`
    /// when the thread runs no tasks of this scheduler. Dropping the answer ends the blocking part.
    ///
    /// # Errors
    /// When the scheduler has no other thread that could go on.
    fn begin_blocking(&self) -> Result<Option<Box<dyn std::any::Any>>, CantBlock>;

    /// Whether code inside the runtime may block its thread anywhere, as if it began a blocking part there.
    fn nests(&self) -> bool {
        false
    }

    /// Whether threads outside may use the runtime without having been given it.
    fn serves_outside(&self) -> bool {
        true
    }

    /// The only thread that runs and drops the tasks of this scheduler, if it was bound to one.
    fn only_thread(&self) -> Option<ThreadId> {
        None
    }
}

/// Why a thread can't block in place, in words for the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CantBlock(pub &'static str);

impl fmt::Display for CantBlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// What a worker has counted so far; each is read at a moment of its own.
#[derive(Clone, Copy, Debug, Default)]
pub struct WorkerCounts {
    /// The thread that is the worker now.
    pub thread: Option<ThreadId>,
    /// Polls of tasks.
    pub polls: u64,
    /// How long a poll takes, about; zero where nobody measures it.
    pub mean_poll: Duration,
    /// The time that it did not sleep.
    pub busy: Duration,
    /// How often it went to sleep or woke: odd while it sleeps.
    pub parks_and_unparks: u64,
    /// How often it went to sleep without having polled a task since it woke.
    pub noops: u64,
    /// Tasks that it took from others.
    pub steals: u64,
    /// How often it took some.
    pub steal_operations: u64,
    /// Tasks that it queued itself.
    pub local_schedules: u64,
    /// How often its queue was full.
    pub overflows: u64,
    /// Tasks in its queue.
    pub queued: usize,
}

/// The sorts of schedulers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flavor {
    /// One thread: whichever is in `block_on`.
    CurrentThread,
    /// A pool of worker threads.
    MultiThread,
}

/// What a handle asks of the pool of blocking threads.
pub trait Blocking: Offload {
    /// The home of the pool's tasks.
    fn home(&self) -> &HomeRef;

    /// Queues a task that blocks. After shutdown it is dropped, which cancels it. `until_over` is dropped when the task is
    /// over and whoever joins it has been woken.
    fn submit(&self, task: unstuck_task::Runnable, until_over: Option<ClockStands>);

    /// As [`submit`](Blocking::submit), and once it is queued it runs, also when the runtime shuts down before a thread
    /// has taken it up. `false`: it is shut down already, and the task was dropped.
    #[must_use = "what can't be done must not be promised"]
    fn submit_promised(&self, task: unstuck_task::Runnable, until_over: Option<ClockStands>) -> bool;

    /// How many threads there are, and how many of them are idle.
    fn threads(&self) -> (usize, usize);

    /// How much work waits for a thread.
    fn queue_depth(&self) -> usize;
}

/// What a runtime is made of.
pub struct Parts {
    /// Who runs next.
    pub scheduler: Arc<dyn Scheduler>,
    /// The outside world.
    pub kernel: Arc<dyn Kernel>,
    /// The clock's alarms.
    pub timers: Arc<Timers>,
    /// Threads that may block.
    pub blocking: Arc<dyn Blocking>,
    /// The clock, where it can be paused.
    pub clock: Option<Arc<PausedClock>>,
    /// What its builder called it.
    pub name: Option<String>,
    /// What its builder enabled.
    pub enabled: Enabled,
}

/// What the tasks of a runtime may wait for, as its builder says. Whoever makes a resource asks for its part of the runtime
/// with [`Parts::io`] or [`Parts::time`], once; nothing is asked later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Enabled {
    /// The outside world: sockets, signals, child processes.
    pub io: bool,
    /// Timers.
    pub time: bool,
}

impl Enabled {
    /// Everything.
    pub const ALL: Enabled = Enabled { io: true, time: true };
}

/// The runtime was built without what is needed. It says how to get it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Disabled(&'static str);

impl fmt::Display for Disabled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Parts {
    /// The kernel, for a resource that waits for the outside world.
    ///
    /// # Errors
    /// If I/O is not enabled.
    #[inline]
    pub fn io(&self) -> Result<&Arc<dyn Kernel>, Disabled> {
        if self.enabled.io { Ok(&self.kernel) } else { Err(Disabled(NO_IO)) }
    }

    /// The timers, for a resource that waits for a deadline.
    ///
    /// # Errors
    /// If time is not enabled.
    #[inline]
    pub fn time(&self) -> Result<&Arc<Timers>, Disabled> {
        if self.enabled.time { Ok(&self.timers) } else { Err(Disabled(NO_TIME)) }
    }
}

// Programs and tests look for the first sentences.
const NO_IO: &str = "A Tokio 1.x context was found, but IO is disabled. Call `enable_io` on the runtime builder to enable \
                     IO. (unstuck: `runtime::Builder::enable_all` enables it, too)";
const NO_TIME: &str = "A Tokio 1.x context was found, but timers are disabled. Call `enable_time` on the runtime builder \
                       to enable timers. (unstuck: `runtime::Builder::enable_all` enables them, too)";

/// A runtime, as its users and its resources reach it.
#[derive(Clone)]
pub struct Handle(Arc<Parts>);

impl Handle {
    /// A handle to a runtime made of these parts.
    pub fn new(parts: Parts) -> Self {
        Handle(Arc::new(parts))
    }

    /// What the runtime is made of.
    pub fn parts(&self) -> &Parts {
        &self.0
    }

    pub(crate) fn as_ptr(&self) -> *const Parts {
        Arc::as_ptr(&self.0)
    }

    /// # Safety
    /// `parts` points into an `Arc` that is alive.
    pub(crate) unsafe fn from_borrowed(parts: *const Parts) -> Self {
        // SAFETY: the caller's; the count is taken for the handle that we make.
        unsafe {
            Arc::increment_strong_count(parts);
            Handle(Arc::from_raw(parts))
        }
    }

    /// # Safety
    /// `parts` points into an `Arc` that is alive as long as the result.
    pub(crate) unsafe fn borrowed(parts: *const Parts) -> ManuallyDrop<Self> {
        // SAFETY: the caller's; the count that this handle stands for is not given back, since it is not dropped.
        ManuallyDrop::new(Handle(unsafe { Arc::from_raw(parts) }))
    }

    pub(crate) fn from_parts(parts: Arc<Parts>) -> Self {
        Handle(parts)
    }

    pub(crate) fn to_parts(&self) -> Arc<Parts> {
        self.0.clone()
    }

    /// Whether both are handles to the same runtime.
    pub fn same(&self, other: &Handle) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// That every operation but a question needs: the runtime is of this process.
    ///
    /// # Panics
    /// If it belongs to the parent of this process.
    #[inline]
    #[track_caller]
    pub fn assert_is_here(&self) {
        self.0.scheduler.home().get().process().assert_is_this();
    }

    /// Makes this runtime the thread's current one, until the guard is dropped.
    ///
    /// # Panics
    /// As [`assert_is_here`](Handle::assert_is_here).
    #[track_caller]
    pub fn enter(&self) -> EnterGuard<'_> {
        self.assert_is_here();
        EnterGuard::new(self.clone(), None)
    }

    /// As [`enter`](Handle::enter), and this thread is inside the runtime from now on: it runs its tasks, or a future of its
    /// `block_on`. `None`: it is inside one already.
    ///
    /// # Panics
    /// As [`assert_is_here`](Handle::assert_is_here).
    #[track_caller]
    pub fn enter_to_run(&self) -> Option<EnterGuard<'_>> {
        self.assert_is_here();
        let inside = if self.0.scheduler.nests() {
            // SAFETY: the guard keeps the handle until it has put back what was there (or for ever: rule 3).
            unsafe { entered::enter_with(nest::of(self)) }
        } else {
            entered::enter()
        };
        Some(EnterGuard::new(self.clone(), Some(inside?)))
    }

    /// Makes this runtime the one that serves code outside every runtime, until the guard is dropped.
    ///
    /// # Panics
    /// As [`assert_is_here`](Handle::assert_is_here).
    #[track_caller]
    pub fn make_default(&self) -> DefaultGuard {
        self.assert_is_here();
        DefaultGuard::new(self)
    }

    /// Spawns a task.
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.spawn_from(future, Origin::new(Id::from_number(local::next_task_id()), Location::caller()))
    }

    /// As [`spawn`](Handle::spawn), with the origin that the caller brings.
    #[inline]
    #[track_caller]
    pub fn spawn_from<F>(&self, future: F, origin: Origin<'_>) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        if const { size_of::<F>() > BOX_ABOVE } {
            return self.spawn_small(Box::pin(future), origin);
        }
        self.spawn_small(future, origin)
    }

    #[inline]
    #[track_caller]
    fn spawn_small<F>(&self, future: F, origin: Origin<'_>) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let scheduler = &*self.0.scheduler;
        let home = scheduler.home();
        home.get().process().assert_is_this();
        let (join, runnable) = scheduler.live().spawn(future, home, origin);
        if let Some(runnable) = runnable {
            scheduler.spawned(origin);
            scheduler.schedule(runnable);
        }
        join
    }

    /// Runs `work` on a thread that may block.
    #[track_caller]
    pub fn spawn_blocking<F, R>(&self, work: F) -> JoinHandle<R>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        self.spawn_blocking_from(work, Origin::new(Id::from_number(local::next_task_id()), Location::caller()))
    }

    /// As [`spawn_blocking`](Handle::spawn_blocking), with the origin that the caller brings.
    #[track_caller]
    pub fn spawn_blocking_from<F, R>(&self, work: F, origin: Origin<'_>) -> JoinHandle<R>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        let (runnable, join) = self.blocking_task(work, origin);
        self.0.blocking.submit(runnable, self.clock_stands());
        join
    }

    /// As [`spawn_blocking`](Handle::spawn_blocking), for work that somebody will be told is as good as done: it runs also
    /// when the runtime shuts down before a thread has taken it up. `None`: the runtime is shut down already.
    #[track_caller]
    pub fn spawn_promised<F, R>(&self, work: F) -> Option<JoinHandle<R>>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        let origin = Origin::new(Id::from_number(local::next_task_id()), Location::caller());
        let (runnable, join) = self.blocking_task(work, origin);
        self.0.blocking.submit_promised(runnable, self.clock_stands()).then_some(join)
    }

    #[track_caller]
    fn blocking_task<F, R>(&self, work: F, origin: Origin<'_>) -> (Runnable, JoinHandle<R>)
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        self.assert_is_here();
        unlisted(BlockingWork::new(work), self.0.blocking.home(), origin)
    }

    /// Keeps a clock that is paused from advancing by itself, for something outside that is waited for: until it is dropped.
    pub fn clock_stands(&self) -> Option<ClockStands> {
        self.0.clock.as_ref().map(ClockStands::still)
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("flavor", &self.0.scheduler.flavor()).finish_non_exhaustive()
    }
}
