//! Both sides of a channel without a limit.

use std::fmt;
use std::future::Future;
use std::panic::{Location, RefUnwindSafe, UnwindSafe};
use std::task::{Context, Poll};

use unstuck_base::{entered, parker};

use super::channel::{self, Rx, Tx, Unbounded, WeakTx};
use super::error::{SendError, TryRecvError};
use super::waiting::{Closed, Recv, RecvMany};

/// Makes a channel that has room for as many messages as the memory holds: sending never waits.
///
/// A receiver that is slower than its senders makes the memory grow without end: prefer
/// [`channel`](super::channel()) unless something else holds the senders back.
///
/// ```
/// use unstuck_sync::mpsc;
///
/// let (sender, mut receiver) = mpsc::unbounded_channel();
/// for n in 0..1000 {
///     sender.send(n).unwrap();
/// }
/// assert_eq!(receiver.len(), 1000);
/// assert_eq!(receiver.try_recv(), Ok(0));
/// ```
pub fn unbounded_channel<T>() -> (UnboundedSender<T>, UnboundedReceiver<T>) {
    let (tx, rx) = channel::channel(Unbounded);
    (UnboundedSender { tx }, UnboundedReceiver { rx })
}

/// Sends messages into a channel without a limit; clone it for more senders. See [`unbounded_channel`].
pub struct UnboundedSender<T> {
    tx: Tx<T, Unbounded>,
}

/// An [`UnboundedSender`] that does not keep the channel open: the receiver's messages end when all other senders are
/// gone.
///
/// [`upgrade`](WeakUnboundedSender::upgrade) makes a sender of it, as long as there is one.
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

/// Receives the messages of a channel without a limit. See [`unbounded_channel`].
///
/// Dropping it closes the channel and drops the messages that were not received.
pub struct UnboundedReceiver<T> {
    rx: Rx<T, Unbounded>,
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
    pub fn same_channel(&self, other: &Self) -> bool {
        self.tx.is_same(&other.tx)
    }

