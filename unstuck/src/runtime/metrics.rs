//! What can be counted of a runtime: always on, and read without stopping anything.

use std::fmt;
use std::ops::Range;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::thread::ThreadId;
use std::time::Duration;

use unstuck_context::{Scheduler, WorkerCounts};

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
    pub fn num_alive_tasks(&self) -> usize {
        self.scheduler().live().len()
    }

    /// The former name of [`num_alive_tasks`](RuntimeMetrics::num_alive_tasks).
    #[deprecated = "renamed to `num_alive_tasks`"]
    pub fn active_tasks_count(&self) -> usize {
        self.num_alive_tasks()
    }

    /// How many tasks were spawned so far. Blocking work is not among them.
    pub fn spawned_tasks_count(&self) -> u64 {
        self.scheduler().live().entered()
    }

    /// How many runnable tasks wait in the queue that all workers share.
    pub fn global_queue_depth(&self) -> usize {
        self.scheduler().inject_depth()
    }

    /// How many tasks were queued by threads that are no workers of this runtime: woken or spawned from outside.
    pub fn remote_schedule_count(&self) -> u64 {
        self.scheduler().remote_schedules()
    }

    /// How often a task, or the future of a `block_on`, had to give way since the [budget](crate::task::coop) of a poll was
    /// used up.
    pub fn budget_forced_yield_count(&self) -> u64 {
        self.scheduler().forced_yields()
    }
}

/// Workers.
///
/// # Panics
/// Each of these panics if there is no such worker.
impl RuntimeMetrics {
    /// How many worker threads the runtime was built with; 1 for a current-thread runtime.
    pub fn num_workers(&self) -> usize {
        self.scheduler().workers()
    }

    /// Which thread a worker is. `None` until it has started; for a current-thread runtime, until its first `block_on`.
    /// While a worker is in a [`block_in_place`](crate::task::block_in_place), it is the thread that stands in for it.
    #[track_caller]
    pub fn worker_thread_id(&self, worker: usize) -> Option<ThreadId> {
        self.worker(worker).thread
    }

    /// How often a worker has polled a task. The future of a `block_on` is no task.
    #[track_caller]
    pub fn worker_poll_count(&self, worker: usize) -> u64 {
        self.worker(worker).polls
    }

    /// How long a poll on this worker takes: a mean in which each poll counts for more than those before it. It is
    /// measured whenever the worker looks at the outside world or goes to sleep, as the time that passed, divided by the
    /// polls in it. Zero until then, and on a current-thread runtime, where it is not measured.
    #[track_caller]
    pub fn worker_mean_poll_time(&self, worker: usize) -> Duration {
        self.worker(worker).mean_poll
    }

    /// How long a worker was busy: the time that it did not sleep. It grows whenever the worker looks at the outside world
    /// or goes to sleep.
    #[track_caller]
    pub fn worker_total_busy_duration(&self, worker: usize) -> Duration {
        self.worker(worker).busy
    }

    /// How often a worker has gone to sleep.
    #[track_caller]
    pub fn worker_park_count(&self, worker: usize) -> u64 {
        self.worker(worker).parks_and_unparks.div_ceil(2)
    }

    /// How often a worker has gone to sleep or woken: odd while it sleeps. A value that stays the same, and is even, while
    /// time goes on shows a worker that does not come back from a poll.
    #[track_caller]
    pub fn worker_park_unpark_count(&self, worker: usize) -> u64 {
        self.worker(worker).parks_and_unparks
    }

    /// How often a worker woke, polled no task, and went to sleep again.
    #[track_caller]
    pub fn worker_noop_count(&self, worker: usize) -> u64 {
        self.worker(worker).noops
    }

    /// How many tasks a worker took from the queues of others.
    #[track_caller]
    pub fn worker_steal_count(&self, worker: usize) -> u64 {
        self.worker(worker).steals
    }

    /// How often a worker took tasks from the queue of another; it takes several at a time.
    #[track_caller]
    pub fn worker_steal_operations(&self, worker: usize) -> u64 {
        self.worker(worker).steal_operations
    }

