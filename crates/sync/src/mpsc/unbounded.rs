//! A channel without a limit: both sides, and the function that makes it.

mod receiver;
mod sender;

use super::channel::{self, Unbounded};

pub use receiver::UnboundedReceiver;
pub use sender::{UnboundedSender, WeakUnboundedSender};

/// Makes a channel that has room for as many messages as the memory holds: sending never waits.
///
/// A receiver that is slower than its senders makes the memory grow without end: prefer
/// [`channel`](super::channel()) unless something else holds the senders back.
///
/// # Examples
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
