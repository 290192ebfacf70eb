//! The runtime: where a scheduler meets a kernel.
//!
//! A [`Runtime`] owns a scheduler, the driver that waits for the outside world, timers, and a pool of threads for work
//! that blocks. Most programs use the [`main`](macro@crate::main) macro and never name it; [`Builder`] is for the others.
//!
//! There are two schedulers. The *multi-thread* scheduler runs tasks on a pool of worker threads that steal from each
//! other; the *current-thread* scheduler runs all tasks on the thread that is in [`Runtime::block_on`].
//!
//! ```
//! use unstuck::runtime::Runtime;
//!
//! let runtime = Runtime::new()?;
//! let answer = runtime.block_on(async {
//!     let task = unstuck::spawn(async { 6 * 7 });
//!     task.await.unwrap()
//! });
//! assert_eq!(answer, 42);
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! # Inside and outside
//!
//! As in Tokio, code inside a runtime must not block its thread: [`block_on`](Runtime::block_on) panics there. And code outside
//! every runtime has no timers and sockets: making one panics there. A program can do without both panics:
//! [`Builder::nested_block_on`] allows the one, [`Handle::make_default`] serves the other.
//!
//! # `fork`
//!
//! Threads do not survive a fork of the process: in the child, the runtimes of the parent have nobody who would run a task
//! or wait for the outside world. Build a new one there, wherever the thread was that forked, even in a task: it has its own
//! threads, timers, sockets, signals and standard input. Of a runtime of the parent, in the child:
//!
//! | what | does |
//! |---|---|
//! | [`block_on`](Runtime::block_on), [`enter`](Runtime::enter), spawning, awaiting a [`JoinHandle`] | panics, and says what to do |
//! | dropping or shutting down the runtime | returns at once; its memory and descriptors, and the futures of its tasks, stay until the process ends or starts another program |
//! | waiting for its sockets, pipes and signals | ends as after a shutdown |
//! | waiting for its timers | panics as after a shutdown |
//! | dropping its sockets, children, timers, guards | is fine, and changes nothing for the parent |
//! | waking or aborting its tasks | does nothing |
//! | its closure, task or hook returning where it forked | aborts the process on a thread of the runtime; in `block_on` of a current-thread runtime it panics |
//!
//! What the root future of `block_on` returns is given back in both processes. The time to fork is before other threads run:
//! whatever they change meanwhile, such as a lock of the program or of std's streams, stays half-changed in the child. What
//! forks by the number of the system call instead of libc's `fork` is not noticed.

mod builder;
#[cfg(feature = "time")]
pub(crate) mod clock;
mod handle;
mod histogram;
mod id;
mod local;
mod metrics;
mod panics;
mod report;
mod seed;
#[cfg(feature = "signal")]
pub(crate) mod signals;
#[cfg(feature = "net")]
pub(crate) mod sockets;
mod threads;

use std::fmt;
use std::future::Future;
use std::io;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;
use std::time::Duration;

use unstuck_base::entered;
use unstuck_context::with_current;
use unstuck_scheduler::{BlockingPool, Pool, Single};

