//! A channel for many messages, from any number of senders to one receiver.
//!
//! [`channel`] has room for a number of messages: when it is full, sending waits, so that senders can't outrun the
//! receiver. [`unbounded_channel`] has room for as many as the memory holds, and sending never waits: make sure by other
//! means that the receiver keeps up.
//!
//! ```
//! use unstuck_sync::mpsc;
//!
//! # unstuck_base::parker::block_on(async {
//! let (sender, mut receiver) = mpsc::channel(10);
//! let other = sender.clone();
//! std::thread::spawn(move || other.blocking_send("from a thread").unwrap());
//! assert_eq!(receiver.recv().await, Some("from a thread"));
//!
//! sender.send("from a task").await.unwrap();
//! drop(sender);
//! assert_eq!(receiver.recv().await, Some("from a task"));
//! assert_eq!(receiver.recv().await, None); // all senders are gone
//! # });
//! ```
//!
//! # Order
//!
//! Messages of one sender arrive in the order in which they were sent. Those who wait for room get it in the order in
//! which they came.
//!
//! # The end
//!
//! When every sender is gone, the receiver gets what was sent, then `None`. When the receiver is dropped, sending fails
//! and gives the message back; what was sent and not received is dropped. To stop without losing messages, the receiver
//! calls [`close`](Receiver::close) and goes on receiving until `None`.
//!
//! # From outside a runtime
//!
//! The channel works on any executor, and between threads: [`Sender::blocking_send`], [`Receiver::blocking_recv`].
//!
//! # Memory
//!
//! A channel that has had no message takes a few words. Messages lie in blocks of about a quarter of a KiB, which are
//! used again.

mod blocks;
mod channel;
mod claiming;
pub mod error;
mod permit;
mod receiver;
mod sender;
mod tail;
mod unbounded;
mod waiting;
mod weak;

pub use permit::{OwnedPermit, Permit, PermitIterator};
pub use receiver::Receiver;
pub use sender::Sender;
pub use unbounded::{UnboundedReceiver, UnboundedSender, WeakUnboundedSender, unbounded_channel};
pub use weak::WeakSender;

use crate::permits::Permits;
use channel::Bounded;

/// Makes a channel that has room for `buffer` messages.
///
/// A message takes its room when it is sent (or when it is [reserved](Sender::reserve)), and gives it back when it is
/// received.
///
/// # Panics
///
/// If `buffer` is 0, or more than [`Semaphore::MAX_PERMITS`](crate::Semaphore::MAX_PERMITS).
///
/// # Examples
///
/// ```
/// use unstuck_sync::mpsc;
///
/// let (sender, mut receiver) = mpsc::channel(1);
/// sender.try_send(1).unwrap();
/// assert!(sender.try_send(2).is_err());
/// assert_eq!(receiver.try_recv(), Ok(1));
/// sender.try_send(2).unwrap();
/// ```
#[track_caller]
pub fn channel<T>(buffer: usize) -> (Sender<T>, Receiver<T>) {
    assert!(buffer > 0, "mpsc bounded channel requires buffer > 0");
    let (tx, rx) = channel::channel(Bounded { permits: Permits::new(buffer), capacity: buffer });
    (Sender::new(tx), Receiver::new(rx))
}
