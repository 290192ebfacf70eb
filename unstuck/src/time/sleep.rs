//! Waiting until a deadline.
//!
//! 1. A [`Sleep`] is a timer of the runtime in which it was made, and knows the line of the user's code that made it:
//!    that is what a diagnosis shows.
//! 2. It is registered with the runtime by the first poll that has to wait, and taken out when it is dropped.

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project_lite::pin_project;
use unstuck_context::{Disabled, TryCurrentError, with_current};
use unstuck_driver::timer::{Door, Shutdown, Timer};

use super::Instant;

/// Waits until `deadline`.
///
/// The future completes no earlier than that; one whose deadline has passed completes when it is first polled. For doing
/// something repeatedly see [`interval`](super::interval()).
///
/// # Panics
///
/// When called outside a runtime, or in one that was built without
/// [`enable_time`](crate::runtime::Builder::enable_time).
///
/// # Cancel safety
///
/// Cancel safe: dropping the future just stops waiting.
///
/// # Examples
///
/// ```
/// use unstuck::time::{Duration, Instant, sleep_until};
///
/// # #[unstuck::main(flavor = "current_thread")]
/// # async fn main() {
/// let deadline = Instant::now() + Duration::from_millis(5);
/// sleep_until(deadline).await;
/// assert!(Instant::now() >= deadline);
/// # }
/// ```
#[track_caller]
pub fn sleep_until(deadline: Instant) -> Sleep {
    Sleep::new(found(with_current(|handle| handle.parts().time().map(|timers| timers.door()))), deadline)
}

/// Waits until `duration` has passed, counted from this call (not from the first poll).
///
/// A duration too long for the clock counts as about thirty years.
///
/// # Panics
///
/// When called outside a runtime, or in one that was built without
/// [`enable_time`](crate::runtime::Builder::enable_time).
///
/// # Cancel safety
///
/// Cancel safe: dropping the future just stops waiting.
///
/// # Examples
///
/// ```
/// use unstuck::time::{Duration, sleep};
///
/// # #[unstuck::main(flavor = "current_thread")]
/// # async fn main() {
/// sleep(Duration::from_millis(5)).await;
/// # }
/// ```
#[track_caller]
pub fn sleep(duration: Duration) -> Sleep {
    let (door, now) = found(with_current(|handle| {
        let parts = handle.parts();
        Ok((parts.time()?.door(), parts.kernel.now()))
    }));
    Sleep::new(door, Instant::from_std(now).after(duration))
}

/// What was asked of the current runtime.
#[track_caller]
fn found<T>(found: Result<Result<T, Disabled>, TryCurrentError>) -> T {
    match found {
        Ok(Ok(found)) => found,
        Ok(Err(disabled)) => panic!("{disabled}"),
        Err(error) => panic!("{error}"),
    }
}

pin_project! {
    /// Waits until a deadline. Made by [`sleep`] and [`sleep_until`].
    ///
    /// It is not `Unpin`. To poll it more than once, as in a `select!` inside a loop, pin it first:
    ///
    /// ```
    /// use unstuck::time::{self, Duration};
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let limit = time::sleep(Duration::from_millis(50));
    /// unstuck::pin!(limit);
    /// let mut ticks = 0;
    /// loop {
    ///     unstuck::select! {
    ///         () = &mut limit => break,
    ///         () = time::sleep(Duration::from_millis(5)) => ticks += 1,
    ///     }
    /// }
    /// assert!(ticks > 0);
    /// # }
    /// ```
    ///
    /// # Panics
    ///
    /// Polling one whose runtime has shut down panics: it would never fire.
    #[must_use = "futures do nothing unless you `.await` or poll them"]
    pub struct Sleep {
        #[pin]
        timer: Timer,
    }
}

impl Sleep {
    #[track_caller]
    fn new(door: Door, deadline: Instant) -> Sleep {
        Sleep { timer: Timer::asked_at(door, deadline.into_std(), Location::caller()) }
    }

    /// The moment when it completes.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::time::{Duration, Instant, sleep_until};
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let deadline = Instant::now() + Duration::from_secs(3);
    /// assert_eq!(sleep_until(deadline).deadline(), deadline);
    /// # }
    /// ```
    pub fn deadline(&self) -> Instant {
        Instant::from_std(self.timer.deadline())
    }

    /// Whether it has completed. A sleep that was never polled does not know, and says `false`.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::time::{Duration, sleep};
    ///
    /// # #[unstuck::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() {
    /// let mut sleep = std::pin::pin!(sleep(Duration::from_millis(5)));
    /// assert!(!sleep.is_elapsed());
    /// sleep.as_mut().await;
    /// assert!(sleep.is_elapsed());
    /// # }
    /// ```
    pub fn is_elapsed(&self) -> bool {
        self.timer.is_elapsed()
    }

    /// Changes the deadline. It works at any time, also after completion: the sleep is then waited for anew. Whoever
    /// waits for it now is woken for the new deadline.
    ///
    /// # Examples
    ///
    /// A limit that starts again whenever something happens:
    ///
    /// ```
    /// use unstuck::time::{self, Duration, Instant};
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let idle = time::sleep(Duration::from_millis(10));
    /// unstuck::pin!(idle);
    /// idle.as_mut().reset(Instant::now() + Duration::from_millis(20));
    /// idle.await;
    /// # }
    /// ```
    pub fn reset(self: Pin<&mut Self>, deadline: Instant) {
        self.project().timer.reset(deadline.into_std());
    }

    /// Says from which line the sleep is waited for.
    pub(super) fn asked_at(self: Pin<&mut Self>, at: &'static Location<'static>) {
        self.project().timer.set_asked_at(at);
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.project().timer.poll(cx).map(|fired| match fired {
            Ok(()) => (),
            Err(Shutdown) => panic!(
                "A Tokio 1.x context was found, but it is being shutdown. The runtime of this timer has ended, so the timer \
                 would never fire: do not wait for it after dropping the `Runtime`"
            ),
        })
    }
}

impl fmt::Debug for Sleep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sleep").field("deadline", &self.deadline()).finish_non_exhaustive()
    }
}
