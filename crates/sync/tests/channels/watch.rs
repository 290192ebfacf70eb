//! Watch channels.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::{Context, Poll};

use unstuck_base::local::WaitKind;
use unstuck_base::parker::block_on;
use unstuck_sync::watch;

use crate::support::{Census, Task, acting_waker, as_task, budget_of, now, panicking_waker};

#[test]
fn a_change_wakes_all_who_wait_and_nobody_else() {
    let (sender, mut first) = watch::channel(0);
    let mut others: Vec<_> = (0..100).map(|_| first.clone()).collect();
    let mut idle = first.clone();
    let mut waiting: Vec<_> = others.iter_mut().map(|receiver| Task::new(receiver.changed())).collect();
    waiting.iter_mut().for_each(Task::pending);
    sender.send(1).unwrap();
    for task in &mut waiting {
        assert_eq!(task.wakes.count(), 1);
        task.ready().unwrap();
    }
    drop(waiting);
    assert!(others.iter().all(|receiver| !receiver.has_changed().unwrap() && *receiver.borrow() == 1));
    assert!(idle.has_changed().unwrap());
    now(idle.changed()).unwrap();
    assert!(first.borrow_and_update().has_changed());
}

#[test]
fn only_the_latest_value_is_seen() {
    let (sender, mut receiver) = watch::channel(0);
    for n in 1..10 {
        sender.send(n).unwrap();
    }
    now(receiver.changed()).unwrap();
    assert_eq!(*receiver.borrow(), 9);
    Task::new(receiver.changed()).pending();
}

#[test]
fn a_waiter_that_is_dropped_misses_no_change() {
    let (sender, mut receiver) = watch::channel(0);
    let mut waiting = Task::new(receiver.changed());
    waiting.pending();
    sender.send(1).unwrap();
    assert!(waiting.is_woken());
    drop(waiting);
    now(receiver.changed()).unwrap();
    let mut waiting = Task::new(receiver.changed());
    waiting.pending();
    drop(waiting);
    sender.send(2).unwrap();
    now(receiver.changed()).unwrap();
}

#[test]
fn borrowing_does_not_count_as_having_seen() {
    let (sender, mut receiver) = watch::channel(0);
    sender.send(1).unwrap();
    assert!(receiver.borrow().has_changed());
    assert!(receiver.has_changed().unwrap());
    assert!(receiver.borrow_and_update().has_changed());
    assert!(!receiver.borrow_and_update().has_changed());
    receiver.mark_changed();
    receiver.mark_changed();
    assert!(receiver.has_changed().unwrap());
    let copy = receiver.clone();
    receiver.mark_unchanged();
    assert!(!receiver.has_changed().unwrap() && copy.has_changed().unwrap());
    assert!(!sender.borrow().has_changed());
}

#[test]
fn the_end_comes_after_the_last_value() {
    let (sender, mut receiver) = watch::channel("one");
    let mut other = receiver.clone();
    let mut waiting = Task::new(other.changed());
    waiting.pending();
    let second = sender.clone();
    drop(sender);
    assert!(!waiting.is_woken());
    second.send("two").unwrap();
    drop(second);
    waiting.ready().unwrap();
    drop(waiting);
    assert!(now(other.changed()).is_err());
    assert!(receiver.is_closed() && receiver.has_changed().is_err());
    now(receiver.changed()).unwrap();
    assert!(now(receiver.changed()).is_err());
    assert_eq!(*receiver.borrow(), "two");
    assert_eq!(*now(receiver.wait_for(|value| *value == "two")).unwrap(), "two");
    assert!(now(receiver.wait_for(|value| *value == "three")).is_err());
}

#[test]
fn waiting_for_a_condition_asks_each_value_once() {
    let (sender, mut receiver) = watch::channel(0);
    let mut asked = Vec::new();
    let mut waiting = Task::new(receiver.wait_for(|value| {
        asked.push(*value);
        *value >= 3
    }));
    waiting.pending();
    waiting.pending();
    for n in 1..=3 {
        sender.send(n).unwrap();
        assert!(waiting.is_woken());
        if n < 3 {
            waiting.pending();
        }
    }
    {
        let found = waiting.ready().unwrap();
        assert!(*found == 3 && found.has_changed());
    }
    drop(waiting);
    assert_eq!(asked, [0, 1, 2, 3]);
    assert!(!receiver.has_changed().unwrap());
}

