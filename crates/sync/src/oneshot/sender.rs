//! The end of a oneshot channel that sends.
//!
//! 1. It leaves the channel once: by sending, or when it is dropped; and touches nothing of it afterwards.
//! 2. The slot of its waker is its own while TX_WAITS is not set (rule 3 of the state).

use std::future::Future;
use std::marker::PhantomPinned;
use std::mem::ManuallyDrop;
use std::panic::Location;
use std::pin::Pin;
use std::ptr::NonNull;
use std::task::{Context, Poll, Waker, ready};

use unstuck_base::local::{self, WaitKind};

use super::state::{OnGiveUp, OnLeave, OnReclaim, OnSend, OnWait};
use super::{Channel, free, key, put};

/// The end that sends; it is used up by sending. See [`channel`](super::channel()).
///
/// # Examples
///
/// ```
/// use unstuck_sync::oneshot;
///
/// # unstuck_base::parker::block_on(async {
/// struct Request {
///     number: u32,
///     answer: oneshot::Sender<u32>,
/// }
///
/// let (answer, doubled) = oneshot::channel();
/// let request = Request { number: 21, answer };
/// std::thread::spawn(move || request.answer.send(request.number * 2));
/// assert_eq!(doubled.await, Ok(42));
/// # });
/// ```
pub struct Sender<T> {
    pub(super) channel: NonNull<Channel<T>>,
}

// SAFETY: the state says who owns the value and each waker; a value crosses from the sender's thread to the receiver's.
unsafe impl<T: Send> Send for Sender<T> {}
// SAFETY: `&Sender` only looks at the state.
unsafe impl<T: Send> Sync for Sender<T> {}

// All that an end does is go through a pointer: moving it moves nothing that is pinned.
impl<T> Unpin for Sender<T> {}

impl<T> Sender<T> {
    /// Sends `value`, and wakes the receiver if it waits. Never waits itself.
    ///
    /// `Ok` says that the channel has the value, not that the receiver will take it: it may be dropped first.
    ///
    /// # Errors
    ///
    /// Gives the value back when the receiver has closed or is gone.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::oneshot;
    ///
    /// let (sender, receiver) = oneshot::channel();
    /// drop(receiver);
    /// assert_eq!(sender.send("nobody listens"), Err("nobody listens"));
    /// ```
    pub fn send(self, t: T) -> Result<(), T> {
        // Whatever happens below, the sender leaves: its Drop must not do so again.
        let this = ManuallyDrop::new(self);
        let channel = this.channel();
        // SAFETY: rule 1 (state): until `send` the place of the value is ours.
        channel.value.with_mut(|place| unsafe { (*place).write(t) });
        match channel.state.send() {
            OnSend::Left => Ok(()),
            OnSend::WakeReceiver => {
                this.wake_receiver_and_leave();
                Ok(())
            }
            OnSend::Refused => {
                // SAFETY: rule 1 (state): the value was refused, so it is still ours; it was written above.
                let value = channel.value.with(|place| unsafe { (*place).assume_init_read() });
                this.give_up();
                Err(value)
            }
        }
    }

    /// Waits until the receiver closes or is dropped. Race it against the work whose result would be sent, to stop
    /// working for nobody.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::oneshot;
    ///
    /// # unstuck_base::parker::block_on(async {
    /// let (mut sender, receiver) = oneshot::channel::<()>();
    /// std::thread::spawn(move || drop(receiver));
    /// sender.closed().await;
    /// assert!(sender.is_closed());
    /// # });
    /// ```
    #[track_caller]
    pub fn closed(&mut self) -> impl Future<Output = ()> {
        Closed { sender: self, at: Location::caller(), waits: false, _pinned: PhantomPinned }
    }

    /// Whether the receiver has closed or is gone.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::oneshot;
    ///
    /// let (sender, receiver) = oneshot::channel::<()>();
    /// assert!(!sender.is_closed());
    /// drop(receiver);
    /// assert!(sender.is_closed());
    /// ```
    pub fn is_closed(&self) -> bool {
        self.channel().state.look().is_closed()
    }

