//! Broadcast channels.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Context;

use unstuck_base::entered;
use unstuck_base::local::WaitKind;
use unstuck_sync::broadcast::{
    self,
    error::{RecvError, TryRecvError},
};

use crate::support::{Census, Task, acting_waker, as_task, budget_of, now, panicking_waker};

#[test]
fn every_receiver_gets_every_message_sent_since_it_came() {
    let (sender, mut early) = broadcast::channel(8);
    assert_eq!(sender.send(1).unwrap(), 1);
    let mut late = sender.subscribe();
    assert_eq!(sender.send(2).unwrap(), 2);
    assert_eq!((now(early.recv()), now(early.recv())), (Ok(1), Ok(2)));
    assert_eq!(now(late.recv()), Ok(2));
    let mut latest = early.resubscribe();
    assert_eq!(latest.try_recv(), Err(TryRecvError::Empty));
    assert!(early.same_channel(&latest) && early.is_empty());
}

#[test]
fn a_message_wakes_all_who_wait_and_nobody_else() {
    let (sender, mut idle) = broadcast::channel(4);
    let mut receivers: Vec<_> = (0..100).map(|_| sender.subscribe()).collect();
    let mut waiting: Vec<_> = receivers.iter_mut().map(|receiver| Task::new(receiver.recv())).collect();
    waiting.iter_mut().for_each(Task::pending);
    assert_eq!(sender.send("hello").unwrap(), 101);
    sender.send("again").unwrap();
    for task in &mut waiting {
        assert_eq!(task.wakes.count(), 1);
        assert_eq!(task.ready(), Ok("hello"));
    }
    drop(waiting);
    assert_eq!(idle.try_recv(), Ok("hello"));
}

#[test]
fn a_slow_receiver_learns_how_much_it_missed() {
    for capacity in [1, 2, 3, 4, 5, 8] {
        let kept = usize::next_power_of_two(capacity);
        for sent in 0..40usize {
            let (sender, mut receiver) = broadcast::channel(capacity);
            for n in 0..sent {
                sender.send(n).unwrap();
            }
            assert_eq!(receiver.len(), sent);
            assert_eq!(sender.len(), sent.min(kept));
            let missed = sent.saturating_sub(kept);
            if missed > 0 {
                assert_eq!(receiver.try_recv(), Err(TryRecvError::Lagged(missed as u64)));
            }
            for n in missed..sent {
                assert_eq!(now(receiver.recv()), Ok(n));
            }
            assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
            assert!(sender.is_empty());
        }
    }
}

#[test]
fn the_end_comes_after_what_is_left() {
    let (sender, mut receiver) = broadcast::channel(2);
    let mut waiting_receiver = receiver.resubscribe();
    let other = sender.clone();
    let weak = sender.downgrade();
    for n in 0..3 {
        sender.send(n).unwrap();
    }
    drop(sender);
    assert!(!receiver.is_closed());
    while waiting_receiver.try_recv() != Err(TryRecvError::Empty) {}
    let mut waiting = Task::new(waiting_receiver.recv());
    waiting.pending();
    drop(other);
    assert!(waiting.is_woken());
    assert_eq!(waiting.ready(), Err(RecvError::Closed));
    assert!(receiver.is_closed() && weak.upgrade().is_none());
    assert_eq!(now(receiver.recv()), Err(RecvError::Lagged(1)));
    assert_eq!((now(receiver.recv()), now(receiver.recv())), (Ok(1), Ok(2)));
    assert_eq!(now(receiver.recv()), Err(RecvError::Closed));
    assert_eq!(receiver.resubscribe().try_recv(), Err(TryRecvError::Closed));
}

