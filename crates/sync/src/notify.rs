//! A notification for one task, or for all that wait.
//!
//! The word is `rounds << 2 | WAITERS | PERMIT`, where a round is a call of `notify_waiters`.
//!
//! | word \ event | notify_one            | notify_waiters          | first poll of Notified | a round since it was made |
//! |--------------|-----------------------|-------------------------|------------------------|---------------------------|
//! | 0            | PERMIT                | next round              | queue, WAITERS         | ready                     |
//! | PERMIT       | PERMIT                | next round, PERMIT      | ready, 0               | ready, PERMIT             |
//! | WAITERS      | call the first        | next round, call all, 0 | queue                  | ready                     |
//!
//! 1. WAITERS is set exactly while somebody waits in the queue who was not notified. It changes under the queue's lock
//!    only, and while it is set so does the whole word. WAITERS and PERMIT are never set together.
//! 2. A `Notified` keeps the round in which it was made: a later round notifies it, also if it was never polled.
//! 3. What notified one is passed on if its `Notified` is dropped before it knows; what notified all is not.
//! 4. Everything before a notification is seen after it: the notifying side changes the word with Release or holds the
//!    queue's lock, the notified side reads it with Acquire or holds the lock.
//!
//! Waiting tasks are woken after the queue's lock is released.

mod listening;
mod notified;

use std::fmt;
use std::panic::Location;
use std::sync::Arc;

use unstuck_base::const_unless_model;
use unstuck_base::sync::atomic::{AtomicUsize, Ordering};
use unstuck_base::wake_batch::WakeBatch;

use crate::wait_list::{Queue, WaitList};
use listening::Listening;

pub use notified::{Notified, OwnedNotified};

const PERMIT: usize = 1;
const WAITERS: usize = 2;
const ROUND: usize = 4;

/// The marks of a call for one: where it goes if it is passed on. Who was called with all has 0.
const FIRST: usize = 1;
const LAST: usize = 2;

/// Wakes tasks that wait for something to happen, without saying what.
///
/// It holds no value: what happened is to be found elsewhere. `notify_one` notifies one task; if none waits, the next
/// one that comes goes through at once (this is remembered once, however often it was called). `notify_waiters`
/// notifies all that wait and is not remembered.
///
/// # Examples
///
/// A queue whose consumer waits until there is something in it:
///
/// ```
/// use std::collections::VecDeque;
/// use std::sync::Mutex;
/// use unstuck_sync::Notify;
///
/// struct Queue {
///     items: Mutex<VecDeque<u32>>,
///     filled: Notify,
/// }
///
/// impl Queue {
///     fn push(&self, item: u32) {
///         self.items.lock().unwrap().push_back(item);
///         self.filled.notify_one();
///     }
///
///     async fn pop(&self) -> u32 {
///         loop {
///             if let Some(item) = self.items.lock().unwrap().pop_front() {
///                 return item;
///             }
///             self.filled.notified().await;
///         }
///     }
/// }
///
/// # unstuck_base::parker::block_on(async {
/// let queue = Queue { items: Mutex::default(), filled: Notify::new() };
/// queue.push(7);
/// assert_eq!(queue.pop().await, 7);
/// # });
/// ```
pub struct Notify {
    word: AtomicUsize,
    list: WaitList,
}

impl Notify {
    const_unless_model! {
        /// A notify that nobody has notified, for a `static` or a `const`.
        ///
        /// # Examples
        ///
        /// ```
        /// use unstuck_sync::Notify;
        ///
        /// static CHANGED: Notify = Notify::const_new();
        /// CHANGED.notify_one();
        /// ```
        pub fn const_new() -> Notify {
            Notify { word: AtomicUsize::new(0), list: WaitList::new() }
        }
    }

    /// A notify that nobody has notified.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::Notify;
    ///
    /// # unstuck_base::parker::block_on(async {
    /// let notify = Notify::new();
    /// notify.notify_one();
    /// notify.notified().await;
    /// # });
    /// ```
    pub fn new() -> Notify {
        Notify::const_new()
    }

