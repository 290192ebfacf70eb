//! Which waiters of one queue belong to the same task, found by the task: nobody searches the queue.
//!
//! 1. It belongs to the lock of the queue, as the queue does. Who is in it is linked in that queue, and so is alive and
//!    in place; who leaves the queue leaves this before.
//! 2. A task has two runs here: its waiters that wait, and those that were granted. The waiters of a run stand together
//!    in one bucket. Of those that wait, the one that was polled last is first; nothing but a good guess depends on it.
//!    Those that wait and are known to be abandoned count, and stand nowhere: nobody looks for them.
//! 3. A waiter that is granted while it has no siblings stays in the run of those that wait. The next one of its task
//!    moves it.
//! 4. A waiter's task is that of its stamp. Who changes the stamp takes it out before, or says which task it was.
//!
//! `takeover.rs` puts waiters in and looks for them; the queue takes them out.

use std::num::NonZeroU64;
use std::ptr::NonNull;

use unstuck_base::list::{Links, List, Node};

use super::{Entry, State, Waiter};

/// The waiters of a queue by their task. Rule 6 of `takeover.rs` says when it is in use.
#[derive(Debug)]
pub(super) struct Siblings {
    len: usize,
    /// A power of two; even ones for those that wait, odd ones for those that were granted.
    buckets: Vec<List<Waiter, Sibling>>,
}

/// Tells these links of a waiter from those by which it is in its queue.
#[derive(Debug)]
pub(super) enum Sibling {}

/// Which of its task's waiters one stands with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Run {
    Waiting = 0,
    Granted = 1,
    /// Waits, and is not polled.
    Abandoned,
}

/// Buckets of a table that is empty or nearly so.
const FEW: usize = 16;

impl Default for Siblings {
    fn default() -> Self {
        Siblings { len: 0, buckets: empty(FEW) }
    }
}

impl Siblings {
    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The first in this run of the task.
    pub(super) fn first(&self, task: NonZeroU64, run: Run) -> Option<NonNull<Waiter>> {
        let bucket = self.bucket(task, run);
        let mut next = self.buckets[bucket].front();
        while let Some(waiter) = next {
            // SAFETY: rule 1: it is in this bucket, and the lock is ours.
            unsafe {
                if task_of(waiter) == Some(task) {
                    return Some(waiter);
                }
                next = self.buckets[bucket].next(waiter);
            }
        }
        None
    }

    /// The one behind `waiter` in its run.
    ///
    /// # Safety
    /// `waiter` is in this run of the task.
    pub(super) unsafe fn next(&self, waiter: NonNull<Waiter>, task: NonZeroU64, run: Run) -> Option<NonNull<Waiter>> {
        // SAFETY: the caller's, and rule 1.
        unsafe {
            let next = self.buckets[self.bucket(task, run)].next(waiter)?;
            (task_of(next) == Some(task)).then_some(next)
        }
    }

    /// The one before `waiter` in its run.
    ///
    /// # Safety
    /// As [`next`](Siblings::next).
    pub(super) unsafe fn previous(
        &self,
        waiter: NonNull<Waiter>,
        task: NonZeroU64,
        run: Run,
    ) -> Option<NonNull<Waiter>> {
        // SAFETY: the caller's, and rule 1.
        unsafe {
            let previous = self.buckets[self.bucket(task, run)].previous(waiter)?;
            (task_of(previous) == Some(task)).then_some(previous)
        }
    }

    /// Puts `waiter` first in the run that its state says.
    ///
    /// # Safety
    /// It is stamped with this task, in the queue, and not in here.
    pub(super) unsafe fn insert(&mut self, waiter: NonNull<Waiter>, task: NonZeroU64) {
        // SAFETY: the caller's, and rule 1.
        unsafe {
            self.make_way(task);
            let run = if read(waiter, |entry| entry.state == State::Granted) { Run::Granted } else { Run::Waiting };
            self.push(waiter, task, run);
        }
    }

    /// Before another one of this task comes: rule 3.
    fn make_way(&mut self, task: NonZeroU64) {
        // SAFETY: who is in here is in the queue, whose lock is ours.
        unsafe {
            if let Some(first) = self.first(task, Run::Waiting)
                && read(first, |entry| entry.state == State::Granted)
            {
                self.change_run(first, task, Run::Granted);
            }
        }
    }

    /// Moves `waiter` to another run of its task.
    ///
    /// # Safety
    /// It is in here, of this task.
    pub(super) unsafe fn change_run(&mut self, waiter: NonNull<Waiter>, task: NonZeroU64, to: Run) {
        // SAFETY: the caller's.
        unsafe {
            self.remove(waiter, task);
            self.push(waiter, task, to);
        }
    }

