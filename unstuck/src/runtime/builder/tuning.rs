//! How the runtime goes about its work: intervals, choices, and what it measures. The defaults are good; change them only
//! with a measurement at hand.

use std::time::Duration;

use super::Builder;
use crate::runtime::{HistogramConfiguration, HistogramScale, RngSeed};

/// Scheduling.
impl Builder {
    /// How long a poll may last before the multi-thread runtime takes its worker for stuck; 10 ms without this. A thread of
    /// the runtime looks after that, and sleeps while the runtime does. What is queued behind a stuck poll is taken over by
    /// other workers, and a spare one stands in: one for each poll that waits in the system, and for those that keep a core
    /// busy as many as there are workers at most. So a task that blocks delays the others by about this time, whatever else
    /// the workers do, and as long as there are threads to be had: see
    /// [`max_blocking_threads`](Builder::max_blocking_threads).
    ///
    /// [`Duration::MAX`] switches it off. On a current-thread runtime nobody could stand in, so it has no effect there.
    ///
    /// This is unstuck's own: Tokio has no such method.
    ///
    /// # Panics
    /// If `threshold` is zero.
    ///
    /// # Examples
    /// ```
    /// use unstuck::runtime::Builder;
    /// use unstuck::time::{Duration, sleep};
    ///
    /// let runtime = Builder::new_multi_thread()
    ///     .worker_threads(1)
    ///     .enable_time()
    ///     .stuck_threshold(Duration::from_millis(5))
    ///     .build()?;
    /// let (over, is_over) = std::sync::mpsc::channel();
    /// // The only worker waits for something that another task does.
    /// let blocks = runtime.spawn(async move { is_over.recv().unwrap() });
    /// runtime.spawn(async move {
    ///     sleep(Duration::from_millis(1)).await;
    ///     over.send("done").unwrap();
    /// });
    /// assert_eq!(runtime.block_on(blocks).unwrap(), "done");
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[track_caller]
    pub fn stuck_threshold(&mut self, threshold: Duration) -> &mut Self {
        assert!(!threshold.is_zero(), "stuck_threshold must be longer than zero; Duration::MAX switches it off");
        self.stuck_threshold = threshold;
        self
    }

    /// After how many polls a worker looks at the queue that all share, although it has tasks of its own. Without this it
    /// does so whenever it looks at the outside world.
    ///
    /// # Panics
    /// If `val` is 0.
    ///
    /// # Examples
    /// ```
    /// let runtime = unstuck::runtime::Builder::new_multi_thread().worker_threads(1).global_queue_interval(31).build()?;
    /// let busy = runtime.spawn(async {
    ///     loop {
    ///         unstuck::task::yield_now().await;
    ///     }
    /// });
    /// let other = runtime.spawn(async { "it has its turn" }); // queued where all share it
    /// assert_eq!(runtime.block_on(other).unwrap(), "it has its turn");
    /// busy.abort();
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[track_caller]
    pub fn global_queue_interval(&mut self, val: u32) -> &mut Self {
        assert!(val > 0, "global_queue_interval must be greater than 0");
        self.tuning.inject_interval = Some(val);
        self
    }

    /// After how many polls, at most, a worker looks at the outside world (sockets, timers), although it has tasks to run; 61
    /// without this. When polls take long it looks earlier.
    ///
    /// # Panics
    /// If `val` is 0.
    ///
    /// # Examples
    /// ```
    /// use unstuck::time::{Duration, sleep};
    ///
    /// let runtime =
    ///     unstuck::runtime::Builder::new_multi_thread().worker_threads(1).enable_time().event_interval(31).build()?;
    /// let busy = runtime.spawn(async {
    ///     loop {
    ///         unstuck::task::yield_now().await;
    ///     }
    /// });
    /// runtime.block_on(async { sleep(Duration::from_millis(5)).await }); // the busy worker looks after the timer
    /// busy.abort();
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[track_caller]
    pub fn event_interval(&mut self, val: u32) -> &mut Self {
        assert!(val > 0, "event_interval must be greater than 0");
        self.tuning.event_interval = val;
        self
    }

