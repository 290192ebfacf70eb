//! Threads for work that blocks: started on demand, gone when nothing was to be done for a while.
//!
//! 1. There are several queues, each behind its own lock, so that many producers do not meet.
//! 2. At any time few threads *search*: they are woken or started and have not found a job yet. A producer wakes or starts
//!    a thread only if nobody searches. A thread that found a job, and was the last searcher, does the same before it runs
//!    the job, if more are queued. So every queued job has a searcher, or all threads that may be are busy; and a burst of
//!    short jobs does not start a thread for each. `calls.rs` counts.
//! 3. A thread that is called for a new job is handed that job, which has begun by that. Once closed, no queued job ever
//!    begins, but those that were promised: it is dropped, which cancels its task. Those that have begun are not
//!    interrupted.
//! 4. No user code runs under a lock, and its panics end here.
//! 5. Each thread says which closure it runs, for whoever asks why the pool does not end. Work of the pool's own users
//!    (spare workers) is not such a closure.

mod calls;

use std::any::Any;
use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::panic::Location;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use unstuck_base::fork::abort_in_child;
use unstuck_base::parker::Parker;
use unstuck_base::sync::{MODELLED, Mutex};
use unstuck_base::{CachePadded, local, quietly};
use unstuck_context::{Blocking, ClockStands, Handle};
use unstuck_driver::{Kernel, Offload};
use unstuck_task::{HomeRef, Id, Origin, Runnable, Schedule, TaskList};

pub(crate) use calls::Calls;

use crate::latch::{Latch, Present};
use crate::panics::TaskPanic;
use crate::worker_local::{as_blocking, is_blocking_thread_of};
use crate::{Hooks, run_hook};

const QUEUES: usize = if MODELLED { 1 } else { 8 };

/// Starts a thread that does what it is given.
pub type StartThread = Box<dyn Fn(Box<dyn FnOnce() + Send>) -> io::Result<()> + Send + Sync>;