pub use builder::Builder;
pub use handle::{Handle, RuntimeFlavor};
pub use histogram::{
    HistogramConfiguration, HistogramScale, InvalidHistogramConfiguration, LogHistogram, LogHistogramBuilder,
};
pub use id::Id;
pub use local::{LocalOptions, LocalRuntime};
pub use metrics::RuntimeMetrics;
pub use panics::UnhandledPanic;
pub use report::{ShutdownReport, Straggler, StragglerKind};
pub use seed::RngSeed;
/// What [`Handle::make_default`] returns.
///
/// # Examples
/// ```
/// use unstuck::runtime::{DefaultGuard, Handle, Runtime};
///
/// /// What a program keeps as long as it runs.
/// struct Program {
///     runtime: Runtime,
///     serves_others: DefaultGuard,
/// }
///
/// let runtime = Runtime::new()?;
/// let serves_others = runtime.handle().make_default();
/// let program = Program { runtime, serves_others };
/// assert_eq!(Handle::current().id(), program.runtime.handle().id());
///
/// drop(program.serves_others);
/// assert!(Handle::try_current().is_err());
/// # Ok::<(), std::io::Error>(())
/// ```
#[doc(inline)]
pub use unstuck_context::DefaultGuard;
/// What [`Runtime::enter`] and [`Handle::enter`] return.
///
/// # Examples
/// ```
/// use unstuck::runtime::{Handle, Runtime};
///
/// let (outer, inner) = (Runtime::new()?, Runtime::new()?);
/// let _outer = outer.enter();
/// {
///     let _inner = inner.enter();
///     assert_eq!(Handle::current().id(), inner.handle().id());
/// }
/// assert_eq!(Handle::current().id(), outer.handle().id());
/// # Ok::<(), std::io::Error>(())
/// ```
#[doc(inline)]
pub use unstuck_context::EnterGuard;
pub use unstuck_context::TryCurrentError;
/// What hooks such as [`Builder::on_task_spawn`] are given.
///
/// # Examples
/// ```
/// use std::collections::HashMap;
/// use std::sync::{Arc, Mutex};
/// use unstuck::runtime::{Builder, TaskMeta};
///
/// // How many tasks each line of the program has spawned.
/// let lines = Arc::new(Mutex::new(HashMap::new()));
/// let count = lines.clone();
/// let runtime = Builder::new_current_thread()
///     .on_task_spawn(move |task: &TaskMeta<'_>| {
///         *count.lock().unwrap().entry(task.spawned_at().line()).or_insert(0) += 1;
///     })
///     .build()?;
/// for _ in 0..3 {
///     runtime.spawn(async {});
/// }
/// runtime.spawn(async {});
/// let mut counts: Vec<i32> = lines.lock().unwrap().values().copied().collect();
/// counts.sort();
/// assert_eq!(counts, [1, 3]);
/// # Ok::<(), std::io::Error>(())
/// ```
#[doc(inline)]
pub use unstuck_scheduler::TaskMeta;
/// What [`Builder::on_unhandled_panic`] and [`LocalSet::on_unhandled_panic`](crate::task::LocalSet::on_unhandled_panic) tell
/// of a task that panicked.
///
/// # Examples
/// ```
/// use std::sync::mpsc;
/// use unstuck::runtime::Runtime;
///
/// let (tell, told) = mpsc::channel();
/// let runtime = unstuck::runtime::Builder::new_current_thread()
///     .on_unhandled_panic(move |panic| tell.send(panic.to_string()).unwrap())
///     .build()?;
/// assert!(runtime.block_on(runtime.spawn(async { panic!("boom") })).is_err());
///
/// // Like "task 7, spawned at src/main.rs:8:35, panicked with "boom"".
/// let line = told.recv().unwrap();
/// assert!(line.contains(file!()) && line.contains("boom"));
/// # Ok::<(), std::io::Error>(())
/// ```
#[doc(inline)]
pub use unstuck_scheduler::TaskPanic;
/// The scheduler of a `LocalSet`, which `task` puts its types around.
pub(crate) use unstuck_scheduler::local as local_scheduler;

use crate::task::JoinHandle;

/// A runtime.
///
/// Dropping it shuts it down: every task is dropped at the next point where it waits, and the thread waits for the
/// workers and for blocking work that has begun; what has not begun never does, except what was written to a file or a
/// standard stream already. [`shutdown_timeout`](Runtime::shutdown_timeout) and
/// [`shutdown_background`](Runtime::shutdown_background) do not wait so long; [`shutdown_report`](Runtime::shutdown_report)
/// says for what it would have had to. Nobody waits for a read of the standard input or for
/// [`lookup_host`](crate::net::lookup_host).
///
/// # Panics
/// Dropping a runtime panics inside asynchronous code, where waiting would stall other tasks. There, use
/// [`shutdown_background`](Runtime::shutdown_background), or drop it in a `spawn_blocking`; or
/// [allow it](Builder::nested_block_on).
///
/// # Examples
/// ```
/// use unstuck::runtime::Runtime;
/// use unstuck::time::{Duration, sleep};
///
/// let runtime = Runtime::new()?;
/// let endless = runtime.spawn(std::future::pending::<()>());
/// runtime.block_on(async { sleep(Duration::from_millis(1)).await });
/// let handle = runtime.handle().clone();
/// drop(runtime);
/// assert!(handle.block_on(endless).unwrap_err().is_cancelled());
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Runtime {
    scheduler: Kind,
    blocking: Arc<BlockingPool>,
    handle: Handle,
    is_shut_down: bool,
}

