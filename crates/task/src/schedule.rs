//! Who takes runnables, and how a task finds it.
//!
//! A task holds no count on its scheduler: that would be one word shared by every spawn and completion of a runtime.
//! It holds a [`Home`] instead, a small block that is never freed (only recycled), and these rules make that sound:
//!
//! 1. While a task is not COMPLETE, its scheduler is alive. A scheduler, before it goes, lets its own threads leave, closes
//!    its list of tasks (which sets ABORT on each), waits for the wakers in progress ([`HomeRef::wait_for_wakers`]), and
//!    drops what is queued.
//!    A task that is in no list never waits: it is queued, or runs, or is over.
//! 2. A thread that runs or drops runnables of a scheduler keeps it alive; a worker also says so
//!    ([`unstuck_base::local::set_home`]), and then its wakes need no guard.
//! 3. A waker on any other thread enters a guard of the home before it changes the state, and leaves it after the
//!    scheduler has the runnable. So a scheduler that has closed its list and waited for the guards has every runnable
//!    that was made before, and no new one can be made, since no task is idle any more.
//! 4. The guards are sharded by thread, so that two waking threads seldom share a cache line.
//! 5. A scheduler of the parent of this process takes nothing any more: what would be handed to it is left alone, for ever.
//!    Homes are recycled within one process only.

use std::any::Any;
use std::fmt;
use std::num::NonZeroU64;
use std::ptr::NonNull;
use std::sync::{Mutex as StdMutex, MutexGuard as StdMutexGuard};

use unstuck_base::fork::{PerProcess, Process};
use unstuck_base::sync::atomic::{AtomicUsize, Ordering};
use unstuck_base::sync::{MODELLED, UnsafeCell, thread};
use unstuck_base::{CachePadded, local};

use crate::list::TaskList;
use crate::origin::Origin;
use crate::run::Runnable;

/// The only way from a task to a queue.
pub trait Schedule: Send + Sync {
    /// Takes a task that was spawned, woken or aborted, from any thread. It will be run, or dropped at shutdown: later,
    /// since shutdown may wait for this call (rule 3), which must not run user code.
    fn schedule(&self, task: Runnable);

    /// Takes a task that was woken while it was polled, on the thread that polled it: it goes behind what is queued.
    fn reschedule(&self, task: Runnable);

    /// The list that the tasks of this scheduler are in, if any.
    fn tasks(&self) -> Option<&TaskList>;

    /// A listed task is over: its future is gone, and nobody else knows yet. It may run user code, whose panics end there.
    fn ended(&self, origin: Origin<'_>) {
        let _ = origin;
    }

    /// A task has panicked with this, on this thread, which polls it; its future is gone, and nobody else knows yet. It may
    /// run user code, whose panics end there.
    fn panicked(&self, origin: Origin<'_>, payload: &(dyn Any + Send)) {
        let _ = (origin, payload);
    }
}

const SHARDS: usize = if MODELLED { 1 } else { 8 };

/// Where tasks find their scheduler; see the module's rules.
pub struct Home {
    /// How many wakers of foreign threads are in progress.
    guards: [CachePadded<AtomicUsize>; SHARDS],
    /// That of no other block, so that no two schedulers that are alive have the same.
    number: NonZeroU64,
    /// The one whose scheduler this is (rule 5).
    process: Process,
    /// Written by [`HomeRef::bind`] before any task is made, read only for a task that is not COMPLETE (rule 1).
    schedule: UnsafeCell<Option<NonNull<dyn Schedule>>>,
}

// SAFETY: the pointer is to a Sync scheduler, written before it is shared and read while that lives (rule 1).
unsafe impl Send for Home {}
// SAFETY: as above.
unsafe impl Sync for Home {}

impl fmt::Debug for Home {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Home({:p})", self.key())
    }
}

