//! Where a runtime's random choices begin.

/// The seed of a runtime's random numbers; see [`Builder::rng_seed`](super::Builder::rng_seed).
///
/// # Examples
/// ```
/// use unstuck::runtime::{Builder, RngSeed};
///
/// let numbers = || {
///     let seed = RngSeed::from_bytes(b"the same in every run");
///     let runtime = Builder::new_current_thread().rng_seed(seed).build().unwrap();
///     runtime.block_on(async {
///         let mut firsts = Vec::new();
///         for _ in 0..10 {
///             unstuck::select! {
///                 _ = async {} => firsts.push(0),
///                 _ = async {} => firsts.push(1),
///             }
///         }
///         firsts
///     })
/// };
/// assert_eq!(numbers(), numbers());
/// ```
#[derive(Clone, Debug)]
pub struct RngSeed(u64);

impl RngSeed {
    /// The seed that these bytes stand for: always the same, and another for other bytes, as good as always.
    ///
    /// # Examples
    /// ```
    /// use unstuck::runtime::{Builder, RngSeed};
    ///
    /// // As told on the command line, to repeat a run.
    /// let seed = std::env::var("SEED").unwrap_or_else(|_| "42".to_owned());
    /// let runtime = Builder::new_current_thread().rng_seed(RngSeed::from_bytes(seed.as_bytes())).build()?;
    /// assert_eq!(runtime.block_on(async { 1 + 1 }), 2);
    /// # Ok::<(), std::io::Error>(())
    /// ```
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
