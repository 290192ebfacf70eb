//! The sending side of a bounded channel.
//!
//! 1. Everything that sends takes a permit first. A future that waits for one owns it only when it is ready: dropped
//!    before, it has changed nothing.
//! 2. A permit that comes back unused may be what a closed channel's receiver waits for: [`Claimant`] and the permits
//!    see to that.

use std::fmt;
use std::future::Future;
use std::panic::{Location, RefUnwindSafe, UnwindSafe};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use unstuck_base::local::WaitKind;
use unstuck_base::{alarm, entered, parker};

use super::channel::{Bounded, Channel, Tx, WeakTx};
use super::error::{SendError, SendTimeoutError, TrySendError};
use super::permit::{OwnedPermit, Permit, PermitIterator};
use super::waiting::Closed;
use crate::permits::{Claim, Permits, Refused, Source};

/// Sends messages into a channel with limited room; clone it for more senders. See [`channel`](super::channel()).
pub struct Sender<T> {
    tx: Tx<T, Bounded>,
}

/// A [`Sender`] that does not keep the channel open: the receiver's messages end when all other senders are gone.
///
/// [`upgrade`](WeakSender::upgrade) makes a sender of it, as long as there is one. Made by [`Sender::downgrade`].
///
/// ```
/// use unstuck_sync::mpsc;
///
/// let (sender, _receiver) = mpsc::channel::<i32>(1);
/// let weak = sender.downgrade();
/// assert!(weak.upgrade().is_some());
/// drop(sender);
/// assert!(weak.upgrade().is_none());
/// ```
pub struct WeakSender<T> {
    tx: WeakTx<T, Bounded>,
}

impl<T> Sender<T> {
    pub(super) fn new(tx: Tx<T, Bounded>) -> Self {
        Sender { tx }
    }

    pub(super) fn tx(&self) -> &Tx<T, Bounded> {
        &self.tx
    }

    /// Sends a message; waits while there is no room.
    ///
    /// `Ok` says that the channel has the message, not that it will be received: the receiver may be dropped first.
    ///
    /// # Errors
    ///
    /// Gives the message back when the receiver has closed the channel or is gone.
    ///
    /// # Cancel safety
    ///
    /// A future that is dropped before it is ready has not sent the message, and drops it. To keep the message,
    /// [`reserve`](Sender::reserve) room first.
    ///
    /// ```
    /// use unstuck_sync::mpsc;
    ///
    /// # unstuck_base::parker::block_on(async {
    /// let (sender, mut receiver) = mpsc::channel(1);
    /// sender.send("hello").await.unwrap();
    /// assert_eq!(receiver.recv().await, Some("hello"));
    /// drop(receiver);
    /// assert_eq!(sender.send("anybody there?").await.unwrap_err().0, "anybody there?");
    /// # });
    /// ```
    #[track_caller]
    pub fn send(&self, value: T) -> impl Future<Output = Result<(), SendError<T>>> {
        Sending { claim: claim(&*self.tx, 1), value: Some(value) }
    }

    /// Sends a message if there is room now; never waits.
    ///
    /// # Errors
    ///
    /// Gives the message back: [`Full`](TrySendError::Full) when there is no room, or others wait for it already;
    /// [`Closed`](TrySendError::Closed) when the receiver has closed the channel or is gone.
    ///
    /// ```
    /// use unstuck_sync::mpsc::{self, error::TrySendError};
    ///
    /// let (sender, receiver) = mpsc::channel(1);
    /// assert_eq!(sender.try_send(1), Ok(()));
    /// assert_eq!(sender.try_send(2), Err(TrySendError::Full(2)));
    /// drop(receiver);
    /// assert_eq!(sender.try_send(3), Err(TrySendError::Closed(3)));
    /// ```
    pub fn try_send(&self, message: T) -> Result<(), TrySendError<T>> {
        match self.tx.limit.permits.try_acquire(1) {
            Ok(()) => self.tx.push_permitted(message).map_err(TrySendError::Closed),
            Err(Refused::NoPermits) => Err(TrySendError::Full(message)),
            Err(Refused::Closed) => Err(TrySendError::Closed(message)),
        }
    }

