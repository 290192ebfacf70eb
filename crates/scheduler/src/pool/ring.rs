//! A worker's own queue: a ring of runnables that the owner fills and empties, and from which thieves take.
//!
//! 1. Only the owner pushes, so only it moves `tail`. Owner and thieves take from the front by moving `head` with a
//!    compare-exchange: whoever moves it has the runnables in between.
//! 2. Both count for ever and are taken modulo the size, so a position is never seen twice, and a stale compare-exchange
//!    fails.
//! 3. A thief reads the slots before it moves `head`, and throws away what it read if that fails. The owner overwrites a
//!    slot only after `head` has passed it, so what was read before a successful move was right.
//! 4. A thief takes half, into its own ring, which it is the owner of. It publishes them when they are its own.

use std::ptr::NonNull;

use unstuck_base::CachePadded;
use unstuck_base::sync::MODELLED;
use unstuck_base::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};
use unstuck_task::Runnable;

/// How many runnables a ring holds.
pub(crate) const SIZE: usize = if MODELLED { 4 } else { 256 };
const MASK: usize = SIZE - 1;
const _: () = assert!(SIZE.is_power_of_two());

/// The ring; see the module's rules.
pub(crate) struct Ring {
    head: CachePadded<AtomicUsize>,
    tail: CachePadded<AtomicUsize>,
    slots: Box<[AtomicPtr<()>]>,
}

impl Ring {
    pub(crate) fn new() -> Self {
        Ring {
            head: CachePadded::new(AtomicUsize::new(0)),
            tail: CachePadded::new(AtomicUsize::new(0)),
            slots: (0..SIZE).map(|_| AtomicPtr::new(std::ptr::null_mut())).collect(),
        }
    }

    /// How many runnables are there, about: others may take some meanwhile.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        // Acquire on head: the slots before it are free when the owner sees this. `head` first: it never passes a tail
        // that is read later.
        let head = self.head.load(Ordering::Acquire);
        self.tail.load(Ordering::Relaxed).wrapping_sub(head).min(SIZE)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Puts a runnable at the back, or gives it back when the ring is full. Only the owner.
    #[inline]
    pub(crate) fn push(&self, task: Runnable) -> Result<(), Runnable> {
        // Relaxed: the owner's own word (rule 1).
        let tail = self.tail.load(Ordering::Relaxed);
        // Acquire: pairs with the Release of whoever moved `head`: it has read the slots that we may overwrite.
        let head = self.head.load(Ordering::Acquire);
        if tail.wrapping_sub(head) >= SIZE {
            return Err(task);
        }
        self.slots[tail & MASK].store(task.into_raw().as_ptr(), Ordering::Relaxed);
        // Release: pairs with the Acquire of the tail in `take_into`: a thief that sees the tail sees the slot.
        self.tail.store(tail.wrapping_add(1), Ordering::Release);
        Ok(())
    }

    /// Takes the runnable at the front. Only the owner.
    #[inline]
    pub(crate) fn pop(&self) -> Option<Runnable> {
        let mut head = self.head.load(Ordering::Acquire);
        // Relaxed: the owner's own word.
        let tail = self.tail.load(Ordering::Relaxed);
        while head != tail {
            let raw = self.slots[head & MASK].load(Ordering::Relaxed);
            // AcqRel: Release says that the slot is read; Acquire, on failure, sees where thieves have moved it.
            match self.head.compare_exchange_weak(head, head.wrapping_add(1), Ordering::AcqRel, Ordering::Acquire) {
                // SAFETY: rule 1: the runnable is ours alone now, and it was put there by `into_raw`.
                Ok(_) => return Some(unsafe { from_slot(raw) }),
                Err(actual) => head = actual,
            }
        }
        None
    }

    /// Takes the older half into the thief's ring; returns one of them, to be run at once. Only the owner of `thief`.
    pub(crate) fn take_into(&self, thief: &Ring) -> Option<Runnable> {
        self.take_some_into(thief).map(|(first, _count)| first)
    }

    /// As [`take_into`](Ring::take_into); also says how many were taken, with the one that is returned.
    pub(crate) fn take_some_into(&self, thief: &Ring) -> Option<(Runnable, usize)> {
        let mut head = self.head.load(Ordering::Acquire);
        loop {
            // Acquire: pairs with the Release in `push`: the slots up to the tail are written.
            let len = self.tail.load(Ordering::Acquire).wrapping_sub(head);
            // A tail read after a stale head may be more than a ring ahead; the compare-exchange would fail then.
            if len > SIZE {
                head = self.head.load(Ordering::Acquire);
                continue;
            }
            // Relaxed: the thief is the owner of its ring.
            let to = thief.tail.load(Ordering::Relaxed);
            let room = SIZE - to.wrapping_sub(thief.head.load(Ordering::Acquire));
            // One of them is run at once and needs no room.
            let count = (len - len / 2).min(room + 1);
            if count == 0 {
                return None;
            }
            let first = self.slots[head & MASK].load(Ordering::Relaxed);
            for offset in 1..count {
                let raw = self.slots[head.wrapping_add(offset) & MASK].load(Ordering::Relaxed);
                // Beyond the thief's tail nobody reads (rule 4).
                thief.slots[to.wrapping_add(offset - 1) & MASK].store(raw, Ordering::Relaxed);
            }
            let next = head.wrapping_add(count);
            // AcqRel: as in `pop`.
            match self.head.compare_exchange(head, next, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => {
                    // Release: pairs with the Acquire of the tail by a thief of the thief.
                    thief.tail.store(to.wrapping_add(count - 1), Ordering::Release);
                    // SAFETY: rules 1 and 3: the runnables are ours alone now.
                    return Some((unsafe { from_slot(first) }, count));
                }
                Err(actual) => head = actual,
            }
        }
    }

    /// Takes the oldest out, half of what a ring can hold at most: the owner of a full one moves them to the shared queue.
    pub(crate) fn take_half(&self) -> Vec<Runnable> {
        let mut head = self.head.load(Ordering::Acquire);
        loop {
            // Relaxed: the owner's own word.
            let count = self.tail.load(Ordering::Relaxed).wrapping_sub(head).min(SIZE / 2);
            let slot = |offset| self.slots[head.wrapping_add(offset) & MASK].load(Ordering::Relaxed);
            let raw: Vec<_> = (0..count).map(slot).collect();
            // AcqRel: as in `pop`.
            match self.head.compare_exchange(head, head.wrapping_add(count), Ordering::AcqRel, Ordering::Acquire) {
                // SAFETY: rules 1 and 3: the runnables are ours alone now.
                Ok(_) => return raw.into_iter().map(|raw| unsafe { from_slot(raw) }).collect(),
                Err(actual) => head = actual,
            }
        }
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        while let Some(task) = self.pop() {
            drop(task);
        }
    }
}

/// # Safety
/// `raw` was put into a slot by `into_raw`, and its runnable is the caller's alone.
unsafe fn from_slot(raw: *mut ()) -> Runnable {
    // SAFETY: the caller's; a runnable's address is not null.
    unsafe { Runnable::from_raw(NonNull::new_unchecked(raw)) }
}

#[cfg(all(test, not(unstuck_loom)))]
mod tests;
