//! The future that waits for permits.
//!
//! 1. It takes permits at once if it can; else it takes a place in the queue, where they are handed to it.
//! 2. The task's budget is charged when the claim ends, and only then. A claim that could end but has no budget keeps
//!    what it got, as a grant in the queue, and wakes its task: it has lost no place when the task runs again.
//! 3. It gives everything back if it is dropped before it has ended.
//! 4. A poll that has to wait looks whether a sibling has what it needs and is not polled (`wait_list/takeover.rs`).

use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

use unstuck_base::local::{self, WaitKind};
use unstuck_base::sync::MutexGuard;
use unstuck_base::sync::atomic::Ordering;
use unstuck_base::wake_batch::WakeBatch;

use super::{CLOSED, Closed, MAX_PERMITS, Permits, Refused, WAITERS};
use crate::wait_list::{Leftover, Queue, State, Waiter};

/// Something that owns or borrows permits: what a claim holds on to while it waits, and gives back when it is granted.
///
/// # Safety
/// `permits` returns the same permits every time, also after the value was moved, and they live as long as the value.
pub(crate) unsafe trait Source {
    /// The permits that are claimed.
    fn permits(&self) -> &Permits;
}

// SAFETY: a shared reference keeps its referent in place.
unsafe impl Source for &Permits {
    fn permits(&self) -> &Permits {
        self
    }
}

/// A future that waits for permits. They are the caller's once it is ready: whoever gets the source back must release
/// them.
#[derive(Debug)]
pub(crate) struct Claim<S: Source> {
    source: Option<S>,
    waiter: Waiter,
}

const POLLED_AFTER_END: &str = "a future was polled after it had ended";

impl<S: Source> Claim<S> {
    /// A claim for `needs` permits of `source`, made by the code at `at`. Nothing happens before the first poll.
    #[inline]
    pub(crate) fn new(source: S, needs: usize, kind: WaitKind, at: &'static Location<'static>) -> Self {
        Claim { source: Some(source), waiter: Waiter::for_amount(needs, kind, at) }
    }

    /// How many permits it is for.
    #[inline]
    pub(crate) fn needs(&self) -> usize {
        self.waiter.needs()
    }

    /// Where the user's code asked.
    #[inline]
    pub(crate) fn at(&self) -> &'static Location<'static> {
        self.waiter.at()
    }

    /// The fields, and the waiter in its place.
    fn parts(self: Pin<&mut Self>) -> (&mut Option<S>, &Waiter) {
        // SAFETY: only the waiter must stay in place, and it is only shared. `source` may move: it keeps its referent
        // in place (`Source`).
        let this = unsafe { self.get_unchecked_mut() };
        (&mut this.source, &this.waiter)
    }

    /// What a poll needs of a claim that has not ended.
    #[inline]
    fn place(self: Pin<&mut Self>) -> Place<'_> {
        let (source, waiter) = self.parts();
        Place { permits: source.as_ref().expect(POLLED_AFTER_END).permits(), waiter }
    }
}

impl<S: Source> Future for Claim<S> {
    type Output = Result<S, Closed>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let ended = if self.waiter.is_joined() {
            self.as_mut().poll_queued(cx)
        } else {
            let Place { permits, waiter } = self.as_mut().place();
            match permits.try_acquire(waiter.needs()) {
                Ok(()) => match local::try_charge() {
                    Some(charge) => {
                        charge.made_progress();
                        Poll::Ready(Ok(()))
                    }
                    None => self.as_mut().keep(cx),
                },
                Err(Refused::NoPermits) => self.as_mut().poll_queueing(cx),
                Err(Refused::Closed) => end_closed(cx),
            }
        };
        ended.map(|ended| {
            let source = self.parts().0.take().expect(POLLED_AFTER_END);
            ended.map(|()| source)
        })
    }
}

