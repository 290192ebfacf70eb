//! Giving way to other tasks.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Lets other tasks run before this one goes on.
///
/// The task is queued behind those that are ready. Which of them run first, and whether sockets and timers are looked at
/// in between, is up to the scheduler: this is no way to wait for something. It only yields where its future is a part of
/// the task: some combinators poll it again at once.
///
/// # Cancel safety
///
/// Cancel safe: there is nothing to lose.
///
/// # Examples
///
/// ```
/// # #[unstuck::main(flavor = "current_thread")]
/// # async fn main() {
/// let other = unstuck::spawn(async { "done" });
/// while !other.is_finished() {
///     unstuck::task::yield_now().await;
/// }
/// assert_eq!(other.await.unwrap(), "done");
/// # }
/// ```
pub async fn yield_now() {
    YieldNow { yielded: false }.await;
}

struct YieldNow {
    yielded: bool,
}

impl Future for YieldNow {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.yielded {
            return Poll::Ready(());
        }
        self.yielded = true;
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}
