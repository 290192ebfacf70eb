//! A runtime whose tasks need not be `Send`.
//!
//! 1. It is a current-thread runtime that stays on its thread: it is not `Send`, so only its own thread is ever in its
//!    `block_on`, and only there are its tasks run and dropped.
//! 2. While it runs, or is the current runtime of its thread, it is the place for `spawn_local`.

use std::fmt;
use std::future::Future;
use std::io;
use std::marker::PhantomData;
use std::time::Duration;

use unstuck_context::{EnterGuard, LocalGuard, enter_local, spawn_local};

use super::{Builder, Handle, Kind, Runtime, RuntimeMetrics, ShutdownReport};
use crate::task::JoinHandle;

/// Settings of a [`LocalRuntime`]. There are none yet.
///
/// # Examples
/// ```
/// use unstuck::runtime::{Builder, LocalOptions};
///
/// let runtime = Builder::new_current_thread().build_local(LocalOptions::default())?;
/// assert_eq!(runtime.block_on(async { 1 + 1 }), 2);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct LocalOptions {
    // What such a runtime is told may belong to its thread.
    _stays_on_its_thread: PhantomData<*mut ()>,
}

/// A runtime that runs tasks on the thread that made it, which need not be `Send`.
///
/// [`spawn_local`](crate::task::spawn_local) works in all of its tasks, without a
/// [`LocalSet`](crate::task::LocalSet). Made by [`Builder::build_local`]. It can't leave its thread; dropping it shuts it
/// down, as dropping a [`Runtime`] does.
///
/// # Panics
/// Dropping one inside asynchronous code, unless that is [allowed](Builder::nested_block_on); there, use
/// [`shutdown_background`](LocalRuntime::shutdown_background).
///
/// # Examples
/// ```
/// use std::cell::Cell;
/// use std::rc::Rc;
/// use unstuck::runtime::LocalRuntime;
/// use unstuck::task::spawn_local;
///
/// let runtime = LocalRuntime::new()?;
/// let visitors = Rc::new(Cell::new(0));
/// runtime.block_on(async {
///     let tasks = [(); 3].map(|()| {
///         let visitors = visitors.clone();
///         spawn_local(async move { visitors.set(visitors.get() + 1) })
///     });
///     for task in tasks {
///         task.await.unwrap();
///     }
/// });
/// assert_eq!(visitors.get(), 3);
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct LocalRuntime {
    runtime: Runtime,
    _stays_on_its_thread: PhantomData<*mut ()>,
}

