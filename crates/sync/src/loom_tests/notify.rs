//! Loom: notifications.

use std::pin::pin;
use std::task::Poll;

use loom::future::block_on;
use unstuck_base::sync::atomic::{AtomicBool, Ordering::Relaxed};
use unstuck_base::sync::{Arc, thread};

use super::{model_of_three, poll_once};
use crate::Notify;

#[test]
fn loom_notify_one_reaches_who_begins_to_wait_with_what_came_before() {
    loom::model(|| {
        let shared = Arc::new((Notify::new(), AtomicBool::new(false)));
        let notifying = thread::spawn({
            let shared = shared.clone();
            move || {
                shared.1.store(true, Relaxed);
                shared.0.notify_one();
            }
        });
        block_on(shared.0.notified());
        assert!(shared.1.load(Relaxed));
        notifying.join().unwrap();
    });
}

#[test]
fn loom_notify_waiters_or_the_flag_is_seen() {
    loom::model(|| {
        let shared = Arc::new((Notify::new(), AtomicBool::new(false)));
        let notifying = thread::spawn({
            let shared = shared.clone();
            move || {
                shared.1.store(true, Relaxed);
                shared.0.notify_waiters();
            }
        });
        let notified = shared.0.notified();
        if !shared.1.load(Relaxed) {
            block_on(notified);
            assert!(shared.1.load(Relaxed));
        }
        notifying.join().unwrap();
    });
}

#[test]
fn loom_notify_two_calls_reach_two_waiters() {
    model_of_three(|| {
        let notify = Arc::new(Notify::new());
        let mut first = Box::pin(notify.notified());
        assert!(poll_once(first.as_mut()).is_pending());
        let waiting = thread::spawn({
            let notify = notify.clone();
            move || block_on(notify.notified())
        });
        let notifying = thread::spawn({
            let notify = notify.clone();
            move || notify.notify_one()
        });
        notify.notify_one();
        block_on(first);
        notifying.join().unwrap();
        waiting.join().unwrap();
    });
}

#[test]
fn loom_notify_a_dropped_waiter_passes_it_on() {
    loom::model(|| {
        let notify = Arc::new(Notify::new());
        let notifying = thread::spawn({
            let notify = notify.clone();
            move || notify.notify_one()
        });
        let done = {
            let mut given_up = pin!(notify.notified());
            matches!(poll_once(given_up.as_mut()), Poll::Ready(()))
        };
        if !done {
            block_on(notify.notified());
        }
        notifying.join().unwrap();
        let mut next = pin!(notify.notified());
        assert!(poll_once(next.as_mut()).is_pending(), "one call is one notification");
    });
}

#[test]
fn loom_notify_all_and_one_at_a_time() {
    loom::model(|| {
        let notify = Arc::new(Notify::new());
        let mut waiting = Box::pin(notify.notified());
        assert!(poll_once(waiting.as_mut()).is_pending());
        let all = thread::spawn({
            let notify = notify.clone();
            move || notify.notify_waiters()
        });
        notify.notify_one();
        all.join().unwrap();
        assert!(poll_once(waiting.as_mut()).is_ready());
    });
}

#[test]
fn loom_notify_enabled_before_the_look_misses_nothing() {
    loom::model(|| {
        let shared = Arc::new((Notify::new(), AtomicBool::new(false)));
        let notifying = thread::spawn({
            let shared = shared.clone();
            move || {
                shared.1.store(true, Relaxed);
                shared.0.notify_one();
            }
        });
        let mut notified = pin!(shared.0.notified());
        notified.as_mut().enable();
        if !shared.1.load(Relaxed) {
            block_on(notified);
            assert!(shared.1.load(Relaxed));
        }
        notifying.join().unwrap();
    });
}

#[test]
fn loom_notify_a_waiter_that_leaves_does_not_hide_what_came_before_a_call() {
    model_of_three(|| {
        let shared = Arc::new((Notify::new(), AtomicBool::new(false)));
        let calling = thread::spawn({
            let shared = shared.clone();
            move || {
                shared.1.store(true, Relaxed);
                shared.0.notify_waiters();
            }
        });
        let leaving = thread::spawn({
            let shared = shared.clone();
            move || {
                let mut given_up = pin!(shared.0.notified());
                let _ = poll_once(given_up.as_mut());
            }
        });
        let mut notified = pin!(shared.0.notified());
        if poll_once(notified.as_mut()).is_ready() {
            assert!(shared.1.load(Relaxed));
        }
        calling.join().unwrap();
        leaving.join().unwrap();
    });
}
