//! A hierarchical timing wheel: sets of timers by deadline, with constant cost to insert and to remove.
//!
//! Deadlines are ticks of a nanosecond, any `u64` but the last. Level 0 has a slot for every tick, level 1 for every 64,
//! level 10 for every 2^60. A timer is in the level of the highest digit (of six bits) in which its deadline differs
//! from `elapsed`, in the slot of that digit: so everything in a lower level is earlier than anything in a higher one,
//! and within a level slots are in order.
//!
//! 1. Pure: time is what the caller says it is, and nothing is woken here.
//! 2. An occupied slot lies after `elapsed`: its digit is greater than that of `elapsed`, and the digits above agree.
//! 3. `elapsed` never passes a time that a caller gave to [`expire`](Wheel::expire), nor enters an occupied slot without
//!    emptying it into `draining`.
//! 4. A slot keeps the least deadline that it was ever given since it was empty. Removals, and deadlines that were
//!    moved back in place, leave it too early, never too late; [`settle`](Wheel::settle) makes it exact.
//! 5. Timers fire in the order of their deadlines, never early.
//! 6. An entry's recorded slot is where it is, or that slot has been emptied into `draining`, where the entry is then:
//!    by rule 2 a slot that was emptied is not occupied again while `draining` has anything left of it.
//!
//! [`Timers`](super::Timers) calls in, under the lock of the wheel.

use std::ptr::NonNull;

use unstuck_base::WakeBatch;
use unstuck_base::list::List;

use super::entry::{Entry, Position};

/// The deadline of nothing.
pub(super) const NEVER: u64 = u64::MAX;

const BITS: u32 = 6;
const SLOTS: usize = 1 << BITS;
const LEVELS: usize = u64::BITS.div_ceil(BITS) as usize;

/// How many timers one call of [`Wheel::expire`] looks at, so that the lock is not held for long.
const CHUNK: usize = 256;

/// The timers of one place; see the module's rules.
#[derive(Debug)]
pub(super) struct Wheel {
    elapsed: u64,
    /// The earliest deadline, or an earlier time (rule 4).
    next: u64,
    /// Whether a timer was removed or moved back in place since `next` was exact.
    unsettled: bool,
    /// One bit for each level that has an occupied slot.
    occupied: u16,
    levels: [Option<Box<Level>>; LEVELS],
    /// Timers to look at before anything else: they fire if `elapsed` has reached them, or go to their slot.
    draining: List<Entry>,
}

#[derive(Debug)]
struct Level {
    /// One bit for each slot that is not empty.
    occupied: u64,
    slots: [Slot; SLOTS],
}

#[derive(Debug)]
struct Slot {
    earliest: u64,
    list: List<Entry>,
}

impl Wheel {
    /// An empty wheel, which has seen the time `elapsed`.
    pub(super) fn new(elapsed: u64) -> Self {
        Wheel {
            elapsed,
            next: NEVER,
            unsettled: false,
            occupied: 0,
            levels: [const { None }; LEVELS],
            draining: List::new(),
        }
    }

    /// The earliest deadline or an earlier time; [`NEVER`] when there is no timer.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    /// Adds a timer. `true` says that [`next`](Wheel::next) became earlier.
    ///
    /// # Safety
    /// The entry is in no wheel; it stays alive and in place until it is removed or has fired.
    pub(super) unsafe fn insert(&mut self, entry: NonNull<Entry>) -> bool {
        // SAFETY: forwarded.
        let deadline = unsafe { self.place(entry) };
        let earlier = deadline < self.next;
        if earlier {
            self.next = deadline;
        }
        earlier
    }

