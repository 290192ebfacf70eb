//! A bounded channel's sender that does not keep the channel open.

use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};

use super::Sender;
use super::channel::{Bounded, WeakTx};

/// A [`Sender`] that does not keep the channel open: the receiver's messages end when all other senders are gone.
///
/// [`upgrade`](WeakSender::upgrade) makes a sender of it, as long as there is one. Made by [`Sender::downgrade`].
///
/// # Examples
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
    pub(super) tx: WeakTx<T, Bounded>,
}

impl<T> WeakSender<T> {
    /// A sender of the channel; `None` once all senders are gone, which is final.
    ///
    /// # Examples
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
    ///
    /// # Examples
    ///
    /// ```
    /// let (sender, _receiver) = unstuck_sync::mpsc::channel::<()>(1);
    /// let weak = sender.downgrade();
    /// assert_eq!(weak.strong_count(), 1);
    /// drop(sender);
    /// assert_eq!(weak.strong_count(), 0);
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
    /// assert_eq!(weak.weak_count(), 1);
    /// assert_eq!(weak.clone().weak_count(), 2);
    /// ```
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

// As for the senders.
impl<T> UnwindSafe for WeakSender<T> {}
impl<T> RefUnwindSafe for WeakSender<T> {}
