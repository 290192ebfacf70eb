//! A channel for one value that changes: receivers see the latest value, not every value.
//!
//! [`channel`] makes a [`Sender`] and a [`Receiver`] of one value, which always has one: the first is given there. Both
//! can be cloned. A receiver remembers which version of the value it has seen, and can wait for a newer one. Use it for a
//! configuration that is reloaded, the progress of something, the order to shut down.
//!
//! ```
//! use unstuck_sync::watch;
//!
//! # unstuck_base::parker::block_on(async {
//! let (sender, mut receiver) = watch::channel("starting");
//! let watching = std::thread::spawn(move || {
//!     unstuck_base::parker::block_on(async {
//!         receiver.wait_for(|state| *state == "ready").await.unwrap();
//!     })
//! });
//! sender.send("loading").unwrap();
//! sender.send("ready").unwrap();
//! watching.join().unwrap();
//! # });
//! ```
//!
//! # Borrowing
//!
//! [`Receiver::borrow`] gives a reference into the channel, which is locked for reading while the reference lives:
//! meanwhile sending blocks the sender's thread. Keep it for a moment, never across an `.await`; clone the value to keep
//! it for longer.
//!
//! # The end
//!
//! When every sender is gone, receivers can still look at the last value, and waiting for another one fails. When every
//! receiver is gone, [`Sender::send`] fails, and [`Sender::closed`] ends; [`Sender::subscribe`] begins anew.
//!
//! # How it works
//!
//! The value is behind a reader-writer lock; its version, the end, and whether anybody waits are one word, whose table
//! is in `version.rs`. Those who wait are in one list, and are called all at once.
//!
//! 1. The version changes under the value's write lock.
//! 2. Wakers are woken, and old values dropped, after every lock is released. Only the closures that users give to look
//!    at the value or to change it run under its lock; a panic there leaves the value as it is and tells nobody.

use std::fmt;
use std::future::Future;
use std::mem;
use std::ops::Deref;
use std::panic::Location;

use unstuck_base::local::WaitKind;
use unstuck_base::sync::atomic::{AtomicUsize, Ordering};
use unstuck_base::sync::{Arc, RwLock, RwLockReadGuard};

use crate::called::{self, Place};
use crate::version::{Seen, Version};
use crate::wait_list::WaitList;
use error::{RecvError, SendError};
use waiting::{Changed, Closed, WaitFor};

pub mod error;
mod waiting;

/// Makes a channel whose value is `init` at first. The receiver has seen that one: [`changed`](Receiver::changed) waits
/// for the next.
///
/// ```
/// use unstuck_sync::watch;
///
/// let (sender, receiver) = watch::channel(1);
/// assert_eq!(*receiver.borrow(), 1);
/// sender.send(2).unwrap();
/// assert_eq!(*receiver.borrow(), 2);
/// ```
pub fn channel<T>(init: T) -> (Sender<T>, Receiver<T>) {
    let sender = Sender::new(init);
    let receiver = sender.subscribe();
    (sender, receiver)
}

/// Changes the value; clone it for more senders. See [`channel`].
pub struct Sender<T> {
    shared: Arc<Shared<T>>,
}

/// Looks at the value, and waits for a newer one; clone it for more receivers, each with a memory of its own of what it
/// has seen. See [`channel`].
pub struct Receiver<T> {
    shared: Arc<Shared<T>>,
    seen: Seen,
}

/// A reference to the value, which is locked for reading while this lives: keep it for a moment, never across an
/// `.await`. See [`Receiver::borrow`].
///
/// ```
/// use unstuck_sync::watch;
///
/// let (_sender, receiver) = watch::channel(String::from("hello"));
/// assert_eq!(receiver.borrow().len(), 5);
/// ```
pub struct Ref<'a, T> {
    inner: RwLockReadGuard<'a, T>,
    has_changed: bool,
}

struct Shared<T> {
    version: Version,
    value: RwLock<T>,
    /// Receivers that wait for a change.
    changing: WaitList,
    /// Senders that wait until every receiver is gone.
    closing: WaitList,
    senders: AtomicUsize,
    receivers: AtomicUsize,
}

