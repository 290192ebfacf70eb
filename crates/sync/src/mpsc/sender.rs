//! The sending side of a bounded channel.
//!
//! 1. Everything that sends takes a permit first. A future that waits for one owns it only when it is ready: dropped
//!    before, it has changed nothing.
//! 2. A permit that comes back unused may be what a closed channel's receiver waits for: whoever gives it back looks.
//!
//! The futures are in `claiming`, the permits in `permit`.

use std::fmt;
use std::future::Future;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::time::Duration;

use unstuck_base::{entered, parker};

use super::channel::{Bounded, Tx};
use super::claiming::{Reserve, ReserveMany, ReserveOwned, Sending, SendingInTime, claim};
use super::error::{SendError, SendTimeoutError, TrySendError};
use super::permit::{OwnedPermit, Permit, PermitIterator};
use super::waiting::Closed;
use super::weak::WeakSender;
use crate::permits::Refused;

/// Sends messages into a channel with limited room; clone it for more senders. See [`channel`](super::channel()).
///
/// # Examples
///
/// ```
/// use unstuck_sync::mpsc;
///
/// # unstuck_base::parker::block_on(async {
/// let (sender, mut receiver) = mpsc::channel(4);
/// let workers = [1, 2, 3].map(|n| {
///     let sender = sender.clone();
///     std::thread::spawn(move || sender.blocking_send(n * n).unwrap())
/// });
/// drop(sender); // the workers' are left: the messages end when these do
///
/// let mut squares = Vec::new();
/// while let Some(square) = receiver.recv().await {
///     squares.push(square);
/// }
/// squares.sort();
/// assert_eq!(squares, [1, 4, 9]);
/// # workers.map(|worker| worker.join().unwrap());
/// # });
/// ```
pub struct Sender<T> {
    tx: Tx<T, Bounded>,
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
    /// # Examples
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
    /// # Examples
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
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use unstuck_sync::mpsc::{self, error::SendTimeoutError};
    ///
    /// # // What a runtime provides, with a clock on which every time is over at once.
    /// # struct AtOnce;
    /// # impl unstuck_base::alarm::Alarms for AtOnce {
    /// #     fn after(&self, _delay: Duration) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send>> {
    /// #         Box::pin(std::future::ready(()))
    /// #     }
    /// # }
    /// # let alarms: &'static dyn unstuck_base::alarm::Alarms = &AtOnce;
    /// # // SAFETY: a constant lives for ever.
    /// # unsafe { unstuck_base::alarm::set(Some(alarms.into())) };
    /// # unstuck_base::parker::block_on(async {
    /// let (sender, _receiver) = mpsc::channel(1);
    /// let limit = Duration::from_millis(10);
    /// assert_eq!(sender.send_timeout("fits", limit).await, Ok(()));
    /// assert_eq!(sender.send_timeout("too much", limit).await, Err(SendTimeoutError::Timeout("too much")));
    /// # });
    /// # // SAFETY: taking them back needs no promise.
    /// # unsafe { unstuck_base::alarm::set(None) };
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
    /// Inside a runtime that was built without `nested_block_on`, where it would stall other tasks: await
    /// [`send`](Sender::send) there.
    ///
    /// # Examples
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
        let _blocking = entered::begin_blocking();
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
    /// # Examples
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
    /// # Examples
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
    /// # Examples
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
    /// # Examples
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
    /// # Examples
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
    /// # Examples
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
    /// # Examples
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
    /// # Examples
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
    /// # Examples
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
    /// # Examples
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
    /// # Examples
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
    /// # Examples
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
    ///
    /// # Examples
    ///
    /// ```
    /// let (sender, _receiver) = unstuck_sync::mpsc::channel::<()>(1);
    /// let other = sender.clone();
    /// assert_eq!(sender.strong_count(), 2);
    /// drop(other);
    /// assert_eq!(sender.strong_count(), 1);
    /// ```
    pub fn strong_count(&self) -> usize {
        self.tx.strong_count()
    }

    /// How many weak senders the channel has.
    ///
    /// # Examples
    ///
    /// ```
    /// let (sender, _receiver) = unstuck_sync::mpsc::channel::<()>(1);
    /// let weak = sender.downgrade();
    /// assert_eq!(sender.weak_count(), 1);
    /// drop(weak);
    /// assert_eq!(sender.weak_count(), 0);
    /// ```
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

// A panic elsewhere can't leave a channel half-changed: its invariants hold whenever user code runs.
impl<T> UnwindSafe for Sender<T> {}
impl<T> RefUnwindSafe for Sender<T> {}

/// Why a permit can't be had, with what goes back to the caller.
fn refused<V>(value: V) -> impl FnOnce(Refused) -> TrySendError<V> {
    move |refusal| match refusal {
        Refused::NoPermits => TrySendError::Full(value),
        Refused::Closed => TrySendError::Closed(value),
    }
}
