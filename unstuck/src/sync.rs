//! Talking between tasks: channels, locks, and more.
pub use unstuck_sync::*;
