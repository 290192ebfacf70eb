//! Instructions: what the operations themselves pay for being watched.
//!
//! 1. Two children differ only in how many operations they do; the difference is what the operations cost, without the
//!    runtime's start and end.
//! 2. The monitor's thread is counted apart. It looks every so many milliseconds, and under valgrind, which runs one
//!    thread at a time and each some fifty times slower, far fewer operations fit between two looks: its own instructions
//!    *per operation* mean nothing here. What it uses, the CPU time shows (`seconds`).
//! 3. One worker; "off" is measured twice, as in `seconds`.
//!
//! Only `main` calls in.

use unstuck::runtime::Runtime;

use crate::arguments::Arguments;
use crate::callgrind::{self, Counted};
use crate::child::{Setting, Side, Task};
use crate::operation::Operation;
use crate::spread::Spread;
use crate::unstuck_side::operations::ALL;

const ROUNDS: usize = 5;

const HEADER: &str = "\
Instructions per operation in the program (not in the system), 1 worker, without the monitor's own thread, which looks by
the clock and so far too often for what the others do under valgrind. off: unstuck without its monitor.
operation                      tokio       off        on   on / off                 off / off
";

/// Prints a row for each operation, as soon as it is measured; `Err`: why nothing can be.
pub(crate) fn show(arguments: &Arguments) -> Result<(), String> {
    if !callgrind::is_installed() {
        return Err("instructions are counted by valgrind: install it (Debian: `apt-get install valgrind`)".to_owned());
    }
    print!("{HEADER}");
    let rounds = arguments.rounds.unwrap_or(ROUNDS);
    for (index, operation) in arguments.wanted(ALL) {
        let rounds: Vec<_> = (0..rounds).map(|_| Round::run(index, operation)).collect();
        println!("{}", row(operation, &rounds));
    }
    Ok(())
}

/// Instructions per operation.
struct Round {
    tokio: f64,
    off: f64,
    on: f64,
    off_again: f64,
}

impl Round {
    fn run(index: usize, operation: &Operation<Runtime>) -> Round {
        let [tokio, off, on, off_again] =
            [Side::Tokio, Side::Off, Side::On, Side::Off].map(|side| measure(side, index, operation));
        Round { tokio, off, on, off_again }
    }
}

fn measure(side: Side, index: usize, operation: &Operation<Runtime>) -> f64 {
    let count =
        |count| -> Counted { callgrind::count(&Task { side, setting: Setting::Slowed, operation: index, count }) };
    let (few, many) = (count(operation.instructions), count(2 * operation.instructions));
    assert_eq!(few.monitor > 0, side == Side::On, "what the monitor did is found when it is there");
    (many.others as f64 - few.others as f64) / f64::from(operation.instructions)
}

fn row(operation: &Operation<Runtime>, rounds: &[Round]) -> String {
    let spread = |value: fn(&Round) -> f64| Spread::of(rounds.iter().map(value));
    let [tokio, off, on] = [spread(|round| round.tokio), spread(|round| round.off), spread(|round| round.on)];
    let (watched, noise) = (spread(|round| round.on / round.off), spread(|round| round.off_again / round.off));
    let [tokio, off, on] = [tokio.median, off.median, on.median];
    format!("{:26} {tokio:9.1} {off:9.1} {on:9.1}   {watched:24} {noise:24}", operation.name)
}
