//! A scheduler for tests: one queue, run by whoever asks.
//!
//! 1. Dropping it shuts it down by the rules of `schedule.rs`: close the list, wait for wakers, drop what is queued.
//! 2. From then on no waker pushes; one that does is counted, and the test fails.

use std::collections::VecDeque;
use std::future::Future;
use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use unstuck_base::local;
use unstuck_base::sync::Mutex;
use unstuck_task::{HomeRef, Id, JoinHandle, Origin, Runnable, Schedule, TaskList};

/// The scheduler; see the module's rules.
pub(crate) struct Fifo(Arc<Queue>);

struct Queue {
    home: HomeRef,
    tasks: TaskList,
    /// `None` when shut down.
    ready: Mutex<Option<VecDeque<Runnable>>>,
    /// How often a task was scheduled again by the thread that polled it.
    rescheduled: AtomicUsize,
    /// Rule 2.
    late: AtomicUsize,
}

impl Schedule for Queue {
    fn schedule(&self, task: Runnable) {
        if let Err(refused) = self.offer(task) {
            self.late.fetch_add(1, Ordering::Relaxed);
            drop(refused);
        }
    }

    fn reschedule(&self, task: Runnable) {
        self.rescheduled.fetch_add(1, Ordering::Relaxed);
        // A poll that was in progress when the queue was drained may end now: the task was aborted, so it is not this one.
        self.schedule(task);
    }

    fn tasks(&self) -> Option<&TaskList> {
        Some(&self.tasks)
    }
}

impl Queue {
    fn offer(&self, task: Runnable) -> Result<(), Runnable> {
        match &mut *self.ready.lock() {
            Some(ready) => ready.push_back(task),
            None => return Err(task),
        }
        Ok(())
    }
}

impl Fifo {
    /// A scheduler whose list of tasks has room for so many threads.
    pub(crate) fn new(threads: usize) -> Self {
        let queue = Arc::new(Queue {
            home: HomeRef::new(),
            tasks: TaskList::new(threads),
            ready: Mutex::new(Some(VecDeque::with_capacity(64))),
            rescheduled: AtomicUsize::new(0),
            late: AtomicUsize::new(0),
        });
        // SAFETY: the queue does not move, and is shut down before it goes (rule 1).
        unsafe { queue.home.bind(&*queue) };
        Fifo(queue)
    }

    /// Spawns a task, which goes to the end of the queue.
    #[track_caller]
    pub(crate) fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.spawn_from(future, Origin::new(Id::from_number(local::next_task_id()), Location::caller()))
    }

    /// As [`spawn`](Fifo::spawn), with the origin that the test brings.
    pub(crate) fn spawn_from<F>(&self, future: F, origin: Origin<'_>) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let (join, runnable) = self.0.tasks.spawn(future, &self.0.home, origin);
        if let Some(runnable) = runnable
            && let Err(refused) = self.0.offer(runnable)
        {
            drop(refused);
        }
        join
    }

    /// Runs the first task of the queue. `false`: there is none.
    pub(crate) fn run_one(&self) -> bool {
        let next = self.0.ready.lock().as_mut().and_then(VecDeque::pop_front);
        next.map(Runnable::run).is_some()
    }

    /// Runs until the queue is empty. Says how many polls that took.
    pub(crate) fn run_all(&self) -> usize {
        std::iter::repeat_with(|| self.run_one()).take_while(|ran| *ran).count()
    }

    /// The list of live tasks.
    pub(crate) fn tasks(&self) -> &TaskList {
        &self.0.tasks
    }

    /// What tasks call the scheduler.
    pub(crate) fn home(&self) -> &HomeRef {
        &self.0.home
    }

    /// How often a task was scheduled again by the thread that polled it.
    pub(crate) fn rescheduled(&self) -> usize {
        self.0.rescheduled.load(Ordering::Relaxed)
    }

    /// How many runnables wait.
    pub(crate) fn queued(&self) -> usize {
        self.0.ready.lock().as_ref().map_or(0, VecDeque::len)
    }

    /// Rule 1.
    pub(crate) fn shut_down(&self) {
        self.0.tasks.close();
        self.0.home.wait_for_wakers();
        let queued = self.0.ready.lock().take();
        drop(queued);
    }
}

impl Drop for Fifo {
    fn drop(&mut self) {
        self.shut_down();
        if !std::thread::panicking() {
            assert_eq!(self.0.late.load(Ordering::Relaxed), 0, "a waker pushed after shutdown");
        }
    }
}
