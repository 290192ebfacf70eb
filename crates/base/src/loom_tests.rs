//! Loom: waker_cell, parker.

use std::task::Waker;

use loom::future::block_on;

use crate::parker::Parker;
use crate::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use crate::sync::{Arc, thread};
use crate::waker_cell::WakerCell;

#[test]
fn loom_waker_cell_news_during_registration_is_not_lost() {
    loom::model(|| {
        let shared = Arc::new((WakerCell::new(), AtomicBool::new(false)));
        let waking = thread::spawn({
            let shared = shared.clone();
            move || {
                shared.1.store(true, Ordering::Relaxed);
                shared.0.wake();
            }
        });
        block_on(std::future::poll_fn(|cx| {
            shared.0.register(cx.waker());
            match shared.1.load(Ordering::Relaxed) {
                true => std::task::Poll::Ready(()),
                false => std::task::Poll::Pending,
            }
        }));
        waking.join().unwrap();
    });
}

#[test]
fn loom_waker_cell_two_takers_touch_the_slot_one_at_a_time() {
    loom::model(|| {
        let cell = Arc::new(WakerCell::new());
        let taking = thread::spawn({
            let cell = cell.clone();
            move || cell.wake()
        });
        cell.register(Waker::noop());
        cell.wake();
        taking.join().unwrap();
        cell.register(Waker::noop());
        assert!(cell.take().is_some());
    });
}

#[test]
fn loom_parker_never_sleeps_through_a_notification() {
    loom::model(|| {
        let shared = Arc::new((Parker::new(), AtomicUsize::new(0)));
        let unparking = thread::spawn({
            let shared = shared.clone();
            move || {
                shared.1.store(1, Ordering::Relaxed);
                shared.0.unpark();
            }
        });
        shared.0.park();
        assert_eq!(shared.1.load(Ordering::Relaxed), 1);
        unparking.join().unwrap();
    });
}

#[test]
fn loom_parker_two_notifications_that_count_as_one_are_both_seen() {
    let mut model = loom::model::Builder::new();
    // All schedules take half a minute.
    model.preemption_bound = Some(3);
    model.check(|| {
        let shared = Arc::new((Parker::new(), AtomicUsize::new(0)));
        let [first, second] = [1, 2].map(|news| {
            let shared = shared.clone();
            thread::spawn(move || {
                shared.1.fetch_or(news, Ordering::Relaxed);
                shared.0.unpark();
            })
        });
        while shared.1.load(Ordering::Relaxed) != 3 {
            shared.0.park();
        }
        first.join().unwrap();
        second.join().unwrap();
    });
}
