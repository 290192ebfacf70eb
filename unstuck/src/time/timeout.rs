//! Giving up waiting.
//!
//! 1. The future is polled first: one that is ready is never too late, and then the timer is not even registered.
//! 2. The timer is polled also when the future has used up the budget of the poll: a future that is always busy still
//!    runs into its limit.

use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project_lite::pin_project;
use unstuck_base::local;

use super::error::Elapsed;
use super::{Instant, Sleep, sleep, sleep_until};

/// Waits for `future`, but no longer than `duration`, counted from this call.
///
/// The future runs inside the current task. When the time is up it is dropped together with the `Timeout`; await
/// `&mut future` to keep it. A duration too long for the clock counts as about thirty years.
///
/// Only what yields can be interrupted: a future that computes or blocks without an `.await` is not.
///
/// # Errors
///
/// [`Elapsed`], when the time was up first. A future that completes in the very poll in which the time is up wins.
///
/// # Panics
///
/// When called outside a runtime, or in one that was built without
/// [`enable_time`](crate::runtime::Builder::enable_time).
///
/// # Cancel safety
///
/// As that of `future`: dropping the timeout drops it.
///
/// # Examples
///
/// ```
/// use unstuck::sync::oneshot;
/// use unstuck::time::{Duration, timeout};
///
/// # #[unstuck::main(flavor = "current_thread")]
/// # async fn main() {
/// let (_sender, receiver) = oneshot::channel::<u32>();
/// assert!(timeout(Duration::from_millis(5), receiver).await.is_err());
///
/// assert_eq!(timeout(Duration::from_secs(5), async { 7 }).await, Ok(7));
/// # }
/// ```
#[track_caller]
pub fn timeout<F: IntoFuture>(duration: Duration, future: F) -> Timeout<F::IntoFuture> {
    Timeout { future: future.into_future(), limit: sleep(duration) }
}

/// Waits for `future`, but no longer than until `deadline`; otherwise as [`timeout`].
///
/// # Errors
///
/// [`Elapsed`], when the time was up first.
///
/// # Panics
///
/// When called outside a runtime, or in one that was built without
/// [`enable_time`](crate::runtime::Builder::enable_time).
///
/// # Cancel safety
///
/// As that of `future`: dropping the timeout drops it.
///
/// # Examples
///
/// One deadline for several steps:
///
/// ```
/// use unstuck::time::{Duration, Instant, sleep, timeout_at};
///
/// # #[unstuck::main(flavor = "current_thread")]
/// # async fn main() {
/// let deadline = Instant::now() + Duration::from_millis(20);
/// assert!(timeout_at(deadline, sleep(Duration::from_millis(1))).await.is_ok());
/// assert!(timeout_at(deadline, sleep(Duration::from_secs(60))).await.is_err());
/// # }
/// ```
#[track_caller]
pub fn timeout_at<F: IntoFuture>(deadline: Instant, future: F) -> Timeout<F::IntoFuture> {
    Timeout { future: future.into_future(), limit: sleep_until(deadline) }
}

pin_project! {
    /// Waits for a future, but not for ever. Made by [`timeout`] and [`timeout_at`].
    ///
    /// # Examples
    ///
    /// ```
    /// use std::future::{Pending, pending};
    /// use unstuck::time::{Duration, Timeout, timeout};
    ///
    /// # #[unstuck::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() {
    /// let never: Timeout<Pending<u32>> = timeout(Duration::from_secs(60), pending());
    /// assert!(never.await.is_err());
    /// # }
    /// ```
    #[derive(Debug)]
    #[must_use = "futures do nothing unless you `.await` or poll them"]
    pub struct Timeout<T> {
        #[pin]
        future: T,
        #[pin]
        limit: Sleep,
    }
}

impl<T> Timeout<T> {
    /// The future that is waited for.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::sync::oneshot;
    /// use unstuck::time::{Duration, timeout};
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let (sender, receiver) = oneshot::channel::<u32>();
    /// let answer = timeout(Duration::from_secs(1), receiver);
    /// assert!(answer.get_ref().is_empty()); // nothing was sent yet
    /// sender.send(42).unwrap();
    /// assert!(!answer.get_ref().is_empty());
    /// assert_eq!(answer.await, Ok(Ok(42)));
    /// # }
    /// ```
    pub fn get_ref(&self) -> &T {
        &self.future
    }

    /// The future that is waited for.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::sync::oneshot;
    /// use unstuck::time::{Duration, timeout};
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let (sender, receiver) = oneshot::channel::<u32>();
    /// let mut answer = timeout(Duration::from_secs(1), receiver);
    /// answer.get_mut().close(); // nobody may send any more
    /// assert_eq!(sender.send(42), Err(42));
    /// assert!(answer.await.unwrap().is_err());
    /// # }
    /// ```
    pub fn get_mut(&mut self) -> &mut T {
        &mut self.future
    }

    /// Takes the future back, without a limit.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::sync::oneshot;
    /// use unstuck::time::{Duration, sleep, timeout};
    ///
    /// # #[unstuck::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() {
    /// let (sender, receiver) = oneshot::channel();
    /// let answer = timeout(Duration::from_millis(10), receiver);
    /// let patient = answer.into_inner();
    /// sleep(Duration::from_secs(1)).await;
    /// sender.send("late").unwrap();
    /// assert_eq!(patient.await, Ok("late"));
    /// # }
    /// ```
    pub fn into_inner(self) -> T {
        self.future
    }
}

impl<T: Future> Future for Timeout<T> {
    type Output = Result<T::Output, Elapsed>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let had_budget = local::has_budget();
        if let Poll::Ready(output) = this.future.poll(cx) {
            return Poll::Ready(Ok(output));
        }
        let used_up = had_budget && !local::has_budget();
        let limit = if used_up { local::with_unlimited_budget(|| this.limit.poll(cx)) } else { this.limit.poll(cx) };
        limit.map(|()| Err(Elapsed::new()))
    }
}
