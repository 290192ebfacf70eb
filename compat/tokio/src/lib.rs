//! Tokio's API on unstuck: put this package in Tokio's place, and programs and crates written for Tokio run on unstuck.
//!
//! ```toml
//! [patch.crates-io]
//! tokio = { path = "compat/tokio" }
//! ```
//!
//! 1. Re-exports only: no logic is here, and every item behaves as unstuck documents it.
//! 2. The attribute macros expand to `::tokio::` paths, so that a program need not know of unstuck.
//! 3. Features have Tokio's names and build what they need, nothing more: with `sync` alone neither the runtime nor any
//!    procedural macro is built.
//! 4. What unstuck does not have yet is not here either: a program that needs it does not compile, rather than fail later.

#[cfg(all(feature = "macros", feature = "rt", feature = "rt-multi-thread"))]
pub use unstuck::macros::entry::{tokio_main as main, tokio_test as test};
#[cfg(all(feature = "macros", feature = "rt", not(feature = "rt-multi-thread")))]
pub use unstuck::macros::entry::{tokio_main_rt as main, tokio_test_rt as test};
pub use unstuck::{io, pin};
#[cfg(feature = "macros")]
pub use unstuck::{join, select, try_join};

#[cfg(feature = "fs")]
pub use unstuck::fs;
#[cfg(feature = "net")]
pub use unstuck::net;
#[cfg(feature = "process")]
pub use unstuck::process;
#[cfg(feature = "signal")]
pub use unstuck::signal;
#[cfg(feature = "sync")]
pub use unstuck::sync;
#[cfg(feature = "time")]
pub use unstuck::time;
#[cfg(feature = "rt")]
pub use unstuck::{runtime, spawn, task, task_local};

/// What the expansions of Tokio's macros, and some programs, name.
#[doc(hidden)]
pub mod macros {
    pub use unstuck::macros::support;
}

/// Streams are in the package `tokio-stream`; their trait is that of the package `futures-core`.
pub mod stream {}
