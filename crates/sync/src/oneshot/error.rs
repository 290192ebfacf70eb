//! What can go wrong in a oneshot channel.

use std::fmt;

/// No value will come: the sender was dropped without sending, or this receiver had closed.
///
/// # Examples
///
/// ```
/// use unstuck_sync::oneshot::{self, error::RecvError};
///
/// # unstuck_base::parker::block_on(async {
/// let (sender, receiver) = oneshot::channel::<u32>();
/// drop(sender); // a task that panicked, say
/// let answer: Result<u32, RecvError> = receiver.await;
/// assert_eq!(answer.unwrap_err().to_string(), "channel closed");
/// # });
/// ```
#[derive(Debug, Eq, PartialEq, Clone)]
pub struct RecvError(pub(super) ());

/// Why [`try_recv`](super::Receiver::try_recv) has no value.
///
/// # Examples
///
/// ```
/// use unstuck_sync::oneshot::{self, error::TryRecvError};
///
/// let (sender, mut receiver) = oneshot::channel::<u32>();
/// assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
/// drop(sender);
/// assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed));
/// ```
#[derive(Debug, Eq, PartialEq, Clone)]
pub enum TryRecvError {
    /// The value may still come.
    Empty,
    /// No value will come.
    Closed,
}

impl fmt::Display for RecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("channel closed")
    }
}

impl fmt::Display for TryRecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TryRecvError::Empty => f.write_str("channel empty"),
            TryRecvError::Closed => f.write_str("channel closed"),
        }
    }
}

impl std::error::Error for RecvError {}
impl std::error::Error for TryRecvError {}
