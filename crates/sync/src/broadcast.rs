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
//! A ring of slots, each behind a lock of its own. How many messages were sent, whether more can come, and whether
//! anybody waits are one word, whose table is in `version.rs`: a receiver that has something to receive locks nothing but
//! the slot. Those who wait are in one list, and are called all at once.
//!
//! 1. Message number `n` is in slot `n % slots` until it is overwritten by number `n + slots`, or until every receiver
//!    that was there when it was sent has had it: the last one drops it.
//! 2. Sending happens under the lock of the count of receivers. A receiver begins with the next message, and is counted
//!    from that one on.
//! 3. A message is cloned under its slot's lock, since `T` need not be `Sync`. The accounting is done before, so that a
//!    clone that panics counts as received. Everything else of the user's (destructors, wakers) runs with no lock held.

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use unstuck_base::local::{self, WaitKind};
use unstuck_base::sync::atomic::{AtomicUsize, Ordering};
use unstuck_base::sync::{Arc, Mutex};
use unstuck_base::{entered, parker};

use crate::called::{self, Place};
use crate::version::{Found, Seen, Version};
use crate::wait_list::WaitList;
use error::{RecvError, SendError, TryRecvError};

pub mod error;

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
    shared: Arc<Shared<T>>,
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
    shared: Arc<Shared<T>>,
}

/// Receives every message that is sent while it exists. See [`channel`] and [`Sender::subscribe`].
pub struct Receiver<T> {
    shared: Arc<Shared<T>>,
    /// The number of the message to be received next.
    next: Seen,
}

struct Shared<T> {
    /// How many messages were sent: the number of the next one.
    sent: Version,
    slots: Box<[Mutex<Slot<T>>]>,
    /// How many receivers there are (rule 2).
    receivers: Mutex<usize>,
    /// Receivers that wait for a message.
    receiving: WaitList,
    /// Senders that wait until every receiver is gone.
    closing: WaitList,
    senders: AtomicUsize,
    weak_senders: AtomicUsize,
}

struct Slot<T> {
    /// Which message was put here last.
    number: Seen,
    /// How many receivers have not had it.
    remaining: usize,
    /// There while somebody has not had it.
    message: Option<T>,
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
        let sent = Version::new();
        let slots = capacity.next_power_of_two();
        let number = sent.now().minus(slots);
        let empty = |at| Mutex::new(Slot { number: number.plus(at), remaining: 0, message: None });
        Sender {
            shared: Arc::new(Shared {
                sent,
                slots: (0..slots).map(empty).collect(),
                receivers: Mutex::new(0),
                receiving: WaitList::new(),
                closing: WaitList::new(),
                senders: AtomicUsize::new(1),
                weak_senders: AtomicUsize::new(0),
            }),
        }
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
    /// assert_eq!(sender.send(1), Ok(1));
    /// drop(receiver);
    /// assert_eq!(sender.send(2).unwrap_err().0, 2);
    /// ```
    pub fn send(&self, value: T) -> Result<usize, SendError<T>> {
        let shared = &*self.shared;
        let receivers = shared.receivers.lock();
        let remaining = *receivers;
        if remaining == 0 {
            drop(receivers);
            return Err(SendError(value));
        }
        let number = shared.sent.now();
        let mut slot = shared.slot(number).lock();
        let overwritten = std::mem::replace(&mut *slot, Slot { number, remaining, message: Some(value) });
        drop(slot);
        let somebody_waits = shared.sent.change();
        drop(receivers);
        if somebody_waits {
            shared.sent.call_waiters(&shared.receiving);
        }
        drop(overwritten);
        Ok(remaining)
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
        Receiver::new(&self.shared)
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
        let shared = &*self.shared;
        // Nobody sends meanwhile.
        let _receivers = shared.receivers.lock();
        let end = shared.sent.now();
        // Receivers go forward, so those that everybody has had come first: halve the part where that ends.
        let (mut low, mut high) = (0, shared.slots.len());
        while low < high {
            let middle = low + (high - low) / 2;
            match shared.slot(end.minus(shared.slots.len()).plus(middle)).lock().remaining {
                0 => low = middle + 1,
                _ => high = middle,
            }
        }
        shared.slots.len() - low
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
        let _receivers = self.shared.receivers.lock();
        let last = self.shared.sent.now().minus(1);
        self.shared.slot(last).lock().remaining == 0
    }

