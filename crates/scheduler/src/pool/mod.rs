//! The work-stealing scheduler: worker threads, each with a queue of its own, that take from each other.
//!
//! - [`worker`]: the loop of one thread. [`place`]: what others see of it. [`places`]: the array of them.
//! - [`ring`]: a worker's own queue. [`inject`](crate::inject): the shared one.
//! - [`idle`] and `idle.md`: who sleeps and whom to wake. [`seat`]: who waits in the driver.
//!
//! 1. The pool's threads keep it alive, and with it every task that is not complete (rule 1 of `unstuck_task::Home`).
//! 2. Shutdown: the pool is closed, which every thread sees before its next poll. Each leaves its queue to inject, and
//!    cancels what the list still has. The last one to go waits for foreign wakers, drops what is queued, tells the
//!    timers and the driver's resources, and drops the driver. Who asked for the shutdown need not wait for that.
//! 3. A thread in a blocking part keeps its place, runs nothing, and is replaced by a spare for that time.

pub(crate) mod idle;
pub(crate) mod place;
pub(crate) mod places;
pub(crate) mod ring;
pub(crate) mod seat;
pub(crate) mod worker;

use std::any::Any;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use unstuck_base::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use unstuck_base::{WakeBatch, entered};
use unstuck_context::{Flavor, Handle, Scheduler, Spawner};
use unstuck_driver::{Driver, Kernel, Offload, Timers};
use unstuck_task::{HomeRef, Runnable, Schedule, TaskList};

use crate::blocking::StartThread;
use crate::inject::Inject;
use crate::latch::Latch;
use crate::worker_local::current_worker;
use crate::{Hooks, run_hook, wake};
use idle::Idle;
use places::Places;
use seat::Seat;
use worker::Worker;

/// How a pool is made.
pub struct Config {
    /// How many threads run tasks; at least 1.
    pub workers: usize,
    /// How many spares may replace threads in blocking parts.
    pub spares: usize,
    /// Makes a thread, given what it does. Called once per worker.
    pub start_thread: StartThread,
    /// What the user wants to be told of.
    pub hooks: Hooks,
    /// Where random numbers begin.
    pub seed: u64,
}

/// The scheduler, as its runtime holds it.
pub struct Pool {
    shared: Arc<Shared>,
}

/// What tasks, handles and workers reach.
pub struct Shared {
    home: HomeRef,
    tasks: TaskList,
    pub(crate) inject: Inject,
    pub(crate) idle: Idle,
    pub(crate) places: Places,
    pub(crate) seat: Seat,
    pub(crate) kernel: Arc<dyn Kernel>,
    pub(crate) timers: Arc<Timers>,
    pub(crate) workers: usize,
    pub(crate) hooks: Hooks,
    pub(crate) seed: u64,
    blocking: Arc<dyn Offload>,
    closed: AtomicBool,
    /// How many spares are to end.
    surplus: AtomicUsize,
    threads: Latch,
}

impl Pool {
    /// A pool whose threads do not run yet.
    pub fn new(
        config: &Config,
        kernel: Arc<dyn Kernel>,
        driver: Box<dyn Driver>,
        timers: Arc<Timers>,
        blocking: Arc<dyn Offload>,
    ) -> Self {
        let workers = config.workers;
        let shared = Arc::new(Shared {
            home: HomeRef::new(),
            tasks: TaskList::new(workers),
            inject: Inject::new(),
            idle: Idle::new(workers),
            places: Places::new(workers, config.spares),
            seat: Seat::new(driver),
            kernel,
            timers,
            workers,
            hooks: config.hooks.clone(),
            seed: config.seed,
            blocking,
            closed: AtomicBool::new(false),
            surplus: AtomicUsize::new(0),
            threads: Latch::new(),
        });
        // SAFETY: the Arc's content does not move. The last thread closes the list, waits for wakers and drains (rule 2)
        // before it gives its reference back; without any thread, the drop of `Pool` does.
        unsafe { shared.home.bind(&*shared) };
        Pool { shared }
    }

