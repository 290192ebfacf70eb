//! Threads that stand in for workers: for those in a blocking part, and for those whose poll is stuck.
//!
//! 1. `surplus` says by how many more threads run tasks than there are workers. Below 0: so many are not replaced, since
//!    no thread was to be had; then the next that comes back stands in for one of them.
//! 2. A spare ends when it looks between two polls and there is a surplus. Whoever makes one wakes a spare that sleeps.

use std::sync::Arc;

use unstuck_base::sync::atomic::Ordering;

use super::Shared;
use super::member::Member;
use super::worker::Worker;
use crate::worker_local::current_worker;

impl Shared {
    /// A spare asks whether it is the one that is not needed any more.
    pub(crate) fn retire_one(&self) -> bool {
        let one_less = |surplus| (surplus > 0).then_some(surplus - 1);
        self.has_surplus() && self.surplus.fetch_update(Ordering::AcqRel, Ordering::Relaxed, one_less).is_ok()
    }

    pub(crate) fn has_surplus(&self) -> bool {
        self.surplus.load(Ordering::Relaxed) > 0
    }

    /// One thread less runs tasks: a spare that was going to end goes on instead, or a new one comes. Without a thread to be
    /// had the pool goes on with one less. A new one stands in for the worker `acts_as`.
    pub(super) fn one_runs_less(self: &Arc<Self>, acts_as: usize) {
        if self.surplus.fetch_sub(1, Ordering::AcqRel) <= 0 && self.start_spare(acts_as) {
            self.one_runs_more();
        }
    }

    fn start_spare(self: &Arc<Self>, acts_as: usize) -> bool {
        let Ok(handle) = unstuck_context::try_current() else { return false };
        let Some(index) = self.places.take_spare() else { return false };
        let spare = Member::new(self, handle, index, acts_as, true);
        self.blocking.offload(Box::new(move || spare.run())).is_ok()
    }

    /// One thread more runs tasks. If it is one too many, a spare ends when it next looks.
    pub(super) fn one_runs_more(&self) {
        if self.surplus.fetch_add(1, Ordering::AcqRel) < 0 {
            return;
        }
        // If none of them sleeps, one looks when its poll ends.
        if let Some(index) = self.idle.wake_a(|index| index >= self.workers) {
            self.unpark(index);
        }
    }

    /// This thread may block from now on, if it is a worker of this pool that has not said so before.
    pub(super) fn begin_blocking_part(&self) -> Option<BlockingPart> {
        current_worker(|worker| {
            if !std::ptr::eq(&*worker.pool, self) || worker.blocks.replace(true) {
                return None;
            }
            let part = BlockingPart { worker };
            worker.pool.places.get(worker.index).announce(true);
            worker.hand_over();
            worker.pool.one_runs_less(worker.acts_as);
            // Also when a spare comes: it may have to wait for a thread.
            worker.pool.offer_seat();
            Some(part)
        })
        .flatten()
    }
}

/// A worker is in a blocking part as long as this lives, on its thread.
pub(super) struct BlockingPart {
    worker: *const Worker,
}

impl Drop for BlockingPart {
    fn drop(&mut self) {
        // SAFETY: the part is a value on the stack of a function that the worker called, on its thread.
        let worker = unsafe { &*self.worker };
        worker.blocks.set(false);
        worker.pool.places.get(worker.index).announce(false);
        worker.pool.worker_is_awake();
        worker.pool.counts[worker.acts_as].own.is_this_thread();
        worker.pool.one_runs_more();
    }
}
