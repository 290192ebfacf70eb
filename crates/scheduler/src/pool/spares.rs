//! Threads that stand in for workers: for those in a blocking part, and for those whose poll is stuck.
//!
//! 1. `balance` counts how many threads run tasks, and decides who comes and who ends. Where no thread was to be had, the next
//!    that comes back stands in.
//! 2. A spare ends when it looks between two polls and there is a surplus. Whoever makes one wakes a spare that sleeps.
//! 3. A thread in a blocking part does not hold up the end of the pool: what it waits for, such as a timer, may be told only
//!    by that end.

use std::sync::Arc;

use super::Shared;
use super::member::{Belonging, Member};
use super::worker::Worker;
use crate::worker_local::{current_belonging, current_worker};

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
        Some(Member::spare(self, handle, self.places.take_spare()?, acts_as))
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

    /// This thread may block from now on, if it belongs to this pool and has not said so before.
    pub(super) fn begin_blocking_part(&self) -> Option<BlockingPart> {
        let is_worker = current_worker(|worker| std::ptr::eq(&*worker.pool, self)).unwrap_or(false);
        let part = if is_worker { self.announce_blocking_part() } else { self.pause_belonging() };
        match &part {
            Some(_) => self.one_runner_less(),
            None => self.tell_the_end_if_nobody_else_does(),
        }
        part
    }

    /// This thread blocks again, within a blocking part or while it ends the pool, where it drops what may block. What it
    /// waits for may be told only by itself, after that.
    fn tell_the_end_if_nobody_else_does(&self) {
        let finishes = current_belonging(|belongs| {
            let is_ours = std::ptr::eq(&*belongs.pool, self) && belongs.process.is_this();
            is_ours.then(|| belongs.finishes.get())
        });
        if let Some(finishes) = finishes.flatten()
            && (finishes || (self.is_closed() && !self.threads.is_anybody_running()))
        {
            self.tell_the_end();
        }
    }

    /// As [`announce_blocking_part`](Shared::announce_blocking_part), by a thread that is no worker yet, or any more, or never:
    /// it runs a hook, or drops tasks since the pool is closed.
    fn pause_belonging(&self) -> Option<BlockingPart> {
        current_belonging(|belongs| {
            let is_ours = std::ptr::eq(&*belongs.pool, self) && belongs.process.is_this();
            if !is_ours || belongs.finishes.get() || belongs.blocks.replace(true) {
                return None;
            }
            let replaced = belongs.is_configured && !self.is_closed();
            if replaced {
                belongs.pool.one_runs_less(belongs.acts_as);
                self.offer_seat();
            }
            Some(BlockingPart::OfNoWorker { belongs, replaced })
        })
        .flatten()
    }

    fn announce_blocking_part(&self) -> Option<BlockingPart> {
        current_worker(|worker| {
            // In a forked child all of this is the parent's, and the thread runs nothing else anyway.
            if !std::ptr::eq(&*worker.pool, self) || !worker.process.is_this() || worker.blocks.replace(true) {
                return None;
            }
            // It may run something else meanwhile, so that nobody sees the worker.
            current_belonging(|belongs| belongs.blocks.set(true));
            let part = BlockingPart::OfWorker(worker);
            worker.pool.places.get(worker.index).announce(true);
            worker.hand_over();
            worker.pool.one_runs_less(worker.acts_as);
            // Also when a spare comes: its thread takes a while to start.
            worker.pool.offer_seat();
            Some(part)
        })
        .flatten()
    }
}

/// A thread is in a blocking part as long as this lives, on that thread.
pub(super) enum BlockingPart {
    OfWorker(*const Worker),
    OfNoWorker { belongs: *const Belonging, replaced: bool },
}

impl Drop for BlockingPart {
    fn drop(&mut self) {
        match *self {
            // SAFETY: the part is not Send, and whoever begins one drops it before he returns to the worker that called him
            // (`base::entered::Blocking`, `block_in_place`).
            BlockingPart::OfWorker(worker) => end_of_worker(unsafe { &*worker }),
            // SAFETY: as above, of the thread that belongs to the pool.
            BlockingPart::OfNoWorker { belongs, replaced } => end_of_no_worker(unsafe { &*belongs }, replaced),
        }
    }
}

fn end_of_worker(worker: &Worker) {
    worker.blocks.set(false);
    current_belonging(|belongs| belongs.blocks.set(false));
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

fn end_of_no_worker(belongs: &Belonging, replaced: bool) {
    belongs.blocks.set(false);
    if !belongs.process.is_this() {
        return;
    }
    belongs.pool.threads.resume();
    if replaced {
        belongs.pool.one_runs_more();
    }
}
