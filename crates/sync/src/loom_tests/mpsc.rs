//! Loom: mpsc with its blocks and tail: the list of blocks, the parking of the receiver, the end of a channel.

use std::sync::Arc;
use std::task::{Context, Waker};

use loom::future::block_on;
use unstuck_base::sync::thread;

use crate::mpsc::{self, error::TryRecvError};

/// So large that a block has two slots: a few messages cross blocks and use them again.
struct Large(usize, [u64; 40]);

fn large(n: usize) -> Large {
    Large(n, [n as u64; 40])
}

fn model(check: impl Fn() + Send + Sync + 'static) {
    with_preemptions(3, check);
}

/// Schedules in which threads are interrupted so often at most, besides where they block.
fn with_preemptions(bound: usize, check: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(bound);
    builder.check(check);
}

#[test]
fn loom_mpsc_messages_cross_blocks_in_order() {
    with_preemptions(2, || {
        let (sender, mut receiver) = mpsc::unbounded_channel();
        assert!(sender.send(large(0)).is_ok());
        let sending = thread::spawn(move || {
            assert!(sender.send(large(1)).is_ok());
            assert!(sender.send(large(2)).is_ok());
        });
        for n in 0..3 {
            let Large(received, filling) = block_on(receiver.recv()).unwrap();
            assert_eq!((received, filling[39]), (n, n as u64));
        }
        assert!(block_on(receiver.recv()).is_none());
        sending.join().unwrap();
    });
}

#[test]
fn loom_mpsc_a_parked_receiver_is_woken_though_no_sender_goes() {
    model(|| {
        let (sender, mut receiver) = mpsc::unbounded_channel();
        // There is a block with room, so that the next message is claimed in it.
        sender.send(0).unwrap();
        receiver.try_recv().unwrap();
        let sending = thread::spawn(move || {
            sender.send(1).unwrap();
            sender.send(2).unwrap();
            sender
        });
        assert_eq!(block_on(receiver.recv()), Some(1));
        assert_eq!(block_on(receiver.recv()), Some(2));
        drop(sending.join().unwrap());
    });
}

#[test]
fn loom_mpsc_two_senders_claim_different_slots() {
    model(|| {
        let (sender, mut receiver) = mpsc::unbounded_channel();
        let sending = thread::spawn({
            let sender = sender.clone();
            move || assert!(sender.send(large(1)).is_ok())
        });
        assert!(sender.send(large(2)).is_ok());
        drop(sender);
        let first = block_on(receiver.recv()).unwrap().0;
        let second = block_on(receiver.recv()).unwrap().0;
        assert_eq!(first + second, 3);
        sending.join().unwrap();
        assert_eq!(receiver.try_recv().err(), Some(TryRecvError::Disconnected));
    });
}

#[test]
fn loom_mpsc_two_senders_extend_the_list_once_each() {
    model(|| {
        let (sender, mut receiver) = mpsc::unbounded_channel();
        // One block is full, so that both find no room.
        assert!(sender.send(large(0)).is_ok());
        assert!(sender.send(large(1)).is_ok());
        let sending = thread::spawn({
            let sender = sender.clone();
            move || assert!(sender.send(large(2)).is_ok())
        });
        assert!(sender.send(large(3)).is_ok());
        assert_eq!(receiver.try_recv().unwrap().0, 0);
        assert_eq!(receiver.try_recv().unwrap().0, 1);
        sending.join().unwrap();
        assert_eq!(receiver.len(), 2);
        let rest = receiver.try_recv().unwrap().0 + receiver.try_recv().unwrap().0;
        assert_eq!(rest, 5);
    });
}

#[test]
fn loom_mpsc_the_last_sender_to_go_ends_the_wait() {
    model(|| {
        let (sender, mut receiver) = mpsc::unbounded_channel::<()>();
        let other = sender.clone();
        let dropping = thread::spawn(move || drop(other));
        drop(sender);
        assert!(block_on(receiver.recv()).is_none());
        dropping.join().unwrap();
    });
}

