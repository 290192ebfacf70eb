//! One timer: what its owner holds, and the part of it that a wheel links.
//!
//! | state \ event | poll, due | poll, not due      | wheel fires | reset              | shutdown   | drop      |
//! |---------------|-----------|--------------------|-------------|--------------------|------------|-----------|
//! | IDLE          | DONE      | ARMED, insert      | -           | IDLE               | -          | -         |
//! | ARMED         | -         | ARMED, swap waker  | DONE, wake  | ARMED, see 4 and 6 | SHUT, wake | remove    |
//! | DONE          | DONE      | if reset: as IDLE  | -           | IDLE               | -          | -         |
//! | SHUT          | SHUT      | SHUT               | -           | IDLE               | -          | -         |
//!
//! 1. ARMED means: in the wheel of `place`. Links, waker and position then belong to that wheel's lock, and only under
//!    it the state leaves ARMED. In every other state they belong to the owner, who needs no lock.
//! 2. Whoever fires stores the state last: after that the owner may free the entry.
//! 3. A timer is registered only by a poll that found its deadline in the future, in the wheel of the polling thread.
//!    While it is ARMED it stays in that wheel, whoever polls it. Before that the timer is its owner's alone, and its
//!    deadline no more than an `Instant`: the wheel's ticks are reckoned when it is armed.
//! 4. Moving the deadline of an ARMED timer back does not touch the wheel: the wheel finds the new deadline when it
//!    comes to the old one. The wheel may fire for the old deadline at the same moment; `moved` tells the next poll to
//!    ask the clock. Moving it forward takes the lock and inserts it anew.
//! 5. The registered waker stays alive while the state is ARMED, so its two addresses identify it: a poll that finds
//!    ARMED and the same addresses need not lock.
//! 6. Moving an ARMED timer forward to a time that has come fires it there and then, by its owner: the next poll finds
//!    it DONE, and whoever was to be woken is, without waiting for a look at the driver.
//! 7. A timer that was ARMED when this process was forked is its owner's, still linked: nobody follows those links, since
//!    nobody locks that wheel any more (rule 5 of `place`). It becomes SHUT when its owner next looks closely.
//! 8. A task that polls its timer over and over in one poll may keep the very thread that would look at the wheel: such a
//!    timer looks at the clock itself, and fires as in rule 6.
//!
//! `Sleep` and its like hold a [`Timer`]; the wheel reaches the [`Entry`].

use std::cell::Cell;
use std::fmt;
use std::panic::Location;
use std::pin::Pin;
use std::ptr::NonNull;
use std::task::{Context, Poll, Waker, ready};
use std::time::Instant;

use unstuck_base::WakeBatch;
use unstuck_base::list::{Links, Node};
use unstuck_base::local::{self, WaitKind};
use unstuck_base::sync::UnsafeCell;
use unstuck_base::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use super::place::{Arming, Forward, Place, later};
use super::{Door, Timers};

const IDLE: u8 = 0;
const ARMED: u8 = 1;
const DONE: u8 = 2;
const SHUT: u8 = 3;

/// The part of a timer that a wheel links; see the module's rules.
pub(super) struct Entry {
    links: Links<Entry>,
    waker: UnsafeCell<Option<Waker>>,
    /// In ticks, once it was ARMED; written by the owner alone, read by the wheel (rule 4).
    deadline: AtomicU64,
    position: UnsafeCell<Position>,
    state: AtomicU8,
    /// Whether the deadline was moved in place since the timer was inserted (rule 4). The owner's alone.
    moved: Cell<bool>,
    /// Which tenant of its place the timer belongs to.
    generation: u32,
}

/// A slot of a wheel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Position {
    pub(super) level: u8,
    pub(super) slot: u8,
}

// SAFETY: rule 1 says to whom the cells belong, and `moved` is the owner's alone; wakers are Send and Sync.
unsafe impl Send for Entry {}
// SAFETY: as above.
unsafe impl Sync for Entry {}

