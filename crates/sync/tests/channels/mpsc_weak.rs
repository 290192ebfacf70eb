//! Weak senders.

use unstuck_sync::mpsc::{self, error::TryRecvError};

use crate::support::{Task, now};

#[test]
fn a_weak_sender_does_not_keep_the_channel_open() {
    let (sender, mut receiver) = mpsc::channel(2);
    let weak = sender.downgrade();
    now(weak.upgrade().unwrap().send(1)).unwrap();
    drop(sender);
    assert!(weak.upgrade().is_none());
    assert!(receiver.is_closed());
    assert_eq!(receiver.try_recv(), Ok(1));
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Disconnected));

    let (sender, mut receiver) = mpsc::unbounded_channel();
    let weak = sender.downgrade();
    weak.upgrade().unwrap().send(1).unwrap();
    drop(sender);
    assert!(weak.upgrade().is_none());
    assert_eq!(now(receiver.recv()), Some(1));
    assert_eq!(now(receiver.recv()), None);
}

#[test]
fn dropping_an_upgraded_sender_ends_the_channel_if_it_is_the_last() {
    let (sender, mut receiver) = mpsc::channel::<()>(1);
    let upgraded = sender.downgrade().upgrade().unwrap();
    drop(sender);
    let mut receiving = Task::new(receiver.recv());
    receiving.pending();
    drop(upgraded);
    assert!(receiving.is_woken());
    assert_eq!(receiving.ready(), None);
}

#[test]
fn an_owned_permit_keeps_weak_senders_upgradable() {
    let (sender, _receiver) = mpsc::channel::<()>(2);
    let weak = sender.downgrade();
    let permit = sender.try_reserve_owned().unwrap();
    assert!(weak.upgrade().is_some());
    drop(permit);
    assert!(weak.upgrade().is_none());
}

#[test]
fn both_kinds_are_counted() {
    let (sender, receiver) = mpsc::channel::<()>(1);
    let other = sender.clone();
    let (weak, weaker) = (sender.downgrade(), other.downgrade().clone());
    assert_eq!((sender.strong_count(), sender.weak_count()), (2, 2));
    assert_eq!((weak.strong_count(), weak.weak_count()), (2, 2));
    assert_eq!((receiver.sender_strong_count(), receiver.sender_weak_count()), (2, 2));
    drop((other, weaker));
    assert_eq!((receiver.sender_strong_count(), receiver.sender_weak_count()), (1, 1));
    assert_eq!(format!("{weak:?}"), "WeakSender");

    let (sender, receiver) = mpsc::unbounded_channel::<()>();
    let weak = sender.downgrade();
    assert_eq!((sender.strong_count(), weak.weak_count()), (1, 1));
    drop(sender);
    assert_eq!((receiver.sender_strong_count(), receiver.sender_weak_count()), (0, 1));
    assert_eq!(format!("{weak:?}"), "WeakUnboundedSender");
}

#[test]
fn upgrading_races_with_the_last_sender() {
    for _ in 0..200 {
        let (sender, mut receiver) = mpsc::unbounded_channel();
        let weak = sender.downgrade();
        let upgrading = std::thread::spawn(move || weak.upgrade().map(|sender| sender.send(1).unwrap()).is_some());
        drop(sender);
        let received = receiver.blocking_recv();
        assert_eq!(received.is_some(), upgrading.join().unwrap());
        assert_eq!(receiver.blocking_recv(), None);
    }
}
