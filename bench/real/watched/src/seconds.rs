//! CPU time: what a process uses for an operation, with the monitor and without.
//!
//! 1. Within a round all sides run right after each other and take turns at going first, so that whatever else the machine
//!    does falls on all of them. A ratio is the median of the rounds' ratios; in brackets, what the middle half of them is.
//! 2. "off / off" is the same program twice, measured in the same way: a ratio that is no further from 1 than that, or
//!    than its middle half, says nothing.
//! 3. The system knows what it gave to each thread, so the monitor's own share of the process has no such noise.
//!
//! Only `main` calls in.

use std::process::Command;
use std::time::Duration;

use unstuck::runtime::Runtime;

use crate::arguments::Arguments;
use crate::child::{Answer, Setting, Side, Task};
use crate::operation::Operation;
use crate::spread::Spread;
use crate::unstuck_side::operations::ALL;

const ROUNDS: usize = 15;
/// Tokio is only there to compare with: it does one in so many of the operations, so that a run does not take twice as long.
const TOKIO_DOES: u32 = 4;

const HEADER: &str = "\
CPU time (user and system) of the whole process in ns per operation, 2 workers; off: unstuck without its monitor.
operation                      tokio       off        on   on / off                 off / off                monitor
";

/// Prints a row for each operation, as soon as it is measured.
pub(crate) fn show(arguments: &Arguments) {
    print!("{HEADER}");
    let rounds = arguments.rounds.unwrap_or(ROUNDS);
    for (index, operation) in arguments.wanted(ALL) {
        let rounds: Vec<_> = (0..rounds).map(|number| Round::run(index, operation, number)).collect();
        println!("{}", row(operation, &rounds));
    }
}

/// In nanoseconds per operation.
#[derive(Default)]
struct Round {
    tokio: f64,
    off: f64,
    off_again: f64,
    on: f64,
    /// How much of `on` is the monitor's own.
    monitor: f64,
}

impl Round {
    fn run(index: usize, operation: &Operation<Runtime>, number: usize) -> Round {
        let mut round = Round::default();
        let mut turns = [0, 1, 2, 3];
        turns.rotate_left(number % 4);
        for turn in turns {
            match turn {
                0 => round.tokio = measure(Side::Tokio, index, operation).0,
                1 => round.off = measure(Side::Off, index, operation).0,
                2 => (round.on, round.monitor) = measure(Side::On, index, operation),
                _ => round.off_again = measure(Side::Off, index, operation).0,
            }
        }
        round
    }
}

/// The CPU time of the process, and of the monitor.
fn measure(side: Side, index: usize, operation: &Operation<Runtime>) -> (f64, f64) {
    let count = if side == Side::Tokio { operation.seconds / TOKIO_DOES } else { operation.seconds };
    let task = Task { side, setting: Setting::Plain, operation: index, count };
    let mut child = Command::new(std::env::current_exe().expect("the system knows which program this is"));
    child.args(task.arguments());
    let answer = Answer::of(child);
    let each = |time: Duration| time.as_secs_f64() * 1e9 / f64::from(count);
    (each(answer.cpu), each(answer.monitor))
}

fn row(operation: &Operation<Runtime>, rounds: &[Round]) -> String {
    let spread = |value: fn(&Round) -> f64| Spread::of(rounds.iter().map(value));
    let [tokio, off, on] = [spread(|round| round.tokio), spread(|round| round.off), spread(|round| round.on)];
    let (watched, noise) = (spread(|round| round.on / round.off), spread(|round| round.off_again / round.off));
    let monitor = spread(|round| round.monitor / round.on * 100.0).median;
    let [tokio, off, on] = [tokio.median, off.median, on.median];
    let name = operation.name;
    format!("{name:26} {tokio:9.1} {off:9.1} {on:9.1}   {watched:24} {noise:24} {monitor:5.2} %")
}