    /// How many receivers there are.
    pub fn receiver_count(&self) -> usize {
        *self.shared.receivers.lock()
    }

    /// Whether both senders belong to one channel.
    pub fn same_channel(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
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
        let place = Place::new(&self.shared.closing, WaitKind::Send, Location::caller());
        Closed { shared: &*self.shared, place }
    }

    /// A sender that does not keep the channel open.
    #[must_use = "to drop the sender, drop it"]
    pub fn downgrade(&self) -> WeakSender<T> {
        WeakSender::new(&self.shared)
    }

    /// How many senders there are.
    pub fn strong_count(&self) -> usize {
        self.shared.strong_count()
    }

    /// How many weak senders there are.
    pub fn weak_count(&self) -> usize {
        self.shared.weak_count()
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        // Relaxed: it is not zero, since we are one.
        self.shared.senders.fetch_add(1, Ordering::Relaxed);
        Sender { shared: self.shared.clone() }
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        // AcqRel: what the other senders did comes before the end.
        if self.shared.senders.fetch_sub(1, Ordering::AcqRel) == 1 && self.shared.sent.close() {
            self.shared.sent.call_waiters(&self.shared.receiving);
        }
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("broadcast::Sender")
    }
}

impl<T> WeakSender<T> {
    fn new(shared: &Arc<Shared<T>>) -> Self {
        shared.weak_senders.fetch_add(1, Ordering::Relaxed);
        WeakSender { shared: shared.clone() }
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
        self.shared.senders.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).ok()?;
        Some(Sender { shared: self.shared.clone() })
    }

    /// How many senders there are.
    pub fn strong_count(&self) -> usize {
        self.shared.strong_count()
    }

    /// How many weak senders there are.
    pub fn weak_count(&self) -> usize {
        self.shared.weak_count()
    }
}

impl<T> Clone for WeakSender<T> {
    fn clone(&self) -> Self {
        WeakSender::new(&self.shared)
    }
}

impl<T> Drop for WeakSender<T> {
    fn drop(&mut self) {
        self.shared.weak_senders.fetch_sub(1, Ordering::Relaxed);
    }
}

impl<T> fmt::Debug for WeakSender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("broadcast::WeakSender")
    }
}

impl<T> Receiver<T> {
    fn new(shared: &Arc<Shared<T>>) -> Self {
        let mut receivers = shared.receivers.lock();
        *receivers = receivers.checked_add(1).expect("fewer than `usize::MAX` receivers");
        let next = shared.sent.now();
        drop(receivers);
        Receiver { shared: shared.clone(), next }
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
        self.shared.sent.now().since(self.next)
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
        self.shared.sent.is_closed()
    }

    /// Whether both receivers belong to one channel.
    pub fn same_channel(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }

    /// How many senders there are.
    pub fn sender_strong_count(&self) -> usize {
        self.shared.strong_count()
    }

    /// How many weak senders there are.
    pub fn sender_weak_count(&self) -> usize {
        self.shared.weak_count()
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
        let place = Place::new(&self.shared.receiving, WaitKind::Receive, Location::caller());
        Recv { shared: &*self.shared, next: &mut self.next, place }
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
        match self.shared.sent.find(self.next) {
            Found::Changed(_) => self.shared.take(&mut self.next).map_err(TryRecvError::Lagged),
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
        Receiver::new(&self.shared)
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        let shared = &*self.shared;
        let mut receivers = shared.receivers.lock();
        *receivers -= 1;
        let was_last = *receivers == 0;
        // We are counted for all before this one, and for none after (rule 2).
        let end = shared.sent.now();
        drop(receivers);

        /// Calls those who wait for the end, even if the destructor of a message panics.
        struct CallIfLast<'a>(bool, &'a WaitList);
        impl Drop for CallIfLast<'_> {
            fn drop(&mut self) {
                if self.0 {
                    called::call_all(self.1);
                }
            }
        }
        let _call = CallIfLast(was_last, &shared.closing);

