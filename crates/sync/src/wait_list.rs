//! The one fair queue of waiters, which every lock and channel of this crate shares.
//!
//! 1. A [`Waiter`] lives in the future that waits, pinned. It joins one list only, and its future makes it leave before
//!    it is freed. Whoever calls an `unsafe fn` here vouches for that.
//! 2. What can change in a waiter belongs to the lock of its list.
//! 3. `waiting` is first in, first out: who came first is granted first. Only its front may have a part of what it needs.
//! 4. A grant stays linked, in `granted`, until the next poll of its future consumes it: what a future has been granted
//!    but never fetched can be found, reported, and handed to another future of the same task.
//! 5. Every poll stamps its waiter with the task and its poll number. So a grant carries the poll in which its future
//!    was last seen: a later poll of that task that ended without consuming the grant proves that the task does not
//!    poll this future any more.
//! 6. No user code runs under the lock: wakers are cloned before it is taken, woken and dropped after it is released.
//!
//! [`Permits`](crate::permits::Permits), [`Notify`](crate::Notify) and the cancellation tokens call in; they gather the
//! wakers of whom they grant and wake them themselves.
//!
//! | state \ event | join    | grant   | call    | leave |
//! |---------------|---------|---------|---------|-------|
//! | Out           | Waiting, or Granted at once | - | - | Out |
//! | Waiting       | -       | Granted | Called  | Out   |
//! | Granted       | -       | -       | -       | Out   |
//! | Called        | -       | -       | -       | Out   |

use std::panic::Location;
use std::ptr::NonNull;
use std::task::Waker;

use unstuck_base::const_unless_model;
use unstuck_base::list::{Links, List, Node};
use unstuck_base::local::{self, TaskRef, WaitKind};
use unstuck_base::sync::{Mutex, MutexGuard, UnsafeCell};
use unstuck_base::wake_batch::WakeBatch;

/// The queue behind its lock.
#[derive(Debug)]
pub(crate) struct WaitList(Mutex<Queue>);

/// What the lock protects: who waits, and who was granted and has not fetched it.
#[derive(Debug)]
pub(crate) struct Queue {
    waiting: List<Waiter>,
    granted: List<Waiter>,
}

/// One waiting future's place in the queue; see the module's rules.
pub(crate) struct Waiter {
    links: Links<Waiter>,
    kind: WaitKind,
    at: &'static Location<'static>,
    entry: UnsafeCell<Entry>,
}

/// The part of a waiter that belongs to the list's lock.
struct Entry {
    state: State,
    needs: usize,
    has: usize,
    /// Present while the state is `Waiting`, unless the future was queued without being polled.
    waker: Option<Waker>,
    /// The poll in which the future was last seen pending.
    stamp: Option<TaskRef>,
}

