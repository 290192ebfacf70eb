//! The end of a oneshot channel that receives.
//!
//! 1. It leaves the channel once: with the result, or when it is dropped; and touches nothing of it afterwards.
//! 2. The slot of its waker is its own while RX_WAITS is not set (rule 2 of the state).

use std::future::Future;
use std::pin::Pin;
use std::ptr::NonNull;
use std::task::{Context, Poll, Waker, ready};

use unstuck_base::local::{self, WaitKind};
use unstuck_base::{entered, parker};

use super::error::{RecvError, TryRecvError};
use super::state::{OnLeave, OnReclaim, OnWait};
use super::{Channel, free, key, put};

/// The end that receives: a future of the value. See [`channel`](super::channel()).
///
/// # Cancel safety
///
/// Polling a `&mut Receiver` and stopping loses nothing. Dropping the receiver closes the channel.
///
/// # Panics
///
/// When it is polled again after it has given its result.
///
/// # Examples
///
/// ```
/// use unstuck_sync::oneshot;
///
/// # unstuck_base::parker::block_on(async {
/// let (sender, receiver) = oneshot::channel();
/// let worker = std::thread::spawn(move || sender.send("result"));
/// match receiver.await {
///     Ok(result) => assert_eq!(result, "result"),
///     Err(_) => panic!("the worker ended without a result"),
/// }
/// worker.join().unwrap().unwrap();
/// # });
/// ```
pub struct Receiver<T> {
    /// `None` once the result has been given.
    pub(super) channel: Option<NonNull<Channel<T>>>,
}

// SAFETY: the state says who owns the value and each waker; a value crosses from the sender's thread to the receiver's.
unsafe impl<T: Send> Send for Receiver<T> {}
// SAFETY: `&Receiver` only looks at the state.
unsafe impl<T: Send> Sync for Receiver<T> {}

// All that an end does is go through a pointer: moving it moves nothing that is pinned.
impl<T> Unpin for Receiver<T> {}

impl<T> Receiver<T> {
    /// Closes the channel without dropping the receiver: a value that is there can still be received, a later one is
    /// refused, and the sender's [`closed`](super::Sender::closed) ends.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::oneshot;
    ///
    /// let (sender, mut receiver) = oneshot::channel();
    /// receiver.close();
    /// assert_eq!(sender.send("too late"), Err("too late"));
    /// assert!(receiver.try_recv().is_err());
    /// ```
    pub fn close(&mut self) {
        if let Some(channel) = self.channel()
            && let Some(waker) = channel.close()
        {
            waker.wake();
        }
    }

    /// Whether the result has been given, so that polling again would panic.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::oneshot;
    ///
    /// let (sender, mut receiver) = oneshot::channel();
    /// sender.send(1).unwrap();
    /// assert!(!receiver.is_terminated());
    /// assert_eq!(receiver.try_recv(), Ok(1));
    /// assert!(receiver.is_terminated());
    /// ```
    pub fn is_terminated(&self) -> bool {
        self.channel.is_none()
    }

    /// Whether there is no value to be received now. One may still come, unless the channel is closed.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::oneshot;
    ///
    /// let (sender, receiver) = oneshot::channel();
    /// assert!(receiver.is_empty());
    /// sender.send(1).unwrap();
    /// assert!(!receiver.is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        !self.channel().is_some_and(|channel| channel.state.look().has_value())
    }

    /// Takes the value if it is there; never waits.
    ///
    /// # Errors
    ///
    /// [`TryRecvError::Empty`] while the value may still come, [`TryRecvError::Closed`] when none will, or when it was
    /// received before.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::oneshot::{self, error::TryRecvError};
    ///
    /// let (sender, mut receiver) = oneshot::channel();
    /// assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    /// sender.send(1).unwrap();
    /// assert_eq!(receiver.try_recv(), Ok(1));
    /// assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed));
    /// ```
    pub fn try_recv(&mut self) -> Result<T, TryRecvError> {
        let Some(channel) = self.channel() else { return Err(TryRecvError::Closed) };
        let seen = channel.state.look();
        if !seen.has_value() && !seen.is_over() {
            return Err(TryRecvError::Empty);
        }
        self.finish().map_err(|RecvError(())| TryRecvError::Closed)
    }

    /// Blocks the thread until the value is there.
    ///
    /// # Errors
    ///
    /// As awaiting the receiver.
    ///
    /// # Panics
    ///
    /// Inside a runtime that was built without `nested_block_on`, where it would stall other tasks: await the receiver
    /// there. Also when the result has been given before.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::oneshot;
    ///
    /// let (sender, receiver) = oneshot::channel();
    /// let thread = std::thread::spawn(move || receiver.blocking_recv());
    /// sender.send(1).unwrap();
    /// assert_eq!(thread.join().unwrap(), Ok(1));
    /// ```
    #[track_caller]
    pub fn blocking_recv(self) -> Result<T, RecvError> {
        let _blocking = entered::begin_blocking();
        parker::block_on(self)
    }

    /// Leaves the waker in our slot unless the sender is done.
    fn wait_for_news(channel: &Channel<T>, waker: &Waker) -> OnWait {
        if channel.state.look().receiver_waits() {
            match channel.state.receiver_reclaims() {
                OnReclaim::News => return OnWait::News,
                OnReclaim::Reclaimed => {}
            }
        }
        // SAFETY: rule 2 (state): RX_WAITS is not set, so the slot is ours.
        let replaced = channel.receiver.with_mut(|slot| unsafe { put(&mut *slot, waker) });
        let outcome = channel.state.receiver_waits();
        drop(replaced);
        outcome
    }

    /// Takes the value, or finds that none will come, and leaves the channel.
    fn finish(&mut self) -> Result<T, RecvError> {
        let channel = self.channel.take().expect("the caller has looked at the channel");
        // SAFETY: rule 4 (state): we have not left yet.
        let (value, last) = unsafe { channel.as_ref() }.take_value_and_leave();
        if last == OnLeave::Last {
            // SAFETY: rule 4 (state): the sender has left, and we don't touch the channel any more.
            unsafe { free(channel) }
        }
        value.ok_or(RecvError(()))
    }

    fn channel(&self) -> Option<&Channel<T>> {
        // SAFETY: rule 4 (state): the receiver has not left while it keeps the pointer.
        self.channel.map(|channel| unsafe { channel.as_ref() })
    }
}

impl<T> Future for Receiver<T> {
    type Output = Result<T, RecvError>;

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(channel) = self.channel() else {
            panic!(
                "called after complete: this oneshot receiver has given its result; a channel carries one value, make \
                 another one for the next"
            );
        };
        let charge = ready!(local::poll_budget(cx));
        let seen = channel.state.look();
        if !seen.has_value() && !seen.is_over() && Self::wait_for_news(channel, cx.waker()) == OnWait::Waiting {
            local::wait_for(WaitKind::Oneshot, key(NonNull::from(channel)), channel.made_at);
            return Poll::Pending;
        }
        charge.made_progress();
        Poll::Ready(self.finish())
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        let Some(channel) = self.channel() else { return };
        if channel.state.look().receiver_waits() {
            local::forget_wait(WaitKind::Oneshot, key(NonNull::from(channel)));
        }
        let waker = channel.close();
        let value = self.finish();
        if let Some(waker) = waker {
            waker.wake();
        }
        drop(value);
    }
}

impl<T: std::fmt::Debug> std::fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Receiver")
            .field("is_empty", &self.is_empty())
            .field("is_terminated", &self.is_terminated())
            .finish_non_exhaustive()
    }
}
