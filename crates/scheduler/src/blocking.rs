//! Threads for work that blocks: started on demand, gone when nothing was to be done for a while.
//!
//! 1. There are several queues, each behind its own lock, so that many producers do not meet.
//! 2. At any time few threads *search*: they are woken or started and have not found a job yet. A producer wakes or starts
//!    a thread only if nobody searches. A thread that found a job, and was the last searcher, does the same before it runs
//!    the job, if more are queued. So every queued job has a searcher, or all threads that may be are busy; and a burst of
//!    short jobs does not start a thread for each. `calls.rs` counts.
//! 3. A thread that is called for a new job is handed that job, which has begun by that. Once closed, no queued job ever
//!    begins, but those that were promised: it is dropped, which cancels its task; by a thread of the pool, since the drop may
//!    wait for what the runtime's end brings. Those that have begun are not interrupted.
//! 4. No user code runs under a lock, and its panics end here.
//! 5. Each thread says which closure it runs, for whoever asks why the pool does not end. The runtime's own work (spare
//!    workers) is not such a closure.
//! 6. The runtime's own work never waits behind closures, which may be waiting for it: it has a thread at once, beside the
//!    `max_threads` of the others.

mod calls;
mod job;
mod thread;

use std::any::Any;
use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::sync::{Arc, Weak};
use std::time::Duration;

use unstuck_base::sync::{MODELLED, Mutex, MutexGuard};
use unstuck_base::{CachePadded, local};
use unstuck_context::{Blocking, ClockStands, Handle};
use unstuck_driver::{Kernel, Offload};
use unstuck_task::{HomeRef, Origin, Runnable, Schedule, TaskList};

pub(crate) use calls::Calls;
use job::Job;
pub use job::RunningClosure;
use thread::{Member, Place};

use crate::Hooks;
use crate::latch::Latch;
use crate::panics::TaskPanic;
use crate::worker_local::is_blocking_thread_of;

const QUEUES: usize = if MODELLED { 1 } else { 8 };

/// Starts a thread that does what it is given.
pub type StartThread = Arc<dyn Fn(Box<dyn FnOnce() + Send>) -> io::Result<()> + Send + Sync>;

/// How a pool of blocking threads is made.
pub struct Config {
    /// How many threads there may be, beside those that do the runtime's own work; at least 1.
    pub max_threads: usize,
    /// How long a thread without work stays.
    pub keep_alive: Duration,
    /// Starts a thread.
    pub start_thread: StartThread,
    /// What the user wants to be told of.
    pub hooks: Hooks,
}

/// The pool; see the module's rules.
pub struct BlockingPool {
    queues: [CachePadded<Mutex<Queue>>; QUEUES],
    calls: Calls,
    /// What was queued when the pool was closed.
    refused: Mutex<Vec<Job>>,
    threads: Mutex<Threads>,
    alive: Arc<Latch>,
    config: Config,
    kernel: Arc<dyn Kernel>,
    this: Weak<BlockingPool>,
    home: HomeRef,
}

struct Queue {
    open: bool,
    jobs: VecDeque<Job>,
}

/// What a thread counts as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Count {
    /// One for closures, of which there are `max_threads` at most.
    Ordinary,
    /// One that does the runtime's own work.
    Own,
    /// Nothing any more: it is about to end.
    Not,
}

struct Threads {
    /// How many there are for closures.
    ordinary: usize,
    /// How many do the runtime's own work (rule 6).
    own: usize,
    idle: Vec<Arc<Place>>,
    /// Of every thread that has not gone.
    all: Vec<Arc<Place>>,
    /// The context of the threads; `None` when the pool is closed or its runtime not complete yet.
    context: Option<Handle>,
}

impl BlockingPool {
    /// A pool without threads, and without a context.
    pub fn new(config: Config, kernel: Arc<dyn Kernel>) -> Arc<Self> {
        let queue = || CachePadded::new(Mutex::new(Queue { open: true, jobs: VecDeque::new() }));
        let pool = Arc::new_cyclic(|this| BlockingPool {
            queues: std::array::from_fn(|_| queue()),
            calls: Calls::new(),
            refused: Mutex::new(Vec::new()),
            threads: Mutex::new(Threads { ordinary: 0, own: 0, idle: Vec::new(), all: Vec::new(), context: None }),
            alive: Latch::new(),
            config,
            kernel,
            this: this.clone(),
            home: HomeRef::new(),
        });
        // SAFETY: the Arc's content does not move. A task of ours is queued, where `close` or the drop of the queues
        // cancels it, or runs on a thread that holds the Arc; nothing wakes it.
        unsafe { pool.home.bind(&*pool) };
        pool
    }