enum Kind {
    CurrentThread(Single),
    MultiThread(Pool),
}

impl Runtime {
    /// A multi-thread runtime with default settings; see [`Builder`] for others.
    ///
    /// # Errors
    /// If the system gives no file descriptor or thread.
    ///
    /// # Examples
    /// ```
    /// let runtime = unstuck::runtime::Runtime::new()?;
    /// runtime.block_on(async {});
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn new() -> io::Result<Runtime> {
        Builder::new_multi_thread().enable_all().build()
    }

    /// A handle to this runtime, which other threads can spawn with. It does not keep the runtime running.
    ///
    /// # Examples
    /// ```
    /// let runtime = unstuck::runtime::Runtime::new()?;
    /// let handle = runtime.handle().clone();
    /// let thread = std::thread::spawn(move || handle.block_on(async { "on another thread" }));
    /// assert_eq!(thread.join().unwrap(), "on another thread");
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Spawns a task onto this runtime. It begins to run at once, also when nobody awaits the handle; on the
    /// current-thread runtime, when the next [`block_on`](Runtime::block_on) runs.
    ///
    /// # Examples
    /// ```
    /// let runtime = unstuck::runtime::Runtime::new()?;
    /// let task = runtime.spawn(async { "done" });
    /// assert_eq!(runtime.block_on(task).unwrap(), "done");
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.handle.spawn(future)
    }

    /// Runs a closure that blocks on a thread of this runtime that is there for it; see
    /// [`spawn_blocking`](crate::task::spawn_blocking).
    ///
    /// # Panics
    /// If there is no such thread yet, and the system gives none.
    ///
    /// # Examples
    /// ```
    /// let runtime = unstuck::runtime::Runtime::new()?;
    /// let sum = runtime.spawn_blocking(|| (1..=10).sum::<u32>());
    /// assert_eq!(runtime.block_on(sum).unwrap(), 55);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[track_caller]
    pub fn spawn_blocking<F, R>(&self, func: F) -> JoinHandle<R>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        self.handle.spawn_blocking(func)
    }

    /// Runs `future` to its end on this thread, which need not be `Send`. It is the entry to the runtime.
    ///
    /// On the current-thread runtime this thread also runs all tasks. When several threads are in `block_on` of one
    /// current-thread runtime, one of them does so, and another takes over when that one leaves.
    ///
    /// # Panics
    /// If the future panics; if called inside asynchronous code, unless that is [allowed](Builder::nested_block_on); if a task
    /// has panicked, where that is [to end the runtime](UnhandledPanic::ShutdownRuntime); if the system can't be waited for any more.
    ///
    /// # Examples
    /// ```
    /// let runtime = unstuck::runtime::Runtime::new()?;
    /// assert_eq!(runtime.block_on(async { 1 + 1 }), 2);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[track_caller]
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        let _inside = self.handle.go_inside();
        match &self.scheduler {
            Kind::CurrentThread(single) => match single.block_on(future) {
                Ok(output) => output,
                Err(error) => panic!("the I/O driver broke and can't be waited for: {error}"),
            },
            Kind::MultiThread(pool) => pool.block_on(future),
        }
    }

    /// Makes this runtime the thread's current one until the guard is dropped: `unstuck::spawn`, sockets and timers find
    /// it. It does not run any task.
    ///
    /// # Panics
    /// Not here; but dropping several guards in another order than the reverse one panics.
    ///
    /// # Examples
    /// ```
    /// let runtime = unstuck::runtime::Runtime::new()?;
    /// let task = {
    ///     let _guard = runtime.enter();
    ///     unstuck::spawn(async { 3 })
    /// };
    /// assert_eq!(runtime.block_on(task).unwrap(), 3);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[track_caller]
    pub fn enter(&self) -> EnterGuard<'_> {
        self.handle.enter()
    }

    /// Shuts the runtime down, and waits for its threads for at most `duration`.
    ///
    /// What still runs then (a task that does not return from its poll, or whose future does not return from its drop;
    /// blocking work) is left alone: it goes on as long as the process lives, or until it is done. On a current-thread runtime
    /// it is this thread that drops the futures of the tasks, however long that takes.
    ///
    /// # Panics
    /// Inside asynchronous code, unless `duration` is zero or that is [allowed](Builder::nested_block_on): waiting would stall
    /// other tasks. The runtime ends all the same.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    ///
    /// let runtime = unstuck::runtime::Runtime::new()?;
    /// runtime.spawn_blocking(|| std::thread::sleep(Duration::from_secs(3600)));
    /// runtime.shutdown_timeout(Duration::from_millis(10));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[track_caller]
    pub fn shutdown_timeout(mut self, duration: Duration) {
        self.end(Some(duration));
    }

    /// Shuts the runtime down, waits for its threads for at most `duration`, and says what has not stopped by then.
    ///
    /// What is named goes on, as after [`shutdown_timeout`](Runtime::shutdown_timeout). The task or closure that calls this
    /// itself is not named.
    ///
    /// # Panics
    /// As [`shutdown_timeout`](Runtime::shutdown_timeout).
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    ///
    /// let runtime = unstuck::runtime::Runtime::new()?;
    /// let (begin, begun) = std::sync::mpsc::channel();
    /// let task = runtime.spawn(async move {
    ///     begin.send(()).unwrap();
    ///     std::thread::sleep(Duration::from_secs(3600)); // a task must not do that
    /// });
    /// begun.recv().unwrap();
    ///
    /// let report = runtime.shutdown_report(Duration::from_millis(10));
    /// let straggler = report.iter().next().unwrap();
    /// assert_eq!(straggler.id(), task.id());
    /// assert_eq!(straggler.spawned_at().file(), file!());
    /// assert!(straggler.running_for() >= Duration::from_millis(10));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[track_caller]
    pub fn shutdown_report(mut self, duration: Duration) -> ShutdownReport {
        if !self.handle.is_here() {
            self.end(Some(duration));
            return ShutdownReport::default();
        }
        let kernel = self.handle.parts().kernel.clone();
        let began = kernel.real_now();
        self.end(Some(duration));
        let tasks = match &self.scheduler {
            // Its tasks are polled and dropped by the thread that shuts it down.
            Kind::CurrentThread(_) => Vec::new(),
            Kind::MultiThread(pool) => pool.stragglers(began),
        };
        ShutdownReport::new(began, kernel.real_now(), tasks, self.blocking.stragglers())
    }

    /// Shuts the runtime down, and waits for nobody, but for the drops that
    /// [`shutdown_timeout`](Runtime::shutdown_timeout) names. It can be called inside asynchronous code.
    ///
    /// # Examples
    /// ```
    /// let outer = unstuck::runtime::Runtime::new()?;
    /// outer.block_on(async {
    ///     let inner = unstuck::runtime::Runtime::new().unwrap();
    ///     inner.shutdown_background();
    /// });
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn shutdown_background(self) {
        self.shutdown_timeout(Duration::ZERO);
    }

    /// What can be counted of this runtime.
    ///
    /// # Examples
    /// ```
    /// let runtime = unstuck::runtime::Runtime::new()?;
    /// runtime.block_on(async { unstuck::spawn(async {}).await }).unwrap();
    /// let metrics = runtime.metrics();
    /// assert_eq!((metrics.spawned_tasks_count(), metrics.num_alive_tasks()), (1, 0));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn metrics(&self) -> RuntimeMetrics {
        self.handle.metrics()
    }

    /// Ends it for good: waits for its threads, if waiting is allowed here.
    #[track_caller]
    fn end(&mut self, limit: Option<Duration>) {
        if !self.handle.is_here() {
            // In a forked child all of it is the parent's, as `base::fork` says: it stays as it is.
            self.is_shut_down = true;
            return std::mem::forget(self.handle.clone());
        }
        if limit == Some(Duration::ZERO) {
            return self.shut_down(limit);
        }
        // Where waiting is not allowed the runtime ends all the same, and then the mistake is told.
        let blocking = entered::try_begin_blocking();
        self.shut_down(if blocking.is_some() { limit } else { Some(Duration::ZERO) });
        assert!(
            blocking.is_some() || std::thread::panicking(),
            "Cannot drop a runtime in a context where blocking is not allowed. This happens when a runtime is dropped from \
             within an asynchronous context: use `shutdown_background`, or drop it in `spawn_blocking`. It is allowed inside \
             a (multi-thread) runtime that was built with `Builder::nested_block_on`."
        );
    }

    fn shut_down(&mut self, limit: Option<Duration>) {
        self.is_shut_down = true;
        let now = || self.handle.parts().kernel.real_now();
        let deadline = limit.and_then(|limit| now().checked_add(limit));
        let left = || deadline.map(|deadline| deadline.saturating_duration_since(now()));
        {
            let _context = self.handle.enter();
            // Blocking work that has not begun never begins.
            match &self.scheduler {
                Kind::CurrentThread(single) => {
                    self.blocking.close(limit.is_none());
                    single.shut_down();
                }
                // What is dropped may wait for what the end of the pool brings, and the other way round.
                Kind::MultiThread(pool) => {
                    self.blocking.close(false);
                    pool.shut_down(left());
                }
            }
            if limit.is_none() {
                // Where there was no thread for it.
                self.blocking.drop_refused();
            }
        }
        self.blocking.wait(left());
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        if !self.is_shut_down {
            self.end(None);
        }
    }
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runtime").field("handle", &self.handle).finish_non_exhaustive()
    }
}

