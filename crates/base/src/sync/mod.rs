//! Atomics, locks, cells and threads: std's in a normal build, loom's under `--cfg unstuck_loom`.
//!
//! 1. This folder is the only place that says `loom`; all other code imports from here and is checked unchanged.
//! 2. Constructors are `const` in the normal build and can't be in loom's, whose objects belong to the thread that makes
//!    them. A constructor of ours that must be `const` is written inside [`const_unless_model!`](crate::const_unless_model).
//! 3. A [`Mutex`] or [`RwLock`] is never poisoned: what a panic of user code under a lock leaves half-changed is the
//!    user's own value, and everything of ours is changed before or after.
//! 4. A `static` uses std's atomics by their own name: loom's objects belong to one run of the model.

#[cfg(unstuck_loom)]
mod model;
#[cfg(not(unstuck_loom))]
mod native;

#[cfg(unstuck_loom)]
pub use model::*;
#[cfg(not(unstuck_loom))]
pub use native::*;

/// Declares a function that is `const` in the normal build and an ordinary one under loom:
/// `const_unless_model! { pub fn new() -> Self { .. } }`. Several functions may stand in one block.
#[cfg(not(unstuck_loom))]
#[macro_export]
macro_rules! const_unless_model {
    ($($(#[$meta:meta])* $vis:vis fn $name:ident($($args:tt)*) -> $ret:ty $body:block)*) => {
        $($(#[$meta])* $vis const fn $name($($args)*) -> $ret $body)*
    };
}

/// Declares a function that is `const` in the normal build and an ordinary one under loom.
#[cfg(unstuck_loom)]
#[macro_export]
macro_rules! const_unless_model {
    ($($(#[$meta:meta])* $vis:vis fn $name:ident($($args:tt)*) -> $ret:ty $body:block)*) => {
        $($(#[$meta])* $vis fn $name($($args)*) -> $ret $body)*
    };
}