impl LocalRuntime {
    /// A local runtime with default settings.
    ///
    /// # Errors
    /// If the system gives no file descriptor.
    ///
    /// # Examples
    /// ```
    /// let runtime = unstuck::runtime::LocalRuntime::new()?;
    /// let name = std::rc::Rc::new("local");
    /// let task = runtime.spawn_local(async move { name.len() });
    /// assert_eq!(runtime.block_on(task).unwrap(), 5);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn new() -> io::Result<LocalRuntime> {
        Builder::new_current_thread().enable_all().build_local(LocalOptions::default())
    }

    /// Only for a current-thread runtime (rule 1).
    pub(super) fn around(runtime: Runtime) -> LocalRuntime {
        match &runtime.scheduler {
            // SAFETY: rule 1: it is in a value that is not Send from here on.
            Kind::CurrentThread(single) => unsafe { single.stay_on_this_thread() },
            Kind::MultiThread(_) => unreachable!("only for a current-thread runtime"),
        }
        LocalRuntime { runtime, _stays_on_its_thread: PhantomData }
    }

    /// A handle to this runtime. Tasks that it spawns must be `Send`: it may be on another thread.
    ///
    /// # Examples
    /// ```
    /// use unstuck::runtime::LocalRuntime;
    ///
    /// let runtime = LocalRuntime::new()?;
    /// let handle = runtime.handle().clone();
    /// let task = std::thread::spawn(move || handle.spawn(async { "from another thread" })).join().unwrap();
    /// assert_eq!(runtime.block_on(task).unwrap(), "from another thread");
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn handle(&self) -> &Handle {
        self.runtime.handle()
    }

    /// Spawns a task that need not be `Send`. It runs while the thread is in [`block_on`](LocalRuntime::block_on).
    ///
    /// # Examples
    /// ```
    /// use std::rc::Rc;
    /// use unstuck::runtime::LocalRuntime;
    ///
    /// let runtime = LocalRuntime::new()?;
    /// let name = Rc::new("stays here");
    /// let task = runtime.spawn_local({
    ///     let name = name.clone();
    ///     async move { name.len() }
    /// });
    /// assert!(!task.is_finished()); // nobody runs it yet
    /// assert_eq!(runtime.block_on(task).unwrap(), name.len());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[track_caller]
    pub fn spawn_local<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        let _context = self.enter();
        let _local = self.enter_local();
        spawn_local(future)
    }

    /// Runs a closure that blocks on another thread, so it must be `Send`; see
    /// [`spawn_blocking`](crate::task::spawn_blocking).
    ///
    /// # Panics
    /// If there is no thread for such work yet, and the system gives none.
    ///
    /// # Examples
    /// ```
    /// let runtime = unstuck::runtime::LocalRuntime::new()?;
    /// let here = std::thread::current().id();
    /// let there = runtime.spawn_blocking(|| std::thread::current().id());
    /// assert_ne!(runtime.block_on(there).unwrap(), here);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[track_caller]
    pub fn spawn_blocking<F, R>(&self, func: F) -> JoinHandle<R>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        self.runtime.spawn_blocking(func)
    }

    /// Runs `future` to its end on this thread, and the runtime's tasks meanwhile.
    ///
    /// # Panics
    /// If the future panics; if called inside asynchronous code, unless that is [allowed](Builder::nested_block_on); if a task
    /// has panicked, where that is [to end the runtime](super::UnhandledPanic::ShutdownRuntime).
    ///
    /// # Examples
    /// ```
    /// use std::rc::Rc;
    /// use unstuck::runtime::LocalRuntime;
    ///
    /// let runtime = LocalRuntime::new()?;
    /// let text = Rc::new("not Send");
    /// assert_eq!(runtime.block_on(async { text.len() }), 8);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[track_caller]
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        let _local = self.enter_local();
        self.runtime.block_on(future)
    }

    /// Makes this runtime the thread's current one until the guard is dropped; [`spawn_local`](crate::task::spawn_local)
    /// finds it, too. The tasks run while the thread is in [`block_on`](LocalRuntime::block_on).
    ///
    /// # Panics
    /// Not here; but dropping several guards in another order than the reverse one panics.
    ///
    /// # Examples
    /// ```
    /// let runtime = unstuck::runtime::LocalRuntime::new()?;
    /// let name = std::rc::Rc::new("local");
    /// let task = {
    ///     let _guard = runtime.enter();
    ///     unstuck::task::spawn_local(async move { name.len() })
    /// };
    /// assert_eq!(runtime.block_on(task).unwrap(), 5);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[track_caller]
    pub fn enter(&self) -> EnterGuard<'_> {
        self.runtime.enter()
    }

    /// Shuts the runtime down, and waits for its blocking work for at most `duration`; see [`Runtime::shutdown_timeout`].
    ///
    /// # Panics
    /// As [`Runtime::shutdown_timeout`].
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    ///
    /// let runtime = unstuck::runtime::LocalRuntime::new()?;
    /// runtime.spawn_blocking(|| std::thread::sleep(Duration::from_secs(3600)));
    /// runtime.shutdown_timeout(Duration::from_millis(10));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[track_caller]
    pub fn shutdown_timeout(self, duration: Duration) {
        self.runtime.shutdown_timeout(duration);
    }

    /// Shuts the runtime down, waits for its blocking work for at most `duration`, and says what has not stopped by then; see
    /// [`Runtime::shutdown_report`]. That is blocking work only: the tasks are dropped by this thread.
    ///
    /// # Panics
    /// As [`Runtime::shutdown_timeout`].
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    ///
    /// let runtime = unstuck::runtime::LocalRuntime::new()?;
    /// let (begin, begun) = std::sync::mpsc::channel();
    /// let endless = runtime.spawn_blocking(move || {
    ///     begin.send(()).unwrap();
    ///     std::thread::sleep(Duration::from_secs(3600))
    /// });
    /// begun.recv().unwrap();
    ///
    /// let report = runtime.shutdown_report(Duration::from_millis(10));
    /// assert_eq!(report.iter().next().unwrap().id(), endless.id());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[track_caller]
    pub fn shutdown_report(self, duration: Duration) -> ShutdownReport {
        self.runtime.shutdown_report(duration)
    }

    /// Shuts the runtime down, and waits for nobody. It can be called inside asynchronous code.
    ///
    /// # Examples
    /// ```
    /// use unstuck::runtime::LocalRuntime;
    ///
    /// let outer = LocalRuntime::new()?;
    /// outer.block_on(async {
    ///     let inner = LocalRuntime::new().unwrap();
    ///     let task = inner.spawn_local(std::future::pending::<()>());
    ///     inner.shutdown_background();
    ///     assert!(task.await.unwrap_err().is_cancelled());
    /// });
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn shutdown_background(self) {
        self.runtime.shutdown_background();
    }

    /// What can be counted of this runtime.
    ///
    /// # Examples
    /// ```
    /// let runtime = unstuck::runtime::LocalRuntime::new()?;
    /// runtime.spawn_local(std::future::pending::<()>());
    /// assert_eq!(runtime.metrics().num_alive_tasks(), 1);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn metrics(&self) -> RuntimeMetrics {
        self.runtime.metrics()
    }

    fn enter_local(&self) -> LocalGuard<'_> {
        let scheduler = &*self.runtime.handle.parts().scheduler;
        // SAFETY: rule 1: the scheduler's tasks are run and dropped on this thread. The guard is a local variable of
        // methods that borrow the runtime.
        unsafe { enter_local(Some(scheduler)) }
    }
}

impl fmt::Debug for LocalRuntime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalRuntime").field("handle", self.handle()).finish_non_exhaustive()
    }
}
