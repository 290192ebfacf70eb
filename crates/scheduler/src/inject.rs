//! The queue that all threads of a runtime share: what comes from outside, and what overflows.
//!
//! 1. Pushing is lock-free: one compare-exchange of `head` links a runnable, by its own link word, or a chain of them, in
//!    front of what was pushed before. So the chain runs from the newest to the oldest.
//! 2. Taking is done by one thread at a time, under the lock of `ready`: when that is empty it takes the whole chain and
//!    turns it round. So the order is first in, first out.
//! 3. A runnable is seen from the moment when it is linked until it was taken: `ready_len` says that there is something
//!    before a taker unlinks the chain, and says the truth before the lock is released. So whoever saw something and then
//!    finds nothing has missed it to another thread, and nobody spins until a third one goes on.
//! 4. A runnable in the queue is the queue's; dropping the queue drops (and so cancels) what is left.
//! 5. Once closed it takes nothing any more: a push gives the runnable back. Closing is an exchange of `head`, too: so
//!    each runnable either is among those that closing returns, or was taken before, or is given back.

use std::collections::VecDeque;
use std::ptr::{self, NonNull};

use unstuck_base::CachePadded;
use unstuck_base::sync::Mutex;
use unstuck_base::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};
use unstuck_task::Runnable;

use crate::counts::Tally;

/// The queue; see the module's rules.
pub(crate) struct Inject {
    head: CachePadded<Head>,
    /// How many there are in `ready`, or [`SOME`].
    ready_len: CachePadded<AtomicUsize>,
    ready: Mutex<VecDeque<Runnable>>,
}

struct Head {
    newest: AtomicPtr<()>,
    /// How many were pushed by other threads than workers. It orders nothing.
    from_outside: Tally,
}

/// What `head` is from the closing on: an address that no runnable has.
const CLOSED: *mut () = ptr::without_provenance_mut(1);

/// An empty `ready` keeps room for so many: what a burst has needed is given back, what comes all the time is not.
const KEPT: usize = 256;

/// The `ready_len` while the chain is being turned round.
const SOME: usize = usize::MAX;

impl Inject {
    pub(crate) fn new() -> Self {
        Inject {
            head: CachePadded::new(Head { newest: AtomicPtr::new(ptr::null_mut()), from_outside: Tally::new() }),
            ready_len: CachePadded::new(AtomicUsize::new(0)),
            ready: Mutex::new(VecDeque::new()),
        }
    }

