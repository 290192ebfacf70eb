//! Settings of a runtime, and putting its parts together.

mod hooks;
mod tuning;

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use unstuck_context::{Enabled, Parts};
use unstuck_driver::clock::pausable;
use unstuck_driver::{Driver, Kernel, PausedClock, Timers};
use unstuck_os::Batches;
use unstuck_scheduler::{BlockingPool, Hooks, Pool, Single, Tuning, blocking, pool};

use super::histogram::ByResolution;
use super::threads::{Threads, default_workers};
use super::{Handle, HistogramConfiguration, Kind, LocalOptions, LocalRuntime, RngSeed, Runtime};

/// Builds a [`Runtime`] with settings of one's own.
///
/// # Example
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
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flavor {
    CurrentThread,
    MultiThread,
}

impl Builder {
    /// For a runtime that runs all tasks on the thread that is in [`Runtime::block_on`].
    pub fn new_current_thread() -> Builder {
        Builder::new(Flavor::CurrentThread)
    }

    /// For a runtime with a pool of worker threads.
    pub fn new_multi_thread() -> Builder {
        Builder::new(Flavor::MultiThread)
    }

    fn new(flavor: Flavor) -> Builder {
        Builder {
            flavor,
            workers: None,
            max_blocking_threads: 512,
            keep_alive: Duration::from_secs(10),
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
        }
    }

    /// Enables I/O and time; see [`enable_io`](Builder::enable_io) and [`enable_time`](Builder::enable_time).
    pub fn enable_all(&mut self) -> &mut Self {
        self.enabled = Enabled::ALL;
        self
    }

    /// Enables what waits for the outside world: sockets, pipes, signals, child processes. Making one of them in a runtime
    /// without it panics.
    ///
    /// # Example
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
    /// # Example
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
    #[track_caller]
    pub fn worker_threads(&mut self, val: usize) -> &mut Self {
        assert!(val > 0, "Worker threads cannot be set to 0");
        self.workers = Some(val);
        self
    }

    /// What the runtime is called, for [`Handle::name`]: to tell several apart.
    ///
    /// # Panics
    /// If that is nothing, or only white space.
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
    /// # Panics
    /// If `val` is 0.
    #[track_caller]
    pub fn max_blocking_threads(&mut self, val: usize) -> &mut Self {
        assert!(val > 0, "Max blocking threads cannot be set to 0");
        self.max_blocking_threads = val;
        self
    }

    /// How long a thread for blocking work stays when it has nothing to do; 10 seconds without this.
    pub fn thread_keep_alive(&mut self, duration: Duration) -> &mut Self {
        self.keep_alive = duration;
        self
    }

    /// The name of the runtime's threads; `unstuck-worker` without this.
    pub fn thread_name(&mut self, val: impl Into<String>) -> &mut Self {
        self.threads.name = Threads::named(val.into());
        self
    }

    /// A function that names each of the runtime's threads.
    ///
    /// # Example
    /// ```
    /// use std::sync::atomic::{AtomicUsize, Ordering};
    ///
    /// let runtime = unstuck::runtime::Builder::new_multi_thread()
    ///     .thread_name_fn(|| {
    ///         static NEXT: AtomicUsize = AtomicUsize::new(0);
    ///         format!("service-{}", NEXT.fetch_add(1, Ordering::Relaxed))
    ///     })
    ///     .build()?;
    /// # drop(runtime);
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
    pub fn thread_stack_size(&mut self, val: usize) -> &mut Self {
        self.threads.stack_size = Some(val);
        self
    }

    /// Whether the clock stands still from the start; see [`time::pause`](crate::time::pause). For tests on a
    /// current-thread runtime.
    pub fn start_paused(&mut self, start_paused: bool) -> &mut Self {
        self.start_paused = start_paused;
        self
    }

    /// Builds the runtime, and starts its workers.
    ///
    /// # Errors
    /// If the system gives no file descriptor or thread.
    ///
    /// # Panics
    /// If the clock of a multi-thread runtime is to be paused, or the variable `TOKIO_WORKER_THREADS` is needed and is
    /// not a number above 0.
    #[track_caller]
    pub fn build(&mut self) -> io::Result<Runtime> {
        let batches = Batches { parked: self.events, busy: self.busy_events.unwrap_or(self.events) };
        if self.enabled.io {
            let (kernel, driver) = unstuck_os::open_with(batches)?;
            self.build_on(kernel, driver)
        } else {
            let (kernel, driver) = unstuck_os::offline();
            self.build_on(kernel, driver)
        }
    }

