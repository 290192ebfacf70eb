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
mod counts;
mod hooks;
mod inject;
mod latch;
pub mod local;
mod pace;
pub mod panics;
mod patience;
pub mod pool;
pub mod root;
pub mod single;
mod worker_local;

pub use blocking::BlockingPool;
pub use hooks::{Hook, Hooks, TaskHook, TaskMeta};
pub use panics::TaskPanic;
pub use pool::Pool;
pub use single::Single;

use std::sync::Arc;

use unstuck_base::{WakeBatch, quietly};

use hooks::run_hook;

/// How a scheduler goes about its work, as the user tuned it.
#[derive(Clone, Debug)]
pub struct Tuning {
    /// Whether the task that a worker woke last runs first.
    pub slot: bool,
    /// After how many polls at most a thread looks at the outside world; at least 1.
    pub event_interval: u32,
    /// After how many polls a thread looks at the queue that all share, also if it has enough to do; at least 1. `None`: when
    /// it looks at the outside world.
    pub inject_interval: Option<u32>,
    /// Where the buckets of a histogram of poll times end, but the last one: in nanoseconds, excluded, in order. `None`: no
    /// histogram.
    pub poll_times: Option<Arc<[u64]>>,
    /// The same, of how long tasks are queued before they are polled.
    pub queue_times: Option<Arc<[u64]>>,
    /// Whether hooks are told how long a task was queued; they are when there is a histogram of it, too.
    pub tells_queue_times: bool,
    /// Whether a worker that slept in the driver wakes another to sleep there, before it polls what it found.
    pub hands_seat_on: bool,
    /// Whether the threads of a pool may block wherever their code likes.
    pub nests: bool,
}

impl Tuning {
    fn measures_queueing(&self) -> bool {
        self.tells_queue_times || self.queue_times.is_some()
    }
}

impl Default for Tuning {
    fn default() -> Self {
        Tuning {
            slot: true,
            event_interval: pace::EVENT_INTERVAL,
            inject_interval: None,
            poll_times: None,
            queue_times: None,
            tells_queue_times: false,
            hands_seat_on: false,
            nests: false,
        }
    }
}

/// Wakes a batch; a waker's panic ends here (rule 5).
fn wake(batch: &mut WakeBatch) {
    if !batch.is_empty() {
        quietly(|| batch.wake_all());
    }
}

#[cfg(test)]
mod bare;
#[cfg(test)]
mod numbered;

#[cfg(all(test, unstuck_loom))]
mod loom_tests;
