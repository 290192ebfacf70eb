//! The side of a watch channel that changes the value.
//!
//! 1. The value changes under its write lock, and the version with it; wakers are woken and old values dropped after it.
//! 2. `senders` counts these. The last one to go closes the version, and calls the receivers that wait.

use std::fmt;
use std::future::Future;
use std::mem;
use std::panic::Location;

use unstuck_base::local::WaitKind;
use unstuck_base::sync::atomic::{AtomicUsize, Ordering};
use unstuck_base::sync::{Arc, RwLock};

use super::error::SendError;
use super::waiting::Closed;
use super::{Receiver, Ref, Shared};
use crate::called::Place;
use crate::version::Version;
use crate::wait_list::WaitList;

/// Changes the value; clone it for more senders. See [`channel`](super::channel()).
///
/// # Examples
///
/// ```
/// use unstuck_sync::watch;
///
/// # unstuck_base::parker::block_on(async {
/// let (progress, mut watching) = watch::channel(0);
/// let workers = [1, 2, 3].map(|done| {
///     let progress = progress.clone();
///     std::thread::spawn(move || progress.send_modify(|percent| *percent += 10 * done))
/// });
/// assert_eq!(*watching.wait_for(|percent| *percent == 60).await.unwrap(), 60);
/// # workers.map(|worker| worker.join().unwrap());
/// # });
/// ```
pub struct Sender<T> {
    shared: Arc<Shared<T>>,
}

impl<T> Sender<T> {
    /// Makes a channel that has no receiver yet; [`subscribe`](Sender::subscribe) makes some.
    ///
    /// # Examples
    ///
    /// ```
    /// let sender = unstuck_sync::watch::Sender::new(1);
    /// assert!(sender.send(2).is_err()); // nobody would see it
    /// let receiver = sender.subscribe();
    /// sender.send(3).unwrap();
    /// assert_eq!(*receiver.borrow(), 3);
    /// ```
    pub fn new(init: T) -> Self {
        Sender {
            shared: Arc::new(Shared {
                version: Version::new(),
                value: RwLock::new(init),
                changing: WaitList::new(),
                closing: WaitList::new(),
                senders: AtomicUsize::new(1),
                receivers: AtomicUsize::new(0),
            }),
        }
    }

    /// Replaces the value, and tells every receiver. Blocks the thread while somebody looks at the value.
    ///
    /// # Errors
    ///
    /// Gives the value back when every receiver is gone; the old one stays. [`send_replace`](Sender::send_replace)
    /// replaces it all the same.
    ///
    /// # Examples
    ///
    /// ```
    /// let (sender, receiver) = unstuck_sync::watch::channel(1);
    /// sender.send(2).unwrap();
    /// drop(receiver);
    /// assert_eq!(sender.send(3).unwrap_err().0, 3);
    /// assert_eq!(*sender.borrow(), 2);
    /// ```
    pub fn send(&self, value: T) -> Result<(), SendError<T>> {
        if self.receiver_count() == 0 {
            return Err(SendError(value));
        }
        drop(self.send_replace(value));
        Ok(())
    }

    /// Changes the value in place, and tells every receiver; works without receivers, too. Blocks the thread while
    /// somebody looks at the value.
    ///
    /// # Panics
    ///
    /// When `modify` does: the value stays as it left it, nobody is told, and the channel goes on working. `modify` must
    /// not use this channel: its value is locked.
    ///
    /// # Examples
    ///
    /// ```
    /// let (sender, receiver) = unstuck_sync::watch::channel(vec![1]);
    /// sender.send_modify(|list| list.push(2));
    /// assert_eq!(*receiver.borrow(), [1, 2]);
    /// ```
    pub fn send_modify<F>(&self, modify: F)
    where
        F: FnOnce(&mut T),
    {
        self.send_if_modified(|value| {
            modify(value);
            true
        });
    }

    /// Changes the value in place, and tells every receiver if `modify` returns `true`. Returns what it returned.
    ///
    /// A change for which it returns `false` is there, but nobody is told.
    ///
    /// # Panics
    ///
    /// As [`send_modify`](Sender::send_modify).
    ///
    /// # Examples
    ///
    /// ```
    /// let (sender, receiver) = unstuck_sync::watch::channel(5);
    /// let raise = |to| move |value: &mut i32| to > *value && { *value = to; true };
    /// assert!(!sender.send_if_modified(raise(3)));
    /// assert!(!receiver.has_changed().unwrap());
    /// assert!(sender.send_if_modified(raise(7)));
    /// assert!(receiver.has_changed().unwrap());
    /// ```
    pub fn send_if_modified<F>(&self, modify: F) -> bool
    where
        F: FnOnce(&mut T) -> bool,
    {
        let mut value = self.shared.value.write();
        // A panic here releases the lock and changes nothing else (rule 2).
        if !modify(&mut value) {
            return false;
        }
        let somebody_waits = self.shared.version.change();
        drop(value);
        if somebody_waits {
            self.shared.version.call_waiters(&self.shared.changing);
        }
        true
    }

