//! The messages of a channel, oldest first: a list of small blocks, into which many threads push without a lock and
//! from which one pops.
//!
//! ```text
//!   head (the receiver's)             tail (one word, shared)
//!    |                                 |
//!    v                                 v
//!  [ x x 3 4 ] --next--> [ 5 6 7 8 ] --next--> [ 9 . . . ]      x: taken   .: not claimed
//! ```
//!
//! 1. A slot's place for the value belongs to whoever claimed it (rule 1 of the tail), until it is published: then it
//!    is the receiver's. Publishing is a sender's last touch of its block.
//! 2. Who claims the first slot of a block has appended it: it links the block, before it publishes, to the one before.
//!    The receiver does not leave a block that has no link.
//! 3. So a block that the receiver leaves is the receiver's alone. It is kept for the next sender that needs one, or
//!    freed.
//! 4. The head belongs to the one receiver; every method that is given a head is given the one of this list.
//! 5. A channel that has had no message has no block; a block has fewer slots the larger the messages are: idle
//!    channels are small.
//!
//! The channel calls in. Nobody is woken from here: `push` says whether the receiver is parked.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::ptr::{NonNull, null_mut};

use unstuck_base::sync::UnsafeCell;
use unstuck_base::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};

use super::tail::{ALIGN, MAX_SLOTS, Moved, OnClaim, OnPark, Place, Tail};

/// The list, as all sides see it.
pub(super) struct Blocks<T> {
    tail: Tail<Block<T>>,
    /// The link to the very first block.
    first: AtomicPtr<Block<T>>,
    /// One empty block, for the next sender that needs one.
    spare: AtomicPtr<Block<T>>,
    /// The farthest block whose number is known: a hint for `len`, which would walk the whole list otherwise. The
    /// receiver takes it along when it leaves that block.
    numbered: AtomicPtr<Block<T>>,
    _owns: PhantomData<T>,
}

/// How far the receiver is (rule 4).
pub(super) struct Head<T> {
    place: Place<Block<T>>,
}

/// What the receiver finds.
#[must_use]
pub(super) enum Popped<T> {
    Value(T),
    /// Nothing was claimed that the receiver has not had.
    Empty,
    /// The next slot is claimed, and its sender is about to publish it: a few instructions, or, if its thread is
    /// suspended right there, as long as that takes.
    InFlight,
}

/// A run of slots. The values follow, at [`VALUES`](Block::VALUES).
struct Block<T> {
    next: AtomicPtr<Block<T>>,
    /// The number of slots before this block since the channel was made (it wraps around); valid if `numbered` is this
    /// block or has passed it.
    number: AtomicUsize,
    published: [AtomicBool; MAX_SLOTS],
    _owns: PhantomData<T>,
}

type Slot<T> = UnsafeCell<MaybeUninit<T>>;

// SAFETY: rule 1: a value has one owner at a time, and goes from the sender's thread to the receiver's.
unsafe impl<T: Send> Send for Blocks<T> {}
// SAFETY: as above; no reference to a value is handed out.
unsafe impl<T: Send> Sync for Blocks<T> {}
// SAFETY: the head is part of the list.
unsafe impl<T: Send> Send for Head<T> {}
// SAFETY: `&Head` only lets places be compared and counted.
unsafe impl<T: Send> Sync for Head<T> {}

impl<T> Blocks<T> {
    /// An empty list, and its head.
    pub(super) fn new() -> (Self, Head<T>) {
        let blocks = Blocks {
            tail: Tail::new(),
            first: AtomicPtr::new(null_mut()),
            spare: AtomicPtr::new(null_mut()),
            numbered: AtomicPtr::new(null_mut()),
            _owns: PhantomData,
        };
        (blocks, Head { place: Place { block: null_mut(), slot: 0 } })
    }

    /// Appends `value`, unless the list is closed. `Ok` says whether the receiver was parked: then ask `unpark`.
    #[inline]
    pub(super) fn push(&self, value: T) -> Result<bool, T> {
        match self.tail.claim(Block::<T>::SLOTS) {
            OnClaim::Slot { at, parked } => {
                // SAFETY: rule 1: we have claimed the slot.
                unsafe { Block::publish(at.block, at.slot, value) };
                Ok(parked)
            }
            OnClaim::Full(_) | OnClaim::Closed => self.push_slowly(value),
        }
    }

