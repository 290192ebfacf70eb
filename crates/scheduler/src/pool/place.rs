//! What other threads see of one worker.
//!
//! 1. The ring and the slot are filled by the worker of the place; others take from them.
//! 2. The slot (LIFO slot) holds the runnable that was woken last, to be run next while its data is warm. Owner and thief
//!    both take by a swap, so it is sound to take from any thread; thieves leave it alone unless its worker looks stuck.
//! 3. The epoch is even between two polls and odd during one. Only the worker writes it, with plain stores; a watcher
//!    that sees the same odd epoch for too long knows that one poll has not ended.
//! 4. A worker that is going to sleep in the driver says so before it looks for notifications, and an unparking thread
//!    leaves the notification before it looks where the worker sleeps.

use std::ptr::{self, NonNull};

use unstuck_base::parker::Parker;
use unstuck_base::sync::atomic::{AtomicPtr, AtomicU64, Ordering};
use unstuck_task::Runnable;

use super::ring::Ring;
use crate::asleep::Asleep;

/// One worker, as others see it; see the module's rules.
pub(crate) struct Place {
    pub(crate) ring: Ring,
    slot: AtomicPtr<()>,
    epoch: AtomicU64,
    parker: Parker,
    seated: Asleep,
}

impl Place {
    pub(crate) fn new() -> Self {
        Place {
            ring: Ring::new(),
            slot: AtomicPtr::new(ptr::null_mut()),
            epoch: AtomicU64::new(0),
            parker: Parker::new(),
            seated: Asleep::new(),
        }
    }

    /// Puts a runnable into the slot, and returns the one that was there.
    #[inline]
    pub(crate) fn swap_slot(&self, task: Runnable) -> Option<Runnable> {
        // AcqRel: Release for whoever takes this one, Acquire for the one that we take.
        Self::from_slot(self.slot.swap(task.into_raw().as_ptr(), Ordering::AcqRel))
    }

    /// Takes the runnable out of the slot.
    #[inline]
    pub(crate) fn take_slot(&self) -> Option<Runnable> {
        // Relaxed: only a hint that saves the swap; the worker itself fills the slot.
        if self.slot.load(Ordering::Relaxed).is_null() {
            return None;
        }
        // Acquire: pairs with the Release in `swap_slot`.
        Self::from_slot(self.slot.swap(ptr::null_mut(), Ordering::Acquire))
    }

    /// How many runnables are queued here.
    #[inline]
    pub(crate) fn queued(&self) -> usize {
        // Relaxed: the worker itself asks.
        self.ring.len() + usize::from(!self.slot.load(Ordering::Relaxed).is_null())
    }

    fn from_slot(raw: *mut ()) -> Option<Runnable> {
        // SAFETY: what is in the slot was put there by `into_raw`, and a swap gives it to one thread (rule 2).
        NonNull::new(raw).map(|raw| unsafe { Runnable::from_raw(raw) })
    }

    /// A poll begins or ends (rule 3). Only the worker.
    #[inline]
    pub(crate) fn turn_epoch(&self) {
        // Relaxed: one writer; a watcher only compares what it sees with what it saw.
        self.epoch.store(self.epoch.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
    }

    /// How many polls the worker has begun, and whether it is in one now.
    pub(crate) fn polls(&self) -> (u64, bool) {
        let epoch = self.epoch.load(Ordering::Relaxed);
        (epoch.div_ceil(2), epoch % 2 == 1)
    }

    /// Wakes the worker wherever it sleeps (`unpark_driver` wakes who sleeps in the driver), or makes its next sleep
    /// return at once.
    pub(crate) fn unpark(&self, unpark_driver: impl FnOnce()) {
        self.parker.unpark();
        if self.seated.must_wake() {
            unpark_driver();
        }
    }

    /// Sleeps on the parker.
    pub(crate) fn park(&self) {
        self.parker.park();
    }

    /// Runs `sleep`, which sleeps in the driver, unless the worker was unparked already.
    pub(crate) fn sit<R>(&self, sleep: impl FnOnce() -> R) -> Option<R> {
        self.seated.lie_down();
        let result = (!self.parker.take_notification()).then(sleep);
        self.seated.get_up();
        // What came meanwhile has done its work: the sleep is over.
        self.parker.take_notification();
        result
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        drop(self.take_slot());
    }
}
