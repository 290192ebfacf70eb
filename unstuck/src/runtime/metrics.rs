//! What can be counted of a runtime: always on, and read without stopping anything.

mod poll_times;
mod queue_times;
mod workers;

use std::fmt;
use std::ops::Range;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::time::Duration;

use unstuck_context::Scheduler;

/// Counts of a runtime. Each is read at a moment of its own: together they need not add up.
///
/// Counting costs next to nothing and can't be switched off; only a [histogram of poll
/// times](super::Builder::enable_metrics_poll_time_histogram) must be asked for. Counters begin at 0 when the runtime is
/// built and never decrease. They can be read after the runtime has ended, too.
///
/// Workers are counted from 0. A thread that stands in for a worker, while that one is in a
/// [`block_in_place`](crate::task::block_in_place), counts for it.
///
/// # Examples
/// ```
/// # #[unstuck::main(worker_threads = 2)]
/// # async fn main() {
/// let metrics = unstuck::runtime::Handle::current().metrics();
/// unstuck::spawn(async {}).await.unwrap();
/// assert_eq!(metrics.num_workers(), 2);
/// assert_eq!(metrics.spawned_tasks_count(), 1);
/// assert_eq!((0..2).map(|worker| metrics.worker_poll_count(worker)).sum::<u64>(), 1);
/// # }
/// ```
#[derive(Clone)]
pub struct RuntimeMetrics(unstuck_context::Handle);

/// Tasks.
impl RuntimeMetrics {
    pub(crate) fn new(handle: unstuck_context::Handle) -> Self {
        RuntimeMetrics(handle)
    }

    /// How many tasks are alive: spawned and not yet over.
    ///
    /// # Examples
    /// ```
    /// let runtime = unstuck::runtime::Builder::new_current_thread().build()?;
    ///
    /// let task = runtime.spawn(std::future::pending::<()>());
    /// assert_eq!(runtime.metrics().num_alive_tasks(), 1);
    /// task.abort();
    /// runtime.block_on(task).unwrap_err();
    /// assert_eq!(runtime.metrics().num_alive_tasks(), 0);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn num_alive_tasks(&self) -> usize {
        self.scheduler().live().len()
    }

    /// The former name of [`num_alive_tasks`](RuntimeMetrics::num_alive_tasks).
    ///
    /// # Examples
    /// ```
    /// #![allow(deprecated)]
    ///
    /// let metrics = unstuck::runtime::Runtime::new()?.metrics();
    /// assert_eq!(metrics.active_tasks_count(), metrics.num_alive_tasks());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[deprecated = "renamed to `num_alive_tasks`"]
    pub fn active_tasks_count(&self) -> usize {
        self.num_alive_tasks()
    }

    /// How many tasks were spawned so far. Blocking work is not among them.
    ///
    /// # Examples
    /// ```
    /// let runtime = unstuck::runtime::Builder::new_current_thread().build()?;
    ///
    /// for n in 0..3 {
    ///     runtime.block_on(runtime.spawn(async move { n })).unwrap();
    /// }
    /// runtime.block_on(runtime.spawn_blocking(|| {})).unwrap();
    /// assert_eq!(runtime.metrics().spawned_tasks_count(), 3);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn spawned_tasks_count(&self) -> u64 {
        self.scheduler().live().entered()
    }

    /// How many runnable tasks wait in the queue that all workers share.
    ///
    /// # Examples
    /// ```
    /// let runtime = unstuck::runtime::Builder::new_current_thread().build()?;
    ///
    /// let tasks = [runtime.spawn(async { 1 }), runtime.spawn(async { 2 })];
    /// assert_eq!(runtime.metrics().global_queue_depth(), 2); // nobody has taken them up yet
    /// for task in tasks {
    ///     runtime.block_on(task).unwrap();
    /// }
    /// assert_eq!(runtime.metrics().global_queue_depth(), 0);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn global_queue_depth(&self) -> usize {
        self.scheduler().inject_depth()
    }

    /// How many tasks were queued by threads that are no workers of this runtime: woken or spawned from outside.
    ///
    /// # Examples
    /// ```
    /// let runtime = unstuck::runtime::Builder::new_current_thread().build()?;
    ///
    /// let from_outside = runtime.spawn(async {
    ///     unstuck::spawn(async {}).await.unwrap(); // from inside
    /// });
    /// runtime.block_on(from_outside).unwrap();
    /// assert_eq!(runtime.metrics().remote_schedule_count(), 1);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn remote_schedule_count(&self) -> u64 {
        self.scheduler().remote_schedules()
    }

    /// How often a task, or the future of a `block_on`, had to give way since the [budget](crate::task::coop) of a poll was
    /// used up.
    ///
    /// # Examples
    /// ```
    /// let runtime = unstuck::runtime::Builder::new_current_thread().build()?;
    ///
    /// let greedy = runtime.spawn(async {
    ///     for _ in 0..1000 {
    ///         unstuck::task::coop::consume_budget().await;
    ///     }
    /// });
    /// runtime.block_on(greedy).unwrap();
    /// assert!(runtime.metrics().budget_forced_yield_count() > 0);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn budget_forced_yield_count(&self) -> u64 {
        self.scheduler().forced_yields()
    }

    fn scheduler(&self) -> &dyn Scheduler {
        &*self.0.parts().scheduler
    }
}

