//! One seed, one sequence: the random numbers of schedulers, `select!` and the simulator.
//!
//! 1. Not for secrets. Good enough to be fair, cheap enough for a hot path: one multiplication a draw.
//! 2. Never asks for entropy: whoever makes a [`Prng`] brings the seed.

/// A small generator (a Weyl sequence whose words are mixed by a wide multiplication).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prng(u64);

impl Prng {
    /// The generator of this seed. Neighbouring seeds give unrelated sequences.
    pub const fn seeded(seed: u64) -> Self {
        Prng(mix(seed))
    }

    /// The next 64 random bits.
    #[inline]
    pub const fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0xA076_1D64_78BD_642F);
        let wide = (self.0 as u128) * ((self.0 ^ 0xE703_7ED1_A0B4_28DB) as u128);
        (wide >> 64) as u64 ^ wide as u64
    }

    /// The next 32 random bits.
    #[inline]
    pub const fn next_u32(&mut self) -> u32 {
        (self.next_u64() >> 32) as u32
    }

    /// A number in `0..n`, each as likely as the others to within `n / 2^32`.
    ///
    /// # Panics
    /// If `n` is 0: there is no such number.
    #[inline]
    pub const fn below(&mut self, n: u32) -> u32 {
        assert!(n > 0, "a random choice needs at least one candidate");
        ((self.next_u32() as u64 * n as u64) >> 32) as u32
    }
}

/// Spreads the bits of a seed, so that seeds 1, 2, 3 start far apart.
const fn mix(seed: u64) -> u64 {
    let z = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::Prng;

    #[test]
    fn one_seed_gives_one_sequence_and_neighbours_differ() {
        let draw = |seed| {
            let mut prng = Prng::seeded(seed);
            (0..100).map(|_| prng.next_u64()).collect::<Vec<_>>()
        };
        assert_eq!(draw(7), draw(7));
        assert!(draw(7).iter().zip(draw(8)).all(|(a, b)| *a != b));
    }

    #[test]
    fn below_reaches_every_number_about_as_often() {
        let mut prng = Prng::seeded(1);
        let mut seen = [0u32; 5];
        for _ in 0..50_000 {
            seen[prng.below(5) as usize] += 1;
        }
        assert!(seen.iter().all(|n| (9_000..11_000).contains(n)), "{seen:?}");
    }

    #[test]
    #[should_panic(expected = "at least one candidate")]
    fn below_zero_is_refused() {
        Prng::seeded(1).below(0);
    }
}
