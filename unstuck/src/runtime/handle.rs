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
/// # Examples
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
///
/// # Examples
/// ```
/// use unstuck::runtime::{Handle, RuntimeFlavor};
/// use unstuck::task::{block_in_place, spawn_blocking};
///
/// /// Code that blocks, the quickest way that there is here.
/// async fn sum(numbers: Vec<u64>) -> u64 {
///     let sum = move || numbers.iter().sum();
///     match Handle::current().runtime_flavor() {
///         RuntimeFlavor::MultiThread => block_in_place(sum),
///         _ => spawn_blocking(sum).await.unwrap(),
///     }
/// }
///
/// # #[unstuck::main(flavor = "current_thread")]
/// # async fn main() {
/// assert_eq!(sum(vec![1, 2, 3]).await, 6);
/// # }
/// ```
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

    /// The handle as the layers below know it.
    pub(crate) fn context(&self) -> &unstuck_context::Handle {
        &self.0
    }

    /// Whether the runtime is of this process, and not of its parent.
    pub(super) fn is_here(&self) -> bool {
        self.parts().scheduler.home().get().process().is_this()
    }

    pub(crate) fn parts(&self) -> &Parts {
        self.0.parts()
    }

    /// The handle of the current runtime.
    ///
    /// # Panics
    /// If there is none: the thread is not in a runtime, and holds no guard of [`enter`](Handle::enter).
    ///
    /// # Examples
    /// ```
    /// use unstuck::runtime::Handle;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() {
    /// // A thread of one's own spawns onto this runtime.
    /// let runtime = Handle::current();
    /// let task = std::thread::spawn(move || runtime.spawn(async { 7 })).join().unwrap();
    /// assert_eq!(task.await.unwrap(), 7);
    /// # }
    /// ```
    #[track_caller]
    pub fn current() -> Self {
        Handle(unstuck_context::current())
    }

    /// The handle of the current runtime, if there is one.
    ///
    /// # Errors
    /// If there is none.
    ///
    /// # Examples
    /// ```
    /// assert!(unstuck::runtime::Handle::try_current().is_err());
    /// ```
    pub fn try_current() -> Result<Self, TryCurrentError> {
        unstuck_context::try_current().map(Handle)
    }

    /// Makes the runtime the thread's current one until the guard is dropped: there `spawn`, sockets and timers find it. It
    /// does not run any task.
    ///
    /// # Panics
    /// Not here; but dropping several guards in another order than the reverse one panics.
    ///
    /// # Examples
    /// ```
    /// use unstuck::runtime::{Handle, Runtime};
    ///
    /// let runtime = Runtime::new()?;
    /// let handle = runtime.handle().clone();
    /// std::thread::spawn(move || {
    ///     assert!(Handle::try_current().is_err());
    ///     let _guard = handle.enter();
    ///     unstuck::spawn(async {}); // finds the runtime now
    /// })
    /// .join()
    /// .unwrap();
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[track_caller]
    pub fn enter(&self) -> EnterGuard<'_> {
        self.0.enter()
    }

    /// Spawns a task onto this runtime, from wherever; otherwise as [`spawn`](crate::spawn). After the runtime was shut down,
    /// the task is cancelled at once.
    ///
    /// # Examples
    /// ```
    /// let runtime = unstuck::runtime::Runtime::new()?;
    /// let handle = runtime.handle().clone();
    /// assert_eq!(runtime.block_on(handle.spawn(async { 6 * 7 })).unwrap(), 42);
    ///
    /// drop(runtime);
    /// let late = handle.spawn(async { 6 * 7 });
    /// assert!(handle.block_on(late).unwrap_err().is_cancelled());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.0.spawn(future)
    }

    /// Runs a closure that blocks on a thread of this runtime that is there for it; see
    /// [`spawn_blocking`](crate::task::spawn_blocking). After the runtime was shut down, it is cancelled at once.
    ///
    /// # Panics
    /// If there is no such thread yet, and the system gives none.
    ///
    /// # Examples
    /// ```
    /// use unstuck::runtime::Handle;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let words = Handle::current().spawn_blocking(|| "a long text".split(' ').count());
    /// assert_eq!(words.await.unwrap(), 3);
    /// # }
    /// ```
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
    /// When the runtime is shut down meanwhile, the future goes on: what it awaits of the runtime then fails.
    ///
    /// # Panics
    /// If the future panics, as it does by sleeping after the runtime was shut down; if called inside asynchronous code.
    ///
    /// # Examples
    /// ```
    /// use unstuck::runtime::Handle;
    ///
    /// # #[unstuck::main]
    /// # async fn main() {
    /// /// Synchronous code that must call asynchronous code.
    /// fn answer(runtime: &Handle) -> u32 {
    ///     runtime.block_on(async { 42 })
    /// }
    ///
    /// let runtime = Handle::current();
    /// let answer = unstuck::task::spawn_blocking(move || answer(&runtime));
    /// assert_eq!(answer.await.unwrap(), 42);
    /// # }
    /// ```
    #[track_caller]
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        let _context = self.enter();
        let _entered = super::enter_runtime();
        unstuck_scheduler::root::block_on(future)
    }

    /// What sort of runtime it is.
    ///
    /// # Examples
    /// ```
    /// use unstuck::runtime::{Builder, Runtime, RuntimeFlavor};
    ///
    /// assert_eq!(Runtime::new()?.handle().runtime_flavor(), RuntimeFlavor::MultiThread);
    /// let single = Builder::new_current_thread().build()?;
    /// assert_eq!(single.handle().runtime_flavor(), RuntimeFlavor::CurrentThread);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn runtime_flavor(&self) -> RuntimeFlavor {
        match self.parts().scheduler.flavor() {
            Flavor::CurrentThread => RuntimeFlavor::CurrentThread,
            Flavor::MultiThread => RuntimeFlavor::MultiThread,
        }
    }

    /// What the runtime's builder [called](super::Builder::name) it; `None` if it has no name.
    ///
    /// # Examples
    /// ```
    /// let runtime = unstuck::runtime::Builder::new_current_thread().name("background").build()?;
    /// assert_eq!(runtime.handle().name(), Some("background"));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn name(&self) -> Option<&str> {
        self.parts().name.as_deref()
    }

    /// The id of the runtime, the same for all its handles.
    ///
    /// # Examples
    /// ```
    /// use unstuck::runtime::{Handle, Runtime};
    ///
    /// let (here, there) = (Runtime::new()?, Runtime::new()?);
    /// here.block_on(async {
    ///     let current = Handle::current().id();
    ///     assert_eq!(current, here.handle().id());
    ///     assert_ne!(current, there.handle().id());
    /// });
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn id(&self) -> Id {
        Id::from_number(self.parts().scheduler.home().get().number())
    }

    /// What can be counted of the runtime.
    ///
    /// # Examples
    /// ```
    /// use unstuck::runtime::Handle;
    ///
    /// # #[unstuck::main(worker_threads = 2)]
    /// # async fn main() {
    /// let metrics = Handle::current().metrics();
    /// unstuck::spawn(async {}).await.unwrap();
    /// assert_eq!(metrics.spawned_tasks_count(), 1);
    /// # }
    /// ```
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