    /// Sends a message; waits for room, but for no longer than `timeout`.
    ///
    /// # Errors
    ///
    /// Gives the message back: [`Timeout`](SendTimeoutError::Timeout) when there was no room for so long,
    /// [`Closed`](SendTimeoutError::Closed) when the receiver has closed the channel or is gone.
    ///
    /// # Panics
    ///
    /// When it is polled outside a runtime: nobody would measure the time.
    ///
    /// # Cancel safety
    ///
    /// As [`send`](Sender::send).
    ///
    /// ```no_run
    /// use std::time::Duration;
    /// use unstuck_sync::mpsc;
    ///
    /// # async fn example() {
    /// let (sender, _receiver) = mpsc::channel(1);
    /// sender.send_timeout("fits", Duration::from_millis(10)).await.unwrap();
    /// assert!(sender.send_timeout("does not fit", Duration::from_millis(10)).await.is_err());
    /// # }
    /// ```
    #[track_caller]
    pub fn send_timeout(&self, value: T, timeout: Duration) -> impl Future<Output = Result<(), SendTimeoutError<T>>> {
        SendingInTime { claim: Some(claim(&*self.tx, 1)), value: Some(value), timeout, alarm: None }
    }

    /// Sends a message; blocks the thread while there is no room.
    ///
    /// # Errors
    ///
    /// As [`send`](Sender::send).
    ///
    /// # Panics
    ///
    /// Inside a runtime, where it would stall other tasks: await [`send`](Sender::send) there.
    ///
    /// ```
    /// use unstuck_sync::mpsc;
    ///
    /// let (sender, mut receiver) = mpsc::channel(1);
    /// let thread = std::thread::spawn(move || sender.blocking_send(1));
    /// assert_eq!(receiver.blocking_recv(), Some(1));
    /// thread.join().unwrap().unwrap();
    /// ```
    #[track_caller]
    pub fn blocking_send(&self, value: T) -> Result<(), SendError<T>> {
        entered::assert_may_block();
        parker::block_on(self.send(value))
    }

