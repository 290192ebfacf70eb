//! Something to do again and again.
//!
//! 1. Ticks are counted from the first one, not from when the last was seen: the time that the work takes does not add
//!    up. [`MissedTickBehavior`] says what happens when the work takes longer than the period.
//! 2. A tick that is taken leaves no waker behind: only a poll that returns Pending does.

use std::future::Future;
use std::marker::PhantomPinned;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use super::{Instant, Sleep, sleep_until};

/// How late a tick must be to count as missed: no system is punctual to the microsecond.
const LATE: Duration = Duration::from_millis(5);

/// Ticks now, and then every `period`.
///
/// The first tick completes at once. Unlike a [`sleep`](super::sleep()) in a loop, ticks make up for the time that the work
/// between them takes.
///
/// # Panics
///
/// If `period` is zero; when called outside a runtime, or in one that was built without
/// [`enable_time`](crate::runtime::Builder::enable_time).
///
/// # Examples
///
/// ```
/// use unstuck::time::{Duration, Instant, interval};
///
/// # #[unstuck::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// let start = Instant::now();
/// let mut interval = interval(Duration::from_secs(60));
/// interval.tick().await; // at once
/// interval.tick().await;
/// interval.tick().await;
/// assert_eq!(start.elapsed(), Duration::from_secs(120));
/// # }
/// ```
#[track_caller]
pub fn interval(period: Duration) -> Interval {
    assert!(period > Duration::ZERO, "`period` must be non-zero.");
    Interval::new(Instant::now(), period)
}

/// Ticks at `start`, and then every `period`.
///
/// # Panics
///
/// If `period` is zero; when called outside a runtime, or in one that was built without
/// [`enable_time`](crate::runtime::Builder::enable_time).
///
/// # Examples
///
/// ```
/// use unstuck::time::{Duration, Instant, interval_at};
///
/// # #[unstuck::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// let start = Instant::now();
/// let mut interval = interval_at(start + Duration::from_secs(5), Duration::from_secs(60));
/// interval.tick().await;
/// interval.tick().await;
/// assert_eq!(start.elapsed(), Duration::from_secs(65));
/// # }
/// ```
#[track_caller]
pub fn interval_at(start: Instant, period: Duration) -> Interval {
    assert!(period > Duration::ZERO, "`period` must be non-zero.");
    Interval::new(start, period)
}

/// What an [`Interval`] does about ticks that nobody took in time.
///
/// A tick is missed when it is taken more than 5 milliseconds late; less is the jitter of the system.
///
/// In the pictures a period is ten characters, `|` is a tick that was taken, and the work after the second one takes
/// two and a half periods:
///
/// ```text
/// planned |         |         |         |         |         |         |
/// Burst   |         |------------------------||   |         |         |
/// Delay   |         |------------------------|         |         |
/// Skip    |         |------------------------|    |         |         |
/// ```
///
/// # Examples
///
/// ```
/// use unstuck::time::{Duration, Instant, MissedTickBehavior, advance, interval};
///
/// /// When the two ticks happen that follow work of two and a half seconds.
/// async fn ticks(behavior: MissedTickBehavior) -> [Duration; 2] {
///     let start = Instant::now();
///     let mut seconds = interval(Duration::from_secs(1));
///     seconds.set_missed_tick_behavior(behavior);
///     seconds.tick().await;
///     advance(Duration::from_millis(2500)).await;
///     seconds.tick().await; // late
///     let mut ticks = [Duration::ZERO; 2];
///     for tick in &mut ticks {
///         seconds.tick().await;
///         *tick = start.elapsed();
///     }
///     ticks
/// }
///
/// # #[unstuck::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// let millis = Duration::from_millis;
/// assert_eq!(ticks(MissedTickBehavior::Burst).await, [millis(2500), millis(3000)]);
/// assert_eq!(ticks(MissedTickBehavior::Delay).await, [millis(3500), millis(4500)]);
/// assert_eq!(ticks(MissedTickBehavior::Skip).await, [millis(3000), millis(4000)]);
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MissedTickBehavior {
    /// Ticks follow each other at once until all that were missed are made up for. For work that must be done a certain
    /// number of times.
    #[default]
    Burst,
    /// The next tick is one period after the late one: two ticks are never closer than a period. All later ticks are
    /// shifted.
    Delay,
    /// The next tick is the next one that was planned: missed ones are left out, and ticks stay multiples of the period.
    Skip,
}