    /// `waiter`, which waits, was polled.
    ///
    /// # Safety
    /// It is in here, of this task.
    pub(super) unsafe fn come_first(&mut self, waiter: NonNull<Waiter>, task: NonZeroU64) {
        if self.first(task, Run::Waiting) != Some(waiter) {
            self.make_way(task);
            // SAFETY: the caller's.
            unsafe { self.change_run(waiter, task, Run::Waiting) }
        }
    }

    /// Takes `waiter` out.
    ///
    /// # Safety
    /// It is in here, and was put in for this task.
    pub(super) unsafe fn remove(&mut self, waiter: NonNull<Waiter>, task: NonZeroU64) {
        // SAFETY: the caller's, and rule 1.
        unsafe {
            let run = write(waiter, |entry| entry.run.take()).expect("it is in here");
            if run != Run::Abandoned {
                let bucket = self.bucket(task, run);
                self.buckets[bucket].remove(waiter);
            }
        }
        self.len -= 1;
        if self.len == 0 && self.buckets.len() > 4 * FEW {
            self.buckets = empty(FEW);
        }
    }

    /// # Safety
    /// As [`insert`](Siblings::insert).
    unsafe fn push(&mut self, waiter: NonNull<Waiter>, task: NonZeroU64, run: Run) {
        self.len += 1;
        if run == Run::Abandoned {
            // SAFETY: the caller's, and rule 1.
            return unsafe { write(waiter, |entry| entry.run = Some(run)) };
        }
        if 2 * self.len > self.buckets.len() {
            self.grow();
        }
        let first = self.first(task, run);
        let bucket = self.bucket(task, run);
        // SAFETY: the caller's, and rule 1.
        unsafe {
            write(waiter, |entry| {
                entry.run = Some(run);
                entry.sibling.write(Links::new());
            });
            match first {
                Some(first) => self.buckets[bucket].insert_before(first, waiter),
                None => self.buckets[bucket].push_front(waiter),
            }
        }
    }

    /// Twice the buckets. Runs stay together, in their order: a bucket is filled from one old one only.
    #[cold]
    fn grow(&mut self) {
        let twice = empty(2 * self.buckets.len());
        for mut bucket in std::mem::replace(&mut self.buckets, twice) {
            while let Some(waiter) = bucket.pop_front() {
                // SAFETY: it was in here until now.
                unsafe {
                    let (task, run) = (task_of(waiter), read(waiter, |entry| entry.run));
                    let (task, run) = (task.expect("rule 4"), run.expect("it is in here"));
                    let bucket = self.bucket(task, run);
                    self.buckets[bucket].push_back(waiter);
                }
            }
        }
    }

    fn bucket(&self, task: NonZeroU64, run: Run) -> usize {
        // Tasks that were spawned one after the other have numbers in a row: a multiplication spreads any pattern.
        let spread = (task.get().wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 31) as usize;
        (spread & !1 | run as usize) & (self.buckets.len() - 1)
    }
}

fn empty(buckets: usize) -> Vec<List<Waiter, Sibling>> {
    (0..buckets).map(|_| List::new()).collect()
}

/// The task with whose poll `waiter` is stamped.
///
/// # Safety
/// It is in the queue, whose lock the caller has.
pub(super) unsafe fn task_of(waiter: NonNull<Waiter>) -> Option<NonZeroU64> {
    // SAFETY: the caller's.
    unsafe { read(waiter, |entry| entry.stamp.map(|stamp| stamp.id)) }
}

/// Looks at what belongs to the lock.
///
/// # Safety
/// As [`task_of`].
pub(super) unsafe fn read<R>(waiter: NonNull<Waiter>, look: impl FnOnce(&Entry) -> R) -> R {
    // SAFETY: the caller's: it is alive, its entry was written, and nobody else touches it.
    unsafe { waiter.as_ref().entry.with(|entry| look((*entry).assume_init_ref())) }
}

/// Changes what belongs to the lock.
///
/// # Safety
/// As [`task_of`].
pub(super) unsafe fn write<R>(waiter: NonNull<Waiter>, change: impl FnOnce(&mut Entry) -> R) -> R {
    // SAFETY: as in `read`.
    unsafe { waiter.as_ref().entry.with_mut(|entry| change((*entry).assume_init_mut())) }
}

// SAFETY: always the address of the one field, inside the cell; `&raw` makes no reference to it.
unsafe impl Node<Sibling> for Waiter {
    unsafe fn links(node: NonNull<Self>) -> NonNull<Links<Self>> {
        // SAFETY: the caller vouches that `node` is live; a list has only those whose entry and links were written.
        unsafe {
            let cell = &(*node.as_ptr()).entry;
            NonNull::new_unchecked(cell.with_mut(|entry| (&raw mut (*(*entry).as_mut_ptr()).sibling).cast()))
        }
    }
}