    /// Replaces the value and returns the old one, and tells every receiver; works without receivers, too.
    ///
    /// # Examples
    ///
    /// ```
    /// let (sender, _receiver) = unstuck_sync::watch::channel("old");
    /// assert_eq!(sender.send_replace("new"), "old");
    /// ```
    pub fn send_replace(&self, mut value: T) -> T {
        self.send_modify(|place| mem::swap(place, &mut value));
        value
    }

    /// A reference to the value. See [`Receiver::borrow`].
    ///
    /// # Examples
    ///
    /// ```
    /// let (sender, _receiver) = unstuck_sync::watch::channel(1);
    /// assert_eq!(*sender.borrow(), 1);
    /// ```
    pub fn borrow(&self) -> Ref<'_, T> {
        Ref { inner: self.shared.value.read(), has_changed: false }
    }

    /// Whether every receiver is gone.
    ///
    /// # Examples
    ///
    /// ```
    /// let (sender, receiver) = unstuck_sync::watch::channel(());
    /// assert!(!sender.is_closed());
    /// drop(receiver);
    /// assert!(sender.is_closed());
    /// let _receiver = sender.subscribe();
    /// assert!(!sender.is_closed());
    /// ```
    pub fn is_closed(&self) -> bool {
        self.receiver_count() == 0
    }

    /// Waits until every receiver is gone.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    ///
    /// # Examples
    ///
    /// ```
    /// # unstuck_base::parker::block_on(async {
    /// let (sender, receiver) = unstuck_sync::watch::channel(());
    /// std::thread::spawn(move || drop(receiver));
    /// sender.closed().await;
    /// # });
    /// ```
    #[track_caller]
    pub fn closed(&self) -> impl Future<Output = ()> {
        Closed { shared: &*self.shared, place: Place::new(&self.shared.closing, WaitKind::Watch, Location::caller()) }
    }

    /// One more receiver. It has seen the value of this moment.
    ///
    /// # Examples
    ///
    /// ```
    /// let (sender, _receiver) = unstuck_sync::watch::channel(1);
    /// let receiver = sender.subscribe();
    /// assert_eq!(*receiver.borrow(), 1);
    /// assert!(!receiver.has_changed().unwrap());
    /// ```
    pub fn subscribe(&self) -> Receiver<T> {
        // Relaxed: a count; who goes from none to one tells nobody.
        self.shared.receivers.fetch_add(1, Ordering::Relaxed);
        Receiver { shared: self.shared.clone(), seen: self.shared.version.now() }
    }

    /// How many receivers there are.
    ///
    /// # Examples
    ///
    /// ```
    /// let (sender, first) = unstuck_sync::watch::channel(1);
    /// let _second = first.clone();
    /// assert_eq!(sender.receiver_count(), 2);
    /// drop(first);
    /// assert_eq!(sender.receiver_count(), 1);
    /// ```
    pub fn receiver_count(&self) -> usize {
        // Acquire: pairs with the Release in the receiver's drop.
        self.shared.receivers.load(Ordering::Acquire)
    }

    /// How many senders there are.
    ///
    /// # Examples
    ///
    /// ```
    /// let (sender, _receiver) = unstuck_sync::watch::channel(1);
    /// let other = sender.clone();
    /// assert_eq!(sender.sender_count(), 2);
    /// drop(other);
    /// assert_eq!(sender.sender_count(), 1);
    /// ```
    pub fn sender_count(&self) -> usize {
        self.shared.senders.load(Ordering::Relaxed)
    }

    /// Whether both senders belong to one channel.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::watch;
    ///
    /// let sender = watch::Sender::new(1);
    /// assert!(sender.same_channel(&sender.clone()));
    /// assert!(!sender.same_channel(&watch::Sender::new(1)));
    /// ```
    pub fn same_channel(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
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
        if self.shared.senders.fetch_sub(1, Ordering::AcqRel) == 1 && self.shared.version.close() {
            self.shared.version.call_waiters(&self.shared.changing);
        }
    }
}

impl<T: Default> Default for Sender<T> {
    fn default() -> Self {
        Sender::new(T::default())
    }
}

impl<T: fmt::Debug> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shared.debug("Sender", f)
    }
}