// SAFETY: always the same field; no reference is made.
unsafe impl Node for Entry {
    unsafe fn links(node: NonNull<Self>) -> NonNull<Links<Self>> {
        // SAFETY: the caller vouches that the node is alive.
        unsafe { NonNull::new_unchecked(&raw mut (*node.as_ptr()).links) }
    }
}

impl Entry {
    pub(super) fn new(generation: u32) -> Self {
        Entry {
            links: Links::new(),
            waker: UnsafeCell::new(None),
            deadline: AtomicU64::new(0),
            position: UnsafeCell::new(Position { level: 0, slot: 0 }),
            state: AtomicU8::new(IDLE),
            moved: Cell::new(false),
            generation,
        }
    }

    pub(super) fn generation(&self) -> u32 {
        self.generation
    }

    pub(super) fn deadline(&self) -> u64 {
        // Relaxed: rule 4: an old value makes the timer fire for it, and the owner's next poll asks the clock.
        self.deadline.load(Ordering::Relaxed)
    }

    /// # Safety
    /// The position is the caller's (rule 1).
    pub(super) unsafe fn position(&self) -> Position {
        // SAFETY: forwarded.
        self.position.with(|position| unsafe { *position })
    }

    /// # Safety
    /// As [`position`](Entry::position).
    pub(super) unsafe fn set_position(&self, new: Position) {
        // SAFETY: forwarded.
        self.position.with_mut(|position| unsafe { *position = new });
    }

    /// Leaves `waker` and returns the one that was there.
    ///
    /// # Safety
    /// The waker is the caller's (rule 1).
    pub(super) unsafe fn swap_waker(&self, waker: Option<Waker>) -> Option<Waker> {
        // SAFETY: forwarded.
        self.waker.with_mut(|slot| unsafe { slot.replace(waker) })
    }

    /// The deadline has come: gathers the waker.
    ///
    /// # Safety
    /// The entry is ARMED, its wheel is locked, and it has been taken out. It is not touched after this (rule 2).
    pub(super) unsafe fn fire(entry: NonNull<Entry>, woken: &mut WakeBatch) {
        // SAFETY: forwarded.
        unsafe { Entry::leave(entry, DONE, woken) };
    }

    /// The runtime has shut down: gathers the waker.
    ///
    /// # Safety
    /// As [`fire`](Entry::fire).
    pub(super) unsafe fn shut(entry: NonNull<Entry>, woken: &mut WakeBatch) {
        // SAFETY: forwarded.
        unsafe { Entry::leave(entry, SHUT, woken) };
    }

    /// ARMED becomes `state`: gathers the waker.
    ///
    /// # Safety
    /// As [`fire`](Entry::fire).
    unsafe fn leave(entry: NonNull<Entry>, state: u8, woken: &mut WakeBatch) {
        // SAFETY: the entry is alive until the store below, and its waker is ours (rule 1).
        let waker = unsafe { entry.as_ref().swap_waker(None) };
        if let Some(waker) = waker {
            woken.push(waker);
        }
        // SAFETY: as above; this is the last access (rule 2), by a pointer to the word alone.
        let state_word = unsafe { &raw const (*entry.as_ptr()).state };
        // Release: pairs with the owner's Acquire, which must see the waker and the links gone before it frees them.
        // SAFETY: as above.
        unsafe { (*state_word).store(state, Ordering::Release) };
    }

    /// As the owner sees it. What is not ARMED is the owner's.
    fn state(&self) -> u8 {
        // Acquire: pairs with the Release in `leave`.
        self.state.load(Ordering::Acquire)
    }

    /// Under the lock of its wheel this stays true.
    pub(super) fn is_armed(&self) -> bool {
        self.state() == ARMED
    }

    pub(super) fn set_deadline(&self, deadline: u64) {
        // Relaxed: as in `deadline`.
        self.deadline.store(deadline, Ordering::Relaxed);
    }

    pub(super) fn set_armed(&self) {
        // Relaxed: only the owner reads it before the lock passes it on.
        self.state.store(ARMED, Ordering::Relaxed);
    }
}