    /// What handles hold.
    pub fn scheduler(&self) -> Arc<Shared> {
        self.shared.clone()
    }

    /// Starts the threads, each in the context of `handle`.
    ///
    /// # Errors
    /// If a thread can't be started; those that were are told to end.
    pub fn start(&self, handle: &Handle, config: &Config) -> io::Result<()> {
        for index in 0..self.shared.workers {
            self.shared.threads.enter();
            let (shared, handle) = (self.shared.clone(), handle.clone());
            let started = (config.start_thread)(Box::new(move || shared.run_worker(index, false, &handle)));
            if let Err(error) = started {
                self.shared.close();
                self.shared.thread_leaves();
                return Err(error);
            }
        }
        Ok(())
    }

    /// Closes the pool, and waits until its threads have gone, at most for `limit` (`None`: for as long as it takes).
    /// `true`: they have gone.
    pub fn shut_down(&self, limit: Option<Duration>) -> bool {
        self.shared.close();
        self.shared.threads.wait(limit, &*self.shared.kernel)
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.close();
        if self.shared.threads.count() == 0 {
            self.shared.finish();
        }
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("workers", &self.shared.workers).finish_non_exhaustive()
    }
}

impl Shared {
    fn run_worker(self: Arc<Self>, index: usize, spare: bool, handle: &Handle) {
        let _entered = entered::enter();
        let _context = handle.enter();
        if !spare {
            run_hook(&self.hooks.start);
        }
        Worker::new(self.clone(), index, spare).run();
        if self.is_closed() {
            // Rule 2: also the tasks of other threads; each is cancelled once.
            self.tasks.close();
        }
        if spare {
            self.places.give_back(index);
        } else {
            run_hook(&self.hooks.stop);
        }
        self.thread_leaves();
    }

    /// The last thread that leaves a closed pool finishes it, and then counts as gone: who waits finds all dropped.
    fn thread_leaves(&self) {
        self.threads.leave(|| {
            if self.is_closed() {
                self.finish();
            }
        });
    }

    pub(crate) fn is_closed(&self) -> bool {
        // Acquire: pairs with the Release in `close`.
        self.closed.load(Ordering::Acquire)
    }

    fn close(&self) {
        // SeqCst by the lock in `wake_all`: a worker that goes to sleep later has its name on the list after that lock was
        // released, so it sees this store.
        self.closed.store(true, Ordering::Release);
        for index in self.idle.wake_all() {
            self.unpark(index);
        }
    }

    /// Drops all that is left. Every thread has gone, or is the caller.
    fn finish(&self) {
        self.tasks.close();
        self.home.wait_for_wakers();
        // Dropping a future may wake or abort others: until nothing is left.
        while let Some(task) = self.inject.pop() {
            drop(task);
        }
        let mut batch = WakeBatch::new();
        self.timers.shutdown(&mut batch);
        if let Some(mut driver) = self.seat.close() {
            driver.shut_down(&mut batch);
        }
        wake(&mut batch);
    }

    fn unpark(&self, index: usize) {
        self.places.get(index).unpark(|| self.kernel.unpark());
    }

    /// Work was queued where any worker may take it.
    #[inline]
    pub(crate) fn wake_one(&self) {
        if let Some(index) = self.idle.wake_one() {
            self.unpark(index);
        }
    }

    /// As [`wake_one`](Shared::wake_one), by a worker that queued in its own ring.
    #[inline]
    pub(crate) fn wake_one_soon(&self) {
        if let Some(index) = self.idle.wake_one_soon() {
            self.unpark(index);
        }
    }

    pub(crate) fn queue_from_outside(&self, task: Runnable) {
        self.inject.push(task);
        self.wake_one();
    }

    /// Is there anything that a worker could take? Call it after a fence; see `idle.md`.
    pub(crate) fn has_work(&self) -> bool {
        self.inject.len() > 0 || (0..self.places.visible()).any(|index| !self.places.get(index).ring.is_empty())
    }

