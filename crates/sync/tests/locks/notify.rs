//! Notifications.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Waker};

use unstuck_base::local::{WaitKind, next_task_id};
use unstuck_base::parker::block_on;
use unstuck_sync::Notify;

use crate::support::{Task, acting_waker, as_task, panicking_waker, waker_with_bad_clones};

#[test]
fn a_notification_before_the_wait_is_stored_once() {
    let notify = Notify::new();
    notify.notify_one();
    notify.notify_one();
    Task::new(notify.notified()).ready();
    Task::new(notify.notified()).pending();
}

#[test]
fn one_notification_wakes_the_longest_waiter() {
    let notify = Notify::new();
    let (mut a, mut b) = (Task::new(notify.notified()), Task::new(notify.notified()));
    a.pending();
    b.pending();
    notify.notify_one();
    assert!(a.is_woken() && !b.is_woken());
    b.pending();
    a.ready();
    notify.notify_one();
    assert!(b.is_woken());
    b.ready();
}

#[test]
fn two_notifications_wake_two_waiters() {
    let notify = Notify::new();
    let (mut a, mut b) = (Task::new(notify.notified()), Task::new(notify.notified()));
    a.pending();
    b.pending();
    notify.notify_one();
    notify.notify_one();
    a.ready();
    b.ready();
    Task::new(notify.notified()).pending();
}

#[test]
fn the_last_waiter_can_be_notified_first() {
    let notify = Notify::new();
    let mut tasks: Vec<_> = (0..3).map(|_| Task::new(notify.notified())).collect();
    tasks.iter_mut().for_each(Task::pending);
    notify.notify_last();
    assert!(tasks[2].is_woken() && !tasks[0].is_woken() && !tasks[1].is_woken());
    drop(tasks.pop());
    assert!(tasks[1].is_woken(), "passed on by the same rule");
    tasks[0].pending();
    tasks[1].ready();
}

#[test]
fn a_dropped_waiter_passes_its_notification_on() {
    let notify = Notify::new();
    let (mut a, mut b) = (Task::new(notify.notified()), Task::new(notify.notified()));
    a.pending();
    b.pending();
    notify.notify_one();
    drop(a);
    assert!(b.is_woken());
    drop(b);
    Task::new(notify.notified()).ready();
    Task::new(notify.notified()).pending();
}

#[test]
fn a_dropped_waiter_without_a_notification_leaves_no_trace() {
    let notify = Notify::new();
    let (mut a, mut b) = (Task::new(notify.notified()), Task::new(notify.notified()));
    a.pending();
    drop(a);
    b.pending();
    notify.notify_one();
    b.ready();
}

#[test]
fn all_are_notified_also_those_that_were_never_polled() {
    let notify = Notify::new();
    let (mut polled, mut fresh) = (Task::new(notify.notified()), Task::new(notify.notified()));
    polled.pending();
    notify.notify_waiters();
    assert!(polled.is_woken());
    let mut late = Task::new(notify.notified());
    late.pending();
    fresh.ready();
    polled.ready();
    notify.notify_waiters();
    late.ready();
}

#[test]
fn notifying_all_keeps_what_was_stored_for_one() {
    let notify = Notify::new();
    let mut before = Task::new(notify.notified());
    notify.notify_waiters();
    notify.notify_one();
    notify.notify_waiters();
    before.ready();
    Task::new(notify.notified()).ready();
    Task::new(notify.notified()).pending();
}

#[test]
fn who_was_called_with_all_passes_nothing_on() {
    let notify = Notify::new();
    let mut a = Task::new(notify.notified());
    a.pending();
    notify.notify_waiters();
    drop(a);
    Task::new(notify.notified()).pending();
}

#[test]
fn a_notification_after_the_call_to_all_is_stored() {
    let notify = Notify::new();
    let mut a = Task::new(notify.notified());
    a.pending();
    notify.notify_waiters();
    notify.notify_one();
    drop(a);
    Task::new(notify.notified()).ready();
}

#[test]
fn enabling_takes_a_place_without_a_poll() {
    let notify = Notify::new();
    let (mut enabled, mut polled) = (Task::new(notify.notified()), Task::new(notify.notified()));
    assert!(!enabled.pinned().enable());
    polled.pending();
    notify.notify_one();
    assert!(!polled.is_woken());
    assert!(enabled.pinned().enable());
    assert!(enabled.pinned().enable(), "it stays ready");
    enabled.ready();
    polled.pending();
    assert!(!polled.pinned().enable());
    notify.notify_one();
    assert!(polled.is_woken());
}