    /// Waits until there is room for one message, and keeps it: [`Permit::send`] then needs no waiting.
    ///
    /// # Errors
    ///
    /// When the receiver has closed the channel or is gone.
    ///
    /// # Cancel safety
    ///
    /// A future that is dropped before it is ready has taken no room; it loses its place in the queue.
    ///
    /// ```
    /// use unstuck_sync::mpsc;
    ///
    /// # unstuck_base::parker::block_on(async {
    /// let (sender, mut receiver) = mpsc::channel(1);
    /// let permit = sender.reserve().await.unwrap();
    /// assert!(sender.try_send("no room").is_err());
    /// permit.send("kept");
    /// assert_eq!(receiver.recv().await, Some("kept"));
    /// # });
    /// ```
    #[track_caller]
    pub fn reserve(&self) -> impl Future<Output = Result<Permit<'_, T>, SendError<()>>> {
        Reserve { claim: claim(&*self.tx, 1) }
    }

    /// Waits until there is room for `n` messages at once, and keeps it: the iterator yields `n` permits.
    ///
    /// # Errors
    ///
    /// When the receiver has closed the channel or is gone, or when the channel never has room for `n`.
    ///
    /// # Cancel safety
    ///
    /// As [`reserve`](Sender::reserve).
    ///
    /// ```
    /// use unstuck_sync::mpsc;
    ///
    /// # unstuck_base::parker::block_on(async {
    /// let (sender, mut receiver) = mpsc::channel(2);
    /// for (permit, message) in sender.reserve_many(2).await.unwrap().zip(["one", "two"]) {
    ///     permit.send(message);
    /// }
    /// assert_eq!(receiver.recv().await, Some("one"));
    /// assert_eq!(receiver.recv().await, Some("two"));
    /// assert!(sender.reserve_many(3).await.is_err());
    /// # });
    /// ```
    #[track_caller]
    pub fn reserve_many(&self, n: usize) -> impl Future<Output = Result<PermitIterator<'_, T>, SendError<()>>> {
        let capacity = self.tx.limit.capacity;
        ReserveMany { claim: claim(&*self.tx, n.min(capacity)), n, fits: n <= capacity }
    }

    /// Waits until there is room for one message, and keeps it together with the sender: nothing is borrowed.
    ///
    /// # Errors
    ///
    /// When the receiver has closed the channel or is gone. The sender is dropped then.
    ///
    /// # Cancel safety
    ///
    /// As [`reserve`](Sender::reserve); the sender is dropped too: clone it before, to keep one.
    ///
    /// ```
    /// use unstuck_sync::mpsc;
    ///
    /// # unstuck_base::parker::block_on(async {
    /// let (sender, mut receiver) = mpsc::channel(1);
    /// let permit = sender.reserve_owned().await.unwrap();
    /// let sender = permit.send(1);
    /// assert_eq!(receiver.recv().await, Some(1));
    /// sender.send(2).await.unwrap();
    /// # });
    /// ```
    #[track_caller]
    pub fn reserve_owned(self) -> impl Future<Output = Result<OwnedPermit<T>, SendError<()>>> {
        ReserveOwned { claim: claim(self.tx, 1) }
    }

    /// Takes room for one message if there is some now; never waits.
    ///
    /// # Errors
    ///
    /// As [`try_send`](Sender::try_send).
    ///
    /// ```
    /// use unstuck_sync::mpsc;
    ///
    /// let (sender, mut receiver) = mpsc::channel(1);
    /// let permit = sender.try_reserve().unwrap();
    /// assert!(sender.try_reserve().is_err());
    /// permit.send(1);
    /// assert_eq!(receiver.try_recv(), Ok(1));
    /// ```
    pub fn try_reserve(&self) -> Result<Permit<'_, T>, TrySendError<()>> {
        self.tx.limit.permits.try_acquire(1).map_err(refused(()))?;
        Ok(Permit::new(&self.tx))
    }

    /// Takes room for `n` messages at once if there is so much now; never waits.
    ///
    /// # Errors
    ///
    /// As [`try_send`](Sender::try_send).
    ///
    /// ```
    /// use unstuck_sync::mpsc;
    ///
    /// let (sender, _receiver) = mpsc::channel::<i32>(3);
    /// let permits = sender.try_reserve_many(2).unwrap();
    /// assert_eq!(permits.len(), 2);
    /// assert_eq!(sender.capacity(), 1);
    /// drop(permits);
    /// assert_eq!(sender.capacity(), 3);
    /// ```
    pub fn try_reserve_many(&self, n: usize) -> Result<PermitIterator<'_, T>, TrySendError<()>> {
        self.tx.limit.permits.try_acquire(n).map_err(refused(()))?;
        Ok(PermitIterator::new(&self.tx, n))
    }

    /// Takes room for one message if there is some now, and keeps it together with the sender.
    ///
    /// # Errors
    ///
    /// As [`try_send`](Sender::try_send), and gives the sender back.
    ///
    /// ```
    /// use unstuck_sync::mpsc;
    ///
    /// let (sender, mut receiver) = mpsc::channel(1);
    /// let sender = sender.try_reserve_owned().unwrap().send(1);
    /// let sender = sender.try_reserve_owned().unwrap_err().into_inner();
    /// assert_eq!(receiver.try_recv(), Ok(1));
    /// assert!(sender.try_reserve_owned().is_ok());
    /// ```
    pub fn try_reserve_owned(self) -> Result<OwnedPermit<T>, TrySendError<Self>> {
        match self.tx.limit.permits.try_acquire(1) {
            Ok(()) => Ok(OwnedPermit::new(self.tx)),
            Err(refusal) => Err(refused(self)(refusal)),
        }
    }

    /// Waits until the receiver closes the channel or is gone. Race it against the making of messages, to stop making
    /// them for nobody.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    ///
    /// ```
    /// use unstuck_sync::mpsc;
    ///
    /// # unstuck_base::parker::block_on(async {
    /// let (sender, receiver) = mpsc::channel::<()>(1);
    /// std::thread::spawn(move || drop(receiver));
    /// sender.closed().await;
    /// assert!(sender.is_closed());
    /// # });
    /// ```
    #[track_caller]
    pub fn closed(&self) -> impl Future<Output = ()> {
        Closed::new(&*self.tx)
    }

    /// Whether the receiver has closed the channel or is gone.
    ///
    /// ```
    /// let (sender, receiver) = unstuck_sync::mpsc::channel::<()>(1);
    /// assert!(!sender.is_closed());
    /// drop(receiver);
    /// assert!(sender.is_closed());
    /// ```
    pub fn is_closed(&self) -> bool {
        self.tx.is_closed()
    }

    /// Whether both senders belong to one channel.
    ///
    /// ```
    /// let (sender, _receiver) = unstuck_sync::mpsc::channel::<()>(1);
    /// assert!(sender.same_channel(&sender.clone()));
    /// ```
    pub fn same_channel(&self, other: &Self) -> bool {
        self.tx.is_same(&other.tx)
    }

    /// For how many messages there is room now.
    ///
    /// ```
    /// let (sender, _receiver) = unstuck_sync::mpsc::channel(5);
    /// sender.try_send(1).unwrap();
    /// assert_eq!(sender.capacity(), 4);
    /// ```
    pub fn capacity(&self) -> usize {
        self.tx.limit.permits.available()
    }

    /// For how many messages there is room when the channel is empty: what it was made with.
    ///
    /// ```
    /// let (sender, _receiver) = unstuck_sync::mpsc::channel(5);
    /// sender.try_send(1).unwrap();
    /// assert_eq!(sender.max_capacity(), 5);
    /// ```
    pub fn max_capacity(&self) -> usize {
        self.tx.limit.capacity
    }

    /// A sender that does not keep the channel open.
    ///
    /// ```
    /// let (sender, _receiver) = unstuck_sync::mpsc::channel::<()>(1);
    /// let weak = sender.downgrade();
    /// assert!(weak.upgrade().unwrap().same_channel(&sender));
    /// ```
    #[must_use = "to drop the sender, drop it"]
    pub fn downgrade(&self) -> WeakSender<T> {
        WeakSender { tx: self.tx.downgrade() }
    }

    /// How many senders the channel has, [owned permits](OwnedPermit) included.
    pub fn strong_count(&self) -> usize {
        self.tx.strong_count()
    }

    /// How many weak senders the channel has.
    pub fn weak_count(&self) -> usize {
        self.tx.weak_count()
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        Sender { tx: self.tx.clone() }
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender")
            .field("capacity", &self.capacity())
            .field("max_capacity", &self.max_capacity())
            .field("is_closed", &self.is_closed())
            .finish_non_exhaustive()
    }
}

