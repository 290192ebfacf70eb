//! Settings of a runtime.
//!
//! 1. A setting is only written down; [`build`](Builder::build) puts the parts together, as often as it is called.

mod build;
mod hooks;
mod tuning;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use unstuck_context::Enabled;
use unstuck_os::Batches;
use unstuck_scheduler::{Hooks, Tuning};

use super::histogram::ByResolution;
use super::threads::Threads;
use super::{HistogramConfiguration, RngSeed};

/// Builds a [`Runtime`](super::Runtime) with settings of one's own.
///
/// # Examples
/// ```
/// use unstuck::runtime::Builder;
///
/// let runtime = Builder::new_multi_thread()
///     .worker_threads(2)
///     .thread_name("service")
///     .enable_all()
///     .build()?;
/// runtime.block_on(async {
///     let name = unstuck::spawn(async { std::thread::current().name().map(str::to_owned) });
///     assert_eq!(name.await.unwrap().as_deref(), Some("service"));
/// });
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Builder {
    flavor: Flavor,
    workers: Option<usize>,
    max_blocking_threads: usize,
    keep_alive: Duration,
    threads: Threads,
    hooks: Hooks,
    start_paused: bool,
    name: Option<String>,
    enabled: Enabled,
    tuning: Tuning,
    seed: Option<RngSeed>,
    events: usize,
    busy_events: Option<usize>,
    has_poll_times: bool,
    /// Else by resolution.
    poll_times: Option<HistogramConfiguration>,
    poll_times_by_resolution: ByResolution,
    has_queue_times: bool,
    queue_times: Option<HistogramConfiguration>,
    stuck_threshold: Duration,
}

/// How long a poll may last before its worker counts as stuck, if nobody says.
const STUCK_THRESHOLD: Duration = Duration::from_millis(10);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flavor {
    CurrentThread,
    MultiThread,
}

