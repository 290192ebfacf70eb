//! Trying an operation until it does not wait: wait for readiness, try, take back what turned out untrue, again.
//!
//! 1. An operation that completed is charged to the budget of the poll; one that waits costs nothing.
//! 2. What is taken back is the event that was seen before the try, so an event that comes during the try is kept.
//! 3. A stream that gave or took less than was asked has nothing more for now: its readiness is cleared at once, which
//!    saves the system call that would only say so. It is kept at the end of the stream, and while out-of-band data
//!    waits, since a read stops short at its mark.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use unstuck_base::interest::Interest;
use unstuck_base::local;

use super::{Direction, Readiness, Waiting, shutdown_error};

impl Readiness {
    /// Tries `op` until it does not say `WouldBlock`, waiting for readiness of `direction` in between. Charges the
    /// budget of the poll.
    ///
    /// # Errors
    /// What `op` says but `WouldBlock`; that the runtime has shut down.
    #[track_caller]
    pub fn poll_io<R>(
        &self,
        direction: Direction,
        cx: &mut Context<'_>,
        mut op: impl FnMut() -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        let charge = ready!(local::poll_budget(cx));
        loop {
            let event = ready!(self.poll_ready(direction, cx));
            if event.is_shutdown() {
                return Poll::Ready(Err(shutdown_error()));
            }
            match op() {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.disprove(event),
                result => {
                    charge.made_progress();
                    return Poll::Ready(result);
                }
            }
        }
    }

    /// As [`poll_io`](Readiness::poll_io), for an operation of a byte stream that moves up to `len` bytes and returns
    /// how many: when it moved less, the readiness is cleared at once (rule 3 of the file).
    ///
    /// # Errors
    /// As [`poll_io`](Readiness::poll_io).
    #[track_caller]
    pub fn poll_stream(
        &self,
        direction: Direction,
        cx: &mut Context<'_>,
        len: usize,
        mut op: impl FnMut() -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        self.poll_io(direction, cx, || self.try_moving(direction.interest(), len, &mut op))
    }

    /// Tries `op` once if the socket is ready for `interest`. It waits for nobody, so what is known to be there can be had
    /// after a shutdown as well.
    ///
    /// # Errors
    /// `WouldBlock` when it is not ready, or `op` found that it is not; what `op` says; that the runtime has shut down.
    pub fn try_io<R>(&self, interest: Interest, op: impl FnOnce() -> io::Result<R>) -> io::Result<R> {
        let event = self.now(interest);
        if event.ready().is_empty() {
            return Err(if event.is_shutdown() { shutdown_error() } else { io::ErrorKind::WouldBlock.into() });
        }
        let result = op();
        if result.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock) {
            self.disprove(event);
        }
        result
    }

    /// As [`try_io`](Readiness::try_io), for an operation of a byte stream that moves up to `len` bytes; see
    /// [`poll_stream`](Readiness::poll_stream).
    ///
    /// # Errors
    /// As [`try_io`](Readiness::try_io).
    pub fn try_stream(
        &self,
        interest: Interest,
        len: usize,
        mut op: impl FnMut() -> io::Result<usize>,
    ) -> io::Result<usize> {
        self.try_io(interest, || self.try_moving(interest, len, &mut op))
    }

    /// As [`poll_io`](Readiness::poll_io), as a future; any number of tasks may await it at the same time.
    ///
    /// # Errors
    /// As [`poll_io`](Readiness::poll_io).
    ///
    /// # Cancel safety
    /// Cancel safe: `op` is called only in a poll that then returns its result.
    #[track_caller]
    pub fn async_io<R, F: FnMut() -> io::Result<R>>(&self, interest: Interest, op: F) -> AsyncIo<'_, F> {
        AsyncIo { waiting: self.ready(interest), op }
    }

    /// Runs `op`, and clears the readiness if it moved less than `len` bytes.
    fn try_moving(
        &self,
        interest: Interest,
        len: usize,
        op: &mut impl FnMut() -> io::Result<usize>,
    ) -> io::Result<usize> {
        let event = self.now(interest | Interest::PRIORITY);
        let moved = op()?;
        if 0 < moved && moved < len && !event.ready().is_priority() {
            self.clear(event.narrowed(interest.wanted()));
        }
        Ok(moved)
    }
}

/// Waits and tries; see [`Readiness::async_io`].
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct AsyncIo<'a, F> {
    waiting: Waiting<'a>,
    op: F,
}

impl<R, F: FnMut() -> io::Result<R>> Future for AsyncIo<'_, F> {
    type Output = io::Result<R>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<R>> {
        // SAFETY: `waiting` is pinned when we are and never moved out; `op` is never pinned.
        let (mut waiting, op) = unsafe {
            let this = self.get_unchecked_mut();
            (Pin::new_unchecked(&mut this.waiting), &mut this.op)
        };
        let charge = ready!(local::poll_budget(cx));
        loop {
            let event = ready!(waiting.as_mut().poll(cx));
            if event.is_shutdown() {
                return Poll::Ready(Err(shutdown_error()));
            }
            match op() {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => waiting.readiness.disprove(event),
                result => {
                    charge.made_progress();
                    return Poll::Ready(result);
                }
            }
        }
    }
}