impl<T> WeakSender<T> {
    /// A sender of the channel; `None` once all senders are gone, which is final.
    ///
    /// ```
    /// let (sender, receiver) = unstuck_sync::mpsc::channel::<()>(1);
    /// let weak = sender.downgrade();
    /// assert!(weak.upgrade().is_some());
    /// drop(sender);
    /// assert!(weak.upgrade().is_none());
    /// assert!(receiver.is_closed());
    /// ```
    pub fn upgrade(&self) -> Option<Sender<T>> {
        self.tx.upgrade().map(Sender::new)
    }

    /// How many senders the channel has.
    pub fn strong_count(&self) -> usize {
        self.tx.strong_count()
    }

    /// How many weak senders the channel has.
    pub fn weak_count(&self) -> usize {
        self.tx.weak_count()
    }
}

impl<T> Clone for WeakSender<T> {
    fn clone(&self) -> Self {
        WeakSender { tx: self.tx.clone() }
    }
}

impl<T> fmt::Debug for WeakSender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WeakSender")
    }
}

// A panic elsewhere can't leave a channel half-changed: its invariants hold whenever user code runs.
impl<T> UnwindSafe for Sender<T> {}
impl<T> RefUnwindSafe for Sender<T> {}
impl<T> UnwindSafe for WeakSender<T> {}
impl<T> RefUnwindSafe for WeakSender<T> {}