#[test]
fn messages_are_dropped_when_the_last_receiver_has_had_them() {
    let census = Census::default();
    let (sender, mut a) = broadcast::channel(4);
    let mut b = sender.subscribe();
    for n in 0..6 {
        sender.send(census.value(n)).unwrap();
    }
    assert_eq!(census.living(), 4, "two were overwritten");
    assert!(matches!(a.try_recv(), Err(TryRecvError::Lagged(2))));
    assert_eq!(a.try_recv().unwrap().number, 2);
    assert_eq!(census.living(), 4, "the other has not had it");
    drop(a);
    assert_eq!(census.living(), 4);
    assert!(matches!(b.try_recv(), Err(TryRecvError::Lagged(2))));
    assert_eq!(b.try_recv().unwrap().number, 2);
    assert_eq!((census.living(), sender.len()), (3, 3));
    drop(b);
    assert_eq!((census.living(), sender.len()), (0, 0));
    assert!(sender.send(census.value(9)).is_err());
    assert_eq!(census.living(), 0);
}

#[test]
fn a_receiver_that_lags_far_behind_leaves_without_a_trace() {
    let census = Census::default();
    let (sender, behind) = broadcast::channel(2);
    let mut other = sender.subscribe();
    for n in 0..5 {
        sender.send(census.value(n)).unwrap();
    }
    drop(behind);
    assert_eq!(census.living(), 2);
    assert!(matches!(other.try_recv(), Err(TryRecvError::Lagged(3))));
    assert_eq!((other.try_recv().unwrap().number, other.try_recv().unwrap().number), (3, 4));
    assert_eq!(census.living(), 0);
}

#[test]
fn senders_learn_when_the_receivers_are_gone_and_may_begin_anew() {
    let (sender, receiver) = broadcast::channel::<()>(2);
    let mut closed = Task::new(sender.closed());
    closed.pending();
    drop(receiver);
    assert!(closed.is_woken());
    let receiver = sender.subscribe();
    closed.pending();
    drop(receiver);
    closed.ready();
    assert_eq!(sender.receiver_count(), 0);
}

#[test]
fn a_clone_that_panics_counts_as_received() {
    struct Fragile(bool);
    impl Clone for Fragile {
        fn clone(&self) -> Self {
            assert!(!self.0, "a clone that panics");
            Fragile(false)
        }
    }
    let (sender, mut a) = broadcast::channel(4);
    let mut b = sender.subscribe();
    assert!(sender.send(Fragile(true)).is_ok());
    assert!(sender.send(Fragile(false)).is_ok());
    for receiver in [&mut a, &mut b] {
        assert!(catch_unwind(AssertUnwindSafe(|| receiver.try_recv().is_ok())).is_err());
        assert!(receiver.try_recv().is_ok());
    }
    assert!(sender.is_empty());
}

#[test]
fn a_waker_or_destructor_that_panics_corrupts_nothing() {
    let census = Census::default();
    let (sender, mut a) = broadcast::channel(4);
    let mut b = sender.subscribe();
    let mut bad = Box::pin(a.recv());
    assert!(bad.as_mut().poll(&mut Context::from_waker(&panicking_waker())).is_pending());
    let mut good = Task::new(b.recv());
    good.pending();
    assert!(catch_unwind(AssertUnwindSafe(|| sender.send(census.value(1)).is_ok())).is_err());
    assert!(good.is_woken());
    assert_eq!(good.ready().unwrap().number, 1);
    drop((bad, good));
    sender.send(census.panicking(2)).unwrap();
    sender.send(census.value(3)).unwrap();
    drop(b);
    assert!(catch_unwind(AssertUnwindSafe(|| drop(a))).is_err());
    assert_eq!((census.living(), sender.receiver_count()), (0, 0));
}

