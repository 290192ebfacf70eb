//! Every decision of a run goes through [`Choices::choose`].
//!
//! 1. Each kind of decision draws from a stream of its own, so that one packet more does not change which task is
//!    picked next.
//! 2. What leaves no choice draws nothing and leaves no trace.
//!
//! Whoever replays or shrinks a run only has to answer here in another way.

use unstuck_base::prng::Prng;

use crate::trace::{Decision, Kind, Trace};

/// The random streams of a run and the record of what they decided; see the module's rules.
#[derive(Debug)]
pub(crate) struct Choices {
    streams: [Prng; Kind::ALL.len()],
    pub(crate) trace: Trace,
}

impl Choices {
    /// The choices of this seed, and a generator for the thread's random numbers.
    pub(crate) fn seeded(seed: u64) -> (Choices, Prng) {
        let mut root = Prng::seeded(seed);
        let of_thread = Prng::seeded(root.next_u64());
        // A kind that is added at the end leaves the others their streams.
        let streams = Kind::ALL.map(|_| Prng::seeded(root.next_u64()));
        (Choices { streams, trace: Trace::default() }, of_thread)
    }

    /// One of `0..of`, each as likely as the others.
    pub(crate) fn choose(&mut self, kind: Kind, of: u64) -> u64 {
        assert!(of > 0, "a choice needs at least one possibility");
        if of == 1 {
            return 0;
        }
        let drawn = self.streams[kind as usize].next_u64();
        let chosen = ((u128::from(drawn) * u128::from(of)) >> 64) as u64;
        self.trace.decided(Decision { kind, of, chosen });
        chosen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_do_not_disturb_each_other() {
        let picks = |network_between: bool| {
            let (mut choices, _) = Choices::seeded(5);
            let draw = |_| {
                if network_between {
                    choices.choose(Kind::Network, 1000);
                }
                choices.choose(Kind::Pick, 10)
            };
            (0..100).map(draw).collect::<Vec<_>>()
        };
        assert_eq!(picks(false), picks(true));
    }

    #[test]
    fn what_leaves_no_choice_leaves_no_trace() {
        let (mut choices, _) = Choices::seeded(5);
        assert_eq!(choices.choose(Kind::Pick, 1), 0);
        assert_eq!(choices.trace.decisions().count(), 0);
        assert!(choices.choose(Kind::Pick, 2) < 2);
        assert_eq!(choices.trace.decisions().count(), 1);
    }
}