/// Why a permit can't be had, with what goes back to the caller.
fn refused<V>(value: V) -> impl FnOnce(Refused) -> TrySendError<V> {
    move |refusal| match refusal {
        Refused::NoPermits => TrySendError::Full(value),
        Refused::Closed => TrySendError::Closed(value),
    }
}

/// Who claims permits of a channel: a borrowed one, or a sender of its own.
///
/// Dropped when the claim did not come to an end, or to a bad one: permits that it had been given are back by then,
/// and the receiver may have waited for them (rule 2).
struct Claimant<C: Claims>(Option<C>);

/// What a [`Claimant`] can hold.
///
/// # Safety
/// `permits` returns the same permits every time, also after the value was moved, and they live as long as the value.
unsafe trait Claims {
    fn permits(&self) -> &Permits;
    fn permits_are_back(&self);
}

// SAFETY: a reference keeps the channel, and the permits in it, in place.
unsafe impl<T> Claims for &Channel<T, Bounded> {
    fn permits(&self) -> &Permits {
        &self.limit.permits
    }

    fn permits_are_back(&self) {
        Channel::permits_are_back(self);
    }
}

// SAFETY: a sender shares the channel, which is in an `Arc`.
unsafe impl<T> Claims for Tx<T, Bounded> {
    fn permits(&self) -> &Permits {
        &self.limit.permits
    }

    fn permits_are_back(&self) {
        Channel::permits_are_back(self);
    }
}

impl<C: Claims> Claimant<C> {
    /// The claim was granted: the permits are the caller's.
    fn granted(mut self) -> C {
        self.0.take().expect("a claimant is used up once")
    }
}

impl<C: Claims> Drop for Claimant<C> {
    #[inline]
    fn drop(&mut self) {
        if let Some(claims) = &self.0 {
            claims.permits_are_back();
        }
    }
}

// SAFETY: as `Claims` says; it is there while the claim has the claimant.
unsafe impl<C: Claims> Source for Claimant<C> {
    #[inline]
    fn permits(&self) -> &Permits {
        self.0.as_ref().expect("a claimant is used up once").permits()
    }
}

#[track_caller]
#[inline]
fn claim<C: Claims>(claims: C, n: usize) -> Claim<Claimant<C>> {
    Claim::new(Claimant(Some(claims)), n, WaitKind::Send, Location::caller())
}

/// The future of [`Sender::send`].
struct Sending<'a, T> {
    claim: Claim<Claimant<&'a Channel<T, Bounded>>>,
    value: Option<T>,
}

impl<T> Future for Sending<'_, T> {
    type Output = Result<(), SendError<T>>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // SAFETY: only the claim must stay in place, and it is pinned again at once.
        let (claim, value) = unsafe {
            let this = self.get_unchecked_mut();
            (Pin::new_unchecked(&mut this.claim), &mut this.value)
        };
        let granted = ready!(claim.poll(cx));
        let value = value.take().expect("the claim panics when polled after its end");
        Poll::Ready(match granted {
            Ok(claimant) => claimant.granted().push_permitted(value).map_err(SendError),
            Err(_closed) => Err(SendError(value)),
        })
    }
}

/// The future of [`Sender::send_timeout`].
struct SendingInTime<'a, T> {
    /// `None` once it has ended, so that one that came too late keeps no place in the queue.
    claim: Option<Claim<Claimant<&'a Channel<T, Bounded>>>>,
    value: Option<T>,
    timeout: Duration,
    alarm: Option<Alarm>,
}

