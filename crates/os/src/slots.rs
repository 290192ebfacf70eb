//! The readiness of everything that is registered, by numbers that an event carries.
//!
//! 1. A slot never moves, and is freed only with all others: a key that is out of date finds a slot, if another's.
//! 2. A key names a slot and its generation, which changes when the slot is given back: an event that carries an old
//!    key is ignored.
//! 3. A slot that was given back is taken again only after [`recycle`](Slots::recycle), which the driver's thread calls
//!    between two batches of events. So while it handles a batch no slot changes its owner, and what it checks by rule
//!    2 stays true until it has set the readiness. It matters: a closed side that an old event tells of would never
//!    open again.
//! 4. Chunks double in size, so a slot is found by two loads and without a lock.
//!
//! Why not addresses: code that closes a descriptor while it is watched, and has a duplicate of it, leaves a
//! registration behind that nobody can remove. Its events come for ever.

use std::io;
use std::ptr::NonNull;

use unstuck_base::interest::Ready;
use unstuck_base::sync::atomic::{AtomicPtr, AtomicU32, AtomicUsize, Ordering};
use unstuck_base::sync::{MODELLED, Mutex};
use unstuck_base::{CachePadded, WakeBatch};
use unstuck_driver::Readiness;

use crate::ready::Kind;

const FIRST_CHUNK: usize = if MODELLED { 1 } else { 64 };
const CHUNKS: usize = 22;

/// Half of a token is the slot's number, half its generation.
const HALF: u32 = usize::BITS / 2;

/// All slots; see the module's rules.
#[derive(Debug)]
pub(crate) struct Slots {
    chunks: [AtomicPtr<Slot>; CHUNKS],
    free: Mutex<Free>,
    /// How many slots wait for [`Slots::recycle`].
    given_back: AtomicUsize,
}

#[derive(Debug, Default)]
struct Free {
    ready: Vec<u32>,
    given_back: Vec<u32>,
    /// How many slots have ever been taken.
    taken: u32,
    shut: bool,
}

/// One place in the table. Padded, since sockets that were accepted one after the other belong to different threads.
pub(crate) type Slot = CachePadded<SlotBody>;

#[derive(Debug)]
pub(crate) struct SlotBody {
    pub(crate) readiness: Readiness,
    generation: AtomicU32,
    kind: AtomicU32,
}

/// Which slot, and for whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    index: u32,
    generation: u32,
}

impl Key {
    pub(crate) fn token(self) -> mio::Token {
        mio::Token(self.index as usize | (self.generation as usize) << HALF)
    }

    pub(crate) fn of(token: mio::Token) -> Key {
        let low = usize::MAX >> HALF;
        Key { index: (token.0 & low) as u32, generation: (token.0 >> HALF) as u32 }
    }
}

impl Slots {
    pub(crate) fn new() -> Self {
        Slots {
            chunks: std::array::from_fn(|_| AtomicPtr::new(std::ptr::null_mut())),
            free: Mutex::new(Free::default()),
            given_back: AtomicUsize::new(0),
        }
    }

    /// Takes a slot for something of this kind, which is assumed to be ready for `assumed`. The pointer is good as long
    /// as the slots are.
    pub(crate) fn take(&self, kind: Kind, assumed: Ready) -> io::Result<(Key, NonNull<Slot>)> {
        let mut free = self.free.lock();
        if free.shut {
            return Err(unstuck_driver::readiness::shutdown_error());
        }
        let index = match free.ready.pop() {
            Some(index) => index,
            None => self.grow(&mut free)?,
        };
        let slot = self.slot(index).expect("a free slot exists");
        slot.kind.store(kind as u32, Ordering::Relaxed);
        // Relaxed: it changes under this lock only.
        let key = Key { index, generation: slot.generation.load(Ordering::Relaxed) };
        slot.readiness.reset(assumed);
        Ok((key, NonNull::from(slot)))
    }

