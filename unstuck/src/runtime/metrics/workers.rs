//! What each worker has counted.
//!
//! 1. Workers are counted from 0, and there are always as many: asking for another one is a mistake of the caller's.

use std::thread::ThreadId;
use std::time::Duration;

use unstuck_context::WorkerCounts;

use super::RuntimeMetrics;

/// Workers.
impl RuntimeMetrics {
    /// How many worker threads the runtime was built with; 1 for a current-thread runtime.
    ///
    /// # Examples
    /// ```
    /// use unstuck::runtime::Builder;
    ///
    /// assert_eq!(Builder::new_current_thread().build()?.metrics().num_workers(), 1);
    /// assert_eq!(Builder::new_multi_thread().worker_threads(4).build()?.metrics().num_workers(), 4);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn num_workers(&self) -> usize {
        self.scheduler().workers()
    }

    /// How many threads stand in for workers now, because those are stuck in a poll, or in a
    /// [`block_in_place`](crate::task::block_in_place), or were so a moment ago.
    ///
    /// This is unstuck's own: Tokio has no such method.
    ///
    /// # Examples
    /// ```
    /// # #[unstuck::main(flavor = "multi_thread", worker_threads = 1)]
    /// # async fn main() {
    /// let spares = unstuck::spawn(async {
    ///     unstuck::task::block_in_place(|| {
    ///         let handle = unstuck::runtime::Handle::current();
    ///         handle.block_on(unstuck::spawn(async {})).unwrap(); // run by a spare
    ///         handle.metrics().spare_workers()
    ///     })
    /// });
    /// assert_eq!(spares.await.unwrap(), 1);
    /// # }
    /// ```
    pub fn spare_workers(&self) -> usize {
        self.scheduler().spare_workers()
    }

    /// How many polls were found to be stuck: they had not ended after
    /// [`stuck_threshold`](crate::runtime::Builder::stuck_threshold). 0 where nobody looks after that: on a current-thread
    /// runtime, or when it is switched off.
    ///
    /// This is unstuck's own: Tokio has no such method.
    ///
    /// # Examples
    /// ```
    /// let runtime = unstuck::runtime::Builder::new_multi_thread().build()?;
    /// let metrics = runtime.metrics();
    /// let blocks = runtime.spawn(async move {
    ///     // One should not do this in a task; but it harms no other.
    ///     while metrics.stuck_polls() == 0 {
    ///         std::thread::sleep(std::time::Duration::from_millis(1));
    ///     }
    /// });
    /// runtime.block_on(blocks).unwrap();
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn stuck_polls(&self) -> u64 {
        self.scheduler().stuck_polls()
    }

    /// Which thread a worker is. `None` until it has started; for a current-thread runtime, until its first `block_on`.
    /// While a worker is in a [`block_in_place`](crate::task::block_in_place), it is the thread that stands in for it.
    ///
    /// # Panics
    /// If `worker` is not below [`num_workers`](RuntimeMetrics::num_workers).
    ///
    /// # Examples
    /// ```
    /// let runtime = unstuck::runtime::Builder::new_current_thread().build()?;
    ///
    /// assert_eq!(runtime.metrics().worker_thread_id(0), None);
    /// runtime.block_on(async {});
    /// assert_eq!(runtime.metrics().worker_thread_id(0), Some(std::thread::current().id()));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[track_caller]
    pub fn worker_thread_id(&self, worker: usize) -> Option<ThreadId> {
        self.worker(worker).thread
    }

    /// How often a worker has polled a task. The future of a `block_on` is no task.
    ///
    /// # Panics
    /// If `worker` is not below [`num_workers`](RuntimeMetrics::num_workers).
    ///
    /// # Examples
    /// ```
    /// let runtime = unstuck::runtime::Builder::new_current_thread().build()?;
    ///
    /// let task = runtime.spawn(async {
    ///     unstuck::task::yield_now().await; // ends the first poll
    /// });
    /// runtime.block_on(task).unwrap();
    /// assert_eq!(runtime.metrics().worker_poll_count(0), 2);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[track_caller]
    pub fn worker_poll_count(&self, worker: usize) -> u64 {
        self.worker(worker).polls
    }

    /// How long a poll on this worker takes: a mean in which each poll counts for more than those before it. It is
    /// measured whenever the worker looks at the outside world or goes to sleep, as the time that passed, divided by the
    /// polls in it. Zero until then, and on a current-thread runtime, where it is not measured.
    ///
    /// # Panics
    /// If `worker` is not below [`num_workers`](RuntimeMetrics::num_workers).
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    ///
    /// let runtime = unstuck::runtime::Builder::new_multi_thread().worker_threads(1).build()?;
    /// let blocks = runtime.spawn(async { std::thread::sleep(Duration::from_millis(5)) }); // what no task should do
    /// runtime.block_on(blocks).unwrap();
    /// while runtime.metrics().worker_mean_poll_time(0).is_zero() {
    ///     std::thread::yield_now(); // it is about to be measured
    /// }
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[track_caller]
    pub fn worker_mean_poll_time(&self, worker: usize) -> Duration {
        self.worker(worker).mean_poll
    }

    /// How long a worker was busy: the time that it did not sleep. It grows whenever the worker looks at the outside world
    /// or goes to sleep.
    ///
    /// # Panics
    /// If `worker` is not below [`num_workers`](RuntimeMetrics::num_workers).
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    ///
    /// let runtime = unstuck::runtime::Builder::new_current_thread().build()?;
    ///
    /// let works = runtime.spawn(async { std::thread::sleep(Duration::from_millis(5)) });
    /// runtime.block_on(works).unwrap();
    /// assert!(runtime.metrics().worker_total_busy_duration(0) >= Duration::from_millis(5));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[track_caller]
    pub fn worker_total_busy_duration(&self, worker: usize) -> Duration {
        self.worker(worker).busy
    }

    /// How often a worker has gone to sleep.
    ///
    /// # Panics
    /// If `worker` is not below [`num_workers`](RuntimeMetrics::num_workers).
    ///
    /// # Examples
    /// ```
    /// use unstuck::time::{Duration, sleep};
    ///
    /// let runtime = unstuck::runtime::Builder::new_current_thread().enable_time().build()?;
    ///
    /// let before = runtime.metrics().worker_park_count(0);
    /// runtime.block_on(async { sleep(Duration::from_millis(5)).await });
    /// assert!(runtime.metrics().worker_park_count(0) > before);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[track_caller]
    pub fn worker_park_count(&self, worker: usize) -> u64 {
        self.worker(worker).parks_and_unparks.div_ceil(2)
    }

    /// How often a worker has gone to sleep or woken: odd while it sleeps. A value that stays the same, and is even, while
    /// time goes on shows a worker that does not come back from a poll.
    ///
    /// # Panics
    /// If `worker` is not below [`num_workers`](RuntimeMetrics::num_workers).
    ///
    /// # Examples
    /// ```
    /// use unstuck::time::{Duration, sleep};
    ///
    /// let runtime = unstuck::runtime::Builder::new_current_thread().enable_time().build()?;
    ///
    /// runtime.block_on(async {
    ///     sleep(Duration::from_millis(5)).await;
    ///     let metrics = unstuck::runtime::Handle::current().metrics();
    ///     assert!(metrics.worker_park_unpark_count(0) >= 2);
    ///     assert_eq!(metrics.worker_park_unpark_count(0) % 2, 0); // it runs this code, so it is awake
    /// });
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[track_caller]
    pub fn worker_park_unpark_count(&self, worker: usize) -> u64 {
        self.worker(worker).parks_and_unparks
    }

    /// How often a worker woke, polled no task, and went to sleep again.
    ///
    /// # Panics
    /// If `worker` is not below [`num_workers`](RuntimeMetrics::num_workers).
    ///
    /// # Examples
    /// ```
    /// use unstuck::time::{Duration, sleep};
    ///
    /// let runtime = unstuck::runtime::Builder::new_current_thread().enable_time().build()?;
    ///
    /// runtime.block_on(async {
    ///     // Wakes the worker twice, for a future that is no task.
    ///     sleep(Duration::from_millis(5)).await;
    ///     sleep(Duration::from_millis(5)).await;
    /// });
    /// assert!(runtime.metrics().worker_noop_count(0) > 0);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[track_caller]
    pub fn worker_noop_count(&self, worker: usize) -> u64 {
        self.worker(worker).noops
    }

    /// How many tasks a worker took from the queues of others.
    ///
    /// # Panics
    /// If `worker` is not below [`num_workers`](RuntimeMetrics::num_workers).
    ///
    /// # Examples
    /// ```
    /// let runtime = unstuck::runtime::Builder::new_multi_thread().worker_threads(1).build()?;
    /// for n in 0..10 {
    ///     runtime.block_on(runtime.spawn(async move { n })).unwrap();
    /// }
    /// assert_eq!(runtime.metrics().worker_steal_count(0), 0); // there is no other worker to take from
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[track_caller]
    pub fn worker_steal_count(&self, worker: usize) -> u64 {
        self.worker(worker).steals
    }

    /// How often a worker took tasks from the queue of another; it takes several at a time.
    ///
    /// # Panics
    /// If `worker` is not below [`num_workers`](RuntimeMetrics::num_workers).
    ///
    /// # Examples
    /// ```
    /// let runtime = unstuck::runtime::Builder::new_multi_thread().worker_threads(2).build()?;
    /// let many = runtime.spawn(async {
    ///     for task in (0..100).map(|n| unstuck::spawn(async move { n })).collect::<Vec<_>>() {
    ///         task.await.unwrap();
    ///     }
    /// });
    /// runtime.block_on(many).unwrap();
    /// let metrics = runtime.metrics();
    /// drop(runtime); // nothing is counted any more
    /// for worker in 0..2 {
    ///     assert!(metrics.worker_steal_operations(worker) <= metrics.worker_steal_count(worker));
    /// }
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[track_caller]
    pub fn worker_steal_operations(&self, worker: usize) -> u64 {
        self.worker(worker).steal_operations
    }

    /// How many tasks a worker has queued itself: woken or spawned on its thread.
    ///
    /// # Panics
    /// If `worker` is not below [`num_workers`](RuntimeMetrics::num_workers).
    ///
    /// # Examples
    /// ```
    /// let runtime = unstuck::runtime::Builder::new_current_thread().build()?;
    ///
    /// runtime.block_on(async {
    ///     for task in [unstuck::spawn(async { 1 }), unstuck::spawn(async { 2 })] {
    ///         task.await.unwrap();
    ///     }
    /// });
    /// assert_eq!(runtime.metrics().worker_local_schedule_count(0), 2);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[track_caller]
    pub fn worker_local_schedule_count(&self, worker: usize) -> u64 {
        self.worker(worker).local_schedules
    }

    /// How often the queue of a worker was full, so that half of it went to the queue that all share. The queue of a
    /// current-thread runtime is never full.
    ///
    /// # Panics
    /// If `worker` is not below [`num_workers`](RuntimeMetrics::num_workers).
    ///
    /// # Examples
    /// ```
    /// let runtime = unstuck::runtime::Builder::new_multi_thread().worker_threads(1).build()?;
    /// let many = runtime.spawn(async {
    ///     let tasks: Vec<_> = (0..10_000).map(|n| unstuck::spawn(async move { n })).collect();
    ///     for task in tasks {
    ///         task.await.unwrap();
    ///     }
    /// });
    /// runtime.block_on(many).unwrap();
    /// assert!(runtime.metrics().worker_overflow_count(0) > 0);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[track_caller]
    pub fn worker_overflow_count(&self, worker: usize) -> u64 {
        self.worker(worker).overflows
    }

    /// How many runnable tasks wait in the queue of a worker. The one that it woke last, and will poll next, is not among
    /// them.
    ///
    /// # Panics
    /// If `worker` is not below [`num_workers`](RuntimeMetrics::num_workers).
    ///
    /// # Examples
    /// ```
    /// let runtime = unstuck::runtime::Builder::new_current_thread().build()?;
    ///
    /// let metrics = runtime.metrics();
    /// runtime.block_on(async {
    ///     let tasks = [unstuck::spawn(async {}), unstuck::spawn(async {})];
    ///     assert_eq!(metrics.worker_local_queue_depth(0), 2);
    ///     for task in tasks {
    ///         task.await.unwrap();
    ///     }
    ///     assert_eq!(metrics.worker_local_queue_depth(0), 0);
    /// });
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[track_caller]
    pub fn worker_local_queue_depth(&self, worker: usize) -> usize {
        self.worker(worker).queued
    }

    #[track_caller]
    fn worker(&self, worker: usize) -> WorkerCounts {
        self.check_worker(worker);
        self.scheduler().worker(worker)
    }

    #[track_caller]
    pub(super) fn check_worker(&self, worker: usize) {
        let workers = self.num_workers();
        assert!(worker < workers, "there is no worker {worker}: the runtime has {workers}, counted from 0");
    }
}
