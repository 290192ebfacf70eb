//! Threads for work that blocks: started on demand, gone when nothing was to be done for a while.
//!
//! 1. There are several queues, each behind its own lock, so that many producers do not meet. `queued` counts what is in
//!    all of them; it is raised before a job is queued, and lowered after it was taken.
//! 2. At any time few threads *search*: they are woken or started and have not found a job yet. A producer wakes or starts
//!    a thread only if nobody searches. A thread that found a job, and was the last searcher, does the same before it runs
//!    the job, if more are queued. So every queued job has a searcher, or all threads that may be are busy; and a burst of
//!    short jobs does not start a thread for each.
//! 3. Whoever queues a job fences before it reads `searching`; whoever stops searching fences before it reads `queued`. So
//!    one of the two sees the other (the argument of `pool/idle.md`).
//! 4. Once closed, no queued job ever begins: it is dropped, which cancels its task. Those that run are not interrupted.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use unstuck_base::parker::Parker;
use unstuck_base::sync::atomic::{AtomicUsize, Ordering, fence};
use unstuck_base::sync::{MODELLED, Mutex};
use unstuck_base::{CachePadded, local};
use unstuck_context::{Blocking, Handle};
use unstuck_driver::{Kernel, Offload};
use unstuck_task::{HomeRef, Runnable, Schedule, TaskList};

use crate::latch::Latch;
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
    home: HomeRef,
    config: Config,
    kernel: Arc<dyn Kernel>,
    queues: [CachePadded<Mutex<Queue>>; QUEUES],
    queued: CachePadded<AtomicUsize>,
    searching: CachePadded<AtomicUsize>,
    threads: Mutex<Threads>,
    alive: Latch,
}

struct Queue {
    open: bool,
    jobs: VecDeque<Job>,
}

enum Job {
    Task(Runnable),
    Work(Box<dyn FnOnce() + Send>),
}

struct Threads {
    count: usize,
    idle: Vec<Arc<Parker>>,
    /// The context of the threads; `None` when the pool is closed or its runtime not complete yet.
    context: Option<Handle>,
}