#[test]
fn senders_learn_when_the_receivers_are_gone_and_may_begin_anew() {
    let (sender, receiver) = watch::channel(0);
    let mut closed = Task::new(sender.closed());
    closed.pending();
    let other = receiver.clone();
    drop(receiver);
    assert!(!closed.is_woken());
    drop(other);
    assert!(closed.is_woken());
    let receiver = sender.subscribe();
    closed.pending();
    assert!(!sender.is_closed());
    drop(receiver);
    assert!(closed.is_woken());
    closed.ready();
    assert_eq!(sender.send(1).unwrap_err().0, 1);
    assert_eq!(*sender.borrow(), 0, "what was refused is not there");
    assert_eq!(sender.send_replace(2), 0);
    assert_eq!(*sender.subscribe().borrow(), 2);
}

#[test]
fn a_change_that_is_not_told_is_seen_by_nobody_until_the_next() {
    let (sender, mut receiver) = watch::channel(0);
    let mut other = receiver.clone();
    let mut waiting = Task::new(other.changed());
    waiting.pending();
    assert!(!sender.send_if_modified(|value| {
        *value = 1;
        false
    }));
    assert!(!waiting.is_woken() && !receiver.has_changed().unwrap());
    assert_eq!(*receiver.borrow_and_update(), 1);
    assert!(sender.send_if_modified(|_| true));
    assert!(waiting.is_woken());
    now(receiver.changed()).unwrap();
}

#[test]
fn a_panic_while_changing_leaves_the_channel_usable() {
    let (sender, mut receiver) = watch::channel(0);
    let mut other = receiver.clone();
    let mut waiting = Task::new(other.changed());
    waiting.pending();
    for _ in 0..3 {
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            sender.send_modify(|value| {
                *value = 5;
                panic!("while changing");
            });
        }));
        assert!(panicked.is_err());
        assert!(!waiting.is_woken() && !receiver.has_changed().unwrap());
        assert_eq!(*receiver.borrow(), 5);
    }
    sender.send(6).unwrap();
    waiting.ready().unwrap();
    assert_eq!(*receiver.borrow_and_update(), 6);

    let asking = catch_unwind(AssertUnwindSafe(|| now(receiver.wait_for(|_| panic!("while asking"))).is_ok()));
    assert!(asking.is_err());
    sender.send(7).unwrap();
    assert_eq!(*now(receiver.wait_for(|value| *value == 7)).unwrap(), 7);
}

#[test]
fn a_waker_that_panics_does_not_swallow_the_others() {
    let (sender, mut a) = watch::channel(0);
    let (mut b, mut c) = (a.clone(), a.clone());
    let mut first = Task::new(a.changed());
    first.pending();
    let mut bad = Box::pin(b.changed());
    assert!(bad.as_mut().poll(&mut Context::from_waker(&panicking_waker())).is_pending());
    let mut last = Task::new(c.changed());
    last.pending();
    assert!(catch_unwind(AssertUnwindSafe(|| sender.send(1))).is_err());
    assert!(first.is_woken() && last.is_woken());
    first.ready().unwrap();
    last.ready().unwrap();
    assert!(matches!(bad.as_mut().poll(&mut Context::from_waker(&panicking_waker())), Poll::Ready(Ok(()))));
}

