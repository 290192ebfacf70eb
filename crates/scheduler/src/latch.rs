//! Waits until all threads of a scheduler have gone, and what the last one does is done.

use std::time::{Duration, Instant};

use unstuck_base::sync::{Condvar, Mutex};
use unstuck_driver::Kernel;

/// Counts threads; see the module's doc.
pub(crate) struct Latch {
    /// Threads that have not gone; the last one counts until its closing work is done.
    threads: Mutex<usize>,
    gone: Condvar,
}

impl Latch {
    pub(crate) fn new() -> Self {
        Latch { threads: Mutex::new(0), gone: Condvar::new() }
    }

    /// One thread more.
    pub(crate) fn enter(&self) {
        *self.threads.lock() += 1;
    }

    /// One thread less; the last one runs `last` before it counts as gone.
    pub(crate) fn leave(&self, last: impl FnOnce()) {
        let mut threads = self.threads.lock();
        if *threads == 1 {
            drop(threads);
            last();
            threads = self.threads.lock();
        }
        *threads -= 1;
        if *threads == 0 {
            self.gone.notify_all();
        }
    }

    /// How many are there.
    pub(crate) fn count(&self) -> usize {
        *self.threads.lock()
    }

    /// Waits until all have gone, or `limit` has passed (`None`: for ever). `true`: all have gone.
    pub(crate) fn wait(&self, limit: Option<Duration>, kernel: &dyn Kernel) -> bool {
        let deadline: Option<Instant> = limit.and_then(|limit| kernel.real_now().checked_add(limit));
        let mut threads = self.threads.lock();
        while *threads != 0 {
            match deadline {
                None => threads = self.gone.wait(threads),
                Some(deadline) => {
                    let left = deadline.saturating_duration_since(kernel.real_now());
                    if left.is_zero() {
                        return false;
                    }
                    threads = self.gone.wait_for(threads, left).0;
                }
            }
        }
        true
    }
}
