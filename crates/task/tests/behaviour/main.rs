//! What a scheduler and its users see of tasks.

mod abort;
mod errors;
#[path = "../common/fifo.rs"]
mod fifo;
mod join;
mod panics;
mod probes;
mod run;
mod shutdown;
mod stress;
#[path = "../common/tools.rs"]
mod tools;