#[test]
fn wakers_and_old_values_may_use_the_channel() {
    struct Looks(Option<watch::Receiver<u32>>);
    impl Drop for Looks {
        fn drop(&mut self) {
            if let Some(receiver) = &self.0 {
                let _ = *receiver.borrow();
            }
        }
    }
    let (numbers, receiver) = watch::channel(1);
    let (sender, mut looking) = watch::channel(Looks(Some(receiver)));
    let mut waiting = Box::pin(looking.changed());
    let again = sender.clone();
    let waker = acting_waker(move || {
        again.send_if_modified(|_| false);
    });
    assert!(waiting.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    sender.send(Looks(None)).unwrap_or_else(|_| panic!("there is a receiver"));
    numbers.send_replace(2);
    drop(waiting);
}

#[test]
fn values_are_dropped_once() {
    let census = Census::default();
    let (sender, receiver) = watch::channel(census.value(0));
    for n in 1..10 {
        sender.send(census.value(n)).unwrap();
        assert_eq!(census.living(), 1);
    }
    assert_eq!(sender.send_replace(census.value(10)).number, 9);
    assert_eq!(census.living(), 1);
    drop(receiver);
    assert!(sender.send(census.value(11)).is_err());
    assert_eq!(census.living(), 1);
    drop(sender);
    assert_eq!(census.living(), 0);
}

#[test]
fn threads_see_values_that_only_grow() {
    let (sender, receiver) = watch::channel((0u64, 0u64));
    let threads: Vec<_> = (0..3)
        .map(|_| {
            let mut receiver = receiver.clone();
            std::thread::spawn(move || {
                let mut last = 0;
                while block_on(receiver.changed()).is_ok() {
                    let (a, b) = *receiver.borrow_and_update();
                    assert!(a == b && a >= last);
                    last = a;
                }
                last
            })
        })
        .collect();
    drop(receiver);
    for n in 1..=2000 {
        let _ = sender.send((n, n));
    }
    drop(sender);
    for thread in threads {
        assert_eq!(thread.join().unwrap(), 2000, "the last value is always seen");
    }
}

#[test]
fn a_task_says_that_it_waits_and_where() {
    let (sender, mut receiver) = watch::channel(0);
    let line = line!() + 1;
    let mut waiting = Task::new(receiver.changed());
    let ((), waits) = as_task(|| waiting.pending());
    assert_eq!((waits.len(), waits[0].kind, waits[0].at.line()), (1, WaitKind::Watch, line));
    let ((), waits) = as_task(|| {
        waiting.pending();
        drop(waiting);
    });
    assert!(waits.is_empty());
    drop(sender);
}

#[test]
fn every_wait_costs_budget() {
    let (sender, mut receiver) = watch::channel(0);
    let changes = budget_of(|| {
        sender.send(1).unwrap();
        Task::new(receiver.changed()).poll().map(drop)
    });
    let conditions = budget_of(|| Task::new(receiver.wait_for(|_| true)).poll().map(drop));
    let mut closing = Some(receiver);
    drop(closing.take());
    let ends = budget_of(|| Task::new(sender.closed()).poll());
    for polls in [changes, conditions, ends] {
        assert!((1..1000).contains(&polls), "{polls}");
    }
}

#[test]
fn ends_are_counted_and_recognized() {
    let sender = watch::Sender::<Vec<i32>>::default();
    assert!(sender.is_closed() && sender.same_channel(&sender.clone()));
    let (a, b) = (sender.subscribe(), sender.subscribe());
    assert!(a.same_channel(&b) && !a.same_channel(&watch::channel(vec![]).1));
    let other = sender.clone();
    assert_eq!((sender.receiver_count(), sender.sender_count()), (2, 2));
    drop((a, other));
    assert_eq!((sender.receiver_count(), sender.sender_count()), (1, 1));
}

#[test]
fn debugging_shows_the_value_unless_it_is_locked() {
    let (sender, mut receiver) = watch::channel(5);
    assert_eq!(format!("{sender:?}"), "Sender { value: 5, is_closed: false, .. }");
    assert_eq!(format!("{:?}", receiver.borrow()), "Ref { inner: 5, has_changed: false }");
    sender.send_modify(|_| assert!(format!("{receiver:?}").contains("<locked>")));
    let refused = {
        let (sender, _) = watch::channel(Arc::new(1));
        sender.send(Arc::new(2)).unwrap_err()
    };
    assert_eq!((refused.to_string(), format!("{refused:?}")), ("channel closed".into(), "SendError { .. }".into()));
    drop(sender);
    now(receiver.changed()).unwrap();
    let error = now(receiver.changed()).unwrap_err();
    assert_eq!((error.to_string(), format!("{error:?}")), ("channel closed".into(), "RecvError(())".into()));
}
