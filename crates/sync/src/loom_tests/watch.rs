//! Loom: watch and its version: a change against those who begin to wait, and the ends of both sides.

use std::pin::pin;

use loom::future::block_on;
use unstuck_base::sync::thread;

use super::poll_once;
use crate::watch;

/// Schedules in which threads are interrupted so often at most, besides where they block.
fn with_three_preemptions(check: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(check);
}

#[test]
fn loom_watch_a_change_reaches_who_waits() {
    loom::model(|| {
        let (sender, mut receiver) = watch::channel(0);
        let sending = thread::spawn(move || {
            sender.send(1).unwrap();
            sender
        });
        block_on(receiver.changed()).unwrap();
        assert_eq!(*receiver.borrow_and_update(), 1);
        assert!(!receiver.has_changed().unwrap());
        drop(sending.join().unwrap());
    });
}

#[test]
fn loom_watch_the_last_value_is_seen_before_the_end() {
    with_three_preemptions(|| {
        let (sender, mut receiver) = watch::channel(0);
        let sending = thread::spawn(move || sender.send(1).unwrap());
        block_on(receiver.changed()).unwrap();
        assert_eq!(*receiver.borrow(), 1);
        assert!(block_on(receiver.changed()).is_err());
        sending.join().unwrap();
    });
}

#[test]
fn loom_watch_one_change_reaches_two_who_wait() {
    with_three_preemptions(|| {
        let (sender, mut receiver) = watch::channel(0);
        let mut other = receiver.clone();
        let waiting = thread::spawn(move || block_on(other.wait_for(|value| *value == 1)).is_ok());
        let mut early = Box::pin(receiver.changed());
        let ready = poll_once(early.as_mut()).is_ready();
        assert!(!ready);
        sender.send(1).unwrap();
        block_on(early).unwrap();
        assert!(waiting.join().unwrap());
    });
}

#[test]
fn loom_watch_leaving_while_being_called() {
    loom::model(|| {
        let (sender, mut receiver) = watch::channel(0);
        let sending = thread::spawn(move || sender.send(1).unwrap());
        {
            let mut changed = pin!(receiver.changed());
            let _ = poll_once(changed.as_mut());
        }
        sending.join().unwrap();
        assert_eq!(*receiver.borrow(), 1);
    });
}

#[test]
fn loom_watch_the_sender_learns_that_the_receivers_are_gone() {
    loom::model(|| {
        let (sender, receiver) = watch::channel(0);
        let dropping = thread::spawn(move || drop(receiver));
        block_on(sender.closed());
        assert!(sender.send(1).is_err());
        dropping.join().unwrap();
    });
}
