//! Oneshot channels.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use unstuck_base::local::WaitKind;
use unstuck_base::{entered, parker::block_on};
use unstuck_sync::oneshot::{self, error::TryRecvError};

use crate::support::{Census, Task, Wakes, acting_waker, as_task, budget_of, panicking_waker};

fn poll_with<F: Future + Unpin>(future: &mut F, waker: &Waker) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(waker))
}

#[test]
fn a_value_wakes_the_receiver_that_waits() {
    let (sender, receiver) = oneshot::channel();
    let mut receiving = Task::new(receiver);
    receiving.pending();
    assert!(!receiving.is_woken());
    sender.send(1).unwrap();
    assert!(receiving.is_woken());
    assert_eq!(receiving.ready(), Ok(1));
}

#[test]
fn a_value_that_was_sent_before_is_ready_at_once() {
    let (sender, receiver) = oneshot::channel();
    sender.send("early").unwrap();
    assert_eq!(Task::new(receiver).ready(), Ok("early"));
}

#[test]
fn a_sender_that_is_dropped_ends_the_wait() {
    let (sender, receiver) = oneshot::channel::<i32>();
    let mut receiving = Task::new(receiver);
    receiving.pending();
    drop(sender);
    assert!(receiving.is_woken());
    assert!(receiving.ready().is_err());
}

#[test]
fn the_latest_waker_is_woken_and_the_earlier_one_is_released() {
    let (sender, mut receiver) = oneshot::channel();
    let (first, second) = (Arc::<Wakes>::default(), Arc::<Wakes>::default());
    assert!(poll_with(&mut receiver, &first.clone().into()).is_pending());
    assert!(poll_with(&mut receiver, &second.clone().into()).is_pending());
    assert_eq!(Arc::strong_count(&first), 1);
    sender.send(1).unwrap();
    assert_eq!((first.count(), second.count()), (0, 1));
    assert_eq!(Arc::strong_count(&second), 1);
}

#[test]
fn a_receiver_that_goes_wakes_the_sender_that_waits_for_it() {
    let (mut sender, receiver) = oneshot::channel::<i32>();
    let mut closed = Task::new(sender.closed());
    closed.pending();
    drop(receiver);
    assert!(closed.is_woken());
    closed.ready();
    drop(closed);
    assert!(sender.is_closed());
    assert_eq!(sender.send(3), Err(3));
}

#[test]
fn closing_keeps_what_was_sent_and_refuses_what_comes() {
    let (sender, mut receiver) = oneshot::channel();
    sender.send(1).unwrap();
    receiver.close();
    assert_eq!(Task::new(receiver).ready(), Ok(1));

    let (mut sender, mut receiver) = oneshot::channel();
    let mut closed = Task::new(std::future::poll_fn(|cx| sender.poll_closed(cx)));
    closed.pending();
    receiver.close();
    receiver.close();
    assert_eq!(closed.wakes.count(), 1);
    closed.ready();
    drop(closed);
    assert_eq!(sender.send(2), Err(2));
    assert!(Task::new(receiver).ready().is_err());
}

#[test]
fn the_result_is_given_once() {
    let (sender, mut receiver) = oneshot::channel();
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    assert!(receiver.is_empty() && !receiver.is_terminated());
    sender.send(1).unwrap();
    assert!(!receiver.is_empty() && !receiver.is_terminated());
    assert_eq!(receiver.try_recv(), Ok(1));
    assert!(receiver.is_empty() && receiver.is_terminated());
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed));
    receiver.close();
}

#[test]
#[should_panic(expected = "called after complete")]
fn polling_after_the_result_is_refused() {
    let (sender, mut receiver) = oneshot::channel();
    sender.send(1).unwrap();
    receiver.try_recv().unwrap();
    let _ = Task::new(receiver).poll();
}

