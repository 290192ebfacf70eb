//! The name of a task as users see it.

use std::fmt;
use std::num::NonZeroU64;

/// Identifies a task among all tasks that live in this process at the same time.
///
/// An id says nothing about when or where its task was spawned, and it may be given again after the task is gone.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Id(NonZeroU64);

impl Id {
    /// The id with this number.
    pub const fn from_number(number: NonZeroU64) -> Self {
        Id(number)
    }

    /// The number, for the records of a diagnosis.
    pub const fn number(self) -> NonZeroU64 {
        self.0
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
