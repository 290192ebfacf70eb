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
//! is in `version.rs`. Those who wait are in one list, and are called all at once. What each side does is in
//! `watch/sender.rs` and `watch/receiver.rs`, the futures are in `watch/waiting.rs`.
//!
//! 1. The version changes under the value's write lock.
//! 2. Wakers are woken, and old values dropped, after every lock is released. Only the closures that users give to look
//!    at the value or to change it run under its lock; a panic there leaves the value as it is and tells nobody.

use std::fmt;
use std::ops::Deref;

use unstuck_base::sync::atomic::AtomicUsize;
use unstuck_base::sync::{RwLock, RwLockReadGuard};

use crate::version::Version;
use crate::wait_list::WaitList;

pub mod error;
mod receiver;
mod sender;
mod waiting;

pub use receiver::Receiver;
pub use sender::Sender;

/// Makes a channel whose value is `init` at first. The receiver has seen that one: [`changed`](Receiver::changed) waits
/// for the next.
///
/// # Examples
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

/// A reference to the value, which is locked for reading while this lives: keep it for a moment, never across an
/// `.await`. See [`Receiver::borrow`].
///
/// # Examples
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

impl<T> Ref<'_, T> {
    /// Whether the receiver had not seen this value when it was borrowed. Always `false` for a sender's reference.
    ///
    /// # Examples
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