    /// Puts an entry where its deadline belongs, and returns that.
    ///
    /// # Safety
    /// As [`insert`](Wheel::insert).
    unsafe fn place(&mut self, entry: NonNull<Entry>) -> u64 {
        // SAFETY: the caller vouches that the entry is alive, and it is in no list, so its position is ours.
        let deadline = unsafe { entry.as_ref() }.deadline();
        let position = self.position(deadline);
        // SAFETY: as above; in a wheel the position belongs to the wheel.
        unsafe { entry.as_ref().set_position(position) };
        if deadline <= self.elapsed {
            // SAFETY: the caller's promises. Rule 6: the slot of `elapsed` itself is never occupied.
            unsafe { self.draining.push_back(entry) };
            return deadline;
        }
        self.occupied |= 1 << position.level;
        let level = self.levels[usize::from(position.level)].get_or_insert_with(Level::boxed);
        level.occupied |= 1 << position.slot;
        let slot = &mut level.slots[usize::from(position.slot)];
        slot.earliest = slot.earliest.min(deadline);
        // SAFETY: the caller's promises.
        unsafe { slot.list.push_back(entry) };
        deadline
    }

    /// Where a deadline belongs, as seen from `elapsed`. For one that has passed, a slot that is not occupied.
    fn position(&self, deadline: u64) -> Position {
        if deadline <= self.elapsed {
            return Position { level: 0, slot: digit(self.elapsed, 0) };
        }
        let highest_differing_bit = (deadline ^ self.elapsed).ilog2();
        let level = highest_differing_bit / BITS;
        Position { level: level as u8, slot: digit(deadline, level) }
    }

    /// Takes a timer out.
    ///
    /// # Safety
    /// The entry is in this wheel.
    pub(super) unsafe fn remove(&mut self, entry: NonNull<Entry>) {
        // SAFETY: the entry is in this wheel, so its position is ours to read.
        let position = unsafe { entry.as_ref().position() };
        self.unsettled = true;
        match self.occupied_slot(position) {
            // SAFETY: rule 6: the entry is in this list.
            Some(slot) => unsafe { slot.list.remove(entry) },
            // SAFETY: rule 6: the slot is empty, so the entry is being drained.
            None => unsafe { self.draining.remove(entry) },
        }
        self.forget_if_empty(position);
    }

    fn occupied_slot(&mut self, position: Position) -> Option<&mut Slot> {
        let level = self.levels[usize::from(position.level)].as_deref_mut()?;
        let occupied = level.occupied & (1 << position.slot) != 0;
        occupied.then(|| &mut level.slots[usize::from(position.slot)])
    }

    /// Clears the bits of a slot that became empty.
    fn forget_if_empty(&mut self, position: Position) {
        let Some(level) = self.levels[usize::from(position.level)].as_deref_mut() else { return };
        let slot = &mut level.slots[usize::from(position.slot)];
        if !slot.list.is_empty() {
            return;
        }
        slot.earliest = NEVER;
        level.occupied &= !(1 << position.slot);
        if level.occupied == 0 {
            self.occupied &= !(1 << position.level);
        }
    }

    /// Fires timers that are due at `now`: gathers their wakers. It looks at a bounded number of them: call it again
    /// while [`next`](Wheel::next) is not after `now`.
    pub(super) fn expire(&mut self, now: u64, woken: &mut WakeBatch) {
        for _ in 0..CHUNK {
            if let Some(entry) = self.draining.pop_front() {
                // SAFETY: the entry was in this wheel, so it is alive until it has fired; it is in no list now.
                unsafe {
                    if entry.as_ref().deadline() <= self.elapsed {
                        Entry::fire(entry, woken);
                    } else {
                        self.place(entry);
                    }
                }
            } else if !self.drain_first_slot(now) {
                return;
            }
        }
        // Due, so that the caller comes back.
        self.next = self.elapsed;
    }

