//! What a thread does, as another thread may ask.

use std::time::Duration;

/// A thread, as its kernel knows it; see [`Kernel::this_thread`](crate::Kernel::this_thread). It fits into a word, for those
/// who share it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThreadKey(pub u64);

/// What a thread has done so far, and does now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Activity {
    /// The CPU time that it has used since it began.
    pub used: Duration,
    /// Whether it sleeps in the system, if that can be known: else it runs, or waits for a core.
    pub sleeps: Option<bool>,
}