    /// Whether there is nothing. A thread about to sleep asks this after a fence; see `idle.md`.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        // Acquire: pairs with the Release of the exchange in `turn_round`: who finds the chain gone sees where it went.
        let head = self.head.newest.load(Ordering::Acquire);
        (head.is_null() || head == CLOSED) && self.ready_len.load(Ordering::Relaxed) == 0
    }

    /// How many there are. Not for a hot path: the chain must be counted.
    pub(crate) fn len(&self) -> usize {
        if self.is_empty() {
            return 0;
        }
        let mut ready = self.ready.lock();
        self.turn_round(&mut ready, ptr::null_mut());
        self.ready_len.store(ready.len(), Ordering::Relaxed);
        ready.len()
    }

    /// Puts a runnable at the back, or gives it back when the queue is closed.
    pub(crate) fn push(&self, task: Runnable) -> Result<(), Runnable> {
        let task = task.into_raw();
        // SAFETY: the runnable is ours until the exchange below publishes it.
        let link = unsafe { Runnable::link(task) };
        let mut head = self.head.newest.load(Ordering::Relaxed);
        while head != CLOSED {
            link.store(head, Ordering::Relaxed);
            // Release: pairs with the Acquire in `turn_round`: who takes the chain sees the links.
            match self.head.newest.compare_exchange_weak(head, task.as_ptr(), Ordering::Release, Ordering::Relaxed) {
                Ok(_) => return Ok(()),
                Err(actual) => head = actual,
            }
        }
        // SAFETY: it was made a pointer above, and nobody else has seen that.
        Err(unsafe { Runnable::from_raw(task) })
    }

    /// As [`push`](Inject::push), of several, in their order.
    pub(crate) fn push_all(&self, tasks: impl IntoIterator<Item = Runnable>) -> Result<(), Vec<Runnable>> {
        let (mut oldest, mut newest): (*mut (), *mut ()) = (ptr::null_mut(), ptr::null_mut());
        for task in tasks {
            let task = task.into_raw();
            // SAFETY: the runnable is ours until the exchange below publishes it.
            unsafe { Runnable::link(task) }.store(newest, Ordering::Relaxed);
            newest = task.as_ptr();
            if oldest.is_null() {
                oldest = newest;
            }
        }
        let Some(last) = NonNull::new(oldest) else { return Ok(()) };
        // SAFETY: as above.
        let link = unsafe { Runnable::link(last) };
        let mut head = self.head.newest.load(Ordering::Relaxed);
        while head != CLOSED {
            link.store(head, Ordering::Relaxed);
            // Release: as in `push`.
            match self.head.newest.compare_exchange_weak(head, newest, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => return Ok(()),
                Err(actual) => head = actual,
            }
        }
        link.store(ptr::null_mut(), Ordering::Relaxed);
        let mut refused = VecDeque::new();
        unlink(newest, &mut refused);
        Err(refused.into())
    }

    /// As [`push`](Inject::push), by a thread that is no worker, which is counted.
    pub(crate) fn push_from_outside(&self, task: Runnable) -> Result<(), Runnable> {
        self.push(task)?;
        // Beside the word that was just written, so that it costs next to nothing.
        self.head.from_outside.add_one();
        Ok(())
    }

    /// How many were pushed by threads that are no workers.
    pub(crate) fn pushed_from_outside(&self) -> u64 {
        self.head.from_outside.read()
    }

    /// Takes some of the oldest runnables and gives each to `each`; `limit` says how many at most, given how many there are.
    /// It may be called by several threads.
    pub(crate) fn take(&self, limit: impl FnOnce(usize) -> usize, each: impl FnMut(Runnable)) {
        if self.is_empty() {
            return;
        }
        // The first one apart: where there is no other, nothing is allocated.
        let (first, others): (_, VecDeque<Runnable>) = {
            let mut ready = self.ready.lock();
            self.turn_round(&mut ready, ptr::null_mut());
            let count = limit(ready.len()).min(ready.len());
            let first = if count > 0 { ready.pop_front() } else { None };
            let others = ready.drain(..count.saturating_sub(1)).collect();
            if ready.is_empty() && ready.capacity() > KEPT {
                *ready = VecDeque::new();
            }
            self.ready_len.store(ready.len(), Ordering::Relaxed);
            (first, others)
        };
        first.into_iter().chain(others).for_each(each);
    }

    /// Moves all there is behind what is in `queue`.
    pub(crate) fn take_all(&self, queue: &mut VecDeque<Runnable>) {
        if self.is_empty() {
            return;
        }
        let mut ready = self.ready.lock();
        queue.append(&mut ready);
        self.turn_round(queue, ptr::null_mut());
        self.ready_len.store(0, Ordering::Relaxed);
    }

    /// Takes nothing any more from now on (rule 5). Returns what is queued.
    pub(crate) fn close(&self) -> VecDeque<Runnable> {
        let mut ready = self.ready.lock();
        self.turn_round(&mut ready, CLOSED);
        self.ready_len.store(0, Ordering::Relaxed);
        std::mem::take(&mut *ready)
    }

    /// Moves the chain, oldest first, behind what is in `queue`. Then `head` is as told, but for a closed queue it stays.
    /// Needs the lock; the caller says how many are ready before it gives that back (rule 3).
    fn turn_round(&self, queue: &mut VecDeque<Runnable>, head: *mut ()) {
        // Relaxed: only under the lock does it become null or closed.
        let before = self.head.newest.load(Ordering::Relaxed);
        if before == CLOSED || before == head {
            return;
        }
        self.ready_len.store(SOME, Ordering::Relaxed);
        // Acquire: pairs with the Release in `push`. Release: pairs with the Acquire in `is_empty`.
        unlink(self.head.newest.swap(head, Ordering::AcqRel), queue);
    }
}

/// Moves a chain that is the caller's, oldest first, behind what is in `queue`.
fn unlink(newest: *mut (), queue: &mut VecDeque<Runnable>) {
    let before = queue.len();
    let mut next = newest;
    while let Some(raw) = NonNull::new(next) {
        // SAFETY: rule 1: what hangs on the chain was linked there by a push, and is the caller's now.
        unsafe {
            next = Runnable::link(raw).load(Ordering::Relaxed);
            queue.push_back(Runnable::from_raw(raw));
        }
    }
    queue.make_contiguous()[before..].reverse();
}

impl Drop for Inject {
    fn drop(&mut self) {
        drop(self.close());
    }
}

#[cfg(all(test, not(unstuck_loom)))]
mod tests;