impl<S: Source> Claim<S> {
    /// There were too few permits: takes a place in the queue.
    #[cold]
    fn poll_queueing(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Closed>> {
        let place = self.place();
        let Place { permits, waiter } = place;
        assert!(waiter.needs() <= MAX_PERMITS, "a semaphore may not have more than MAX_PERMITS permits");
        let waker = cx.waker().clone();
        let mut batch = WakeBatch::new();
        let mut queue = permits.list.lock();
        // Relaxed: CLOSED changes under the lock that we have.
        if permits.word.load(Ordering::Relaxed) & CLOSED != 0 {
            drop(queue);
            return end_closed(cx);
        }
        let mut is_early = false;
        // SAFETY: rule 1 of the wait list: the waiter is pinned with us, and leaves in our `drop` or before.
        unsafe {
            let is_first = !queue.is_waited_for();
            queue.join(waiter);
            if is_first {
                permits.somebody_waits();
                permits.hand_out(&mut queue, 0, &mut batch);
            }
            if !is_first || queue.state(waiter) == State::Waiting {
                queue.stamp_first(waiter, permits.key());
                if !queue.has_granted_sibling(waiter) {
                    let _none = queue.leave_waker(waiter, waker);
                    drop(queue);
                    batch.wake_all();
                    return Poll::Pending;
                }
                is_early = permits.look_for_abandoned(&mut queue, waiter, &mut batch);
            }
        }
        place.conclude(queue, Some(waker).into(), is_early, &mut batch, cx)
    }

    /// A later poll: looks whether the queue has granted the claim.
    fn poll_queued(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Closed>> {
        let place = self.place();
        let Place { permits, waiter } = place;
        let mut leftover = Leftover::default();
        // SAFETY: the waiter has joined this list.
        let mut queue = unsafe { permits.list.lock_again(waiter, cx.waker(), &mut leftover) };
        // SAFETY: as above.
        let waits = unsafe { queue.state(waiter) == State::Waiting };
        let charge = if waits { None } else { local::try_charge() };
        let Some(charge) = charge else {
            // SAFETY: as above.
            unsafe {
                queue.stamp_again(waiter, permits.key());
                if waits && queue.has_granted_sibling(waiter) {
                    return place.poll_beside_granted(queue, cx);
                }
            }
            drop(queue);
            if !waits {
                cx.waker().wake_by_ref();
            }
            return Poll::Pending;
        };
        // SAFETY: as above.
        if unsafe { queue.may_have_siblings(waiter) } {
            drop(charge);
            return place.conclude(queue, Leftover::default(), false, &mut WakeBatch::new(), cx);
        }
        // SAFETY: as above.
        let left = unsafe { queue.leave(waiter, permits.key(), &mut leftover) };
        let is_closed = place.consumed();
        drop(queue);
        charge.made_progress();
        if !is_closed {
            return Poll::Ready(Ok(()));
        }
        permits.release(left.has);
        Poll::Ready(Err(Closed))
    }

    /// The permits were there, but the budget is spent: keeps them as a grant in the queue (rule 2).
    #[cold]
    fn keep(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Closed>> {
        let Place { permits, waiter } = self.place();
        if waiter.needs() > 0 {
            let mut queue = permits.list.lock();
            // SAFETY: rule 1 of the wait list: the waiter is pinned with us, and leaves in our `drop` or before.
            unsafe {
                queue.join_granted(waiter);
                queue.stamp_first(waiter, permits.key());
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Leaves the queue, and gives back what it had been given (rule 3).
    #[cold]
    fn give_up(&mut self) {
        let permits = self.source.as_ref().expect("a queued claim has not ended").permits();
        let mut leftover = Leftover::default();
        let mut batch = WakeBatch::new();
        let mut queue = permits.list.lock();
        // SAFETY: the waiter has joined this list. We are being dropped in place.
        let left = unsafe {
            queue.heir(&self.waiter).into_iter().for_each(|heir| batch.push(heir));
            queue.leave(&self.waiter, permits.key(), &mut leftover)
        };
        permits.hand_out(&mut queue, left.has, &mut batch);
        drop(queue);
        batch.wake_all();
    }
}

impl<S: Source> Drop for Claim<S> {
    #[inline]
    fn drop(&mut self) {
        if self.waiter.is_joined() {
            self.give_up();
        }
    }
}

/// A claim that has not ended: what its polls need of it.
#[derive(Clone, Copy)]
struct Place<'a> {
    permits: &'a Permits,
    waiter: &'a Waiter,
}

impl Place<'_> {
    /// The end of a poll of a claim that waits and has a granted sibling. It was stamped, and its waker is there.
    #[cold]
    fn poll_beside_granted(self, mut queue: MutexGuard<'_, Queue>, cx: &mut Context<'_>) -> Poll<Result<(), Closed>> {
        let mut batch = WakeBatch::new();
        // SAFETY: the waiter has joined this list. Its task needs no wake for what it does itself.
        let (waker, is_early) = unsafe {
            let waker = queue.take_waker(self.waiter);
            (waker, self.permits.look_for_abandoned(&mut queue, self.waiter, &mut batch))
        };
        self.conclude(queue, waker.into(), is_early, &mut batch, cx)
    }

    /// The end of a poll of a claim that was granted, or of one that may have granted it, and others: their wakers are in
    /// `batch`. If the claim has to wait it leaves its waker in the queue, and wakes itself if it is to look again.
    #[cold]
    fn conclude(
        self,
        mut queue: MutexGuard<'_, Queue>,
        mut waker: Leftover,
        is_early: bool,
        batch: &mut WakeBatch,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Closed>> {
        let Place { permits, waiter } = self;
        // SAFETY: the waiter has joined this list.
        let granted = unsafe { queue.state(waiter) == State::Granted };
        let Some(charge) = (if granted { local::try_charge() } else { None }) else {
            // SAFETY: as above.
            unsafe {
                if granted {
                    queue.stamp_again(waiter, permits.key());
                }
                if let Some(needed) = waker.take() {
                    waker.keep(queue.leave_waker(waiter, needed));
                }
            }
            drop(queue);
            batch.wake_all();
            if granted || is_early {
                cx.waker().wake_by_ref();
            }
            return Poll::Pending;
        };
        let mut leftover = Leftover::default();
        // SAFETY: as above.
        let left = unsafe {
            queue.heir(waiter).into_iter().for_each(|heir| batch.push(heir));
            queue.leave(waiter, permits.key(), &mut leftover)
        };
        let is_closed = self.consumed();
        drop(queue);
        // A waker in the batch may panic: then what we consumed must not be lost.
        let consumed = Consumed { permits, needs: left.has };
        batch.wake_all();
        charge.made_progress();
        if is_closed {
            return Poll::Ready(Err(Closed));
        }
        std::mem::forget(consumed);
        Poll::Ready(Ok(()))
    }

    /// The claim has just left the queue, whose lock is still ours, with what it needs: says so in the record of who
    /// holds what. Whether the permits are closed, so that it ends in the error.
    #[inline]
    fn consumed(self) -> bool {
        // Relaxed: CLOSED and WAITERS change under the lock that we have.
        let word = self.permits.word.load(Ordering::Relaxed);
        if word & WAITERS != 0 && !self.waiter.is_exclusive() {
            self.permits.held_by.fetched();
        }
        word & CLOSED != 0
    }
}

/// Permits that a poll has consumed and not yet handed to its caller: they go back if a waker panics before.
struct Consumed<'a> {
    permits: &'a Permits,
    needs: usize,
}

impl Drop for Consumed<'_> {
    fn drop(&mut self) {
        self.permits.release(self.needs);
    }
}

/// Ends in the error, if there is budget; wakes the task again if not.
#[cold]
fn end_closed(cx: &mut Context<'_>) -> Poll<Result<(), Closed>> {
    match local::poll_budget(cx) {
        Poll::Ready(charge) => {
            charge.made_progress();
            Poll::Ready(Err(Closed))
        }
        Poll::Pending => Poll::Pending,
    }
}
