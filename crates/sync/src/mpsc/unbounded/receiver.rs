//! The receiving side of a channel without a limit.

use std::fmt;
use std::future::Future;
use std::panic::{Location, RefUnwindSafe, UnwindSafe};
use std::task::{Context, Poll};

use unstuck_base::{entered, parker};

use crate::mpsc::channel::{Rx, Unbounded};
use crate::mpsc::error::TryRecvError;
use crate::mpsc::waiting::{Recv, RecvMany};

/// Receives the messages of a channel without a limit. See [`unbounded_channel`](super::unbounded_channel()).
///
/// Dropping it closes the channel and drops the messages that were not received.
///
/// # Examples
///
/// ```
/// use unstuck_sync::mpsc;
///
/// # unstuck_base::parker::block_on(async {
/// let (sender, mut events) = mpsc::unbounded_channel();
/// for event in ["opened", "read", "closed"] {
///     sender.send(event).unwrap();
/// }
/// drop(sender);
///
/// let mut seen = Vec::new();
/// while let Some(event) = events.recv().await {
///     seen.push(event);
/// }
/// assert_eq!(seen, ["opened", "read", "closed"]);
/// # });
/// ```
pub struct UnboundedReceiver<T> {
    pub(super) rx: Rx<T, Unbounded>,
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
    /// # Examples
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
    /// # Examples
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
    /// # Examples
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
    /// Inside a runtime that was built without `nested_block_on`, where it would stall other tasks: await
    /// [`recv`](UnboundedReceiver::recv) there.
    ///
    /// # Examples
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
        let _blocking = entered::begin_blocking();
        parker::block_on(self.recv())
    }

    /// As [`recv_many`](UnboundedReceiver::recv_many), but blocks the thread.
    ///
    /// # Panics
    ///
    /// Inside a runtime, as [`blocking_recv`](UnboundedReceiver::blocking_recv).
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::mpsc;
    ///
    /// let (sender, mut receiver) = mpsc::unbounded_channel();
    /// for n in 0..3 {
    ///     sender.send(n).unwrap();
    /// }
    /// let mut buffer = Vec::new();
    /// assert_eq!(receiver.blocking_recv_many(&mut buffer, 2), 2);
    /// assert_eq!(buffer, [0, 1]);
    /// ```
    #[track_caller]
    pub fn blocking_recv_many(&mut self, buffer: &mut Vec<T>, limit: usize) -> usize {
        let _blocking = entered::begin_blocking();
        parker::block_on(self.recv_many(buffer, limit))
    }

    /// Lets no more be sent, without dropping the receiver. Receive on until [`recv`](UnboundedReceiver::recv) gives
    /// `None`: then nothing was lost.
    ///
    /// # Examples
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
    ///
    /// # Examples
    ///
    /// ```
    /// let (sender, receiver) = unstuck_sync::mpsc::unbounded_channel::<()>();
    /// assert!(!receiver.is_closed());
    /// drop(sender);
    /// assert!(receiver.is_closed());
    /// ```
    pub fn is_closed(&self) -> bool {
        self.rx.is_closed()
    }

    /// Whether there is no message now.
    ///
    /// # Examples
    ///
    /// ```
    /// let (sender, receiver) = unstuck_sync::mpsc::unbounded_channel();
    /// assert!(receiver.is_empty());
    /// sender.send(1).unwrap();
    /// assert!(!receiver.is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.rx.is_empty()
    }

    /// How many messages there are now.
    ///
    /// # Examples
    ///
    /// ```
    /// let (sender, mut receiver) = unstuck_sync::mpsc::unbounded_channel();
    /// sender.send(1).unwrap();
    /// sender.send(2).unwrap();
    /// assert_eq!(receiver.len(), 2);
    /// receiver.try_recv().unwrap();
    /// assert_eq!(receiver.len(), 1);
    /// ```
    pub fn len(&self) -> usize {
        self.rx.len()
    }

    /// How many senders the channel has.
    ///
    /// # Examples
    ///
    /// ```
    /// let (sender, receiver) = unstuck_sync::mpsc::unbounded_channel::<()>();
    /// let other = sender.clone();
    /// assert_eq!(receiver.sender_strong_count(), 2);
    /// drop((sender, other));
    /// assert_eq!(receiver.sender_strong_count(), 0);
    /// ```
    pub fn sender_strong_count(&self) -> usize {
        self.rx.channel().strong_count()
    }

    /// How many weak senders the channel has.
    ///
    /// # Examples
    ///
    /// ```
    /// let (sender, receiver) = unstuck_sync::mpsc::unbounded_channel::<()>();
    /// let _weak = sender.downgrade();
    /// assert_eq!(receiver.sender_weak_count(), 1);
    /// ```
    pub fn sender_weak_count(&self) -> usize {
        self.rx.channel().weak_count()
    }

    /// Polls for the next message: for code that is a future or a stream itself. The task that polled last is woken when
    /// there may be one.
    ///
    /// `Ready(None)` as for [`recv`](UnboundedReceiver::recv). `Pending` may also say that the task has used up its
    /// budget; it is woken at once then.
    ///
    /// # Examples
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
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::mpsc;
    ///
    /// # unstuck_base::parker::block_on(async {
    /// let (sender, mut receiver) = mpsc::unbounded_channel();
    /// sender.send(1).unwrap();
    /// sender.send(2).unwrap();
    /// let mut buffer = Vec::new();
    /// assert_eq!(std::future::poll_fn(|cx| receiver.poll_recv_many(cx, &mut buffer, 10)).await, 2);
    /// assert_eq!(buffer, [1, 2]);
    /// # });
    /// ```
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
impl<T> UnwindSafe for UnboundedReceiver<T> {}
impl<T> RefUnwindSafe for UnboundedReceiver<T> {}
// No message is pinned.
impl<T> Unpin for UnboundedReceiver<T> {}
