//! A thread waits until it is told: the parker of one thread, and `block_on` for code outside any runtime.
//!
//! | state \ event | park              | unpark            |
//! |---------------|-------------------|-------------------|
//! | EMPTY         | PARKED, sleep     | NOTIFIED          |
//! | PARKED        | - (one thread)    | NOTIFIED, wake it |
//! | NOTIFIED      | EMPTY, return     | NOTIFIED          |
//!
//! 1. One thread parks; any thread unparks.
//! 2. An unpark that comes before the park is not lost, and several count as one.
//! 3. What the unparking thread wrote before is seen after the park returns.
//! 4. A sleeper that the parent of this process had is not here, so it is left alone: its lock may be held for ever.
//! 5. The sleeper is woken through the lock, so a wake-up between its last look and its sleep is not lost.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use crate::const_unless_model;
use crate::fork::UsedBy;
use crate::local;
use crate::sync::atomic::{AtomicU8, Ordering};
use crate::sync::{Condvar, Mutex};

const EMPTY: u8 = 0;
const PARKED: u8 = 1;
const NOTIFIED: u8 = 2;

/// Where one thread sleeps; see the table.
#[derive(Debug)]
pub struct Parker {
    state: AtomicU8,
    lock: Mutex<()>,
    bell: Condvar,
    /// Whose thread slept last (rule 4).
    used_by: UsedBy,
}

impl Default for Parker {
    fn default() -> Self {
        Parker::new()
    }
}

impl Parker {
    const_unless_model! {
        /// A parker that nobody has notified.
        pub fn new() -> Self {
            Parker {
                state: AtomicU8::new(EMPTY),
                lock: Mutex::new(()),
                bell: Condvar::new(),
                used_by: UsedBy::nobody(),
            }
        }
    }

    /// Sleeps until somebody unparks.
    pub fn park(&self) {
        if self.take_notification() {
            return;
        }
        let mut guard = self.lock.lock();
        if !self.go_to_sleep() {
            return;
        }
        loop {
            guard = self.bell.wait(guard);
            // Relaxed: the swap below looks again.
            if self.state.load(Ordering::Relaxed) != PARKED {
                // Acquire by a swap, not a store: another unpark that counts as one with the first may have come since,
                // and what it wrote must be seen too (rule 3).
                self.state.swap(EMPTY, Ordering::Acquire);
                return;
            }
        }
    }

    /// Sleeps until somebody unparks, or (about) `limit` has passed. It may return early.
    pub fn park_for(&self, limit: Duration) {
        if self.take_notification() {
            return;
        }
        let guard = self.lock.lock();
        if !self.go_to_sleep() {
            return;
        }
        let (_guard, _timed_out) = self.bell.wait_for(guard, limit);
        // Acquire: as in `park`. The state is PARKED when the limit passed, or NOTIFIED.
        self.state.swap(EMPTY, Ordering::Acquire);
    }

    /// Takes a notification that is there already; never sleeps.
    pub fn take_notification(&self) -> bool {
        // Acquire: pairs with the Release in `unpark`.
        self.state.compare_exchange(NOTIFIED, EMPTY, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    /// Wakes the thread, or makes its next park return at once. `true` says that it slept.
    pub fn unpark(&self) -> bool {
        // Release: pairs with the Acquires of the parking side.
        if self.state.swap(NOTIFIED, Ordering::Release) != PARKED {
            return false;
        }
        // The sleeper holds the lock from its last look at the state until it waits; passing through the lock makes
        // sure that it waits when the bell rings (rule 5).
        if self.used_by.is_the_parent() {
            return false;
        }
        drop(self.lock.lock());
        self.bell.notify_one();
        true
    }

    /// EMPTY to PARKED; `false` when a notification came first, which is taken. Needs the lock.
    fn go_to_sleep(&self) -> bool {
        self.used_by.set_this();
        match self.state.compare_exchange(EMPTY, PARKED, Ordering::Relaxed, Ordering::Acquire) {
            Ok(_) => true,
            Err(_) => {
                // Acquire by a swap, to see what the latest unpark wrote (rule 3).
                self.state.swap(EMPTY, Ordering::Acquire);
                false
            }
        }
    }
}

impl Wake for Parker {
    fn wake(self: std::sync::Arc<Self>) {
        self.unpark();
    }

    fn wake_by_ref(self: &std::sync::Arc<Self>) {
        self.unpark();
    }
}

/// Runs `future` to its end on this thread, which sleeps while the future waits. No runtime is involved: for the
/// `blocking_*` methods of channels and locks. Inside a task, that task's polls go on here.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let parker = std::sync::Arc::new(Parker::new());
    let waker = Waker::from(parker.clone());
    let mut cx = Context::from_waker(&waker);
    let mut future = pin!(future);
    let mut task = local::current_task();
    loop {
        let poll = || future.as_mut().poll(&mut cx);
        let polled = match &mut task {
            Some(task) => {
                task.poll = task.poll.wrapping_add(1);
                local::in_poll_of(*task, poll)
            }
            None => local::with_full_budget(poll),
        };
        match polled {
            Poll::Ready(output) => return output,
            Poll::Pending => parker.park(),
        }
    }
}

#[cfg(all(test, not(unstuck_loom)))]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn a_notification_before_the_park_is_not_lost_and_counts_once() {
        let parker = Parker::new();
        assert!(!parker.unpark());
        assert!(!parker.unpark());
        parker.park();
        assert!(!parker.take_notification());
    }

    #[test]
    fn a_sleeping_thread_is_woken() {
        let parker = Arc::new(Parker::new());
        let sleeper = std::thread::spawn({
            let parker = parker.clone();
            move || parker.park()
        });
        while !parker.unpark() && !sleeper.is_finished() {
            std::thread::yield_now();
        }
        sleeper.join().unwrap();
    }

    #[test]
    fn the_limit_ends_a_park() {
        let parker = Parker::new();
        parker.park_for(Duration::from_millis(1));
        assert!(!parker.take_notification());
        parker.unpark();
        parker.park_for(Duration::MAX);
    }

    #[test]
    fn block_on_waits_for_a_waker_of_another_thread() {
        let (send, receive) = std::sync::mpsc::channel::<Waker>();
        let waking = std::thread::spawn(move || receive.recv().unwrap().wake());
        let mut polls = 0;
        block_on(std::future::poll_fn(|cx| {
            polls += 1;
            if polls == 1 {
                send.send(cx.waker().clone()).unwrap();
                return Poll::Pending;
            }
            Poll::Ready(())
        }));
        waking.join().unwrap();
        assert_eq!(polls, 2);
    }
}