/// How a pool of blocking threads is made.
pub struct Config {
    /// How many threads there may be; at least 1.
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

struct Job {
    id: Id,
    work: Work,
    /// Whether it runs also when the pool is closed.
    promised: bool,
    /// Dropped last: when the task is over, and whoever joins it has been woken.
    until_over: Option<ClockStands>,
}

enum Work {
    Task(Runnable),
    Closure(Box<dyn FnOnce() + Send>),
}

struct Threads {
    count: usize,
    idle: Vec<Arc<Place>>,
    /// Of every thread that has not gone.
    all: Vec<Arc<Place>>,
    /// The context of the threads; `None` when the pool is closed or its runtime not complete yet.
    context: Option<Handle>,
}

/// Where one thread sleeps, is handed a job, and says what it runs.
struct Place {
    parker: Parker,
    job: Mutex<Option<Job>>,
    running: Mutex<Option<RunningClosure>>,
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

/// A thread of the pool, from before it is started. Dropping it leaves the pool, wherever that happens.
struct Member {
    pool: Arc<BlockingPool>,
    context: Handle,
    place: Arc<Place>,
    /// Whether it counts as searching.
    searches: bool,
    /// Whether it counts against the limit: not from when its idle time is over. Whoever queues a job then finds no idle
    /// thread, and must not be kept by this one from starting another.
    counts: bool,
    // The last field, so that it goes last: who waits for us finds all of the above dropped.
    _present: Present,
}

impl BlockingPool {
    /// A pool without threads, and without a context.
    pub fn new(config: Config, kernel: Arc<dyn Kernel>) -> Arc<Self> {
        let queue = || CachePadded::new(Mutex::new(Queue { open: true, jobs: VecDeque::new() }));
        let pool = Arc::new_cyclic(|this| BlockingPool {
            queues: std::array::from_fn(|_| queue()),
            calls: Calls::new(),
            threads: Mutex::new(Threads { count: 0, idle: Vec::new(), all: Vec::new(), context: None }),
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
    /// end after their job.
    pub fn close(&self) {
        let mut jobs = Vec::new();
        for queue in &self.queues {
            let mut queue = queue.lock();
            queue.open = false;
            let (promised, dropped) = std::mem::take(&mut queue.jobs).into_iter().partition(|job| job.promised);
            queue.jobs = promised;
            self.calls.withdraw(dropped.len());
            jobs.extend::<VecDeque<Job>>(dropped);
        }
        // While there is a context yet: whoever queued what was promised may come too late to call a thread for it. If none
        // is to be had, it waits for those that are busy.
        if self.calls.queued() > 0 {
            let _no_thread = self.call_thread();
        }
        let (idle, context) = {
            let mut threads = self.threads.lock();
            threads.idle.iter().for_each(|_| self.calls.search());
            (std::mem::take(&mut threads.idle), threads.context.take())
        };
        for place in idle {
            place.parker.unpark();
        }
        jobs.into_iter().for_each(Job::cancel);
        drop(context);
    }

    /// Waits until the threads have gone, at most for `limit` (`None`: for as long as it takes); not for itself, if this is
    /// one of them. `true`: they have gone.
    pub fn wait(&self, limit: Option<Duration>) -> bool {
        self.alive.wait(usize::from(is_blocking_thread_of(self)), limit, || self.kernel.real_now())
    }

    /// The closures that other threads run.
    pub fn running(&self) -> Vec<RunningClosure> {
        let places = self.threads.lock().all.clone();
        let own = local::current_task().map(|task| task.id);
        let running = places.iter().filter_map(|place| place.running(&*self.kernel));
        running.filter(|closure| Some(closure.id.number()) != own).collect()
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
        Err((job, Some(error)))
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
        if threads.count >= self.config.max_threads {
            return Ok(());
        }
        // Without a context the pool is closed. Without any reference to it, it is about to be dropped.
        let (Some(context), Some(pool)) = (threads.context.clone(), self.this.upgrade()) else { return Ok(()) };
        threads.count += 1;
        self.calls.search();
        let place = Arc::new(Place { parker: Parker::new(), job: Mutex::new(job.take()), running: Mutex::new(None) });
        threads.all.push(place.clone());
        // Entered under the lock, so that who closes the pool and then waits waits for this one too.
        let present = self.alive.enter();
        let mut member =
            Member { pool, context, place: place.clone(), searches: true, counts: true, _present: present };
        drop(threads);
        let Err(error) = (self.config.start_thread)(Box::new(move || member.run())) else { return Ok(()) };
        *job = place.job.lock().take();
        if self.threads.lock().count == 0 { Err(error) } else { Ok(()) }
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

impl Place {
    /// Takes the job that was handed over. There is no moment at which nobody could tell that it has begun.
    fn take_handed(&self, kernel: &dyn Kernel) -> Option<Job> {
        let mut handed = self.job.lock();
        if let Some(job) = &*handed {
            self.begins(job, kernel);
        }
        handed.take()
    }

    /// Says that this job runs, if that is not said already.
    fn begins(&self, job: &Job, kernel: &dyn Kernel) {
        let mut running = self.running.lock();
        if running.is_none() {
            *running = job.begins(kernel);
        }
    }

    /// The closure that the thread runs, or is about to.
    fn running(&self, kernel: &dyn Kernel) -> Option<RunningClosure> {
        let handed = self.job.lock();
        let running = self.running.lock().clone();
        running.or_else(|| handed.as_ref()?.begins(kernel))
    }
}

impl Member {
    fn run(&mut self) {
        let pool = self.pool.clone();
        let context = self.context.clone();
        let _context = context.enter();
        run_hook(&pool.config.hooks.start);
        as_blocking(&pool, || {
            let first = local::spread();
            loop {
                let handed = self.place.take_handed(&*pool.kernel);
                match handed.or_else(|| pool.find_job(first)) {
                    Some(job) => {
                        self.begin_job();
                        self.place.begins(&job, &*pool.kernel);
                        job.run();
                        drop(self.place.running.lock().take());
                        if !pool.home.get().process().is_this() {
                            // The job forked, and this is the child, which has no such pool.
                            abort_in_child();
                        }
                        pool.calls.search();
                        self.searches = true;
                    }
                    None if !self.sleep() => break,
                    None => {}
                }
            }
        });
        run_hook(&pool.config.hooks.stop);
    }

    /// Stops searching; the last one to do so calls another thread if more jobs are queued.
    fn begin_job(&mut self) {
        self.searches = false;
        if self.pool.calls.stop_searching() {
            // If there is none to be had, they wait for those that are busy.
            let _no_thread = self.pool.call_thread();
        }
    }

    /// Waits for work. `true`: the thread searches again; `false`: it is to end.
    fn sleep(&mut self) -> bool {
        let (pool, place) = (&*self.pool, &self.place);
        {
            let mut threads = pool.threads.lock();
            if threads.context.is_none() {
                // Closed. What was promised may have been queued since we looked, by somebody who saw that we search.
                return pool.calls.queued() > 0;
            }
            threads.idle.push(place.clone());
        }
        if pool.calls.stop_searching() && pool.leave_idle(place) {
            pool.calls.search();
            return true;
        }
        let until = pool.kernel.real_now() + pool.config.keep_alive.min(Duration::from_secs(60 * 60 * 24 * 365));
        loop {
            place.parker.park_for(until.saturating_duration_since(pool.kernel.real_now()));
            let mut threads = pool.threads.lock();
            let Some(at) = threads.idle.iter().position(|other| Arc::ptr_eq(other, place)) else {
                // Whoever took us off the list has counted us as searching.
                return true;
            };
            if pool.kernel.real_now() >= until {
                threads.idle.swap_remove(at);
                threads.count -= 1;
                (self.searches, self.counts) = (false, false);
                return false;
            }
        }
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        // A searcher that goes passes its task on, to somebody who is there: it may go because no thread can be started.
        let idle = {
            let mut threads = self.pool.threads.lock();
            threads.count -= usize::from(self.counts);
            threads.all.retain(|other| !Arc::ptr_eq(other, &self.place));
            let call = self.searches && self.pool.calls.stop_searching();
            if call { self.pool.take_idle(&mut threads) } else { None }
        };
        if let Some(idle) = idle {
            idle.parker.unpark();
        }
        let _last = self.pool.alive.end();
    }
}

impl Job {
    fn task(task: Runnable, until_over: Option<ClockStands>) -> Self {
        Job { id: task.id(), work: Work::Task(task), promised: false, until_over }
    }

    fn closure(work: Box<dyn FnOnce() + Send>) -> Self {
        Job { id: Id::from_number(local::next_task_id()), work: Work::Closure(work), promised: false, until_over: None }
    }

    /// What is to be said of it while it runs (rule 5).
    fn begins(&self, kernel: &dyn Kernel) -> Option<RunningClosure> {
        let Work::Task(task) = &self.work else { return None };
        let (id, spawned_at, name) = (task.id(), task.spawned_at(), task.name());
        Some(RunningClosure { id, spawned_at, name, since: kernel.real_now() })
    }

    fn run(self) {
        match self.work {
            Work::Task(task) => task.run(),
            Work::Closure(work) => quietly(work),
        }
        drop(self.until_over);
    }

    fn cancel(self) {
        quietly(|| drop(self));
    }
}

impl Offload for BlockingPool {
    fn offload(&self, work: Box<dyn FnOnce() + Send>) -> Result<(), Box<dyn FnOnce() + Send>> {
        self.queue(Job::closure(work)).map_err(|(job, _why)| match job.work {
            Work::Closure(work) => work,
            Work::Task(_) => unreachable!("the job is given back as it was"),
        })
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
        self.queue_or_cancel(Job { promised: true, ..Job::task(task, until_over) })
    }

    fn threads(&self) -> (usize, usize) {
        let threads = self.threads.lock();
        (threads.count, threads.idle.len())
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