    /// Says in which context the threads run. Before that none is started.
    pub fn set_context(&self, handle: Handle) {
        self.threads.lock().context = Some(handle);
    }

    /// Begins nothing any more but what was promised: the rest of what is queued is dropped, idle threads end, busy ones
    /// end after their job. Unless it is to be dropped `here`, that is done by a thread of the pool, and not when this
    /// returns.
    pub fn close(&self, here: bool) {
        for queue in &self.queues {
            let mut queue = queue.lock();
            queue.open = false;
            let (promised, refused) = std::mem::take(&mut queue.jobs).into_iter().partition(|job| job.promised);
            queue.jobs = promised;
            self.calls.withdraw(refused.len());
            self.refused.lock().extend::<VecDeque<Job>>(refused);
        }
        // While there is a context yet: whoever queued what was promised may come too late to call a thread for it. If none
        // is to be had, it waits for those that are busy.
        if self.calls.queued() > 0 {
            let _no_thread = self.call_thread();
        }
        let mut threads = self.threads.lock();
        threads.idle.iter().for_each(|_| self.calls.search());
        let idle = std::mem::take(&mut threads.idle);
        let context = threads.context.take();
        // Each thread drops what is refused before it ends. Where none is idle, and none can be started, those do that are
        // busy.
        match &context {
            Some(context) if !here && idle.is_empty() && !self.refused.lock().is_empty() => {
                let _no_thread = self.start_thread(threads, context.clone(), Count::Ordinary, &mut None);
            }
            _ => drop(threads),
        }
        for place in idle {
            place.parker.unpark();
        }
        if here {
            self.drop_refused();
        }
        drop(context);
    }

    /// Drops what was queued when the pool was closed, as far as no other thread does so.
    pub fn drop_refused(&self) {
        self.drop_refused_after(|_job| ());
    }

    /// As [`drop_refused`](BlockingPool::drop_refused); `before` each, says which.
    fn drop_refused_after(&self, before: impl Fn(&Job)) {
        loop {
            let job = {
                let mut refused = self.refused.lock();
                let Some(job) = refused.pop() else { return };
                // Under the lock: whoever looks here first and at the threads then misses none.
                before(&job);
                job
            };
            job.cancel();
        }
    }

    /// Waits until the threads have gone, at most for `limit` (`None`: for as long as it takes); not for itself, if this is
    /// one of them. `true`: they have gone.
    pub fn wait(&self, limit: Option<Duration>) -> bool {
        self.alive.wait(usize::from(is_blocking_thread_of(self)), limit, || self.kernel.real_now())
    }

    /// The closures that other threads run, or drop; and those that were queued when the pool was closed and wait to be
    /// dropped.
    pub fn stragglers(&self) -> (Vec<RunningClosure>, Vec<RunningClosure>) {
        let mut left: Vec<_> = self.refused.lock().iter().filter_map(|job| job.begins(&*self.kernel)).collect();
        let places = self.threads.lock().all.clone();
        let running: Vec<_> = places.iter().filter_map(|place| place.running(&*self.kernel)).collect();
        left.retain(|closure| running.iter().all(|running| running.id != closure.id));
        let own = local::current_task().map(|task| task.id);
        (running.into_iter().filter(|closure| Some(closure.id.number()) != own).collect(), left)
    }