    /// How many tasks a worker has queued itself: woken or spawned on its thread.
    #[track_caller]
    pub fn worker_local_schedule_count(&self, worker: usize) -> u64 {
        self.worker(worker).local_schedules
    }

    /// How often the queue of a worker was full, so that half of it went to the queue that all share. The queue of a
    /// current-thread runtime is never full.
    #[track_caller]
    pub fn worker_overflow_count(&self, worker: usize) -> u64 {
        self.worker(worker).overflows
    }

    /// How many runnable tasks wait in the queue of a worker. The one that it woke last, and will poll next, is not among
    /// them.
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
    fn check_worker(&self, worker: usize) {
        let workers = self.num_workers();
        assert!(worker < workers, "there is no worker {worker}: the runtime has {workers}, counted from 0");
    }
}

/// Threads for blocking work.
impl RuntimeMetrics {
    /// How many threads there are for blocking work, among them those that stand in for workers.
    pub fn num_blocking_threads(&self) -> usize {
        self.0.parts().blocking.threads().0
    }

    /// How many of them have nothing to do.
    pub fn num_idle_blocking_threads(&self) -> usize {
        self.0.parts().blocking.threads().1
    }

    /// How much blocking work waits for a thread.
    pub fn blocking_queue_depth(&self) -> usize {
        self.0.parts().blocking.queue_depth()
    }
}

/// The driver that waits for the outside world.
impl RuntimeMetrics {
    /// How many sockets and other file descriptors the runtime began to watch.
    pub fn io_driver_fd_registered_count(&self) -> u64 {
        self.0.parts().kernel.io_counts().registered
    }

    /// How many of them it has ceased to watch.
    pub fn io_driver_fd_deregistered_count(&self) -> u64 {
        self.0.parts().kernel.io_counts().deregistered
    }

    /// How many events the system has told of them.
    pub fn io_driver_ready_count(&self) -> u64 {
        self.0.parts().kernel.io_counts().events
    }
}

/// The histogram of poll times; see
/// [`Builder::enable_metrics_poll_time_histogram`](super::Builder::enable_metrics_poll_time_histogram).
impl RuntimeMetrics {
    /// Whether there is a histogram.
    pub fn poll_time_histogram_enabled(&self) -> bool {
        self.scheduler().poll_time_bounds().is_some()
    }

    /// How many buckets it has; 0 without a histogram.
    pub fn poll_time_histogram_num_buckets(&self) -> usize {
        self.scheduler().poll_time_bounds().map_or(0, |bounds| bounds.len() + 1)
    }

    /// Which durations a bucket holds. That of the last one ends at `u64::MAX` nanoseconds. Empty without a histogram.
    ///
    /// # Panics
    /// If there is a histogram, but no such bucket.
    #[track_caller]
    pub fn poll_time_histogram_bucket_range(&self, bucket: usize) -> Range<Duration> {
        let Some(bounds) = self.scheduler().poll_time_bounds() else { return Duration::ZERO..Duration::ZERO };
        let buckets = bounds.len() + 1;
        assert!(bucket < buckets, "there is no bucket {bucket}: the histogram has {buckets}, counted from 0");
        let start = bucket.checked_sub(1).map_or(0, |before| bounds[before]);
        let end = bounds.get(bucket).copied().unwrap_or(u64::MAX);
        Duration::from_nanos(start)..Duration::from_nanos(end)
    }

    /// How many polls of a worker took as long as the bucket says; 0 where there is no such bucket.
    ///
    /// # Panics
    /// If there is no such worker.
    #[track_caller]
    pub fn poll_time_histogram_bucket_count(&self, worker: usize, bucket: usize) -> u64 {
        self.check_worker(worker);
        self.scheduler().poll_times(worker, bucket)
    }

    fn scheduler(&self) -> &dyn Scheduler {
        &*self.0.parts().scheduler
    }
}

// As for `Runtime`.
impl UnwindSafe for RuntimeMetrics {}
impl RefUnwindSafe for RuntimeMetrics {}

impl fmt::Debug for RuntimeMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RuntimeMetrics").finish_non_exhaustive()
    }
}
