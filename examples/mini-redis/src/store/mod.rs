//! The data: sixteen databases of keys, each with a value and perhaps a deadline.
//!
//! 1. No clock is read here: time is an argument, and a key whose deadline is past then does not exist.
//! 2. A list, hash or set is never empty (see `value`).
//!
//! The keeper owns it; commands see one database at one moment, a [`Db`].

mod expiry;
mod table;
pub(crate) mod value;

use std::sync::Arc;

use self::table::Table;
use self::value::{Kind, Value, WrongType};
use crate::clock::UnixMillis;

/// How many databases `SELECT` can choose from.
pub(crate) const DATABASES: usize = 16;

/// A key's name; its table and its deadline share the bytes.
pub(crate) type Key = Arc<[u8]>;

#[derive(Debug, Default)]
pub(crate) struct Store {
    tables: [Table; DATABASES],
}

impl Store {
    /// One database as it is at `now`.
    ///
    /// # Panics
    ///
    /// If `index` is not below [`DATABASES`].
    pub(crate) fn db(&mut self, index: usize, now: UnixMillis) -> Db<'_> {
        Db { table: &mut self.tables[index], now }
    }

    /// Removes keys that have lapsed by `now`, up to `limit`, so that a million keys with one deadline don't keep
    /// everybody waiting. What is left over has a deadline in the past: [`Store::first_deadline`] says so.
    pub(crate) fn expire_due(&mut self, now: UnixMillis, limit: usize) -> usize {
        self.tables.iter_mut().fold(0, |expired, table| expired + table.expire_due(now, limit - expired))
    }

    /// When to call [`Store::expire_due`] next.
    pub(crate) fn first_deadline(&self) -> Option<UnixMillis> {
        self.tables.iter().filter_map(Table::first_deadline).min()
    }

    /// The keys of one database that have lapsed and were removed since the last call.
    pub(crate) fn take_lapsed(&mut self, index: usize) -> Vec<Key> {
        self.tables[index].take_lapsed()
    }

    pub(crate) fn clear(&mut self) {
        self.tables.iter_mut().for_each(Table::clear);
    }

    /// For `INFO`: of each database that is not empty, its number, its keys, and how many of these have a deadline.
    pub(crate) fn sizes(&self) -> impl Iterator<Item = (usize, usize, usize)> {
        let sizes = self.tables.iter().enumerate().map(|(index, table)| (index, table.len(), table.expiring()));
        sizes.filter(|(_, keys, _)| *keys > 0)
    }
}

/// Until when a key lives once it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lifetime {
    /// As long as before; a new key for ever.
    Kept,
    Endless,
    Until(UnixMillis),
}

/// One database at one moment.
#[derive(Debug)]
pub(crate) struct Db<'a> {
    table: &'a mut Table,
    now: UnixMillis,
}

impl Db<'_> {
    pub(crate) fn now(&self) -> UnixMillis {
        self.now
    }

    pub(crate) fn value(&mut self, key: &[u8]) -> Option<&Value> {
        let position = self.table.find(key, self.now)?;
        Some(&self.table.entry(position).value)
    }

    pub(crate) fn contains(&mut self, key: &[u8]) -> bool {
        self.table.find(key, self.now).is_some()
    }

    pub(crate) fn get<K: Kind>(&mut self, key: &[u8]) -> Result<Option<&K>, WrongType> {
        self.value(key).map(K::of).transpose()
    }

    /// Changes a value that is there; the key goes if that leaves the value empty.
    pub(crate) fn edit<K: Kind, R>(
        &mut self,
        key: &[u8],
        change: impl FnOnce(&mut K) -> R,
    ) -> Result<Option<R>, WrongType> {
        let Some(position) = self.table.find(key, self.now) else { return Ok(None) };
        let value = K::of_mut(self.table.value_mut(position))?;
        let outcome = change(value);
        if value.is_spent() {
            self.table.remove(position);
        }
        Ok(Some(outcome))
    }

    /// Like [`Db::edit`], but begins with an empty value if there is none.
    pub(crate) fn edit_or_create<K: Kind, R>(
        &mut self,
        key: &[u8],
        change: impl FnOnce(&mut K) -> R,
    ) -> Result<R, WrongType> {
        let position = match self.table.find(key, self.now) {
            Some(position) => position,
            None => self.table.insert(key, K::default().into()),
        };
        let value = K::of_mut(self.table.value_mut(position))?;
        let outcome = change(value);
        if value.is_spent() {
            self.table.remove(position);
        }
        Ok(outcome)
    }

    /// Replaces whatever the key held.
    pub(crate) fn set(&mut self, key: &[u8], value: Value, lifetime: Lifetime) {
        let position = match self.table.find(key, self.now) {
            Some(position) => {
                *self.table.value_mut(position) = value;
                position
            }
            None => self.table.insert(key, value),
        };
        self.table.set_lifetime(position, lifetime);
    }

    pub(crate) fn remove(&mut self, key: &[u8]) -> bool {
        let position = self.table.find(key, self.now);
        position.map(|position| self.table.remove(position)).is_some()
    }

    /// `None` if there is no such key, `Some(None)` if it lives for ever.
    pub(crate) fn deadline(&mut self, key: &[u8]) -> Option<Option<UnixMillis>> {
        let position = self.table.find(key, self.now)?;
        Some(self.table.entry(position).deadline)
    }

    /// True if the key exists.
    pub(crate) fn set_lifetime(&mut self, key: &[u8], lifetime: Lifetime) -> bool {
        let position = self.table.find(key, self.now);
        position.map(|position| self.table.set_lifetime(position, lifetime)).is_some()
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = &[u8]> {
        self.table.keys(self.now).map(|key| &**key)
    }

    /// One step of `SCAN`: gives `visit` about `count` keys and returns the cursor for the next step. Both cursors are 0
    /// at the ends. A key that exists from the first step to the last is visited at least once.
    pub(crate) fn scan(&self, cursor: u64, count: usize, mut visit: impl FnMut(&[u8], &Value)) -> u64 {
        self.table.scan(cursor, count, self.now, |key, value| visit(key, value))
    }

    /// How many keys there are, those included that have lapsed and were not removed yet.
    pub(crate) fn len(&self) -> usize {
        self.table.len()
    }
}

#[cfg(test)]
mod tests;
