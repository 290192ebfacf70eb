//! Putting the parts of a runtime together.
//!
//! 1. Here a scheduler meets a kernel, and nowhere else.
//! 2. A clock can be paused on a current-thread runtime only: with several threads it is not determined who runs when.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use unstuck_context::Parts;
use unstuck_driver::clock::pausable;
use unstuck_driver::{Driver, Kernel, PausedClock, Timers};
use unstuck_os::Batches;
use unstuck_scheduler::pool::{self, MonitorConfig};
use unstuck_scheduler::{BlockingPool, Pool, Single, Tuning, blocking};

use super::{Builder, Flavor};
use crate::runtime::histogram::ByResolution;
use crate::runtime::threads::{default_workers, start_monitor};
use crate::runtime::{Handle, Kind, LocalOptions, LocalRuntime, RngSeed, Runtime};

impl Builder {
    /// Builds the runtime, and starts its workers.
    ///
    /// # Errors
    /// If the system gives no file descriptor or thread.
    ///
    /// # Panics
    /// If the clock of a multi-thread runtime is to be paused; if code inside a current-thread runtime is to be
    /// [allowed to block](Builder::nested_block_on); if the variable `TOKIO_WORKER_THREADS` is needed and is not a number
    /// above 0.
    ///
    /// # Examples
    /// ```
    /// let runtime = unstuck::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    /// let sum = runtime.block_on(async {
    ///     let (one, two) = (unstuck::spawn(async { 1 }), unstuck::spawn(async { 2 }));
    ///     one.await.unwrap() + two.await.unwrap()
    /// });
    /// assert_eq!(sum, 3);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[track_caller]
    pub fn build(&mut self) -> io::Result<Runtime> {
        assert!(
            self.flavor == Flavor::MultiThread || !self.tuning.nests,
            "nested_block_on is for multi-thread runtimes: the tasks of a current-thread runtime could not go on while its \
             only thread waits. Begin with `Builder::new_multi_thread`; one worker thread is enough"
        );
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
    /// If this builder is for a multi-thread runtime; if [`build`](Builder::build) does.
    ///
    /// # Examples
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

    #[track_caller]
    fn build_multi_thread(&self, kernel: Arc<dyn Kernel>, driver: Box<dyn Driver>) -> io::Result<Runtime> {
        let workers = match self.workers {
            Some(workers) => workers,
            None => default_workers(),
        };
        let timers = Timers::new(kernel.clone(), workers);
        let blocking = self.blocking_pool(&kernel);
        let config = pool::Config {
            workers,
            spares: self.max_blocking_threads,
            start_thread: self.threads.starter(),
            hooks: self.hooks.clone(),
            tuning: self.tuning(),
            seed: self.seed_or_entropy(&*kernel),
            monitor: self.monitor(),
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
            Kind::MultiThread(pool) => match pool.start(&handle, &config) {
                Ok(()) => Ok(runtime),
                Err(error) => {
                    // Dropping it would wait, which asynchronous code may not do.
                    runtime.shutdown_background();
                    Err(error)
                }
            },
            Kind::CurrentThread(_) => unreachable!("made above"),
        }
    }

    fn monitor(&self) -> Option<MonitorConfig> {
        (self.stuck_threshold != Duration::MAX)
            .then(|| MonitorConfig { threshold: self.stuck_threshold, start_thread: Arc::new(start_monitor) })
    }

    fn seed_or_entropy(&self, kernel: &dyn Kernel) -> u64 {
        self.seed.as_ref().map_or_else(|| kernel.entropy(), RngSeed::number)
    }

    fn tuning(&self) -> Tuning {
        let configuration = || self.poll_times.clone().unwrap_or_else(|| self.poll_times_by_resolution.into());
        let poll_times = self.has_poll_times.then(|| configuration().bounds().into());
        let configuration = || self.queue_times.clone().unwrap_or_else(|| ByResolution::default().into());
        let queue_times = self.has_queue_times.then(|| configuration().bounds().into());
        Tuning { poll_times, queue_times, ..self.tuning.clone() }
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
