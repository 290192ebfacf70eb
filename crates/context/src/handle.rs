//! What a runtime is made of, and spawning onto it.
//!
//! 1. A handle keeps the memory of its runtime, never its threads: after shutdown, spawning gives a cancelled task.

use std::fmt;
use std::future::Future;
use std::mem::ManuallyDrop;
use std::panic::Location;
use std::sync::Arc;

use unstuck_base::local;
use unstuck_driver::{Kernel, Offload, PausedClock, Timers};
use unstuck_task::{HomeRef, Id, JoinHandle, Schedule, TaskList, unlisted};

use crate::blocking::{BlockingWork, ClockStands};
use crate::current::EnterGuard;

/// Futures larger than this are boxed when they are spawned, before they are moved any further: 16 KiB.
const BOX_ABOVE: usize = 16 * 1024;

/// Something that tasks are spawned onto.
pub trait Spawner: Schedule {
    /// The home of its tasks.
    fn home(&self) -> &HomeRef;

    /// Its live tasks.
    fn live(&self) -> &TaskList;
}

/// What a handle asks of a runtime's scheduler.
pub trait Scheduler: Spawner + 'static {
    /// What sort of scheduler it is.
    fn flavor(&self) -> Flavor;

    /// How many threads run its tasks.
    fn workers(&self) -> usize;

    /// How many tasks wait in the queue that all threads share.
    fn inject_depth(&self) -> usize;

    /// How many polls a worker has begun.
    fn polls(&self, worker: usize) -> u64;

    /// Prepares this thread for code that blocks, as `block_in_place` announces it: other tasks go on without it. `None`
    /// when the thread runs no tasks of this scheduler. Dropping the answer ends the blocking part.
    ///
    /// # Panics
    /// When the scheduler has no other thread that could go on.
    fn begin_blocking(&self) -> Option<Box<dyn std::any::Any>>;
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
}

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

    /// Whether both are handles to the same runtime.
    pub fn same(&self, other: &Handle) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Makes this runtime the thread's current one, until the guard is dropped.
    pub fn enter(&self) -> EnterGuard<'_> {
        EnterGuard::new(self.clone())
    }

    /// Spawns a task.
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.spawn_at(future, Id::from_number(local::next_task_id()), Location::caller())
    }

    /// As [`spawn`](Handle::spawn), with the id and the spawn site that the caller brings.
    #[inline]
    pub fn spawn_at<F>(&self, future: F, id: Id, spawned_at: &'static Location<'static>) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        if const { size_of::<F>() > BOX_ABOVE } {
            return self.spawn_small(Box::pin(future), id, spawned_at);
        }
        self.spawn_small(future, id, spawned_at)
    }

    #[inline]
    fn spawn_small<F>(&self, future: F, id: Id, spawned_at: &'static Location<'static>) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let scheduler = &*self.0.scheduler;
        let (join, runnable) = scheduler.live().spawn(future, scheduler.home(), id, spawned_at);
        if let Some(runnable) = runnable {
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
        let work = BlockingWork::new(work);
        let id = Id::from_number(local::next_task_id());
        let (runnable, join) = unlisted(work, self.0.blocking.home(), id, Location::caller());
        self.0.blocking.submit(runnable, self.0.clock.as_ref().map(ClockStands::still));
        join
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("flavor", &self.0.scheduler.flavor()).finish_non_exhaustive()
    }
}
