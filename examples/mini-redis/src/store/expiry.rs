//! Which key lapses when, in order of time.
//!
//! 1. Holds exactly the deadlines that the table's entries have: whoever changes one changes the other.
//!
//! It reads no clock and wakes nobody: the keeper asks for the first deadline and sleeps until then.

use std::collections::BTreeSet;

use super::Key;
use crate::clock::UnixMillis;

#[derive(Debug, Default)]
pub(super) struct Deadlines {
    order: BTreeSet<(UnixMillis, Key)>,
}

impl Deadlines {
    pub(super) fn insert(&mut self, deadline: UnixMillis, key: Key) {
        let new = self.order.insert((deadline, key));
        debug_assert!(new);
    }

    pub(super) fn remove(&mut self, deadline: UnixMillis, key: Key) {
        let known = self.order.remove(&(deadline, key));
        debug_assert!(known);
    }

    pub(super) fn first(&self) -> Option<UnixMillis> {
        self.order.first().map(|(deadline, _)| *deadline)
    }

    /// A key whose deadline is `now` or earlier; it is forgotten here.
    pub(super) fn pop_due(&mut self, now: UnixMillis) -> Option<Key> {
        if self.first()? > now {
            return None;
        }
        self.order.pop_first().map(|(_, key)| key)
    }

    pub(super) fn len(&self) -> usize {
        self.order.len()
    }
}
