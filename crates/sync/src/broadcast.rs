//! A channel for many messages, from any number of senders to any number of receivers, each of which gets every message.
//!
//! [`channel`] keeps a limited number of messages. Sending never waits: when a receiver is slower than that, the oldest
//! messages are overwritten, and it learns how many it has missed ([`RecvError::Lagged`]).
//!
//! ```
//! use unstuck_sync::broadcast;
//!
//! # unstuck_base::parker::block_on(async {
//! let (sender, mut first) = broadcast::channel(16);
//! let mut second = sender.subscribe();
//! sender.send("hello").unwrap();
//! sender.send("world").unwrap();
//! assert_eq!(first.recv().await, Ok("hello"));
//! assert_eq!(first.recv().await, Ok("world"));
//! assert_eq!(second.recv().await, Ok("hello"));
//! # });
//! ```
//!
//! # Lagging
//!
//! ```
//! use unstuck_sync::broadcast::{self, error::RecvError};
//!
//! # unstuck_base::parker::block_on(async {
//! let (sender, mut receiver) = broadcast::channel(2);
//! for n in 1..=3 {
//!     sender.send(n).unwrap();
//! }
//! assert_eq!(receiver.recv().await, Err(RecvError::Lagged(1)));
//! assert_eq!(receiver.recv().await, Ok(2)); // goes on with the oldest that is left
//! # });
//! ```
//!
//! # The end
//!
//! When every sender is gone, receivers get what is left, then [`RecvError::Closed`]. When every receiver is gone,
//! sending fails, until somebody [subscribes](Sender::subscribe) again.
//!
//! # How it works
//!
//! A ring of slots, each behind a lock of its own (`broadcast/ring.rs`). How many messages were sent, whether more can
//! come, and whether anybody waits are one word, whose table is in `version.rs`: a receiver that has something to receive
//! locks nothing but the slot. Those who wait are in one list, and are called all at once.

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use unstuck_base::local::{self, WaitKind};
use unstuck_base::sync::Arc;
use unstuck_base::sync::atomic::Ordering;
use unstuck_base::{entered, parker};

use crate::called::Place;
use crate::version::{Found, Seen};
use error::{RecvError, SendError, TryRecvError};
use ring::Ring;

pub mod error;
mod ring;

/// Makes a channel that keeps `capacity` messages at least (the next power of two).
///
/// # Panics
///
/// If `capacity` is 0, or more than `usize::MAX / 2`.
///
/// ```
/// let (sender, mut receiver) = unstuck_sync::broadcast::channel(3);
/// for n in 0..4 {
///     sender.send(n).unwrap();
/// }
/// assert_eq!(receiver.try_recv(), Ok(0));
/// ```
#[track_caller]
pub fn channel<T: Clone>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    let sender = Sender::new(capacity);
    let receiver = sender.subscribe();
    (sender, receiver)
}

/// Sends messages to every receiver; clone it for more senders. See [`channel`].
pub struct Sender<T> {
    ring: Arc<Ring<T>>,
}

/// A [`Sender`] that does not keep the channel open.
///
/// [`upgrade`](WeakSender::upgrade) makes a sender of it, as long as there is one. Made by [`Sender::downgrade`].
///
/// ```
/// let (sender, _receiver) = unstuck_sync::broadcast::channel::<i32>(1);
/// let weak = sender.downgrade();
/// assert!(weak.upgrade().is_some());
/// drop(sender);
/// assert!(weak.upgrade().is_none());
/// ```
pub struct WeakSender<T> {
    ring: Arc<Ring<T>>,
}

/// Receives every message that is sent while it exists. See [`channel`] and [`Sender::subscribe`].
pub struct Receiver<T> {
    ring: Arc<Ring<T>>,
    /// The number of the message to be received next.
    next: Seen,
}