#[test]
fn enabling_takes_what_is_stored() {
    let notify = Notify::new();
    notify.notify_one();
    assert!(Task::new(notify.notified()).pinned().enable());
    let mut next = Task::new(notify.notified());
    assert!(!next.pinned().enable());
    next.pending();
    notify.notify_one();
    assert!(next.is_woken(), "the poll left its waker");
}

#[test]
fn an_owned_wait_keeps_the_notify_alive() {
    let notify = Arc::new(Notify::new());
    let mut waiting = Task::new(notify.clone().notified_owned());
    assert!(!waiting.pinned().enable());
    waiting.pending();
    std::thread::spawn(move || notify.notify_one()).join().unwrap();
    assert!(waiting.is_woken());
    waiting.ready();
}

#[test]
fn the_last_waker_is_the_one_that_is_woken() {
    let notify = Notify::new();
    let mut notified = Box::pin(notify.notified());
    let old = acting_waker(|| panic!("the old waker is woken"));
    assert!(notified.as_mut().poll(&mut Context::from_waker(&old)).is_pending());
    let mut task = Task::new(notified);
    task.pending();
    notify.notify_waiters();
    assert!(task.is_woken());
}

#[test]
fn a_waker_may_notify_when_it_is_woken_or_dropped() {
    struct NotifiesWhenDropped(Arc<Notify>);
    impl Drop for NotifiesWhenDropped {
        fn drop(&mut self) {
            self.0.notify_waiters();
        }
    }
    let notify = Arc::new(Notify::new());
    let mut notified = pin!(notify.notified());
    {
        let on_drop = NotifiesWhenDropped(notify.clone());
        let waker = acting_waker(move || on_drop.0.notify_one());
        assert!(notified.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    }
    notify.notify_waiters();
    Task::new(notify.notified()).ready();
}

#[test]
fn a_notification_is_not_lost_with_a_waker_that_was_not_needed_and_panics_when_it_is_dropped() {
    let notify = Arc::new(Notify::new());
    let waker = waker_with_bad_clones({
        let notify = notify.clone();
        move || notify.notify_one()
    });
    let mut cx = Context::from_waker(&waker);
    // It comes between the look and the queue.
    assert!(pin!(notify.notified()).poll(&mut cx).is_ready());
    // It comes while the new waker is made that replaces the old one.
    let mut second = Box::pin(notify.notified());
    assert!(second.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    assert!(second.as_mut().poll(&mut cx).is_ready());
    drop(second);
    Task::new(notify.notified()).pending();
}

#[test]
fn a_panicking_waker_does_not_keep_others_asleep() {
    let notify = Notify::new();
    let mut first = pin!(notify.notified());
    assert!(first.as_mut().poll(&mut Context::from_waker(&panicking_waker())).is_pending());
    let mut others: Vec<_> = (0..100).map(|_| Task::new(notify.notified())).collect();
    others.iter_mut().for_each(Task::pending);
    assert!(catch_unwind(AssertUnwindSafe(|| notify.notify_waiters())).is_err());
    others.iter_mut().for_each(|task| {
        assert!(task.is_woken());
        task.ready();
    });
}

#[test]
fn a_pending_wait_says_where_it_waits() {
    let notify = Notify::new();
    let line = line!() + 1;
    let mut waiting = Task::new(notify.notified());
    let ((), waits) = as_task(next_task_id(), 1, || waiting.pending());
    assert_eq!((waits[0].kind, waits[0].at.line()), (WaitKind::Notify, line));
    let ((), waits) = as_task(next_task_id(), 1, || drop(waiting));
    assert!(waits.is_empty());
}

#[test]
fn threads_pass_the_ball() {
    let notify = Arc::new((Notify::new(), Notify::new()));
    let other = std::thread::spawn({
        let notify = notify.clone();
        move || {
            for _ in 0..500 {
                block_on(notify.0.notified());
                notify.1.notify_one();
            }
        }
    });
    for _ in 0..500 {
        notify.0.notify_one();
        block_on(notify.1.notified());
    }
    other.join().unwrap();
}

#[test]
fn debug_tells_little() {
    assert_eq!(format!("{:?}", Notify::default()), "Notify { notified: false, waited_for: false, .. }");
}
