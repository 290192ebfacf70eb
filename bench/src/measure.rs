//! What both sides share: flavors, clock, median. Nothing here knows a runtime.

use std::time::{Duration, Instant};

/// Which scheduler a case runs on.
#[derive(Clone, Copy)]
pub(crate) enum Flavor {
    /// `multi_thread` with two workers.
    MultiThread,
    /// `current_thread`.
    CurrentThread,
}

impl Flavor {
    /// How the rows call it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Flavor::MultiThread => "MT2",
            Flavor::CurrentThread => "CT",
        }
    }
}

/// The time that `work` takes.
pub(crate) async fn timed<F: Future>(work: F) -> Duration {
    let begin = Instant::now();
    work.await;
    begin.elapsed()
}

/// The middle of `values`; of an even number, the mean of the two in the middle.
pub(crate) fn median(values: &[f64]) -> f64 {
    assert!(!values.is_empty(), "a median needs a value");
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() % 2 {
        1 => sorted[middle],
        _ => f64::midpoint(sorted[middle - 1], sorted[middle]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle_whatever_the_order() {
        assert_eq!(median(&[3.0, 1.0, 2.0]).to_bits(), 2.0_f64.to_bits());
        assert_eq!(median(&[4.0, 1.0, 3.0, 2.0]).to_bits(), 2.5_f64.to_bits());
        assert_eq!(median(&[7.0]).to_bits(), 7.0_f64.to_bits());
    }
}
