//! A number of permits behind one word: what mutexes, semaphores, reader-writer locks and bounded channels are made of.
//! The future that waits for some is in `permits/claim.rs`.
//!
//! The word is `permits << 2 | CLOSED | WAITERS`.
//!
//! | word \ event  | try_acquire(n)          | claim(n)                   | release(n)                   | close     |
//! |---------------|-------------------------|----------------------------|------------------------------|-----------|
//! | enough, open  | take n                  | take n                     | add n                        | CLOSED    |
//! | too few, open | NoPermits               | queue, WAITERS, hand out   | add n                        | CLOSED    |
//! | WAITERS       | NoPermits               | queue, hand out            | add n, then hand out         | CLOSED, call all |
//! | CLOSED        | Closed                  | Closed                     | add n                        | -         |
//!
//! 1. WAITERS is set exactly while somebody waits in the queue who lacks something. It changes under the queue's lock
//!    only. While it is set nobody but the queue takes permits: nobody overtakes.
//! 2. Whoever adds permits and finds WAITERS set hands out afterwards. Whoever sets WAITERS hands out afterwards. So
//!    permits and a waiter that lacks them do not stay side by side: one of the two comes second, and sees the other.
//! 3. A claim that is dropped or fails gives back what it has been given, in part or in whole, and hands out.
//! 4. CLOSED is never taken back. A claim that had been granted but not consumed ends in the error all the same.
//! 5. A release synchronizes with every later acquisition: adding is a Release, taking an Acquire, and all changes of
//!    the word are read-modify-writes, so that the chain of releases does not break.
//!
//! Waiting claims are woken after the queue's lock is released.

mod claim;

use std::fmt;
use std::panic::Location;

use unstuck_base::const_unless_model;
use unstuck_base::sync::atomic::{AtomicUsize, Ordering};
use unstuck_base::wake_batch::WakeBatch;

use crate::holders::HeldBy;
use crate::wait_list::{Queue, WaitList, Waiter};

pub(crate) use claim::{Claim, Source};

const WAITERS: usize = 1;
const CLOSED: usize = 2;
const SHIFT: u32 = 2;
const ONE: usize = 1 << SHIFT;

/// The most permits there can be. One bit is spare, so that a sum can be formed before it is refused.
pub(crate) const MAX_PERMITS: usize = usize::MAX >> 3;

/// Why permits can't be had at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    Closed,
    NoPermits,
}

/// Nobody will be given permits any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Closed;

/// Permits, and who waits for them; see the module's table.
pub(crate) struct Permits {
    word: AtomicUsize,
    held_by: HeldBy,
    list: WaitList,
}

impl Permits {
    const_unless_model! {
        /// `permits` of them, open.
        ///
        /// # Panics
        /// If there are more than [`MAX_PERMITS`].
        #[track_caller]
        pub(crate) fn new(permits: usize) -> Self {
            assert!(permits <= MAX_PERMITS, "a semaphore may not have more than MAX_PERMITS permits");
            Permits { word: AtomicUsize::new(permits << SHIFT), held_by: HeldBy::nobody(), list: WaitList::new() }
        }
    }

    /// How many permits nobody has.
    pub(crate) fn available(&self) -> usize {
        // Acquire: who learns that permits came back may look at what was done before they were released.
        self.word.load(Ordering::Acquire) >> SHIFT
    }

    /// Whether [`close`](Permits::close) was called.
    pub(crate) fn is_closed(&self) -> bool {
        // Acquire: pairs with the Release in `close`.
        self.word.load(Ordering::Acquire) & CLOSED != 0
    }

    /// Takes `n` permits, unless somebody waits already.
    #[inline]
    pub(crate) fn try_acquire(&self, n: usize) -> Result<(), Refused> {
        // Acquire: who is refused since it is closed sees what was done before the close. For the rest a stale value
        // costs a turn of the loop, or a slower way.
        let mut word = self.word.load(Ordering::Acquire);
        loop {
            if word & CLOSED != 0 {
                return Err(Refused::Closed);
            }
            if n == 0 {
                return Ok(());
            }
            if word & WAITERS != 0 || word >> SHIFT < n {
                return Err(Refused::NoPermits);
            }
            // Acquire: pairs with the Release in `release` (rule 5); and as above.
            match self.word.compare_exchange_weak(word, word - (n << SHIFT), Ordering::Acquire, Ordering::Acquire) {
                Ok(_) => return Ok(()),
                Err(newer) => word = newer,
            }
        }
    }

    /// Gives back `n` permits that were acquired here, and hands them to who waits.
    #[inline]
    pub(crate) fn release(&self, n: usize) {
        if n == 0 {
            return;
        }
        // Relaxed: a hint. If somebody waits, the permits need not pass through the word.
        if self.word.load(Ordering::Relaxed) & WAITERS != 0 {
            return self.hand_out_now(n);
        }
        // Release: pairs with the Acquires of those who take permits (rule 5). No overflow: they were here before.
        if self.word.fetch_add(n << SHIFT, Ordering::Release) & WAITERS != 0 {
            self.hand_out_now(0);
        }
    }

    /// Adds `n` new permits, and hands them to who waits.
    ///
    /// # Panics
    /// If there were more than [`MAX_PERMITS`] then; nothing is added.
    #[track_caller]
    pub(crate) fn add(&self, n: usize) {
        let mut word = self.word.load(Ordering::Relaxed);
        loop {
            assert!(
                n <= MAX_PERMITS.saturating_sub(word >> SHIFT),
                "number of added permits ({n}) would overflow MAX_PERMITS ({MAX_PERMITS})"
            );
            // Release: as in `release`.
            match self.word.compare_exchange_weak(word, word + (n << SHIFT), Ordering::Release, Ordering::Relaxed) {
                Ok(_) => break,
                Err(newer) => word = newer,
            }
        }
        if word & WAITERS != 0 {
            self.hand_out_now(0);
        }
    }

