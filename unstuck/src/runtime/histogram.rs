//! Which durations a histogram tells apart.
//!
//! 1. A histogram has a first bucket that begins at zero, and a last one without an end. What is configured are the bounds
//!    between, in nanoseconds, in order: that is all the scheduler knows of it.
//! 2. Pure: nothing is counted here.
//!
//! [`Builder`](super::Builder) asks for the bounds.

use std::error::Error;
use std::fmt;
use std::time::Duration;

/// Which durations the histogram of poll times tells apart; see
/// [`Builder::metrics_poll_time_histogram_configuration`](super::Builder::metrics_poll_time_histogram_configuration).
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use unstuck::runtime::{HistogramConfiguration, LogHistogram};
///
/// let even = HistogramConfiguration::linear(Duration::from_micros(100), 20);
/// let wide = HistogramConfiguration::log(LogHistogram::default());
/// for configuration in [even, wide] {
///     let runtime = unstuck::runtime::Builder::new_current_thread()
///         .enable_metrics_poll_time_histogram()
///         .metrics_poll_time_histogram_configuration(configuration)
///         .build()?;
///     assert!(runtime.metrics().poll_time_histogram_num_buckets() >= 20);
/// }
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct HistogramConfiguration {
    scale: Scale,
}

#[derive(Clone, Debug)]
enum Scale {
    Linear { width: u64, buckets: usize },
    Doubling { first: u64, buckets: usize },
    Log(LogHistogram),
}

impl HistogramConfiguration {
    /// Buckets of the same width. The last one takes all that is longer.
    ///
    /// # Panics
    /// If there is to be no bucket, or one without a width.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use unstuck::runtime::{Builder, HistogramConfiguration};
    ///
    /// let runtime = Builder::new_current_thread()
    ///     .enable_metrics_poll_time_histogram()
    ///     .metrics_poll_time_histogram_configuration(HistogramConfiguration::linear(Duration::from_millis(1), 3))
    ///     .build()?;
    /// let metrics = runtime.metrics();
    /// assert_eq!(metrics.poll_time_histogram_bucket_range(1), Duration::from_millis(1)..Duration::from_millis(2));
    /// assert_eq!(metrics.poll_time_histogram_bucket_range(2).start, Duration::from_millis(2));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[track_caller]
    pub fn linear(bucket_width: Duration, num_buckets: usize) -> Self {
        assert!(num_buckets > 0, "a histogram needs at least one bucket");
        assert!(!bucket_width.is_zero(), "the buckets of a histogram need a width above zero");
        HistogramConfiguration { scale: Scale::Linear { width: nanos(bucket_width), buckets: num_buckets } }
    }

    /// Buckets that get wider with what they hold, so that the relative error stays the same.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use unstuck::runtime::{HistogramConfiguration, LogHistogram};
    ///
    /// HistogramConfiguration::log(
    ///     LogHistogram::builder().min_value(Duration::from_micros(1)).max_value(Duration::from_secs(1)).max_error(0.1),
    /// );
    /// ```
    pub fn log(configuration: impl Into<LogHistogram>) -> Self {
        HistogramConfiguration { scale: Scale::Log(configuration.into()) }
    }

    /// Buckets each of which is as wide as all before it.
    fn doubling(first: Duration, buckets: usize) -> Self {
        let first = nanos(first).checked_next_power_of_two().unwrap_or(u64::MAX);
        HistogramConfiguration { scale: Scale::Doubling { first, buckets } }
    }

    /// Where the buckets end, but the last one: in nanoseconds, excluded.
    pub(super) fn bounds(&self) -> Vec<u64> {
        match &self.scale {
            Scale::Linear { width, buckets } => (1..*buckets as u64).map(|nth| width.saturating_mul(nth)).collect(),
            Scale::Doubling { first, buckets } => {
                std::iter::successors(Some(*first), |bound| Some(bound.saturating_mul(2))).take(buckets - 1).collect()
            }
            Scale::Log(log) => log.bounds(),
        }
    }
}

