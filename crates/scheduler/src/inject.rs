//! The queue that all threads of a runtime share: what comes from outside, and what overflows.
//!
//! 1. Pushing is lock-free: one exchange of `head` links a runnable, by its own link word, in front of what was pushed
//!    before. So the chain runs from the newest to the oldest.
//! 2. Taking is done by one thread at a time, under the lock of `ready`: when that is empty it takes the whole chain and
//!    turns it round. So the order is first in, first out.
//! 3. `len` is raised before a runnable is linked and lowered after it was taken: it is never too small, and while it is
//!    0 there is nothing to take. Whoever pushes raises it before it looks for sleepers.
//! 4. A runnable in the queue is the queue's; dropping the queue drops (and so cancels) what is left.

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

    /// Puts a runnable at the back.
    pub(crate) fn push(&self, task: Runnable) {
        // SeqCst: see `len`.
        self.len.fetch_add(1, Ordering::SeqCst);
        let task = task.into_raw();
        // SAFETY: the runnable is ours until the exchange below publishes it.
        let link = unsafe { Runnable::link(task) };
        let mut head = self.head.load(Ordering::Relaxed);
        loop {
            link.store(head, Ordering::Relaxed);
            // Release: pairs with the Acquire in `take`: who takes the chain sees the links.
            match self.head.compare_exchange_weak(head, task.as_ptr(), Ordering::Release, Ordering::Relaxed) {
                Ok(_) => return,
                Err(actual) => head = actual,
            }
        }
    }

    /// Takes at most `limit` of the oldest runnables and gives each to `each`. It may be called by several threads.
    pub(crate) fn take(&self, limit: usize, mut each: impl FnMut(Runnable)) -> usize {
        if limit == 0 || self.len() == 0 {
            return 0;
        }
        let batch: VecDeque<Runnable> = {
            let mut ready = self.ready.lock();
            if ready.len() < limit {
                self.turn_round(&mut ready);
            }
            if ready.len() <= limit { std::mem::take(&mut ready) } else { ready.drain(..limit).collect() }
        };
        let count = batch.len();
        // SeqCst: after the runnables are out of the queue (rule 3).
        self.len.fetch_sub(count, Ordering::SeqCst);
        batch.into_iter().for_each(&mut each);
        count
    }

    /// Takes the oldest runnable.
    pub(crate) fn pop(&self) -> Option<Runnable> {
        if self.len() == 0 {
            return None;
        }
        let task = {
            let mut ready = self.ready.lock();
            if ready.is_empty() {
                self.turn_round(&mut ready);
            }
            ready.pop_front()?
        };
        // SeqCst: as in `take`.
        self.len.fetch_sub(1, Ordering::SeqCst);
        Some(task)
    }

    /// Moves the chain, oldest first, behind what is ready.
    fn turn_round(&self, ready: &mut VecDeque<Runnable>) {
        // Acquire: pairs with the Release in `push`.
        let mut next = self.head.swap(ptr::null_mut(), Ordering::Acquire);
        let before = ready.len();
        while let Some(raw) = NonNull::new(next) {
            // SAFETY: rule 1: what hangs on the chain was put there by `push`; it is ours since the swap.
            unsafe {
                next = Runnable::link(raw).load(Ordering::Relaxed);
                ready.push_back(Runnable::from_raw(raw));
            }
        }
        ready.make_contiguous()[before..].reverse();
    }
}

impl Drop for Inject {
    fn drop(&mut self) {
        while self.pop().is_some() {}
    }
}