    /// Takes up to `n` permits away for good; returns how many. Also when closed.
    pub(crate) fn forget(&self, n: usize) -> usize {
        self.take_up_to(n)
    }

    /// Refuses all claims from now on, and wakes those that wait. What they have been given comes back when they end
    /// (rule 3).
    pub(crate) fn close(&self) {
        let mut batch = WakeBatch::new();
        let mut queue = self.list.lock();
        // Release: pairs with the Acquire in `is_closed`.
        let before = self.word.fetch_or(CLOSED, Ordering::Release);
        if before & WAITERS != 0 {
            queue.call_all(&mut batch);
            self.nobody_waits(0);
        }
        drop(queue);
        batch.wake_all();
    }

    /// Notes who has just acquired all there is, for reports: this task, or this thread outside of any, at `at`.
    #[inline]
    pub(crate) fn note_holder(&self, at: &'static Location<'static>) {
        self.held_by.set(at);
        // Relaxed: a hint. Who sets WAITERS right now may read the words above too early; see `holders`.
        if self.word.load(Ordering::Relaxed) & WAITERS != 0 {
            self.held_by.fetched();
        }
    }

    /// Notes that nobody holds all there is any more.
    #[inline]
    pub(crate) fn note_no_holder(&self) {
        self.held_by.clear();
    }

    /// The address under which waits and holders are recorded.
    pub(crate) fn key(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }

    #[cold]
    fn hand_out_now(&self, in_hand: usize) {
        let mut batch = WakeBatch::new();
        let mut queue = self.list.lock();
        self.hand_out(&mut queue, in_hand, &mut batch);
        drop(queue);
        batch.wake_all();
    }

    /// Gives the permits in hand, then those in the word, to those who wait, oldest first, until one side is used up
    /// (rule 2). What is left in hand goes into the word.
    fn hand_out(&self, queue: &mut Queue, mut in_hand: usize, batch: &mut WakeBatch) {
        while let Some(lacks) = queue.first_lacks() {
            let mut given = in_hand.min(lacks);
            in_hand -= given;
            given += self.take_up_to(lacks - given);
            if given == 0 {
                return;
            }
            if let Some(granted) = queue.give_first(given, batch)
                && queue.is_waited_for()
            {
                self.held_by.granted(granted);
            }
        }
        // Relaxed: WAITERS changes under the lock that we have.
        if self.word.load(Ordering::Relaxed) & WAITERS != 0 {
            self.nobody_waits(in_hand);
        } else if in_hand > 0 {
            // Release: as in `release`.
            self.word.fetch_add(in_hand << SHIFT, Ordering::Release);
        }
    }

    /// On behalf of a claim that waits and has a granted sibling: takes over from siblings that are abandoned, and hands
    /// out. `true`: if it still waits, look again in the next poll.
    ///
    /// # Safety
    /// `waiter` has joined the queue, waits, was stamped in the poll in progress, and has a granted sibling.
    #[cold]
    unsafe fn look_for_abandoned(&self, queue: &mut Queue, waiter: &Waiter, batch: &mut WakeBatch) -> bool {
        // SAFETY: forwarded.
        let look = unsafe { queue.look_for_abandoned(waiter) };
        if let Some(in_hand) = look.taken {
            self.held_by.fetched();
            self.hand_out(queue, in_hand, batch);
        }
        look.is_early
    }

    /// Takes what there is, `n` at the most, whoever waits: for whom the queue is locked, or who forgets permits.
    fn take_up_to(&self, n: usize) -> usize {
        // Relaxed: who sets WAITERS, or finds it set after adding, reads its own change or a later one (rule 2).
        let mut word = self.word.load(Ordering::Relaxed);
        loop {
            let take = n.min(word >> SHIFT);
            if take == 0 {
                return 0;
            }
            // Acquire: pairs with the Release in `release` (rule 5); the grant goes on through the queue's lock.
            match self.word.compare_exchange_weak(word, word - take * ONE, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) => return take,
                Err(newer) => word = newer,
            }
        }
    }

    /// Sets WAITERS, under the queue's lock, for the first one in it.
    fn somebody_waits(&self) {
        // Acquire: the holder's words are read next. Relaxed would do for rule 2: this and `release` change one word.
        let before = self.word.fetch_or(WAITERS, Ordering::Acquire);
        debug_assert!(before & WAITERS == 0, "rule 1: the queue was empty");
        self.held_by.first_waiter(self.key());
    }

    /// Clears WAITERS, which is set, under the queue's lock, and puts the permits in hand into the word.
    fn nobody_waits(&self, in_hand: usize) {
        // One addition does both. Release: permits that went from hand to hand through the queue belong to the chain of
        // releases too (rule 5).
        self.word.fetch_add((in_hand << SHIFT).wrapping_sub(WAITERS), Ordering::Release);
        self.held_by.last_waiter();
    }
}

impl Drop for Permits {
    fn drop(&mut self) {
        self.held_by.retire();
    }
}

impl fmt::Debug for Permits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = self.word.load(Ordering::Relaxed);
        f.debug_struct("Permits").field("available", &(word >> SHIFT)).field("closed", &(word & CLOSED != 0)).finish()
    }
}
