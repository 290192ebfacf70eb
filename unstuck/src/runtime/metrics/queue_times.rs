//! The histogram of schedule latencies, bucket by bucket.
//!
//! 1. As that of poll times (`poll_times.rs`), of how long tasks were queued before they were polled.

use std::ops::Range;
use std::time::Duration;

use super::{RuntimeMetrics, bucket_range};

/// The histogram of how long tasks were queued before they were polled; see
/// [`Builder::enable_metrics_schedule_latency_histogram`](crate::runtime::Builder::enable_metrics_schedule_latency_histogram).
impl RuntimeMetrics {
    /// Whether there is a histogram.
    ///
    /// # Examples
    /// ```
    /// use unstuck::runtime::Builder;
    ///
    /// assert!(!Builder::new_current_thread().build()?.metrics().schedule_latency_histogram_enabled());
    /// let measured = Builder::new_current_thread().enable_metrics_schedule_latency_histogram().build()?;
    /// assert!(measured.metrics().schedule_latency_histogram_enabled());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn schedule_latency_histogram_enabled(&self) -> bool {
        self.scheduler().queue_time_bounds().is_some()
    }

    /// How many buckets it has; 0 without a histogram.
    ///
    /// # Examples
    /// ```
    /// use unstuck::runtime::Builder;
    ///
    /// let runtime = Builder::new_current_thread().enable_metrics_schedule_latency_histogram().build()?;
    ///
    /// assert_eq!(runtime.metrics().schedule_latency_histogram_num_buckets(), 10); // the default
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn schedule_latency_histogram_num_buckets(&self) -> usize {
        self.scheduler().queue_time_bounds().map_or(0, |bounds| bounds.len() + 1)
    }

    /// Which durations a bucket holds. That of the last one ends at `u64::MAX` nanoseconds. Empty without a histogram.
    ///
    /// # Panics
    /// If there is a histogram, but no such bucket.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use unstuck::runtime::Builder;
    ///
    /// let runtime = Builder::new_current_thread().enable_metrics_schedule_latency_histogram().build()?;
    ///
    /// let metrics = runtime.metrics();
    /// assert_eq!(metrics.schedule_latency_histogram_bucket_range(0), Duration::ZERO..Duration::from_micros(100));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[track_caller]
    pub fn schedule_latency_histogram_bucket_range(&self, bucket: usize) -> Range<Duration> {
        bucket_range(self.scheduler().queue_time_bounds(), bucket)
    }

    /// How many polls of a worker came as long after their task was queued as the bucket says; 0 where there is no such
    /// bucket.
    ///
    /// # Panics
    /// If there is no such worker.
    ///
    /// # Examples
    /// ```
    /// use unstuck::runtime::Builder;
    ///
    /// let runtime = Builder::new_current_thread().enable_metrics_schedule_latency_histogram().build()?;
    ///
    /// for _ in 0..5 {
    ///     runtime.block_on(runtime.spawn(async {})).unwrap();
    /// }
    /// let metrics = runtime.metrics();
    /// let buckets = 0..metrics.schedule_latency_histogram_num_buckets();
    /// let polls: u64 = buckets.map(|bucket| metrics.schedule_latency_histogram_bucket_count(0, bucket)).sum();
    /// assert_eq!(polls, 5);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[track_caller]
    pub fn schedule_latency_histogram_bucket_count(&self, worker: usize, bucket: usize) -> u64 {
        self.check_worker(worker);
        self.scheduler().queue_times(worker, bucket)
    }
}