#[test]
fn every_order_of_sending_closing_and_dropping_drops_the_value_once() {
    // Bits say: the receiver polled first, the sender polled for the end first, and who does what in which order.
    for bits in 0..32 {
        let census = Census::default();
        let (mut sender, mut receiver) = oneshot::channel();
        let wakes = Arc::<Wakes>::default();
        let waker = Waker::from(wakes.clone());
        if bits & 1 != 0 {
            assert!(poll_with(&mut receiver, &waker).is_pending());
        }
        if bits & 2 != 0 {
            assert!(sender.poll_closed(&mut Context::from_waker(&waker)).is_pending());
        }
        if bits & 16 != 0 {
            receiver.close();
        }
        match (bits >> 2) & 3 {
            0 => {
                let sent = sender.send(census.value(1)).is_ok();
                assert_eq!(sent, bits & 16 == 0);
                drop(receiver);
            }
            1 => {
                drop(receiver);
                assert!(sender.send(census.value(1)).is_err());
            }
            2 => {
                drop(sender);
                drop(receiver);
            }
            _ => {
                drop(receiver);
                drop(sender);
            }
        }
        assert_eq!(census.living(), 0, "bits {bits:05b}");
        drop(waker);
        assert_eq!(Arc::strong_count(&wakes), 1, "a waker leaked: bits {bits:05b}");
    }
}

#[test]
fn a_destructor_or_waker_that_panics_leaks_nothing() {
    let census = Census::default();
    let (sender, receiver) = oneshot::channel();
    sender.send(census.panicking(1)).unwrap();
    assert!(catch_unwind(AssertUnwindSafe(|| drop(receiver))).is_err());
    assert_eq!(census.living(), 0);

    let (sender, mut receiver) = oneshot::channel();
    assert!(poll_with(&mut receiver, &panicking_waker()).is_pending());
    assert!(catch_unwind(AssertUnwindSafe(|| sender.send(census.value(2)))).is_err());
    assert_eq!(receiver.try_recv().unwrap().number, 2);
    assert_eq!(census.living(), 0);
}

#[test]
fn a_waker_may_use_the_other_channel_end_that_it_owns() {
    // Waking drops the waker, which owns the sender of another channel, whose receiver waits too.
    let (outer, outer_receiver) = oneshot::channel::<()>();
    let mut outer_receiving = Task::new(outer_receiver);
    outer_receiving.pending();
    let (sender, mut receiver) = oneshot::channel();
    let outer = std::sync::Mutex::new(Some(outer));
    let waker = acting_waker(move || drop(outer.lock().unwrap().take()));
    assert!(poll_with(&mut receiver, &waker).is_pending());
    drop(waker);
    sender.send(1).unwrap();
    assert!(outer_receiving.is_woken());
    assert!(outer_receiving.ready().is_err());
}

#[test]
fn threads_hand_over_values() {
    for n in 0..200 {
        let (sender, receiver) = oneshot::channel();
        let thread = std::thread::spawn(move || receiver.blocking_recv());
        sender.send(n).unwrap();
        assert_eq!(thread.join().unwrap(), Ok(n));
    }
}

#[test]
fn blocking_inside_a_runtime_is_refused() {
    let entered = entered::enter();
    let (_sender, receiver) = oneshot::channel::<()>();
    let refused = catch_unwind(AssertUnwindSafe(|| receiver.blocking_recv())).unwrap_err();
    drop(entered);
    assert!(refused.downcast_ref::<String>().is_none_or(|text| text.contains("Cannot block")));
}

#[test]
fn a_task_says_that_it_waits_for_the_channel_and_where_it_was_made() {
    let line = line!() + 1;
    let (sender, receiver) = oneshot::channel::<()>();
    let mut receiving = Task::new(receiver);
    let ((), waits) = as_task(|| receiving.pending());
    assert_eq!(waits.len(), 1);
    assert_eq!((waits[0].kind, waits[0].at.line()), (WaitKind::Oneshot, line));

    let ((), waits) = as_task(|| {
        receiving.pending();
        drop(receiving);
    });
    assert!(waits.is_empty(), "what is dropped in the same poll is not waited for");
    drop(sender);
}

#[test]
fn waiting_for_the_end_costs_budget() {
    let (mut sender, receiver) = oneshot::channel::<()>();
    drop(receiver);
    let polls = budget_of(|| Task::new(sender.closed()).poll());
    assert!(polls < 100_000, "a loop around `closed` must let others run");
}

#[test]
fn errors_say_what_happened() {
    let (sender, mut receiver) = oneshot::channel::<()>();
    assert_eq!(receiver.try_recv().unwrap_err().to_string(), "channel empty");
    assert_eq!(format!("{sender:?}"), "Sender { is_closed: false, .. }");
    drop(sender);
    assert_eq!(receiver.try_recv().unwrap_err().to_string(), "channel closed");
    let (_, receiver) = oneshot::channel::<()>();
    let error = block_on(receiver).unwrap_err();
    assert_eq!((error.to_string(), format!("{error:?}")), ("channel closed".into(), "RecvError(())".into()));
}
