//! A closure that blocks, as a task: one poll runs it to its end.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use unstuck_base::local;
use unstuck_driver::PausedClock;

/// A closure that blocks; see [`Handle::spawn_blocking`](crate::Handle::spawn_blocking).
pub(crate) struct BlockingWork<F> {
    work: Option<F>,
    /// A paused clock stands still while blocking work is under way.
    _clock_stands: Option<ClockStands>,
}

struct ClockStands(Arc<PausedClock>);

impl<F> BlockingWork<F> {
    pub(crate) fn new(work: F, clock: Option<&Arc<PausedClock>>) -> Self {
        let clock_stands = clock.map(|clock| {
            clock.inhibit_auto_advance();
            ClockStands(clock.clone())
        });
        BlockingWork { work: Some(work), _clock_stands: clock_stands }
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
        let work = self.work.take().expect("blocking work is polled once");
        Poll::Ready(local::with_unlimited_budget(work))
    }
}