    #[track_caller]
    fn build_on<K: Kernel, D: Driver + 'static>(&self, kernel: Arc<K>, driver: D) -> io::Result<Runtime> {
        match self.flavor {
            Flavor::CurrentThread => {
                let (kernel, driver) = pausable(kernel, driver);
                if self.start_paused {
                    kernel.clock().pause();
                }
                let clock = kernel.clock().clone();
                Ok(self.build_current_thread(kernel, Box::new(driver), clock))
            }
            Flavor::MultiThread => {
                assert!(!self.start_paused, "the clock can be paused only on a current-thread runtime");
                self.build_multi_thread(kernel, Box::new(driver))
            }
        }
    }

    /// Builds a runtime whose tasks need not be `Send`: they stay on this thread. For a builder of the current-thread
    /// flavor.
    ///
    /// # Errors
    /// If the system gives no file descriptor.
    ///
    /// # Panics
    /// If this builder is for a multi-thread runtime.
    ///
    /// # Example
    /// ```
    /// use std::rc::Rc;
    /// use unstuck::runtime::{Builder, LocalOptions};
    ///
    /// let runtime = Builder::new_current_thread().build_local(LocalOptions::default())?;
    /// let shared = Rc::new(5);
    /// let task = runtime.spawn_local({
    ///     let shared = shared.clone();
    ///     async move { *shared + 1 }
    /// });
    /// assert_eq!(runtime.block_on(task).unwrap(), 6);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[track_caller]
    pub fn build_local(&mut self, _options: LocalOptions) -> io::Result<LocalRuntime> {
        assert!(
            self.flavor == Flavor::CurrentThread,
            "multi_thread is not supported for `LocalRuntime`: begin with `Builder::new_current_thread`"
        );
        self.build().map(LocalRuntime::around)
    }

    fn build_current_thread(
        &self,
        kernel: Arc<dyn Kernel>,
        driver: Box<dyn Driver>,
        clock: Arc<PausedClock>,
    ) -> Runtime {
        let timers = Timers::new(kernel.clone(), 0);
        let seed = self.seed_or_entropy(&*kernel);
        let single = Single::new(kernel.clone(), driver, timers.clone(), seed, self.hooks.clone(), self.tuning());
        let blocking = self.blocking_pool(&kernel);
        let parts = Parts {
            scheduler: single.scheduler(),
            kernel,
            timers,
            blocking: blocking.clone(),
            clock: Some(clock),
            name: self.name.clone(),
            enabled: self.enabled,
        };
        let handle = unstuck_context::Handle::new(parts);
        blocking.set_context(handle.clone());
        Runtime { scheduler: Kind::CurrentThread(single), blocking, handle: Handle::new(handle), is_shut_down: false }
    }

    fn build_multi_thread(&self, kernel: Arc<dyn Kernel>, driver: Box<dyn Driver>) -> io::Result<Runtime> {
        let workers = self.workers.unwrap_or_else(default_workers);
        let timers = Timers::new(kernel.clone(), workers);
        let blocking = self.blocking_pool(&kernel);
        let config = pool::Config {
            workers,
            spares: self.max_blocking_threads,
            start_thread: self.threads.starter(),
            hooks: self.hooks.clone(),
            tuning: self.tuning(),
            seed: self.seed_or_entropy(&*kernel),
        };
        let pool = Pool::new(&config, kernel.clone(), driver, timers.clone(), blocking.clone());
        let parts = Parts {
            scheduler: pool.scheduler(),
            kernel,
            timers,
            blocking: blocking.clone(),
            clock: None,
            name: self.name.clone(),
            enabled: self.enabled,
        };
        let handle = unstuck_context::Handle::new(parts);
        blocking.set_context(handle.clone());
        // From here on the runtime is whole: if a thread can't be started, dropping it ends those that were.
        let runtime = Runtime {
            scheduler: Kind::MultiThread(pool),
            blocking,
            handle: Handle::new(handle.clone()),
            is_shut_down: false,
        };
        match &runtime.scheduler {
            Kind::MultiThread(pool) => pool.start(&handle, &config)?,
            Kind::CurrentThread(_) => unreachable!("made above"),
        }
        Ok(runtime)
    }

    fn seed_or_entropy(&self, kernel: &dyn Kernel) -> u64 {
        self.seed.as_ref().map_or_else(|| kernel.entropy(), RngSeed::number)
    }

    fn tuning(&self) -> Tuning {
        let configuration = || self.poll_times.clone().unwrap_or_else(|| self.poll_times_by_resolution.into());
        let poll_times = self.has_poll_times.then(|| configuration().bounds().into());
        Tuning { poll_times, ..self.tuning.clone() }
    }

    fn blocking_pool(&self, kernel: &Arc<dyn Kernel>) -> Arc<BlockingPool> {
        let config = blocking::Config {
            max_threads: self.max_blocking_threads,
            keep_alive: self.keep_alive,
            start_thread: self.threads.starter(),
            hooks: self.hooks.clone(),
        };
        BlockingPool::new(config, kernel.clone())
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("flavor", &self.flavor)
            .field("worker_threads", &self.workers)
            .field("max_blocking_threads", &self.max_blocking_threads)
            .field("thread_keep_alive", &self.keep_alive)
            .field("thread_stack_size", &self.threads.stack_size)
            .field("start_paused", &self.start_paused)
            .field("name", &self.name)
            .field("enabled", &self.enabled)
            .finish_non_exhaustive()
    }
}