    /// Queues a job, or gives it back: the pool is closed, or has no thread and none can be started.
    fn queue(&self, job: Job) -> Result<(), (Job, Option<io::Error>)> {
        let Err(job) = self.hand_over(job) else { return Ok(()) };
        let (id, queue) = (job.id, &self.queues[local::spread() % QUEUES]);
        {
            let mut queue = queue.lock();
            if !queue.open {
                return Err((job, None));
            }
            self.calls.announce();
            queue.jobs.push_back(job);
        }
        let Err(error) = self.call_thread() else { return Ok(()) };
        let mut queue = queue.lock();
        // If it is not there any more, somebody else has found a thread for it.
        let Some(at) = queue.jobs.iter().position(|job| job.id == id) else { return Ok(()) };
        let job = queue.jobs.remove(at).expect("its position was found under this lock");
        self.calls.withdraw(1);
        drop(queue);
        self.cancel_if_there_is_no_thread();
        Err((job, Some(error)))
    }

    /// A thread could not be started: who queued a job meanwhile relied on it. If there is no other, their jobs are
    /// cancelled, so that nobody waits for them. What was promised waits for a thread that does the runtime's own work, if
    /// there is one.
    fn cancel_if_there_is_no_thread(&self) {
        let mut jobs = VecDeque::new();
        {
            let threads = self.threads.lock();
            if threads.ordinary > 0 {
                return;
            }
            for queue in &self.queues {
                let mut queue = queue.lock();
                let is_kept = |job: &Job| job.promised && threads.own > 0;
                let (kept, cancelled) = std::mem::take(&mut queue.jobs).into_iter().partition(is_kept);
                queue.jobs = kept;
                self.calls.withdraw(cancelled.len());
                jobs.extend::<VecDeque<Job>>(cancelled);
            }
        }
        jobs.into_iter().for_each(Job::cancel);
    }

    /// As [`queue`](BlockingPool::queue); a job that would be given back is dropped, which cancels its task: then `false`.
    ///
    /// # Panics
    /// If there is no thread and none can be started.
    fn queue_or_cancel(&self, job: Job) -> bool {
        let Err((refused, why)) = self.queue(job) else { return true };
        drop(refused);
        if let Some(error) = why {
            panic!("OS can't spawn worker thread: {error}");
        }
        false
    }

    /// Hands the job to a thread that is called for it, or gives it back: somebody searches, or there is no thread to be
    /// had.
    fn hand_over(&self, job: Job) -> Result<(), Job> {
        let mut job = Some(job);
        let _no_thread = self.call_thread_with(&mut job);
        job.map_or(Ok(()), Err)
    }

    /// Sees to it that somebody looks for jobs, if there is a thread to be had (rule 2).
    ///
    /// # Errors
    /// If there is no thread, and none can be started.
    fn call_thread(&self) -> io::Result<()> {
        self.call_thread_with(&mut None)
    }

    /// As [`call_thread`](BlockingPool::call_thread); the thread that is called is handed `job`, which is left alone when
    /// none is.
    fn call_thread_with(&self, job: &mut Option<Job>) -> io::Result<()> {
        if !self.calls.must_call() {
            return Ok(());
        }
        let mut threads = self.threads.lock();
        if !self.calls.must_call() {
            return Ok(());
        }
        if let Some(idle) = self.take_idle(&mut threads) {
            // Under the lock, where the thread finds that it is not idle any more.
            *idle.job.lock() = job.take();
            drop(threads);
            idle.parker.unpark();
            return Ok(());
        }
        if threads.ordinary >= self.config.max_threads {
            return Ok(());
        }
        // Without a context the pool is closed.
        let Some(context) = threads.context.clone() else { return Ok(()) };
        self.start_thread(threads, context, Count::Ordinary, job)
    }

    /// Starts a thread, which counts as searching, and is handed `job`; that is left alone if there is no thread to be had.
    ///
    /// # Errors
    /// If none can be started, and there is none for closures.
    fn start_thread(
        &self,
        mut threads: MutexGuard<'_, Threads>,
        context: Handle,
        counts: Count,
        job: &mut Option<Job>,
    ) -> io::Result<()> {
        // Without any reference to it, the pool is about to be dropped.
        let Some(pool) = self.this.upgrade() else { return Ok(()) };
        threads.begin(counts);
        self.calls.search();
        let place = Place::new(job.take());
        threads.all.push(place.clone());
        // Entered under the lock, so that who closes the pool and then waits waits for this one too.
        let mut member = Member::new(pool, context, place.clone(), counts, self.alive.enter());
        drop(threads);
        let Err(error) = (self.config.start_thread)(Box::new(move || member.run())) else { return Ok(()) };
        *job = place.job.lock().take();
        if self.threads.lock().ordinary == 0 { Err(error) } else { Ok(()) }
    }

