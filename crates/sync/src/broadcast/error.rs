//! What can go wrong in a broadcast channel.

use std::fmt;

/// There is no receiver. Gives the message back.
///
/// # Examples
///
/// ```
/// use unstuck_sync::broadcast::{self, error::SendError};
///
/// let sender = broadcast::Sender::new(4);
/// let Err(SendError(message)) = sender.send("is anybody there?") else { panic!("nobody is") };
/// assert_eq!(message, "is anybody there?");
/// ```
#[derive(Debug)]
pub struct SendError<T>(pub T);

/// Why [`recv`](super::Receiver::recv) has no message.
///
/// # Examples
///
/// ```
/// use unstuck_sync::broadcast::{self, error::RecvError};
///
/// # unstuck_base::parker::block_on(async {
/// let (sender, mut receiver) = broadcast::channel(2);
/// for n in 0..5 {
///     sender.send(n).unwrap();
/// }
/// drop(sender);
///
/// let (mut received, mut missed) = (Vec::new(), 0);
/// loop {
///     match receiver.recv().await {
///         Ok(n) => received.push(n),
///         Err(RecvError::Lagged(count)) => missed += count,
///         Err(RecvError::Closed) => break,
///     }
/// }
/// assert_eq!((received, missed), (vec![3, 4], 3));
/// # });
/// ```
#[derive(Debug, PartialEq, Eq, Clone)]
pub enum RecvError {
    /// None is left, and every sender is gone.
    Closed,
    /// So many messages were overwritten before this receiver had them. The next call goes on with the oldest that is
    /// left.
    Lagged(u64),
}

/// Why [`try_recv`](super::Receiver::try_recv) has no message.
///
/// # Examples
///
/// ```
/// use unstuck_sync::broadcast::{self, error::TryRecvError};
///
/// let (sender, mut receiver) = broadcast::channel(1);
/// assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
/// sender.send(1).unwrap();
/// sender.send(2).unwrap();
/// assert_eq!(receiver.try_recv(), Err(TryRecvError::Lagged(1)));
/// assert_eq!(receiver.try_recv(), Ok(2));
/// drop(sender);
/// assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed));
/// ```
#[derive(Debug, PartialEq, Eq, Clone)]
pub enum TryRecvError {
    /// None was sent that this receiver has not had.
    Empty,
    /// None is left, and every sender is gone.
    Closed,
    /// So many messages were overwritten before this receiver had them. The next call goes on with the oldest that is
    /// left.
    Lagged(u64),
}

impl<T> fmt::Display for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("channel closed")
    }
}

impl fmt::Display for RecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RecvError::Closed => f.write_str("channel closed"),
            RecvError::Lagged(missed) => write!(f, "channel lagged by {missed}"),
        }
    }
}

impl fmt::Display for TryRecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TryRecvError::Empty => f.write_str("channel empty"),
            TryRecvError::Closed => f.write_str("channel closed"),
            TryRecvError::Lagged(missed) => write!(f, "channel lagged by {missed}"),
        }
    }
}

impl<T: fmt::Debug> std::error::Error for SendError<T> {}
impl std::error::Error for RecvError {}
impl std::error::Error for TryRecvError {}
