//! The side of a broadcast channel that sends.
//!
//! 1. `senders` counts those that keep the channel open. The last one to go closes the count of messages, and calls the
//!    receivers that wait; a weak sender never brings it back from none.

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use unstuck_base::local::{self, WaitKind};
use unstuck_base::sync::Arc;
use unstuck_base::sync::atomic::Ordering;

use super::Receiver;
use super::error::SendError;
use super::ring::Ring;
use crate::called::Place;

/// Sends messages to every receiver; clone it for more senders. See [`channel`](super::channel()).
///
/// # Examples
///
/// ```
/// use unstuck_sync::broadcast;
///
/// let (sender, mut receiver) = broadcast::channel(16);
/// let other = sender.clone();
/// std::thread::spawn(move || other.send("from a thread").unwrap()).join().unwrap();
/// sender.send("from here").unwrap();
/// assert_eq!(receiver.try_recv(), Ok("from a thread"));
/// assert_eq!(receiver.try_recv(), Ok("from here"));
/// ```
pub struct Sender<T> {
    ring: Arc<Ring<T>>,
}

/// A [`Sender`] that does not keep the channel open.
///
/// [`upgrade`](WeakSender::upgrade) makes a sender of it, as long as there is one. Made by [`Sender::downgrade`].
///
/// # Examples
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

impl<T> Sender<T> {
    /// Makes a channel that has no receiver yet; [`subscribe`](Sender::subscribe) makes some.
    ///
    /// # Panics
    ///
    /// As [`channel`](super::channel()).
    ///
    /// # Examples
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
    /// # Examples
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
    /// # Examples
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
    /// # Examples
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
    /// # Examples
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
    ///
    /// # Examples
    ///
    /// ```
    /// let (sender, first) = unstuck_sync::broadcast::channel::<()>(4);
    /// let _second = sender.subscribe();
    /// assert_eq!(sender.receiver_count(), 2);
    /// drop(first);
    /// assert_eq!(sender.receiver_count(), 1);
    /// ```
    pub fn receiver_count(&self) -> usize {
        self.ring.receivers()
    }

    /// Whether both senders belong to one channel.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::broadcast;
    ///
    /// let (sender, _receiver) = broadcast::channel::<()>(4);
    /// let (other, _receiver) = broadcast::channel::<()>(4);
    /// assert!(sender.same_channel(&sender.clone()));
    /// assert!(!sender.same_channel(&other));
    /// ```
    pub fn same_channel(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.ring, &other.ring)
    }

    /// Waits until there is no receiver.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    ///
    /// # Examples
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
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::broadcast;
    ///
    /// let (sender, mut receiver) = broadcast::channel(4);
    /// let weak = sender.downgrade();
    /// weak.upgrade().unwrap().send("last words").unwrap();
    /// drop(sender);
    /// assert_eq!(receiver.blocking_recv(), Ok("last words"));
    /// assert!(receiver.blocking_recv().is_err()); // `weak` does not keep it waiting
    /// ```
    #[must_use = "to drop the sender, drop it"]
    pub fn downgrade(&self) -> WeakSender<T> {
        WeakSender::new(&self.ring)
    }

    /// How many senders there are.
    ///
    /// # Examples
    ///
    /// ```
    /// let (sender, _receiver) = unstuck_sync::broadcast::channel::<()>(4);
    /// let other = sender.clone();
    /// assert_eq!(sender.strong_count(), 2);
    /// drop(other);
    /// assert_eq!(sender.strong_count(), 1);
    /// ```
    pub fn strong_count(&self) -> usize {
        self.ring.senders.load(Ordering::Relaxed)
    }

    /// How many weak senders there are.
    ///
    /// # Examples
    ///
    /// ```
    /// let (sender, _receiver) = unstuck_sync::broadcast::channel::<()>(4);
    /// let weak = sender.downgrade();
    /// assert_eq!(sender.weak_count(), 1);
    /// drop(weak);
    /// assert_eq!(sender.weak_count(), 0);
    /// ```
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
    /// # Examples
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
    ///
    /// # Examples
    ///
    /// ```
    /// let (sender, _receiver) = unstuck_sync::broadcast::channel::<()>(4);
    /// let weak = sender.downgrade();
    /// assert_eq!(weak.strong_count(), 1);
    /// drop(sender);
    /// assert_eq!(weak.strong_count(), 0);
    /// ```
    pub fn strong_count(&self) -> usize {
        self.ring.senders.load(Ordering::Relaxed)
    }

    /// How many weak senders there are.
    ///
    /// # Examples
    ///
    /// ```
    /// let (sender, _receiver) = unstuck_sync::broadcast::channel::<()>(4);
    /// let weak = sender.downgrade();
    /// assert_eq!(weak.weak_count(), 1);
    /// assert_eq!(weak.clone().weak_count(), 2);
    /// ```
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
