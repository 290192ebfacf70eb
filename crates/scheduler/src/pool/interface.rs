//! What tasks, handles and spawners ask of the pool.

use std::any::Any;

use unstuck_context::{CantBlock, Flavor, Scheduler, Spawner, WorkerCounts};
use unstuck_task::{HomeRef, Origin, Runnable, Schedule, TaskList};

use super::{PlaceCounts, Shared};
use crate::hooks::queued;
use crate::panics::TaskPanic;
use crate::worker_local::current_worker;

impl Schedule for Shared {
    #[inline]
    fn schedule(&self, task: Runnable) {
        let mut task = Some(queued(&self.queue_clock, task));
        current_worker(|worker| {
            if std::ptr::eq(&*worker.pool, self) {
                worker.schedule(task.take().expect("queued once"));
            }
        });
        if let Some(task) = task {
            // What is given back was spawned at this moment (see `cancel_all`), and is cancelled here.
            drop(self.queue_from_outside(task));
        }
    }

    fn reschedule(&self, task: Runnable) {
        let mut task = Some(queued(&self.queue_clock, task));
        current_worker(|worker| {
            if std::ptr::eq(&*worker.pool, self) {
                worker.reschedule(task.take().expect("queued once"));
            }
        });
        if let Some(task) = task {
            // What is given back was spawned at this moment (see `cancel_all`), and is cancelled here.
            drop(self.queue_from_outside(task));
        }
    }

    fn tasks(&self) -> Option<&TaskList> {
        Some(&self.tasks)
    }

    fn ended(&self, origin: Origin<'_>) {
        self.hooks.terminated(origin);
    }

    fn panicked(&self, origin: Origin<'_>, payload: &(dyn Any + Send)) {
        if let Some(why) = self.hooks.panic.panicked(&TaskPanic::of_task(origin, payload)) {
            self.ending.begin(why);
            self.close();
            self.ending.wake_roots();
        }
    }
}

impl Spawner for Shared {
    fn home(&self) -> &HomeRef {
        &self.home
    }

    fn live(&self) -> &TaskList {
        &self.tasks
    }

    fn spawned(&self, origin: Origin<'_>) {
        self.hooks.spawned(origin);
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
        self.inject.len() + self.long.waiting() + self.doubtful.waiting()
    }

    fn worker(&self, index: usize) -> WorkerCounts {
        let PlaceCounts { own, deputies } = &self.counts[index];
        let (own, deputies) = (own.read(), deputies.read());
        let place = self.places.get(index);
        WorkerCounts {
            thread: own.thread,
            polls: place.polls().0 + deputies.polls,
            mean_poll: own.mean_poll,
            busy: own.busy + deputies.busy,
            parks_and_unparks: own.parks_and_unparks + deputies.parks_and_unparks,
            noops: own.noops + deputies.noops,
            steals: own.steals + deputies.steals,
            steal_operations: own.steal_operations + deputies.steal_operations,
            local_schedules: own.local_schedules + deputies.local_schedules,
            overflows: own.overflows + deputies.overflows,
            queued: place.ring.len(),
        }
    }

    fn worker_index(&self) -> Option<usize> {
        current_worker(|worker| (std::ptr::eq(&*worker.pool, self) && !worker.blocks.get()).then_some(worker.acts_as))?
    }

    fn remote_schedules(&self) -> u64 {
        self.inject.pushed_from_outside()
    }

    fn forced_yields(&self) -> u64 {
        let of_workers = |counts: &PlaceCounts| counts.own.forced_yields() + counts.deputies.forced_yields();
        self.counts.iter().map(of_workers).sum::<u64>() + self.forced_yields.read()
    }

    fn forced_yield(&self) {
        let counted = current_worker(|worker| {
            let ours = std::ptr::eq(&*worker.pool, self);
            if ours {
                worker.counts().forced_yield();
            }
            ours
        });
        if counted != Some(true) {
            self.forced_yields.add_one();
        }
    }

    fn poll_time_bounds(&self) -> Option<&[u64]> {
        self.tuning.poll_times.as_deref()
    }

    fn poll_times(&self, worker: usize, bucket: usize) -> u64 {
        let PlaceCounts { own, deputies } = &self.counts[worker];
        [own, deputies].into_iter().filter_map(|counts| counts.poll_times()).map(|times| times.count(bucket)).sum()
    }

    fn queue_time_bounds(&self) -> Option<&[u64]> {
        self.tuning.queue_times.as_deref()
    }

    fn queue_times(&self, worker: usize, bucket: usize) -> u64 {
        let PlaceCounts { own, deputies } = &self.counts[worker];
        [own, deputies].into_iter().filter_map(|counts| counts.queue_times()).map(|times| times.count(bucket)).sum()
    }

    fn stuck_polls(&self) -> u64 {
        self.monitor.as_ref().map_or(0, |monitor| monitor.stuck_polls.read())
    }

    fn spare_workers(&self) -> usize {
        self.places.spares()
    }

    fn begin_blocking(&self) -> Result<Option<Box<dyn Any>>, CantBlock> {
        Ok(self.begin_blocking_part().map(|part| Box::new(part) as Box<dyn Any>))
    }

    fn nests(&self) -> bool {
        self.tuning.nests
    }
}