impl BlockingPool {
    /// A pool without threads, and without a context.
    pub fn new(config: Config, kernel: Arc<dyn Kernel>) -> Arc<Self> {
        let queue = || CachePadded::new(Mutex::new(Queue { open: true, jobs: VecDeque::new() }));
        let threads = Threads { count: 0, idle: Vec::new(), context: None };
        let pool = Arc::new(BlockingPool {
            home: HomeRef::new(),
            config,
            kernel,
            queues: std::array::from_fn(|_| queue()),
            queued: CachePadded::new(AtomicUsize::new(0)),
            searching: CachePadded::new(AtomicUsize::new(0)),
            threads: Mutex::new(threads),
            alive: Latch::new(),
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

    /// Begins nothing any more: what is queued is dropped, idle threads end, busy ones end after their job.
    pub fn close(&self) {
        for queue in &self.queues {
            let jobs = {
                let mut queue = queue.lock();
                queue.open = false;
                std::mem::take(&mut queue.jobs)
            };
            self.queued.fetch_sub(jobs.len(), Ordering::SeqCst);
            drop(jobs);
        }
        let (idle, context) = {
            let mut threads = self.threads.lock();
            (std::mem::take(&mut threads.idle), threads.context.take())
        };
        self.searching.fetch_add(idle.len(), Ordering::SeqCst);
        idle.iter().for_each(|parker| {
            parker.unpark();
        });
        drop(context);
    }

    /// Waits until the threads have gone, at most for `limit` (`None`: for as long as it takes). `true`: they have gone.
    pub fn wait(&self, limit: Option<Duration>) -> bool {
        self.alive.wait(limit, &*self.kernel)
    }

    /// How many threads there are, and how many of them are idle.
    pub fn threads(&self) -> (usize, usize) {
        let threads = self.threads.lock();
        (threads.count, threads.idle.len())
    }

    /// How many jobs wait for a thread.
    pub fn queue_depth(&self) -> usize {
        self.queued.load(Ordering::Relaxed)
    }

    fn queue(self: &Arc<Self>, job: Job) -> Result<(), Job> {
        self.queued.fetch_add(1, Ordering::SeqCst);
        let refused = {
            let mut queue = self.queues[local::spread() % QUEUES].lock();
            match queue.open {
                true => {
                    queue.jobs.push_back(job);
                    None
                }
                false => Some(job),
            }
        };
        if let Some(job) = refused {
            self.queued.fetch_sub(1, Ordering::SeqCst);
            return Err(job);
        }
        self.call_thread();
        Ok(())
    }

    /// Sees to it that somebody looks for jobs, if there is a thread to be had (rule 2).
    fn call_thread(self: &Arc<Self>) {
        // Rule 3: between the queue and `searching`.
        fence(Ordering::SeqCst);
        if self.searching.load(Ordering::Relaxed) > 0 {
            return;
        }
        let mut threads = self.threads.lock();
        if self.searching.load(Ordering::Relaxed) > 0 {
            return;
        }
        if let Some(idle) = threads.idle.pop() {
            self.searching.fetch_add(1, Ordering::SeqCst);
            drop(threads);
            idle.unpark();
            return;
        }
        let Some(context) = threads.context.clone() else { return };
        if threads.count >= self.config.max_threads {
            return;
        }
        threads.count += 1;
        self.searching.fetch_add(1, Ordering::SeqCst);
        drop(threads);
        self.alive.enter();
        let pool = self.clone();
        let started = (self.config.start_thread)(Box::new(move || pool.run_thread(&context)));
        if let Err(error) = started {
            self.searching.fetch_sub(1, Ordering::SeqCst);
            let left = {
                let mut threads = self.threads.lock();
                threads.count -= 1;
                threads.count
            };
            self.alive.leave(|| ());
            assert!(left > 0, "OS can't spawn worker thread: {error}");
        }
    }

    fn run_thread(self: Arc<Self>, context: &Handle) {
        let _context = context.enter();
        run_hook(&self.config.hooks.start);
        let parker = Arc::new(Parker::new());
        let first = local::spread();
        // The thread counts as searching here.
        loop {
            match self.find_job(first) {
                Some(job) => {
                    if self.stop_searching() {
                        self.call_thread();
                    }
                    job.run();
                    self.searching.fetch_add(1, Ordering::SeqCst);
                }
                None if !self.sleep(&parker) => break,
                None => {}
            }
        }
        run_hook(&self.config.hooks.stop);
        self.alive.leave(|| ());
    }

    /// Takes a job from one of the queues.
    fn find_job(&self, first: usize) -> Option<Job> {
        if self.queued.load(Ordering::SeqCst) == 0 {
            return None;
        }
        let job = (0..QUEUES).find_map(|offset| self.queues[(first + offset) % QUEUES].lock().jobs.pop_front())?;
        self.queued.fetch_sub(1, Ordering::SeqCst);
        Some(job)
    }

    /// `true`: this was the last searcher, and jobs are queued.
    fn stop_searching(&self) -> bool {
        let last = self.searching.fetch_sub(1, Ordering::SeqCst) == 1;
        // Rule 3: between `searching` and the queues.
        fence(Ordering::SeqCst);
        last && self.queued.load(Ordering::Relaxed) > 0
    }

    /// Waits for work. `true`: the thread searches again; `false`: it is to end, and does not count any more.
    fn sleep(self: &Arc<Self>, parker: &Arc<Parker>) -> bool {
        {
            let mut threads = self.threads.lock();
            if threads.context.is_none() {
                threads.count -= 1;
                self.searching.fetch_sub(1, Ordering::SeqCst);
                return false;
            }
            threads.idle.push(parker.clone());
        }
        if self.stop_searching() && self.leave_idle(parker) {
            self.searching.fetch_add(1, Ordering::SeqCst);
            return true;
        }
        let until = self.kernel.real_now() + self.config.keep_alive.min(Duration::from_secs(60 * 60 * 24 * 365));
        loop {
            parker.park_for(until.saturating_duration_since(self.kernel.real_now()));
            let mut threads = self.threads.lock();
            let Some(at) = threads.idle.iter().position(|other| Arc::ptr_eq(other, parker)) else {
                // Whoever took us off the list has counted us as searching.
                return true;
            };
            if self.kernel.real_now() >= until {
                threads.idle.swap_remove(at);
                threads.count -= 1;
                return false;
            }
        }
    }

    /// Takes this thread off the list of idle ones. `false`: somebody has done so, and it counts as searching.
    fn leave_idle(&self, parker: &Arc<Parker>) -> bool {
        let mut threads = self.threads.lock();
        let Some(at) = threads.idle.iter().position(|other| Arc::ptr_eq(other, parker)) else { return false };
        threads.idle.swap_remove(at);
        true
    }

    fn arc(&self) -> Arc<Self> {
        // SAFETY: a pool is made by `new` only, inside an Arc.
        unsafe {
            Arc::increment_strong_count(self);
            Arc::from_raw(self)
        }
    }
}

impl Job {
    fn run(self) {
        match self {
            Job::Task(task) => task.run(),
            Job::Work(work) => {
                let _panic_of_the_work = catch_unwind(AssertUnwindSafe(work));
            }
        }
    }
}

impl Offload for BlockingPool {
    fn offload(&self, work: Box<dyn FnOnce() + Send>) -> Result<(), Box<dyn FnOnce() + Send>> {
        self.arc().queue(Job::Work(work)).map_err(|job| match job {
            Job::Work(work) => work,
            Job::Task(_) => unreachable!("the job is given back as it was"),
        })
    }
}

impl Blocking for BlockingPool {
    fn home(&self) -> &HomeRef {
        &self.home
    }

    fn submit(&self, task: Runnable) {
        // A refused task is dropped, which cancels it (rule 4).
        let _refused = self.arc().queue(Job::Task(task));
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
}

impl fmt::Debug for BlockingPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (threads, idle) = self.threads();
        f.debug_struct("BlockingPool").field("threads", &threads).field("idle", &idle).finish_non_exhaustive()
    }
}