    /// As `push`, when a block must be appended.
    #[cold]
    fn push_slowly(&self, value: T) -> Result<bool, T> {
        let mut unused = None;
        let pushed = loop {
            let full = match self.tail.claim(Block::<T>::SLOTS) {
                OnClaim::Slot { at, parked } => {
                    // SAFETY: as in `push`.
                    unsafe { Block::publish(at.block, at.slot, value) };
                    break Ok(parked);
                }
                OnClaim::Full(full) => full,
                OnClaim::Closed => break Err(value),
            };
            let block = unused.take().unwrap_or_else(|| self.empty_block());
            match self.tail.extend(&full, block.as_ptr()) {
                Ok(parked) => {
                    let before = NonNull::new(full.place().block);
                    // SAFETY: rule 2: the receiver stays in the block before until we have linked ours.
                    let link = before.map_or(&self.first, |before| unsafe { &(*before.as_ptr()).next });
                    // Release: pairs with the Acquire in `enter_next`, which must see an empty block.
                    link.store(block.as_ptr(), Ordering::Release);
                    // SAFETY: rule 1: extending claims the first slot.
                    unsafe { Block::publish(block.as_ptr(), 0, value) };
                    break Ok(parked);
                }
                Err(Moved) => unused = Some(block),
            }
        };
        if let Some(block) = unused {
            self.keep_or_free(block);
        }
        pushed
    }

    /// A message was published while the receiver was parked. `true`: the caller is the one to wake it.
    pub(super) fn unpark(&self) -> bool {
        self.tail.unpark()
    }

    /// Refuses every later `push`.
    pub(super) fn close(&self) {
        self.tail.close();
    }

    /// Whether [`close`](Blocks::close) was called.
    pub(super) fn is_closed(&self) -> bool {
        self.tail.look().is_closed()
    }

    /// Takes the oldest message.
    #[inline]
    pub(super) fn pop(&self, head: &mut Head<T>) -> Popped<T> {
        if head.is_at_end() && !self.enter_next(head) {
            return self.nothing_at(head);
        }
        // SAFETY: rules 3 and 4: the block that the receiver is in is alive, and the slot is one of its.
        match unsafe { Block::take(head.place.block, head.place.slot) } {
            Some(value) => {
                head.place.slot += 1;
                Popped::Value(value)
            }
            None => self.nothing_at(head),
        }
    }

    /// The receiver has left its waker and found nothing: may it sleep? See the tail's rule 2.
    pub(super) fn park(&self, head: &Head<T>) -> OnPark {
        self.tail.park(&head.place)
    }

    /// Whether nothing is claimed that the receiver has not had.
    pub(super) fn is_empty(&self, head: &Head<T>) -> bool {
        self.tail.look().is_at(&head.place)
    }

    /// How many slots are claimed that the receiver has not emptied. Those whose block is not linked yet don't count.
    pub(super) fn len(&self, head: &Head<T>) -> usize {
        // Acquire: pairs with the Release below: the number of the block that we find is there, and the tail, which is
        // looked at after, is not behind it.
        let mut at = self.numbered.load(Ordering::Acquire);
        let tail = self.tail.look().place();
        if at.is_null() {
            // Only a receiver that is still before the first block has no number.
            at = self.first.load(Ordering::Acquire);
        }
        let Some(mut block) = NonNull::new(at) else { return 0 };
        // SAFETY: rules 3 and 4: the head's borrow keeps the receiver where it is; from its block on all are alive.
        unsafe {
            while block.as_ptr() != tail.block {
                let Some(next) = NonNull::new(block.as_ref().next.load(Ordering::Acquire)) else { break };
                let number = block.as_ref().number.load(Ordering::Relaxed).wrapping_add(Block::<T>::SLOTS);
                // Relaxed: all who write it write the same.
                next.as_ref().number.store(number, Ordering::Relaxed);
                block = next;
            }
            // Release: pairs with the Acquire above.
            self.numbered.store(block.as_ptr(), Ordering::Release);
            let claimed = if block.as_ptr() == tail.block { tail.slot } else { Block::<T>::SLOTS };
            let end = block.as_ref().number.load(Ordering::Relaxed).wrapping_add(claimed);
            let begin = match NonNull::new(head.place.block) {
                Some(block) => block.as_ref().number.load(Ordering::Relaxed).wrapping_add(head.place.slot),
                None => 0,
            };
            end.wrapping_sub(begin)
        }
    }

