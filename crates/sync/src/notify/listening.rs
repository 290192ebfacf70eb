//! One wait for a notification, whether it borrows its `Notify` or keeps it alive.
//!
//! 1. It looks for news without the lock first, and takes a place in the queue only if there are none.
//! 2. Once it is ready it stays ready.
//! 3. Dropped before it knows that it alone was notified, it passes the notification on.

use std::ops::Deref;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Poll, Waker};

use unstuck_base::local::WaitKind;
use unstuck_base::wake_batch::WakeBatch;

use super::Notify;
use crate::wait_list::{Leftover, State, Waiter};

/// The future behind [`Notified`](super::Notified) and [`OwnedNotified`](super::OwnedNotified).
#[derive(Debug)]
pub(super) struct Listening<N: Deref<Target = Notify>> {
    notify: N,
    /// The bits of the round in which this was made.
    round: usize,
    progress: Progress,
    waiter: Waiter,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    Fresh,
    /// The waiter has joined the queue.
    Queued,
    /// Ready, now and whenever it is polled again.
    Done,
}

impl<N: Deref<Target = Notify>> Listening<N> {
    #[inline]
    pub(super) fn new(notify: N, at: &'static Location<'static>) -> Self {
        let round = notify.round();
        Listening { notify, round, progress: Progress::Fresh, waiter: Waiter::new(WaitKind::Notify, at) }
    }

    /// Polls; without a waker it only takes its place.
    #[inline]
    pub(super) fn poll(self: Pin<&mut Self>, waker: Option<&Waker>) -> Poll<()> {
        // SAFETY: only the waiter must stay in place, and it is only shared. `notify` is a reference or an `Arc`: it
        // keeps its referent in place.
        let this = unsafe { self.get_unchecked_mut() };
        let (ready, progress) = match this.progress {
            Progress::Done => (true, Progress::Done),
            Progress::Fresh if this.notify.take_notification(this.round) => (true, Progress::Done),
            Progress::Fresh => this.begin(waker),
            Progress::Queued => this.look(waker),
        };
        this.progress = progress;
        if ready { Poll::Ready(()) } else { Poll::Pending }
    }

    /// Takes a place in the queue.
    #[cold]
    fn begin(&self, waker: Option<&Waker>) -> (bool, Progress) {
        let mut waker = Leftover::from(waker.cloned());
        let mut queue = self.notify.list.lock();
        if !self.notify.begin_to_wait(self.round) {
            return (true, Progress::Done);
        }
        // SAFETY: rule 1 of the wait list: the waiter is pinned with us, and leaves in our `drop` or before.
        unsafe {
            queue.join(&self.waiter);
            if let Some(waker) = waker.take() {
                queue.stamp(&self.waiter, self.notify.key());
                let _none = queue.leave_waker(&self.waiter, waker);
            }
        }
        (false, Progress::Queued)
    }

    /// Looks whether it was notified in the queue.
    fn look(&self, waker: Option<&Waker>) -> (bool, Progress) {
        // SAFETY: we are the future that owns the waiter.
        if unsafe { self.waiter.take_call(self.notify.key()) }.is_some() {
            return (true, Progress::Done);
        }
        let list = &self.notify.list;
        let mut leftover = Leftover::default();
        // SAFETY: the waiter has joined this list: `Queued`.
        unsafe {
            let mut queue = match waker {
                Some(waker) => list.lock_again(&self.waiter, waker, &mut leftover),
                None => list.lock(),
            };
            if queue.state(&self.waiter) == State::Waiting {
                if waker.is_some() {
                    queue.stamp(&self.waiter, self.notify.key());
                }
                return (false, Progress::Queued);
            }
            let _consumed = queue.leave(&self.waiter, self.notify.key(), &mut leftover);
        }
        (true, Progress::Done)
    }

    /// Leaves the queue, and passes on what notified it alone (rule 3).
    #[cold]
    fn give_up(&self) {
        let notify: &Notify = &self.notify;
        let mut leftover = Leftover::default();
        let mut batch = WakeBatch::new();
        let mut queue = notify.list.lock();
        // SAFETY: the waiter has joined this list: `Queued`. We are being dropped in place.
        let left = unsafe { queue.leave(&self.waiter, notify.key(), &mut leftover) };
        match left.state {
            State::Waiting => notify.settle(&queue),
            State::Called if left.has != 0 && !notify.call_one(&mut queue, left.has, &mut batch) => {
                notify.pass_to_nobody();
            }
            State::Called | State::Granted => {}
        }
        drop(queue);
        batch.wake_all();
    }
}

impl<N: Deref<Target = Notify>> Drop for Listening<N> {
    #[inline]
    fn drop(&mut self) {
        if self.progress == Progress::Queued {
            self.give_up();
        }
    }
}
