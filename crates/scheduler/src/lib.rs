//! Layer 3: who runs next.
//!
//! [`single`] runs tasks on whichever thread is in `block_on`; [`pool`] on worker threads that steal from each other;
//! [`blocking`] has threads for work that blocks; [`root`] polls the root future of a `block_on`.
//!
//! 1. One way in: [`Schedule::schedule`](unstuck_task::Schedule) puts a runnable into a queue, and only a spawn, a waker
//!    or an abort calls it.
//! 2. Nobody here knows a socket, a timer's insides or a user's future: a runnable is run, a driver parked.
//! 3. A thread that is about to sleep says so first and looks at the queues once more; whoever queues looks for sleepers
//!    after. `pool/idle.md` has the proof for workers; the others follow the same pattern.
//! 4. Every thread here is inside its runtime's context, so futures are dropped there too.
//! 5. Panics of user code end in the task; those of foreign wakers and hooks end where they are called.

mod asleep;
pub mod blocking;
mod inject;
mod latch;
pub mod local;
mod pace;
mod patience;
pub mod pool;
pub mod root;
pub mod single;
mod worker_local;

pub use blocking::BlockingPool;
pub use pool::Pool;
pub use single::Single;

use std::panic::{AssertUnwindSafe, catch_unwind};

use unstuck_base::WakeBatch;

/// A hook of the user's, run on a thread of the runtime.
pub type Hook = std::sync::Arc<dyn Fn() + Send + Sync>;

/// What the user wants to be told of.
#[derive(Clone, Default)]
pub struct Hooks {
    /// A thread of the runtime (worker or blocking) has started.
    pub start: Option<Hook>,
    /// A thread of the runtime is about to end.
    pub stop: Option<Hook>,
    /// A worker is about to sleep.
    pub park: Option<Hook>,
    /// A worker has slept.
    pub unpark: Option<Hook>,
}

impl std::fmt::Debug for Hooks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hooks").finish_non_exhaustive()
    }
}

/// Runs a hook; its panic ends here (rule 5).
fn run_hook(hook: &Option<Hook>) {
    if let Some(hook) = hook {
        quietly(|| hook());
    }
}

/// Wakes a batch; a waker's panic ends here (rule 5).
fn wake(batch: &mut WakeBatch) {
    if !batch.is_empty() {
        quietly(|| batch.wake_all());
    }
}

/// Runs user code; its panic ends here, even if what it panics with panics when it is dropped.
fn quietly(f: impl FnOnce()) {
    let Err(panic) = catch_unwind(AssertUnwindSafe(f)) else { return };
    if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(panic))) {
        // There is no end to this, so it is leaked.
        std::mem::forget(again);
    }
}

#[cfg(test)]
mod bare;
#[cfg(test)]
mod numbered;

#[cfg(all(test, unstuck_loom))]
mod loom_tests;
