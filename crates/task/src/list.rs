//! The live tasks of one scheduler, so that shutdown drops each future and an inspector finds each task.
//!
//! 1. A task enters before it is scheduled, and leaves right before it is COMPLETE. The list counts one reference on it.
//! 2. The list is sharded by the place of the spawning thread, each shard behind its own lock, so that spawning and
//!    completing on different workers do not meet.
//! 3. Once closed, no task enters: it is cancelled at once instead.
//! 4. No future is dropped, and no waker woken, under a shard's lock.

use std::fmt;
use std::future::Future;
use std::ptr::NonNull;

use unstuck_base::list::List;
use unstuck_base::sync::Mutex;
use unstuck_base::{CachePadded, local};

use crate::header::{self, Header};
use crate::join::JoinHandle;
use crate::origin::Origin;
use crate::probe::Probe;
use crate::run::{Runnable, cancel, release};
use crate::schedule::HomeRef;
use crate::state::OnShutdown;

/// The live tasks; see the module's rules.
pub struct TaskList {
    shards: Box<[CachePadded<Mutex<Shard>>]>,
    times: bool,
}

struct Shard {
    open: bool,
    len: usize,
    /// How many have entered so far.
    entered: u64,
    tasks: List<Header>,
}

// SAFETY: the nodes are tasks, which are Send and Sync; the list is only reached through its lock.
unsafe impl Send for Shard {}

impl TaskList {
    /// An open list for a scheduler with so many threads.
    pub fn new(threads: usize) -> Self {
        let shard = || CachePadded::new(Mutex::new(Shard { open: true, len: 0, entered: 0, tasks: List::new() }));
        TaskList { shards: (0..=threads.min(usize::from(u16::MAX) - 1)).map(|_| shard()).collect(), times: false }
    }

    /// With `times`, its tasks have room for when they were queued; see [`Runnable::set_queued_at`].
    pub fn with_times(self, times: bool) -> Self {
        TaskList { times, ..self }
    }

    /// Makes a task of `future`. The runnable is to be scheduled; there is none when the list is closed: then the future
    /// is dropped already, and the join handle says that the task was cancelled.
    #[inline]
    pub fn spawn<F>(&self, future: F, home: &HomeRef, origin: Origin<'_>) -> (JoinHandle<F::Output>, Option<Runnable>)
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        // SAFETY: the future and its output are Send.
        unsafe { self.spawn_unchecked(future, home, origin) }
    }

    /// As [`spawn`](TaskList::spawn), of a future that need not be Send.
    ///
    /// # Safety
    /// If the future or its output is not Send, all runnables of `home` are run and dropped on this thread, and the list
    /// is closed on this thread.
    pub unsafe fn spawn_unchecked<F>(
        &self,
        future: F,
        home: &HomeRef,
        origin: Origin<'_>,
    ) -> (JoinHandle<F::Output>, Option<Runnable>)
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        let at = local::place();
        let at = if at < self.shards.len() { at } else { at % self.shards.len() };
        let task = header::allocate(future, home, origin, Some(at as u16), self.times);
        // SAFETY: the task is in its first state, which counts a reference for each of these and for the list.
        let (join, runnable) = unsafe { (JoinHandle::from_header(task), Runnable::from_header(task)) };
        let entered = {
            let mut shard = self.shards[at].lock();
            if shard.open {
                shard.len += 1;
                shard.entered += 1;
                // SAFETY: a new task is in no list; the list's reference keeps it in place until it is taken out.
                unsafe { shard.tasks.push_back(task) };
            }
            shard.open
        };
        if entered {
            return (join, Some(runnable));
        }
        // SAFETY: the list's reference, which it did not take.
        unsafe { release(task, 1) };
        drop(runnable);
        (join, None)
    }

    /// How many tasks are alive.
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().len).sum()
    }

    /// How many tasks have entered so far, whether they are alive or over.
    pub fn entered(&self) -> u64 {
        self.shards.iter().map(|shard| shard.lock().entered).sum()
    }

    /// Whether no task is alive.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What an inspector sees of each live task.
    pub fn probes(&self) -> Vec<Probe> {
        let mut probes = Vec::new();
        for shard in &self.shards {
            let shard = shard.lock();
            let mut next = shard.tasks.front();
            while let Some(task) = next {
                // SAFETY: the task is in this list, whose lock we hold; the list's reference keeps it alive.
                unsafe {
                    probes.push(Probe::of(task));
                    next = shard.tasks.next(task);
                }
            }
        }
        probes
    }

    /// Lets no more task in, and cancels those that are there: the future of an idle task is dropped here, that of a
    /// queued or running one by whoever has its runnable. Until then they stay in the list. The thread keeps the scheduler
    /// alive.
    pub fn close(&self) {
        for shard in &self.shards {
            shard.lock().open = false;
        }
        for shard in &self.shards {
            // Each goes to the end of the list, and none enters. So after so many every one that was there has been told,
            // by us or by another thread that does the same.
            let mut left = shard.lock().len;
            // A statement of its own, or the lock would be held through the body (rule 4).
            let mut next = || shard.lock().shut_down_next(&mut left);
            while let Some(idle) = next() {
                // SAFETY: `Cancel` gave us RUNNING and a reference for `cancel`.
                unsafe { cancel(idle) };
            }
        }
    }

    /// Takes a task out that ends. `true`: the list's reference is the caller's now.
    pub(crate) fn remove(&self, task: NonNull<Header>) -> bool {
        // SAFETY: the caller has a reference.
        let header = unsafe { task.as_ref() };
        let mut shard = self.shards[usize::from(header.shard)].lock();
        // SAFETY: we hold the lock of the only list that the task may be in.
        unsafe {
            if !header.links.is_linked() {
                return false;
            }
            shard.tasks.remove(task);
        }
        shard.len -= 1;
        true
    }
}

impl Shard {
    /// Tells the next `left` tasks to end, up to one that is idle: that is to be cancelled.
    fn shut_down_next(&mut self, left: &mut usize) -> Option<NonNull<Header>> {
        while *left > 0 {
            *left -= 1;
            let task = self.tasks.pop_front()?;
            // SAFETY: it has just left this list, whose reference on it stays.
            unsafe {
                self.tasks.push_back(task);
                if task.as_ref().state.shut_down() == OnShutdown::Cancel {
                    return Some(task);
                }
            }
        }
        None
    }
}

impl fmt::Debug for TaskList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskList").field("len", &self.len()).finish()
    }
}
