//! Layer 1: one spawned future. It knows [`Schedule`], never a queue.
//!
//! A task is one allocation: a `Header` of fixed size and, behind it, the future, which is replaced by its
//! output. Several parties reach it at the same time: the queue or thread that holds its [`Runnable`], wakers, the
//! [`JoinHandle`], abort handles, the list of live tasks, an inspector. Who may touch which field:
//!
//! 1. The state word (`state.rs`) is touched by all, and decides the rest.
//! 2. The future belongs to whoever moved the state to RUNNING, until it moves it on.
//! 3. The output is written by whoever holds RUNNING, before COMPLETE is set. If JOIN is clear by then, the same one drops
//!    it; else it belongs to the join handle from COMPLETE on.
//! 4. The slot of the join waker belongs to the join handle while WAKER is clear. While WAKER and JOIN are set, the join
//!    handle and who completes may read it. Whoever of the two clears its bit last empties the slot: nobody's memory is
//!    kept longer than somebody waits.
//! 5. The list links belong to the lock of the shard that the task is listed in.
//! 6. The queue link belongs to whoever holds the [`Runnable`]. A runnable exists exactly while the task is SCHEDULED.
//! 7. The record of what the task waits for is written by who holds RUNNING and read by anybody: it is all atomics.
//! 8. Whoever gives the last reference back frees the task. References are held by: the list (until the task is
//!    over), the runnable (or the thread that runs it), the join handle, each abort handle, each waker.
//! 9. The [`Home`] of a task outlives it for ever (its memory is recycled, not freed). The scheduler behind it is alive
//!    while any of its tasks is not COMPLETE; `schedule.rs` tells how a waker of a foreign thread makes use of that.
//! 10. User code (poll, drop, a waker) runs with no lock held, and its panics end here.

mod error;
mod header;
mod id;
mod join;
mod list;
mod origin;
mod probe;
mod run;
mod schedule;
mod state;
mod waker;

pub use error::JoinError;
pub use id::Id;
pub use join::{AbortHandle, JoinHandle, drop_output, leave_bell, take_output};
pub use list::TaskList;
pub use origin::Origin;
pub use probe::{Probe, Waiting};
pub use run::{Runnable, unlisted};
pub use schedule::{Home, HomeRef, Schedule};

#[cfg(all(test, unstuck_loom))]
mod loom_tests;