/// Threads for blocking work.
impl RuntimeMetrics {
    /// How many threads there are for blocking work, among them those that stand in for workers.
    ///
    /// # Examples
    /// ```
    /// let runtime = unstuck::runtime::Builder::new_current_thread().build()?;
    ///
    /// assert_eq!(runtime.metrics().num_blocking_threads(), 0);
    /// runtime.block_on(runtime.spawn_blocking(|| "done")).unwrap();
    /// assert_eq!(runtime.metrics().num_blocking_threads(), 1); // it stays for a while
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn num_blocking_threads(&self) -> usize {
        self.0.parts().blocking.threads().0
    }

    /// How many of them have nothing to do.
    ///
    /// # Examples
    /// ```
    /// let runtime = unstuck::runtime::Builder::new_current_thread().build()?;
    ///
    /// let (finish, finished) = std::sync::mpsc::channel::<()>();
    /// let waits = runtime.spawn_blocking(move || finished.recv());
    /// assert_eq!(runtime.metrics().num_idle_blocking_threads(), 0);
    /// drop(finish);
    /// runtime.block_on(waits).unwrap().unwrap_err();
    /// while runtime.metrics().num_idle_blocking_threads() == 0 {
    ///     std::thread::yield_now(); // it is about to look for more to do
    /// }
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn num_idle_blocking_threads(&self) -> usize {
        self.0.parts().blocking.threads().1
    }

    /// How much blocking work waits for a thread.
    ///
    /// # Examples
    /// ```
    /// let runtime = unstuck::runtime::Builder::new_current_thread().max_blocking_threads(1).build()?;
    /// let (finish, finished) = std::sync::mpsc::channel::<()>();
    /// let (start, started) = std::sync::mpsc::channel::<()>();
    /// let first = runtime.spawn_blocking(move || {
    ///     start.send(()).unwrap();
    ///     finished.recv()
    /// });
    /// started.recv().unwrap();
    /// let second = runtime.spawn_blocking(|| {});
    /// assert_eq!(runtime.metrics().blocking_queue_depth(), 1);
    /// drop(finish);
    /// runtime.block_on(first).unwrap().unwrap_err();
    /// runtime.block_on(second).unwrap();
    /// assert_eq!(runtime.metrics().blocking_queue_depth(), 0);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn blocking_queue_depth(&self) -> usize {
        self.0.parts().blocking.queue_depth()
    }
}

/// The driver that waits for the outside world.
impl RuntimeMetrics {
    /// How many sockets and other file descriptors the runtime began to watch.
    ///
    /// # Examples
    /// ```
    /// use unstuck::net::UdpSocket;
    ///
    /// let runtime = unstuck::runtime::Builder::new_current_thread().enable_io().build()?;
    ///
    /// let before = runtime.metrics().io_driver_fd_registered_count();
    /// let socket = runtime.block_on(UdpSocket::bind("127.0.0.1:0"))?;
    /// assert_eq!(runtime.metrics().io_driver_fd_registered_count(), before + 1);
    /// # drop(socket);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn io_driver_fd_registered_count(&self) -> u64 {
        self.0.parts().kernel.io_counts().registered
    }

    /// How many of them it has ceased to watch.
    ///
    /// # Examples
    /// ```
    /// use unstuck::net::UdpSocket;
    ///
    /// let runtime = unstuck::runtime::Builder::new_current_thread().enable_io().build()?;
    ///
    /// let metrics = runtime.metrics();
    /// let watched = || metrics.io_driver_fd_registered_count() - metrics.io_driver_fd_deregistered_count();
    /// let before = watched();
    /// let socket = runtime.block_on(UdpSocket::bind("127.0.0.1:0"))?;
    /// assert_eq!(watched(), before + 1);
    /// drop(socket);
    /// assert_eq!(watched(), before);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn io_driver_fd_deregistered_count(&self) -> u64 {
        self.0.parts().kernel.io_counts().deregistered
    }

    /// How many events the system has told of them.
    ///
    /// # Examples
    /// ```
    /// use unstuck::net::UdpSocket;
    ///
    /// let runtime = unstuck::runtime::Builder::new_current_thread().enable_io().build()?;
    ///
    /// let before = runtime.metrics().io_driver_ready_count();
    /// runtime.block_on(async {
    ///     let socket = UdpSocket::bind("127.0.0.1:0").await?;
    ///     socket.send_to(b"to myself", socket.local_addr()?).await?;
    ///     socket.readable().await
    /// })?;
    /// assert!(runtime.metrics().io_driver_ready_count() > before);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn io_driver_ready_count(&self) -> u64 {
        self.0.parts().kernel.io_counts().events
    }
}

/// Which durations a bucket of a histogram with these bounds holds.
#[track_caller]
fn bucket_range(bounds: Option<&[u64]>, bucket: usize) -> Range<Duration> {
    let Some(bounds) = bounds else { return Duration::ZERO..Duration::ZERO };
    let buckets = bounds.len() + 1;
    assert!(bucket < buckets, "there is no bucket {bucket}: the histogram has {buckets}, counted from 0");
    let start = bucket.checked_sub(1).map_or(0, |before| bounds[before]);
    let end = bounds.get(bucket).copied().unwrap_or(u64::MAX);
    Duration::from_nanos(start)..Duration::from_nanos(end)
}

// As for `Runtime`.
impl UnwindSafe for RuntimeMetrics {}
impl RefUnwindSafe for RuntimeMetrics {}

impl fmt::Debug for RuntimeMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RuntimeMetrics").finish_non_exhaustive()
    }
}
