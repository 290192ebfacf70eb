//! A moment on the clock of the runtime.
//!
//! 1. An [`Instant`] is one of std's: only where `now` comes from differs.
//! 2. Inside a runtime `now` is its kernel's time, which may be paused or simulated; outside it is the system's.

use std::fmt;
use std::ops::{Add, AddAssign, Sub, SubAssign};
use std::time::{self, Duration};

use unstuck_context::with_current;

use crate::runtime::clock::default_now;

/// A moment on the clock of the runtime.
///
/// It is like [`std::time::Instant`] and converts into it and from it, but [`now`](Instant::now) follows the clock of
/// the runtime: a test can stop that clock, and a simulation has one of its own.
///
/// # Examples
///
/// ```
/// use unstuck::time::{Duration, Instant, sleep};
///
/// # #[unstuck::main(flavor = "current_thread")]
/// # async fn main() {
/// let before = Instant::now();
/// sleep(Duration::from_millis(1)).await;
/// assert!(before.elapsed() >= Duration::from_millis(1));
/// # }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(time::Instant);

/// A deadline further away than anybody waits, and never out of range: about thirty years.
const FAR: Duration = Duration::from_secs(86_400 * 365 * 30);

impl Instant {
    /// The time now, on the clock of the current runtime; outside any runtime, on that of the system.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::time::{Duration, Instant};
    ///
    /// # #[unstuck::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() {
    /// let start = Instant::now();
    /// unstuck::time::advance(Duration::from_secs(1)).await;
    /// assert_eq!(Instant::now() - start, Duration::from_secs(1));
    /// # }
    /// ```
    pub fn now() -> Instant {
        Instant(with_current(|handle| handle.parts().kernel.now()).unwrap_or_else(|_| default_now()))
    }

    /// The moment after `duration`, or one in thirty years when that is out of range.
    pub(super) fn after(self, duration: Duration) -> Instant {
        self.checked_add(duration).unwrap_or_else(|| self + FAR)
    }

    /// The same moment as one of std.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::time::Instant;
    ///
    /// let std = std::time::Instant::now();
    /// assert_eq!(Instant::from_std(std).into_std(), std);
    /// ```
    pub fn from_std(std: time::Instant) -> Instant {
        Instant(std)
    }

    /// The same moment as one of this crate.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::time::Instant;
    ///
    /// let now = Instant::now();
    /// assert_eq!(Instant::from_std(now.into_std()), now);
    /// ```
    pub fn into_std(self) -> time::Instant {
        self.0
    }

    /// The time from `earlier` until this, or zero if `earlier` is later.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::time::{Duration, Instant};
    ///
    /// let earlier = Instant::now();
    /// let later = earlier + Duration::from_secs(2);
    /// assert_eq!(later.duration_since(earlier), Duration::from_secs(2));
    /// assert_eq!(earlier.duration_since(later), Duration::ZERO);
    /// ```
    pub fn duration_since(&self, earlier: Instant) -> Duration {
        self.0.saturating_duration_since(earlier.0)
    }

    /// The time from `earlier` until this; `None` if `earlier` is later.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::time::{Duration, Instant};
    ///
    /// let earlier = Instant::now();
    /// let later = earlier + Duration::from_secs(2);
    /// assert_eq!(later.checked_duration_since(earlier), Some(Duration::from_secs(2)));
    /// assert_eq!(earlier.checked_duration_since(later), None);
    /// ```
    pub fn checked_duration_since(&self, earlier: Instant) -> Option<Duration> {
        self.0.checked_duration_since(earlier.0)
    }

    /// The time from `earlier` until this, or zero if `earlier` is later.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::time::{Duration, Instant};
    ///
    /// let earlier = Instant::now();
    /// let later = earlier + Duration::from_secs(2);
    /// assert_eq!(earlier.saturating_duration_since(later), Duration::ZERO);
    /// ```
    pub fn saturating_duration_since(&self, earlier: Instant) -> Duration {
        self.0.saturating_duration_since(earlier.0)
    }

    /// The time from this until [`now`](Instant::now).
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::time::{Duration, Instant};
    ///
    /// # #[unstuck::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() {
    /// let start = Instant::now();
    /// unstuck::time::sleep(Duration::from_millis(20)).await;
    /// assert_eq!(start.elapsed(), Duration::from_millis(20));
    /// # }
    /// ```
    pub fn elapsed(&self) -> Duration {
        Instant::now().duration_since(*self)
    }

    /// The moment `duration` after this; `None` if it is out of range.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::time::{Duration, Instant};
    ///
    /// let now = Instant::now();
    /// assert_eq!(now.checked_add(Duration::from_secs(1)), Some(now + Duration::from_secs(1)));
    /// assert_eq!(now.checked_add(Duration::MAX), None);
    /// ```
    pub fn checked_add(&self, duration: Duration) -> Option<Instant> {
        self.0.checked_add(duration).map(Instant)
    }

    /// The moment `duration` before this; `None` if it is out of range.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::time::{Duration, Instant};
    ///
    /// let now = Instant::now();
    /// assert_eq!((now + Duration::from_secs(1)).checked_sub(Duration::from_secs(1)), Some(now));
    /// assert_eq!(now.checked_sub(Duration::MAX), None);
    /// ```
    pub fn checked_sub(&self, duration: Duration) -> Option<Instant> {
        self.0.checked_sub(duration).map(Instant)
    }
}

impl From<time::Instant> for Instant {
    fn from(std: time::Instant) -> Instant {
        Instant(std)
    }
}

impl From<Instant> for time::Instant {
    fn from(instant: Instant) -> time::Instant {
        instant.0
    }
}

impl Add<Duration> for Instant {
    type Output = Instant;

    fn add(self, duration: Duration) -> Instant {
        Instant(self.0 + duration)
    }
}

impl AddAssign<Duration> for Instant {
    fn add_assign(&mut self, duration: Duration) {
        *self = *self + duration;
    }
}

impl Sub for Instant {
    type Output = Duration;

    fn sub(self, earlier: Instant) -> Duration {
        self.duration_since(earlier)
    }
}

impl Sub<Duration> for Instant {
    type Output = Instant;

    fn sub(self, duration: Duration) -> Instant {
        Instant(self.0 - duration)
    }
}

impl SubAssign<Duration> for Instant {
    fn sub_assign(&mut self, duration: Duration) {
        *self = *self - duration;
    }
}

impl fmt::Debug for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
