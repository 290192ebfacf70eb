//! Wakes the monitor when a worker does, after both have slept.
//!
//! 1. The monitor arms the alarm before its last look at the workers; a worker that wakes is seen awake before it rings.
//!    Both fence in between, so one of the two sees the other.
//! 2. A ring while the alarm is not armed costs a fence and a load.

use unstuck_base::CachePadded;
use unstuck_base::parker::Parker;
use unstuck_base::sync::atomic::{AtomicBool, Ordering, fence};

use std::time::Duration;

/// Where the monitor sleeps; see the module's rules.
pub(crate) struct Alarm {
    armed: CachePadded<AtomicBool>,
    parker: Parker,
}

impl Alarm {
    pub(crate) fn new() -> Self {
        Alarm { armed: CachePadded::new(AtomicBool::new(false)), parker: Parker::new() }
    }

    /// The monitor is going to sleep until it rings, unless it sees somebody awake when it looks after this.
    pub(crate) fn arm(&self) {
        self.armed.store(true, Ordering::Relaxed);
        // SeqCst: pairs with the fence in `ring` (rule 1).
        fence(Ordering::SeqCst);
    }

    /// The monitor is awake.
    pub(crate) fn disarm(&self) {
        // Relaxed: whoever still sees it armed wakes the monitor needlessly.
        self.armed.store(false, Ordering::Relaxed);
    }

    /// A worker is awake.
    #[inline]
    pub(crate) fn ring(&self) {
        // SeqCst: pairs with the fence in `arm` (rule 1).
        fence(Ordering::SeqCst);
        if self.armed.load(Ordering::Relaxed) {
            self.wake();
        }
    }

    /// Wakes the monitor from any sleep.
    #[cold]
    pub(crate) fn wake(&self) {
        self.disarm();
        self.parker.unpark();
    }

    /// Sleeps for so long (`None`: until it is woken), or until it is woken.
    pub(crate) fn sleep(&self, limit: Option<Duration>) {
        match limit {
            Some(limit) => self.parker.park_for(limit),
            None => self.parker.park(),
        }
    }
}