/// The runtime that drives a timer has shut down: the timer will not fire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shutdown;

impl fmt::Display for Shutdown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the runtime that drives this timer has shut down")
    }
}

impl std::error::Error for Shutdown {}

/// One deadline that a task waits for; see the module's rules.
#[must_use = "a timer does nothing unless polled"]
pub struct Timer {
    entry: Entry,
    /// Where it is ARMED; before that, any place of its runtime.
    place: &'static Place,
    deadline: Instant,
    at: &'static Location<'static>,
    /// Which waker is registered: its two addresses (rule 5).
    registered: (usize, usize),
}

#[cfg(not(unstuck_loom))]
const _: () = assert!(size_of::<Timer>() <= 96);

impl Timer {
    /// A timer for `deadline`, on the clock of these timers. It costs nothing shared until it has to wait.
    ///
    /// A deadline more than 400 years away fires in about 400 years.
    #[track_caller]
    pub fn new(timers: &Timers, deadline: Instant) -> Timer {
        Timer::asked_at(timers.door(), deadline, Location::caller())
    }

    /// As [`new`](Timer::new), for a user who asked for it there: that is what a diagnosis shows.
    #[inline]
    pub fn asked_at(door: Door, deadline: Instant, at: &'static Location<'static>) -> Timer {
        let Door { place, generation } = door;
        Timer { entry: Entry::new(generation), place, deadline, at, registered: (0, 0) }
    }

    /// When it fires.
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Whether the deadline has come, and the timer knows: it fired, or a poll found it due.
    pub fn is_elapsed(&self) -> bool {
        let due = || self.place.now(self.entry.generation).is_some_and(|now| self.deadline <= now);
        self.entry.state() == DONE && (!self.entry.moved.get() || due())
    }

    /// Says where the user asks for what the next polls wait for.
    pub fn set_asked_at(self: Pin<&mut Self>, at: &'static Location<'static>) {
        // SAFETY: nothing is moved out; the entry stays where it is.
        unsafe { self.get_unchecked_mut() }.at = at;
    }

    /// Waits until the deadline. Charges the budget of the poll.
    ///
    /// # Errors
    /// [`Shutdown`], when the runtime has shut down before.
    pub fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Shutdown>> {
        // SAFETY: nothing is moved out; the entry stays where it is.
        let this = unsafe { self.get_unchecked_mut() };
        let charge = ready!(local::poll_budget(cx));
        loop {
            match this.entry.state() {
                ARMED if this.leave_waker(cx.waker()) && !this.fires_for_a_spinning_task() => {
                    local::wait_for(WaitKind::Timer, this.key(), this.at);
                    return Poll::Pending;
                }
                // It fired meanwhile.
                ARMED => {}
                DONE if !this.entry.moved.get() => {
                    charge.made_progress();
                    return Poll::Ready(Ok(()));
                }
                SHUT => return Poll::Ready(Err(Shutdown)),
                _ => this.start(cx.waker()),
            }
        }
    }

    /// Not ARMED: looks at the clock, and registers the timer if its deadline is in the future (rule 3).
    fn start(&mut self, waker: &Waker) {
        self.entry.moved.set(false);
        self.place = self.place.here();
        self.registered = addresses(waker);
        let waker = waker.clone();
        // SAFETY: rule 1: the timer is not ARMED, so all of the entry is ours. It is pinned, and its drop takes it out.
        let arming = unsafe {
            let before = self.entry.swap_waker(Some(waker));
            debug_assert!(before.is_none(), "the waker is taken when the state leaves ARMED");
            self.place.arm(NonNull::from(&self.entry), self.deadline)
        };
        let state = match arming {
            Arming::Armed => return,
            Arming::Due => DONE,
            Arming::Refused => SHUT,
        };
        // SAFETY: rule 1: it was not armed, so it is ours.
        let waker = unsafe { self.entry.swap_waker(None) };
        // Relaxed: the state is ours.
        self.entry.state.store(state, Ordering::Relaxed);
        drop(waker);
    }

