//! The one fair queue of waiters, which every lock and channel of this crate shares.
//!
//! 1. A [`Waiter`] lives in the future that waits, pinned. It joins one list only, and its future makes it leave before
//!    it is freed. Whoever calls an `unsafe fn` here vouches for that.
//! 2. What can change in a waiter, its [`Entry`], belongs to the lock of its list. Joining writes it; it is not touched
//!    before, and is left with nothing to drop. So a future that never waits does not pay for it.
//! 3. `waiting` is first in, first out: who came first is granted first. Only its front may have a part of what it needs.
//! 4. A grant stays linked, in `granted`, until the next poll of its future consumes it: what a future has been granted
//!    but never fetched can be found, reported, and taken over by another future of the same task (`takeover.rs`).
//! 5. Every poll stamps its waiter with the task and its poll number. So a grant carries the poll in which its future
//!    was last seen.
//! 6. A call tells news, and gives nothing that another future could use: who is called is in no list any more. A part
//!    of what it needs that it had been given stays with it. Setting `called` is the last that its caller does to it;
//!    from then on the waiter is its future's alone, without the lock.
//! 7. No user code runs under the lock: wakers are cloned before it is taken, woken and dropped after it is released.
//!
//! [`Permits`](crate::permits::Permits) grants, [`Notify`](crate::Notify), the cells and the cancellation tokens call.
//! They gather the wakers of whom they reach, and wake them themselves.
//!
//! | state \ event | join, join_granted | grant   | call    | leave, take_call |
//! |---------------|--------------------|---------|---------|------------------|
//! | (out)         | Waiting, Granted   | -       | -       | -                |
//! | Waiting       | -                  | Granted | Called  | (out)            |
//! | Granted       | -                  | -       | -       | (out)            |
//! | Called        | -                  | -       | -       | (out)            |
//!
//! A takeover turns Granted back to Waiting.

mod leftover;
mod siblings;
mod takeover;

use std::cell::Cell;
use std::mem::MaybeUninit;
use std::panic::Location;
use std::ptr::NonNull;
use std::task::Waker;

use unstuck_base::const_unless_model;
use unstuck_base::list::{Links, List, Node};
use unstuck_base::local::{self, TaskRef, WaitKind};
use unstuck_base::sync::atomic::{AtomicBool, Ordering};
use unstuck_base::sync::{Mutex, MutexGuard, UnsafeCell};
use unstuck_base::wake_batch::WakeBatch;

pub(crate) use leftover::Leftover;
use siblings::{Run, Siblings};
use takeover::Overlooked;

/// The queue behind its lock.
#[derive(Debug)]
pub(crate) struct WaitList(Mutex<Queue>);

/// What the lock protects: who waits, and who was granted and has not fetched it.
#[derive(Debug)]
pub(crate) struct Queue {
    waiting: List<Waiter>,
    granted: List<Waiter>,
    /// Which of them may belong to the same task (rule 6 of `takeover.rs`).
    tags: u64,
    siblings: Option<Box<Siblings>>,
}

/// One waiting future's place in the queue; see the module's rules.
pub(crate) struct Waiter {
    links: Links<Waiter>,
    kind: WaitKind,
    at: &'static Location<'static>,
    /// How much it needs (in the lock's own measure).
    needs: usize,
    /// Whether the state is `Called`.
    called: AtomicBool,
    /// Whether it is not out. Its future's alone, which so knows without the lock.
    joined: Cell<bool>,
    entry: UnsafeCell<MaybeUninit<Entry>>,
}

/// The part of a waiter that belongs to the list's lock.
struct Entry {
    state: State,
    /// Where it is among the waiters of its task; `None`: not there.
    run: Option<Run>,
    overlooked: Overlooked,
    /// What it was given so far; of one that was called, the mark.
    has: usize,
    /// Present while the state is `Waiting`, unless the future was queued without being polled.
    waker: Option<Waker>,
    /// The poll in which the future was last seen pending.
    stamp: Option<TaskRef>,
    /// Written when it gets a run.
    sibling: MaybeUninit<Links<Waiter>>,
}

/// Where a waiter is that has joined; see the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// In `waiting`.
    Waiting,
    /// In `granted`: it has what it needs, which is the future's to consume or to pass on.
    Granted,
    /// In no list: its future has been told, and left a mark in `has`.
    Called,
}

/// What a waiter had when it left.
#[must_use = "what the waiter had goes to somebody else, or was consumed"]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Left {
    pub(crate) state: State,
    pub(crate) has: usize,
}

/// Which waiter was granted: where its code is, and the poll in which it was last seen (rule 5).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    pub(crate) stamp: Option<TaskRef>,
    pub(crate) at: &'static Location<'static>,
}

