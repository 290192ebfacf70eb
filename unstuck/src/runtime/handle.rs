//! A runtime as other threads reach it.

use std::fmt;
use std::future::Future;
use std::panic::{RefUnwindSafe, UnwindSafe};

use unstuck_base::entered::{self, Blocking};
use unstuck_context::{DefaultGuard, EnterGuard, Flavor, Parts, TryCurrentError};

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

    /// Marks the thread as inside this runtime. If it was inside one that lets it block, it does so until both are dropped.
    #[track_caller]
    pub(super) fn go_inside(&self) -> (EnterGuard<'_>, Blocking) {
        // Before anything else is done for it.
        self.0.assert_is_here();
        match entered::try_begin_blocking() {
            Some(blocking) => (self.0.enter_to_run().expect("it is not inside a runtime now"), blocking),
            None => panic!(
                "Cannot start a runtime from within a runtime. This happens because a function (like `block_on`) attempted to \
                 block the current thread while the thread is being used to drive asynchronous tasks. If you are in an \
                 async function, use `.await` on the future instead of blocking on it. If you can't, move the blocking part to \
                 `spawn_blocking` or `block_in_place`, or build the (multi-thread) runtime that this happened in with \
                 `Builder::nested_block_on`."
            ),
        }
    }

    /// The handle of the current runtime; outside every runtime that of the [default](Handle::make_default) one.
    ///
    /// # Panics
    /// If there is none: the thread is not in a runtime, holds no guard of [`enter`](Handle::enter), and there is no default.
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

    /// The handle of the current runtime, if there is one; outside every runtime that of the
    /// [default](Handle::make_default) one.
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

    /// Makes this runtime the default one, as long as the guard lives: on *every* thread of the process, code that is outside
    /// every runtime uses it for what needs one. So libraries that were written for Tokio work under another executor, or in a
    /// thread of the program's own, where else they panic with "there is no reactor running".
    ///
    /// Code is outside where the thread neither runs a runtime nor holds a guard of [`enter`](Handle::enter). There
    /// [`Handle::current`] and `try_current`, [`spawn`](crate::spawn), [`spawn_blocking`](crate::task::spawn_blocking), timers,
    /// sockets, files, signals and child processes find the default runtime; it must have been built with
    /// [what they need](super::Builder::enable_all), and be run: a current-thread runtime by a thread in its `block_on`. What
    /// was made keeps its runtime, whatever is the default later.
    ///
    /// Of several default runtimes the one that was made so last counts. Each ends to be one when its guard is dropped, in
    /// whatever order, on whatever thread. Leaking the guard keeps it for as long as the process lives.
    ///
    /// The guard does not keep the runtime running: after a shutdown, what needs it fails as it does with any runtime that has
    /// ended. A [forked](super#fork) child has no default runtime until it makes one of its own. In a simulation the simulated
    /// runtime is found, never the default one, and it does not become the default of others: the guard then changes nothing.
    /// The time of [`Instant::now`](crate::time::Instant::now) is that of the default runtime, too, if its clock is paused.
    /// [`spawn_local`](crate::task::spawn_local) does not look for it.
    ///
    /// This is unstuck's own: Tokio has no such method.
    ///
    /// # Panics
    /// In a forked child, if the runtime is that of its parent.
    ///
    /// # Examples
    /// ```
    /// use unstuck::runtime::Runtime;
    /// use unstuck::time::{Duration, sleep};
    ///
    /// let runtime = Runtime::new()?;
    /// let _default = runtime.handle().make_default();
    ///
    /// # /// Runs a future on this thread.
    /// # fn another_executor<F: Future>(future: F) -> F::Output {
    /// #     use std::task::{Context, Poll, Wake, Waker};
    /// #     struct Unparks(std::thread::Thread);
    /// #     impl Wake for Unparks {
    /// #         fn wake(self: std::sync::Arc<Self>) {
    /// #             self.0.unpark();
    /// #         }
    /// #     }
    /// #     let waker = Waker::from(std::sync::Arc::new(Unparks(std::thread::current())));
    /// #     let mut future = std::pin::pin!(future);
    /// #     loop {
    /// #         match future.as_mut().poll(&mut Context::from_waker(&waker)) {
    /// #             Poll::Ready(output) => return output,
    /// #             Poll::Pending => std::thread::park(),
    /// #         }
    /// #     }
    /// # }
    /// // It knows nothing of runtimes.
    /// let answer = another_executor(async {
    ///     sleep(Duration::from_millis(1)).await;
    ///     unstuck::spawn(async { 42 }).await.unwrap()
    /// });
    /// assert_eq!(answer, 42);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[track_caller]
    pub fn make_default(&self) -> DefaultGuard {
        self.0.make_default()
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
    /// If the future panics, as it does by sleeping after the runtime was shut down; if called inside asynchronous code, unless
    /// that is [allowed](super::Builder::nested_block_on).
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
        let _inside = self.go_inside();
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
