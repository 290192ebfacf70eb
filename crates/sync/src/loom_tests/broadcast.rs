//! Loom: broadcast and its ring: sending against receiving, waiting, lagging and leaving.

use std::sync::Arc;

use loom::future::block_on;
use unstuck_base::sync::thread;

use crate::broadcast::{self, error::RecvError};

fn model(check: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(check);
}

#[test]
fn loom_broadcast_a_message_reaches_who_waits() {
    model(|| {
        let (sender, mut receiver) = broadcast::channel(2);
        let sending = thread::spawn(move || {
            sender.send(1).unwrap();
            sender.send(2).unwrap();
        });
        assert_eq!(block_on(receiver.recv()), Ok(1));
        assert_eq!(block_on(receiver.recv()), Ok(2));
        assert_eq!(block_on(receiver.recv()), Err(RecvError::Closed));
        sending.join().unwrap();
    });
}

#[test]
fn loom_broadcast_two_receivers_drop_a_message_once() {
    model(|| {
        let message = Arc::new(());
        let (sender, mut receiver) = broadcast::channel(2);
        let mut other = sender.subscribe();
        sender.send(message.clone()).unwrap();
        let receiving = thread::spawn(move || drop(other.try_recv().unwrap()));
        drop(receiver.try_recv().unwrap());
        receiving.join().unwrap();
        assert_eq!(Arc::strong_count(&message), 1);
        assert!(sender.is_empty());
    });
}

#[test]
fn loom_broadcast_a_receiver_leaves_while_messages_come() {
    model(|| {
        let message = Arc::new(());
        let (sender, receiver) = broadcast::channel(1);
        let _other = sender.subscribe();
        sender.send(message.clone()).unwrap();
        let leaving = thread::spawn(move || drop(receiver));
        sender.send(message.clone()).unwrap();
        leaving.join().unwrap();
        assert_eq!(Arc::strong_count(&message), 2, "the other receiver has not had the last one");
        drop(_other);
        assert_eq!(Arc::strong_count(&message), 1);
    });
}

#[test]
fn loom_broadcast_lagging_counts_every_missed_message() {
    model(|| {
        let (sender, mut receiver) = broadcast::channel(1);
        let sending = thread::spawn(move || {
            for n in 0..2 {
                sender.send(n).unwrap();
            }
        });
        let mut accounted = 0;
        loop {
            match block_on(receiver.recv()) {
                Ok(n) => {
                    assert_eq!(n, accounted);
                    accounted += 1;
                }
                Err(RecvError::Lagged(missed)) => accounted += missed,
                Err(RecvError::Closed) => break,
            }
        }
        assert_eq!(accounted, 2);
        sending.join().unwrap();
    });
}

#[test]
fn loom_broadcast_the_sender_learns_that_the_receivers_are_gone() {
    model(|| {
        let (sender, receiver) = broadcast::channel::<()>(1);
        let dropping = thread::spawn(move || drop(receiver));
        block_on(sender.closed());
        assert_eq!(sender.receiver_count(), 0);
        dropping.join().unwrap();
    });
}
