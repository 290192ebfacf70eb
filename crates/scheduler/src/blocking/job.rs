//! One piece of blocking work, and what is said of it while it runs.

use std::panic::Location;
use std::sync::Arc;
use std::time::Instant;

use unstuck_base::{local, quietly};
use unstuck_context::ClockStands;
use unstuck_driver::Kernel;
use unstuck_task::{Id, Runnable};

pub(super) struct Job {
    pub(super) id: Id,
    work: Work,
    /// Whether it runs also when the pool is closed.
    pub(super) promised: bool,
    /// Dropped last: when the task is over, and whoever joins it has been woken.
    until_over: Option<ClockStands>,
}

enum Work {
    Task(Runnable),
    Closure(Box<dyn FnOnce() + Send>),
}

/// A closure that has begun, and has not ended.
#[derive(Clone, Debug)]
pub struct RunningClosure {
    /// Its id.
    pub id: Id,
    /// Where it was spawned.
    pub spawned_at: &'static Location<'static>,
    /// What its spawner called it.
    pub name: Option<Arc<str>>,
    /// When it began.
    pub since: Instant,
}

impl Job {
    pub(super) fn task(task: Runnable, until_over: Option<ClockStands>) -> Self {
        Job { id: task.id(), work: Work::Task(task), promised: false, until_over }
    }

    /// It runs also when the pool is closed.
    pub(super) fn promised(task: Runnable, until_over: Option<ClockStands>) -> Self {
        Job { promised: true, ..Job::task(task, until_over) }
    }

    pub(super) fn closure(work: Box<dyn FnOnce() + Send>) -> Self {
        Job { id: Id::from_number(local::next_task_id()), work: Work::Closure(work), promised: false, until_over: None }
    }

    /// What is to be said of it while it runs (rule 5).
    pub(super) fn begins(&self, kernel: &dyn Kernel) -> Option<RunningClosure> {
        let Work::Task(task) = &self.work else { return None };
        let (id, spawned_at, name) = (task.id(), task.spawned_at(), task.name());
        Some(RunningClosure { id, spawned_at, name, since: kernel.real_now() })
    }

    pub(super) fn run(self) {
        match self.work {
            Work::Task(task) => task.run(),
            Work::Closure(work) => quietly(work),
        }
        drop(self.until_over);
    }

    /// Whether it is work of the pool's own users, such as a spare worker.
    pub(super) fn is_own(&self) -> bool {
        matches!(self.work, Work::Closure(_))
    }

    /// The closure that it was made of.
    pub(super) fn into_closure(self) -> Box<dyn FnOnce() + Send> {
        match self.work {
            Work::Closure(work) => work,
            Work::Task(_) => unreachable!("it was made of a closure"),
        }
    }

    /// Drops it, which cancels its task.
    pub(super) fn cancel(self) {
        quietly(|| drop(self));
    }
}
