//! What a socket was last seen to be ready for, packed with a count of the events that said so.
//!
//! | word \ event   | `set(r)`             | `clear(seen)`                      | `shut`   | `reset(r)`             |
//! |----------------|----------------------|------------------------------------|----------|------------------------|
//! | tick = seen    | ready + r, tick + 1  | ready - seen                       | SHUT     | r, tick + 1            |
//! | tick > seen    | ready + r, tick + 1  | unchanged: the clear is stale      | SHUT     | r, tick + 1            |
//! | SHUT           | ready + r, tick + 1  | as above                           | SHUT     | r, tick + 1, not SHUT  |
//!
//! 1. Every event changes the tick, also one that sets no new bit: whoever looks, tries, fails and clears does not
//!    wipe out an event that came between its look and its clear.
//! 2. The tick has 48 bits: it does not come around while anybody holds an old one.

use unstuck_base::const_unless_model;
use unstuck_base::interest::Ready;
use unstuck_base::sync::atomic::{AtomicU64, Ordering};

const SHUT: u64 = 1 << 8;
const TICK: u64 = 1 << 16;

/// What was seen at one moment: pass it to [`Readiness::clear`](super::Readiness::clear) after the operation that it
/// promised turned out to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadyEvent {
    ready: Ready,
    tick: u64,
    shutdown: bool,
}

impl ReadyEvent {
    /// What the socket is ready for, as far as was asked.
    pub const fn ready(self) -> Ready {
        self.ready
    }

    /// Whether the runtime has shut down: no further event will come.
    pub const fn is_shutdown(self) -> bool {
        self.shutdown
    }

    /// This event without the closed sides: what may become untrue again.
    #[must_use = "this returns the narrowed event and changes nothing"]
    pub const fn without_closed(self) -> ReadyEvent {
        self.narrowed(Ready::READABLE.union(Ready::WRITABLE).union(Ready::PRIORITY).union(Ready::ERROR))
    }

    /// This event, as far as it is about `ready`.
    #[must_use = "this returns the narrowed event and changes nothing"]
    pub const fn narrowed(self, ready: Ready) -> ReadyEvent {
        ReadyEvent { ready: self.ready.intersection(ready), ..self }
    }

    /// Whether a wait for `wanted` ends with this.
    pub(super) const fn ends_wait_for(self, wanted: Ready) -> bool {
        self.shutdown || !self.ready.intersection(wanted).is_empty()
    }

    const fn unpack(word: u64) -> ReadyEvent {
        ReadyEvent { ready: Ready::from_bits(word as u8), tick: word / TICK, shutdown: word & SHUT != 0 }
    }
}

/// The word; see the table.
#[derive(Debug)]
pub(super) struct Word(AtomicU64);

impl Word {
    const_unless_model! {
        pub(super) fn new(ready: Ready) -> Self {
            Word(AtomicU64::new(ready.bits() as u64))
        }
    }

    #[inline]
    pub(super) fn load(&self) -> ReadyEvent {
        // Acquire: pairs with the Release in `set`, whose caller may have prepared what the operation will find.
        ReadyEvent::unpack(self.0.load(Ordering::Acquire))
    }

    pub(super) fn set(&self, ready: Ready) {
        self.change(|word| Some(word.wrapping_add(TICK) | u64::from(ready.bits())));
    }

    pub(super) fn clear(&self, seen: ReadyEvent) {
        self.change(|word| (word / TICK == seen.tick).then_some(word & !u64::from(seen.ready.bits())));
    }

    pub(super) fn reset(&self, ready: Ready) {
        self.change(|word| Some((word / TICK * TICK).wrapping_add(TICK) | u64::from(ready.bits())));
    }

    pub(super) fn shut(&self) {
        self.change(|word| Some(word | SHUT));
    }

    /// A compare-and-swap loop; `None` leaves the word alone.
    fn change(&self, new: impl Fn(u64) -> Option<u64>) {
        let mut word = self.0.load(Ordering::Relaxed);
        while let Some(changed) = new(word) {
            // Release: pairs with the Acquire in `load`. Acquire: a later `set` passes on what an earlier one published.
            match self.0.compare_exchange_weak(word, changed, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return,
                Err(now) => word = now,
            }
        }
    }
}

#[cfg(all(test, not(unstuck_loom)))]
mod tests {
    use super::*;

    #[test]
    fn every_pair_of_the_table() {
        for shut in [false, true] {
            for bits in 0..=Ready::ALL.bits() {
                let ready = Ready::from_bits(bits);
                let word = Word::new(ready);
                if shut {
                    word.shut();
                }
                let seen = word.load();
                assert_eq!((seen.ready(), seen.is_shutdown()), (ready, shut));
                word.set(Ready::READABLE);
                assert_eq!(word.load().ready(), ready | Ready::READABLE);
                word.clear(seen);
                assert_eq!(word.load().ready(), ready | Ready::READABLE, "a stale clear changes nothing");
                word.clear(word.load().without_closed());
                assert_eq!(word.load().ready(), ready & (Ready::READ_CLOSED | Ready::WRITE_CLOSED));
                assert!(!word.load().narrowed(Ready::READ_CLOSED).ready().is_write_closed());
                word.clear(word.load());
                assert!(word.load().ready().is_empty());
                assert_eq!(word.load().is_shutdown(), shut);
                word.reset(ready);
                assert_eq!((word.load().ready(), word.load().is_shutdown()), (ready, false));
                assert_ne!(word.load(), seen, "a reset is an event as well");
            }
        }
    }

    #[test]
    fn shutdown_ends_every_wait() {
        let word = Word::new(Ready::EMPTY);
        assert!(!word.load().ends_wait_for(Ready::WRITABLE));
        word.shut();
        assert!(word.load().ends_wait_for(Ready::WRITABLE));
    }
}
