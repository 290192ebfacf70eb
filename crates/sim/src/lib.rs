//! Internal crate of unstuck, published in lockstep with it: the simulated world, in which a seed decides everything.
//!
//! A peer of the real kernel and its schedulers, not a mode of them: programs run in it unchanged, on one thread, in an
//! order that the seed chooses, with simulated time and a network in memory. What failed once fails again with its seed.
//!
//! 1. Every decision goes through one function (`choice`), from one random stream for each kind of decision.
//! 2. Nothing here depends on an address, the order of a hash map, the real time, or a thread. The one clock reading, at
//!    the beginning of a run, is a point to count from, and cancels out.
//! 3. Whatever happens outside of tasks is an event with a time (`world`). When nothing is ready, the time jumps to the
//!    next one.
//! 4. What can't be simulated fails with an error that says why (`kernel`).
//!
//! Limits. Programs that ask std for the time, for random bits or a `HashMap`, or that keep state in statics, are decided by
//! more than the seed; [`Builder::run_twice`] finds that out. Blocking work runs on the simulator's thread, and must not
//! wait for tasks (`blocking`). The clock can't be paused or advanced by hand: there is nothing to gain, since it never
//! waits. Files, the standard streams, other descriptors and programs of the real system are refused (`kernel`).
//!
//! The user-facing crate re-exports [`run`] and its like; resources and tasks call in through the traits of `driver`, `task`
//! and `context`.

mod blocking;
mod choice;
mod driver;
mod kernel;
mod main_future;
mod net;
mod pick;
mod report;
mod run;
mod settings;
mod trace;
mod world;

pub use run::{Builder, Run, open, run};
pub use trace::{Decision, Difference, Kind, Trace};
pub use world::raise;
