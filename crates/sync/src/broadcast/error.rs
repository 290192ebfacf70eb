//! What can go wrong in a broadcast channel.

use std::fmt;

/// There is no receiver. Gives the message back.
#[derive(Debug)]
pub struct SendError<T>(pub T);

/// Why [`recv`](super::Receiver::recv) has no message.
#[derive(Debug, PartialEq, Eq, Clone)]
pub enum RecvError {
    /// None is left, and every sender is gone.
    Closed,
    /// So many messages were overwritten before this receiver had them. The next call goes on with the oldest that is
    /// left.
    Lagged(u64),
}

/// Why [`try_recv`](super::Receiver::try_recv) has no message.
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