    /// Makes each worker run its tasks in the order in which they became ready. Without this, the task that a worker woke
    /// last runs first, while its data is warm: good where tasks send each other messages.
    ///
    /// A current-thread runtime always runs them in that order.
    ///
    /// # Examples
    /// ```
    /// use std::sync::{Arc, Mutex};
    ///
    /// let runtime = unstuck::runtime::Builder::new_multi_thread().worker_threads(1).disable_lifo_slot().build()?;
    /// let order = Arc::new(Mutex::new(Vec::new()));
    /// let tasks = runtime.spawn({
    ///     let order = order.clone();
    ///     async move {
    ///         let tasks = [1, 2, 3].map(|n| {
    ///             let order = order.clone();
    ///             unstuck::spawn(async move { order.lock().unwrap().push(n) })
    ///         });
    ///         for task in tasks {
    ///             task.await.unwrap();
    ///         }
    ///     }
    /// });
    /// runtime.block_on(tasks).unwrap();
    /// assert_eq!(*order.lock().unwrap(), [1, 2, 3]);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn disable_lifo_slot(&mut self) -> &mut Self {
        self.tuning.slot = false;
        self
    }

    /// Where the runtime's random choices begin: which branch of a `select!` is first, say. With the same seed they are the
    /// same in each run, as far as the program and the system are; a [simulation](crate#cargo-features) leaves nothing else
    /// to chance.
    ///
    /// # Examples
    /// ```
    /// use unstuck::runtime::{Builder, RngSeed};
    ///
    /// let first = || {
    ///     let runtime = Builder::new_current_thread().rng_seed(RngSeed::from_bytes(b"fair")).build().unwrap();
    ///     runtime.block_on(async {
    ///         unstuck::select! {
    ///             _ = async {} => 0,
    ///             _ = async {} => 1,
    ///         }
    ///     })
    /// };
    /// assert_eq!(first(), first());
    /// ```
    pub fn rng_seed(&mut self, seed: RngSeed) -> &mut Self {
        self.seed = Some(seed);
        self
    }
}

/// I/O.
impl Builder {
    /// How many events a thread that waits for I/O takes from the system at a time; 1024 without this.
    ///
    /// # Panics
    /// If `capacity` is 0.
    ///
    /// # Examples
    /// ```
    /// use unstuck::net::UdpSocket;
    ///
    /// let runtime = unstuck::runtime::Builder::new_current_thread().enable_io().max_io_events_per_tick(1).build()?;
    /// runtime.block_on(async {
    ///     let (one, other) = (UdpSocket::bind("127.0.0.1:0").await?, UdpSocket::bind("127.0.0.1:0").await?);
    ///     one.send_to(b"to you", other.local_addr()?).await?;
    ///     other.send_to(b"to me", one.local_addr()?).await?;
    ///     // Both are found, one after the other.
    ///     one.readable().await?;
    ///     other.readable().await
    /// })?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[track_caller]
    pub fn max_io_events_per_tick(&mut self, capacity: usize) -> &mut Self {
        assert!(capacity > 0, "max_io_events_per_tick must be non-zero");
        self.events = capacity;
        self
    }