    /// A sender that does not keep the channel open.
    #[must_use = "to drop the sender, drop it"]
    pub fn downgrade(&self) -> WeakUnboundedSender<T> {
        WeakUnboundedSender { tx: self.tx.downgrade() }
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
    pub fn upgrade(&self) -> Option<UnboundedSender<T>> {
        self.tx.upgrade().map(|tx| UnboundedSender { tx })
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

impl<T> UnboundedReceiver<T> {
    /// The next message; waits until there is one.
    ///
    /// `None` says that no message will come any more: all senders are gone, or the channel was
    /// [closed](UnboundedReceiver::close), and everything that was sent has been received.
    ///
    /// # Cancel safety
    ///
    /// A future that is dropped before it is ready has received nothing: no message is lost.
    ///
    /// ```
    /// use unstuck_sync::mpsc;
    ///
    /// # unstuck_base::parker::block_on(async {
    /// let (sender, mut receiver) = mpsc::unbounded_channel();
    /// std::thread::spawn(move || sender.send("hello"));
    /// assert_eq!(receiver.recv().await, Some("hello"));
    /// assert_eq!(receiver.recv().await, None);
    /// # });
    /// ```
    #[track_caller]
    #[inline]
    pub fn recv(&mut self) -> impl Future<Output = Option<T>> {
        Recv::new(&mut self.rx)
    }

    /// Receives up to `limit` messages, and appends them to `buffer`; waits until there is at least one. Ready with the
    /// number received.
    ///
    /// 0 says that no message will come any more, as the `None` of [`recv`](UnboundedReceiver::recv), or that `limit` is
    /// 0.
    ///
    /// # Cancel safety
    ///
    /// A future that is dropped before it is ready has received nothing: no message is lost.
    ///
    /// ```
    /// use unstuck_sync::mpsc;
    ///
    /// # unstuck_base::parker::block_on(async {
    /// let (sender, mut receiver) = mpsc::unbounded_channel();
    /// sender.send(1).unwrap();
    /// sender.send(2).unwrap();
    /// let mut buffer = Vec::new();
    /// assert_eq!(receiver.recv_many(&mut buffer, 10).await, 2);
    /// # });
    /// ```
    #[track_caller]
    pub fn recv_many(&mut self, buffer: &mut Vec<T>, limit: usize) -> impl Future<Output = usize> {
        RecvMany::new(&mut self.rx, buffer, limit)
    }

    /// The next message if there is one; never waits.
    ///
    /// # Errors
    ///
    /// [`Empty`](TryRecvError::Empty) when one may still come, [`Disconnected`](TryRecvError::Disconnected) when none
    /// will.
    ///
    /// ```
    /// use unstuck_sync::mpsc::{self, error::TryRecvError};
    ///
    /// let (sender, mut receiver) = mpsc::unbounded_channel();
    /// assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    /// sender.send(1).unwrap();
    /// assert_eq!(receiver.try_recv(), Ok(1));
    /// ```
    pub fn try_recv(&mut self) -> Result<T, TryRecvError> {
        self.rx.try_recv()
    }

    /// The next message; blocks the thread until there is one. `None` as for [`recv`](UnboundedReceiver::recv).
    ///
    /// # Panics
    ///
    /// Inside a runtime, where it would stall other tasks: await [`recv`](UnboundedReceiver::recv) there.
    ///
    /// ```
    /// use unstuck_sync::mpsc;
    ///
    /// let (sender, mut receiver) = mpsc::unbounded_channel();
    /// std::thread::spawn(move || sender.send(1));
    /// assert_eq!(receiver.blocking_recv(), Some(1));
    /// ```
    #[track_caller]
    pub fn blocking_recv(&mut self) -> Option<T> {
        entered::assert_may_block();
        parker::block_on(self.recv())
    }

    /// As [`recv_many`](UnboundedReceiver::recv_many), but blocks the thread.
    ///
    /// # Panics
    ///
    /// Inside a runtime, as [`blocking_recv`](UnboundedReceiver::blocking_recv).
    #[track_caller]
    pub fn blocking_recv_many(&mut self, buffer: &mut Vec<T>, limit: usize) -> usize {
        entered::assert_may_block();
        parker::block_on(self.recv_many(buffer, limit))
    }

    /// Lets no more be sent, without dropping the receiver. Receive on until [`recv`](UnboundedReceiver::recv) gives
    /// `None`: then nothing was lost.
    ///
    /// ```
    /// use unstuck_sync::mpsc;
    ///
    /// let (sender, mut receiver) = mpsc::unbounded_channel();
    /// sender.send("in time").unwrap();
    /// receiver.close();
    /// assert!(sender.send("too late").is_err());
    /// assert_eq!(receiver.blocking_recv(), Some("in time"));
    /// assert_eq!(receiver.blocking_recv(), None);
    /// ```
    pub fn close(&mut self) {
        self.rx.close();
    }

    /// Whether the channel is closed: this side has closed it, or all senders are gone. There may be messages left.
    pub fn is_closed(&self) -> bool {
        self.rx.is_closed()
    }

    /// Whether there is no message now.
    pub fn is_empty(&self) -> bool {
        self.rx.is_empty()
    }

    /// How many messages there are now.
    pub fn len(&self) -> usize {
        self.rx.len()
    }

    /// How many senders the channel has.
    pub fn sender_strong_count(&self) -> usize {
        self.rx.channel().strong_count()
    }

    /// How many weak senders the channel has.
    pub fn sender_weak_count(&self) -> usize {
        self.rx.channel().weak_count()
    }

    /// Polls for the next message: for code that is a future or a stream itself. The task that polled last is woken when
    /// there may be one.
    ///
    /// `Ready(None)` as for [`recv`](UnboundedReceiver::recv). `Pending` may also say that the task has used up its
    /// budget; it is woken at once then.
    ///
    /// ```
    /// use unstuck_sync::mpsc;
    ///
    /// # unstuck_base::parker::block_on(async {
    /// let (sender, mut receiver) = mpsc::unbounded_channel();
    /// sender.send(1).unwrap();
    /// assert_eq!(std::future::poll_fn(|cx| receiver.poll_recv(cx)).await, Some(1));
    /// # });
    /// ```
    #[track_caller]
    pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<T>> {
        self.rx.poll_recv(cx, Location::caller())
    }

    /// Polls for up to `limit` messages, which are appended to `buffer`: [`recv_many`](UnboundedReceiver::recv_many) as
    /// [`poll_recv`](UnboundedReceiver::poll_recv) is `recv`.
    #[track_caller]
    pub fn poll_recv_many(&mut self, cx: &mut Context<'_>, buffer: &mut Vec<T>, limit: usize) -> Poll<usize> {
        self.rx.poll_recv_many(cx, buffer, limit, Location::caller())
    }
}

impl<T> fmt::Debug for UnboundedReceiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnboundedReceiver")
            .field("len", &self.len())
            .field("is_closed", &self.is_closed())
            .finish_non_exhaustive()
    }
}

// As for the bounded ends.
impl<T> UnwindSafe for UnboundedSender<T> {}
impl<T> RefUnwindSafe for UnboundedSender<T> {}
impl<T> UnwindSafe for WeakUnboundedSender<T> {}
impl<T> RefUnwindSafe for WeakUnboundedSender<T> {}
impl<T> UnwindSafe for UnboundedReceiver<T> {}
impl<T> RefUnwindSafe for UnboundedReceiver<T> {}
// No message is pinned.
impl<T> Unpin for UnboundedReceiver<T> {}