/// The scale of a histogram that is configured by its resolution and number of buckets.
///
/// # Examples
/// ```
/// #![allow(deprecated)]
/// use unstuck::runtime::{Builder, HistogramScale};
///
/// let bounds = |scale| {
///     let runtime = Builder::new_current_thread()
///         .enable_metrics_poll_time_histogram()
///         .metrics_poll_count_histogram_scale(scale)
///         .build()
///         .unwrap();
///     runtime.metrics().poll_time_histogram_bucket_range(5)
/// };
/// let (even, wide) = (bounds(HistogramScale::Linear), bounds(HistogramScale::Log));
/// assert!(wide.end - wide.start > even.end - even.start);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HistogramScale {
    /// Buckets of the same width.
    Linear,
    /// Each bucket is as wide as all before it.
    Log,
}

/// A histogram that is configured by its resolution and number of buckets.
#[derive(Clone, Copy, Debug)]
pub(super) struct ByResolution {
    pub(super) scale: HistogramScale,
    pub(super) resolution: Duration,
    pub(super) buckets: usize,
}

impl Default for ByResolution {
    fn default() -> Self {
        ByResolution { scale: HistogramScale::Linear, resolution: Duration::from_micros(100), buckets: 10 }
    }
}

impl From<ByResolution> for HistogramConfiguration {
    fn from(ByResolution { scale, resolution, buckets }: ByResolution) -> Self {
        match scale {
            HistogramScale::Linear => HistogramConfiguration::linear(resolution, buckets),
            HistogramScale::Log => HistogramConfiguration::doubling(resolution, buckets),
        }
    }
}

/// A histogram with a bounded relative error: an H2 histogram, in which each power of two is cut into equal buckets.
///
/// With precision `p` there are 2^p of them, so that a bucket is wider than what it holds times 2^-p nowhere. What is
/// shorter than the least value of interest goes to the first bucket, what is longer than the greatest to the last.
/// The default is 25 % from 100 ns to 60 s, in 119 buckets.
///
/// # Examples
/// ```
/// use unstuck::runtime::LogHistogram;
///
/// let histogram = LogHistogram::builder().precision_exact(2).build();
/// assert_eq!(histogram, LogHistogram::default());
/// assert!(histogram.max_value() > 60_000_000_000);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogHistogram {
    precision: u32,
    /// The numbers of the buckets between the first and the last one, as if there were one of each number.
    from: u64,
    to: u64,
}

impl LogHistogram {
    /// For a histogram with settings of one's own.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use unstuck::runtime::LogHistogram;
    ///
    /// let up_to_a_second = LogHistogram::builder().max_value(Duration::from_secs(1)).build();
    /// assert!(up_to_a_second.max_value() < LogHistogram::default().max_value());
    /// ```
    pub fn builder() -> LogHistogramBuilder {
        LogHistogramBuilder::default()
    }

    /// The longest duration, in nanoseconds, that is not in the last bucket.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use unstuck::runtime::LogHistogram;
    ///
    /// let histogram = LogHistogram::builder().max_value(Duration::from_millis(1)).build();
    /// assert!(histogram.max_value() >= 1_000_000);
    /// ```
    pub fn max_value(&self) -> u64 {
        start(self.to + 1, self.precision) - 1
    }

    fn buckets(&self) -> usize {
        (self.to - self.from) as usize + 3
    }

    fn bounds(&self) -> Vec<u64> {
        (self.from..=self.to + 1).map(|number| start(number, self.precision)).collect()
    }
}

impl Default for LogHistogram {
    fn default() -> Self {
        LogHistogramBuilder::default().build()
    }
}

impl From<LogHistogramBuilder> for LogHistogram {
    fn from(builder: LogHistogramBuilder) -> Self {
        builder.build()
    }
}

/// Settings of a [`LogHistogram`]. What is not set stays as it is by default.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use unstuck::runtime::LogHistogram;
///
/// let histogram = LogHistogram::builder()
///     .min_value(Duration::from_micros(20))
///     .max_value(Duration::from_millis(4))
///     .max_error(0.5)
///     .max_buckets(50)?;
/// assert!(histogram.max_value() >= 4_000_000);
/// # Ok::<(), unstuck::runtime::InvalidHistogramConfiguration>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct LogHistogramBuilder {
    precision: u32,
    min: Duration,
    max: Duration,
}