    /// How many events a thread takes at a time that has tasks to run and only looks; as many as one that waits, without
    /// this. The rest is found at the next look.
    ///
    /// # Panics
    /// If `capacity` is 0.
    ///
    /// # Examples
    /// ```
    /// use unstuck::net::UdpSocket;
    ///
    /// let runtime =
    ///     unstuck::runtime::Builder::new_current_thread().enable_io().max_io_events_per_busy_tick(64).build()?;
    /// runtime.block_on(async {
    ///     let busy = unstuck::spawn(async {
    ///         loop {
    ///             unstuck::task::yield_now().await;
    ///         }
    ///     });
    ///     let socket = UdpSocket::bind("127.0.0.1:0").await?;
    ///     socket.send_to(b"to myself", socket.local_addr()?).await?;
    ///     socket.readable().await?; // found by a look in between
    ///     busy.abort();
    ///     Ok::<(), std::io::Error>(())
    /// })?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[track_caller]
    pub fn max_io_events_per_busy_tick(&mut self, capacity: usize) -> &mut Self {
        assert!(capacity > 0, "max_io_events_per_busy_tick must be non-zero");
        self.busy_events = Some(capacity);
        self
    }

    /// A worker that has waited for I/O wakes another one to wait there, before it polls what it found. Should that poll
    /// block its thread, I/O goes on at once. It costs a wake-up each time.
    ///
    /// # Examples
    /// ```
    /// use unstuck::net::{TcpListener, TcpStream};
    ///
    /// let runtime =
    ///     unstuck::runtime::Builder::new_multi_thread().enable_io().enable_eager_driver_handoff().build()?;
    /// runtime.block_on(async {
    ///     let listener = TcpListener::bind("127.0.0.1:0").await?;
    ///     let client = TcpStream::connect(listener.local_addr()?).await?;
    ///     let (_server, address) = listener.accept().await?;
    ///     assert_eq!(address, client.local_addr()?);
    ///     Ok::<(), std::io::Error>(())
    /// })?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn enable_eager_driver_handoff(&mut self) -> &mut Self {
        self.tuning.hands_seat_on = true;
        self
    }
}

/// What other runtimes have to be asked for.
impl Builder {
    /// Enables time, as [`enable_time`](Builder::enable_time) does. Each worker has timers of its own anyway, whose lock it
    /// seldom shares.
    ///
    /// # Examples
    /// ```
    /// use unstuck::time::{Duration, sleep};
    ///
    /// let runtime = unstuck::runtime::Builder::new_multi_thread().enable_alt_timer().build()?;
    /// runtime.block_on(async { sleep(Duration::from_millis(1)).await });
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn enable_alt_timer(&mut self) -> &mut Self {
        self.enable_time()
    }

    /// Allows that work on files goes to the system's completion queue (io_uring), where there is one. unstuck uses
    /// none: the work goes to threads that may block, as without this, and what [`fs`](crate::fs) promises is the same.
    ///
    /// # Examples
    /// ```
    /// let runtime = unstuck::runtime::Builder::new_current_thread().enable_io_uring().build()?;
    /// let temporary = runtime.block_on(unstuck::fs::metadata(std::env::temp_dir()))?;
    /// assert!(temporary.is_dir());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn enable_io_uring(&mut self) -> &mut Self {
        self
    }

    /// Blocking work waits in several queues, so that many producers do not meet, and there is nothing to enable.
    ///
    /// # Examples
    /// ```
    /// let runtime = unstuck::runtime::Builder::new_multi_thread().enable_sharded_blocking_queue().build()?;
    /// assert_eq!(runtime.block_on(runtime.spawn_blocking(|| 1 + 1)).unwrap(), 2);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn enable_sharded_blocking_queue(&mut self) -> &mut Self {
        self
    }
}

/// Measurements.
impl Builder {
    /// Counts how many polls took how long, for each worker: see
    /// [`poll_time_histogram_bucket_count`](crate::runtime::RuntimeMetrics::poll_time_histogram_bucket_count). For this the
    /// clock is read twice a poll, which takes some 50 ns.
    ///
    /// # Examples
    /// ```
    /// let runtime =
    ///     unstuck::runtime::Builder::new_current_thread().enable_metrics_poll_time_histogram().build()?;
    /// runtime.block_on(runtime.spawn(async {})).unwrap();
    ///
    /// let metrics = runtime.metrics();
    /// for bucket in 0..metrics.poll_time_histogram_num_buckets() {
    ///     let range = metrics.poll_time_histogram_bucket_range(bucket);
    ///     println!("{range:?}: {} polls", metrics.poll_time_histogram_bucket_count(0, bucket));
    /// }
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn enable_metrics_poll_time_histogram(&mut self) -> &mut Self {
        self.has_poll_times = true;
        self
    }