#[test]
fn loom_mpsc_sent_while_the_receiver_goes_is_dropped_once() {
    model(|| {
        let value = Arc::new(());
        let (sender, receiver) = mpsc::unbounded_channel();
        let sending = thread::spawn({
            let value = value.clone();
            move || {
                let _ = sender.send(value.clone());
                let _ = sender.send(value);
                sender
            }
        });
        drop(receiver);
        let sender = sending.join().unwrap();
        assert_eq!(Arc::strong_count(&value), 1, "nothing stays in a channel without a receiver");
        drop(sender);
    });
}

#[test]
fn loom_mpsc_a_full_channel_wakes_its_sender() {
    model(|| {
        let (sender, mut receiver) = mpsc::channel(1);
        sender.try_send(1).unwrap();
        let sending = thread::spawn(move || {
            block_on(sender.send(2)).unwrap();
            sender
        });
        assert_eq!(block_on(receiver.recv()), Some(1));
        assert_eq!(block_on(receiver.recv()), Some(2));
        drop(sending.join().unwrap());
    });
}

#[test]
fn loom_mpsc_a_closed_receiver_is_woken_by_the_last_permit() {
    model(|| {
        let (sender, mut receiver) = mpsc::channel::<()>(1);
        let permit = sender.clone().try_reserve_owned().unwrap();
        receiver.close();
        let dropping = thread::spawn(move || drop(permit.release()));
        assert!(block_on(receiver.recv()).is_none());
        dropping.join().unwrap();
        drop(sender);
    });
}

#[test]
fn loom_mpsc_a_closed_receiver_is_woken_by_a_reservation_that_fails() {
    with_preemptions(2, || {
        let (sender, mut receiver) = mpsc::channel::<()>(2);
        let permit = sender.clone().try_reserve_owned().unwrap();
        let reserving = thread::spawn(move || assert!(block_on(sender.reserve_many(2)).is_err()));
        receiver.close();
        drop(permit);
        assert!(block_on(receiver.recv()).is_none());
        reserving.join().unwrap();
    });
}

#[test]
fn loom_mpsc_closing_while_sending_loses_nothing() {
    model(|| {
        let (sender, mut receiver) = mpsc::channel(1);
        let sending = thread::spawn(move || {
            let sent = sender.try_send(1).is_ok();
            (sent, sender)
        });
        receiver.close();
        let received = block_on(receiver.recv());
        let (sent, _sender) = sending.join().unwrap();
        assert_eq!(received.is_some(), sent);
    });
}

#[test]
fn loom_mpsc_a_sender_learns_of_the_end() {
    model(|| {
        let (sender, receiver) = mpsc::unbounded_channel::<()>();
        let dropping = thread::spawn(move || drop(receiver));
        block_on(sender.closed());
        dropping.join().unwrap();
        assert!(sender.send(()).is_err());
    });
}

#[test]
fn loom_mpsc_a_receiver_may_change_its_waker_while_a_message_comes() {
    model(|| {
        let (sender, mut receiver) = mpsc::unbounded_channel();
        let sending = thread::spawn(move || sender.send(3).unwrap());
        let early = receiver.poll_recv(&mut Context::from_waker(Waker::noop()));
        if early.is_pending() {
            assert_eq!(block_on(receiver.recv()), Some(3));
        }
        sending.join().unwrap();
    });
}

#[test]
fn loom_mpsc_upgrading_races_with_the_last_sender() {
    model(|| {
        let (sender, mut receiver) = mpsc::unbounded_channel();
        let weak = sender.downgrade();
        let upgrading = thread::spawn(move || weak.upgrade().map(|sender| sender.send(1).unwrap()).is_some());
        drop(sender);
        let received = block_on(receiver.recv());
        assert_eq!(received.is_some(), upgrading.join().unwrap());
    });
}
