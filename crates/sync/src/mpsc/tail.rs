//! Where the next message goes: the one word that all senders of a channel share, and on which the receiver parks.
//!
//! The word is `block | (claimed - 1) << 2 | CLOSED | PARKED`: a block's address has its low bits free. A null block
//! stands for a channel that has had no message yet.
//!
//! | word \ event     | claim                    | extend by a block         | park at a place     | unpark    | close   |
//! |------------------|--------------------------|---------------------------|---------------------|-----------|---------|
//! | room in `block`  | claimed + 1: your slot   | -                         | PARKED if it is the | - PARKED  | +CLOSED |
//! | null, or full    | Full                     | new block, 1 claimed: yours | place, else Moved | - PARKED  | +CLOSED |
//! | CLOSED           | Closed                   | Moved                     | as above            | - PARKED  | -       |
//!
//! 1. A slot is claimed by whoever moved the word past it, and by nobody else. Nothing behind the address is looked at
//!    before the claim, so a word that is out of date, even if its block was freed and used again, does no harm: it is
//!    claimed only if it is the word of this moment.
//! 2. A sender that claims under PARKED wakes the receiver after it has published. One that claims without PARKED need
//!    not look again: the receiver parks only at a place up to which nothing is claimed (`park` says Moved otherwise).
//! 3. After `close` nothing is claimed any more.

use unstuck_base::const_unless_model;
use unstuck_base::sync::atomic::{AtomicPtr, Ordering};

/// The receiver sleeps, or is about to.
const PARKED: usize = 1;
/// Rule 3.
const CLOSED: usize = 2;
const FLAGS: usize = PARKED | CLOSED;
const SHIFT: u32 = 2;

/// The most slots that a block can have: what the word has room for.
pub(super) const MAX_SLOTS: usize = 16;
/// Blocks are aligned to this, for the flags and the number of claimed slots.
pub(super) const ALIGN: usize = MAX_SLOTS << SHIFT;

/// The word; see the table.
pub(super) struct Tail<B>(AtomicPtr<B>);

/// A place in the list of blocks: so many slots of this block are behind it.
pub(super) struct Place<B> {
    pub(super) block: *mut B,
    pub(super) slot: usize,
}

/// What a look at the word shows.
pub(super) struct Seen<B>(*mut B);

/// What came of a claim.
#[must_use]
pub(super) enum OnClaim<B> {
    /// The slot at this place is the caller's.
    Slot { at: Place<B>, parked: bool },
    /// There is no room: extend this.
    Full(Seen<B>),
    /// Rule 3.
    Closed,
}

/// What came of parking.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OnPark {
    /// Who claims next will wake the receiver.
    Parked,
    /// Something was claimed that the receiver has not had yet.
    Moved,
}

impl<B> Tail<B> {
    const_unless_model! {
        /// No block yet.
        pub(super) fn new() -> Self {
            Tail(AtomicPtr::new(std::ptr::null_mut()))
        }
    }

    /// A look at the word.
    #[inline]
    pub(super) fn look(&self) -> Seen<B> {
        // Acquire: pairs with `extend`: who walks on from the block sees it as it was made.
        Seen(self.0.load(Ordering::Acquire))
    }

    /// Claims one slot, in blocks of `slots`.
    #[inline]
    pub(super) fn claim(&self, slots: usize) -> OnClaim<B> {
        // Relaxed: nothing behind it is looked at before the exchange (rule 1).
        let mut seen = Seen(self.0.load(Ordering::Relaxed));
        loop {
            if seen.is_closed() {
                return OnClaim::Closed;
            }
            let place = seen.place();
            if place.block.is_null() || place.slot == slots {
                return OnClaim::Full(seen);
            }
            let next = seen.0.map_addr(|word| word + (1 << SHIFT));
            // Acquire: pairs with the Release in `extend`, whose block we write into, and in `park`, whose waker we
            // may have to wake.
            match self.0.compare_exchange_weak(seen.0, next, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) => return OnClaim::Slot { at: place, parked: seen.is_parked() },
                Err(now) => seen = Seen(now),
            }
        }
    }

    /// Appends `block` to what `full` showed, and claims its first slot. `Ok` says whether the receiver is parked.
    pub(super) fn extend(&self, full: &Seen<B>, block: *mut B) -> Result<bool, Moved> {
        debug_assert!(!full.is_closed(), "a closed channel is not extended");
        let flags = full.0.addr() & FLAGS;
        let next = block.map_addr(|block| {
            debug_assert_eq!(block % ALIGN, 0);
            block | flags
        });
        // AcqRel: Release hands the block to those who claim in it; Acquire as in `claim`.
        match self.0.compare_exchange(full.0, next, Ordering::AcqRel, Ordering::Relaxed) {
            Ok(_) => Ok(full.is_parked()),
            Err(_) => Err(Moved),
        }
    }

    /// The receiver has left its waker, and has had everything up to `place`.
    pub(super) fn park(&self, place: &Place<B>) -> OnPark {
        let mut seen = self.look();
        loop {
            if !seen.is_at(place) {
                return OnPark::Moved;
            }
            if seen.is_parked() {
                return OnPark::Parked;
            }
            let parked = seen.0.map_addr(|word| word | PARKED);
            // AcqRel: Release shows the waker to those who claim; Acquire as in `look`.
            match self.0.compare_exchange(seen.0, parked, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return OnPark::Parked,
                Err(now) => seen = Seen(now),
            }
        }
    }

    /// A message was published under PARKED. `true`: its sender is the one to wake the receiver.
    pub(super) fn unpark(&self) -> bool {
        self.change(|word| word & !PARKED) & PARKED != 0
    }

    /// Rule 3.
    pub(super) fn close(&self) {
        self.change(|word| word | CLOSED);
    }

    /// Changes the flags, and returns the word before.
    fn change(&self, change: impl Fn(usize) -> usize) -> usize {
        let mut word = self.0.load(Ordering::Relaxed);
        loop {
            let changed = word.map_addr(&change);
            if changed == word {
                return word.addr();
            }
            // AcqRel: a read-modify-write in the middle of the others' chain; Acquire: who unparks takes the waker.
            match self.0.compare_exchange_weak(word, changed, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return word.addr(),
                Err(now) => word = now,
            }
        }
    }
}

