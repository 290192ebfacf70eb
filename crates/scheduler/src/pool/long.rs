//! Tasks that are known to keep a core busy for long at a time: as many of them at once as there are workers.
//!
//! 1. At most `limit` threads poll such tasks, beside those whose polls *rest*: they wait for something, perhaps for one of
//!    the tasks here, and use no core. So spares, of which there are as many while such polls last, are there for the others.
//! 2. Whoever finds the limit reached leaves the task here. Whoever has polled one takes one from here and queues it like
//!    any other. So one that waits here waits for a poll that is in progress.
//! 3. Whoever leaves a task here looks at the counts after, whoever makes room looks at the queue after, and both fence in
//!    between: one of the two sees the other.

use unstuck_base::CachePadded;
use unstuck_base::sync::atomic::{AtomicUsize, Ordering, fence};
use unstuck_task::Runnable;

use crate::inject::Inject;

/// The count, and those that wait; see the module's rules.
pub(crate) struct Long {
    polled: CachePadded<AtomicUsize>,
    limit: usize,
    /// How many of these polls rest. Only the monitor writes.
    resting: AtomicUsize,
    waiting: Inject,
}

/// What becomes of a task that is known for long polls.
pub(crate) enum Turn {
    /// Poll it, and call [`Long::end`] after.
    Now(Runnable),
    /// It waits here.
    Later,
    /// The pool is closed: it is given back.
    Never(Runnable),
}

impl Long {
    pub(crate) fn new(limit: usize) -> Self {
        Long {
            polled: CachePadded::new(AtomicUsize::new(0)),
            limit,
            resting: AtomicUsize::new(0),
            waiting: Inject::new(),
        }
    }

    /// A thread is about to poll such a task. It may be another one that it is told to poll.
    pub(crate) fn begin(&self, task: Runnable) -> Turn {
        if self.count_up() {
            return Turn::Now(task);
        }
        if let Err(task) = self.waiting.push(task) {
            return Turn::Never(task);
        }
        loop {
            // SeqCst: between the push and the look at the count, and between the count and the look at the queue (rule 3).
            fence(Ordering::SeqCst);
            if self.waiting.is_empty() || !self.count_up() {
                return Turn::Later;
            }
            if let Some(task) = self.take() {
                return Turn::Now(task);
            }
            // Another thread has taken it. Who has come meanwhile may have found the limit reached by us.
            self.polled.fetch_sub(1, Ordering::SeqCst);
        }
    }

    /// The poll has ended. What is returned is to be queued, where any thread may take it.
    pub(crate) fn end(&self) -> Option<Runnable> {
        self.polled.fetch_sub(1, Ordering::SeqCst);
        // SeqCst: between the count and the look at the queue (rule 3).
        fence(Ordering::SeqCst);
        self.take()
    }

    /// So many of the polls in progress rest. Gives what is to be queued now to `each`. Only the monitor.
    pub(crate) fn rest(&self, resting: usize, mut each: impl FnMut(Runnable)) {
        // Relaxed: the monitor's own word.
        let before = self.resting.load(Ordering::Relaxed);
        if resting == before {
            return;
        }
        self.resting.store(resting, Ordering::SeqCst);
        // SeqCst: between the count and the look at the queue (rule 3).
        fence(Ordering::SeqCst);
        for _room in before..resting {
            let Some(task) = self.take() else { return };
            each(task);
        }
    }

    /// Takes nothing any more from now on. Returns what waits.
    pub(crate) fn close(&self) -> impl Iterator<Item = Runnable> {
        self.waiting.close().into_iter()
    }

    fn count_up(&self) -> bool {
        let limit = self.limit + self.resting.load(Ordering::SeqCst);
        let one_more = |polled| (polled < limit).then_some(polled + 1);
        self.polled.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_more).is_ok()
    }

    fn take(&self) -> Option<Runnable> {
        let mut taken = None;
        self.waiting.take(|_waiting| 1, |task| taken = Some(task));
        taken
    }
}
