//! What several measurements of one thing say: the median, and the middle half of them.

use std::fmt;

/// The middle of what was measured.
pub(crate) struct Spread {
    /// A quarter is below.
    low: f64,
    pub(crate) median: f64,
    /// A quarter is above.
    high: f64,
}

impl Spread {
    /// # Panics
    /// If there are no values.
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Spread {
        let mut sorted: Vec<f64> = values.into_iter().collect();
        assert!(!sorted.is_empty(), "it needs a value");
        sorted.sort_by(f64::total_cmp);
        let at = |share: f64| {
            let place = share * (sorted.len() - 1) as f64;
            let (below, above) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
            below + (above - below) * place.fract()
        };
        Spread { low: at(0.25), median: at(0.5), high: at(0.75) }
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3} ({:.3} to {:.3})", self.median, self.low, self.high)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_the_order_the_middle_is_the_middle() {
        let spread = Spread::of([5.0, 1.0, 4.0, 2.0, 3.0]);
        assert_eq!((spread.low, spread.median, spread.high), (2.0, 3.0, 4.0));
    }

    #[test]
    fn between_two_values_it_lies_halfway() {
        let spread = Spread::of([3.0, 1.0]);
        assert_eq!((spread.low, spread.median, spread.high), (1.5, 2.0, 2.5));
    }
}
