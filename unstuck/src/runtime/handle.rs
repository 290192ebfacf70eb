//! A runtime as other threads reach it.

use std::fmt;
use std::future::Future;
use std::panic::{RefUnwindSafe, UnwindSafe};

use unstuck_context::{EnterGuard, Flavor, Parts, TryCurrentError};

use super::{Id, RuntimeMetrics};
use crate::task::JoinHandle;

/// A handle to a runtime: spawns onto it, enters it, blocks on it. Cloning is cheap.
///
/// It does not keep the runtime running: after that was dropped, spawned tasks are cancelled at once.
///
/// # Example
/// ```
/// use unstuck::runtime::Handle;
///
/// # #[unstuck::main]
/// # async fn main() {
/// let handle = Handle::current();
/// let thread = std::thread::spawn(move || {
///     let task = handle.spawn(async { 5 });
///     handle.block_on(task).unwrap()
/// });
/// let joined = unstuck::task::spawn_blocking(move || thread.join().unwrap());
/// assert_eq!(joined.await.unwrap(), 5);
/// # }
/// ```
#[derive(Clone)]
pub struct Handle(unstuck_context::Handle);

/// The sorts of runtimes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RuntimeFlavor {
    /// All tasks run on the thread that is in `block_on`.
    CurrentThread,
    /// Tasks run on a pool of worker threads.
    MultiThread,
}

impl Handle {
    pub(crate) fn new(handle: unstuck_context::Handle) -> Self {
        Handle(handle)
    }

    pub(crate) fn parts(&self) -> &Parts {
        self.0.parts()
    }

    /// The handle of the current runtime.
    ///
    /// # Panics
    /// If there is none: the thread is not in a runtime, and holds no guard of [`enter`](Handle::enter).
    #[track_caller]
    pub fn current() -> Self {
        Handle(unstuck_context::current())
    }

    /// The handle of the current runtime, if there is one.
    ///
    /// # Errors
    /// If there is none.
    ///
    /// # Example
    /// ```
    /// assert!(unstuck::runtime::Handle::try_current().is_err());
    /// ```
    pub fn try_current() -> Result<Self, TryCurrentError> {
        unstuck_context::try_current().map(Handle)
    }

    /// Makes the runtime the thread's current one until the guard is dropped.
    ///
    /// Guards are dropped in reverse order.
    ///
    /// # Panics
    /// Dropping the guards in another order panics.
    pub fn enter(&self) -> EnterGuard<'_> {
        self.0.enter()
    }

    /// Spawns a task; see [`unstuck::spawn`](crate::spawn).
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.0.spawn(future)
    }

    /// Runs a closure that blocks on a thread of its own; see
    /// [`unstuck::task::spawn_blocking`](crate::task::spawn_blocking).
    #[track_caller]
    pub fn spawn_blocking<F, R>(&self, func: F) -> JoinHandle<R>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        self.0.spawn_blocking(func)
    }

    /// Runs `future` to its end on this thread, inside the runtime's context. The thread runs nothing else: on a
    /// current-thread runtime another thread must be in [`Runtime::block_on`](super::Runtime::block_on) for timers, I/O
    /// and tasks to go on.
    ///
    /// # Panics
    /// If the future panics, or if called inside asynchronous code.
    #[track_caller]
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        let _context = self.enter();
        let _entered = super::enter_runtime();
        unstuck_scheduler::root::block_on(future)
    }

    /// What sort of runtime it is.
    pub fn runtime_flavor(&self) -> RuntimeFlavor {
        match self.parts().scheduler.flavor() {
            Flavor::CurrentThread => RuntimeFlavor::CurrentThread,
            Flavor::MultiThread => RuntimeFlavor::MultiThread,
        }
    }

    /// What the runtime's builder called it.
    ///
    /// # Example
    /// ```
    /// let runtime = unstuck::runtime::Builder::new_current_thread().name("background").build()?;
    /// assert_eq!(runtime.handle().name(), Some("background"));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn name(&self) -> Option<&str> {
        self.parts().name.as_deref()
    }

    /// The id of the runtime, the same for all its handles.
    pub fn id(&self) -> Id {
        Id::from_number(self.parts().scheduler.home().get().number())
    }

    /// What can be counted of the runtime.
    pub fn metrics(&self) -> RuntimeMetrics {
        RuntimeMetrics::new(self.0.clone())
    }
}

// As for `Runtime`.
impl UnwindSafe for Handle {}
impl RefUnwindSafe for Handle {}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("flavor", &self.runtime_flavor()).finish_non_exhaustive()
    }
}
