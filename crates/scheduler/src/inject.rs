//! The queue that all threads of a runtime share: what comes from outside, and what overflows.
//!
//! 1. Pushing is lock-free: one exchange of `head` links a runnable, by its own link word, in front of what was pushed
//!    before. So the chain runs from the newest to the oldest.
//! 2. Taking is done by one thread at a time, under the lock of `ready`: when that is empty it takes the whole chain and
//!    turns it round. So the order is first in, first out.
//! 3. `len` is raised before a runnable is linked and lowered after it was taken: it is never too small, and while it is
//!    0 there is nothing to take. Whoever pushes raises it before it looks for sleepers.
//! 4. A runnable in the queue is the queue's; dropping the queue drops (and so cancels) what is left.
//! 5. Once closed it takes nothing any more: a push gives the runnable back. Closing is an exchange of `head`, too: so
//!    each runnable either is among those that closing returns, or was taken before, or is given back.

use std::collections::VecDeque;
use std::ptr::{self, NonNull};

use unstuck_base::CachePadded;
use unstuck_base::sync::Mutex;
use unstuck_base::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};
use unstuck_task::Runnable;

/// The queue; see the module's rules.
pub(crate) struct Inject {
    head: CachePadded<AtomicPtr<()>>,
    len: CachePadded<AtomicUsize>,
    ready: Mutex<VecDeque<Runnable>>,
}

/// What `head` is from the closing on: an address that no runnable has.
const CLOSED: *mut () = ptr::without_provenance_mut(1);

impl Inject {
    pub(crate) fn new() -> Self {
        Inject {
            head: CachePadded::new(AtomicPtr::new(ptr::null_mut())),
            len: CachePadded::new(AtomicUsize::new(0)),
            ready: Mutex::new(VecDeque::new()),
        }
    }

    /// How many runnables are there, or about to be.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        // SeqCst: a thread about to sleep looks here after it has said so; see `idle.md`.
        self.len.load(Ordering::SeqCst)
    }

    /// Puts a runnable at the back, or gives it back when the queue is closed.
    pub(crate) fn push(&self, task: Runnable) -> Result<(), Runnable> {
        // SeqCst: see `len`.
        self.len.fetch_add(1, Ordering::SeqCst);
        let task = task.into_raw();
        // SAFETY: the runnable is ours until the exchange below publishes it.
        let link = unsafe { Runnable::link(task) };
        let mut head = self.head.load(Ordering::Relaxed);
        while head != CLOSED {
            link.store(head, Ordering::Relaxed);
            // Release: pairs with the Acquire in `turn_round`: who takes the chain sees the links.
            match self.head.compare_exchange_weak(head, task.as_ptr(), Ordering::Release, Ordering::Relaxed) {
                Ok(_) => return Ok(()),
                Err(actual) => head = actual,
            }
        }
        self.len.fetch_sub(1, Ordering::SeqCst);
        // SAFETY: it was made a pointer above, and nobody else has seen that.
        Err(unsafe { Runnable::from_raw(task) })
    }

    /// Takes at most `limit` of the oldest runnables and gives each to `each`. It may be called by several threads.
    pub(crate) fn take(&self, limit: usize, each: impl FnMut(Runnable)) {
        if limit == 0 || self.len() == 0 {
            return;
        }
        let batch: VecDeque<Runnable> = {
            let mut ready = self.ready.lock();
            if ready.len() < limit {
                self.turn_round(&mut ready, ptr::null_mut());
            }
            if ready.len() <= limit { std::mem::take(&mut ready) } else { ready.drain(..limit).collect() }
        };
        // SeqCst: after the runnables are out of the queue (rule 3).
        self.len.fetch_sub(batch.len(), Ordering::SeqCst);
        batch.into_iter().for_each(each);
    }

    /// Moves all there is behind what is in `queue`.
    pub(crate) fn take_all(&self, queue: &mut VecDeque<Runnable>) {
        if self.len() == 0 {
            return;
        }
        let before = queue.len();
        {
            let mut ready = self.ready.lock();
            queue.append(&mut ready);
            self.turn_round(queue, ptr::null_mut());
        }
        // SeqCst: as in `take`.
        self.len.fetch_sub(queue.len() - before, Ordering::SeqCst);
    }

    /// Takes nothing any more from now on (rule 5). Returns what is queued.
    pub(crate) fn close(&self) -> VecDeque<Runnable> {
        let left = {
            let mut ready = self.ready.lock();
            self.turn_round(&mut ready, CLOSED);
            std::mem::take(&mut *ready)
        };
        self.len.fetch_sub(left.len(), Ordering::SeqCst);
        left
    }

    /// Moves the chain, oldest first, behind what is in `queue`. Then `head` is as told, but for a closed queue it stays.
    /// Needs the lock.
    fn turn_round(&self, queue: &mut VecDeque<Runnable>, head: *mut ()) {
        // Relaxed: closed under the lock.
        if self.head.load(Ordering::Relaxed) == CLOSED {
            return;
        }
        // Acquire: pairs with the Release in `push`.
        let mut next = self.head.swap(head, Ordering::Acquire);
        let before = queue.len();
        while let Some(raw) = NonNull::new(next) {
            // SAFETY: rule 1: what hangs on the chain was put there by `push`; it is ours since the swap.
            unsafe {
                next = Runnable::link(raw).load(Ordering::Relaxed);
                queue.push_back(Runnable::from_raw(raw));
            }
        }
        queue.make_contiguous()[before..].reverse();
    }
}

impl Drop for Inject {
    fn drop(&mut self) {
        drop(self.close());
    }
}

#[cfg(all(test, not(unstuck_loom)))]
mod tests;
