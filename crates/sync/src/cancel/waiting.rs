//! The futures that end with a cancellation.
//!
//! 1. A waiter joins its node's wait list under that list's lock, where the flag is seen if it is set: a cancellation
//!    finds the waiter, or the waiter finds the flag.
//! 2. They are not charged to the task's budget: there is one cancellation, not a stream of them.

use std::borrow::Borrow;
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

use unstuck_base::local::WaitKind;

use crate::cancel::{CancellationToken, Node};
use crate::wait_list::{Leftover, State, Waiter};

/// What [`CancellationToken::cancelled`] returns: ready once the token is cancelled.
///
/// # Examples
///
/// ```
/// use std::future::Future;
/// use std::pin::pin;
/// use std::task::{Context, Waker};
/// use unstuck_sync::cancel::CancellationToken;
///
/// let token = CancellationToken::new();
/// let mut cancelled = pin!(token.cancelled());
/// let mut cx = Context::from_waker(Waker::noop());
/// assert!(cancelled.as_mut().poll(&mut cx).is_pending());
/// token.cancel();
/// assert!(cancelled.as_mut().poll(&mut cx).is_ready());
/// ```
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct WaitForCancellationFuture<'a>(pub(super) Waiting<&'a CancellationToken>);

/// What [`CancellationToken::cancelled_owned`] returns: ready once the token is cancelled.
///
/// # Examples
///
/// ```
/// use unstuck_sync::cancel::{CancellationToken, WaitForCancellationFutureOwned};
///
/// struct Connection {
///     ends: WaitForCancellationFutureOwned, // no lifetime in here
/// }
///
/// let server = CancellationToken::new();
/// let connection = Connection { ends: server.child_token().cancelled_owned() };
/// let waiting = std::thread::spawn(move || unstuck_base::parker::block_on(connection.ends));
/// server.cancel();
/// waiting.join().unwrap();
/// ```
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct WaitForCancellationFutureOwned(pub(super) Waiting<CancellationToken>);

impl Future for WaitForCancellationFuture<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // SAFETY: the one field is pinned when we are.
        unsafe { self.map_unchecked_mut(|this| &mut this.0) }.poll(cx)
    }
}

impl Future for WaitForCancellationFutureOwned {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // SAFETY: the one field is pinned when we are.
        unsafe { self.map_unchecked_mut(|this| &mut this.0) }.poll(cx)
    }
}

impl fmt::Debug for WaitForCancellationFuture<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaitForCancellationFuture").field("token", self.0.token).finish_non_exhaustive()
    }
}

impl fmt::Debug for WaitForCancellationFutureOwned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaitForCancellationFutureOwned").field("token", &self.0.token).finish_non_exhaustive()
    }
}

/// The wait for the cancellation of a token, borrowed or not.
pub(super) struct Waiting<T: Borrow<CancellationToken>> {
    token: T,
    /// Whether the waiter has joined its list.
    queued: bool,
    waiter: Waiter,
}

impl<T: Borrow<CancellationToken>> Waiting<T> {
    pub(super) fn new(token: T, at: &'static Location<'static>) -> Self {
        Waiting { token, queued: false, waiter: Waiter::new(WaitKind::Cancellation, at) }
    }

    fn node(&self) -> &Node {
        &self.token.borrow().node
    }

    /// Takes a place in the list. `true`: the token is cancelled, and there is no place.
    #[cold]
    fn begin(&self, cx: &mut Context<'_>) -> bool {
        let node = self.node();
        let waker = cx.waker().clone();
        let mut queue = node.waiters.lock();
        if node.is_cancelled() {
            return true;
        }
        // SAFETY: rule 1 of the wait list: the waiter is pinned with us, and leaves in our `drop` or before.
        unsafe {
            queue.join(&self.waiter);
            queue.stamp(&self.waiter, key(node));
            let _none = queue.leave_waker(&self.waiter, waker);
        }
        false
    }

    /// Looks whether it was called. `true`: the token is cancelled, and the place is given up.
    fn look(&self, cx: &mut Context<'_>) -> bool {
        let node = self.node();
        // SAFETY: we are the future that owns the waiter.
        if unsafe { self.waiter.take_call(key(node)) }.is_some() {
            return true;
        }
        let mut leftover = Leftover::default();
        // SAFETY: the waiter has joined this list: `queued`.
        unsafe {
            let mut queue = node.waiters.lock_again(&self.waiter, cx.waker(), &mut leftover);
            if queue.state(&self.waiter) == State::Waiting {
                queue.stamp(&self.waiter, key(node));
                return false;
            }
            let _called = queue.leave(&self.waiter, key(node), &mut leftover);
        }
        true
    }
}

impl<T: Borrow<CancellationToken>> Future for Waiting<T> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // SAFETY: only the waiter must stay in place, and it is only shared. Where the token is moved to, its node stays.
        let this = unsafe { self.get_unchecked_mut() };
        let cancelled = if this.queued {
            let called = this.look(cx);
            this.queued = !called;
            called
        } else {
            let cancelled = this.node().is_cancelled() || this.begin(cx);
            this.queued = !cancelled;
            cancelled
        };
        if cancelled { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl<T: Borrow<CancellationToken>> Drop for Waiting<T> {
    fn drop(&mut self) {
        if !self.queued {
            return;
        }
        let node = self.node();
        let mut leftover = Leftover::default();
        let mut queue = node.waiters.lock();
        // SAFETY: the waiter has joined this list: `queued`. We are being dropped in place.
        let _nothing_to_pass_on = unsafe { queue.leave(&self.waiter, key(node), &mut leftover) };
        drop(queue);
    }
}

/// The address under which waits are recorded.
fn key(node: &Node) -> usize {
    std::ptr::from_ref(node).addr()
}

/// What [`CancellationToken::run_until_cancelled`] and its owned twin return.
pub(super) struct RunUntilCancelled<T: Borrow<CancellationToken>, F> {
    cancelled: Waiting<T>,
    future: F,
    /// Whether `future` was polled: a cancellation that comes before that keeps it from running at all.
    begun: bool,
}

impl<T: Borrow<CancellationToken>, F: Future> RunUntilCancelled<T, F> {
    pub(super) fn new(token: T, future: F, at: &'static Location<'static>) -> Self {
        RunUntilCancelled { cancelled: Waiting::new(token, at), future, begun: false }
    }
}

impl<T: Borrow<CancellationToken>, F: Future> Future for RunUntilCancelled<T, F> {
    type Output = Option<F::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<F::Output>> {
        // SAFETY: both futures are pinned when we are, and are moved nowhere; `begun` is not pinned.
        let (cancelled, future, begun) = unsafe {
            let this = self.get_unchecked_mut();
            (Pin::new_unchecked(&mut this.cancelled), Pin::new_unchecked(&mut this.future), &mut this.begun)
        };
        if !std::mem::replace(begun, true) && cancelled.node().is_cancelled() {
            return Poll::Ready(None);
        }
        match future.poll(cx) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending => cancelled.poll(cx).map(|()| None),
        }
    }
}
