//! Telling a diagnosis the user's line instead of ours.
//!
//! A future of several steps waits for leaf futures that were made in this crate, by a line of this crate. [`CalledAt`] puts
//! the line of the user's call in its place. A panic in such a future is at a line of this crate too, so its message says
//! what the user's is.

use std::fmt;
use std::future::Future;
use std::marker::PhantomPinned;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use unstuck_base::local;
use unstuck_context::{Handle, try_current};

/// A line of the user's code.
pub(crate) type Line = &'static Location<'static>;

pin_project! {
    /// A future that was asked for at some line of the user's code.
    #[must_use = "futures do nothing unless you `.await` or poll them"]
    pub(crate) struct CalledAt<F> {
        #[pin]
        future: F,
        at: Line,
        // It stands for an `async fn`, whose futures are never `Unpin`.
        #[pin]
        pinned: PhantomPinned,
    }
}

/// Says that the caller's caller asked for `future`, and tells it the line.
#[track_caller]
pub(crate) fn called_from<F: Future>(future: impl FnOnce(Line) -> F) -> CalledAt<F> {
    let at = Location::caller();
    CalledAt { future: future(at), at, pinned: PhantomPinned }
}

/// The current runtime, for a future that was asked for at `at`.
///
/// # Panics
/// Outside a runtime.
pub(crate) fn current_at(at: Line) -> Handle {
    match try_current() {
        Ok(handle) => handle,
        Err(error) => panic!("{error}{}", named(at)),
    }
}

/// What a panic adds to its message, about what was asked for at `at`.
pub(crate) fn named(at: Line) -> impl fmt::Display {
    fmt::from_fn(move |f| write!(f, " (called at {at})"))
}

impl<F: Future> Future for CalledAt<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let before = local::waits().count();
        let polled = this.future.poll(cx);
        if polled.is_pending() {
            for wait in local::waits().skip(before) {
                local::forget_wait(wait.kind, wait.key);
                local::wait_for(wait.kind, wait.key, this.at);
            }
        }
        polled
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::task::Waker;
    use unstuck_base::local::{TaskRef, WaitKind};

    #[test]
    fn only_what_the_future_waits_for_is_relabelled() {
        let task = TaskRef { id: local::next_task_id(), poll: 0, root: false };
        let outer = local::begin_poll(task);
        let ours = Location::caller();
        local::wait_for(WaitKind::Mutex, 1, ours);
        let mut future = std::pin::pin!(called_from(|_at| std::future::poll_fn(|_| {
            local::wait_for(WaitKind::Io, 2, ours);
            Poll::<()>::Pending
        })));
        let called_at = future.at;
        assert_ne!(called_at.line(), ours.line());
        assert!(future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        let waits: Vec<_> = local::waits().map(|wait| (wait.kind, wait.at.line())).collect();
        assert_eq!(waits, [(WaitKind::Mutex, ours.line()), (WaitKind::Io, called_at.line())]);
        let _waits = local::end_poll(outer);
    }
}
