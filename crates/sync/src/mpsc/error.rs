//! What can go wrong in an mpsc channel. Errors give back what was not sent.

use std::fmt;

/// The channel is closed: the receiver has closed it or is gone. Gives the message back.
///
/// # Examples
///
/// ```
/// use unstuck_sync::mpsc::{self, error::SendError};
///
/// # unstuck_base::parker::block_on(async {
/// let (sender, receiver) = mpsc::channel(1);
/// drop(receiver);
/// let SendError(unsent) = sender.send("report").await.unwrap_err();
/// assert_eq!(unsent, "report"); // to be kept for another time
/// # });
/// ```
#[derive(PartialEq, Eq, Clone, Copy)]
pub struct SendError<T>(pub T);

/// Why a message was not sent at once. Gives it back.
///
/// # Examples
///
/// ```
/// use unstuck_sync::mpsc::{self, error::TrySendError};
///
/// let (sender, receiver) = mpsc::channel(1);
/// sender.try_send(1).unwrap();
/// assert_eq!(sender.try_send(2), Err(TrySendError::Full(2)));
/// drop(receiver);
/// assert_eq!(sender.try_send(3), Err(TrySendError::Closed(3)));
/// ```
#[derive(PartialEq, Eq, Clone, Copy)]
pub enum TrySendError<T> {
    /// There is no room now.
    Full(T),
    /// The channel is closed: the receiver has closed it or is gone.
    Closed(T),
}

/// Why a message was not sent in time. Gives it back.
///
/// # Examples
///
/// ```
/// use unstuck_sync::mpsc::error::SendTimeoutError;
///
/// /// Says what to do with the message of a `send_timeout` that failed.
/// fn after(error: SendTimeoutError<&str>) -> String {
///     match error {
///         SendTimeoutError::Timeout(message) => format!("try {message} again"),
///         SendTimeoutError::Closed(message) => format!("nobody wants {message}"),
///     }
/// }
/// assert_eq!(after(SendTimeoutError::Timeout("this")), "try this again");
/// assert_eq!(after(SendTimeoutError::Closed("that")), "nobody wants that");
/// ```
#[derive(PartialEq, Eq, Clone, Copy)]
pub enum SendTimeoutError<T> {
    /// There was no room for all that time.
    Timeout(T),
    /// The channel is closed: the receiver has closed it or is gone.
    Closed(T),
}

/// Why there is no message.
///
/// # Examples
///
/// ```
/// use unstuck_sync::mpsc::{self, error::TryRecvError};
///
/// let (sender, mut receiver) = mpsc::channel::<()>(1);
/// assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
/// drop(sender);
/// assert_eq!(receiver.try_recv(), Err(TryRecvError::Disconnected));
/// ```
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub enum TryRecvError {
    /// One may still come.
    Empty,
    /// None will come: all senders are gone, or this side has closed the channel, and all messages were received.
    Disconnected,
}

/// No message will come. No function returns it any more; it is here for code that names it.
#[doc(hidden)]
#[derive(Debug, Clone)]
pub struct RecvError(());

impl<T> TrySendError<T> {
    /// The message that was not sent.
    ///
    /// # Examples
    ///
    /// ```
    /// let (sender, _receiver) = unstuck_sync::mpsc::channel(1);
    /// sender.try_send("first").unwrap();
    /// assert_eq!(sender.try_send("second").unwrap_err().into_inner(), "second");
    /// ```
    pub fn into_inner(self) -> T {
        match self {
            TrySendError::Full(message) | TrySendError::Closed(message) => message,
        }
    }
}

impl<T> SendTimeoutError<T> {
    /// The message that was not sent.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::mpsc::error::SendTimeoutError;
    ///
    /// assert_eq!(SendTimeoutError::Timeout("late").into_inner(), "late");
    /// assert_eq!(SendTimeoutError::Closed("unwanted").into_inner(), "unwanted");
    /// ```
    pub fn into_inner(self) -> T {
        match self {
            SendTimeoutError::Timeout(message) | SendTimeoutError::Closed(message) => message,
        }
    }
}

impl<T> From<SendError<T>> for TrySendError<T> {
    fn from(error: SendError<T>) -> Self {
        TrySendError::Closed(error.0)
    }
}

// The messages themselves are not shown: they need not be `Debug`, and may be large or secret.
impl<T> fmt::Debug for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendError").finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for TrySendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TrySendError::Full(_) => "Full(..)".fmt(f),
            TrySendError::Closed(_) => "Closed(..)".fmt(f),
        }
    }
}

impl<T> fmt::Debug for SendTimeoutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SendTimeoutError::Timeout(_) => "Timeout(..)".fmt(f),
            SendTimeoutError::Closed(_) => "Closed(..)".fmt(f),
        }
    }
}

impl<T> fmt::Display for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("channel closed")
    }
}

impl<T> fmt::Display for TrySendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TrySendError::Full(_) => "no available capacity",
            TrySendError::Closed(_) => "channel closed",
        })
    }
}

impl<T> fmt::Display for SendTimeoutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SendTimeoutError::Timeout(_) => "timed out waiting on send operation",
            SendTimeoutError::Closed(_) => "channel closed",
        })
    }
}

impl fmt::Display for TryRecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TryRecvError::Empty => "receiving on an empty channel",
            TryRecvError::Disconnected => "receiving on a closed channel",
        })
    }
}

impl fmt::Display for RecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("channel closed")
    }
}

impl<T> std::error::Error for SendError<T> {}
impl<T> std::error::Error for TrySendError<T> {}
impl<T> std::error::Error for SendTimeoutError<T> {}
impl std::error::Error for TryRecvError {}
impl std::error::Error for RecvError {}
