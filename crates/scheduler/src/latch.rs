//! Counts the threads of a scheduler, and waits until they have gone.
//!
//! 1. A thread is counted before it is started. It *ends* when it runs nothing any more, and is *gone* when it has let go
//!    of everything that it held: whoever has waited finds it dropped.
//! 2. The last one to end is told so. What it does then is done before it is gone.
//! 3. A thread that blocks on something that others must do *pauses* meanwhile, which counts as an end: it may be waiting
//!    for what the last one to end does.

use std::sync::Arc;
use std::time::{Duration, Instant};

use unstuck_base::sync::{Condvar, Mutex};

/// See the module's rules.
pub(crate) struct Latch {
    threads: Mutex<Threads>,
    gone: Condvar,
}

struct Threads {
    running: usize,
    present: usize,
}

/// One thread is counted as present, as long as this lives. Let it be the last thing that the thread drops.
pub(crate) struct Present(Arc<Latch>);

impl Latch {
    pub(crate) fn new() -> Arc<Self> {
        let threads = Threads { running: 0, present: 0 };
        Arc::new(Latch { threads: Mutex::new(threads), gone: Condvar::new() })
    }

    /// One thread more, which runs until it [ends](Latch::end).
    pub(crate) fn enter(self: &Arc<Self>) -> Present {
        let mut threads = self.threads.lock();
        threads.running += 1;
        threads.present += 1;
        Present(self.clone())
    }

    /// One thread more that is there, but is not one of those that end.
    pub(crate) fn enter_aside(self: &Arc<Self>) -> Present {
        self.threads.lock().present += 1;
        Present(self.clone())
    }

    /// A thread runs nothing any more, or pauses. `true`: it was the last.
    #[must_use]
    pub(crate) fn end(&self) -> bool {
        let mut threads = self.threads.lock();
        threads.running -= 1;
        threads.running == 0
    }

    /// A thread that paused runs again: it will end once more.
    pub(crate) fn resume(&self) {
        self.threads.lock().running += 1;
    }

    /// Whether some thread has neither ended nor paused.
    pub(crate) fn is_anybody_running(&self) -> bool {
        self.threads.lock().running > 0
    }

    /// Whether some thread has not gone.
    pub(crate) fn is_anybody_there(&self) -> bool {
        self.threads.lock().present > 0
    }

    /// Waits until all threads but so many have gone, or `limit` has passed (`None`: for ever). `true`: they have gone.
    pub(crate) fn wait(&self, but: usize, limit: Option<Duration>, now: impl Fn() -> Instant) -> bool {
        let deadline = limit.and_then(|limit| now().checked_add(limit));
        let mut threads = self.threads.lock();
        while threads.present > but {
            match deadline {
                None => threads = self.gone.wait(threads),
                Some(deadline) => {
                    let left = deadline.saturating_duration_since(now());
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

impl Drop for Present {
    fn drop(&mut self) {
        self.0.threads.lock().present -= 1;
        self.0.gone.notify_all();
    }
}
