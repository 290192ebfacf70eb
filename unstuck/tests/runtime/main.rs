//! The runtime as its users see it: how it runs, blocks, shares its threads and ends.

mod block_on;
#[path = "../common/mod.rs"]
mod common;
mod edges;
mod fairness;
mod shutdown;
mod shutdown_report;
mod thread_locals;
mod threads;
