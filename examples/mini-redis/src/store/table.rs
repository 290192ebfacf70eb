//! The keys of one database, with their values and deadlines.
//!
//! 1. `deadlines` and the entries agree (see `expiry`).
//! 2. Entries have positions; removing one moves the last entry to its place. [`Table::scan`] walks the positions
//!    downward, so an entry that is there from the first call to the last is seen: a removal moves only an entry that
//!    was seen already, or one that stays below the cursor; an insertion goes to the end.
//! 3. Whatever lapsed is remembered by name in `lapsed` until somebody takes it for the append-only file.

use super::expiry::Deadlines;
use super::value::Value;
use super::{Key, Lifetime};
use crate::clock::UnixMillis;
use crate::random::Map;

#[derive(Debug, Default)]
pub(super) struct Table {
    entries: Map<Key, Entry>,
    deadlines: Deadlines,
    lapsed: Vec<Key>,
}

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) value: Value,
    pub(super) deadline: Option<UnixMillis>,
}

/// Where an entry is, until the next insertion or removal.
#[derive(Clone, Copy, Debug)]
pub(super) struct Position(usize);

impl Table {
    /// Finds the entry, unless it has lapsed by `now`; then it is removed.
    pub(super) fn find(&mut self, key: &[u8], now: UnixMillis) -> Option<Position> {
        let (index, _, entry) = self.entries.get_full(key)?;
        if entry.deadline.is_some_and(|deadline| deadline <= now) {
            let key = self.remove(Position(index));
            self.lapsed.push(key);
            return None;
        }
        Some(Position(index))
    }

    pub(super) fn entry(&self, position: Position) -> &Entry {
        &self.entries[position.0]
    }

    pub(super) fn value_mut(&mut self, position: Position) -> &mut Value {
        &mut self.entries[position.0].value
    }

    /// Inserts a key that [`Table::find`] did not find.
    pub(super) fn insert(&mut self, key: &[u8], value: Value) -> Position {
        let (index, previous) = self.entries.insert_full(Key::from(key), Entry { value, deadline: None });
        debug_assert!(previous.is_none());
        Position(index)
    }

    pub(super) fn set_lifetime(&mut self, position: Position, lifetime: Lifetime) {
        let deadline = match lifetime {
            Lifetime::Kept => return,
            Lifetime::Endless => None,
            Lifetime::Until(deadline) => Some(deadline),
        };
        let Some((key, entry)) = self.entries.get_index_mut(position.0) else { return };
        let previous = std::mem::replace(&mut entry.deadline, deadline);
        if previous == deadline {
            return;
        }
        if let Some(previous) = previous {
            self.deadlines.remove(previous, key.clone());
        }
        if let Some(deadline) = deadline {
            self.deadlines.insert(deadline, key.clone());
        }
    }

    pub(super) fn remove(&mut self, position: Position) -> Key {
        let (key, entry) = self.entries.swap_remove_index(position.0).expect("a position is of an entry");
        if let Some(deadline) = entry.deadline {
            self.deadlines.remove(deadline, key.clone());
        }
        key
    }

    /// Removes up to `limit` entries that have lapsed by `now`.
    pub(super) fn expire_due(&mut self, now: UnixMillis, limit: usize) -> usize {
        for expired in 0..limit {
            let Some(key) = self.deadlines.pop_due(now) else { return expired };
            self.entries.swap_remove(&key);
            self.lapsed.push(key);
        }
        limit
    }

    pub(super) fn first_deadline(&self) -> Option<UnixMillis> {
        self.deadlines.first()
    }

    pub(super) fn take_lapsed(&mut self) -> Vec<Key> {
        std::mem::take(&mut self.lapsed)
    }

    pub(super) fn keys(&self, now: UnixMillis) -> impl Iterator<Item = &Key> {
        let lives = move |entry: &Entry| entry.deadline.is_none_or(|deadline| deadline > now);
        self.entries.iter().filter(move |(_, entry)| lives(entry)).map(|(key, _)| key)
    }

    /// Gives `visit` the next `count` entries below `cursor`, where 0 is the beginning; the next cursor, 0 at the end.
    pub(super) fn scan(&self, cursor: u64, count: usize, now: UnixMillis, mut visit: impl FnMut(&Key, &Value)) -> u64 {
        let top = match usize::try_from(cursor) {
            Ok(cursor @ 1..) => cursor.min(self.entries.len()),
            _ => self.entries.len(),
        };
        let bottom = top.saturating_sub(count);
        for (key, entry) in self.entries[bottom..top].iter().rev() {
            if entry.deadline.is_none_or(|deadline| deadline > now) {
                visit(key, &entry.value);
            }
        }
        bottom as u64
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn expiring(&self) -> usize {
        self.deadlines.len()
    }

    pub(super) fn clear(&mut self) {
        *self = Table::default();
    }
}
