//! Loom: the value, the two wakers and the allocation of a oneshot channel.

use std::pin::Pin;
use std::task::{Context, Waker};

use loom::future::block_on;
use unstuck_base::sync::thread;

use crate::oneshot::{self, error::TryRecvError};

#[test]
fn loom_oneshot_a_value_is_received() {
    loom::model(|| {
        let (sender, receiver) = oneshot::channel();
        let sending = thread::spawn(move || sender.send(7).unwrap());
        assert_eq!(block_on(receiver), Ok(7));
        sending.join().unwrap();
    });
}

#[test]
fn loom_oneshot_a_sender_that_gives_up_ends_the_wait() {
    loom::model(|| {
        let (sender, receiver) = oneshot::channel::<()>();
        let dropping = thread::spawn(move || drop(sender));
        assert!(block_on(receiver).is_err());
        dropping.join().unwrap();
    });
}

#[test]
fn loom_oneshot_sent_while_the_receiver_goes_is_dropped_once() {
    loom::model(|| {
        let value = std::sync::Arc::new(());
        let (sender, receiver) = oneshot::channel();
        let sending = thread::spawn({
            let value = value.clone();
            move || sender.send(value).is_ok()
        });
        drop(receiver);
        sending.join().unwrap();
        assert_eq!(std::sync::Arc::strong_count(&value), 1);
    });
}

#[test]
fn loom_oneshot_closing_refuses_or_receives() {
    loom::model(|| {
        let (sender, mut receiver) = oneshot::channel();
        let sending = thread::spawn(move || sender.send(1).is_ok());
        receiver.close();
        let received = receiver.try_recv();
        let sent = sending.join().unwrap();
        assert_eq!(received, if sent { Ok(1) } else { Err(TryRecvError::Closed) });
    });
}

#[test]
fn loom_oneshot_the_sender_learns_that_the_receiver_is_gone() {
    loom::model(|| {
        let (mut sender, receiver) = oneshot::channel::<()>();
        let dropping = thread::spawn(move || drop(receiver));
        block_on(sender.closed());
        assert!(sender.is_closed());
        dropping.join().unwrap();
    });
}

#[test]
fn loom_oneshot_a_receiver_may_change_its_waker_while_the_value_comes() {
    loom::model(|| {
        let (sender, mut receiver) = oneshot::channel();
        let sending = thread::spawn(move || sender.send(3).unwrap());
        let early = Pin::new(&mut receiver).poll(&mut Context::from_waker(Waker::noop()));
        if early.is_pending() {
            assert_eq!(block_on(&mut receiver), Ok(3));
        }
        sending.join().unwrap();
    });
}

#[test]
fn loom_oneshot_both_wait_and_both_go() {
    loom::model(|| {
        let (mut sender, mut receiver) = oneshot::channel::<()>();
        let sending = thread::spawn(move || {
            let _ = sender.poll_closed(&mut Context::from_waker(Waker::noop()));
        });
        let _ = Pin::new(&mut receiver).poll(&mut Context::from_waker(Waker::noop()));
        drop(receiver);
        sending.join().unwrap();
    });
}
