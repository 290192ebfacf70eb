//! A closure that blocks, as a task: one poll runs it to its end.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use unstuck_base::local;
use unstuck_driver::PausedClock;

/// A closure that blocks; see [`Handle::spawn_blocking`](crate::Handle::spawn_blocking).
pub(crate) struct BlockingWork<F>(Option<F>);

/// A paused clock does not jump as long as this lives: blocking work is under way.
#[derive(Debug)]
#[must_use = "the clock stands only while this lives"]
pub struct ClockStands(Arc<PausedClock>);

impl<F> BlockingWork<F> {
    pub(crate) fn new(work: F) -> Self {
        BlockingWork(Some(work))
    }
}

impl ClockStands {
    pub(crate) fn still(clock: &Arc<PausedClock>) -> Self {
        clock.inhibit_auto_advance();
        ClockStands(clock.clone())
    }
}

impl Drop for ClockStands {
    fn drop(&mut self) {
        self.0.allow_auto_advance();
    }
}

// The closure is never pinned: it is moved out before it is called.
impl<F> Unpin for BlockingWork<F> {}

impl<F: FnOnce() -> R, R> Future for BlockingWork<F> {
    type Output = R;

    fn poll(mut self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<R> {
        let work = self.0.take().expect("blocking work is polled once");
        Poll::Ready(local::with_unlimited_budget(work))
    }
}
