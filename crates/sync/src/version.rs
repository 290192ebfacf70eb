//! How often something was changed, whether it will be again, and whether anybody waits for that: one word.
//!
//! For a watch the changes are versions of the value, for a broadcast they are messages.
//!
//! The word is `version << 2 | CLOSED | WAITERS`.
//!
//! | event \ word     | nobody waits       | WAITERS                                 | CLOSED                     |
//! |------------------|--------------------|-----------------------------------------|----------------------------|
//! | change           | version + 1        | version + 1, take the waiters           | - (no sender is left)      |
//! | close            | + CLOSED           | + CLOSED, take the waiters              | -                          |
//! | wait at version  | + WAITERS if it is still that version and open, else News             | News                       |
//! | take the waiters | -                  | - WAITERS                               | - WAITERS                  |
//!
//! 1. What a change is about is written before `change`, and seen by who sees the new version.
//! 2. WAITERS is set by who waits and taken by who has news, both under the lock of the wait list. Whoever has news and
//!    finds it set calls the list afterwards: who waits and who has news change one word, so one of them comes second
//!    and sees the other. If nobody waits, a change touches no list.

use unstuck_base::const_unless_model;
use unstuck_base::sync::atomic::{AtomicUsize, Ordering};
use unstuck_base::wake_batch::WakeBatch;

use crate::wait_list::WaitList;

const WAITERS: usize = 1;
const CLOSED: usize = 2;
const SHIFT: u32 = 2;
const ONE: usize = 1 << SHIFT;

/// The word; see the table.
#[derive(Debug)]
pub(crate) struct Version(AtomicUsize);

/// A version of the value. It wraps around.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seen(usize);

/// What somebody who has seen a version finds.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// There is a newer version: this.
    Changed(Seen),
    /// There will be no newer version.
    Closed,
    /// Nothing new.
    Same,
}

impl Version {
    const_unless_model! {
        /// The first version, open.
        pub(crate) fn new() -> Self {
            Version(AtomicUsize::new(0))
        }
    }

    /// The version of this moment.
    pub(crate) fn now(&self) -> Seen {
        // Acquire: pairs with the Release in `change`.
        Seen(self.0.load(Ordering::Acquire) >> SHIFT)
    }

    /// Whether [`close`](Version::close) was called.
    pub(crate) fn is_closed(&self) -> bool {
        // Acquire: pairs with the Release in `close`.
        self.0.load(Ordering::Acquire) & CLOSED != 0
    }

    /// What there is for who has seen `seen`.
    pub(crate) fn find(&self, seen: Seen) -> Found {
        // Acquire: as in `now` and `is_closed`.
        found(self.0.load(Ordering::Acquire), seen)
    }

    /// Something was changed. `true`: [`call_waiters`](Version::call_waiters).
    #[must_use = "somebody may wait"]
    pub(crate) fn change(&self) -> bool {
        // AcqRel: Release pairs with the Acquires of who looks; Acquire sees that somebody waits.
        self.0.fetch_add(ONE, Ordering::AcqRel) & WAITERS != 0
    }

    /// The last one who makes changes is gone. `true`: [`call_waiters`](Version::call_waiters).
    #[must_use = "somebody may wait"]
    pub(crate) fn close(&self) -> bool {
        // AcqRel: as in `change`.
        self.0.fetch_or(CLOSED, Ordering::AcqRel) & WAITERS != 0
    }

    /// Somebody is about to wait who has seen `seen`, under the list's lock. `true`: there is news, no need to wait.
    pub(crate) fn wait(&self, seen: Seen) -> bool {
        // AcqRel: Release shows who has news that somebody waits; Acquire sees the news.
        found(self.0.fetch_or(WAITERS, Ordering::AcqRel), seen) != Found::Same
    }

    /// Calls everybody who waits in `list`, the one of this word, for the news that have been made.
    #[cold]
    pub(crate) fn call_waiters(&self, list: &WaitList) {
        let mut batch = WakeBatch::new();
        let mut queue = list.lock();
        self.take_waiters();
        queue.call_all(&mut batch);
        drop(queue);
        batch.wake_all();
    }

    fn take_waiters(&self) {
        // Relaxed: both this and `wait` are under the list's lock.
        self.0.fetch_and(!WAITERS, Ordering::Relaxed);
    }
}

fn found(word: usize, seen: Seen) -> Found {
    let now = Seen(word >> SHIFT);
    if now != seen {
        Found::Changed(now)
    } else if word & CLOSED != 0 {
        Found::Closed
    } else {
        Found::Same
    }
}

/// As many bits as the word has for the version.
const MASK: usize = usize::MAX >> SHIFT;

impl Seen {
    /// The version `n` changes later.
    pub(crate) fn plus(self, n: usize) -> Self {
        Seen(self.0.wrapping_add(n) & MASK)
    }

    /// The version `n` changes earlier.
    pub(crate) fn minus(self, n: usize) -> Self {
        Seen(self.0.wrapping_sub(n) & MASK)
    }

    /// How many changes later this is than `earlier`.
    pub(crate) fn since(self, earlier: Seen) -> usize {
        self.0.wrapping_sub(earlier.0) & MASK
    }

    /// Which of `slots`, a power of two, is this version's.
    pub(crate) fn slot(self, slots: usize) -> usize {
        debug_assert!(slots.is_power_of_two());
        self.0 & (slots - 1)
    }
}

#[cfg(all(test, not(unstuck_loom)))]
mod tests {
    use super::*;

    #[test]
    fn every_state_meets_every_event_as_the_table_says() {
        for version in [0, 1, 5, MASK] {
            for flags in 0..4 {
                let (waits, closed) = (flags & WAITERS != 0, flags & CLOSED != 0);
                let word = || Version(AtomicUsize::new(version << SHIFT | flags));
                let seen = word().now();
                assert_eq!(word().find(seen), if closed { Found::Closed } else { Found::Same });
                assert_eq!(word().find(seen.minus(1)), Found::Changed(seen));

                let changed = word();
                assert_eq!(changed.change(), waits);
                assert_eq!(changed.now(), Seen(version.wrapping_add(1) & MASK));
                assert_eq!(changed.is_closed(), closed, "a version that wraps around leaves the flags alone");
                assert_ne!(changed.now(), seen);

                let closing = word();
                assert_eq!(closing.close(), waits);
                assert!(closing.is_closed() && closing.now() == seen);

                let waiting = word();
                assert_eq!(waiting.wait(seen), closed);
                assert!(waiting.change(), "who waits is seen");
                waiting.take_waiters();
                assert!(!waiting.change());
                assert!(word().wait(seen.minus(1)), "there is a newer version");
            }
        }
    }
}