impl Default for LogHistogramBuilder {
    fn default() -> Self {
        LogHistogramBuilder { precision: 2, min: Duration::from_nanos(100), max: Duration::from_secs(60) }
    }
}

impl LogHistogramBuilder {
    /// How far a bucket may be from what it holds, as a part of it: the next smaller power of two is taken.
    ///
    /// # Panics
    /// If it is not above 0, or above 1, or finer than [`precision_exact`](LogHistogramBuilder::precision_exact) allows.
    ///
    /// # Examples
    /// ```
    /// use unstuck::runtime::LogHistogram;
    ///
    /// let histogram = LogHistogram::builder().max_error(0.3).build();
    /// assert_eq!(histogram, LogHistogram::builder().precision_exact(2).build()); // 25 %
    /// ```
    #[track_caller]
    pub fn max_error(self, max_error: f64) -> Self {
        assert!(max_error > 0.0, "max_error must be greater than 0");
        assert!(max_error <= 1.0, "max_error must be at most 1");
        let precision = (0..=MAX_PRECISION).find(|p| 0.5_f64.powi(*p as i32) <= max_error);
        self.precision_exact(precision.expect("max_error must be at least 2^-10, which is about 0.001"))
    }

    /// Cuts each power of two into 2^`p` buckets.
    ///
    /// # Panics
    /// If `p` is above 10.
    ///
    /// # Examples
    /// ```
    /// use unstuck::runtime::LogHistogram;
    ///
    /// // One step finer needs about twice as many buckets.
    /// assert!(LogHistogram::builder().precision_exact(2).max_buckets(150).is_ok());
    /// assert!(LogHistogram::builder().precision_exact(3).max_buckets(150).is_err());
    /// ```
    #[track_caller]
    pub fn precision_exact(mut self, p: u32) -> Self {
        assert!(p <= MAX_PRECISION, "precision must be at most 10");
        self.precision = p;
        self
    }

    /// The least value of interest. What is shorter than the bucket that it is in goes to the first one.
    ///
    /// # Panics
    /// If that is zero.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use unstuck::runtime::LogHistogram;
    ///
    /// // Nobody asks for less than a microsecond, so there need be no buckets for it.
    /// assert!(LogHistogram::builder().min_value(Duration::from_micros(1)).max_buckets(110).is_ok());
    /// ```
    #[track_caller]
    pub fn min_value(mut self, duration: Duration) -> Self {
        assert!(!duration.is_zero(), "min_value must be above zero");
        self.min = duration;
        self
    }

    /// The greatest value of interest. What is longer than the bucket that it is in goes to the last one.
    ///
    /// # Panics
    /// If that is zero.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use unstuck::runtime::LogHistogram;
    ///
    /// // More than a second is bad, however much more.
    /// assert!(LogHistogram::builder().max_value(Duration::from_secs(1)).max_buckets(100).is_ok());
    /// ```
    #[track_caller]
    pub fn max_value(mut self, duration: Duration) -> Self {
        assert!(!duration.is_zero(), "max_value must be above zero");
        self.max = duration;
        self
    }

    /// The histogram, if it has no more than so many buckets.
    ///
    /// # Errors
    /// If it needs more; the error says how many.
    ///
    /// # Examples
    /// ```
    /// use unstuck::runtime::{InvalidHistogramConfiguration, LogHistogram};
    ///
    /// let Err(error) = LogHistogram::builder().max_buckets(50) else { unreachable!("the default has more") };
    /// let InvalidHistogramConfiguration::TooManyBuckets { required_bucket_count } = error;
    /// assert_eq!(required_bucket_count, 119);
    /// ```
    pub fn max_buckets(&mut self, max_buckets: usize) -> Result<LogHistogram, InvalidHistogramConfiguration> {
        let histogram = self.build();
        let required_bucket_count = histogram.buckets();
        if required_bucket_count > max_buckets {
            return Err(InvalidHistogramConfiguration::TooManyBuckets { required_bucket_count });
        }
        Ok(histogram)
    }

