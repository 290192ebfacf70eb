//! What can be counted of a runtime: always on, and read without stopping anything.

use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};

/// Counts of a runtime. Each is read at a moment of its own: together they need not add up.
///
/// # Example
/// ```
/// # #[unstuck::main(worker_threads = 2)]
/// # async fn main() {
/// let metrics = unstuck::runtime::Handle::current().metrics();
/// assert_eq!(metrics.num_workers(), 2);
/// # }
/// ```
#[derive(Clone)]
pub struct RuntimeMetrics(unstuck_context::Handle);

impl RuntimeMetrics {
    pub(crate) fn new(handle: unstuck_context::Handle) -> Self {
        RuntimeMetrics(handle)
    }

    /// How many worker threads the runtime was built with; 1 for a current-thread runtime.
    pub fn num_workers(&self) -> usize {
        self.0.parts().scheduler.workers()
    }

    /// How many tasks are alive: spawned and not yet over.
    pub fn num_alive_tasks(&self) -> usize {
        self.0.parts().scheduler.live().len()
    }

    /// How many runnable tasks wait in the queue that all workers share.
    pub fn global_queue_depth(&self) -> usize {
        self.0.parts().scheduler.inject_depth()
    }

    /// How often a worker has polled a task.
    ///
    /// # Panics
    /// If there is no such worker: they count from 0.
    #[track_caller]
    pub fn worker_poll_count(&self, worker: usize) -> u64 {
        let workers = self.num_workers();
        assert!(worker < workers, "there is no worker {worker}: the runtime has {workers}, counted from 0");
        self.0.parts().scheduler.polls(worker)
    }
}

// As for `Runtime`.
impl UnwindSafe for RuntimeMetrics {}
impl RefUnwindSafe for RuntimeMetrics {}

impl fmt::Debug for RuntimeMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RuntimeMetrics").finish_non_exhaustive()
    }
}
