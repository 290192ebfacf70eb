//! What can go wrong in a watch channel.

use std::fmt;

/// Every receiver is gone. Gives the value back.
///
/// # Examples
///
/// ```
/// use unstuck_sync::watch::{self, error::SendError};
///
/// let (sender, receiver) = watch::channel("old");
/// drop(receiver);
/// let Err(SendError(unsent)) = sender.send("new") else { panic!("nobody would see it") };
/// assert_eq!(unsent, "new");
/// ```
#[derive(PartialEq, Eq, Clone, Copy)]
pub struct SendError<T>(pub T);

/// Every sender is gone: there will be no newer value.
///
/// # Examples
///
/// ```
/// use unstuck_sync::watch::{self, error::RecvError};
///
/// # unstuck_base::parker::block_on(async {
/// let (sender, mut receiver) = watch::channel("only this");
/// drop(sender);
/// let end: Result<(), RecvError> = receiver.changed().await;
/// assert!(end.is_err());
/// assert_eq!(*receiver.borrow(), "only this");
/// # });
/// ```
#[derive(Debug, Clone)]
pub struct RecvError(pub(super) ());

// The value itself is not shown: it need not be `Debug`.
impl<T> fmt::Debug for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendError").finish_non_exhaustive()
    }
}

impl<T> fmt::Display for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("channel closed")
    }
}

impl fmt::Display for RecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("channel closed")
    }
}

impl<T> std::error::Error for SendError<T> {}
impl std::error::Error for RecvError {}
