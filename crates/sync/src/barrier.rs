//! A point that tasks pass together.
//!
//! 1. `arrived` is changed only under the lock of the wait list; it counts those who wait in it, never all `n`.
//! 2. Who completes a group calls all who wait, and starts the next group, under one lock: no one of the next group is
//!    called with this one.
//! 3. Who is dropped while it waits takes its arrival back.
//!
//! Waiting tasks are woken after the lock is released.

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

use unstuck_base::local::WaitKind;
use unstuck_base::sync::atomic::{AtomicUsize, Ordering};
use unstuck_base::wake_batch::WakeBatch;

use crate::wait_list::{Leftover, State, WaitList, Waiter};

/// Makes tasks wait for one another until a number of them has arrived; then all go on, and the next group can form.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
/// use unstuck_base::parker::block_on;
/// use unstuck_sync::Barrier;
///
/// let barrier = Arc::new(Barrier::new(3));
/// let threads: Vec<_> = (0..3)
///     .map(|_| {
///         let barrier = barrier.clone();
///         std::thread::spawn(move || block_on(barrier.wait()).is_leader())
///     })
///     .collect();
/// let led: Vec<bool> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
/// assert_eq!(led.iter().filter(|led| **led).count(), 1);
/// ```
pub struct Barrier {
    n: usize,
    arrived: AtomicUsize,
    list: WaitList,
}

/// What [`Barrier::wait`] gives: whether this task was the one that completed its group.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicU32, Ordering};
/// use unstuck_base::parker::block_on;
/// use unstuck_sync::Barrier;
///
/// // Two workers count; the one that completes the group sums up for both.
/// let (barrier, total) = (Arc::new(Barrier::new(2)), Arc::new(AtomicU32::new(0)));
/// let workers = [10, 20].map(|part| {
///     let (barrier, total) = (barrier.clone(), total.clone());
///     std::thread::spawn(move || {
///         total.fetch_add(part, Ordering::Relaxed);
///         block_on(barrier.wait()).is_leader().then(|| total.load(Ordering::Relaxed))
///     })
/// });
/// let sums = workers.map(|worker| worker.join().unwrap());
/// assert!(sums.contains(&Some(30)) && sums.contains(&None));
/// ```
#[derive(Debug, Clone)]
pub struct BarrierWaitResult(bool);

impl Barrier {
    /// A barrier for groups of `n` tasks. With `n` = 0 it is like one for groups of one: nobody waits.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::Barrier;
    ///
    /// # unstuck_base::parker::block_on(async {
    /// let barrier = Barrier::new(1);
    /// assert!(barrier.wait().await.is_leader());
    /// # });
    /// ```
    #[track_caller]
    pub fn new(n: usize) -> Barrier {
        Barrier { n: n.max(1), arrived: AtomicUsize::new(0), list: WaitList::new() }
    }

    /// Waits until `n` tasks wait here. One of them is told that it [leads](BarrierWaitResult::is_leader).
    ///
    /// # Cancel safety
    /// Dropping the future takes the arrival back: the group waits for another task.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    /// use unstuck_sync::Barrier;
    ///
    /// # unstuck_base::parker::block_on(async {
    /// let barrier = Arc::new(Barrier::new(2));
    /// let other = std::thread::spawn({
    ///     let barrier = barrier.clone();
    ///     move || unstuck_base::parker::block_on(barrier.wait()).is_leader()
    /// });
    /// let leads = barrier.wait().await.is_leader();
    /// assert_ne!(leads, other.join().unwrap());
    /// # });
    /// ```
    #[track_caller]
    pub fn wait(&self) -> impl Future<Output = BarrierWaitResult> {
        Arrival { barrier: self, joined: false, waiter: Waiter::new(WaitKind::Barrier, Location::caller()) }
    }

    fn key(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }
}

impl fmt::Debug for Barrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Barrier").field("n", &self.n).finish_non_exhaustive()
    }
}

impl BarrierWaitResult {
    /// Whether this task completed its group: true for exactly one of them.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::Barrier;
    ///
    /// # unstuck_base::parker::block_on(async {
    /// if Barrier::new(1).wait().await.is_leader() {
    ///     println!("everybody is here");
    /// }
    /// # });
    /// ```
    pub fn is_leader(&self) -> bool {
        self.0
    }
}

/// What [`Barrier::wait`] returns.
struct Arrival<'a> {
    barrier: &'a Barrier,
    joined: bool,
    waiter: Waiter,
}

impl Arrival<'_> {
    /// Arrives. `true`: the group is complete.
    fn arrive(&self, cx: &mut Context<'_>) -> bool {
        let barrier = self.barrier;
        let waker = cx.waker().clone();
        let mut batch = WakeBatch::new();
        let mut queue = barrier.list.lock();
        // Relaxed: rule 1.
        let arrived = barrier.arrived.load(Ordering::Relaxed) + 1;
        if arrived == barrier.n {
            barrier.arrived.store(0, Ordering::Relaxed);
            queue.call_all(&mut batch);
            drop(queue);
            batch.wake_all();
            return true;
        }
        barrier.arrived.store(arrived, Ordering::Relaxed);
        // SAFETY: rule 1 of the wait list: the waiter is pinned with us, and leaves in our `drop` or before.
        unsafe {
            queue.join(&self.waiter);
            queue.stamp(&self.waiter, barrier.key());
            let _none = queue.leave_waker(&self.waiter, waker);
        }
        false
    }

    /// Looks whether the group was completed.
    fn look(&self, cx: &mut Context<'_>) -> bool {
        // SAFETY: we are the future that owns the waiter.
        if unsafe { self.waiter.take_call(self.barrier.key()) }.is_some() {
            return true;
        }
        let mut leftover = Leftover::default();
        // SAFETY: the waiter has joined this list: `joined`.
        unsafe {
            let mut queue = self.barrier.list.lock_again(&self.waiter, cx.waker(), &mut leftover);
            if queue.state(&self.waiter) == State::Waiting {
                queue.stamp(&self.waiter, self.barrier.key());
                return false;
            }
            let _called = queue.leave(&self.waiter, self.barrier.key(), &mut leftover);
        }
        true
    }
}

impl Future for Arrival<'_> {
    type Output = BarrierWaitResult;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<BarrierWaitResult> {
        // SAFETY: only the waiter must stay in place, and it is only shared.
        let this = unsafe { self.get_unchecked_mut() };
        if !this.joined {
            let leads = this.arrive(cx);
            this.joined = !leads;
            return if leads { Poll::Ready(BarrierWaitResult(true)) } else { Poll::Pending };
        }
        if !this.look(cx) {
            return Poll::Pending;
        }
        this.joined = false;
        Poll::Ready(BarrierWaitResult(false))
    }
}

impl Drop for Arrival<'_> {
    fn drop(&mut self) {
        if !self.joined {
            return;
        }
        let barrier = self.barrier;
        let mut leftover = Leftover::default();
        let mut queue = barrier.list.lock();
        // SAFETY: the waiter has joined this list: `joined`. We are being dropped in place.
        let left = unsafe { queue.leave(&self.waiter, barrier.key(), &mut leftover) };
        if left.state == State::Waiting {
            // Relaxed: rule 1; and rule 3.
            barrier.arrived.store(barrier.arrived.load(Ordering::Relaxed) - 1, Ordering::Relaxed);
        }
        drop(queue);
    }
}
