//! The simulated network: one medium, TCP and UDP over it, and the sockets that programs hold.
//!
//! 1. What a program does to a socket takes effect elsewhere only by an event that is delivered later: no call makes
//!    another socket ready at once.
//! 2. Sockets are known by a number that counts up, never by an address, so every run of a seed names them alike.
//! 3. The tables hold no socket alive: a socket that is dropped closes and leaves them.

pub(crate) mod fabric;
pub(crate) mod options;
pub(crate) mod socket;
pub(crate) mod tcp;
pub(crate) mod udp;

/// The number of a socket in its world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Id(pub(crate) u64);
