//! Threads that stand in for workers: for those in a blocking part, and for those whose poll is stuck.
//!
//! 1. `balance` counts how many threads run tasks, and decides who comes and who ends. Where no thread was to be had, the next
//!    that comes back stands in.
//! 2. A spare ends when it looks between two polls and there is a surplus. Whoever makes one wakes a spare that sleeps.
//! 3. A thread in a blocking part does not hold up the end of the pool: what it waits for, such as a timer, may be told only
//!    by that end.

use std::sync::Arc;

use super::Shared;
use super::member::Member;
use super::worker::Worker;
use crate::worker_local::current_worker;

impl Shared {
    /// One thread less runs tasks: a spare that was going to end goes on instead, or a new one comes. Without a thread to be
    /// had the pool goes on with one less. A new one stands in for the worker `acts_as`.
    pub(super) fn one_runs_less(self: &Arc<Self>, acts_as: usize) {
        if !self.balance.one_less() {
            return;
        }
        let Some(spare) = self.new_spare(acts_as) else { return self.balance.does_not_come() };
        // If there is no thread to be had, the spare is dropped, and says that it does not come.
        drop(self.blocking.offload(Box::new(move || spare.run())));
    }

    fn new_spare(self: &Arc<Self>, acts_as: usize) -> Option<Member> {
        let handle = unstuck_context::try_current().ok()?;
        Some(Member::new(self, handle, self.places.take_spare()?, acts_as, true))
    }

    /// One thread more runs tasks. If it is one too many, a spare ends when it next looks.
    pub(super) fn one_runs_more(&self) {
        if !self.balance.one_more() {
            return;
        }
        // If none of them sleeps, one looks when its poll ends.
        if let Some(index) = self.idle.wake_a(|index| index >= self.workers) {
            self.unpark(index);
        }
    }

    /// This thread may block from now on, if it is a worker of this pool that has not said so before.
    pub(super) fn begin_blocking_part(&self) -> Option<BlockingPart> {
        let part = self.announce_blocking_part()?;
        self.one_runner_less();
        Some(part)
    }

    fn announce_blocking_part(&self) -> Option<BlockingPart> {
        current_worker(|worker| {
            // In a forked child all of this is the parent's, and the thread runs nothing else anyway.
            if !std::ptr::eq(&*worker.pool, self) || !worker.process.is_this() || worker.blocks.replace(true) {
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
        if !worker.process.is_this() {
            // A child was forked meanwhile, and this is it: the pool is the parent's.
            return;
        }
        worker.pool.places.get(worker.index).announce(false);
        worker.pool.worker_is_awake();
        worker.pool.threads.resume();
        worker.sign();
        worker.pool.one_runs_more();
    }
}
