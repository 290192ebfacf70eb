//! A channel for many messages, from any number of senders to any number of receivers, each of which gets every message.
//!
//! [`channel`] keeps a limited number of messages. Sending never waits: when a receiver is slower than that, the oldest
//! messages are overwritten, and it learns how many it has missed ([`Lagged`](error::RecvError::Lagged)).
//!
//! ```
//! use unstuck_sync::broadcast;
//!
//! # unstuck_base::parker::block_on(async {
//! let (sender, mut first) = broadcast::channel(16);
//! let mut second = sender.subscribe();
//! sender.send("hello").unwrap();
//! sender.send("world").unwrap();
//! assert_eq!(first.recv().await, Ok("hello"));
//! assert_eq!(first.recv().await, Ok("world"));
//! assert_eq!(second.recv().await, Ok("hello"));
//! # });
//! ```
//!
//! # Lagging
//!
//! ```
//! use unstuck_sync::broadcast::{self, error::RecvError};
//!
//! # unstuck_base::parker::block_on(async {
//! let (sender, mut receiver) = broadcast::channel(2);
//! for n in 1..=3 {
//!     sender.send(n).unwrap();
//! }
//! assert_eq!(receiver.recv().await, Err(RecvError::Lagged(1)));
//! assert_eq!(receiver.recv().await, Ok(2)); // goes on with the oldest that is left
//! # });
//! ```
//!
//! # The end
//!
//! When every sender is gone, receivers get what is left, then [`Closed`](error::RecvError::Closed). When every receiver
//! is gone, sending fails, until somebody [subscribes](Sender::subscribe) again.
//!
//! # How it works
//!
//! A ring of slots, each behind a lock of its own (`broadcast/ring.rs`). How many messages were sent, whether more can
//! come, and whether anybody waits are one word, whose table is in `version.rs`: a receiver that has something to receive
//! locks nothing but the slot. Those who wait are in one list, and are called all at once. What each side does is in
//! `broadcast/sender.rs` and `broadcast/receiver.rs`.

pub mod error;
mod receiver;
mod ring;
mod sender;

pub use receiver::Receiver;
pub use sender::{Sender, WeakSender};

/// Makes a channel that keeps `capacity` messages at least (the next power of two).
///
/// # Panics
///
/// If `capacity` is 0, or more than `usize::MAX / 2`.
///
/// # Examples
///
/// ```
/// let (sender, mut receiver) = unstuck_sync::broadcast::channel(3);
/// for n in 0..4 {
///     sender.send(n).unwrap();
/// }
/// assert_eq!(receiver.try_recv(), Ok(0));
/// ```
#[track_caller]
pub fn channel<T: Clone>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    let sender = Sender::new(capacity);
    let receiver = sender.subscribe();
    (sender, receiver)
}
