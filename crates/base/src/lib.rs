//! Layer 0: the words that every layer of unstuck shares.
//!
//! 1. Nothing here does I/O, reads a clock, asks for entropy or decides a policy.
//! 2. Nothing here imports another crate of ours.
//! 3. Only [`sync`] says `loom`; only [`list`] links nodes by raw pointers; only [`local`] has a thread-local.
//!
//! Every other crate calls in. The only thing that is ever woken from here is what a caller put into a
//! [`WakeBatch`], a [`WakerCell`](waker_cell::WakerCell) or a [`Parker`](parker::Parker).

pub mod alarm;
mod budget;
pub mod entered;
pub mod fallback;
pub mod fork;
pub mod interest;
pub mod list;
pub mod local;
pub mod parker;
pub mod prng;
mod quietly;
pub mod sync;
pub mod wake_batch;
pub mod waker_cell;

pub use crossbeam_utils::CachePadded;
pub use quietly::quietly;
pub use wake_batch::WakeBatch;

#[cfg(all(test, unstuck_loom))]
mod loom_tests;