    /// Moves the first slot to `draining` if something in it may be due; otherwise brings `elapsed` and `next` up to
    /// date.
    fn drain_first_slot(&mut self, now: u64) -> bool {
        let Some(first) = self.first_occupied() else {
            self.elapsed = self.elapsed.max(now);
            self.next = NEVER;
            return false;
        };
        let start = self.start(first);
        let slot = self.occupied_slot(first).expect("the bits say that this slot is occupied");
        let earliest = slot.earliest;
        if earliest > now {
            // Rule 3: not into the slot.
            self.elapsed = self.elapsed.max(now.min(start - 1));
            self.next = earliest;
            return false;
        }
        let mut list = std::mem::take(&mut slot.list);
        self.draining.append(&mut list);
        self.forget_if_empty(first);
        // Not only to the slot's start: a slot with one timer then needs no lower level. Rule 2 holds: the lower levels
        // are empty, and the higher ones only care for the digits above.
        self.elapsed = earliest;
        true
    }

    /// The first occupied slot.
    fn first_occupied(&self) -> Option<Position> {
        if self.occupied == 0 {
            return None;
        }
        let level = self.occupied.trailing_zeros() as u8;
        let slots = self.levels[usize::from(level)].as_deref().expect("an occupied level exists").occupied;
        Some(Position { level, slot: slots.trailing_zeros() as u8 })
    }

    /// The first tick of an occupied slot: the digits above are those of `elapsed` (rule 2), the ones below are 0.
    fn start(&self, position: Position) -> u64 {
        let shift = u32::from(position.level) * BITS;
        let above = self.elapsed.checked_shr(shift + BITS).map_or(0, |digits| digits << (shift + BITS));
        above | u64::from(position.slot) << shift
    }

    /// A deadline was moved back in place: [`next`](Wheel::next) may be too early.
    pub(super) fn unsettle(&mut self) {
        self.unsettled = true;
    }

    /// Makes [`next`](Wheel::next) exact (rule 4), or a time that has come if there is something to look at now, and
    /// returns it: for clocks that jump to the next deadline. Looks at every timer of the first slot, if any was removed
    /// or moved back since the last time.
    pub(super) fn settle(&mut self) -> u64 {
        if !self.unsettled {
            return self.next;
        }
        self.unsettled = false;
        self.next = loop {
            if !self.draining.is_empty() {
                break self.elapsed;
            }
            let Some(first) = self.first_occupied() else { break NEVER };
            let earliest = self.settle_slot(first);
            if earliest != NEVER {
                break earliest;
            }
        };
        self.next
    }

    /// Moves what no longer belongs into this slot elsewhere; returns the earliest deadline of the rest.
    fn settle_slot(&mut self, position: Position) -> u64 {
        let Some(slot) = self.occupied_slot(position) else { return NEVER };
        let mut list = std::mem::take(&mut slot.list);
        self.forget_if_empty(position);
        while let Some(entry) = list.pop_front() {
            // SAFETY: the entry was in this wheel, so it is alive; it is in no list now.
            unsafe { self.place(entry) };
        }
        self.occupied_slot(position).map_or(NEVER, |slot| slot.earliest)
    }

    /// Takes every timer out, for shutdown: gathers the wakers.
    pub(super) fn shut(&mut self, woken: &mut WakeBatch) {
        let Wheel { levels, draining, .. } = self;
        let slots = levels.iter_mut().flatten().flat_map(|level| &mut level.slots).map(|slot| &mut slot.list);
        for list in slots.chain([draining]) {
            while let Some(entry) = list.pop_front() {
                // SAFETY: the entry was in this wheel, so it is alive until it is told; it is in no list now.
                unsafe { Entry::shut(entry, woken) };
            }
        }
        *self = Wheel::new(self.elapsed);
    }
}

impl Level {
    fn boxed() -> Box<Level> {
        const EMPTY: Slot = Slot { earliest: NEVER, list: List::new() };
        Box::new(Level { occupied: 0, slots: [EMPTY; SLOTS] })
    }
}

/// One digit of six bits.
fn digit(tick: u64, level: u32) -> u8 {
    (tick >> (level * BITS)) as u8 & (SLOTS - 1) as u8
}

#[cfg(all(test, not(unstuck_loom)))]
mod tests;