    /// Polls for what [`closed`](Sender::closed) waits for. The latest task that polled is the one that is woken.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::task::Poll;
    /// use unstuck_sync::oneshot;
    ///
    /// # unstuck_base::parker::block_on(async {
    /// let (mut sender, mut receiver) = oneshot::channel::<()>();
    /// receiver.close();
    /// std::future::poll_fn(|cx| sender.poll_closed(cx)).await;
    /// # });
    /// ```
    #[track_caller]
    pub fn poll_closed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.poll_closed_at(cx, Location::caller())
    }

    fn poll_closed_at(&mut self, cx: &mut Context<'_>, at: &'static Location<'static>) -> Poll<()> {
        let charge = ready!(local::poll_budget(cx));
        if self.wait_until_closed(cx.waker()) == OnWait::News {
            charge.made_progress();
            return Poll::Ready(());
        }
        local::wait_for(WaitKind::Oneshot, key(self.channel), at);
        Poll::Pending
    }

    /// Leaves the waker in our slot unless the channel is closed.
    fn wait_until_closed(&mut self, waker: &Waker) -> OnWait {
        let channel = self.channel();
        let seen = channel.state.look();
        if seen.is_closed() {
            return OnWait::News;
        }
        if seen.sender_waits() {
            // SAFETY: rule 3 (state): only a `close` lets the receiver touch the slot, to take the waker; reading the
            // waker before reclaiming could race with that, so reclaim first.
            match channel.state.sender_reclaims() {
                OnReclaim::News => return OnWait::News,
                OnReclaim::Reclaimed => {}
            }
        }
        // SAFETY: rule 3 (state): TX_WAITS is not set, so the slot is ours.
        let replaced = channel.sender.with_mut(|slot| unsafe { put(&mut *slot, waker) });
        let outcome = channel.state.sender_waits();
        drop(replaced);
        outcome
    }

    fn give_up(&self) {
        match self.channel().state.give_up() {
            OnGiveUp::Left => {}
            // SAFETY: rule 4 (state): the receiver has left, and we don't touch the channel any more.
            OnGiveUp::LeftLast => unsafe { free(self.channel) },
            OnGiveUp::WakeReceiver => self.wake_receiver_and_leave(),
        }
    }

    fn wake_receiver_and_leave(&self) {
        let channel = self.channel();
        // SAFETY: rule 2 (state): DONE was reached while RX_WAITS was set, so the slot is ours until we leave.
        let waker = channel.receiver.with_mut(|slot| unsafe { (*slot).take() });
        if channel.state.sender_leaves() == OnLeave::Last {
            // SAFETY: rule 4 (state): as in `give_up`.
            unsafe { free(self.channel) }
        }
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn channel(&self) -> &Channel<T> {
        // SAFETY: rule 4 (state): the sender has not left while it exists; those who leave keep no reference.
        unsafe { self.channel.as_ref() }
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.give_up();
    }
}

impl<T: std::fmt::Debug> std::fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sender").field("is_closed", &self.is_closed()).finish_non_exhaustive()
    }
}

/// The future of [`Sender::closed`].
struct Closed<'a, T> {
    sender: &'a mut Sender<T>,
    at: &'static Location<'static>,
    waits: bool,
    _pinned: PhantomPinned,
}

impl<T> Future for Closed<'_, T> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // SAFETY: no field is pinned; PhantomPinned only withholds Unpin, as an `async fn` does.
        let this = unsafe { self.get_unchecked_mut() };
        let polled = this.sender.poll_closed_at(cx, this.at);
        this.waits = polled.is_pending();
        polled
    }
}

impl<T> Drop for Closed<'_, T> {
    fn drop(&mut self) {
        if self.waits {
            local::forget_wait(WaitKind::Oneshot, key(self.sender.channel));
        }
    }
}