    /// Which durations the histogram of poll times tells apart: without this, ten buckets of 100 µs. Needs
    /// [`enable_metrics_poll_time_histogram`](Builder::enable_metrics_poll_time_histogram).
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use unstuck::runtime::{Builder, HistogramConfiguration};
    ///
    /// let runtime = Builder::new_current_thread()
    ///     .enable_metrics_poll_time_histogram()
    ///     .metrics_poll_time_histogram_configuration(HistogramConfiguration::linear(Duration::from_micros(10), 3))
    ///     .build()?;
    /// let metrics = runtime.metrics();
    /// assert_eq!(metrics.poll_time_histogram_bucket_range(1), Duration::from_micros(10)..Duration::from_micros(20));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn metrics_poll_time_histogram_configuration(&mut self, configuration: HistogramConfiguration) -> &mut Self {
        self.poll_times = Some(configuration);
        self
    }

    /// Counts how many polls came how long after their task was queued, for each worker: see
    /// [`schedule_latency_histogram_bucket_count`](crate::runtime::RuntimeMetrics::schedule_latency_histogram_bucket_count).
    /// It does what [`track_task_schedule_latency`](Builder::track_task_schedule_latency) does, too.
    ///
    /// # Examples
    /// ```
    /// let runtime =
    ///     unstuck::runtime::Builder::new_current_thread().enable_metrics_schedule_latency_histogram().build()?;
    /// runtime.block_on(runtime.spawn(async {})).unwrap();
    ///
    /// let metrics = runtime.metrics();
    /// for bucket in 0..metrics.schedule_latency_histogram_num_buckets() {
    ///     let range = metrics.schedule_latency_histogram_bucket_range(bucket);
    ///     println!("{range:?}: {} polls", metrics.schedule_latency_histogram_bucket_count(0, bucket));
    /// }
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn enable_metrics_schedule_latency_histogram(&mut self) -> &mut Self {
        self.has_queue_times = true;
        self
    }

    /// Which durations the histogram of schedule latencies tells apart: without this, ten buckets of 100 µs. Needs
    /// [`enable_metrics_schedule_latency_histogram`](Builder::enable_metrics_schedule_latency_histogram).
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use unstuck::runtime::{Builder, HistogramConfiguration};
    ///
    /// let runtime = Builder::new_current_thread()
    ///     .enable_metrics_schedule_latency_histogram()
    ///     .metrics_schedule_latency_histogram_configuration(HistogramConfiguration::linear(Duration::from_millis(1), 3))
    ///     .build()?;
    /// let metrics = runtime.metrics();
    /// assert_eq!(metrics.schedule_latency_histogram_bucket_range(1), Duration::from_millis(1)..Duration::from_millis(2));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn metrics_schedule_latency_histogram_configuration(
        &mut self,
        configuration: HistogramConfiguration,
    ) -> &mut Self {
        self.queue_times = Some(configuration);
        self
    }

    /// Tells the hooks around polls how long the task was queued before:
    /// [`TaskMeta::schedule_latency`](crate::runtime::TaskMeta::schedule_latency). For this the clock is read when a task is
    /// queued and when it is polled, some 50 ns in all, and each task is 32 bytes larger at most.
    ///
    /// # Examples
    /// ```
    /// use std::sync::Mutex;
    /// use unstuck::time::Duration;
    ///
    /// static LONGEST: Mutex<Duration> = Mutex::new(Duration::ZERO);
    /// let runtime = unstuck::runtime::Builder::new_current_thread()
    ///     .track_task_schedule_latency()
    ///     .on_before_task_poll(|task| {
    ///         let mut longest = LONGEST.lock().unwrap();
    ///         *longest = task.schedule_latency().unwrap().max(*longest);
    ///     })
    ///     .build()?;
    /// let task = runtime.spawn(async {});
    /// std::thread::sleep(Duration::from_millis(5)); // nobody polls meanwhile
    /// runtime.block_on(task).unwrap();
    /// assert!(*LONGEST.lock().unwrap() >= Duration::from_millis(5));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn track_task_schedule_latency(&mut self) -> &mut Self {
        self.tuning.tells_queue_times = true;
        self
    }

    /// The scale of the histogram of poll times; linear without this.
    ///
    /// # Examples
    /// ```
    /// #![allow(deprecated)]
    /// use std::time::Duration;
    /// use unstuck::runtime::{Builder, HistogramScale};
    ///
    /// let runtime = Builder::new_current_thread()
    ///     .enable_metrics_poll_time_histogram()
    ///     .metrics_poll_count_histogram_scale(HistogramScale::Log)
    ///     .metrics_poll_count_histogram_resolution(Duration::from_nanos(1024))
    ///     .build()?;
    /// // Each bucket is as wide as all before it.
    /// let metrics = runtime.metrics();
    /// assert_eq!(metrics.poll_time_histogram_bucket_range(1), Duration::from_nanos(1024)..Duration::from_nanos(2048));
    /// assert_eq!(metrics.poll_time_histogram_bucket_range(2), Duration::from_nanos(2048)..Duration::from_nanos(4096));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[deprecated = "use `metrics_poll_time_histogram_configuration`"]
    pub fn metrics_poll_count_histogram_scale(&mut self, histogram_scale: HistogramScale) -> &mut Self {
        self.poll_times_by_resolution.scale = histogram_scale;
        self.poll_times = None;
        self
    }

    /// How wide the first bucket of the histogram of poll times is; 100 µs without this. On a logarithmic scale it is
    /// rounded up to a power of two, in nanoseconds.
    ///
    /// # Panics
    /// If that is zero.
    ///
    /// # Examples
    /// ```
    /// #![allow(deprecated)]
    /// use std::time::Duration;
    ///
    /// let runtime = unstuck::runtime::Builder::new_current_thread()
    ///     .enable_metrics_poll_time_histogram()
    ///     .metrics_poll_count_histogram_resolution(Duration::from_micros(20))
    ///     .build()?;
    /// let first = runtime.metrics().poll_time_histogram_bucket_range(0);
    /// assert_eq!(first, Duration::ZERO..Duration::from_micros(20));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[deprecated = "use `metrics_poll_time_histogram_configuration`"]
    #[track_caller]
    pub fn metrics_poll_count_histogram_resolution(&mut self, resolution: Duration) -> &mut Self {
        assert!(!resolution.is_zero(), "the resolution of a histogram must be above zero");
        self.poll_times_by_resolution.resolution = resolution;
        self.poll_times = None;
        self
    }

    /// How many buckets the histogram of poll times has; 10 without this.
    ///
    /// # Panics
    /// If that is 0.
    ///
    /// # Examples
    /// ```
    /// #![allow(deprecated)]
    ///
    /// let runtime = unstuck::runtime::Builder::new_current_thread()
    ///     .enable_metrics_poll_time_histogram()
    ///     .metrics_poll_count_histogram_buckets(4)
    ///     .build()?;
    /// assert_eq!(runtime.metrics().poll_time_histogram_num_buckets(), 4);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[deprecated = "use `metrics_poll_time_histogram_configuration`"]
    #[track_caller]
    pub fn metrics_poll_count_histogram_buckets(&mut self, buckets: usize) -> &mut Self {
        assert!(buckets > 0, "a histogram needs at least one bucket");
        self.poll_times_by_resolution.buckets = buckets;
        self.poll_times = None;
        self
    }
}
