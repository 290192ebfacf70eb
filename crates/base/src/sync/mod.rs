//! Atomics, locks, cells and threads: std's in a normal build, loom's under `--cfg unstuck_loom`.
//!
//! 1. This folder is the only place that says `loom`; all other code imports from here and is checked unchanged.
//! 2. Constructors are `const` in both builds. Loom's own are not, so the loom side creates its objects on first use.
//! 3. A [`Mutex`] is never poisoned: user code never runs under a lock of ours, so a panic can't leave one half-changed.
//! 4. Nothing here may live in a `static` that a loom test reaches: loom's objects belong to one run of the model.

#[cfg(unstuck_loom)]
mod model;
#[cfg(not(unstuck_loom))]
mod native;

#[cfg(unstuck_loom)]
pub use model::*;
#[cfg(not(unstuck_loom))]
pub use native::*;
