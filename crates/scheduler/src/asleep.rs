//! Does the one thread sleep? So that whoever queued something for it knows whether it must be woken.
//!
//! 1. The thread says that it is going to sleep, and then looks for work once more. Whoever queues work looks here after.
//!    Both fence in between, so one of the two sees the other.
//! 2. One thread sleeps; any thread asks.
//!
//! A thread that sleeps in the driver uses it: that of [`single`](crate::single), a worker at its
//! [`place`](crate::pool).

use unstuck_base::sync::atomic::{AtomicBool, Ordering, fence};

/// The word; see the module's rules.
pub(crate) struct Asleep(AtomicBool);

impl Asleep {
    pub(crate) fn new() -> Self {
        Asleep(AtomicBool::new(false))
    }

    /// The thread is going to sleep, unless it finds work when it looks after this.
    pub(crate) fn lie_down(&self) {
        self.0.store(true, Ordering::Relaxed);
        // SeqCst: pairs with the fence in `must_wake` (rule 1).
        fence(Ordering::SeqCst);
    }

    /// The thread is awake.
    pub(crate) fn get_up(&self) {
        // Relaxed: whoever still sees the old value wakes it needlessly.
        self.0.store(false, Ordering::Relaxed);
    }

    /// Whether the thread must be woken to see what the caller has queued.
    #[inline]
    pub(crate) fn must_wake(&self) -> bool {
        // SeqCst: pairs with the fence in `lie_down`.
        fence(Ordering::SeqCst);
        self.0.load(Ordering::Relaxed)
    }
}