        // What is no longer in its slot is not ours to account for.
        let oldest = end.minus(shared.slots.len().min(end.since(self.next)));
        // Destructors run with no lock held.
        let mut dropped = Vec::new();
        for at in 0..end.since(oldest) {
            let number = oldest.plus(at);
            let mut slot = shared.slot(number).lock();
            if slot.number == number {
                slot.remaining -= 1;
                if slot.remaining == 0 {
                    dropped.extend(slot.message.take());
                }
            }
        }
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("broadcast::Receiver")
    }
}

impl<T> Shared<T> {
    fn slot(&self, number: Seen) -> &Mutex<Slot<T>> {
        &self.slots[number.slot(self.slots.len())]
    }

    fn strong_count(&self) -> usize {
        self.senders.load(Ordering::Relaxed)
    }

    fn weak_count(&self) -> usize {
        self.weak_senders.load(Ordering::Relaxed)
    }
}

impl<T: Clone> Shared<T> {
    /// The message number `next`, which was sent; or how many were missed. Either way `next` goes on.
    fn take(&self, next: &mut Seen) -> Result<T, u64> {
        let mut slot = self.slot(*next).lock();
        if slot.number != *next {
            // It was overwritten, perhaps by one that is not counted as sent yet.
            let overwritten = slot.number.minus(self.slots.len()).since(*next) + 1;
            drop(slot);
            let oldest = self.sent.now().minus(self.slots.len());
            let missed = oldest.since(*next).max(overwritten);
            *next = next.plus(missed);
            return Err(missed as u64);
        }
        // The accounting comes first (rule 3).
        *next = next.plus(1);
        slot.remaining -= 1;
        if slot.remaining != 0 {
            return Ok(slot.message.as_ref().expect("a message stays until all have had it").clone());
        }
        let message = slot.message.take().expect("a message stays until all have had it");
        drop(slot);
        Ok(message.clone())
    }
}

/// The future of [`Receiver::recv`].
struct Recv<'a, T> {
    shared: &'a Shared<T>,
    next: &'a mut Seen,
    place: Place<'a>,
}

impl<T: Clone> Future for Recv<'_, T> {
    type Output = Result<T, RecvError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let charge = ready!(local::poll_budget(cx));
        // SAFETY: only the place must stay where it is, and it is pinned again at once.
        let (shared, next, mut place) = unsafe {
            let this = self.get_unchecked_mut();
            (this.shared, &mut *this.next, Pin::new_unchecked(&mut this.place))
        };
        loop {
            let received = match shared.sent.find(*next) {
                Found::Changed(_) => shared.take(next).map_err(RecvError::Lagged),
                Found::Closed => Err(RecvError::Closed),
                Found::Same => {
                    ready!(place.as_mut().poll_called(cx, || shared.sent.wait(*next)));
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
    shared: &'a Shared<T>,
    place: Place<'a>,
}

impl<T> Future for Closed<'_, T> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let charge = ready!(local::poll_budget(cx));
        let shared = self.shared;
        // SAFETY: the place is pinned with us.
        let mut place = unsafe { self.map_unchecked_mut(|this| &mut this.place) };
        let is_closed = || *shared.receivers.lock() == 0;
        while !is_closed() {
            ready!(place.as_mut().poll_called(cx, is_closed));
        }
        charge.made_progress();
        Poll::Ready(())
    }
}
