//! A moment on the clock of the runtime.
//!
//! 1. An [`Instant`] is one of std's: only where `now` comes from differs.
//! 2. Inside a runtime `now` is its kernel's time, which may be paused or simulated; outside it is the system's.

use std::fmt;
use std::ops::{Add, AddAssign, Sub, SubAssign};
use std::time::{self, Duration};

use unstuck_context::with_current;

use crate::runtime::default_now;

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
    pub fn now() -> Instant {
        Instant(with_current(|handle| handle.parts().kernel.now()).unwrap_or_else(|_| default_now()))
    }

    /// The moment after `duration`, or one in thirty years when that is out of range.
    pub(super) fn after(self, duration: Duration) -> Instant {
        self.checked_add(duration).unwrap_or_else(|| self + FAR)
    }

    /// The same moment as one of std.
    pub fn from_std(std: time::Instant) -> Instant {
        Instant(std)
    }

    /// The same moment as one of this crate.
    pub fn into_std(self) -> time::Instant {
        self.0
    }

    /// The time from `earlier` until this, or zero if `earlier` is later.
    pub fn duration_since(&self, earlier: Instant) -> Duration {
        self.0.saturating_duration_since(earlier.0)
    }

    /// The time from `earlier` until this; `None` if `earlier` is later.
    pub fn checked_duration_since(&self, earlier: Instant) -> Option<Duration> {
        self.0.checked_duration_since(earlier.0)
    }

    /// The time from `earlier` until this, or zero if `earlier` is later.
    pub fn saturating_duration_since(&self, earlier: Instant) -> Duration {
        self.0.saturating_duration_since(earlier.0)
    }

    /// The time from this until [`now`](Instant::now).
    pub fn elapsed(&self) -> Duration {
        Instant::now().duration_since(*self)
    }

    /// The moment `duration` after this; `None` if it is out of range.
    pub fn checked_add(&self, duration: Duration) -> Option<Instant> {
        self.0.checked_add(duration).map(Instant)
    }

    /// The moment `duration` before this; `None` if it is out of range.
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