    /// Gives the receiver's last block up. The list is empty and stays so: it is closed, or there is no sender.
    pub(super) fn leave(&self, head: &mut Head<T>) {
        debug_assert!(self.is_empty(head));
        let block = std::mem::replace(&mut head.place.block, null_mut());
        self.numbered.store(null_mut(), Ordering::Relaxed);
        if let Some(block) = NonNull::new(block) {
            // SAFETY: rule 3: nothing is claimed in the last block that was not taken, and nobody will claim any more.
            unsafe { Block::free(block) };
        }
    }

    /// Moves the head into the block behind the one whose end it is at; `false` when none is linked.
    fn enter_next(&self, head: &mut Head<T>) -> bool {
        let before = NonNull::new(head.place.block);
        // SAFETY: rules 3 and 4: the block that the receiver is in is alive.
        let link = before.map_or(&self.first, |before| unsafe { &(*before.as_ptr()).next });
        // Acquire: pairs with the Release in `push_slowly`.
        let Some(next) = NonNull::new(link.load(Ordering::Acquire)) else { return false };
        // SAFETY: both blocks are alive, as above.
        let number = before.map_or(0, |before| unsafe {
            (*before.as_ptr()).number.load(Ordering::Relaxed).wrapping_add(Block::<T>::SLOTS)
        });
        // SAFETY: as above.
        unsafe { next.as_ref() }.number.store(number, Ordering::Relaxed);
        if self.numbered.load(Ordering::Relaxed) == head.place.block {
            self.numbered.store(next.as_ptr(), Ordering::Release);
        }
        head.place = Place { block: next.as_ptr(), slot: 0 };
        if let Some(before) = before {
            // SAFETY: rule 3: the receiver has just left it.
            unsafe { before.as_ref() }.clear();
            self.keep_or_free(before);
        }
        true
    }

    #[cold]
    fn nothing_at(&self, head: &Head<T>) -> Popped<T> {
        if self.is_empty(head) { Popped::Empty } else { Popped::InFlight }
    }

    /// An empty block that is nobody else's.
    fn empty_block(&self) -> NonNull<Block<T>> {
        if !self.spare.load(Ordering::Relaxed).is_null() {
            // Acquire: pairs with the Release in `keep_or_free`: the block was cleared before.
            if let Some(spare) = NonNull::new(self.spare.swap(null_mut(), Ordering::Acquire)) {
                return spare;
            }
        }
        Block::allocate()
    }

    /// Keeps an empty block that is nobody else's for later, if none is kept yet.
    fn keep_or_free(&self, block: NonNull<Block<T>>) {
        // Release: pairs with the Acquire in `empty_block`.
        if self.spare.compare_exchange(null_mut(), block.as_ptr(), Ordering::Release, Ordering::Relaxed).is_err() {
            // SAFETY: the caller vouches that the block is nobody else's.
            unsafe { Block::free(block) };
        }
    }
}

impl<T> Drop for Blocks<T> {
    fn drop(&mut self) {
        // The receiver took everything else along (`leave`).
        if let Some(spare) = NonNull::new(self.spare.swap(null_mut(), Ordering::Acquire)) {
            // SAFETY: a spare block is nobody else's, and `&mut self`.
            unsafe { Block::free(spare) };
        }
    }
}

impl<T> Head<T> {
    fn is_at_end(&self) -> bool {
        self.place.block.is_null() || self.place.slot == Block::<T>::SLOTS
    }
}

impl<T> Block<T> {
    /// Rule 5: about a quarter of a KiB of messages, but two at least, so that not every message needs a new block.
    const SLOTS: usize = match size_of::<T>() {
        0..=16 => MAX_SLOTS,
        17..=64 => 8,
        65..=256 => 4,
        _ => 2,
    };

