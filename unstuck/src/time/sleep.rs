//! Waiting until a deadline.
//!
//! 1. A [`Sleep`] is a timer of the runtime in which it was made, plus the line of the user's code that made it: that is
//!    what a diagnosis shows.
//! 2. It is registered with the runtime by the first poll that has to wait, and taken out when it is dropped.

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project_lite::pin_project;
use unstuck_base::WakeBatch;
use unstuck_base::local::{self, WaitKind};
use unstuck_context::with_current;
use unstuck_driver::timer::{Shutdown, Timer};

use super::Instant;

/// Waits until `deadline`.
///
/// The future completes no earlier than that; one whose deadline has passed completes when it is first polled. For doing
/// something repeatedly see [`interval`](super::interval()).
///
/// # Panics
///
/// When called outside a runtime.
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
    let at = Location::caller();
    match with_current(|handle| Timer::new(&handle.parts().timers, deadline.into_std())) {
        Ok(timer) => Sleep { timer, at },
        Err(error) => panic!("{error}"),
    }
}

/// Waits until `duration` has passed, counted from this call (not from the first poll).
///
/// A duration too long for the clock counts as about thirty years.
///
/// # Panics
///
/// When called outside a runtime.
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
    let at = Location::caller();
    let timer = with_current(|handle| {
        let parts = handle.parts();
        let deadline = Instant::from_std(parts.kernel.now()).after(duration);
        Timer::new(&parts.timers, deadline.into_std())
    });
    match timer {
        Ok(timer) => Sleep { timer, at },
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
        at: &'static Location<'static>,
    }
}

impl Sleep {
    /// The moment when it completes.
    pub fn deadline(&self) -> Instant {
        Instant::from_std(self.timer.deadline())
    }

    /// Whether it has completed. A sleep that was never polled does not know, and says `false`.
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
        let earlier = deadline < self.deadline();
        self.project().timer.reset(deadline.into_std());
        if earlier {
            fire_if_due(deadline);
        }
    }

    /// Says from which line the sleep is waited for.
    pub(super) fn asked_at(self: Pin<&mut Self>, at: &'static Location<'static>) {
        *self.project().at = at;
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        let key = std::ptr::from_ref(&*this.timer).addr();
        match this.timer.poll(cx) {
            Poll::Ready(Ok(())) => Poll::Ready(()),
            Poll::Ready(Err(Shutdown)) => panic!(
                "A Tokio 1.x context was found, but it is being shutdown. The runtime of this timer has ended, so the timer \
                 would never fire: do not wait for it after dropping the `Runtime`"
            ),
            Poll::Pending => {
                // The timer knows only the line above that made it.
                local::forget_wait(WaitKind::Timer, key);
                local::wait_for(WaitKind::Timer, key, this.at);
                Poll::Pending
            }
        }
    }
}

/// A timer that was moved to a deadline in the past fires now, not only when the driver is looked at next.
fn fire_if_due(deadline: Instant) {
    let mut woken = WakeBatch::new();
    // Outside a runtime, or inside another one, the timer's own runtime sees to it.
    let _ = with_current(|handle| {
        let parts = handle.parts();
        let now = parts.kernel.now();
        if deadline.into_std() <= now {
            parts.timers.expire(now, &mut woken);
        }
    });
    woken.wake_all();
}

impl fmt::Debug for Sleep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sleep").field("deadline", &self.deadline()).finish_non_exhaustive()
    }
}
