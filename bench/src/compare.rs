//! Runs a case on both sides in turn and makes its row.

use std::fmt;
use std::time::Duration;

use crate::arguments::Arguments;
use crate::measure::{Flavor, median};
use crate::{tokio_side, unstuck_side};

/// The table's head, in the columns of [`Row`].
pub(crate) const HEADER: &str = "\
case                                       unstuck ns/op   tokio ns/op   ratio   (rounds: best .. worst)";

/// One case, measured.
pub(crate) struct Row {
    name: String,
    unstuck: f64,
    tokio: f64,
    /// unstuck's time over tokio's: below 1, unstuck is faster.
    ratio: f64,
    best: f64,
    worst: f64,
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Row { name, unstuck, tokio, ratio, best, worst } = self;
        write!(f, "{name:<42}{unstuck:14.1}{tokio:14.1}{ratio:8.2}   ({best:.2} .. {worst:.2})")
    }
}

/// The names of all rows.
pub(crate) fn names() -> impl Iterator<Item = String> {
    let flavors = [Flavor::MultiThread, Flavor::CurrentThread];
    flavors.into_iter().flat_map(|flavor| unstuck_side::cases::ALL.iter().map(move |case| name(flavor, case.name)))
}

/// The wanted rows of one flavor, each measured when it is asked for.
pub(crate) fn rows(flavor: Flavor, arguments: &Arguments) -> impl Iterator<Item = Row> {
    let pairs = unstuck_side::cases::ALL.iter().zip(tokio_side::cases::ALL);
    pairs.filter(move |(unstuck, _)| arguments.wants(&name(flavor, unstuck.name))).map(move |(unstuck, tokio)| {
        assert_eq!(unstuck.name, tokio.name, "both sides are compiled from the same table");
        let samples = pairs_of_rounds(arguments.rounds, || unstuck.sample(flavor), || tokio.sample(flavor));
        row(name(flavor, unstuck.name), unstuck.operations, &samples)
    })
}

fn name(flavor: Flavor, case: &str) -> String {
    format!("{:<3} {case}", flavor.name())
}

/// Both sides' times, one pair a round. The sides take turns at going first.
fn pairs_of_rounds(
    rounds: usize,
    mut unstuck: impl FnMut() -> Duration,
    mut tokio: impl FnMut() -> Duration,
) -> Vec<(Duration, Duration)> {
    let pair = |round| {
        if round % 2 == 0 {
            let first = unstuck();
            (first, tokio())
        } else {
            let first = tokio();
            (unstuck(), first)
        }
    };
    (0..rounds).map(pair).collect()
}

fn row(name: String, operations: u32, samples: &[(Duration, Duration)]) -> Row {
    let each = |time: Duration| time.as_secs_f64() * 1e9 / f64::from(operations);
    let unstuck: Vec<f64> = samples.iter().map(|(unstuck, _)| each(*unstuck)).collect();
    let tokio: Vec<f64> = samples.iter().map(|(_, tokio)| each(*tokio)).collect();
    let ratios: Vec<f64> = unstuck.iter().zip(&tokio).map(|(unstuck, tokio)| unstuck / tokio).collect();
    Row {
        name,
        unstuck: median(&unstuck),
        tokio: median(&tokio),
        ratio: median(&ratios),
        best: ratios.iter().copied().fold(f64::INFINITY, f64::min),
        worst: ratios.iter().copied().fold(0.0, f64::max),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    const fn micros(unstuck: u64, tokio: u64) -> (Duration, Duration) {
        (Duration::from_micros(unstuck), Duration::from_micros(tokio))
    }

    #[test]
    fn the_ratio_is_the_median_of_the_rounds_not_of_the_sides() {
        let row = row("MT2 x".to_owned(), 1000, &[micros(10, 20), micros(90, 100), micros(20, 80)]);
        assert_eq!(row.to_string(), format!("{:<42}          20.0          80.0    0.50   (0.25 .. 0.90)", "MT2 x"));
    }

    #[test]
    fn both_sides_run_in_every_round_and_take_turns_at_going_first() {
        let order = RefCell::new(String::new());
        let side = |letter: char, millis: u64| {
            order.borrow_mut().push(letter);
            Duration::from_millis(millis)
        };
        let pairs = pairs_of_rounds(3, || side('u', 1), || side('t', 2));
        assert_eq!(pairs, [(Duration::from_millis(1), Duration::from_millis(2)); 3]);
        assert_eq!(*order.borrow(), "uttuut");
    }
}