/// Where a waiter is; see the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// In no list.
    Out,
    /// In `waiting`.
    Waiting,
    /// In `granted`: it has what it needs, which is the future's to consume or to pass on.
    Granted,
    /// In no list: everybody was called at once, which leaves nothing to pass on.
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
            WaitList(Mutex::new(Queue { waiting: List::new(), granted: List::new() }))
        }
    }

    /// Locks the queue.
    #[inline]
    pub(crate) fn lock(&self) -> MutexGuard<'_, Queue> {
        self.0.lock()
    }

    /// Locks the queue for another poll of `waiter`, which has joined it. If it still waits, it will be woken by
    /// `waker`. Wakers that are not needed any more are put into `leftover`, which must outlive the guard (rule 6).
    ///
    /// # Safety
    /// `waiter` has joined this list and no other (rule 1).
    pub(crate) unsafe fn lock_again(
        &self,
        waiter: &Waiter,
        waker: &Waker,
        leftover: &mut Option<Waker>,
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
                State::Waiting => *leftover = entry.waker.replace(clone),
                _ => *leftover = Some(clone),
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

    /// Puts `waiter` at the back. It has nothing yet and needs `needs` (in the lock's own measure).
    ///
    /// # Safety
    /// `waiter` is [`State::Out`], has joined no other list before, stays in place and leaves before it is freed
    /// (rule 1).
    pub(crate) unsafe fn join(&mut self, waiter: &Waiter, needs: usize) {
        // SAFETY: rule 2: `self` is the queue, hence locked; rule 1 is the caller's.
        unsafe {
            waiter.with(self, |entry| {
                assert!(entry.state == State::Out);
                (entry.state, entry.needs, entry.has) = (State::Waiting, needs, 0);
            });
            self.waiting.push_back(NonNull::from(waiter));
        }
    }

    /// Puts `waiter` among the granted, with all that it needs: its future got it without waiting, and can't take it now.
    ///
    /// # Safety
    /// As [`join`](Queue::join).
    pub(crate) unsafe fn join_granted(&mut self, waiter: &Waiter, needs: usize) {
        // SAFETY: rule 2: `self` is the queue, hence locked; rule 1 is the caller's.
        unsafe {
            waiter.with(self, |entry| {
                assert!(entry.state == State::Out);
                (entry.state, entry.needs, entry.has) = (State::Granted, needs, needs);
            });
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

    /// Stamps `waiter` with the poll in progress (rule 5), and records once per poll what that poll waits for.
    ///
    /// # Safety
    /// `waiter` has joined this list and no other.
    pub(crate) unsafe fn stamp(&mut self, waiter: &Waiter, key: usize) {
        let now = local::current_task();
        // SAFETY: rule 2, and the caller's promise.
        let before = unsafe { waiter.with(self, |entry| std::mem::replace(&mut entry.stamp, now)) };
        if now.is_some() && before != now {
            local::wait_for(waiter.kind, key, waiter.at);
        }
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
        unsafe { first.as_ref().with(self, |entry| Some(entry.needs - entry.has)) }
    }

    /// Gives the first in line a part of what it needs, or all of it. Once it has all it is granted: its waker goes
    /// into `batch`, and the answer says who it was.
    pub(crate) fn give_first(&mut self, amount: usize, batch: &mut WakeBatch) -> Option<Seen> {
        let first = self.waiting.front().expect("somebody waits");
        // SAFETY: rule 1: who is linked is alive and in place.
        let complete = unsafe {
            first.as_ref().with(self, |entry| {
                entry.has += amount;
                assert!(entry.has <= entry.needs, "a waiter was given more than it needs");
                entry.has == entry.needs
            })
        };
        complete.then(|| self.grant(first, batch))
    }

    /// Grants the first in line, which is given the mark `has`. `false`: nobody waits.
    pub(crate) fn grant_first(&mut self, has: usize, batch: &mut WakeBatch) -> bool {
        let Some(first) = self.waiting.front() else { return false };
        self.grant_marked(first, has, batch);
        true
    }

    /// Grants the last in line, which is given the mark `has`. `false`: nobody waits.
    pub(crate) fn grant_last(&mut self, has: usize, batch: &mut WakeBatch) -> bool {
        let Some(last) = self.waiting.back() else { return false };
        self.grant_marked(last, has, batch);
        true
    }

    /// Calls everybody who waits: they leave the list. Returns the sum of what they had, which is the caller's again.
    pub(crate) fn call_all(&mut self, batch: &mut WakeBatch) -> usize {
        let mut had = 0;
        while let Some(waiter) = self.waiting.pop_front() {
            // SAFETY: rule 1: it was linked until now, so it is alive; its future can't free it without our lock.
            unsafe {
                waiter.as_ref().with(self, |entry| {
                    entry.state = State::Called;
                    had += std::mem::take(&mut entry.has);
                    if let Some(waker) = entry.waker.take() {
                        batch.push(waker);
                    }
                });
            }
        }
        had
    }

    /// Takes `waiter` out of whatever it is in, and says what it had. Its waker goes into `leftover`, which must
    /// outlive the lock (rule 6). If the poll in progress had recorded that it waits for this, it does no more.
    ///
    /// # Safety
    /// `waiter` has joined this list, or none.
    pub(crate) unsafe fn leave(&mut self, waiter: &Waiter, key: usize, leftover: &mut Option<Waker>) -> Left {
        // SAFETY: rule 2, and the caller's promise.
        let (left, stamp) = unsafe {
            waiter.with(self, |entry| {
                if let Some(waker) = entry.waker.take() {
                    *leftover = Some(waker);
                }
                let left = Left { state: entry.state, has: std::mem::take(&mut entry.has) };
                entry.state = State::Out;
                (left, entry.stamp.take())
            })
        };
        // SAFETY: the state says which of our lists the waiter is in.
        unsafe {
            match left.state {
                State::Waiting => self.waiting.remove(NonNull::from(waiter)),
                State::Granted => self.granted.remove(NonNull::from(waiter)),
                State::Out | State::Called => {}
            }
        }
        if stamp.is_some() && stamp == local::current_task() {
            local::forget_wait(waiter.kind, key);
        }
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

    fn grant_marked(&mut self, waiter: NonNull<Waiter>, has: usize, batch: &mut WakeBatch) {
        // SAFETY: rule 1: it is linked, so it is alive and in place.
        unsafe { waiter.as_ref().with(self, |entry| entry.has = has) };
        self.grant(waiter, batch);
    }

    /// Waiting to Granted. `waiter` is in `waiting`.
    fn grant(&mut self, waiter: NonNull<Waiter>, batch: &mut WakeBatch) -> Seen {
        // SAFETY: our callers take `waiter` from `waiting`: it is alive and in place (rule 1), in that list and no other.
        unsafe {
            self.waiting.remove(waiter);
            self.granted.push_back(waiter);
            let waiter = waiter.as_ref();
            waiter.with(self, |entry| {
                entry.state = State::Granted;
                if let Some(waker) = entry.waker.take() {
                    batch.push(waker);
                }
                Seen { stamp: entry.stamp, at: waiter.at }
            })
        }
    }
}

impl Waiter {
    const_unless_model! {
        /// A waiter that has joined nothing: for a future that waits for `kind` on behalf of the code at `at`.
        pub(crate) fn new(kind: WaitKind, at: &'static Location<'static>) -> Self {
            Waiter {
                links: Links::new(),
                kind,
                at,
                entry: UnsafeCell::new(Entry { state: State::Out, needs: 0, has: 0, waker: None, stamp: None }),
            }
        }
    }

    /// Where the user's code asked.
    pub(crate) fn at(&self) -> &'static Location<'static> {
        self.at
    }

    /// Whether whoever is granted here holds the lock alone.
    pub(crate) fn is_exclusive(&self) -> bool {
        matches!(self.kind, WaitKind::Mutex | WaitKind::Write)
    }

    /// Touches what belongs to the lock.
    ///
    /// # Safety
    /// `queue` is the one that this waiter has joined or is about to join (rule 2).
    unsafe fn with<R>(&self, _queue: &mut Queue, touch: impl FnOnce(&mut Entry) -> R) -> R {
        // SAFETY: rule 2: the queue is borrowed mutably, so its lock is ours.
        self.entry.with_mut(|entry| touch(unsafe { &mut *entry }))
    }
}

// SAFETY: rule 2: what changes belongs to the list's lock; the rest is never written.
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
