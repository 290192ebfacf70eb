//! One thread of the pool: finds a job, runs it, finds the next.

use std::sync::Arc;
use std::time::Duration;

use unstuck_base::fork::abort_in_child;
use unstuck_base::local;
use unstuck_base::parker::Parker;
use unstuck_base::sync::Mutex;
use unstuck_context::Handle;
use unstuck_driver::Kernel;

use super::job::{Job, RunningClosure};
use super::{BlockingPool, Count};
use crate::latch::Present;
use crate::run_hook;
use crate::worker_local::as_blocking;

/// Where one thread sleeps, is handed a job, and says what it runs.
pub(super) struct Place {
    pub(super) parker: Parker,
    pub(super) job: Mutex<Option<Job>>,
    running: Mutex<Option<RunningClosure>>,
}

/// A thread of the pool, from before it is started. Dropping it leaves the pool, wherever that happens.
pub(super) struct Member {
    pool: Arc<BlockingPool>,
    context: Handle,
    place: Arc<Place>,
    /// Whether it counts as searching.
    searches: bool,
    /// As nothing from when its idle time is over. Whoever queues a job then finds no idle thread, and must not be kept by
    /// this one from starting another.
    counts: Count,
    // The last field, so that it goes last: who waits for us finds all of the above dropped.
    _present: Present,
}

impl Place {
    /// Of a thread whose first job is this one.
    pub(super) fn new(job: Option<Job>) -> Arc<Self> {
        Arc::new(Place { parker: Parker::new(), job: Mutex::new(job), running: Mutex::new(None) })
    }

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

    fn has_ended_its_job(&self) {
        drop(self.running.lock().take());
    }

    /// Says that this job is dropped, which may take as long as running it.
    fn is_about_to_drop(&self, job: &Job, kernel: &dyn Kernel) {
        *self.running.lock() = job.begins(kernel);
    }

    /// The closure that the thread runs or drops, or is about to.
    pub(super) fn running(&self, kernel: &dyn Kernel) -> Option<RunningClosure> {
        let handed = self.job.lock();
        let running = self.running.lock().clone();
        running.or_else(|| handed.as_ref()?.begins(kernel))
    }
}

impl Member {
    /// It counts as searching, which the caller has seen to.
    pub(super) fn new(
        pool: Arc<BlockingPool>,
        context: Handle,
        place: Arc<Place>,
        counts: Count,
        present: Present,
    ) -> Self {
        Member { pool, context, place, searches: true, counts, _present: present }
    }

    pub(super) fn run(&mut self) {
        let pool = self.pool.clone();
        let context = self.context.clone();
        let _context = context.enter();
        run_hook(&pool.config.hooks.start);
        abort_if_forked(&pool);
        as_blocking(&pool, || {
            let first = local::spread();
            loop {
                let handed = self.place.take_handed(&*pool.kernel);
                match handed.or_else(|| pool.find_job(first)) {
                    Some(job) => {
                        self.begin_job();
                        self.place.begins(&job, &*pool.kernel);
                        if job.is_own() {
                            // Whoever handed it over has counted it so.
                            self.counts = Count::Own;
                        }
                        job.run();
                        self.place.has_ended_its_job();
                        abort_if_forked(&pool);
                        pool.calls.search();
                        self.searches = true;
                        if self.counts == Count::Own {
                            self.counts = pool.end_own();
                            if self.counts == Count::Not {
                                break;
                            }
                        }
                    }
                    None if !self.sleep() => break,
                    None => {}
                }
            }
            pool.drop_refused_after(|job| self.place.is_about_to_drop(job, &*pool.kernel));
            self.place.has_ended_its_job();
        });
        run_hook(&pool.config.hooks.stop);
        abort_if_forked(&pool);
    }

    /// Stops searching; the last one to do so calls another thread if more jobs are queued.
    fn begin_job(&mut self) {
        self.searches = false;
        if self.pool.calls.stop_searching() {
            // If there is none to be had, they wait for those that are busy.
            if self.pool.call_thread().is_err() {
                self.pool.cancel_if_there_is_no_thread();
            }
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
                threads.end(Count::Ordinary);
                (self.searches, self.counts) = (false, Count::Not);
                return false;
            }
        }
    }
}

/// For who has run code of the user's: if that has forked, and this is the child, it has no such pool.
fn abort_if_forked(pool: &BlockingPool) {
    if !pool.home.get().process().is_this() {
        abort_in_child();
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        // A searcher that goes passes its task on, to somebody who is there: it may go because no thread can be started.
        let idle = {
            let mut threads = self.pool.threads.lock();
            threads.end(self.counts);
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