/// A timer that may be shared between threads, since nobody can do anything with a shared reference to it.
struct Alarm(Pin<Box<dyn Future<Output = ()> + Send>>);

// SAFETY: `&Alarm` gives access to nothing.
unsafe impl Sync for Alarm {}

impl<T> Future for SendingInTime<'_, T> {
    type Output = Result<(), SendTimeoutError<T>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // SAFETY: only the claim must stay in place, and it is pinned again at once.
        let (mut claim, value, timeout, alarm) = unsafe {
            let this = self.get_unchecked_mut();
            (Pin::new_unchecked(&mut this.claim), &mut this.value, this.timeout, &mut this.alarm)
        };
        assert!(alarm.is_some() || alarm::is_provided(), "{NO_CLOCK}");
        let claiming = claim.as_mut().as_pin_mut().expect("`send_timeout` was polled after it had ended");
        let granted = match claiming.poll(cx) {
            Poll::Ready(granted) => Some(granted),
            Poll::Pending => {
                let alarm = alarm.get_or_insert_with(|| Alarm(alarm::after(timeout).expect(NO_CLOCK)));
                ready!(alarm.0.as_mut().poll(cx));
                None
            }
        };
        claim.set(None);
        let value = value.take().expect("there is a message while there is a claim");
        Poll::Ready(match granted {
            Some(Ok(claimant)) => claimant.granted().push_permitted(value).map_err(SendTimeoutError::Closed),
            Some(Err(_closed)) => Err(SendTimeoutError::Closed(value)),
            None => Err(SendTimeoutError::Timeout(value)),
        })
    }
}

const NO_CLOCK: &str = "there is no reactor running, must be called from the context of a Tokio 1.x runtime, which \
                        unstuck's is: `send_timeout` needs a clock. Wrap the call in `Runtime::block_on`, or spawn it";

/// The future of [`Sender::reserve`].
struct Reserve<'a, T> {
    claim: Claim<Claimant<&'a Channel<T, Bounded>>>,
}

impl<'a, T> Future for Reserve<'a, T> {
    type Output = Result<Permit<'a, T>, SendError<()>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // SAFETY: the claim is pinned with us.
        let claim = unsafe { self.map_unchecked_mut(|this| &mut this.claim) };
        let granted = ready!(claim.poll(cx)).map_err(|_closed| SendError(()));
        Poll::Ready(granted.map(|claimant| Permit::new(claimant.granted())))
    }
}

/// The future of [`Sender::reserve_many`].
struct ReserveMany<'a, T> {
    claim: Claim<Claimant<&'a Channel<T, Bounded>>>,
    n: usize,
    /// Whether the channel ever has room for so many.
    fits: bool,
}

impl<'a, T> Future for ReserveMany<'a, T> {
    type Output = Result<PermitIterator<'a, T>, SendError<()>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let n = self.n;
        if !self.fits {
            return Poll::Ready(Err(SendError(())));
        }
        // SAFETY: the claim is pinned with us.
        let claim = unsafe { self.map_unchecked_mut(|this| &mut this.claim) };
        let granted = ready!(claim.poll(cx)).map_err(|_closed| SendError(()));
        Poll::Ready(granted.map(|claimant| PermitIterator::new(claimant.granted(), n)))
    }
}

/// The future of [`Sender::reserve_owned`].
struct ReserveOwned<T> {
    claim: Claim<Claimant<Tx<T, Bounded>>>,
}

impl<T> Future for ReserveOwned<T> {
    type Output = Result<OwnedPermit<T>, SendError<()>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // SAFETY: the claim is pinned with us.
        let claim = unsafe { self.map_unchecked_mut(|this| &mut this.claim) };
        let granted = ready!(claim.poll(cx)).map_err(|_closed| SendError(()));
        Poll::Ready(granted.map(|claimant| OwnedPermit::new(claimant.granted())))
    }
}