impl<T> Sender<T> {
    /// Makes a channel that has no receiver yet; [`subscribe`](Sender::subscribe) makes some.
    ///
    /// # Panics
    ///
    /// As [`channel`].
    ///
    /// ```
    /// let sender = unstuck_sync::broadcast::Sender::new(4);
    /// assert!(sender.send(1).is_err());
    /// let mut receiver = sender.subscribe();
    /// sender.send(2).unwrap();
    /// assert_eq!(receiver.try_recv(), Ok(2));
    /// ```
    #[track_caller]
    pub fn new(capacity: usize) -> Self {
        assert!(capacity > 0, "broadcast channel capacity cannot be zero");
        assert!(capacity <= usize::MAX >> 1, "broadcast channel capacity exceeded `usize::MAX / 2`");
        Sender { ring: Arc::new(Ring::new(capacity.next_power_of_two())) }
    }

    /// Sends a message to all receivers, and returns how many there are. Never waits.
    ///
    /// A receiver that is counted may still miss the message, when it lags or is dropped.
    ///
    /// # Errors
    ///
    /// Gives the message back when there is no receiver.
    ///
    /// ```
    /// let (sender, receiver) = unstuck_sync::broadcast::channel(4);
    /// assert_eq!(sender.send(1).unwrap(), 1);
    /// drop(receiver);
    /// assert_eq!(sender.send(2).unwrap_err().0, 2);
    /// ```
    pub fn send(&self, value: T) -> Result<usize, SendError<T>> {
        self.ring.send(value).map_err(SendError)
    }

    /// One more receiver, which gets what is sent from now on.
    ///
    /// ```
    /// let (sender, _receiver) = unstuck_sync::broadcast::channel(4);
    /// sender.send("before").unwrap();
    /// let mut receiver = sender.subscribe();
    /// sender.send("after").unwrap();
    /// assert_eq!(receiver.try_recv(), Ok("after"));
    /// ```
    pub fn subscribe(&self) -> Receiver<T> {
        Receiver::new(&self.ring)
    }

    /// How many messages are kept that some receiver has not had.
    ///
    /// ```
    /// let (sender, mut receiver) = unstuck_sync::broadcast::channel(4);
    /// sender.send(1).unwrap();
    /// sender.send(2).unwrap();
    /// assert_eq!(sender.len(), 2);
    /// receiver.try_recv().unwrap();
    /// assert_eq!(sender.len(), 1);
    /// ```
    pub fn len(&self) -> usize {
        self.ring.len()
    }

    /// Whether every receiver has had every message that is kept.
    ///
    /// ```
    /// let (sender, mut receiver) = unstuck_sync::broadcast::channel(4);
    /// assert!(sender.is_empty());
    /// sender.send(1).unwrap();
    /// assert!(!sender.is_empty());
    /// receiver.try_recv().unwrap();
    /// assert!(sender.is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.ring.is_empty()
    }

    /// How many receivers there are.
    pub fn receiver_count(&self) -> usize {
        self.ring.receivers()
    }

    /// Whether both senders belong to one channel.
    pub fn same_channel(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.ring, &other.ring)
    }

    /// Waits until there is no receiver.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    ///
    /// ```
    /// # unstuck_base::parker::block_on(async {
    /// let (sender, receiver) = unstuck_sync::broadcast::channel::<()>(4);
    /// std::thread::spawn(move || drop(receiver));
    /// sender.closed().await;
    /// assert_eq!(sender.receiver_count(), 0);
    /// # });
    /// ```
    #[track_caller]
    pub fn closed(&self) -> impl Future<Output = ()> {
        let place = Place::new(&self.ring.closing, WaitKind::Send, Location::caller());
        Closed { ring: &*self.ring, place }
    }

    /// A sender that does not keep the channel open.
    #[must_use = "to drop the sender, drop it"]
    pub fn downgrade(&self) -> WeakSender<T> {
        WeakSender::new(&self.ring)
    }

    /// How many senders there are.
    pub fn strong_count(&self) -> usize {
        self.ring.senders.load(Ordering::Relaxed)
    }

    /// How many weak senders there are.
    pub fn weak_count(&self) -> usize {
        self.ring.weak_senders.load(Ordering::Relaxed)
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        // Relaxed: it is not zero, since we are one.
        self.ring.senders.fetch_add(1, Ordering::Relaxed);
        Sender { ring: self.ring.clone() }
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        // AcqRel: what the other senders did comes before the end.
        if self.ring.senders.fetch_sub(1, Ordering::AcqRel) == 1 && self.ring.sent.close() {
            self.ring.sent.call_waiters(&self.ring.receiving);
        }
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("broadcast::Sender")
    }
}

