//! Tokio's API on unstuck: put this package in Tokio's place, and programs and crates written for Tokio run on unstuck.
//!
//! ```toml
//! [patch.crates-io]
//! tokio = { path = "compat/tokio" }
//! ```
//!
//! 1. Re-exports only: no logic is here, and every item behaves as unstuck documents it.
//! 2. The attribute macros expand to `::tokio::` paths, so that a program need not know of unstuck.
//! 3. What unstuck does not have yet is not here either: a program that needs it does not compile, rather than fail later.

pub use unstuck::macros::{tokio_main as main, tokio_test as test};
pub use unstuck::spawn;
pub use unstuck::{io, net, runtime, signal, sync, task, time};
pub use unstuck::{join, pin, select, task_local, try_join};