impl<T> Sender<T> {
    /// Makes a channel that has no receiver yet; [`subscribe`](Sender::subscribe) makes some.
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
    /// ```
    /// let (sender, _receiver) = unstuck_sync::watch::channel(1);
    /// assert_eq!(*sender.borrow(), 1);
    /// ```
    pub fn borrow(&self) -> Ref<'_, T> {
        Ref { inner: self.shared.value.read(), has_changed: false }
    }

    /// Whether every receiver is gone.
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
    pub fn receiver_count(&self) -> usize {
        // Acquire: pairs with the Release in the receiver's drop.
        self.shared.receivers.load(Ordering::Acquire)
    }

    /// How many senders there are.
    pub fn sender_count(&self) -> usize {
        self.shared.senders.load(Ordering::Relaxed)
    }

    /// Whether both senders belong to one channel.
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

impl<T> Receiver<T> {
    /// A reference to the latest value; does not count as having seen it: a following
    /// [`changed`](Receiver::changed) is ready at once if this was new. Use it to look without forgetting to wait.
    ///
    /// The value is locked for reading while the reference lives. Blocks the thread while somebody changes the value.
    ///
    /// ```
    /// let (sender, receiver) = unstuck_sync::watch::channel(1);
    /// sender.send(2).unwrap();
    /// assert_eq!(*receiver.borrow(), 2);
    /// assert!(receiver.has_changed().unwrap());
    /// ```
    pub fn borrow(&self) -> Ref<'_, T> {
        let inner = self.shared.value.read();
        let has_changed = self.shared.version.now() != self.seen;
        Ref { inner, has_changed }
    }

    /// A reference to the latest value, which counts as seen from now on. In a loop with [`changed`](Receiver::changed),
    /// use this: with [`borrow`](Receiver::borrow) a value that comes in between would be looked at twice.
    ///
    /// ```
    /// let (sender, mut receiver) = unstuck_sync::watch::channel(1);
    /// sender.send(2).unwrap();
    /// assert_eq!(*receiver.borrow_and_update(), 2);
    /// assert!(!receiver.has_changed().unwrap());
    /// ```
    pub fn borrow_and_update(&mut self) -> Ref<'_, T> {
        let inner = self.shared.value.read();
        let now = self.shared.version.now();
        let has_changed = mem::replace(&mut self.seen, now) != now;
        Ref { inner, has_changed }
    }

    /// Whether there is a value that this receiver has not seen.
    ///
    /// # Errors
    ///
    /// When every sender is gone, also if the last value was not seen.
    ///
    /// ```
    /// let (sender, mut receiver) = unstuck_sync::watch::channel(1);
    /// assert!(!receiver.has_changed().unwrap());
    /// sender.send(2).unwrap();
    /// assert!(receiver.has_changed().unwrap());
    /// receiver.mark_unchanged();
    /// assert!(!receiver.has_changed().unwrap());
    /// drop(sender);
    /// assert!(receiver.has_changed().is_err());
    /// ```
    pub fn has_changed(&self) -> Result<bool, RecvError> {
        if self.is_closed() {
            return Err(RecvError(()));
        }
        Ok(self.shared.version.now() != self.seen)
    }

    /// Whether every sender is gone, so that the value does not change any more.
    ///
    /// ```
    /// let (sender, receiver) = unstuck_sync::watch::channel(1);
    /// assert!(!receiver.is_closed());
    /// drop(sender);
    /// assert!(receiver.is_closed());
    /// ```
    pub fn is_closed(&self) -> bool {
        self.shared.version.is_closed()
    }

    /// Forgets that the value was seen: the next [`changed`](Receiver::changed) is ready at once.
    ///
    /// ```
    /// let (_sender, mut receiver) = unstuck_sync::watch::channel(1);
    /// receiver.mark_changed();
    /// assert!(receiver.has_changed().unwrap());
    /// ```
    pub fn mark_changed(&mut self) {
        self.seen = self.shared.version.now().minus(1);
    }

    /// Counts the latest value as seen, without looking at it.
    ///
    /// ```
    /// let (sender, mut receiver) = unstuck_sync::watch::channel(1);
    /// sender.send(2).unwrap();
    /// receiver.mark_unchanged();
    /// assert!(!receiver.has_changed().unwrap());
    /// ```
    pub fn mark_unchanged(&mut self) {
        self.seen = self.shared.version.now();
    }

    /// Waits for a value that this receiver has not seen; it counts as seen when this is ready. Ready at once when there
    /// is one already.
    ///
    /// # Errors
    ///
    /// When every sender is gone and the last value was seen.
    ///
    /// # Cancel safety
    ///
    /// A future that is dropped before it is ready has seen nothing: no change is lost.
    ///
    /// ```
    /// # unstuck_base::parker::block_on(async {
    /// let (sender, mut receiver) = unstuck_sync::watch::channel("one");
    /// std::thread::spawn(move || sender.send("two"));
    /// receiver.changed().await.unwrap();
    /// assert_eq!(*receiver.borrow_and_update(), "two");
    /// assert!(receiver.changed().await.is_err());
    /// # });
    /// ```
    #[track_caller]
    pub fn changed(&mut self) -> impl Future<Output = Result<(), RecvError>> {
        let place = Place::new(&self.shared.changing, WaitKind::Watch, Location::caller());
        Changed { shared: &*self.shared, seen: &mut self.seen, place }
    }

    /// Waits for a value for which `f` is `true`; the value of this moment is asked first, seen or not. Values that come
    /// and go while nobody looks are not asked. Each one that is asked counts as seen.
    ///
    /// # Errors
    ///
    /// When every sender is gone and `f` is `false` for the last value.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future before it is ready loses nothing but what `f` remembers; the values that `f` was asked about
    /// count as seen.
    ///
    /// # Panics
    ///
    /// When `f` does. `f` must not use this channel: its value is locked.
    ///
    /// ```
    /// # unstuck_base::parker::block_on(async {
    /// let (sender, mut receiver) = unstuck_sync::watch::channel(1);
    /// std::thread::spawn(move || {
    ///     for n in 2..=10 {
    ///         sender.send(n).unwrap();
    ///     }
    /// });
    /// assert!(*receiver.wait_for(|n| *n >= 5).await.unwrap() >= 5);
    /// # });
    /// ```
    #[track_caller]
    pub fn wait_for(&mut self, f: impl FnMut(&T) -> bool) -> impl Future<Output = Result<Ref<'_, T>, RecvError>> {
        let place = Place::new(&self.shared.changing, WaitKind::Watch, Location::caller());
        WaitFor { shared: &*self.shared, seen: &mut self.seen, asked: false, condition: f, place }
    }

    /// Whether both receivers belong to one channel.
    pub fn same_channel(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Self {
        // Relaxed: it is not zero, since we are one.
        self.shared.receivers.fetch_add(1, Ordering::Relaxed);
        Receiver { shared: self.shared.clone(), seen: self.seen }
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        // AcqRel: Release pairs with the Acquire in `receiver_count`.
        if self.shared.receivers.fetch_sub(1, Ordering::AcqRel) == 1 {
            called::call_all(&self.shared.closing);
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shared.debug("Receiver", f)
    }
}

impl<T> Ref<'_, T> {
    /// Whether the receiver had not seen this value when it was borrowed. Always `false` for a sender's reference.
    ///
    /// ```
    /// let (sender, mut receiver) = unstuck_sync::watch::channel(1);
    /// assert!(!receiver.borrow().has_changed());
    /// sender.send(2).unwrap();
    /// assert!(receiver.borrow_and_update().has_changed());
    /// assert!(!receiver.borrow_and_update().has_changed());
    /// ```
    pub fn has_changed(&self) -> bool {
        self.has_changed
    }
}

impl<T> Deref for Ref<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.inner
    }
}

impl<T: fmt::Debug> fmt::Debug for Ref<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ref").field("inner", &*self.inner).field("has_changed", &self.has_changed).finish()
    }
}

impl<T: fmt::Debug> Shared<T> {
    fn debug(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut f = f.debug_struct(name);
        // The thread that writes may be this one.
        match self.value.try_read() {
            Some(value) => f.field("value", &*value),
            None => f.field("value", &format_args!("<locked>")),
        };
        f.field("is_closed", &self.version.is_closed()).finish_non_exhaustive()
    }
}
