//! The threads of a pool: workers, spares, the monitor's, and the one that ends it if nobody else does.
//!
//! 1. A thread is a `Member` from before it is started, and leaves when that is dropped: whatever becomes of it.
//! 2. The last one to leave a closed pool ends it. Who is in a blocking part has left, for as long.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use unstuck_context::{EnterGuard, Handle};

use super::Shared;
use super::worker::Worker;
use crate::hooks::run_hook;
use crate::latch::Present;

/// A thread of the pool, from before it is started. Dropping it leaves the pool: at the end of the thread, or where none
/// could be started, or where the turn of a spare never came.
pub(super) struct Member {
    pool: Arc<Shared>,
    handle: Handle,
    index: usize,
    acts_as: usize,
    spare: bool,
    has_run: Cell<bool>,
    // The last field, so that it goes last: who waits for us finds all of the above dropped.
    _present: Present,
}

impl Member {
    pub(super) fn new(pool: &Arc<Shared>, handle: Handle, index: usize, acts_as: usize, spare: bool) -> Self {
        Member {
            pool: pool.clone(),
            handle,
            index,
            acts_as,
            spare,
            has_run: Cell::new(false),
            _present: pool.threads.enter(),
        }
    }

    pub(super) fn run(&self) {
        let _inside = self.enter();
        self.has_run.set(true);
        if self.spare {
            self.pool.balance.comes();
        }
        if !self.spare {
            run_hook(&self.pool.hooks.start);
        }
        let worker = Worker::new(self.pool.clone(), self.index, self.acts_as, self.spare);
        // Tasks do not panic; if the driver broke, no task that waits for the outside world would ever run again. So the
        // pool ends, which everybody is told who waits for a task or a resource.
        if catch_unwind(AssertUnwindSafe(|| worker.run())).is_err() {
            self.pool.close();
        }
        if self.pool.is_closed() {
            self.pool.cancel_all();
        }
        if !self.spare {
            run_hook(&self.pool.hooks.stop);
        }
    }

    fn enter(&self) -> EnterGuard<'_> {
        self.handle.enter_to_run().expect("it runs on a thread of its own")
    }
}

/// The monitor's thread: one of the pool's, but no worker. It cancels as they do when the pool is closed, since all of them
/// may be stuck in polls that wait for what a task that is to be cancelled holds.
pub(super) struct Watcher(pub(super) Member);

impl Watcher {
    pub(super) fn run(&self) {
        let Member { pool, handle, .. } = &self.0;
        let context = handle.enter();
        if let Some(monitor) = &pool.monitor {
            monitor.run(pool);
        }
        drop(context);
        let _inside = self.0.enter();
        pool.cancel_all();
    }
}

/// A thread that does nothing but end a closed pool, when it takes too long until the last of the others does.
pub(super) struct Finisher {
    pool: Arc<Shared>,
    handle: Handle,
    has_run: Cell<bool>,
    // The last field, as that of a member.
    _present: Present,
}

impl Finisher {
    pub(super) fn new(pool: &Arc<Shared>, handle: Handle) -> Self {
        Finisher { pool: pool.clone(), handle, has_run: Cell::new(false), _present: pool.threads.enter() }
    }

    pub(super) fn run(&self) {
        let _inside = self.handle.enter_to_run().expect("it runs on a thread of its own");
        self.has_run.set(true);
        self.pool.finish();
    }
}

impl Drop for Finisher {
    fn drop(&mut self) {
        let was_the_last = self.pool.threads.end();
        // What came after it was finished. If there was no thread for it, this one may not be kept.
        if was_the_last && self.has_run.get() {
            let _context = self.handle.enter();
            self.pool.finish();
        }
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        let _context = self.handle.enter();
        if self.spare {
            if !self.has_run.get() {
                self.pool.balance.does_not_come();
            }
            self.pool.places.give_back(self.index);
        }
        self.pool.one_runner_less();
    }
}
