//! Blocking work: it runs on the simulator's own thread, from its beginning to its end, when it is picked.
//!
//! 1. Everything else stands still meanwhile, the time too. So blocking work must not wait for a task, a timer or a socket
//!    of the simulation: a `blocking_recv` or `block_on` in it panics, where it would wait for ever. Work on real threads,
//!    one at a time, can take the place of this.
//! 2. What really blocks (a file, a sleep of std) takes real time, and its result is not decided by the seed.
//! 3. Work that was not picked by the end of the run never begins.

use std::fmt;
use std::sync::Arc;

use unstuck_context::{Blocking, ClockStands};
use unstuck_driver::Offload;
use unstuck_task::{HomeRef, Runnable, Schedule, TaskList};

use crate::pick::{Job, Pick};

/// See the module's rules.
pub(crate) struct Inline {
    home: HomeRef,
    pick: Arc<Pick>,
}

impl Inline {
    pub(crate) fn new(pick: Arc<Pick>) -> Arc<Inline> {
        let inline = Arc::new(Inline { home: HomeRef::new(), pick });
        // SAFETY: the Arc's content does not move. A task of ours is ready, and then it is run or dropped by the run, whose
        // handle keeps us alive; or it is over. Nothing wakes it.
        unsafe { inline.home.bind(&*inline) };
        inline
    }
}

impl Offload for Inline {
    fn offload(&self, work: Box<dyn FnOnce() + Send>) -> Result<(), Box<dyn FnOnce() + Send>> {
        self.pick.push_blocking(Job::Work(work)).map_err(|job| match job {
            Job::Work(work) => work,
            Job::Task(_) | Job::Blocking(_) => unreachable!("the job is given back as it was"),
        })
    }
}

impl Blocking for Inline {
    fn home(&self) -> &HomeRef {
        &self.home
    }

    fn submit(&self, task: Runnable, _no_clock_to_stop: Option<ClockStands>) {
        // A refused task is dropped, which cancels it.
        drop(self.pick.push_blocking(Job::Blocking(task)));
    }

    fn submit_promised(&self, task: Runnable, _no_clock_to_stop: Option<ClockStands>) -> bool {
        self.pick.push_blocking(Job::Blocking(task)).is_ok()
    }

    /// There are none: blocking work is run by the one thread of the world.
    fn threads(&self) -> (usize, usize) {
        (0, 0)
    }

    /// What waits is among the tasks that are ready.
    fn queue_depth(&self) -> usize {
        0
    }
}

impl Schedule for Inline {
    fn schedule(&self, task: Runnable) {
        // Only an abort comes here, for a task that was polled and waits; blocking work never waits.
        drop(task);
    }

    fn reschedule(&self, task: Runnable) {
        drop(task);
    }

    fn tasks(&self) -> Option<&TaskList> {
        None
    }
}

impl fmt::Debug for Inline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inline").finish_non_exhaustive()
    }
}
