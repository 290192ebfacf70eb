//! The ring of messages: what all ends of a broadcast channel share.
//!
//! 1. Message number `n` is in slot `n % slots` until it is overwritten by number `n + slots`, or until every receiver
//!    that was there when it was sent has had it: the last one drops it.
//! 2. Sending happens under the lock of the count of receivers. A receiver begins with the next message, and is counted
//!    from that one on, until it leaves.
//! 3. A message is cloned under its slot's lock, since `T` need not be `Sync`. The accounting is done before, so that a
//!    clone that panics counts as received. Everything else of the user's (destructors, wakers) runs with no lock held.
//! 4. The locks are taken in this order: `closing`, `receivers`, a slot. `receiving` is taken alone.

use unstuck_base::sync::Mutex;
use unstuck_base::sync::atomic::AtomicUsize;

use crate::called;
use crate::version::{Seen, Version};
use crate::wait_list::WaitList;

/// See the module's rules.
pub(super) struct Ring<T> {
    /// How many messages were sent: the number of the next one.
    pub(super) sent: Version,
    slots: Box<[Mutex<Slot<T>>]>,
    /// How many receivers there are (rule 2).
    receivers: Mutex<usize>,
    /// Receivers that wait for a message.
    pub(super) receiving: WaitList,
    /// Senders that wait until every receiver is gone.
    pub(super) closing: WaitList,
    pub(super) senders: AtomicUsize,
    pub(super) weak_senders: AtomicUsize,
}

struct Slot<T> {
    /// Which message was put here last.
    number: Seen,
    /// How many receivers have not had it.
    remaining: usize,
    /// There while somebody has not had it.
    message: Option<T>,
}

impl<T> Ring<T> {
    /// A ring of `slots` empty slots, a power of two, with one sender.
    pub(super) fn new(slots: usize) -> Self {
        let sent = Version::new();
        let before = sent.now().minus(slots);
        let empty = |at| Mutex::new(Slot { number: before.plus(at), remaining: 0, message: None });
        Ring {
            sent,
            slots: (0..slots).map(empty).collect(),
            receivers: Mutex::new(0),
            receiving: WaitList::new(),
            closing: WaitList::new(),
            senders: AtomicUsize::new(1),
            weak_senders: AtomicUsize::new(0),
        }
    }

    /// Puts `value` in the ring, and calls who waits. Returns how many receivers there are; gives the message back if
    /// there is none.
    pub(super) fn send(&self, value: T) -> Result<usize, T> {
        let receivers = self.receivers.lock();
        let remaining = *receivers;
        if remaining == 0 {
            drop(receivers);
            return Err(value);
        }
        let number = self.sent.now();
        let mut slot = self.slot(number).lock();
        let overwritten = std::mem::replace(&mut *slot, Slot { number, remaining, message: Some(value) });
        drop(slot);
        let somebody_waits = self.sent.change();
        drop(receivers);
        if somebody_waits {
            self.sent.call_waiters(&self.receiving);
        }
        drop(overwritten);
        Ok(remaining)
    }

    /// Counts one more receiver, and says with which message it begins.
    pub(super) fn enter(&self) -> Seen {
        let mut receivers = self.receivers.lock();
        *receivers = receivers.checked_add(1).expect("fewer than `usize::MAX` receivers");
        self.sent.now()
    }

    /// A receiver that would have had `next` next goes.
    pub(super) fn leave(&self, next: Seen) {
        let mut receivers = self.receivers.lock();
        *receivers -= 1;
        let was_last = *receivers == 0;
        // It is counted for all before this one, and for none after (rule 2).
        let end = self.sent.now();
        drop(receivers);

        /// Calls those who wait for the end, even if the destructor of a message panics.
        struct CallIfLast<'a>(bool, &'a WaitList);
        impl Drop for CallIfLast<'_> {
            fn drop(&mut self) {
                if self.0 {
                    called::call_all(self.1);
                }
            }
        }
        let _call = CallIfLast(was_last, &self.closing);

        // What is no longer in its slot needs no accounting.
        let oldest = end.minus(self.slots.len().min(end.since(next)));
        let mut dropped = Vec::new();
        for at in 0..end.since(oldest) {
            let number = oldest.plus(at);
            let mut slot = self.slot(number).lock();
            if slot.number == number {
                slot.remaining -= 1;
                if slot.remaining == 0 {
                    dropped.extend(slot.message.take());
                }
            }
        }
    }

    /// How many receivers there are.
    pub(super) fn receivers(&self) -> usize {
        *self.receivers.lock()
    }

    /// How many messages are kept that some receiver has not had.
    pub(super) fn len(&self) -> usize {
        // Nobody sends meanwhile.
        let _receivers = self.receivers.lock();
        let oldest = self.sent.now().minus(self.slots.len());
        // Receivers go forward, so those that everybody has had come first: halve the part where that ends.
        let (mut low, mut high) = (0, self.slots.len());
        while low < high {
            let middle = low + (high - low) / 2;
            match self.slot(oldest.plus(middle)).lock().remaining {
                0 => low = middle + 1,
                _ => high = middle,
            }
        }
        self.slots.len() - low
    }

    /// Whether every receiver has had every message.
    pub(super) fn is_empty(&self) -> bool {
        let _receivers = self.receivers.lock();
        self.slot(self.sent.now().minus(1)).lock().remaining == 0
    }

    fn slot(&self, number: Seen) -> &Mutex<Slot<T>> {
        &self.slots[number.slot(self.slots.len())]
    }
}

impl<T: Clone> Ring<T> {
    /// The message number `next`, which was sent; or how many were missed. Either way `next` goes on.
    pub(super) fn take(&self, next: &mut Seen) -> Result<T, u64> {
        let mut slot = self.slot(*next).lock();
        if slot.number != *next {
            // It was overwritten, perhaps by one that is not counted as sent yet.
            let overwritten = slot.number.minus(self.slots.len()).since(*next) + 1;
            drop(slot);
            let oldest = self.sent.now().minus(self.slots.len());
            let missed = oldest.since(*next).max(overwritten);
            *next = next.plus(missed);
            return Err(missed as u64);
        }
        // The accounting comes first (rule 3).
        *next = next.plus(1);
        slot.remaining -= 1;
        if slot.remaining != 0 {
            return Ok(slot.message.as_ref().expect("a message stays until all have had it").clone());
        }
        let message = slot.message.take().expect("a message stays until all have had it");
        drop(slot);
        Ok(message.clone())
    }
}