impl Builder {
    /// For a runtime that runs all tasks on the thread that is in [`Runtime::block_on`](super::Runtime::block_on).
    ///
    /// # Examples
    /// ```
    /// use unstuck::runtime::Builder;
    ///
    /// let runtime = Builder::new_current_thread().build()?;
    /// let task = runtime.spawn(async { std::thread::current().id() });
    /// assert_eq!(runtime.block_on(task).unwrap(), std::thread::current().id());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn new_current_thread() -> Builder {
        Builder::new(Flavor::CurrentThread)
    }

    /// For a runtime with a pool of worker threads.
    ///
    /// # Examples
    /// ```
    /// use unstuck::runtime::Builder;
    ///
    /// let runtime = Builder::new_multi_thread().build()?;
    /// let task = runtime.spawn(async { std::thread::current().id() });
    /// assert_ne!(runtime.block_on(task).unwrap(), std::thread::current().id());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn new_multi_thread() -> Builder {
        Builder::new(Flavor::MultiThread)
    }

    fn new(flavor: Flavor) -> Builder {
        Builder {
            flavor,
            workers: None,
            max_blocking_threads: 512,
            keep_alive: Duration::from_secs(10),
            stuck_threshold: STUCK_THRESHOLD,
            threads: Threads { name: Threads::named("unstuck-worker".to_owned()), stack_size: None },
            hooks: Hooks::default(),
            start_paused: false,
            name: None,
            enabled: Enabled { io: false, time: false },
            tuning: Tuning::default(),
            seed: None,
            events: Batches::default().parked,
            busy_events: None,
            has_poll_times: false,
            poll_times: None,
            poll_times_by_resolution: ByResolution::default(),
            has_queue_times: false,
            queue_times: None,
        }
    }

    /// Enables I/O and time; see [`enable_io`](Builder::enable_io) and [`enable_time`](Builder::enable_time).
    ///
    /// # Examples
    /// ```
    /// use unstuck::net::UdpSocket;
    /// use unstuck::time::{Duration, timeout};
    ///
    /// let runtime = unstuck::runtime::Builder::new_current_thread().enable_all().build()?;
    /// runtime.block_on(async {
    ///     let socket = UdpSocket::bind("127.0.0.1:0").await?; // needs I/O
    ///     let mut buf = [0; 16];
    ///     let received = timeout(Duration::from_millis(5), socket.recv(&mut buf)).await; // needs time
    ///     assert!(received.is_err(), "nobody sends anything");
    ///     Ok::<(), std::io::Error>(())
    /// })?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn enable_all(&mut self) -> &mut Self {
        self.enabled = Enabled::ALL;
        self
    }

    /// Enables what waits for the outside world: sockets, pipes, signals, child processes. Making one of them in a runtime
    /// without it panics.
    ///
    /// # Examples
    /// ```should_panic
    /// let runtime = unstuck::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    /// // Panics: the runtime has no I/O.
    /// let _ = runtime.block_on(unstuck::net::TcpListener::bind("127.0.0.1:0"));
    /// ```
    pub fn enable_io(&mut self) -> &mut Self {
        self.enabled.io = true;
        self
    }

    /// Enables what waits for a deadline: sleeping, timeouts, intervals. Making one of them in a runtime without it panics.
    ///
    /// # Examples
    /// ```should_panic
    /// use unstuck::time::{Duration, sleep};
    ///
    /// let runtime = unstuck::runtime::Builder::new_current_thread().enable_io().build().unwrap();
    /// // Panics: the runtime has no timers.
    /// runtime.block_on(async { sleep(Duration::from_millis(1)).await });
    /// ```
    pub fn enable_time(&mut self) -> &mut Self {
        self.enabled.time = true;
        self
    }

    /// How many worker threads a multi-thread runtime has. Without this, the variable `TOKIO_WORKER_THREADS` says, or it
    /// is as many as the machine can run at the same time. A current-thread runtime ignores it.
    ///
    /// # Panics
    /// If `val` is 0.
    ///
    /// # Examples
    /// ```
    /// let runtime = unstuck::runtime::Builder::new_multi_thread().worker_threads(3).build()?;
    /// assert_eq!(runtime.metrics().num_workers(), 3);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[track_caller]
    pub fn worker_threads(&mut self, val: usize) -> &mut Self {
        assert!(val > 0, "Worker threads cannot be set to 0");
        self.workers = Some(val);
        self
    }

    /// What the runtime is called, for [`Handle::name`](super::Handle::name): to tell several apart.
    ///
    /// # Panics
    /// If that is nothing, or only white space.
    ///
    /// # Examples
    /// ```
    /// use unstuck::runtime::{Builder, Handle};
    ///
    /// let runtime = Builder::new_current_thread().name("billing").build()?;
    /// runtime.block_on(async {
    ///     assert_eq!(Handle::current().name(), Some("billing"));
    /// });
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[track_caller]
    pub fn name(&mut self, val: impl Into<String>) -> &mut Self {
        let name = val.into();
        assert!(!name.trim().is_empty(), "runtime name shouldn't be empty");
        self.name = Some(name);
        self
    }

    /// How many threads there may be for work that blocks, beside the workers; 512 without this. Further blocking work
    /// waits in a queue.
    ///
    /// On a multi-thread runtime at most so many threads more stand in for workers in
    /// [`block_in_place`](crate::task::block_in_place) (or what [`nested_block_on`](Builder::nested_block_on) treats like
    /// that), or in a poll that is [stuck](Builder::stuck_threshold). They never wait in that queue.
    ///
    /// # Panics
    /// If `val` is 0.
    ///
    /// # Examples
    /// ```
    /// let runtime = unstuck::runtime::Builder::new_current_thread().max_blocking_threads(2).build()?;
    /// let jobs: Vec<_> = (0..10).map(|n| runtime.spawn_blocking(move || n * n)).collect();
    /// for (n, job) in jobs.into_iter().enumerate() {
    ///     assert_eq!(runtime.block_on(job).unwrap(), n * n);
    /// }
    /// assert!(runtime.metrics().num_blocking_threads() <= 2);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[track_caller]
    pub fn max_blocking_threads(&mut self, val: usize) -> &mut Self {
        assert!(val > 0, "Max blocking threads cannot be set to 0");
        self.max_blocking_threads = val;
        self
    }

    /// Whether code inside a multi-thread runtime may block where it runs, as if it said so with
    /// [`block_in_place`](crate::task::block_in_place) each time; without this it panics. For programs in which synchronous
    /// code (a callback, a `Drop`, a trait without `async`) needs the result of asynchronous code, and may be called from
    /// either.
    ///
    /// With `true` these may be called in the runtime's tasks, in the future of its `block_on`, and in whatever else its
    /// threads run (wakers, drops, and hooks but for [`on_thread_start`](Builder::on_thread_start), which whoever would stand
    /// in runs as well):
    ///
    /// - [`Runtime::block_on`](super::Runtime::block_on) and [`Handle::block_on`](super::Handle::block_on), of this or of any
    ///   other runtime, and those of a `LocalRuntime` and a `LocalSet`;
    /// - the `blocking_*` methods of [`sync`](crate::sync);
    /// - dropping any runtime, [`shutdown_timeout`](super::Runtime::shutdown_timeout) and
    ///   [`shutdown_report`](super::Runtime::shutdown_report).
    ///
    /// A worker that blocks gives its other tasks away first, and another thread stands in for it: each call costs as much as
    /// `block_in_place`, and so many may be in progress at the same time as
    /// [`max_blocking_threads`](Builder::max_blocking_threads) says, beside the workers. More of them go on, but may leave
    /// the runtime without a worker until one returns. The *current* task stands still meanwhile: whatever else it runs
    /// concurrently, by `join!` or `select!` say, and locks that it holds. If that is what is waited for, the thread waits
    /// for ever. Where there is a choice, `.await`. When the runtime ends meanwhile, what is awaited of it fails, as in
    /// [`Handle::block_on`](super::Handle::block_on) elsewhere.
    ///
    /// It is the runtime which the thread runs that counts: inside a runtime that was built without this they panic, whatever
    /// runtime they are called on. Inside a [`LocalSet`](crate::task::LocalSet) they always do, and a simulation can't be
    /// started inside a runtime.
    ///
    /// This is unstuck's own: Tokio has no such method.
    ///
    /// # Panics
    /// Not here; but [`build`](Builder::build) panics if it is to be `true` for a current-thread runtime: its tasks could not
    /// go on while its only thread waits.
    ///
    /// # Examples
    /// ```
    /// use unstuck::runtime::{Builder, Handle};
    ///
    /// /// Synchronous code, which does not know who calls it.
    /// fn fetch() -> u32 {
    ///     Handle::current().block_on(async { unstuck::spawn(async { 42 }).await.unwrap() })
    /// }
    ///
    /// let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().nested_block_on(true).build()?;
    /// let task = runtime.spawn(async { fetch() + 1 }); // would panic without it
    /// assert_eq!(runtime.block_on(task).unwrap(), 43);
    /// assert_eq!(runtime.block_on(async { fetch() }), 42);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn nested_block_on(&mut self, val: bool) -> &mut Self {
        self.tuning.nests = val;
        self
    }

    /// How long a thread for blocking work stays when it has nothing to do; 10 seconds without this.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    ///
    /// let runtime =
    ///     unstuck::runtime::Builder::new_current_thread().thread_keep_alive(Duration::from_millis(1)).build()?;
    /// runtime.block_on(runtime.spawn_blocking(|| "done")).unwrap();
    /// // Nothing else is to be done, so the thread goes.
    /// while runtime.metrics().num_blocking_threads() > 0 {
    ///     std::thread::yield_now();
    /// }
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn thread_keep_alive(&mut self, duration: Duration) -> &mut Self {
        self.keep_alive = duration;
        self
    }

    /// The name of the runtime's threads; `unstuck-worker` without this.
    ///
    /// # Examples
    /// ```
    /// let runtime = unstuck::runtime::Builder::new_current_thread().thread_name("mail").build()?;
    /// let name = runtime.spawn_blocking(|| std::thread::current().name().map(str::to_owned));
    /// assert_eq!(runtime.block_on(name).unwrap().as_deref(), Some("mail"));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn thread_name(&mut self, val: impl Into<String>) -> &mut Self {
        self.threads.name = Threads::named(val.into());
        self
    }

    /// A function that names each of the runtime's threads.
    ///
    /// # Examples
    /// ```
    /// use std::sync::atomic::{AtomicUsize, Ordering};
    ///
    /// let runtime = unstuck::runtime::Builder::new_multi_thread()
    ///     .thread_name_fn(|| {
    ///         static NEXT: AtomicUsize = AtomicUsize::new(0);
    ///         format!("service-{}", NEXT.fetch_add(1, Ordering::Relaxed))
    ///     })
    ///     .build()?;
    /// let task = runtime.spawn(async { std::thread::current().name().map(str::to_owned) });
    /// assert!(runtime.block_on(task).unwrap().is_some_and(|name| name.starts_with("service-")));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn thread_name_fn<F>(&mut self, f: F) -> &mut Self
    where
        F: Fn() -> String + Send + Sync + 'static,
    {
        self.threads.name = Arc::new(f);
        self
    }

    /// The size of the stacks of the runtime's threads, in bytes; std's default (2 MiB) without this.
    ///
    /// # Examples
    /// ```
    /// /// Takes some stack at each level.
    /// fn depth(levels: u32) -> u32 {
    ///     if levels == 0 { 0 } else { std::hint::black_box(depth(levels - 1)) + 1 }
    /// }
    ///
    /// let runtime = unstuck::runtime::Builder::new_current_thread().thread_stack_size(64 << 20).build()?;
    /// let deep = runtime.spawn_blocking(|| depth(100_000));
    /// assert_eq!(runtime.block_on(deep).unwrap(), 100_000);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn thread_stack_size(&mut self, val: usize) -> &mut Self {
        self.threads.stack_size = Some(val);
        self
    }

    /// Whether the clock stands still from the start; see [`time::pause`](crate::time::pause). For tests on a
    /// current-thread runtime: [`build`](Builder::build) panics for another one.
    ///
    /// # Examples
    /// ```
    /// use unstuck::time::{Duration, Instant, sleep};
    ///
    /// let runtime = unstuck::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
    /// runtime.block_on(async {
    ///     let start = Instant::now();
    ///     sleep(Duration::from_secs(3600)).await; // goes by at once
    ///     assert_eq!(start.elapsed(), Duration::from_secs(3600));
    /// });
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn start_paused(&mut self, start_paused: bool) -> &mut Self {
        self.start_paused = start_paused;
        self
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("flavor", &self.flavor)
            .field("worker_threads", &self.workers)
            .field("max_blocking_threads", &self.max_blocking_threads)
            .field("thread_keep_alive", &self.keep_alive)
            .field("stuck_threshold", &self.stuck_threshold)
            .field("thread_stack_size", &self.threads.stack_size)
            .field("start_paused", &self.start_paused)
            .field("nested_block_on", &self.tuning.nests)
            .field("name", &self.name)
            .field("enabled", &self.enabled)
            .finish_non_exhaustive()
    }
}