/// A waker of a foreign thread is in progress.
pub(crate) struct Guard(&'static AtomicUsize);

impl Home {
    /// What this home is called in [`unstuck_base::local::home`].
    pub fn key(&self) -> *const () {
        std::ptr::from_ref(self).cast()
    }

    /// A number that no other scheduler has that is alive now.
    pub fn number(&self) -> NonZeroU64 {
        self.number
    }

    /// The process whose scheduler this is.
    #[inline]
    pub fn process(&self) -> Process {
        self.process
    }

    /// Whether this thread keeps the scheduler alive anyway (rule 2).
    #[inline]
    pub(crate) fn is_ours(&self) -> bool {
        std::ptr::eq(local::home(), self.key())
    }

    /// Enters a guard (rule 3).
    #[inline]
    pub(crate) fn guard(&'static self) -> Guard {
        let shard: &AtomicUsize = &self.guards[local::spread() % SHARDS];
        // Relaxed: the state word carries the order. Whoever shuts the task down and finds it SCHEDULED by us also sees
        // this; if it comes first, we find the task not idle and touch nothing.
        shard.fetch_add(1, Ordering::Relaxed);
        Guard(shard)
    }

    /// The scheduler.
    ///
    /// # Safety
    /// Rule 1: some task of this home is not COMPLETE, or the caller keeps the scheduler alive.
    #[inline]
    pub(crate) unsafe fn schedule(&self) -> &dyn Schedule {
        // SAFETY: the caller's; `bind` has written the pointer before the first task was made.
        self.schedule.with(|schedule| unsafe { (*schedule).expect("bound before the first task").as_ref() })
    }
}

impl Drop for Guard {
    #[inline]
    fn drop(&mut self) {
        // Release: pairs with the Acquire in `wait_for_wakers`, which must see what we pushed.
        self.0.fetch_sub(1, Ordering::Release);
    }
}

/// A scheduler's right to its home. Dropping it lets another scheduler have the block.
#[derive(Debug)]
pub struct HomeRef(&'static Home);

/// Homes that nobody has now. They are reused, so that their number is that of the schedulers alive at the same time.
static FREE: PerProcess<StdMutex<Vec<&'static Home>>> = PerProcess::new(|| StdMutex::new(Vec::new()));

fn free() -> StdMutexGuard<'static, Vec<&'static Home>> {
    FREE.get().lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

impl HomeRef {
    /// A home of one's own, not yet bound.
    pub fn new() -> Self {
        let free = free().pop();
        HomeRef(free.unwrap_or_else(|| {
            Box::leak(Box::new(Home {
                guards: std::array::from_fn(|_| CachePadded::new(AtomicUsize::new(0))),
                number: local::next_task_id(),
                process: Process::this(),
                schedule: UnsafeCell::new(None),
            }))
        }))
    }

    /// Says whose home this is. Call it once, before any task is made.
    ///
    /// # Safety
    /// `schedule` keeps rule 1: it does not move, and before it goes it shuts its tasks down as told there. The listed
    /// tasks of this home are all spawned in the list that [`Schedule::tasks`] returns, always the same one.
    pub unsafe fn bind(&self, schedule: &dyn Schedule) {
        let schedule = NonNull::from(schedule);
        // SAFETY: only the lifetime changes; rule 1 says until when the pointer is used.
        let schedule = unsafe { std::mem::transmute::<NonNull<dyn Schedule + '_>, NonNull<dyn Schedule>>(schedule) };
        // SAFETY: no task of ours exists, so nobody reads. A late waker of the block's last owner finds its task COMPLETE
        // and does not read either.
        self.0.schedule.with_mut(|slot| unsafe { *slot = Some(schedule) });
    }

    /// The home, for tasks to point at.
    pub fn get(&self) -> &'static Home {
        self.0
    }

    /// Waits until every waker that is in progress now is done (rule 3). It runs no user code, so that is soon. Hold no
    /// lock that [`Schedule::schedule`] takes.
    pub fn wait_for_wakers(&self) {
        for shard in &self.0.guards {
            // Acquire: pairs with the Release of the guard's drop.
            while shard.load(Ordering::Acquire) != 0 {
                thread::yield_now();
            }
        }
    }
}

impl Default for HomeRef {
    fn default() -> Self {
        HomeRef::new()
    }
}

impl Drop for HomeRef {
    fn drop(&mut self) {
        // A modelled home belongs to one run of the model and can't be used in the next.
        if !MODELLED && self.0.process.is_this() {
            free().push(self.0);
        }
    }
}