#[test]
fn wakers_may_use_the_channel() {
    let (sender, mut receiver) = broadcast::channel::<u8>(4);
    let again = sender.clone();
    let waker = acting_waker(move || {
        assert_eq!(again.receiver_count(), 1);
        again.send(again.len() as u8).unwrap();
    });
    let mut receiving = Box::pin(receiver.recv());
    assert!(receiving.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    sender.send(7).unwrap();
    drop(receiving);
    assert_eq!((receiver.try_recv(), receiver.try_recv()), (Ok(7), Ok(1)));
}

#[test]
fn threads_account_for_every_message() {
    const EACH: u64 = 3000;
    let (sender, receiver) = broadcast::channel(16);
    let mut receivers: Vec<_> = (0..3).map(|_| sender.subscribe()).collect();
    drop(receiver);
    let counting: Vec<_> = receivers
        .drain(..)
        .map(|mut receiver| {
            std::thread::spawn(move || {
                let (mut got, mut missed, mut last) = (0, 0, [None; 2]);
                loop {
                    match receiver.blocking_recv() {
                        Ok((from, n)) => {
                            let from: usize = from;
                            assert!(last[from].is_none_or(|last| last < n), "each sender's order is kept");
                            last[from] = Some(n);
                            got += 1;
                        }
                        Err(RecvError::Lagged(n)) => missed += n,
                        Err(RecvError::Closed) => return (got, missed),
                    }
                }
            })
        })
        .collect();
    let sending: Vec<_> = (0..2)
        .map(|me| {
            let sender = sender.clone();
            std::thread::spawn(move || (0..EACH).for_each(|n| assert!(sender.send((me, n)).is_ok())))
        })
        .collect();
    sending.into_iter().for_each(|thread| thread.join().unwrap());
    drop(sender);
    for thread in counting {
        let (got, missed) = thread.join().unwrap();
        assert_eq!(got + missed, 2 * EACH);
    }
}

#[test]
fn blocking_inside_a_runtime_is_refused() {
    let (_sender, mut receiver) = broadcast::channel::<()>(1);
    let entered = entered::enter();
    assert!(catch_unwind(AssertUnwindSafe(|| receiver.blocking_recv().is_ok())).is_err());
    drop(entered);
}

#[test]
fn capacities_that_make_no_sense_are_refused() {
    let refusal =
        |capacity| *catch_unwind(|| broadcast::channel::<()>(capacity)).unwrap_err().downcast::<&str>().unwrap();
    assert_eq!(refusal(0), "broadcast channel capacity cannot be zero");
    assert_eq!(refusal(usize::MAX), "broadcast channel capacity exceeded `usize::MAX / 2`");
}

#[test]
fn a_task_says_that_it_waits_and_where() {
    let (_sender, mut receiver) = broadcast::channel::<()>(1);
    let line = line!() + 1;
    let mut receiving = Task::new(receiver.recv());
    let ((), waits) = as_task(|| receiving.pending());
    assert_eq!((waits.len(), waits[0].kind, waits[0].at.line()), (1, WaitKind::Receive, line));
}

#[test]
fn receiving_and_closing_cost_budget() {
    let (sender, mut receiver) = broadcast::channel(1);
    let receives = budget_of(|| {
        sender.send(1).unwrap();
        Task::new(receiver.recv()).poll().map(drop)
    });
    drop(receiver);
    let ends = budget_of(|| Task::new(sender.closed()).poll());
    for polls in [receives, ends] {
        assert!((1..1000).contains(&polls), "{polls}");
    }
}

#[test]
fn senders_are_counted_and_shown() {
    let (sender, receiver) = broadcast::channel::<()>(1);
    let other = sender.clone();
    let weak = sender.downgrade();
    assert!(weak.upgrade().unwrap().same_channel(&other));
    assert_eq!((sender.strong_count(), weak.clone().weak_count()), (2, 2));
    assert_eq!((receiver.sender_strong_count(), receiver.sender_weak_count()), (2, 1));
    drop((sender, other));
    assert_eq!((weak.strong_count(), weak.weak_count()), (0, 1));
    assert_eq!(format!("{receiver:?} {weak:?}"), "broadcast::Receiver broadcast::WeakSender");
    let closed = broadcast::Sender::new(1).send(5).unwrap_err();
    assert_eq!((closed.to_string(), format!("{closed:?}")), ("channel closed".into(), "SendError(5)".into()));
    assert_eq!(RecvError::Lagged(3).to_string(), "channel lagged by 3");
    assert_eq!(TryRecvError::Empty.to_string(), "channel empty");
}
