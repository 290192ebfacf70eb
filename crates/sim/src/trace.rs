//! What a run decided, as a list, and what happened in it, as a digest.
//!
//! 1. Everything that could differ between two runs of one seed goes in: each decision, each event with its time and its
//!    bytes, each poll.
//! 2. Nothing goes in that may differ between processes: no address, no thread, no real time, no task id.
//! 3. Decisions are kept, in a few bytes each; events are only hashed.
//!
//! [`Choices`](crate::choice::Choices) and the driver write; whoever compares two runs reads.

use std::fmt;

/// What a decision is about. Each kind has a stream of random numbers of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Kind {
    /// Which of the ready tasks runs next.
    Pick = 0,
    /// How long a packet takes, and where a segment is cut.
    Network = 1,
    /// Bits that a program asked for as entropy.
    Entropy = 2,
}

impl Kind {
    pub(crate) const ALL: [Kind; 3] = [Kind::Pick, Kind::Network, Kind::Entropy];
}

/// One decision of a run: `chosen` out of `0..of`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What it is about.
    pub kind: Kind,
    /// How many possibilities there were.
    pub of: u64,
    /// Which one was taken.
    pub chosen: u64,
}

/// The record of a run; see the module's rules.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Trace {
    /// For each decision a byte for its kind, then two numbers of variable length.
    decisions: Vec<u8>,
    digest: u64,
}

/// The first decision in which two runs differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The how-manieth decision of the runs it is, from 0.
    pub at: usize,
    /// What the one run decided; `None`: it had ended.
    pub left: Option<Decision>,
    /// What the other run decided; `None`: it had ended.
    pub right: Option<Decision>,
}

impl Trace {
    pub(crate) fn decided(&mut self, decision: Decision) {
        self.decisions.push(decision.kind as u8);
        push_number(&mut self.decisions, decision.of);
        push_number(&mut self.decisions, decision.chosen);
        self.happened(&[decision.kind as u64, decision.of, decision.chosen]);
    }

    /// Mixes an event into the digest.
    pub(crate) fn happened(&mut self, words: &[u64]) {
        for word in words {
            self.digest = mix(self.digest, *word);
        }
    }

    /// Mixes bytes that were carried into the digest.
    pub(crate) fn carried(&mut self, bytes: &[u8]) {
        self.digest = mix(self.digest, bytes.len() as u64);
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.digest = mix(self.digest, u64::from_le_bytes(word));
        }
    }

    /// A number that is the same for two runs in which the same happened, and most likely different for others.
    pub fn digest(&self) -> u64 {
        self.digest
    }

    /// The decisions in their order.
    pub fn decisions(&self) -> impl Iterator<Item = Decision> {
        let mut rest = self.decisions.as_slice();
        std::iter::from_fn(move || {
            let (kind, numbers) = rest.split_first()?;
            rest = numbers;
            Some(Decision {
                kind: Kind::ALL[usize::from(*kind)],
                of: take_number(&mut rest),
                chosen: take_number(&mut rest),
            })
        })
    }

    /// Where the decisions of two runs part; `None` when they are the same.
    pub fn first_difference(&self, other: &Trace) -> Option<Difference> {
        let (mut left, mut right) = (self.decisions(), other.decisions());
        for at in 0.. {
            let (left, right) = (left.next(), right.next());
            if left != right {
                return Some(Difference { at, left, right });
            }
            if left.is_none() {
                break;
            }
        }
        None
    }
}

impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digest = format_args!("{:016x}", self.digest);
        f.debug_struct("Trace").field("digest", &digest).field("decisions", &self.decisions().count()).finish()
    }
}

fn mix(digest: u64, word: u64) -> u64 {
    let mixed = (digest.rotate_left(5) ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed ^ (mixed >> 32)
}

/// Seven bits a byte; the highest bit says that more follow.
fn push_number(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

fn take_number(bytes: &mut &[u8]) -> u64 {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first().expect("a number is written whole");
        *bytes = rest;
        number |= u64::from(byte & 0x7F) << shift;
        if byte & 0x80 == 0 {
            break;
        }
    }
    number
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pick(of: u64, chosen: u64) -> Decision {
        Decision { kind: Kind::Pick, of, chosen }
    }

    fn trace(decisions: &[Decision]) -> Trace {
        let mut trace = Trace::default();
        decisions.iter().for_each(|decision| trace.decided(*decision));
        trace
    }

    #[test]
    fn decisions_are_read_back_as_they_were_written() {
        let entropy = Decision { kind: Kind::Entropy, of: u64::MAX, chosen: u64::MAX - 1 };
        let all = [pick(2, 0), entropy, pick(127, 126), pick(128, 127), pick(1 << 21, 1 << 20)];
        assert!(trace(&all).decisions().eq(all));
    }

    #[test]
    fn the_first_difference_is_named_also_at_the_end() {
        let (short, long) = (trace(&[pick(3, 1)]), trace(&[pick(3, 1), pick(3, 2)]));
        let other = trace(&[pick(3, 1), pick(3, 0)]);
        assert_eq!(long.first_difference(&long.clone()), None);
        let difference = long.first_difference(&other).unwrap();
        assert_eq!((difference.at, difference.left, difference.right), (1, Some(pick(3, 2)), Some(pick(3, 0))));
        assert_eq!(short.first_difference(&long).unwrap().left, None);
        assert_ne!(long.digest(), other.digest());
    }

    #[test]
    fn the_digest_depends_on_order_and_on_every_byte() {
        let digest = |events: &[&[u8]]| {
            let mut trace = Trace::default();
            events.iter().for_each(|bytes| trace.carried(bytes));
            trace.digest()
        };
        assert_eq!(digest(&[b"one", b"two"]), digest(&[b"one", b"two"]));
        assert_ne!(digest(&[b"one", b"two"]), digest(&[b"two", b"one"]));
        assert_ne!(digest(&[b"one", b"two"]), digest(&[b"onetwo"]));
        assert_ne!(digest(&[b"0123456789"]), digest(&[b"0123456780"]));
        assert_ne!(digest(&[b"x"]), digest(&[b"x\0"]));
    }
}
