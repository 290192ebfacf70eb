//! The threads of a pool: workers, spares, the monitor's, and the one that ends it if nobody else does.
//!
//! 1. A thread is a `Member` from before it is started, and leaves when that is dropped: whatever becomes of it.
//! 2. The last one to leave a closed pool ends it. Who is in a blocking part has left, for as long. One that drops what the
//!    end cancels, and blocks there again, tells the end before that (`spares`).
//!
//! `Pool::start` makes workers and the monitor's thread, `spares` the spares, and a shutdown that takes long a finisher.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use unstuck_base::fork::{Process, abort_in_child};
use unstuck_context::{EnterGuard, Handle};

use super::Shared;
use super::worker::Worker;
use crate::hooks::run_hook;
use crate::latch::Present;
use crate::worker_local::as_belonging;

/// A thread of the pool, from before it is started. Dropping it leaves the pool: at the end of the thread, or where none
/// could be started, or where the turn of a spare never came.
pub(super) struct Member {
    belongs: Belonging,
    handle: Handle,
    index: usize,
    spare: bool,
    has_run: Cell<bool>,
    // The last field, so that it goes last: who waits for us finds all of the above dropped.
    _present: Present,
}

/// What a thread of the pool is while it runs users' code: as a worker, and before and after that.
pub(crate) struct Belonging {
    pub(crate) pool: Arc<Shared>,
    pub(super) process: Process,
    /// The worker that it is, or stands in for.
    pub(super) acts_as: usize,
    /// Whether it counts as one that runs tasks, from before it does.
    pub(super) is_configured: bool,
    /// In a blocking part, while it is no worker.
    pub(super) blocks: Cell<bool>,
    /// It has left, or never was one of those that do, and ends the pool.
    pub(super) finishes: Cell<bool>,
}

impl Belonging {
    fn new(pool: &Arc<Shared>, acts_as: usize, is_configured: bool) -> Self {
        Belonging {
            pool: pool.clone(),
            process: Process::this(),
            acts_as,
            is_configured,
            blocks: Cell::new(false),
            finishes: Cell::new(false),
        }
    }
}

impl Belonging {
    /// For who has run code of the user's: if that has forked, and this is the child, all here is the parent's.
    pub(super) fn abort_if_forked(&self) {
        if !self.process.is_this() {
            abort_in_child();
        }
    }
}

impl Member {
    /// One of the configured workers.
    pub(super) fn worker(pool: &Arc<Shared>, handle: Handle, index: usize) -> Self {
        Member::new(Belonging::new(pool, index, true), handle, index, false)
    }

    /// A spare, at the place `index`, for the worker `acts_as`.
    pub(super) fn spare(pool: &Arc<Shared>, handle: Handle, index: usize, acts_as: usize) -> Self {
        Member::new(Belonging::new(pool, acts_as, false), handle, index, true)
    }

    fn new(belongs: Belonging, handle: Handle, index: usize, spare: bool) -> Self {
        let _present = belongs.pool.threads.enter();
        Member { belongs, handle, index, spare, has_run: Cell::new(false), _present }
    }

    pub(super) fn run(&self) {
        let pool = &self.belongs.pool;
        let _inside = enter(&self.handle);
        self.has_run.set(true);
        as_belonging(&self.belongs, || {
            if self.spare {
                pool.balance.comes();
            } else {
                run_hook(&pool.hooks.start);
                self.belongs.abort_if_forked();
            }
            let worker = Worker::new(pool.clone(), self.index, self.belongs.acts_as, self.spare);
            // Tasks do not panic; if the driver broke, no task that waits for the outside world would ever run again. So
            // the pool ends, which everybody is told who waits for a task or a resource.
            if catch_unwind(AssertUnwindSafe(|| worker.run())).is_err() {
                pool.close();
            }
            if pool.is_closed() {
                pool.cancel_all();
            }
            if !self.spare {
                run_hook(&pool.hooks.stop);
                self.belongs.abort_if_forked();
            }
        });
    }
}

fn enter(handle: &Handle) -> EnterGuard<'_> {
    handle.enter_to_run().expect("it runs on a thread of its own")
}

/// The monitor's thread: one of the pool's, but no worker. It cancels as they do when the pool is closed, since all of them
/// may be stuck in polls that wait for what a task that is to be cancelled holds.
pub(super) struct Watcher(Member);

impl Watcher {
    pub(super) fn new(pool: &Arc<Shared>, handle: Handle) -> Self {
        Watcher(Member::new(Belonging::new(pool, 0, false), handle, 0, false))
    }

    pub(super) fn run(&self) {
        let Member { belongs, handle, .. } = &self.0;
        let _inside = enter(handle);
        as_belonging(belongs, || {
            if let Some(monitor) = &belongs.pool.monitor {
                monitor.run(&belongs.pool);
            }
            belongs.pool.cancel_all();
        });
    }
}

/// A thread that does nothing but end a closed pool, when it takes too long until the last of the others does. It is not one
/// of those: who is the last is told all the same.
pub(super) struct Finisher {
    belongs: Belonging,
    handle: Handle,
    // The last field, as that of a member.
    _present: Present,
}

impl Finisher {
    pub(super) fn new(pool: &Arc<Shared>, handle: Handle) -> Self {
        Finisher { belongs: Belonging::new(pool, 0, false), handle, _present: pool.threads.enter_aside() }
    }

    pub(super) fn run(&self) {
        let _inside = enter(&self.handle);
        self.belongs.finishes.set(true);
        as_belonging(&self.belongs, || self.belongs.pool.finish());
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        let pool = &self.belongs.pool;
        // On its own thread it runs what it drops, as before; elsewhere that thread may be inside another runtime.
        let _inside = self.handle.enter_to_run();
        let _context = self.handle.enter();
        if self.spare {
            if !self.has_run.get() {
                pool.balance.does_not_come();
            }
            pool.places.give_back(self.index);
        }
        self.belongs.finishes.set(true);
        as_belonging(&self.belongs, || pool.one_runner_less());
    }
}