impl MissedTickBehavior {
    /// When the next tick is due, after one that was due at `due` and is taken `now`, too late.
    fn next(self, due: Instant, now: Instant, period: Duration) -> Instant {
        match self {
            MissedTickBehavior::Burst => due.after(period),
            MissedTickBehavior::Delay => now.after(period),
            MissedTickBehavior::Skip => {
                let since_planned = remainder(now.duration_since(due), period);
                now.after(period - since_planned)
            }
        }
    }
}

/// `duration` modulo `period`.
fn remainder(duration: Duration, period: Duration) -> Duration {
    const SECOND: u128 = 1_000_000_000;
    let nanoseconds = duration.as_nanos() % period.as_nanos();
    let seconds = u64::try_from(nanoseconds / SECOND).expect("it is less than a Duration");
    Duration::new(seconds, (nanoseconds % SECOND) as u32)
}

/// Ticks again and again. Made by [`interval`](interval()) and [`interval_at`].
///
/// # Examples
///
/// ```
/// use unstuck::time::{Duration, Instant, interval};
///
/// # #[unstuck::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// let start = Instant::now();
/// let mut every_second = interval(Duration::from_secs(1));
/// let mut written = Vec::new();
/// for _ in 0..3 {
///     every_second.tick().await;
///     written.push(start.elapsed().as_secs());
/// }
/// assert_eq!(written, [0, 1, 2]);
/// # }
/// ```
#[derive(Debug)]
pub struct Interval {
    next: Pin<Box<Sleep>>,
    period: Duration,
    missed: MissedTickBehavior,
}

impl Interval {
    #[track_caller]
    fn new(start: Instant, period: Duration) -> Interval {
        Interval { next: Box::pin(sleep_until(start)), period, missed: MissedTickBehavior::default() }
    }

    /// Waits for the next tick; returns the moment for which it was planned.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: a tick is taken only by the poll that returns it.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::time::{Duration, interval};
    ///
    /// # #[unstuck::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() {
    /// let mut interval = interval(Duration::from_millis(10));
    /// let first = interval.tick().await;
    /// let second = interval.tick().await;
    /// assert_eq!(second - first, Duration::from_millis(10));
    /// # }
    /// ```
    #[track_caller]
    pub fn tick(&mut self) -> impl Future<Output = Instant> {
        Tick { at: Location::caller(), interval: self, _pinned: PhantomPinned }
    }

    /// Waits for the next tick. Of several tasks that poll, the last one is woken.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::future::poll_fn;
    /// use unstuck::time::{Duration, Instant, interval};
    ///
    /// # #[unstuck::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() {
    /// let start = Instant::now();
    /// let mut interval = interval(Duration::from_secs(1));
    /// assert_eq!(poll_fn(|cx| interval.poll_tick(cx)).await, start);
    /// # }
    /// ```
    pub fn poll_tick(&mut self, cx: &mut Context<'_>) -> Poll<Instant> {
        ready!(self.next.as_mut().poll(cx));
        let due = self.next.deadline();
        let now = Instant::now();
        let late = now.duration_since(due) > LATE;
        let next = if late { self.missed.next(due, now, self.period) } else { due.after(self.period) };
        self.next.as_mut().reset(next);
        Poll::Ready(due)
    }

    /// Starts anew: the next tick is one period from now.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::time::{Duration, Instant, advance, interval};
    ///
    /// # #[unstuck::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() {
    /// let mut interval = interval(Duration::from_secs(10));
    /// interval.tick().await;
    /// advance(Duration::from_secs(4)).await;
    /// interval.reset();
    /// let before = Instant::now();
    /// interval.tick().await;
    /// assert_eq!(before.elapsed(), Duration::from_secs(10));
    /// # }
    /// ```
    pub fn reset(&mut self) {
        self.reset_after(self.period);
    }

    /// Makes the next tick due now; those after it follow every period.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::time::{Duration, Instant, interval};
    ///
    /// # #[unstuck::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() {
    /// let mut interval = interval(Duration::from_secs(60));
    /// interval.tick().await;
    /// let start = Instant::now();
    /// interval.reset_immediately();
    /// interval.tick().await;
    /// assert_eq!(start.elapsed(), Duration::ZERO);
    /// # }
    /// ```
    pub fn reset_immediately(&mut self) {
        self.reset_at(Instant::now());
    }