    const LAYOUT_AND_VALUES: (Layout, usize) = {
        let header = Layout::new::<Block<T>>();
        let values = match Layout::array::<Slot<T>>(Self::SLOTS) {
            Ok(values) => values,
            Err(_) => panic!("the message is too large for any memory"),
        };
        let (whole, offset) = match header.extend(values) {
            Ok(extended) => extended,
            Err(_) => panic!("the message is too large for any memory"),
        };
        match whole.align_to(ALIGN) {
            Ok(layout) => (layout, offset),
            Err(_) => panic!("the message is too large for any memory"),
        }
    };
    const LAYOUT: Layout = Self::LAYOUT_AND_VALUES.0;
    /// Where the values begin.
    const VALUES: usize = Self::LAYOUT_AND_VALUES.1;

    /// A new, empty block.
    fn allocate() -> NonNull<Block<T>> {
        // SAFETY: the layout has the size of the header at least, which is not zero.
        let Some(block) = NonNull::new(unsafe { alloc(Self::LAYOUT) }.cast::<Block<T>>()) else {
            handle_alloc_error(Self::LAYOUT)
        };
        // SAFETY: the memory is ours, has the layout of a header followed by slots, and nothing is in it yet.
        unsafe {
            block.write(Block {
                next: AtomicPtr::new(null_mut()),
                number: AtomicUsize::new(0),
                published: std::array::from_fn(|_| AtomicBool::new(false)),
                _owns: PhantomData,
            });
            for slot in 0..Self::SLOTS {
                Self::slot(block.as_ptr(), slot).write(UnsafeCell::new(MaybeUninit::uninit()));
            }
        }
        block
    }

    /// Frees a block; values in it are forgotten.
    ///
    /// # Safety
    /// `block` was made by `allocate` and is nobody else's.
    unsafe fn free(block: NonNull<Block<T>>) {
        // SAFETY: the caller's promise; everything in it was initialised by `allocate`.
        unsafe {
            for slot in 0..Self::SLOTS {
                Self::slot(block.as_ptr(), slot).drop_in_place();
            }
            block.drop_in_place();
            dealloc(block.as_ptr().cast(), Self::LAYOUT);
        }
    }

    /// Makes the block empty again. It is the caller's alone.
    fn clear(&self) {
        // Relaxed: who gets the block next synchronizes with us through `spare`.
        self.next.store(null_mut(), Ordering::Relaxed);
        for published in &self.published[..Self::SLOTS] {
            published.store(false, Ordering::Relaxed);
        }
    }

    /// Writes a value and shows it to the receiver.
    ///
    /// # Safety
    /// The caller has claimed this slot of this block (rule 1).
    #[inline]
    unsafe fn publish(block: *mut Block<T>, slot: usize, value: T) {
        // SAFETY: rule 1: until it is published the slot is the caller's, and the block stays alive.
        unsafe {
            (*Self::slot(block, slot)).with_mut(|place| (*place).write(value));
            // Release: pairs with the Acquire in `take`, which must see the value.
            (*block).published[slot].store(true, Ordering::Release);
        }
    }

    /// Takes the value out of a slot, if it has been published.
    ///
    /// # Safety
    /// The caller is the receiver, this is the block that it is in, and it has not taken from this slot before.
    #[inline]
    unsafe fn take(block: *mut Block<T>, slot: usize) -> Option<T> {
        // SAFETY: rule 3: the block is alive; rule 1: once published the value is the receiver's.
        unsafe {
            // Acquire: pairs with the Release in `publish`.
            if !(*block).published[slot].load(Ordering::Acquire) {
                return None;
            }
            Some((*Self::slot(block, slot)).with(|place| (*place).assume_init_read()))
        }
    }

    /// The address of a slot.
    ///
    /// # Safety
    /// `block` was made by `allocate`, and `slot` is less than `SLOTS`.
    #[inline]
    unsafe fn slot(block: *mut Block<T>, slot: usize) -> *mut Slot<T> {
        debug_assert!(slot < Self::SLOTS);
        // SAFETY: the layout has SLOTS slots from VALUES on, and `block` is a pointer to the whole of it.
        unsafe { block.byte_add(Self::VALUES).cast::<Slot<T>>().add(slot) }
    }
}