impl<T> WeakSender<T> {
    fn new(ring: &Arc<Ring<T>>) -> Self {
        ring.weak_senders.fetch_add(1, Ordering::Relaxed);
        WeakSender { ring: ring.clone() }
    }

    /// A sender of the channel; `None` once all senders are gone, which is final.
    ///
    /// ```
    /// let (sender, receiver) = unstuck_sync::broadcast::channel::<()>(1);
    /// let weak = sender.downgrade();
    /// drop(sender);
    /// assert!(weak.upgrade().is_none());
    /// assert!(receiver.is_closed());
    /// ```
    pub fn upgrade(&self) -> Option<Sender<T>> {
        let more = |senders: usize| (senders != 0).then(|| senders + 1);
        // Relaxed: as in `Sender::clone`.
        self.ring.senders.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).ok()?;
        Some(Sender { ring: self.ring.clone() })
    }

    /// How many senders there are.
    pub fn strong_count(&self) -> usize {
        self.ring.senders.load(Ordering::Relaxed)
    }

    /// How many weak senders there are.
    pub fn weak_count(&self) -> usize {
        self.ring.weak_senders.load(Ordering::Relaxed)
    }
}

impl<T> Clone for WeakSender<T> {
    fn clone(&self) -> Self {
        WeakSender::new(&self.ring)
    }
}

impl<T> Drop for WeakSender<T> {
    fn drop(&mut self) {
        self.ring.weak_senders.fetch_sub(1, Ordering::Relaxed);
    }
}

impl<T> fmt::Debug for WeakSender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("broadcast::WeakSender")
    }
}

impl<T> Receiver<T> {
    fn new(ring: &Arc<Ring<T>>) -> Self {
        Receiver { ring: ring.clone(), next: ring.enter() }
    }

    /// How many messages were sent that this receiver has not had, those included that it will miss.
    ///
    /// ```
    /// let (sender, mut receiver) = unstuck_sync::broadcast::channel(2);
    /// for n in 0..3 {
    ///     sender.send(n).unwrap();
    /// }
    /// assert_eq!(receiver.len(), 3);
    /// assert!(receiver.try_recv().is_err()); // one was missed
    /// assert_eq!(receiver.len(), 2);
    /// ```
    pub fn len(&self) -> usize {
        self.ring.sent.now().since(self.next)
    }

    /// Whether this receiver has had all that was sent.
    ///
    /// ```
    /// let (sender, receiver) = unstuck_sync::broadcast::channel(2);
    /// assert!(receiver.is_empty());
    /// sender.send(1).unwrap();
    /// assert!(!receiver.is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether every sender is gone. There may be messages left.
    ///
    /// ```
    /// let (sender, receiver) = unstuck_sync::broadcast::channel::<()>(2);
    /// assert!(!receiver.is_closed());
    /// drop(sender);
    /// assert!(receiver.is_closed());
    /// ```
    pub fn is_closed(&self) -> bool {
        self.ring.sent.is_closed()
    }

    /// Whether both receivers belong to one channel.
    pub fn same_channel(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.ring, &other.ring)
    }

    /// How many senders there are.
    pub fn sender_strong_count(&self) -> usize {
        self.ring.senders.load(Ordering::Relaxed)
    }

    /// How many weak senders there are.
    pub fn sender_weak_count(&self) -> usize {
        self.ring.weak_senders.load(Ordering::Relaxed)
    }
}

impl<T: Clone> Receiver<T> {
    /// The next message; waits until there is one.
    ///
    /// # Errors
    ///
    /// [`Lagged`](RecvError::Lagged) when messages were overwritten before this receiver had them: the next call goes on
    /// with the oldest that is left. [`Closed`](RecvError::Closed) when none is left and every sender is gone.
    ///
    /// # Cancel safety
    ///
    /// A future that is dropped before it is ready has received nothing: no message is lost.
    ///
    /// ```
    /// # unstuck_base::parker::block_on(async {
    /// let (sender, mut receiver) = unstuck_sync::broadcast::channel(16);
    /// std::thread::spawn(move || sender.send("hello"));
    /// assert_eq!(receiver.recv().await, Ok("hello"));
    /// assert!(receiver.recv().await.is_err());
    /// # });
    /// ```
    #[track_caller]
    pub fn recv(&mut self) -> impl Future<Output = Result<T, RecvError>> {
        let place = Place::new(&self.ring.receiving, WaitKind::Receive, Location::caller());
        Recv { ring: &*self.ring, next: &mut self.next, place }
    }

