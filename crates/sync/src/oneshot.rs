//! A channel for one value, from one sender to one receiver.
//!
//! [`channel`] makes both ends. [`Sender::send`] needs no waiting and consumes the sender; the [`Receiver`] is a future
//! of the value. Use it to answer a request, or to hand over the result of a task.
//!
//! ```
//! use unstuck_sync::oneshot;
//!
//! # unstuck_base::parker::block_on(async {
//! let (answer, question) = oneshot::channel();
//! answer.send(42).unwrap();
//! assert_eq!(question.await, Ok(42));
//! # });
//! ```
//!
//! A sender that is dropped without sending lets the receiver end with [`RecvError`]; a receiver that
//! is dropped makes [`Sender::send`] give the value back.
//!
//! # How it works
//!
//! One allocation holds the value, one waker of each side and one word, whose table is in `oneshot/state.rs`: it alone
//! says who may touch what, and who frees the allocation.
//!
//! 1. The value is dropped exactly once: by the receiver's user, by the sender's user (refused), or by the receiver when
//!    it is dropped with the value unreceived.
//! 2. Wakers are woken and values dropped after the allocation has been left, so that their code may do anything.

use std::future::Future;
use std::marker::PhantomPinned;
use std::mem::{ManuallyDrop, MaybeUninit};
use std::panic::Location;
use std::pin::Pin;
use std::ptr::NonNull;
use std::task::{Context, Poll, Waker, ready};

use unstuck_base::local::{self, WaitKind};
use unstuck_base::sync::UnsafeCell;
use unstuck_base::{entered, parker};

use error::{RecvError, TryRecvError};
use state::{OnClose, OnGiveUp, OnLeave, OnReclaim, OnSend, OnWait, State};

mod state;

/// What can go wrong in a oneshot channel.
pub mod error {
    use std::fmt;

    /// No value will come: the sender was dropped without sending, or this receiver had closed.
    #[derive(Debug, Eq, PartialEq, Clone)]
    pub struct RecvError(pub(super) ());

    /// Why [`try_recv`](super::Receiver::try_recv) has no value.
    #[derive(Debug, Eq, PartialEq, Clone)]
    pub enum TryRecvError {
        /// The value may still come.
        Empty,
        /// No value will come.
        Closed,
    }

    impl fmt::Display for RecvError {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("channel closed")
        }
    }

    impl fmt::Display for TryRecvError {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            match self {
                TryRecvError::Empty => f.write_str("channel empty"),
                TryRecvError::Closed => f.write_str("channel closed"),
            }
        }
    }

    impl std::error::Error for RecvError {}
    impl std::error::Error for TryRecvError {}
}

/// Makes a channel for one value.
///
/// ```
/// use unstuck_sync::oneshot;
///
/// let (sender, receiver) = oneshot::channel();
/// std::thread::spawn(move || sender.send("done"));
/// assert_eq!(receiver.blocking_recv(), Ok("done"));
/// ```
#[track_caller]
pub fn channel<T>() -> (Sender<T>, Receiver<T>) {
    let channel = NonNull::from(Box::leak(Box::new(Channel {
        state: State::new(),
        receiver: UnsafeCell::new(None),
        sender: UnsafeCell::new(None),
        made_at: Location::caller(),
        value: UnsafeCell::new(MaybeUninit::uninit()),
    })));
    (Sender { channel }, Receiver { channel: Some(channel) })
}

/// The end that sends; it is used up by sending. See [`channel`].
pub struct Sender<T> {
    channel: NonNull<Channel<T>>,
}

/// The end that receives: a future of the value. See [`channel`].
///
/// # Cancel safety
///
/// Polling a `&mut Receiver` and stopping loses nothing. Dropping the receiver closes the channel.
///
/// # Panics
///
/// When it is polled again after it has given its result.
pub struct Receiver<T> {
    /// `None` once the result has been given.
    channel: Option<NonNull<Channel<T>>>,
}

struct Channel<T> {
    state: State,
    /// The receiver's waker: rule 2 of the state.
    receiver: UnsafeCell<Option<Waker>>,
    /// The sender's waker: rule 3 of the state.
    sender: UnsafeCell<Option<Waker>>,
    /// Where the channel was made: a future that is polled by `.await` itself can't know its caller.
    made_at: &'static Location<'static>,
    /// Rule 1 of the state.
    value: UnsafeCell<MaybeUninit<T>>,
}

// SAFETY: the state says who owns the value and each waker; a value crosses from the sender's thread to the receiver's.
unsafe impl<T: Send> Send for Sender<T> {}
// SAFETY: `&Sender` only looks at the state.
unsafe impl<T: Send> Sync for Sender<T> {}
// SAFETY: as for the sender.
unsafe impl<T: Send> Send for Receiver<T> {}
// SAFETY: `&Receiver` only looks at the state.
unsafe impl<T: Send> Sync for Receiver<T> {}

// All that an end does is go through a pointer: moving it moves nothing that is pinned.
impl<T> Unpin for Sender<T> {}
impl<T> Unpin for Receiver<T> {}

impl<T> Sender<T> {
    /// Sends `value`, and wakes the receiver if it waits. Never waits itself.
    ///
    /// `Ok` says that the channel has the value, not that the receiver will take it: it may be dropped first.
    ///
    /// # Errors
    ///
    /// Gives the value back when the receiver has closed or is gone.
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

impl<T> Receiver<T> {
    /// Closes the channel without dropping the receiver: a value that is there can still be received, a later one is
    /// refused, and the sender's [`closed`](Sender::closed) ends.
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
    /// Inside a runtime, where it would stall other tasks: await the receiver there. Also when the result has been
    /// given before.
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
        entered::assert_may_block();
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

impl<T> Channel<T> {
    /// Refuses later values; the waker of a sender that waits for this is the caller's to wake.
    fn close(&self) -> Option<Waker> {
        match self.state.close() {
            OnClose::Quiet => None,
            // SAFETY: rule 3 (state): `close` found TX_WAITS, so the slot is ours until we leave.
            OnClose::WakeSender => self.sender.with_mut(|slot| unsafe { (*slot).take() }),
        }
    }

    /// The receiver's last step: nothing may be touched after it.
    fn take_value_and_leave(&self) -> (Option<T>, OnLeave) {
        let value = self.state.look().has_value().then(|| {
            // SAFETY: rule 1 (state): VALUE makes it ours; it is taken once, because the receiver leaves now.
            self.value.with(|place| unsafe { (*place).assume_init_read() })
        });
        (value, self.state.receiver_leaves())
    }
}

/// Frees the channel; the value has been taken or was never there.
///
/// # Safety
/// Rule 4 (state): both sides have left.
unsafe fn free<T>(channel: NonNull<Channel<T>>) {
    // SAFETY: made by `Box::leak` in `channel`; the caller vouches that it is the last one.
    drop(unsafe { Box::from_raw(channel.as_ptr()) });
}

/// Puts a copy of `waker` into `slot`, and gives back what must be dropped after the slot was passed on.
fn put(slot: &mut Option<Waker>, waker: &Waker) -> Option<Waker> {
    match slot {
        Some(old) if old.will_wake(waker) => None,
        _ => slot.replace(waker.clone()),
    }
}

/// The channel's name in the record of waits.
fn key<T>(channel: NonNull<Channel<T>>) -> usize {
    channel.addr().get()
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
