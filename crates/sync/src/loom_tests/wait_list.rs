//! Loom: the wait list.

use std::panic::Location;
use std::task::Waker;

use unstuck_base::local::WaitKind;
use unstuck_base::sync::{Arc, thread};
use unstuck_base::wake_batch::WakeBatch;

use crate::wait_list::{Leftover, State, WaitList, Waiter};

#[test]
fn loom_wait_list_a_waiter_leaves_while_it_is_granted() {
    loom::model(|| {
        let list = Arc::new(WaitList::new());
        let waiter = Arc::new(Waiter::new(WaitKind::Notify, Location::caller()));
        let _none = {
            let mut queue = list.lock();
            // SAFETY: the waiter leaves below, before it is freed.
            unsafe {
                queue.join(&waiter);
                queue.leave_waker(&waiter, Waker::noop().clone())
            }
        };
        let granting = thread::spawn({
            let list = list.clone();
            move || {
                let mut batch = WakeBatch::new();
                let mut queue = list.lock();
                let granted = queue.is_waited_for() && queue.give_first(1, &mut batch).is_some();
                drop(queue);
                assert_eq!(granted, batch.len() == 1, "who is granted is woken");
                granted
            }
        });
        let mut leftover = Leftover::default();
        // SAFETY: the waiter has joined this list.
        let left = unsafe { list.lock().leave(&waiter, 0, &mut leftover) };
        let granted = granting.join().unwrap();
        match left.state {
            State::Granted => assert!(granted && left.has == 1 && !leftover.is_some()),
            State::Waiting => assert!(!granted && left.has == 0 && leftover.is_some()),
            State::Called => panic!("it was not called"),
        }
        assert!(!list.lock().is_waited_for());
    });
}

#[test]
fn loom_wait_list_a_new_waker_is_either_woken_or_not_needed() {
    loom::model(|| {
        let list = Arc::new(WaitList::new());
        let waiter = Waiter::new(WaitKind::Notify, Location::caller());
        // SAFETY: the waiter leaves below, before it is freed.
        unsafe { list.lock().join(&waiter) };
        let calling = thread::spawn({
            let list = list.clone();
            move || {
                let mut batch = WakeBatch::new();
                list.lock().call_all(&mut batch);
                batch.len()
            }
        });
        let mut leftover = Leftover::default();
        // SAFETY: the waiter has joined this list.
        let state = unsafe {
            let mut queue = list.lock_again(&waiter, Waker::noop(), &mut leftover);
            queue.state(&waiter)
        };
        let woken = calling.join().unwrap();
        assert_eq!(woken == 1, state == State::Waiting);
        // SAFETY: as above.
        let left = unsafe { list.lock().leave(&waiter, 0, &mut leftover) };
        assert_eq!(left.state, State::Called);
    });
}
