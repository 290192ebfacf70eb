//! The scenarios, in the words of tokio's API. This folder is compiled once for each side, against `super::rt`.

mod blocked;
mod burning;
mod idle;
mod in_place;

use std::time::Duration;

use super::rt::runtime::{Builder, Runtime};

/// How many workers every runtime has.
const WORKERS: usize = 2;

/// How long a scenario is watched.
const WATCHED: Duration = Duration::from_secs(4);

/// All of them: a name, and what it says in the end.
pub(crate) const ALL: &[sides::Scenario] = &[
    ("nobody blocks: 1 ms tickers | echo", blocked::nobody),
    ("one sleeps 500 ms of each second: tickers | echo", blocked::one_sleeps),
    ("one burns 500 ms of each second: tickers | echo", blocked::one_burns),
    ("all sleep 500 ms of each second: tickers | echo", blocked::all_sleep),
    ("all burn 500 ms of each second: tickers | echo", blocked::all_burn),
    ("a task woken just before its waker blocks for 500 ms", blocked::woken_before),
    ("half of the tasks burn 100 ms a poll: tickers | echo", burning::half),
    ("64 block_in_place with block_on inside", in_place::many),
    ("10000 short block_in_place", in_place::short),
    ("nobody does anything", idle::nothing),
    ("a task runs ten times a second", idle::ten_a_second),
    ("echo under load: CPU", idle::echo),
];

fn runtime() -> Runtime {
    let built = Builder::new_multi_thread().worker_threads(WORKERS).enable_all().build();
    built.expect("the machine lets a runtime start")
}

/// Uses a core for so long.
fn burn(time: Duration) {
    let end = std::time::Instant::now() + time;
    while std::time::Instant::now() < end {
        std::hint::spin_loop();
    }
}
