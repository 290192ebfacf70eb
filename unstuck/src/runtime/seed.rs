//! Where a runtime's random choices begin.

/// The seed of a runtime's random numbers; see [`Builder::rng_seed`](super::Builder::rng_seed).
///
/// # Examples
/// ```
/// use unstuck::runtime::{Builder, RngSeed};
///
/// let runtime = Builder::new_current_thread().rng_seed(RngSeed::from_bytes(b"the same in every run")).build()?;
/// # drop(runtime);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct RngSeed(u64);

impl RngSeed {
    /// The seed that these bytes stand for: always the same, and another for other bytes, as good as always.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        // FNV-1a: short, and it depends on every byte and on their order.
        let mixed = bytes.iter().fold(0xCBF2_9CE4_8422_2325, |seed: u64, byte| {
            (seed ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01B3)
        });
        RngSeed(mixed)
    }

    pub(super) fn number(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seed_depends_on_every_byte_and_their_order() {
        let seed = |bytes: &[u8]| RngSeed::from_bytes(bytes).number();
        assert_eq!(seed(b"seed"), seed(b"seed"));
        assert_ne!(seed(b"seed"), seed(b"deed"));
        assert_ne!(seed(b"ab"), seed(b"ba"));
        assert_ne!(seed(b""), seed(b"\0"));
    }
}
