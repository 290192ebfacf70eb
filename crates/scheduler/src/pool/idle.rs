//! Who sleeps, who searches, and whom to wake: the word and the list that `idle.md` proves right.
//!
//! | event \ word         | searching | sleeping | and                                   |
//! |----------------------|-----------|----------|---------------------------------------|
//! | search               | +1        |          | refused when half of the workers do   |
//! | stop searching       | -1        |          | says whether it was the last          |
//! | sleep (a searcher)   | -1        | +1       | its name goes on the list             |
//! | sleep (no searcher)  |           | +1       | its name goes on the list             |
//! | wake one             | +1        | -1       | a name comes off the list             |
//! | wake a certain one   | +1        | -1       | such a name comes off, if there is one |
//! | wake all             | +n        | -n       | all names come off                    |
//! | stay awake           | +1        | -1       | its name comes off, if it was there   |
//!
//! 1. Names and `sleeping` change together under the list's lock, so there are as many names as `sleeping` says.
//! 2. Whoever changes the word for others to see fences with SeqCst, as `idle.md` demands.

use unstuck_base::CachePadded;
use unstuck_base::sync::Mutex;
use unstuck_base::sync::atomic::{AtomicUsize, Ordering, fence};

const SEARCHING: usize = 1;
const SLEEPING: usize = 1 << 16;
const MASK: usize = SLEEPING - 1;

/// The word and the list; see the table.
pub(crate) struct Idle {
    word: CachePadded<AtomicUsize>,
    names: Mutex<Vec<usize>>,
    workers: usize,
}

impl Idle {
    /// Nobody is idle yet.
    pub(crate) fn new(workers: usize) -> Self {
        Idle { word: CachePadded::new(AtomicUsize::new(0)), names: Mutex::new(Vec::with_capacity(workers)), workers }
    }

    /// Work was queued where others may take it: whom to unpark, if anybody.
    #[inline]
    pub(crate) fn wake_one(&self) -> Option<usize> {
        // Rule 2: between the push and the read of the word.
        fence(Ordering::SeqCst);
        let word = self.word.load(Ordering::Relaxed);
        if word & MASK != 0 || word < SLEEPING {
            return None;
        }
        self.wake_one_slow()
    }

    /// As [`wake_one`](Idle::wake_one), without the fence: for a worker that queued work in its own ring. It may miss
    /// somebody who goes to sleep at this moment; but the worker itself is awake, and looks again with a fence.
    #[inline]
    pub(crate) fn wake_one_soon(&self) -> Option<usize> {
        let word = self.word.load(Ordering::Relaxed);
        if word & MASK != 0 || word < SLEEPING {
            return None;
        }
        self.wake_one_slow()
    }

    #[cold]
    fn wake_one_slow(&self) -> Option<usize> {
        let mut names = self.names.lock();
        // Relaxed: `sleeping` changes only under the lock; `searching` is looked at again to be sparing, no more.
        let word = self.word.load(Ordering::Relaxed);
        if word & MASK != 0 {
            return None;
        }
        let name = names.pop()?;
        // SeqCst: as all changes of the word.
        self.word.fetch_add(SEARCHING.wrapping_sub(SLEEPING), Ordering::SeqCst);
        Some(name)
    }

    /// How many sleep, or are about to.
    pub(crate) fn sleeping(&self) -> usize {
        self.word.load(Ordering::SeqCst) / SLEEPING
    }

    /// Wakes one of those whose names are `wanted`: whom to unpark, if any of them sleeps.
    pub(crate) fn wake_a(&self, wanted: impl Fn(usize) -> bool) -> Option<usize> {
        let mut names = self.names.lock();
        let at = names.iter().rposition(|name| wanted(*name))?;
        self.word.fetch_add(SEARCHING.wrapping_sub(SLEEPING), Ordering::SeqCst);
        Some(names.swap_remove(at))
    }

    /// Wakes everybody: whom to unpark. They come back as searchers.
    pub(crate) fn wake_all(&self) -> Vec<usize> {
        let mut names = self.names.lock();
        let all = std::mem::take(&mut *names);
        let change = SEARCHING.wrapping_sub(SLEEPING).wrapping_mul(all.len());
        self.word.fetch_add(change, Ordering::SeqCst);
        all
    }

    /// May this worker search? At most half of them do: more would only be in each other's way.
    pub(crate) fn search(&self) -> bool {
        let word = self.word.load(Ordering::Relaxed);
        if 2 * (word & MASK) >= self.workers {
            return false;
        }
        self.word.fetch_add(SEARCHING, Ordering::SeqCst);
        true
    }

    /// A searcher has found work. `true`: it was the last one, and must look whether there is more.
    #[must_use]
    pub(crate) fn stop_searching(&self) -> bool {
        let word = self.word.fetch_sub(SEARCHING, Ordering::SeqCst);
        debug_assert!(word & MASK != 0, "only a searcher stops searching");
        if word & MASK != 1 {
            return false;
        }
        // Rule 2: between the word and the look at the queues.
        fence(Ordering::SeqCst);
        true
    }

    /// A worker goes to sleep; it must look at all queues once more before it parks.
    pub(crate) fn sleep(&self, name: usize, searching: bool) {
        let mut names = self.names.lock();
        names.push(name);
        let change = if searching { SLEEPING - SEARCHING } else { SLEEPING };
        self.word.fetch_add(change, Ordering::SeqCst);
        drop(names);
        // Rule 2: between the word and the look at the queues.
        fence(Ordering::SeqCst);
    }

    /// A worker that went to sleep has found work after all, or has slept enough. It is searching now; `false`: by the
    /// hand of whoever took its name off, whose unpark is on its way or has come.
    pub(crate) fn stay_awake(&self, name: usize) -> bool {
        let mut names = self.names.lock();
        let Some(at) = names.iter().position(|other| *other == name) else { return false };
        names.swap_remove(at);
        self.word.fetch_add(SEARCHING.wrapping_sub(SLEEPING), Ordering::SeqCst);
        true
    }
}