    /// The histogram, however many buckets it has. Each takes 8 bytes a worker.
    ///
    /// # Examples
    /// ```
    /// use unstuck::runtime::{HistogramConfiguration, LogHistogram};
    ///
    /// let histogram = LogHistogram::builder().precision_exact(1).build();
    /// let configuration = HistogramConfiguration::log(histogram);
    /// # let _ = configuration;
    /// assert_ne!(histogram, LogHistogram::default());
    /// ```
    pub fn build(&self) -> LogHistogram {
        let LogHistogramBuilder { precision, min, max } = *self;
        let from = number(nanos(min), precision);
        LogHistogram { precision, from, to: number(nanos(max), precision).max(from) }
    }
}

/// Why a histogram can't be made.
///
/// # Examples
/// ```
/// use unstuck::runtime::LogHistogram;
///
/// let Err(error) = LogHistogram::builder().max_buckets(10) else { unreachable!("it needs more") };
/// assert!(error.to_string().contains("119 buckets"));
/// ```
#[derive(Debug)]
pub enum InvalidHistogramConfiguration {
    /// It needs more buckets than allowed.
    TooManyBuckets {
        /// How many it needs.
        required_bucket_count: usize,
    },
}

impl fmt::Display for InvalidHistogramConfiguration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let InvalidHistogramConfiguration::TooManyBuckets { required_bucket_count } = self;
        write!(
            f,
            "the histogram needs {required_bucket_count} buckets, more than allowed: allow a greater error or a smaller range"
        )
    }
}

impl Error for InvalidHistogramConfiguration {}

/// The finest precision: an error of 2^-10, about 0.1 %.
const MAX_PRECISION: u32 = 10;

/// The number of the bucket that holds `value`, counted from the one that holds 0.
fn number(value: u64, precision: u32) -> u64 {
    let power = value.max(1).ilog2();
    if power <= precision {
        return value;
    }
    let shift = power - precision;
    (u64::from(shift) << precision) + (value >> shift)
}

/// Where the bucket of that number begins.
fn start(number: u64, precision: u32) -> u64 {
    let power = number >> precision;
    if power == 0 {
        return number;
    }
    let in_power = u128::from((1 << precision) + (number & ((1 << precision) - 1)));
    u64::try_from(in_power << (power - 1)).unwrap_or(u64::MAX)
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_value_is_in_the_bucket_of_its_number_and_no_bucket_is_too_wide() {
        for precision in 0..=MAX_PRECISION {
            let edges = (0..64).flat_map(|power| [(1_u64 << power) - 1, 1 << power, (1 << power) + 1]);
            for value in edges.chain([5, 100, 1234, 999_999, u64::MAX]) {
                let number = number(value, precision);
                let (begin, end) = (start(number, precision), start(number + 1, precision));
                assert!(begin <= value && (value < end || end == u64::MAX), "{value} at {precision}");
                assert!(end - begin <= 1 || (end - begin - 1) >> (64 - precision).min(63) == 0 || precision == 0);
                assert!((end - begin) as f64 <= (begin.max(1) as f64) * 0.5_f64.powi(precision as i32) + 1.0);
            }
        }
    }

    #[test]
    fn the_bounds_enclose_the_range_of_interest() {
        let log = LogHistogram::default();
        let bounds = HistogramConfiguration::log(log).bounds();
        assert_eq!(bounds[..3], [96, 112, 128]);
        assert_eq!(bounds.len() + 1, log.buckets());
        assert_eq!(*bounds.last().unwrap(), log.max_value() + 1);
        assert!(log.max_value() >= 60_000_000_000);
        assert!(bounds.is_sorted());
    }

    #[test]
    fn the_greatest_values_do_not_overflow() {
        let log = LogHistogram::builder().max_value(Duration::MAX).min_value(Duration::MAX).build();
        assert_eq!(log.buckets(), 3);
        assert!(log.bounds().is_sorted());
        assert_eq!(HistogramConfiguration::linear(Duration::MAX, 3).bounds(), [u64::MAX, u64::MAX]);
    }

    #[test]
    fn a_resolution_of_a_logarithmic_scale_is_rounded_up_to_a_power_of_two() {
        let by = ByResolution { scale: HistogramScale::Log, resolution: Duration::from_nanos(50), buckets: 4 };
        assert_eq!(HistogramConfiguration::from(by).bounds(), [64, 128, 256]);
        assert_eq!(HistogramConfiguration::from(ByResolution::default()).bounds().len(), 9);
    }
}
