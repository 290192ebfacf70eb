//! Random decisions that a seed repeats.
//!
//! 1. Every round, and in it every scenario, has numbers of its own that follow from the seed and its place alone: whatever
//!    threads do in between, the same seed decides the same.

use std::ops::RangeInclusive;

/// A stream of random numbers.
#[derive(Clone, Debug)]
pub(crate) struct Rng(u64);

impl Rng {
    pub(crate) fn new(seed: u64) -> Rng {
        Rng(seed)
    }

    /// Another stream, which follows from this one.
    pub(crate) fn fork(&mut self) -> Rng {
        Rng(self.next())
    }

    /// The stream for the `number`th of something.
    pub(crate) fn nth(seed: u64, number: u64) -> Rng {
        Rng(Rng(seed ^ number.wrapping_mul(0xD134_2543_DE82_EF95)).next())
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number in `range`.
    pub(crate) fn pick(&mut self, range: RangeInclusive<u64>) -> u64 {
        range.start() + self.next() % (range.end() - range.start() + 1)
    }

    /// A number in `range`, to count with.
    pub(crate) fn count(&mut self, range: RangeInclusive<usize>) -> usize {
        self.pick(*range.start() as u64..=*range.end() as u64) as usize
    }

    /// True once in `times`.
    pub(crate) fn one_in(&mut self, times: u64) -> bool {
        self.next().is_multiple_of(times)
    }

    /// A time of at most so many microseconds.
    pub(crate) fn micros(&mut self, most: u64) -> std::time::Duration {
        std::time::Duration::from_micros(self.pick(0..=most))
    }

    /// One of `those`.
    pub(crate) fn among<T: Copy>(&mut self, those: &[T]) -> T {
        those[self.count(0..=those.len() - 1)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_decides_the_same_and_another_one_does_not() {
        let first = |seed, number| Rng::nth(seed, number).next();
        assert_eq!(first(7, 3), first(7, 3));
        assert_ne!(first(7, 3), first(7, 4));
        assert_ne!(first(7, 3), first(8, 3));
    }

    #[test]
    fn both_ends_of_a_range_are_picked() {
        let mut rng = Rng::new(1);
        let picked: Vec<_> = (0..100).map(|_| rng.pick(3..=5)).collect();
        assert!((3..=5).all(|wanted| picked.contains(&wanted)));
        assert!(picked.iter().all(|number| (3..=5).contains(number)));
    }
}
