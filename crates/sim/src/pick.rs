//! Who runs next: whichever of the ready ones the seed says.
//!
//! 1. Everything that is ready is in one list: tasks, blocking work, and (as one candidate more) the main future. Each is
//!    as likely as the others.
//! 2. One thread runs. Others may wake and spawn, but when they do is not decided by the seed.
//! 3. User code runs and is dropped outside the list's lock.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use unstuck_base::local;
use unstuck_base::sync::Mutex;
use unstuck_context::{CantBlock, Flavor, Scheduler, Spawner, WorkerCounts};
use unstuck_task::{HomeRef, Runnable, Schedule, TaskList};

use crate::trace::Kind;
use crate::world::World;

/// The scheduler; see the module's rules.
pub(crate) struct Pick {
    home: HomeRef,
    tasks: TaskList,
    ready: Mutex<Ready>,
    world: Arc<World>,
}

struct Ready {
    jobs: Vec<Job>,
    /// Blocking work may still begin.
    takes_blocking: bool,
    /// How many tasks were picked.
    polls: u64,
}

/// Something that is ready to run.
pub(crate) enum Job {
    /// A task, to be polled once.
    Task(Runnable),
    /// A blocking closure whose end somebody may await.
    Blocking(Runnable),
    /// A blocking closure of a resource.
    Work(Box<dyn FnOnce() + Send>),
}

/// What was picked.
pub(crate) enum Picked {
    Job(Job),
    /// The main future.
    Main,
    /// Nothing is ready.
    Nothing,
}

impl Pick {
    pub(crate) fn new(world: Arc<World>) -> Arc<Pick> {
        let pick = Arc::new(Pick {
            home: HomeRef::new(),
            tasks: TaskList::new(0),
            ready: Mutex::new(Ready { jobs: Vec::new(), takes_blocking: true, polls: 0 }),
            world,
        });
        // SAFETY: the Arc's content does not move; `close`, which a run calls before it lets go of the Arc, closes the list,
        // waits for wakers, and drops what is ready.
        unsafe { pick.home.bind(&*pick) };
        pick
    }

    /// Picks one of those that are ready; the main future is one if `main_is_ready`.
    pub(crate) fn next(&self, main_is_ready: bool) -> Picked {
        let mut ready = self.ready.lock();
        let candidates = ready.jobs.len() + usize::from(main_is_ready);
        if candidates == 0 {
            return Picked::Nothing;
        }
        let chosen = {
            let choices = &mut self.world.lock().fabric.choices;
            let chosen = choices.choose(Kind::Pick, candidates as u64) as usize;
            choices.trace.happened(&[48, candidates as u64, chosen as u64]);
            chosen
        };
        if chosen == ready.jobs.len() {
            return Picked::Main;
        }
        let job = ready.jobs.swap_remove(chosen);
        ready.polls += u64::from(matches!(job, Job::Task(_)));
        Picked::Job(job)
    }

    /// Runs a job, as the thread that has this scheduler.
    pub(crate) fn run(&self, job: Job) {
        match job {
            Job::Task(task) | Job::Blocking(task) => task.run(),
            Job::Work(work) => {
                let _panic_of_the_work = catch_unwind(AssertUnwindSafe(work));
            }
        }
    }

    /// Makes blocking work ready, or gives it back: the run is over.
    pub(crate) fn push_blocking(&self, job: Job) -> Result<(), Job> {
        let mut ready = self.ready.lock();
        if !ready.takes_blocking {
            return Err(job);
        }
        ready.jobs.push(job);
        Ok(())
    }

    /// Cancels every task, and drops every future and whatever else is ready. The thread is in the run's context.
    pub(crate) fn close(&self) {
        self.ready.lock().takes_blocking = false;
        self.tasks.close();
        self.home.wait_for_wakers();
        // Dropping a future may wake others: until nothing is left.
        loop {
            let jobs = std::mem::take(&mut self.ready.lock().jobs);
            if jobs.is_empty() {
                return;
            }
            let _panic_of_a_drop = catch_unwind(AssertUnwindSafe(|| drop(jobs)));
        }
    }

    fn push(&self, task: Runnable) {
        self.ready.lock().jobs.push(Job::Task(task));
    }
}

impl Schedule for Pick {
    fn schedule(&self, task: Runnable) {
        self.push(task);
    }

    fn reschedule(&self, task: Runnable) {
        self.push(task);
    }

    fn tasks(&self) -> Option<&TaskList> {
        Some(&self.tasks)
    }
}

impl Spawner for Pick {
    fn home(&self) -> &HomeRef {
        &self.home
    }

    fn live(&self) -> &TaskList {
        &self.tasks
    }
}

impl Scheduler for Pick {
    fn flavor(&self) -> Flavor {
        Flavor::CurrentThread
    }

    fn workers(&self) -> usize {
        1
    }

    fn inject_depth(&self) -> usize {
        self.ready.lock().jobs.len()
    }

    /// Of its one thread it counts the polls alone.
    fn worker(&self, _index: usize) -> WorkerCounts {
        WorkerCounts { polls: self.ready.lock().polls, ..WorkerCounts::default() }
    }

    fn begin_blocking(&self) -> Result<Option<Box<dyn std::any::Any>>, CantBlock> {
        if !std::ptr::eq(local::home(), self.home.get().key()) {
            return Ok(None);
        }
        Err(CantBlock(
            "the simulator can't block in place: it has one thread, and what the blocking part waited for could never \
             happen. Use `spawn_blocking`, for work that waits for no task",
        ))
    }

    fn serves_outside(&self) -> bool {
        false
    }
}

impl fmt::Debug for Pick {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pick").field("tasks", &self.tasks).finish_non_exhaustive()
    }
}
