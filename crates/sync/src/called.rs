//! A future's place in a wait list in which everybody is called at once: for news that are the same for all.
//!
//! 1. A place lives in the future that waits, pinned with it, and leaves the list when it is dropped.
//! 2. Whoever has news publishes it before it locks the list and calls; whoever waits looks for news under the lock,
//!    before it joins. So one of the two sees the other.
//! 3. Being called says "look again", not "here it is": the news may be over by the time the task runs.
//!
//! The futures of `closed` and `changed`, and the receivers of a broadcast, wait so.

use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

use unstuck_base::local::WaitKind;
use unstuck_base::wake_batch::WakeBatch;

use crate::wait_list::{Leftover, State, WaitList, Waiter};

/// One future's place; see the module's rules.
#[derive(Debug)]
pub(crate) struct Place<'a> {
    list: &'a WaitList,
    joined: bool,
    waiter: Waiter,
}

impl<'a> Place<'a> {
    /// A place that is not taken yet, for a future that the code at `at` asked for.
    pub(crate) fn new(list: &'a WaitList, kind: WaitKind, at: &'static Location<'static>) -> Self {
        Place { list, joined: false, waiter: Waiter::new(kind, at) }
    }

    /// Waits until called, unless `is_news` says under the lock that there is no need. Ready: look for the news.
    ///
    /// `is_news` runs no user code; it says to those who have news that somebody waits, if they ask before they lock.
    pub(crate) fn poll_called(self: Pin<&mut Self>, cx: &mut Context<'_>, is_news: impl FnOnce() -> bool) -> Poll<()> {
        // SAFETY: only the waiter must stay in place, and it is only shared.
        let this = unsafe { self.get_unchecked_mut() };
        if this.joined {
            return this.poll_again(cx);
        }
        let waker = cx.waker().clone();
        let mut queue = this.list.lock();
        if is_news() {
            drop(queue);
            return Poll::Ready(());
        }
        // SAFETY: rule 1 of the wait list: the waiter is pinned with us, it is in no list, and it leaves in our `drop`
        // or before.
        let _none = unsafe {
            queue.join(&this.waiter);
            queue.stamp(&this.waiter, key(this.list));
            queue.leave_waker(&this.waiter, waker)
        };
        this.joined = true;
        Poll::Pending
    }

    fn poll_again(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut leftover = Leftover::default();
        // SAFETY: `joined`: the waiter has joined this list and no other.
        unsafe {
            let mut queue = self.list.lock_again(&self.waiter, cx.waker(), &mut leftover);
            if queue.state(&self.waiter) == State::Waiting {
                queue.stamp(&self.waiter, key(self.list));
                return Poll::Pending;
            }
            let _called = queue.leave(&self.waiter, key(self.list), &mut leftover);
        }
        self.joined = false;
        Poll::Ready(())
    }

    #[cold]
    fn leave(&mut self) {
        let mut leftover = Leftover::default();
        let mut queue = self.list.lock();
        // SAFETY: `joined`, as above.
        let _left = unsafe { queue.leave(&self.waiter, key(self.list), &mut leftover) };
        drop(queue);
    }
}

impl Drop for Place<'_> {
    #[inline]
    fn drop(&mut self) {
        if self.joined {
            self.leave();
        }
    }
}

/// Calls everybody in the list. The news has been published (rule 2).
pub(crate) fn call_all(list: &WaitList) {
    let mut queue = list.lock();
    if !queue.is_waited_for() {
        return;
    }
    let mut batch = WakeBatch::new();
    queue.call_all(&mut batch);
    drop(queue);
    batch.wake_all();
}

/// The list's name in the record of waits.
fn key(list: &WaitList) -> usize {
    std::ptr::from_ref(list).addr()
}
