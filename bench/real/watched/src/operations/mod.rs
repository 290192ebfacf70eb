//! The operations, in the words of tokio's API. This folder is compiled once for each side, against `super::rt`.
//!
//! 1. An operation is a function from a runtime and a number to nothing: it does that many.
//! 2. It runs inside a spawned task, so on the workers, which the monitor watches.
//! 3. It checks what comes out, so that none is measured that the optimiser removed.

mod messages;
mod spawning;
mod tcp;
mod yielding;

use super::rt::runtime::Runtime;
use crate::operation::{Operation, operation};

/// All of them, in the order of the tables.
pub(crate) const ALL: &[Operation<Runtime>] = &[
    operation("spawn+join, one at a time", 4_000_000, 30_000, spawning::one_at_a_time),
    operation("spawn+join, 1000 at a time", 3_000_000, 30_000, spawning::thousands),
    operation("yield, one task", 12_000_000, 60_000, yielding::one_task),
    operation("wake, there and back", 4_000_000, 30_000, yielding::there_and_back),
    operation("mpsc(100), one to one", 20_000_000, 100_000, messages::bounded),
    operation("echo, 1 connection", 50_000, 10_000, tcp::one_connection),
    operation("echo, 50 connections", 60_000, 20_000, tcp::fifty_connections),
];

/// Runs `work` in a task of `runtime` and waits for it.
fn in_task(runtime: &Runtime, work: impl Future<Output = ()> + Send + 'static) {
    runtime.block_on(runtime.spawn(work)).expect("an operation does not panic");
}
