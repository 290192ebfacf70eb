//! The cases, in the words of tokio's API. This folder is compiled once for each side, against `super::rt`.
//!
//! 1. A case is a function from a runtime and a number of operations to the time that they took.
//! 2. The measured part runs inside a spawned task, where programs spend their time, not in `block_on`'s root future.
//! 3. Every case checks that its operations happened, so that none is measured that the optimiser removed.

mod blocking;
mod channels;
mod locks;
mod spawning;
mod tcp;
mod timers;
mod yielding;

use std::time::Duration;

use super::rt::runtime::{Builder, Runtime};
use crate::measure::Flavor;

/// One thing that is measured.
pub(crate) struct Case {
    /// What the row is called.
    pub(crate) name: &'static str,
    /// How many operations one sample does: some 5 to 30 ms of work.
    pub(crate) operations: u32,
    run: fn(&Runtime, u32) -> Duration,
}

impl Case {
    /// The time of one run on a new runtime, after one run that warms it up.
    ///
    /// Not one runtime for all rounds: which worker a task lands on may stay as it is for a runtime's whole life, and
    /// a ratio would compare two such accidents however many rounds there are.
    pub(crate) fn sample(&self, flavor: Flavor) -> Duration {
        let mut builder = match flavor {
            Flavor::MultiThread => Builder::new_multi_thread(),
            Flavor::CurrentThread => Builder::new_current_thread(),
        };
        let runtime = builder.worker_threads(2).enable_all().build().expect("the machine lets a runtime start");
        (self.run)(&runtime, self.operations);
        (self.run)(&runtime, self.operations)
    }
}

const fn case(name: &'static str, operations: u32, run: fn(&Runtime, u32) -> Duration) -> Case {
    Case { name, operations, run }
}

/// All cases, in the order of the table.
pub(crate) const ALL: &[Case] = &[
    case("spawn+join, batch", 20_000, spawning::batch),
    case("spawn+join, one at a time", 20_000, spawning::one_at_a_time),
    case("yield_now, 1 task", 20_000, yielding::one_task),
    case("yield_now, 2 tasks", 40_000, yielding::two_tasks),
    case("yield_now, 1000 tasks", 200_000, yielding::thousand_tasks),
    case("mpsc(100) 1->1", 100_000, channels::bounded),
    case("unbounded 1->1", 100_000, channels::unbounded),
    case("ping-pong mpsc(1)x2", 20_000, channels::ping_pong),
    case("mpsc+oneshot request/reply", 20_000, channels::request_reply),
    case("oneshot create+send+recv", 100_000, channels::oneshot),
    case("Mutex uncontended", 200_000, locks::mutex),
    case("Semaphore uncontended", 200_000, locks::semaphore),
    case("Notify one+notified", 200_000, locks::notify),
    case("timeout(10s, ready)", 100_000, timers::timeout_ready),
    case("timeout(10s, pending once)", 50_000, timers::timeout_pending_once),
    case("sleep(10s) create+drop", 200_000, timers::sleep_dropped),
    case("TCP echo 64 B, 1 connection", 1_000, tcp::one_connection),
    case("TCP echo 64 B, 50 connections", 5_000, tcp::fifty_connections),
    case("spawn_blocking, one at a time", 500, blocking::one_at_a_time),
    case("spawn_blocking, 1000 in flight", 2_000, blocking::batch),
];

/// Runs `work` in a task of `runtime` and waits for what it gives.
fn in_task<F>(runtime: &Runtime, work: F) -> F::Output
where
    F: Future<Output: Send> + Send + 'static,
{
    runtime.block_on(async { super::rt::spawn(work).await.expect("a case does not panic") })
}
