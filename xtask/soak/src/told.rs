//! Whose panics a runtime's hook was told of.

use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use unstuck::runtime::TaskPanic;
use unstuck::task::Id;

/// The tasks and closures that panicked, by what the hook of one runtime was told.
#[derive(Clone, Default)]
pub(crate) struct Told(Arc<Mutex<HashSet<Id>>>);

impl Told {
    pub(crate) fn add(&self, panic: &TaskPanic<'_>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(panic.id());
    }

    pub(crate) fn of(&self, id: Id) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(&id)
    }
}

/// Not whose: that is another with each attempt.
impl fmt::Debug for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Told")
    }
}
