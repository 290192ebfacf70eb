//! The macros that users write, and what their expansions need.
//!
//! 1. `select!`, `join!` and `try_join!` hand the user's tokens and `$crate` to `unstuck_macros`, which does the work. So
//!    they can be re-exported and renamed, and their expansions name only `::core` and [`support`].
//! 2. [`support`] and the macros that begin with `__` are public for the expansions alone.

#[cfg(feature = "macros")]
pub mod branches;
#[cfg(all(feature = "macros", feature = "rt"))]
pub mod entry;
mod pin;
pub mod support;