    /// ARMED: makes `waker` the one that is woken. `false`: it has left ARMED meanwhile.
    fn leave_waker(&mut self, waker: &Waker) -> bool {
        if self.registered == addresses(waker) {
            return true;
        }
        if !self.place.is_here() {
            self.shut_by_fork();
            return false;
        }
        // SAFETY: it was ARMED, in the wheel of this place.
        let swapped = unsafe { self.place.swap_waker(NonNull::from(&self.entry), waker.clone()) };
        if swapped.is_ok() {
            self.registered = addresses(waker);
        }
        swapped.is_ok()
    }

    /// Changes the deadline. A timer that is registered fires for the new one, also without another poll: at once, if
    /// that has come. One that has fired waits for its next poll.
    pub fn reset(self: Pin<&mut Self>, deadline: Instant) {
        // SAFETY: nothing is moved out; the entry stays where it is.
        let this = unsafe { self.get_unchecked_mut() };
        let before = std::mem::replace(&mut this.deadline, deadline);
        if this.entry.state() != ARMED {
            return this.rest();
        }
        if !this.place.is_here() {
            return this.shut_by_fork();
        }
        if let Some(by) = deadline.checked_duration_since(before) {
            // The wheel may see it now or later.
            this.entry.set_deadline(later(this.entry.deadline(), by));
            this.place.note_moved();
            return this.entry.moved.set(true);
        }
        this.insert_anew();
    }

    /// It was ARMED, in the wheel of this place, which is here: puts it where its deadline is now.
    fn insert_anew(&mut self) {
        // SAFETY: as said.
        match unsafe { self.place.move_forward(NonNull::from(&self.entry), self.deadline) } {
            Forward::Moved => self.entry.moved.set(false),
            Forward::Due(waker) => self.fire_now(waker),
            Forward::Left => self.rest(),
        }
    }

    /// ARMED: rule 8. `false`: it still is, as its deadline has not come.
    fn fires_for_a_spinning_task(&mut self) -> bool {
        if !local::is_spinning() || !self.place.is_here() {
            return false;
        }
        self.insert_anew();
        self.entry.state() != ARMED
    }

    /// Not ARMED: the next poll will see to the new deadline.
    fn rest(&mut self) {
        self.entry.moved.set(false);
        // Relaxed: not ARMED, so it is ours.
        self.entry.state.store(IDLE, Ordering::Relaxed);
    }

    /// Its new deadline has come, and it is out of the wheel (rule 6).
    fn fire_now(&mut self, waker: Option<Waker>) {
        self.entry.moved.set(false);
        // Relaxed: it is in no wheel any more, so it is ours.
        self.entry.state.store(DONE, Ordering::Relaxed);
        waker.into_iter().for_each(Waker::wake);
    }

    /// Rule 7.
    #[cold]
    fn shut_by_fork(&self) {
        // Not dropped: another thread of the parent may have been taking it out.
        // SAFETY: rule 7: it is the owner's.
        std::mem::forget(unsafe { self.entry.swap_waker(None) });
        // Relaxed: as above.
        self.entry.state.store(SHUT, Ordering::Relaxed);
    }

    /// It was ARMED, and is dropped.
    fn give_up(&mut self) {
        if !self.place.is_here() {
            return self.shut_by_fork();
        }
        // SAFETY: it was ARMED, in the wheel of this place.
        let waker = unsafe { self.place.remove(NonNull::from(&self.entry)) };
        drop(waker);
        local::forget_wait(WaitKind::Timer, self.key());
    }

    /// The address, as an opaque key for [`local::wait_for`].
    fn key(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }
}

impl Drop for Timer {
    #[inline]
    fn drop(&mut self) {
        if self.entry.state() == ARMED {
            self.give_up();
        }
    }
}

impl fmt::Debug for Timer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timer").field("deadline", &self.deadline()).finish_non_exhaustive()
    }
}

/// What tells wakers apart, as [`Waker::will_wake`] does.
fn addresses(waker: &Waker) -> (usize, usize) {
    (waker.data().addr(), std::ptr::from_ref(waker.vtable()).addr())
}