    /// The next message if there is one; never waits.
    ///
    /// # Errors
    ///
    /// [`Empty`](TryRecvError::Empty) when there is none now, the others as for [`recv`](Receiver::recv).
    ///
    /// ```
    /// use unstuck_sync::broadcast::{self, error::TryRecvError};
    ///
    /// let (sender, mut receiver) = broadcast::channel(16);
    /// assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    /// sender.send(1).unwrap();
    /// drop(sender);
    /// assert_eq!(receiver.try_recv(), Ok(1));
    /// assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed));
    /// ```
    pub fn try_recv(&mut self) -> Result<T, TryRecvError> {
        match self.ring.sent.find(self.next) {
            Found::Changed(_) => self.ring.take(&mut self.next).map_err(TryRecvError::Lagged),
            Found::Closed => Err(TryRecvError::Closed),
            Found::Same => Err(TryRecvError::Empty),
        }
    }

    /// The next message; blocks the thread until there is one.
    ///
    /// # Errors
    ///
    /// As [`recv`](Receiver::recv).
    ///
    /// # Panics
    ///
    /// Inside a runtime, where it would stall other tasks: await [`recv`](Receiver::recv) there.
    ///
    /// ```
    /// let (sender, mut receiver) = unstuck_sync::broadcast::channel(16);
    /// std::thread::spawn(move || sender.send(1));
    /// assert_eq!(receiver.blocking_recv(), Ok(1));
    /// ```
    #[track_caller]
    pub fn blocking_recv(&mut self) -> Result<T, RecvError> {
        entered::assert_may_block();
        parker::block_on(self.recv())
    }

    /// One more receiver, which gets what is sent from now on, not what this one has not had yet.
    ///
    /// ```
    /// let (sender, mut receiver) = unstuck_sync::broadcast::channel(16);
    /// sender.send(1).unwrap();
    /// let mut later = receiver.resubscribe();
    /// sender.send(2).unwrap();
    /// assert_eq!(later.try_recv(), Ok(2));
    /// assert_eq!(receiver.try_recv(), Ok(1));
    /// ```
    pub fn resubscribe(&self) -> Self {
        Receiver::new(&self.ring)
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        self.ring.leave(self.next);
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("broadcast::Receiver")
    }
}

/// The future of [`Receiver::recv`].
struct Recv<'a, T> {
    ring: &'a Ring<T>,
    next: &'a mut Seen,
    place: Place<'a>,
}

impl<T: Clone> Future for Recv<'_, T> {
    type Output = Result<T, RecvError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let charge = ready!(local::poll_budget(cx));
        // SAFETY: only the place must stay where it is, and it is pinned again at once.
        let (ring, next, mut place) = unsafe {
            let this = self.get_unchecked_mut();
            (this.ring, &mut *this.next, Pin::new_unchecked(&mut this.place))
        };
        loop {
            let received = match ring.sent.find(*next) {
                Found::Changed(_) => ring.take(next).map_err(RecvError::Lagged),
                Found::Closed => Err(RecvError::Closed),
                Found::Same => {
                    ready!(place.as_mut().poll_called(cx, || ring.sent.wait(*next)));
                    continue;
                }
            };
            charge.made_progress();
            return Poll::Ready(received);
        }
    }
}

/// The future of [`Sender::closed`].
struct Closed<'a, T> {
    ring: &'a Ring<T>,
    place: Place<'a>,
}

impl<T> Future for Closed<'_, T> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let charge = ready!(local::poll_budget(cx));
        let ring = self.ring;
        // SAFETY: the place is pinned with us.
        let mut place = unsafe { self.map_unchecked_mut(|this| &mut this.place) };
        let is_closed = || ring.receivers() == 0;
        while !is_closed() {
            ready!(place.as_mut().poll_called(cx, is_closed));
        }
        charge.made_progress();
        Poll::Ready(())
    }
}