// A panic in user code leaves nothing of a runtime half-changed: its locks are never held meanwhile.
impl UnwindSafe for Runtime {}
impl RefUnwindSafe for Runtime {}

/// Which worker of the current runtime this thread is, counted from 0 as in [`RuntimeMetrics`].
///
/// `None` on threads that are no workers: outside a runtime, in the `block_on` of a multi-thread runtime, in
/// [`spawn_blocking`](crate::task::spawn_blocking) and [`block_in_place`](crate::task::block_in_place). The thread that runs
/// a current-thread runtime is its worker 0. A task may be on another worker after each `.await`.
///
/// # Examples
/// ```
/// use unstuck::runtime::worker_index;
///
/// # #[unstuck::main(worker_threads = 2)]
/// # async fn main() {
/// let index = unstuck::spawn(async { worker_index() }).await.unwrap();
/// assert!(index.is_some_and(|index| index < 2));
/// assert_eq!(unstuck::task::spawn_blocking(worker_index).await.unwrap(), None);
/// # }
/// ```
pub fn worker_index() -> Option<usize> {
    with_current(|handle| handle.parts().scheduler.worker_index()).ok()?
}

/// Whether an operation failed with `err` since the runtime of its resource has shut down.
///
/// # Examples
/// ```
/// use unstuck::net::TcpListener;
/// use unstuck::runtime::{Runtime, is_rt_shutdown_err};
///
/// let ended = Runtime::new()?;
/// let listener = ended.block_on(TcpListener::bind("127.0.0.1:0"))?;
/// drop(ended);
///
/// let error = Runtime::new()?.block_on(listener.accept()).unwrap_err();
/// assert!(is_rt_shutdown_err(&error));
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn is_rt_shutdown_err(err: &io::Error) -> bool {
    err.get_ref().is_some_and(|inside| inside.is::<unstuck_driver::readiness::Shutdown>())
}