impl WaitList {
    const_unless_model! {
        /// A list in which nobody waits.
        pub(crate) fn new() -> Self {
            WaitList(Mutex::new(Queue { waiting: List::new(), granted: List::new(), tags: 0, siblings: None }))
        }
    }

    /// Locks the queue.
    #[inline]
    pub(crate) fn lock(&self) -> MutexGuard<'_, Queue> {
        self.0.lock()
    }

    /// Locks the queue for another poll of `waiter`, which has joined it. If it still waits, it will be woken by
    /// `waker`. Wakers that are not needed any more are put into `leftover`, which must outlive the guard (rule 7).
    ///
    /// # Safety
    /// `waiter` has joined this list and no other (rule 1).
    pub(crate) unsafe fn lock_again(
        &self,
        waiter: &Waiter,
        waker: &Waker,
        leftover: &mut Leftover,
    ) -> MutexGuard<'_, Queue> {
        let mut queue = self.lock();
        // SAFETY: forwarded; the queue is locked.
        if !unsafe { queue.would_miss(waiter, waker) } {
            return queue;
        }
        drop(queue);
        let clone = waker.clone();
        queue = self.lock();
        // SAFETY: as above. The waiter may have been granted in between: then the clone is left over.
        unsafe {
            waiter.with(&mut queue, |entry| match entry.state {
                State::Waiting => leftover.keep(entry.waker.replace(clone)),
                _ => leftover.keep(Some(clone)),
            });
        }
        queue
    }
}

