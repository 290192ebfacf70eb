//! The only source of chance in this program: how keys are hashed, and which member `SPOP` takes.
//!
//! 1. Replies never depend on how keys are hashed: the tables of [`Map`] and [`Set`] keep an order of their own.
//! 2. Hence a run is repeated exactly by replacing [`Dice::new`] alone.

use std::hash::{BuildHasher, RandomState};

/// A hash table in which entries also have positions; removing one moves the last entry to its place.
pub(crate) type Map<K, V> = indexmap::IndexMap<K, V, RandomState>;
/// The same for values without a partner.
pub(crate) type Set<T> = indexmap::IndexSet<T, RandomState>;

/// A small generator, seeded once by the operating system. Not for secrets.
#[derive(Debug)]
pub(crate) struct Dice {
    state: u64,
}

impl Dice {
    pub(crate) fn new() -> Dice {
        Dice::seeded(RandomState::new().hash_one(0_u64))
    }

    pub(crate) fn seeded(seed: u64) -> Dice {
        Dice { state: seed }
    }

    /// A number below `limit`, which is not zero.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        // Splitmix64: a counter, scrambled. The product's upper half spreads it evenly over the range.
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.state;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^= bits >> 31;
        ((u128::from(bits) * limit as u128) >> 64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_side_comes_up_and_none_beyond() {
        let mut dice = Dice::seeded(7);
        let mut seen = [0; 6];
        for _ in 0..6_000 {
            seen[dice.below(6)] += 1;
        }
        assert!(seen.iter().all(|count| (800..1200).contains(count)), "{seen:?}");
    }
}
