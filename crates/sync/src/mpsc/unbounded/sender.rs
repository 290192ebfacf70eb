//! The sending side of a channel without a limit.
//!
//! 1. Sending takes no permit and never waits: only the receiver's end refuses a message.

use std::fmt;
use std::future::Future;
use std::panic::{RefUnwindSafe, UnwindSafe};

use crate::mpsc::channel::{Tx, Unbounded, WeakTx};
use crate::mpsc::error::SendError;
use crate::mpsc::waiting::Closed;

/// Sends messages into a channel without a limit; clone it for more senders. See
/// [`unbounded_channel`](super::unbounded_channel()).
///
/// # Examples
///
/// ```
/// use unstuck_sync::mpsc;
///
/// # unstuck_base::parker::block_on(async {
/// struct Connection {
///     closed: mpsc::UnboundedSender<u32>,
///     id: u32,
/// }
///
/// // A destructor can't wait; here it need not.
/// impl Drop for Connection {
///     fn drop(&mut self) {
///         let _ = self.closed.send(self.id);
///     }
/// }
///
/// let (closed, mut ids) = mpsc::unbounded_channel();
/// drop(Connection { closed: closed.clone(), id: 7 });
/// assert_eq!(ids.recv().await, Some(7));
/// # });
/// ```
pub struct UnboundedSender<T> {
    pub(super) tx: Tx<T, Unbounded>,
}

/// An [`UnboundedSender`] that does not keep the channel open: the receiver's messages end when all other senders are
/// gone.
///
/// [`upgrade`](WeakUnboundedSender::upgrade) makes a sender of it, as long as there is one.
///
/// # Examples
///
/// ```
/// use unstuck_sync::mpsc;
///
/// let (sender, _receiver) = mpsc::unbounded_channel::<i32>();
/// let weak = sender.downgrade();
/// assert!(weak.upgrade().is_some());
/// drop(sender);
/// assert!(weak.upgrade().is_none());
/// ```
pub struct WeakUnboundedSender<T> {
    tx: WeakTx<T, Unbounded>,
}

impl<T> UnboundedSender<T> {
    /// Sends a message; never waits.
    ///
    /// `Ok` says that the channel has the message, not that it will be received: the receiver may be dropped first.
    ///
    /// # Errors
    ///
    /// Gives the message back when the receiver has closed the channel or is gone.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::mpsc;
    ///
    /// let (sender, receiver) = mpsc::unbounded_channel();
    /// sender.send(1).unwrap();
    /// drop(receiver);
    /// assert_eq!(sender.send(2).unwrap_err().0, 2);
    /// ```
    #[inline]
    pub fn send(&self, message: T) -> Result<(), SendError<T>> {
        self.tx.push(message).map_err(SendError)
    }

    /// Waits until the receiver closes the channel or is gone.
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
    /// let (sender, receiver) = mpsc::unbounded_channel::<()>();
    /// std::thread::spawn(move || drop(receiver));
    /// sender.closed().await;
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
    /// let (sender, receiver) = unstuck_sync::mpsc::unbounded_channel::<()>();
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
    /// use unstuck_sync::mpsc;
    ///
    /// let (sender, _receiver) = mpsc::unbounded_channel::<()>();
    /// let (other, _receiver) = mpsc::unbounded_channel::<()>();
    /// assert!(sender.same_channel(&sender.clone()));
    /// assert!(!sender.same_channel(&other));
    /// ```
    pub fn same_channel(&self, other: &Self) -> bool {
        self.tx.is_same(&other.tx)
    }

    /// A sender that does not keep the channel open.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::mpsc;
    ///
    /// let (sender, mut receiver) = mpsc::unbounded_channel();
    /// let weak = sender.downgrade();
    /// weak.upgrade().unwrap().send("last words").unwrap();
    /// drop(sender);
    /// assert_eq!(receiver.blocking_recv(), Some("last words"));
    /// assert_eq!(receiver.blocking_recv(), None); // `weak` does not keep it waiting
    /// ```
    #[must_use = "to drop the sender, drop it"]
    pub fn downgrade(&self) -> WeakUnboundedSender<T> {
        WeakUnboundedSender { tx: self.tx.downgrade() }
    }

    /// How many senders the channel has.
    ///
    /// # Examples
    ///
    /// ```
    /// let (sender, _receiver) = unstuck_sync::mpsc::unbounded_channel::<()>();
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
    /// let (sender, _receiver) = unstuck_sync::mpsc::unbounded_channel::<()>();
    /// let weak = sender.downgrade();
    /// assert_eq!(sender.weak_count(), 1);
    /// drop(weak);
    /// assert_eq!(sender.weak_count(), 0);
    /// ```
    pub fn weak_count(&self) -> usize {
        self.tx.weak_count()
    }
}

impl<T> Clone for UnboundedSender<T> {
    fn clone(&self) -> Self {
        UnboundedSender { tx: self.tx.clone() }
    }
}

impl<T> fmt::Debug for UnboundedSender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnboundedSender").field("is_closed", &self.is_closed()).finish_non_exhaustive()
    }
}

impl<T> WeakUnboundedSender<T> {
    /// A sender of the channel; `None` once all senders are gone, which is final.
    ///
    /// # Examples
    ///
    /// ```
    /// let (sender, receiver) = unstuck_sync::mpsc::unbounded_channel::<()>();
    /// let weak = sender.downgrade();
    /// assert!(weak.upgrade().is_some());
    /// drop(sender);
    /// assert!(weak.upgrade().is_none());
    /// assert!(receiver.is_closed());
    /// ```
    pub fn upgrade(&self) -> Option<UnboundedSender<T>> {
        self.tx.upgrade().map(|tx| UnboundedSender { tx })
    }

    /// How many senders the channel has.
    ///
    /// # Examples
    ///
    /// ```
    /// let (sender, _receiver) = unstuck_sync::mpsc::unbounded_channel::<()>();
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
    /// let (sender, _receiver) = unstuck_sync::mpsc::unbounded_channel::<()>();
    /// let weak = sender.downgrade();
    /// assert_eq!(weak.weak_count(), 1);
    /// assert_eq!(weak.clone().weak_count(), 2);
    /// ```
    pub fn weak_count(&self) -> usize {
        self.tx.weak_count()
    }
}

impl<T> Clone for WeakUnboundedSender<T> {
    fn clone(&self) -> Self {
        WeakUnboundedSender { tx: self.tx.clone() }
    }
}

impl<T> fmt::Debug for WeakUnboundedSender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WeakUnboundedSender")
    }
}

// As for the bounded ends.
impl<T> UnwindSafe for UnboundedSender<T> {}
impl<T> RefUnwindSafe for UnboundedSender<T> {}
impl<T> UnwindSafe for WeakUnboundedSender<T> {}
impl<T> RefUnwindSafe for WeakUnboundedSender<T> {}
