//! Polls of one kind, as many at once as there is room for. There are two kinds: of tasks that are known to keep a core busy
//! for long at a time; and, by spares, of those and of tasks that nobody has polled before.
//!
//! 1. At most so many threads poll tasks of the kind at once. How many that is the monitor says, who knows which of them
//!    only wait, perhaps for one of the tasks here, and so should keep nobody out.
//! 2. Whoever finds no room leaves the task here. Whoever has polled one takes one from here and queues it like any other.
//!    If that one is then polled by a thread that needs no room, nobody takes the next: so the monitor, too, takes as many
//!    as there is room for, at each look, and looks while any wait.
//! 3. Whoever leaves a task here looks at the counts after, whoever makes room looks at the queue after, and both fence in
//!    between: one of the two sees the other.

use unstuck_base::CachePadded;
use unstuck_base::sync::atomic::{AtomicUsize, Ordering, fence};
use unstuck_task::Runnable;

use crate::inject::Inject;

/// The counts, and those that wait; see the module's rules.
pub(crate) struct Gate {
    polled: CachePadded<AtomicUsize>,
    /// Only the monitor writes.
    room: AtomicUsize,
    waiting: Inject,
}

/// As much room as anybody can need.
pub(crate) const UNLIMITED: usize = usize::MAX;

/// What becomes of a task.
pub(crate) enum Turn {
    /// Poll it, and call [`Gate::end`] after.
    Now(Runnable),
    /// It waits here.
    Later,
    /// The pool is closed: it is given back.
    Never(Runnable),
}

impl Gate {
    pub(crate) fn new(room: usize) -> Self {
        Gate { polled: CachePadded::new(AtomicUsize::new(0)), room: AtomicUsize::new(room), waiting: Inject::new() }
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
            // SeqCst: between the push and the look at the counts, and between the counts and the look at the queue (rule 3).
            fence(Ordering::SeqCst);
            if self.waiting.is_empty() || !self.count_up() {
                return Turn::Later;
            }
            if let Some(task) = self.take() {
                return Turn::Now(task);
            }
            // Another thread has taken it. Who has come meanwhile may have found no room because of us.
            self.polled.fetch_sub(1, Ordering::SeqCst);
        }
    }

    /// The poll has ended. What is returned is to be queued, where any thread may take it.
    pub(crate) fn end(&self) -> Option<Runnable> {
        self.polled.fetch_sub(1, Ordering::SeqCst);
        self.take_if_there_is_room()
    }

    /// So much room there is from now on. Only the monitor, which then takes what there is room for.
    pub(crate) fn set_room(&self, room: usize) {
        // Relaxed: the monitor's own word.
        if room != self.room.load(Ordering::Relaxed) {
            self.room.store(room, Ordering::SeqCst);
        }
    }

    /// Takes one of those that wait, if there is room for it. It is to be queued, where any thread may take it; that one
    /// does not count until its poll begins.
    pub(crate) fn take_if_there_is_room(&self) -> Option<Runnable> {
        // SeqCst: between the counts and the look at the queue (rule 3).
        fence(Ordering::SeqCst);
        if self.waiting.is_empty() || self.polled.load(Ordering::SeqCst) >= self.room.load(Ordering::SeqCst) {
            return None;
        }
        self.take()
    }

    /// Takes the first of those that wait, for a thread that needs no room.
    #[inline]
    pub(crate) fn take(&self) -> Option<Runnable> {
        let mut taken = None;
        self.waiting.take(|_waiting| 1, |task| taken = Some(task));
        taken
    }

    /// How many wait. Not for a hot path.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Whether nobody waits. A thread about to sleep asks this after a fence; see `idle.md`.
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Takes nothing any more from now on. Returns what waits.
    pub(crate) fn close(&self) -> impl Iterator<Item = Runnable> {
        self.waiting.close().into_iter()
    }

    fn count_up(&self) -> bool {
        let room = self.room.load(Ordering::SeqCst);
        let one_more = |polled| (polled < room).then_some(polled + 1);
        self.polled.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_more).is_ok()
    }
}