/// Somebody else changed the word first.
#[derive(Debug)]
pub(super) struct Moved;

impl<B> Seen<B> {
    /// The place where the next claim is made.
    pub(super) fn place(&self) -> Place<B> {
        let block = self.0.map_addr(|word| word & !(ALIGN - 1));
        let slot = if block.is_null() { 0 } else { ((self.0.addr() & (ALIGN - 1)) >> SHIFT) + 1 };
        Place { block, slot }
    }

    /// Whether nothing is claimed behind `place`.
    pub(super) fn is_at(&self, place: &Place<B>) -> bool {
        let here = self.place();
        here.block == place.block && here.slot == place.slot
    }

    /// Whether [`Tail::close`] was called.
    pub(super) fn is_closed(&self) -> bool {
        self.0.addr() & CLOSED != 0
    }

    fn is_parked(&self) -> bool {
        self.0.addr() & PARKED != 0
    }
}

#[cfg(all(test, not(unstuck_loom)))]
mod tests {
    use super::*;

    #[repr(align(64))]
    struct Block;

    /// The word that has so many claimed slots (0: no block) and these flags.
    fn word(block: &Block, claimed: usize, flags: usize) -> Tail<Block> {
        let block = std::ptr::from_ref(block).cast_mut();
        let block = if claimed == 0 { std::ptr::null_mut() } else { block.map_addr(|at| at | (claimed - 1) << SHIFT) };
        Tail(AtomicPtr::new(block.map_addr(|at| at | flags)))
    }

    fn flags(tail: &Tail<Block>) -> usize {
        tail.look().0.addr() & FLAGS
    }

    #[test]
    fn every_state_meets_every_event_as_the_table_says() {
        const SLOTS: usize = 3;
        let (a, b) = (Block, Block);
        let second = std::ptr::from_ref(&b).cast_mut();
        assert!(align_of::<Block>() >= ALIGN);
        for claimed in 0..=SLOTS {
            for set in 0..=FLAGS {
                let (closed, parked) = (set & CLOSED != 0, set & PARKED != 0);
                let here = word(&a, claimed, set).look().place();
                assert_eq!(here.slot, claimed);

                let tail = word(&a, claimed, set);
                match tail.claim(SLOTS) {
                    OnClaim::Closed => assert!(closed),
                    OnClaim::Full(seen) => {
                        assert!(!closed && (claimed == 0 || claimed == SLOTS));
                        assert_eq!(tail.extend(&seen, second).unwrap(), parked);
                        let now = tail.look().place();
                        assert_eq!((now.block, now.slot), (second, 1));
                        assert!(tail.extend(&seen, second).is_err(), "the word has moved");
                    }
                    OnClaim::Slot { at, parked: seen } => {
                        assert!(!closed && claimed != 0 && claimed != SLOTS);
                        assert_eq!((at.slot, seen), (claimed, parked));
                        assert_eq!(tail.look().place().slot, claimed + 1);
                    }
                }
                assert_eq!(flags(&tail), set, "claims keep the flags");

                let tail = word(&a, claimed, set);
                assert_eq!(tail.park(&here), OnPark::Parked);
                assert_eq!(flags(&tail), set | PARKED);
                let elsewhere = Place { block: second, slot: here.slot };
                assert_eq!(word(&a, claimed, set).park(&elsewhere), OnPark::Moved);

                let tail = word(&a, claimed, set);
                assert_eq!(tail.unpark(), parked);
                assert_eq!(flags(&tail), set & !PARKED);
                assert!(tail.look().is_at(&here));

                let tail = word(&a, claimed, set);
                tail.close();
                assert_eq!(flags(&tail), set | CLOSED);
                assert!(tail.look().is_at(&here));
            }
        }
    }
}