    /// A thread has done some of the runtime's own work: what it counts as from now on. `Not`: there are enough others.
    fn end_own(&self) -> Count {
        let mut threads = self.threads.lock();
        threads.end(Count::Own);
        let counts = if threads.ordinary < self.config.max_threads { Count::Ordinary } else { Count::Not };
        threads.begin(counts);
        counts
    }

    /// An idle thread, which counts as searching now.
    fn take_idle(&self, threads: &mut Threads) -> Option<Arc<Place>> {
        let idle = threads.idle.pop()?;
        self.calls.search();
        Some(idle)
    }

    /// Takes a job from one of the queues.
    fn find_job(&self, first: usize) -> Option<Job> {
        if self.calls.queued() == 0 {
            return None;
        }
        (0..QUEUES).find_map(|offset| {
            let mut queue = self.queues[(first + offset) % QUEUES].lock();
            let job = queue.jobs.pop_front()?;
            self.calls.withdraw(1);
            Some(job)
        })
    }

    /// Takes a thread off the list of idle ones. `false`: somebody has done so, and it counts as searching.
    fn leave_idle(&self, place: &Arc<Place>) -> bool {
        let mut threads = self.threads.lock();
        let Some(at) = threads.idle.iter().position(|other| Arc::ptr_eq(other, place)) else { return false };
        threads.idle.swap_remove(at);
        true
    }
}

impl Threads {
    fn begin(&mut self, counts: Count) {
        match counts {
            Count::Ordinary => self.ordinary += 1,
            Count::Own => self.own += 1,
            Count::Not => {}
        }
    }

    fn end(&mut self, counts: Count) {
        match counts {
            Count::Ordinary => self.ordinary -= 1,
            Count::Own => self.own -= 1,
            Count::Not => {}
        }
    }
}

impl Offload for BlockingPool {
    fn offload(&self, work: Box<dyn FnOnce() + Send>) -> Result<(), Box<dyn FnOnce() + Send>> {
        let mut threads = self.threads.lock();
        // Without a context the pool is closed.
        let Some(context) = threads.context.clone() else { return Err(work) };
        let mut job = Some(Job::closure(work));
        if let Some(idle) = self.take_idle(&mut threads) {
            threads.end(Count::Ordinary);
            threads.begin(Count::Own);
            *idle.job.lock() = job.take();
            drop(threads);
            idle.parker.unpark();
            return Ok(());
        }
        // Why none could be started is not told: the runtime goes on with what it has.
        let _no_thread = self.start_thread(threads, context, Count::Own, &mut job);
        let Some(job) = job else { return Ok(()) };
        self.cancel_if_there_is_no_thread();
        Err(job.into_closure())
    }
}

impl Drop for BlockingPool {
    fn drop(&mut self) {
        self.drop_refused();
    }
}

impl Blocking for BlockingPool {
    fn home(&self) -> &HomeRef {
        &self.home
    }

    fn submit(&self, task: Runnable, until_over: Option<ClockStands>) {
        let _cancelled = self.queue_or_cancel(Job::task(task, until_over));
    }

    fn submit_promised(&self, task: Runnable, until_over: Option<ClockStands>) -> bool {
        self.queue_or_cancel(Job::promised(task, until_over))
    }

    fn threads(&self) -> (usize, usize) {
        let threads = self.threads.lock();
        (threads.ordinary + threads.own, threads.idle.len())
    }

    fn queue_depth(&self) -> usize {
        self.calls.queued()
    }
}

impl Schedule for BlockingPool {
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

    fn panicked(&self, origin: Origin<'_>, payload: &(dyn Any + Send)) {
        let _only_a_task_ends_the_runtime = self.config.hooks.panic.panicked(&TaskPanic::of_closure(origin, payload));
    }
}

impl fmt::Debug for BlockingPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (threads, idle) = self.threads();
        f.debug_struct("BlockingPool").field("threads", &threads).field("idle", &idle).finish_non_exhaustive()
    }
}