    /// Makes the next tick due in `after`; those after it follow every period. A duration too long for the clock counts as
    /// about thirty years.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::time::{Duration, Instant, interval};
    ///
    /// # #[unstuck::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() {
    /// let mut interval = interval(Duration::from_secs(60));
    /// interval.tick().await;
    /// let start = Instant::now();
    /// interval.reset_after(Duration::from_secs(5));
    /// interval.tick().await;
    /// assert_eq!(start.elapsed(), Duration::from_secs(5));
    /// interval.tick().await;
    /// assert_eq!(start.elapsed(), Duration::from_secs(65));
    /// # }
    /// ```
    pub fn reset_after(&mut self, after: Duration) {
        self.reset_at(Instant::now().after(after));
    }

    /// Makes the next tick due at `deadline`, which may have passed; those after it follow every period.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::time::{Duration, Instant, interval};
    ///
    /// # #[unstuck::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() {
    /// let mut interval = interval(Duration::from_secs(60));
    /// interval.tick().await;
    /// let next = Instant::now() + Duration::from_secs(7);
    /// interval.reset_at(next);
    /// assert_eq!(interval.tick().await, next);
    /// # }
    /// ```
    pub fn reset_at(&mut self, deadline: Instant) {
        self.next.as_mut().reset(deadline);
    }

    /// What happens about ticks that nobody took in time.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::time::{Duration, MissedTickBehavior, interval};
    ///
    /// # #[unstuck::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() {
    /// let interval = interval(Duration::from_secs(1));
    /// assert_eq!(interval.missed_tick_behavior(), MissedTickBehavior::Burst);
    /// # }
    /// ```
    pub fn missed_tick_behavior(&self) -> MissedTickBehavior {
        self.missed
    }

    /// Sets what happens about ticks that nobody took in time.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::time::{Duration, MissedTickBehavior, advance, interval};
    ///
    /// # #[unstuck::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() {
    /// let mut interval = interval(Duration::from_secs(10));
    /// interval.set_missed_tick_behavior(MissedTickBehavior::Skip);
    /// let first = interval.tick().await;
    /// advance(Duration::from_secs(35)).await;
    /// interval.tick().await;
    /// assert_eq!(interval.tick().await, first + Duration::from_secs(40));
    /// # }
    /// ```
    pub fn set_missed_tick_behavior(&mut self, behavior: MissedTickBehavior) {
        self.missed = behavior;
    }

    /// The time between two ticks.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::time::{Duration, interval};
    ///
    /// # #[unstuck::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() {
    /// let interval = interval(Duration::from_secs(3));
    /// assert_eq!(interval.period(), Duration::from_secs(3));
    /// # }
    /// ```
    pub fn period(&self) -> Duration {
        self.period
    }
}

/// Waits for a tick; see [`Interval::tick`].
#[must_use = "futures do nothing unless you `.await` or poll them"]
struct Tick<'a> {
    at: &'static Location<'static>,
    interval: &'a mut Interval,
    /// As the future of an `async fn`.
    _pinned: PhantomPinned,
}

impl Future for Tick<'_> {
    type Output = Instant;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Instant> {
        // SAFETY: no field is pinned.
        let Tick { at, interval, .. } = unsafe { self.get_unchecked_mut() };
        interval.next.as_mut().asked_at(at);
        interval.poll_tick(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_tick_is_followed_as_the_behavior_says() {
        let second = Duration::from_secs(1);
        let due = Instant::from_std(crate::runtime::clock::default_now());
        let now = due + second * 5 / 2;
        assert_eq!(MissedTickBehavior::Burst.next(due, now, second), due + second);
        assert_eq!(MissedTickBehavior::Delay.next(due, now, second), now + second);
        assert_eq!(MissedTickBehavior::Skip.next(due, now, second), due + second * 3);
    }

    #[test]
    fn the_longest_periods_do_not_overflow() {
        let due = Instant::from_std(crate::runtime::clock::default_now());
        for behavior in [MissedTickBehavior::Burst, MissedTickBehavior::Delay, MissedTickBehavior::Skip] {
            assert!(behavior.next(due, due + Duration::from_secs(9), Duration::MAX) > due);
        }
        assert_eq!(remainder(Duration::MAX, Duration::MAX), Duration::ZERO);
        assert_eq!(remainder(Duration::MAX, Duration::from_secs(1)), Duration::from_nanos(999_999_999));
    }
}
