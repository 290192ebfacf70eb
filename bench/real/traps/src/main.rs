//! The traps of asynchronous Rust: each as a small program, on tokio and on unstuck, in one run. `docs/traps.md` explains
//! them.
//!
//! 1. A program is written once (`scenarios/`) and compiled twice, against each runtime.
//! 2. One that does not end is shown as such: it runs in a process of its own (`sides`), which is killed.

mod tokio_side;
mod unstuck_side;

use std::process::ExitCode;
use std::time::Duration;

fn main() -> ExitCode {
    let program = sides::Program {
        tokio: tokio_side::scenarios::ALL,
        unstuck: unstuck_side::scenarios::ALL,
        rounds: 1,
        limit: Duration::from_secs(5),
    };
    program.main()
}
