//! The histogram of poll times, bucket by bucket.
//!
//! 1. The scheduler counts, and knows where the buckets end but the last one: `histogram.rs` has the rules.

use std::ops::Range;
use std::time::Duration;

use super::{RuntimeMetrics, bucket_range};

/// The histogram of poll times; see
/// [`Builder::enable_metrics_poll_time_histogram`](crate::runtime::Builder::enable_metrics_poll_time_histogram).
impl RuntimeMetrics {
    /// Whether there is a histogram.
    ///
    /// # Examples
    /// ```
    /// use unstuck::runtime::Builder;
    ///
    /// assert!(!Builder::new_current_thread().build()?.metrics().poll_time_histogram_enabled());
    /// let measured = Builder::new_current_thread().enable_metrics_poll_time_histogram().build()?;
    /// assert!(measured.metrics().poll_time_histogram_enabled());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn poll_time_histogram_enabled(&self) -> bool {
        self.scheduler().poll_time_bounds().is_some()
    }

    /// How many buckets it has; 0 without a histogram.
    ///
    /// # Examples
    /// ```
    /// let runtime = unstuck::runtime::Builder::new_current_thread().enable_metrics_poll_time_histogram().build()?;
    ///
    /// assert_eq!(runtime.metrics().poll_time_histogram_num_buckets(), 10); // the default
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn poll_time_histogram_num_buckets(&self) -> usize {
        self.scheduler().poll_time_bounds().map_or(0, |bounds| bounds.len() + 1)
    }

    /// Which durations a bucket holds. That of the last one ends at `u64::MAX` nanoseconds. Empty without a histogram.
    ///
    /// # Panics
    /// If there is a histogram, but no such bucket.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    ///
    /// let runtime = unstuck::runtime::Builder::new_current_thread().enable_metrics_poll_time_histogram().build()?;
    ///
    /// let metrics = runtime.metrics();
    /// assert_eq!(metrics.poll_time_histogram_bucket_range(0), Duration::ZERO..Duration::from_micros(100));
    /// assert_eq!(metrics.poll_time_histogram_bucket_range(9).end, Duration::from_nanos(u64::MAX));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[track_caller]
    pub fn poll_time_histogram_bucket_range(&self, bucket: usize) -> Range<Duration> {
        bucket_range(self.scheduler().poll_time_bounds(), bucket)
    }

    /// How many polls of a worker took as long as the bucket says; 0 where there is no such bucket.
    ///
    /// # Panics
    /// If there is no such worker.
    ///
    /// # Examples
    /// ```
    /// let runtime = unstuck::runtime::Builder::new_current_thread().enable_metrics_poll_time_histogram().build()?;
    ///
    /// for _ in 0..5 {
    ///     runtime.block_on(runtime.spawn(async {})).unwrap();
    /// }
    /// let metrics = runtime.metrics();
    /// let buckets = 0..metrics.poll_time_histogram_num_buckets();
    /// let polls: u64 = buckets.map(|bucket| metrics.poll_time_histogram_bucket_count(0, bucket)).sum();
    /// assert_eq!(polls, 5);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[track_caller]
    pub fn poll_time_histogram_bucket_count(&self, worker: usize, bucket: usize) -> u64 {
        self.check_worker(worker);
        self.scheduler().poll_times(worker, bucket)
    }
}