impl Queue {
    /// Whether somebody waits that has not all that it needs.
    #[inline]
    pub(crate) fn is_waited_for(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Puts `waiter` at the back. It has nothing yet.
    ///
    /// # Safety
    /// `waiter` is out, has joined no other list before, stays in place, and leaves before it is freed (rule 1).
    pub(crate) unsafe fn join(&mut self, waiter: &Waiter) {
        // SAFETY: rule 1 is the caller's.
        unsafe {
            waiter.write(State::Waiting, 0);
            self.waiting.push_back(NonNull::from(waiter));
        }
    }

    /// Puts `waiter` among the granted, with all that it needs: its future got it without waiting, and can't take it now.
    ///
    /// # Safety
    /// As [`join`](Queue::join).
    pub(crate) unsafe fn join_granted(&mut self, waiter: &Waiter) {
        // SAFETY: rule 1 is the caller's.
        unsafe {
            waiter.write(State::Granted, waiter.needs);
            self.granted.push_back(NonNull::from(waiter));
        }
    }

    /// Leaves the waker of a waiter that has just joined. It comes back, to be dropped after the lock, if the waiter
    /// does not wait any more.
    ///
    /// # Safety
    /// `waiter` has joined this list and no other.
    pub(crate) unsafe fn leave_waker(&mut self, waiter: &Waiter, waker: Waker) -> Option<Waker> {
        // SAFETY: rule 2, and the caller's promise.
        unsafe {
            waiter.with(self, |entry| match entry.state {
                State::Waiting => entry.waker.replace(waker),
                _ => Some(waker),
            })
        }
    }

    /// Takes the waker of a waiter back.
    ///
    /// # Safety
    /// `waiter` has joined this list and no other.
    pub(crate) unsafe fn take_waker(&mut self, waiter: &Waiter) -> Option<Waker> {
        // SAFETY: rule 2, and the caller's promise.
        unsafe { waiter.with(self, |entry| entry.waker.take()) }
    }

    /// Stamps `waiter` with the poll in progress (rule 5), and records once per poll what that poll waits for. Returns
    /// the stamp before.
    ///
    /// # Safety
    /// `waiter` has joined this list and no other.
    pub(crate) unsafe fn stamp(&mut self, waiter: &Waiter, key: usize) -> Option<TaskRef> {
        let now = local::current_task();
        // SAFETY: rule 2, and the caller's promise.
        let before = unsafe { waiter.with(self, |entry| std::mem::replace(&mut entry.stamp, now)) };
        if now.is_some() && before != now {
            local::wait_for(waiter.kind, key, waiter.at);
        }
        before
    }

    /// The state of `waiter`.
    ///
    /// # Safety
    /// `waiter` has joined this list and no other.
    pub(crate) unsafe fn state(&mut self, waiter: &Waiter) -> State {
        // SAFETY: rule 2, and the caller's promise.
        unsafe { waiter.with(self, |entry| entry.state) }
    }

    /// How much the first in line still needs; `None` when nobody waits.
    pub(crate) fn first_lacks(&mut self) -> Option<usize> {
        let first = self.waiting.front()?;
        // SAFETY: rule 1: who is linked is alive and in place.
        unsafe {
            let first = first.as_ref();
            first.with(self, |entry| Some(first.needs - entry.has))
        }
    }

    /// Gives the first in line a part of what it needs, or all of it. Once it has all it is granted: its waker goes
    /// into `batch`, and the answer says who it was.
    pub(crate) fn give_first(&mut self, amount: usize, batch: &mut WakeBatch) -> Option<Seen> {
        let first = self.waiting.front().expect("somebody waits");
        // SAFETY: rule 1: who is linked is alive and in place.
        let complete = unsafe {
            let first = first.as_ref();
            first.with(self, |entry| {
                entry.has += amount;
                assert!(entry.has <= first.needs, "a waiter was given more than it needs");
                entry.has == first.needs
            })
        };
        complete.then(|| self.grant(first, batch))
    }

    /// Calls the first in line, with a mark that it will find. `false`: nobody waits.
    pub(crate) fn call_first(&mut self, mark: usize, batch: &mut WakeBatch) -> bool {
        let Some(first) = self.waiting.pop_front() else { return false };
        self.call(first, Some(mark), batch);
        true
    }

    /// Calls the last in line, with a mark that it will find. `false`: nobody waits.
    pub(crate) fn call_last(&mut self, mark: usize, batch: &mut WakeBatch) -> bool {
        let Some(last) = self.waiting.pop_back() else { return false };
        self.call(last, Some(mark), batch);
        true
    }

    /// Calls everybody who waits. The mark that each finds is what it had been given, which stays with it.
    pub(crate) fn call_all(&mut self, batch: &mut WakeBatch) {
        while let Some(waiter) = self.waiting.pop_front() {
            self.call(waiter, None, batch);
        }
    }

    /// Takes `waiter` out of whatever it is in, and says what it had. Its waker goes into `leftover`, which must
    /// outlive the lock (rule 7). If the poll in progress had recorded that it waits for this, it does no more.
    ///
    /// # Safety
    /// `waiter` has joined this list, and is not out.
    pub(crate) unsafe fn leave(&mut self, waiter: &Waiter, key: usize, leftover: &mut Leftover) -> Left {
        // SAFETY: rule 2, and the caller's promise.
        let (left, stamp, run) = unsafe {
            waiter.with(self, |entry| {
                leftover.keep(entry.waker.take());
                (Left { state: entry.state, has: entry.has }, entry.stamp, entry.run)
            })
        };
        // Relaxed: what concerns the state is passed on through the lock.
        waiter.called.store(false, Ordering::Relaxed);
        waiter.joined.set(false);
        // SAFETY: the state says which of our lists the waiter is in.
        unsafe {
            if left.state != State::Called {
                // Who calls a waiter forgets its task: the tag may be another one's by now.
                self.forget_task(NonNull::from(waiter), run, stamp);
            }
            match left.state {
                State::Waiting => self.waiting.remove(NonNull::from(waiter)),
                State::Granted => self.granted.remove(NonNull::from(waiter)),
                State::Called => {}
            }
        }
        waiter.forget(stamp, key);
        left
    }

    /// Whether `waiter` waits and would be woken through another waker than this one.
    ///
    /// # Safety
    /// `waiter` has joined this list and no other.
    unsafe fn would_miss(&mut self, waiter: &Waiter, waker: &Waker) -> bool {
        // SAFETY: rule 2, and the caller's promise.
        unsafe {
            waiter.with(self, |entry| {
                entry.state == State::Waiting && !entry.waker.as_ref().is_some_and(|known| known.will_wake(waker))
            })
        }
    }

    /// Waiting to Called. `waiter` was taken out of `waiting` just now. Without a mark it keeps what it had.
    fn call(&mut self, waiter: NonNull<Waiter>, mark: Option<usize>, batch: &mut WakeBatch) {
        // SAFETY: it was linked until now, so it is alive and in place (rule 1). Its future does not free it without our
        // lock until `called` is set; that is the last touch, and it makes no reference to the rest (rule 6).
        unsafe {
            if self.tags != 0 {
                let (run, stamp) = waiter.as_ref().with(self, |entry| (entry.run, entry.stamp));
                self.forget_task(waiter, run, stamp);
            }
            waiter.as_ref().with(self, |entry| {
                entry.state = State::Called;
                if let Some(waker) = entry.waker.take() {
                    batch.push(waker);
                }
                entry.has = mark.unwrap_or(entry.has);
            });
            let called = &raw const (*waiter.as_ptr()).called;
            // Release: pairs with the Acquire in `take_call`.
            (*called).store(true, Ordering::Release);
        }
    }

    /// Waiting to Granted. `waiter` is in `waiting`.
    fn grant(&mut self, waiter: NonNull<Waiter>, batch: &mut WakeBatch) -> Seen {
        // SAFETY: our callers take `waiter` from `waiting`: it is alive and in place (rule 1), in that list and no other.
        unsafe {
            self.waiting.remove(waiter);
            self.granted.push_back(waiter);
            let (waker, run, stamp) = waiter.as_ref().with(self, |entry| {
                entry.state = State::Granted;
                (entry.waker.take(), entry.run, entry.stamp)
            });
            match run {
                Some(_) => self.wake_siblings(waiter, waker, batch),
                None => _ = waker.map(|waker| batch.push(waker)),
            }
            Seen { stamp, at: waiter.as_ref().at }
        }
    }
}

impl Waiter {
    const_unless_model! {
        /// A waiter that has joined nothing: for a future that waits for news of `kind` on behalf of the code at `at`.
        #[inline]
        pub(crate) fn new(kind: WaitKind, at: &'static Location<'static>) -> Self {
            Waiter::for_amount(1, kind, at)
        }
    }