    /// A spare asks whether it is the one that is not needed any more.
    pub(crate) fn retire_one(&self) -> bool {
        self.has_surplus()
            && self.surplus.fetch_update(Ordering::AcqRel, Ordering::Relaxed, |spares| spares.checked_sub(1)).is_ok()
    }

    pub(crate) fn has_surplus(&self) -> bool {
        self.surplus.load(Ordering::Relaxed) > 0
    }

    /// Sees to it that one thread more runs tasks: a spare that was going to end, or a new one. Without a thread to be had
    /// the pool goes on with one less.
    fn add_spare(self: &Arc<Self>) -> bool {
        if self.retire_one() {
            return true;
        }
        let Some(index) = self.places.take_spare() else { return false };
        self.threads.enter();
        let Ok(handle) = unstuck_context::try_current() else { return self.no_spare(index) };
        let shared = self.clone();
        let spare = Box::new(move || shared.run_worker(index, true, &handle));
        match self.blocking.offload(spare) {
            Ok(()) => true,
            Err(_) => self.no_spare(index),
        }
    }

    fn no_spare(&self, index: usize) -> bool {
        self.places.give_back(index);
        self.thread_leaves();
        false
    }

    /// One thread too many runs tasks: a spare ends when it next looks.
    fn remove_spare(&self) {
        self.surplus.fetch_add(1, Ordering::AcqRel);
        // A sleeping spare must look. Which of the sleepers is one is not known here, and this is rare.
        for index in self.idle.wake_all() {
            self.unpark(index);
        }
    }
}

impl Schedule for Shared {
    #[inline]
    fn schedule(&self, task: Runnable) {
        let mut task = Some(task);
        current_worker(|worker| {
            if std::ptr::eq(&*worker.pool, self) {
                worker.schedule(task.take().expect("queued once"));
            }
        });
        if let Some(task) = task {
            self.queue_from_outside(task);
        }
    }

    fn reschedule(&self, task: Runnable) {
        let mut task = Some(task);
        current_worker(|worker| {
            if std::ptr::eq(&*worker.pool, self) {
                worker.reschedule(task.take().expect("queued once"));
            }
        });
        if let Some(task) = task {
            self.queue_from_outside(task);
        }
    }

    fn tasks(&self) -> Option<&TaskList> {
        Some(&self.tasks)
    }
}

impl Spawner for Shared {
    fn home(&self) -> &HomeRef {
        &self.home
    }

    fn live(&self) -> &TaskList {
        &self.tasks
    }
}

impl Scheduler for Shared {
    fn flavor(&self) -> Flavor {
        Flavor::MultiThread
    }

    fn workers(&self) -> usize {
        self.workers
    }

    fn inject_depth(&self) -> usize {
        self.inject.len()
    }

    fn polls(&self, worker: usize) -> u64 {
        self.places.get(worker).polls().0
    }

    fn begin_blocking(&self) -> Option<Box<dyn Any>> {
        current_worker(|worker| {
            if !std::ptr::eq(&*worker.pool, self) || worker.blocks.replace(true) {
                return None;
            }
            worker.hand_over();
            let replaced = worker.pool.add_spare();
            let part: Box<dyn Any> = Box::new(BlockingPart { worker, replaced });
            Some(part)
        })?
    }
}

/// A worker is in a blocking part as long as this lives, on its thread.
struct BlockingPart {
    worker: *const Worker,
    replaced: bool,
}

impl Drop for BlockingPart {
    fn drop(&mut self) {
        // SAFETY: the part is a value on the stack of a function that the worker called, on its thread.
        let worker = unsafe { &*self.worker };
        worker.blocks.set(false);
        if self.replaced {
            worker.pool.remove_spare();
        }
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("workers", &self.workers).field("tasks", &self.tasks).finish_non_exhaustive()
    }
}

/// The outside world can't be waited for any more: no task that waits for it would ever run.
#[cold]
fn driver_broke(error: &io::Error) -> ! {
    panic!("the I/O driver broke and can't be waited for: {error}")
}
