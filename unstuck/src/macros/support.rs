//! What the expansions of `select!`, `join!` and `try_join!` call at run time. Not for anybody else: it may change in
//! any release.
//!
//! 1. A [`MaybeDone`] pins its future structurally: `Running` is only reached through `Pin`, and left only by being
//!    overwritten in place.
//! 2. Which variant it is stands in bytes of its own (`repr(C)`), not in a niche of the future: a future that is being
//!    polled may borrow from itself, and looking at the variant must not touch those bytes.
//! 3. Its future is dropped as soon as it has completed, its output stays until it is taken.

use std::mem;

use unstuck_base::local;

// Programs that name these found them here.
pub use std::future::{Future, IntoFuture, poll_fn};
pub use std::pin::Pin;
pub use std::result::Result;
pub use std::task::{Context, Poll, ready};

/// A random number in `0..n`, from the runtime's seed where there is one.
#[inline]
pub fn thread_rng_n(n: u32) -> u32 {
    local::random_below(n)
}

/// Ready while the task may do something in this poll. Charges nothing; when the budget is spent, wakes the task and is
/// Pending.
#[inline]
pub fn poll_budget_available(cx: &mut Context<'_>) -> Poll<()> {
    local::poll_budget(cx).map(drop)
}

/// A future, then its output, then nothing.
#[repr(C)]
pub enum MaybeDone<F: Future> {
    /// Not completed.
    Running(F),
    /// Completed; its output waits for the others.
    Done(F::Output),
    /// The output was taken.
    Taken,
}

/// Rule 1: only the future is pinned, the output may be moved.
impl<F: Future + Unpin> Unpin for MaybeDone<F> {}

/// Wraps what `join!` was given.
pub fn maybe_done<F: IntoFuture>(future: F) -> MaybeDone<F::IntoFuture> {
    MaybeDone::Running(future.into_future())
}

impl<F: Future> MaybeDone<F> {
    /// Polls the future unless it has completed.
    pub fn poll_done(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Some(future) = self.as_mut().running() else { return Poll::Ready(()) };
        let output = ready!(future.poll(cx));
        self.set(MaybeDone::Done(output));
        Poll::Ready(())
    }

    /// The output of the completed future.
    ///
    /// # Panics
    /// If the future has not completed, or the output was taken: the macro's future was polled after it completed.
    pub fn take_output(self: Pin<&mut Self>) -> F::Output {
        self.take_done().expect("`join!` was polled after it completed")
    }

    fn running(self: Pin<&mut Self>) -> Option<Pin<&mut F>> {
        // SAFETY: rule 1: the future is pinned with us, and nothing is moved out here.
        match unsafe { self.get_unchecked_mut() } {
            // SAFETY: as above.
            MaybeDone::Running(future) => Some(unsafe { Pin::new_unchecked(future) }),
            MaybeDone::Done(_) | MaybeDone::Taken => None,
        }
    }

    fn take_done(self: Pin<&mut Self>) -> Option<F::Output> {
        // SAFETY: rule 1: only a `Done` is moved, and an output is not pinned.
        let this = unsafe { self.get_unchecked_mut() };
        let MaybeDone::Done(_) = this else { return None };
        match mem::replace(this, MaybeDone::Taken) {
            MaybeDone::Done(output) => Some(output),
            MaybeDone::Running(_) | MaybeDone::Taken => unreachable!("it was Done"),
        }
    }
}

impl<F: Future<Output = Result<T, E>>, T, E> MaybeDone<F> {
    /// Polls the future unless it has succeeded. Its error is not kept: it ends the macro, which drops us.
    pub fn poll_ok(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), E>> {
        let Some(future) = self.as_mut().running() else { return Poll::Ready(Ok(())) };
        match ready!(future.poll(cx)) {
            Ok(value) => {
                self.set(MaybeDone::Done(Ok(value)));
                Poll::Ready(Ok(()))
            }
            Err(error) => Poll::Ready(Err(error)),
        }
    }

    /// The value of the succeeded future.
    ///
    /// # Panics
    /// If the future has not succeeded, or the value was taken: the macro's future was polled after it completed.
    pub fn take_ok(self: Pin<&mut Self>) -> T {
        self.take_done().and_then(Result::ok).expect("`try_join!` was polled after it completed")
    }
}