    const_unless_model! {
        /// As `new`, for a future that needs `needs` (in the lock's own measure).
        #[inline]
        pub(crate) fn for_amount(needs: usize, kind: WaitKind, at: &'static Location<'static>) -> Self {
            Waiter {
                links: Links::new(),
                kind,
                at,
                needs,
                called: AtomicBool::new(false),
                joined: Cell::new(false),
                entry: UnsafeCell::new(MaybeUninit::uninit()),
            }
        }
    }

    /// How much it needs.
    #[inline]
    pub(crate) fn needs(&self) -> usize {
        self.needs
    }

    /// Whether it has joined a list, and is not out. For its future alone.
    #[inline]
    pub(crate) fn is_joined(&self) -> bool {
        self.joined.get()
    }

    /// Where the user's code asked.
    pub(crate) fn at(&self) -> &'static Location<'static> {
        self.at
    }

    /// Whether whoever is granted here has the thing alone, and notes that it has.
    pub(crate) fn is_exclusive(&self) -> bool {
        matches!(self.kind, WaitKind::Mutex | WaitKind::Write | WaitKind::Once)
    }

    /// If it was called: takes the mark, and the waiter is out. Needs no lock (rule 6). `key` is as for `leave`.
    ///
    /// # Safety
    /// The caller is the future that owns the waiter.
    #[inline]
    pub(crate) unsafe fn take_call(&self, key: usize) -> Option<usize> {
        // Acquire: pairs with the Release in `call`: the caller is done with the waiter.
        if !self.called.load(Ordering::Acquire) {
            return None;
        }
        self.called.store(false, Ordering::Relaxed);
        self.joined.set(false);
        // SAFETY: rule 6: the waiter is its future's alone. It was called, so it has joined (rule 2).
        let (mark, stamp) = self.entry.with(|entry| unsafe {
            let entry = (*entry).assume_init_ref();
            (entry.has, entry.stamp)
        });
        self.forget(stamp, key);
        Some(mark)
    }

    /// The poll that `stamp` stands for does not wait for this any more, if it is still in progress.
    fn forget(&self, stamp: Option<TaskRef>, key: usize) {
        if stamp.is_some() && stamp == local::current_task() {
            local::forget_wait(self.kind, key);
        }
    }

    /// Begins a stay in a list.
    ///
    /// # Safety
    /// The waiter is out, and the caller is its future.
    unsafe fn write(&self, state: State, has: usize) {
        self.joined.set(true);
        let overlooked = Overlooked::default();
        let new = Entry { state, run: None, overlooked, has, waker: None, stamp: None, sibling: MaybeUninit::uninit() };
        // SAFETY: nobody else touches a waiter that is out. What was there before has nothing to drop (rule 2).
        self.entry.with_mut(|entry| unsafe { (*entry).write(new) });
    }

    /// Touches what belongs to the lock.
    ///
    /// # Safety
    /// `queue` is the one that this waiter has joined (rule 2), and it is not out.
    unsafe fn with<R>(&self, _queue: &mut Queue, touch: impl FnOnce(&mut Entry) -> R) -> R {
        // SAFETY: rule 2: the queue is borrowed mutably, so its lock is ours; and the entry was written.
        self.entry.with_mut(|entry| touch(unsafe { (*entry).assume_init_mut() }))
    }
}

// SAFETY: rule 2: what changes belongs to the list's lock, or to the future (`joined`); the rest is never written.
unsafe impl Send for Waiter {}
// SAFETY: as above.
unsafe impl Sync for Waiter {}

// SAFETY: always the address of the one field; `&raw` makes no reference.
unsafe impl Node for Waiter {
    unsafe fn links(node: NonNull<Self>) -> NonNull<Links<Self>> {
        // SAFETY: the caller vouches that `node` is live.
        unsafe { NonNull::new_unchecked(&raw mut (*node.as_ptr()).links) }
    }
}

impl std::fmt::Debug for Waiter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Waiter").field("kind", &self.kind).field("at", &self.at).finish_non_exhaustive()
    }
}
