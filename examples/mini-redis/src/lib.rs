//! An in-memory Redis server on unstuck: the example of a whole program.
//!
//! ```text
//!            accept            batch of commands                  changes
//! clients ---------> connection ---------------> keeper ----------------------> journal --> file
//!          (server)     ^   ^                      |  owns the store              |
//!                       |   +-- replies (oneshot) -+  and the channels            |
//!                       |   +-- messages (outbox) -+                              |
//!                       +------ replies to changes, once these are in the file ---+
//! ```
//!
//! 1. One task, the keeper, owns all data. There is no lock in this program.
//! 2. What a client can make the server remember is bounded: input by the protocol's limits, replies by not reading on,
//!    messages by the outbox, connections by a semaphore.
//! 3. Time comes from the runtime's clock, chance from one seeded source (`random`), the wall clock is read once (`clock`).
//!
//! The binary parses the command line and calls [`Server`]; so can tests.

mod aof;
mod cli;
mod client;
mod clock;
mod command;
mod connection;
mod exchange;
mod glob;
mod keeper;
mod notice;
mod outbox;
mod pubsub;
mod random;
mod resp;
mod server;
mod store;
mod world;

pub use crate::aof::OpenError;
pub use crate::cli::{Fsync, Options};
pub use crate::server::{Server, StartError};