    /// The number of a slot that was never taken. Makes its chunk if it is the first in there.
    fn grow(&self, free: &mut Free) -> io::Result<u32> {
        let index = free.taken;
        let (chunk, offset) = place(index);
        if chunk >= CHUNKS || u64::from(index) >= u64::from(u32::MAX >> (32 - HALF.min(31))) {
            return Err(io::Error::other("too many sockets"));
        }
        if offset == 0 {
            let slots: Box<[Slot]> = (0..FIRST_CHUNK << chunk).map(|_| Slot::new(SlotBody::new())).collect();
            // Release: pairs with the Acquire in `slot`.
            self.chunks[chunk].store(Box::into_raw(slots).cast(), Ordering::Release);
        }
        free.taken += 1;
        Ok(index)
    }

    /// Gives a slot back: from now on events for `key` are ignored. `true`: many wait to be recycled.
    #[must_use = "wake the driver, which recycles"]
    pub(crate) fn give_back(&self, key: Key) -> bool {
        let slot = self.slot(key.index).expect("a slot that was taken exists");
        // AcqRel: pairs with the Acquire in `get`: an old key is out of date before the slot is given back.
        let generation = slot.generation.fetch_add(1, Ordering::AcqRel);
        debug_assert_eq!(generation, key.generation, "a slot is given back once");
        slot.readiness.reset(Ready::EMPTY);
        let mut free = self.free.lock();
        free.given_back.push(key.index);
        // Relaxed: a hint for `recycle`.
        self.given_back.store(free.given_back.len(), Ordering::Relaxed);
        free.given_back.len().is_multiple_of(FIRST_CHUNK)
    }

    /// Lets slots that were given back be taken again. Only the driver's thread calls it, between two batches (rule 3).
    pub(crate) fn recycle(&self) {
        // Relaxed: what is given back right now waits for the next time.
        if self.given_back.load(Ordering::Relaxed) == 0 {
            return;
        }
        let mut free = self.free.lock();
        let Free { ready, given_back, .. } = &mut *free;
        ready.append(given_back);
        self.given_back.store(0, Ordering::Relaxed);
    }

    /// The slot of an event, unless it has been given back.
    pub(crate) fn get(&self, key: Key) -> Option<&Slot> {
        let slot = self.slot(key.index)?;
        // Acquire: pairs with the AcqRel in `give_back`.
        let current = slot.generation.load(Ordering::Acquire) as usize & (usize::MAX >> HALF);
        (current == key.generation as usize).then_some(slot)
    }

    /// No slot is taken any more, and all who wait are told.
    pub(crate) fn shut(&self, woken: &mut WakeBatch) {
        let taken = {
            let mut free = self.free.lock();
            free.shut = true;
            free.taken
        };
        for index in 0..taken {
            self.slot(index).expect("a slot that was taken exists").readiness.shutdown(woken);
        }
    }

    fn slot(&self, index: u32) -> Option<&Slot> {
        let (chunk, offset) = place(index);
        // Acquire: pairs with the Release in `grow`.
        let slots = NonNull::new(self.chunks.get(chunk)?.load(Ordering::Acquire))?;
        // SAFETY: rule 1: the chunk has FIRST_CHUNK << chunk slots, more than `offset`, and lives as long as we do.
        Some(unsafe { slots.add(offset).as_ref() })
    }
}

/// In which chunk a slot is, and where in there (rule 4).
fn place(index: u32) -> (usize, usize) {
    let number = index as usize + FIRST_CHUNK;
    let chunk = number.ilog2() - FIRST_CHUNK.ilog2();
    (chunk as usize, number - (FIRST_CHUNK << chunk))
}

impl SlotBody {
    fn new() -> Self {
        SlotBody { readiness: Readiness::new(), generation: AtomicU32::new(0), kind: AtomicU32::new(0) }
    }

    pub(crate) fn kind(&self) -> Kind {
        // Relaxed: it does not change while the driver handles a batch (rule 3).
        Kind::from_word(self.kind.load(Ordering::Relaxed))
    }
}

impl Drop for Slots {
    fn drop(&mut self) {
        for (chunk, slots) in self.chunks.iter().enumerate() {
            let slots = slots.load(Ordering::Relaxed);
            if !slots.is_null() {
                let len = FIRST_CHUNK << chunk;
                // SAFETY: `grow` made it from a box of that many slots; nobody uses it any more.
                drop(unsafe { Box::from_raw(std::ptr::slice_from_raw_parts_mut(slots, len)) });
            }
        }
    }
}

#[cfg(all(test, not(unstuck_loom)))]
mod tests;

#[cfg(all(test, unstuck_loom))]
mod loom_tests;