    /// Waits for a notification.
    ///
    /// A call of [`notify_waiters`](Notify::notify_waiters) notifies every future that was made before it, polled or not.
    /// A call of [`notify_one`](Notify::notify_one) reaches those only that were polled (or
    /// [enabled](Notified::enable)), in the order in which that happened.
    ///
    /// # Cancel safety
    /// Dropping the future loses the place in the line. If `notify_one` had chosen it, the notification goes to another
    /// one.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::Notify;
    ///
    /// # unstuck_base::parker::block_on(async {
    /// let notify = Notify::new();
    /// notify.notify_one();
    /// notify.notified().await;
    ///
    /// let notified = notify.notified();
    /// notify.notify_waiters();
    /// notified.await;
    /// # });
    /// ```
    #[inline]
    #[track_caller]
    pub fn notified(&self) -> Notified<'_> {
        Notified(Listening::new(self, Location::caller()))
    }

    /// As [`notified`](Notify::notified), for a future that borrows nothing.
    ///
    /// # Cancel safety
    /// As for [`notified`](Notify::notified).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    /// use unstuck_sync::Notify;
    ///
    /// # unstuck_base::parker::block_on(async {
    /// let notify = Arc::new(Notify::new());
    /// let notified = notify.clone().notified_owned();
    /// std::thread::spawn(move || notify.notify_waiters());
    /// notified.await;
    /// # });
    /// ```
    #[track_caller]
    pub fn notified_owned(self: Arc<Self>) -> OwnedNotified {
        OwnedNotified(Listening::new(self, Location::caller()))
    }

    /// Notifies the task that has waited longest. If none waits, the next [`notified`](Notify::notified) that is polled
    /// is ready at once; several calls count as one then.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::Notify;
    ///
    /// # unstuck_base::parker::block_on(async {
    /// let notify = Notify::new();
    /// notify.notify_one();
    /// notify.notify_one();
    /// notify.notified().await;
    /// // A second wait would wait for a third call.
    /// # });
    /// ```
    #[inline]
    pub fn notify_one(&self) {
        self.notify_marked(FIRST);
    }

    /// As [`notify_one`](Notify::notify_one), for the task that began to wait last.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::future::Future;
    /// use std::pin::pin;
    /// use std::task::{Context, Waker};
    /// use unstuck_sync::Notify;
    ///
    /// let notify = Notify::new();
    /// let (mut first, mut second) = (pin!(notify.notified()), pin!(notify.notified()));
    /// let mut cx = Context::from_waker(Waker::noop());
    /// assert!(first.as_mut().poll(&mut cx).is_pending());
    /// assert!(second.as_mut().poll(&mut cx).is_pending());
    ///
    /// notify.notify_last();
    /// assert!(first.as_mut().poll(&mut cx).is_pending());
    /// assert!(second.as_mut().poll(&mut cx).is_ready());
    /// ```
    pub fn notify_last(&self) {
        self.notify_marked(LAST);
    }

    /// Notifies all tasks that wait now, and every [`Notified`] that exists now. It is not remembered for those that
    /// come later, and leaves alone what [`notify_one`](Notify::notify_one) has stored.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::Notify;
    ///
    /// # unstuck_base::parker::block_on(async {
    /// let notify = Notify::new();
    /// let (first, second) = (notify.notified(), notify.notified());
    /// notify.notify_waiters();
    /// first.await;
    /// second.await;
    /// # });
    /// ```
    pub fn notify_waiters(&self) {
        let mut word = self.word.load(Ordering::Relaxed);
        while word & WAITERS == 0 {
            // Release: rule 4, for those who see the next round.
            match self.word.compare_exchange_weak(word, word.wrapping_add(ROUND), Ordering::Release, Ordering::Relaxed)
            {
                Ok(_) => return,
                Err(newer) => word = newer,
            }
        }
        let mut batch = WakeBatch::new();
        let mut queue = self.list.lock();
        // Acquire and Release: as in `settle`.
        let word = self.word.load(Ordering::Acquire);
        if word & WAITERS != 0 {
            self.word.store(word.wrapping_add(ROUND) & !WAITERS, Ordering::Release);
        } else {
            // Release: as above. The last one left before we had the lock, and others may change the word.
            self.word.fetch_add(ROUND, Ordering::Release);
        }
        queue.call_all(&mut batch);
        drop(queue);
        batch.wake_all();
    }

    #[inline]
    fn notify_marked(&self, mark: usize) {
        while !self.leave_permit() && !self.notify_waiter(mark) {
            // Who waited when we looked has left before we had the lock.
        }
    }

    /// Leaves the permit; `false`: somebody waits.
    #[inline]
    fn leave_permit(&self) -> bool {
        // Relaxed: a stale value costs a turn of the loop, or a look under the lock.
        let mut word = self.word.load(Ordering::Relaxed);
        while word & WAITERS == 0 {
            // Release: rule 4, for who takes the permit. Also when it was set before: this call has news of its own.
            match self.word.compare_exchange_weak(word, word | PERMIT, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => return true,
                Err(newer) => word = newer,
            }
        }
        false
    }

    /// With the lock, and nobody waiting: leaves the permit, for a notification that is passed on.
    fn pass_to_nobody(&self) {
        // Release: the news passes through here to who takes the permit. WAITERS is not set: nobody waits.
        self.word.fetch_or(PERMIT, Ordering::Release);
    }

    /// Notifies one who waits; `false`: nobody does.
    #[cold]
    fn notify_waiter(&self, mark: usize) -> bool {
        let mut batch = WakeBatch::new();
        let mut queue = self.list.lock();
        let called = self.call_one(&mut queue, mark, &mut batch);
        drop(queue);
        batch.wake_all();
        called
    }

    /// Calls one who waits; `false`: nobody does.
    fn call_one(&self, queue: &mut Queue, mark: usize, batch: &mut WakeBatch) -> bool {
        let called = if mark == LAST { queue.call_last(mark, batch) } else { queue.call_first(mark, batch) };
        if called {
            self.settle(queue);
        }
        called
    }

    /// Clears WAITERS if nobody waits any more (rule 1).
    fn settle(&self, queue: &Queue) {
        if queue.is_waited_for() {
            return;
        }
        // Acquire: goes on with the chain of releases, which the plain store would break. While WAITERS is set the word is
        // ours (rule 1), so that no change is lost.
        let word = self.word.load(Ordering::Acquire);
        if word & WAITERS != 0 {
            // Release: rule 4.
            self.word.store(word & !WAITERS, Ordering::Release);
        }
    }

    /// The bits of the present round.
    #[inline]
    fn round(&self) -> usize {
        // Acquire: pairs with the Release of a round. Who makes a `Notified` after a round sees what was done before it, and
        // so finds by itself what it will not be notified of.
        self.word.load(Ordering::Acquire) & !(ROUND - 1)
    }

    /// Without the lock: whether who was made in `round` is notified. It takes the permit if there is one.
    #[inline]
    fn take_notification(&self, round: usize) -> bool {
        // Acquire: rule 4, for a later round.
        let mut word = self.word.load(Ordering::Acquire);
        loop {
            if word & !(ROUND - 1) != round {
                return true;
            }
            if word & PERMIT == 0 {
                return false;
            }
            // Acquire: rule 4, pairs with the Release in `notify_marked`.
            match self.word.compare_exchange_weak(word, word & !PERMIT, Ordering::Acquire, Ordering::Acquire) {
                Ok(_) => return true,
                Err(newer) => word = newer,
            }
        }
    }

    /// With the lock: sets WAITERS, unless who was made in `round` is notified.
    fn begin_to_wait(&self, round: usize) -> bool {
        loop {
            if self.take_notification(round) {
                return false;
            }
            let word = self.word.load(Ordering::Relaxed);
            if word & WAITERS != 0 && word & !(ROUND - 1) == round {
                return true;
            }
            // Relaxed: what the waiter will be told comes through the lock.
            if word & (WAITERS | PERMIT) == 0
                && word & !(ROUND - 1) == round
                && self.word.compare_exchange(word, word | WAITERS, Ordering::Relaxed, Ordering::Relaxed).is_ok()
            {
                return true;
            }
        }
    }

    fn key(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }
}

impl Default for Notify {
    fn default() -> Notify {
        Notify::new()
    }
}

impl fmt::Debug for Notify {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = self.word.load(Ordering::Relaxed);
        f.debug_struct("Notify")
            .field("notified", &(word & PERMIT != 0))
            .field("waited_for", &(word & WAITERS != 0))
            .finish_non_exhaustive()
    }
}
