//! Semaphores, by situation.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::support::{Task, acting_waker, as_task, panicking_waker, spend_budget, waker_with_bad_clones};
use unstuck_base::local::{self, WaitKind, next_task_id};
use unstuck_base::parker::block_on;
use unstuck_sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError};

#[test]
fn permits_go_out_and_come_back() {
    let semaphore = Semaphore::new(3);
    let one = semaphore.try_acquire().unwrap();
    let two = semaphore.try_acquire_many(2).unwrap();
    assert_eq!(semaphore.try_acquire().unwrap_err(), TryAcquireError::NoPermits);
    drop(one);
    assert_eq!(semaphore.available_permits(), 1);
    drop(two);
    assert_eq!(semaphore.available_permits(), 3);
}

#[test]
fn a_static_semaphore_works() {
    static SEMAPHORE: Semaphore = Semaphore::const_new(1);
    let permit = SEMAPHORE.try_acquire().unwrap();
    assert!(SEMAPHORE.try_acquire().is_err());
    drop(permit);
}

#[test]
fn waiters_are_served_in_the_order_of_their_first_poll() {
    let semaphore = Semaphore::new(0);
    let (mut a, mut b, mut c) =
        (Task::new(semaphore.acquire()), Task::new(semaphore.acquire()), Task::new(semaphore.acquire()));
    b.pending();
    a.pending();
    c.pending();
    semaphore.add_permits(1);
    assert_eq!((a.is_woken(), b.is_woken(), c.is_woken()), (false, true, false));
    a.pending();
    b.ready().unwrap().forget();
    semaphore.add_permits(2);
    assert!(a.is_woken() && c.is_woken());
    a.ready().unwrap().forget();
    c.ready().unwrap().forget();
    assert_eq!(semaphore.available_permits(), 0);
}

#[test]
fn who_wants_much_holds_up_who_wants_little() {
    let semaphore = Semaphore::new(2);
    let mut many = Task::new(semaphore.acquire_many(3));
    let mut one = Task::new(semaphore.acquire());
    many.pending();
    one.pending();
    assert_eq!(semaphore.available_permits(), 0, "two are set aside for the first in line");
    assert!(semaphore.try_acquire().is_err());
    semaphore.add_permits(1);
    assert!(many.is_woken() && !one.is_woken());
    let permit = many.ready().unwrap();
    assert_eq!(permit.num_permits(), 3);
    drop(permit);
    assert!(one.is_woken());
    let _one = one.ready().unwrap();
    assert_eq!(semaphore.available_permits(), 2);
}

#[test]
fn a_dropped_waiter_gives_back_its_part() {
    let semaphore = Semaphore::new(2);
    let mut many = Task::new(semaphore.acquire_many(3));
    let mut two = Task::new(semaphore.acquire_many(2));
    many.pending();
    two.pending();
    drop(many);
    assert!(two.is_woken());
    assert_eq!(two.ready().unwrap().num_permits(), 2);
}

#[test]
fn a_dropped_grant_goes_to_the_next() {
    let semaphore = Semaphore::new(0);
    let (mut a, mut b) = (Task::new(semaphore.acquire()), Task::new(semaphore.acquire()));
    a.pending();
    b.pending();
    semaphore.add_permits(1);
    assert!(a.is_woken() && !b.is_woken());
    drop(a);
    assert!(b.is_woken());
    drop(b.ready().unwrap());
    assert_eq!(semaphore.available_permits(), 1);
}

#[test]
fn a_dropped_grant_that_nobody_waits_for_comes_back() {
    let semaphore = Semaphore::new(0);
    let mut a = Task::new(semaphore.acquire());
    a.pending();
    semaphore.add_permits(1);
    assert_eq!(semaphore.available_permits(), 0);
    drop(a);
    assert_eq!(semaphore.available_permits(), 1);
}

#[test]
fn nobody_overtakes_a_waiter() {
    let semaphore = Semaphore::new(0);
    let mut waiting = Task::new(semaphore.acquire_many(2));
    waiting.pending();
    semaphore.add_permits(1);
    assert_eq!(semaphore.try_acquire().unwrap_err(), TryAcquireError::NoPermits);
    let mut late = Task::new(semaphore.acquire());
    late.pending();
    semaphore.add_permits(1);
    let _two = waiting.ready().unwrap();
    late.pending();
}

#[test]
fn asking_for_none_never_waits() {
    let semaphore = Semaphore::new(0);
    let mut waiting = Task::new(semaphore.acquire());
    waiting.pending();
    assert_eq!(Task::new(semaphore.acquire_many(0)).ready().unwrap().num_permits(), 0);
    assert_eq!(semaphore.try_acquire_many(0).unwrap().num_permits(), 0);
    semaphore.close();
    assert!(Task::new(semaphore.acquire_many(0)).ready().is_err());
    assert_eq!(semaphore.try_acquire_many(0).unwrap_err(), TryAcquireError::Closed);
}

#[test]
fn closing_ends_every_wait_in_an_error() {
    let semaphore = Semaphore::new(1);
    let permit = semaphore.try_acquire().unwrap();
    let mut waiting: Vec<_> = (0..100).map(|n| Task::new(semaphore.acquire_many(1 + n % 3))).collect();
    waiting.iter_mut().for_each(Task::pending);
    semaphore.close();
    semaphore.close();
    assert!(semaphore.is_closed());
    for task in &mut waiting {
        assert!(task.is_woken());
        assert_eq!(task.ready().unwrap_err().to_string(), "semaphore closed");
    }
    assert_eq!(semaphore.try_acquire().unwrap_err(), TryAcquireError::Closed);
    drop(permit);
    semaphore.add_permits(1);
    assert_eq!(semaphore.available_permits(), 2);
    assert_eq!(semaphore.forget_permits(5), 2);
    assert!(semaphore.is_closed());
}

#[test]
fn what_was_set_aside_for_a_wait_comes_back_when_it_fails_or_is_dropped_after_the_close() {
    for is_polled in [true, false] {
        let semaphore = Semaphore::new(2);
        let mut many = Task::new(semaphore.acquire_many(3));
        many.pending();
        semaphore.close();
        assert!(many.is_woken());
        assert_eq!(semaphore.available_permits(), 0, "it is not over yet");
        if is_polled {
            assert!(many.ready().is_err());
            assert_eq!(semaphore.available_permits(), 2);
        }
        drop(many);
        assert_eq!(semaphore.available_permits(), 2);
    }
}

#[test]
fn a_grant_that_was_not_fetched_ends_with_the_close() {
    let semaphore = Semaphore::new(0);
    let mut waiting = Task::new(semaphore.acquire());
    waiting.pending();
    semaphore.add_permits(1);
    semaphore.close();
    assert!(waiting.ready().is_err());
    assert_eq!(semaphore.available_permits(), 1);
}

#[test]
fn forgetting_takes_what_there_is() {
    for size in 0..4 {
        for forget in 0..4 {
            let semaphore = Semaphore::new(size);
            assert_eq!(semaphore.forget_permits(forget), size.min(forget));
            assert_eq!(semaphore.available_permits(), size.saturating_sub(forget));
        }
    }
}

#[test]
fn permits_split_and_merge() {
    let semaphore = Arc::new(Semaphore::new(5));
    let mut a = semaphore.try_acquire_many(4).unwrap();
    let b = a.split(3).unwrap();
    assert!(a.split(2).is_none());
    assert_eq!((a.num_permits(), b.num_permits()), (1, 3));
    a.merge(b);
    assert_eq!(semaphore.available_permits(), 1);
    assert!(std::ptr::eq(a.semaphore(), &*semaphore));
    drop(a);
    let mut a = semaphore.clone().try_acquire_many_owned(4).unwrap();
    let b = a.split(4).unwrap();
    drop(a);
    assert_eq!(semaphore.available_permits(), 1);
    assert!(Arc::ptr_eq(b.semaphore(), &semaphore));
    b.forget();
    assert_eq!(semaphore.available_permits(), 1);
}

#[test]
#[should_panic(expected = "different semaphore")]
fn permits_of_two_semaphores_do_not_merge() {
    let (a, b) = (Semaphore::new(1), Semaphore::new(1));
    a.try_acquire().unwrap().merge(b.try_acquire().unwrap());
}

#[test]
fn a_refused_merge_loses_no_permit() {
    let (a, b) = (Semaphore::new(1), Semaphore::new(1));
    let refused = catch_unwind(AssertUnwindSafe(|| a.try_acquire().unwrap().merge(b.try_acquire().unwrap())));
    assert!(refused.is_err());
    assert_eq!((a.available_permits(), b.available_permits()), (1, 1));
}

#[test]
#[should_panic(expected = "a semaphore may not have more than MAX_PERMITS permits")]
fn too_many_permits_are_refused() {
    let _ = Semaphore::new(Semaphore::MAX_PERMITS + 1);
}

#[test]
fn an_overflow_is_refused_and_changes_nothing() {
    let semaphore = Semaphore::new(Semaphore::MAX_PERMITS - 1);
    semaphore.add_permits(1);
    for too_many in [1, 2, Semaphore::MAX_PERMITS, usize::MAX] {
        assert!(catch_unwind(AssertUnwindSafe(|| semaphore.add_permits(too_many))).is_err());
        assert_eq!(semaphore.available_permits(), Semaphore::MAX_PERMITS);
        assert!(!semaphore.is_closed());
    }
}

#[test]
fn a_waker_may_use_the_semaphore() {
    let semaphore = Arc::new(Semaphore::new(0));
    let waker = acting_waker({
        let semaphore = semaphore.clone();
        move || semaphore.add_permits(1)
    });
    let mut acquire = pin!(semaphore.acquire());
    assert!(acquire.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    semaphore.close();
    assert_eq!(semaphore.available_permits(), 1);
}

#[test]
fn a_waker_that_owns_a_permit_is_dropped_outside_the_lock() {
    let semaphore = Arc::new(Semaphore::new(1));
    let permit: OwnedSemaphorePermit = semaphore.clone().try_acquire_owned().unwrap();
    let waker = acting_waker(move || assert_eq!(permit.num_permits(), 1));
    let mut acquire = Box::pin(semaphore.acquire());
    assert!(acquire.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    drop(waker);
    // Another waker replaces the one that owns the permit: which is thereby released, and granted to this very future.
    let mut next = Task::new(acquire.as_mut());
    next.pending();
    next.ready().unwrap().forget();
    drop(next);
}

#[test]
fn a_panicking_waker_does_not_keep_others_from_their_permits() {
    let semaphore = Semaphore::new(0);
    let mut a = pin!(semaphore.acquire());
    assert!(a.as_mut().poll(&mut Context::from_waker(&panicking_waker())).is_pending());
    let mut b = Task::new(semaphore.acquire());
    b.pending();
    assert!(catch_unwind(AssertUnwindSafe(|| semaphore.add_permits(2))).is_err());
    assert!(b.is_woken());
    b.ready().unwrap().forget();
    let mut cx = Context::from_waker(std::task::Waker::noop());
    let Poll::Ready(Ok(permit)) = a.as_mut().poll(&mut cx) else { panic!("its permit is lost") };
    drop(permit);
    assert_eq!(semaphore.available_permits(), 1);
}

#[test]
fn a_permit_is_not_lost_with_a_waker_that_was_not_needed_and_panics_when_it_is_dropped() {
    let semaphore = Arc::new(Semaphore::new(0));
    let waker = waker_with_bad_clones({
        let semaphore = semaphore.clone();
        move || semaphore.add_permits(1)
    });
    let mut cx = Context::from_waker(&waker);
    // The permit comes between the look and the queue: it is granted at once.
    let mut first = pin!(semaphore.acquire());
    let Poll::Ready(Ok(permit)) = first.as_mut().poll(&mut cx) else { panic!("its permit is lost") };
    permit.forget();
    // It comes while the new waker is made that replaces the old one.
    let mut second = pin!(semaphore.acquire());
    assert!(second.as_mut().poll(&mut Context::from_waker(std::task::Waker::noop())).is_pending());
    let Poll::Ready(Ok(permit)) = second.as_mut().poll(&mut cx) else { panic!("its permit is lost") };
    drop(permit);
    assert_eq!(semaphore.available_permits(), 1);
}

#[test]
fn a_claim_that_is_dropped_with_a_waker_that_panics_gives_back_what_it_had() {
    let semaphore = Semaphore::new(0);
    let waker = waker_with_bad_clones(|| {});
    let mut two = Box::pin(semaphore.acquire_many(2));
    assert!(two.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    semaphore.add_permits(1);
    assert_eq!(semaphore.available_permits(), 0, "the first in line has it");
    let mut one = Task::new(semaphore.acquire());
    one.pending();
    drop(two);
    assert!(one.is_woken());
    one.ready().unwrap().forget();
    assert_eq!(semaphore.available_permits(), 0);
}

#[test]
fn the_last_waker_is_the_one_that_is_woken() {
    let semaphore = Semaphore::new(0);
    let mut acquire = Box::pin(semaphore.acquire());
    let old = acting_waker(|| panic!("the old waker is woken"));
    assert!(acquire.as_mut().poll(&mut Context::from_waker(&old)).is_pending());
    let mut task = Task::new(acquire);
    task.pending();
    semaphore.add_permits(1);
    assert!(task.is_woken());
    task.ready().unwrap().forget();
}

#[test]
fn without_budget_a_claim_takes_its_place_and_waits_for_the_next_poll() {
    let semaphore = Semaphore::new(1);
    let id = next_task_id();
    let mut first = Task::new(semaphore.acquire());
    let mut second = Task::new(semaphore.acquire());
    as_task(id, 1, || {
        spend_budget();
        first.pending();
        assert!(first.is_woken(), "a spent budget wakes the task again");
    });
    assert_eq!(semaphore.available_permits(), 0, "the permit is set aside");
    second.pending();
    let (permit, _) = as_task(id, 2, || first.ready().unwrap());
    drop(permit);
    assert!(second.is_woken());
}

#[test]
fn who_must_wait_anyway_is_not_woken_for_want_of_budget() {
    let semaphore = Semaphore::new(0);
    let id = next_task_id();
    let mut task = Task::new(semaphore.acquire());
    for number in 1..3 {
        as_task(id, number, || {
            spend_budget();
            task.pending();
            assert!(!task.is_woken());
        });
    }
    semaphore.add_permits(1);
    as_task(id, 3, || {
        assert!(task.is_woken());
        spend_budget();
        task.pending();
        assert!(task.is_woken(), "granted, but it can't finish in this poll");
    });
    let (permit, _) = as_task(id, 4, || task.ready().unwrap());
    drop(permit);
}

#[test]
fn a_claim_without_budget_that_is_dropped_gives_its_permit_back() {
    let semaphore = Semaphore::new(1);
    as_task(next_task_id(), 1, || {
        spend_budget();
        Task::new(semaphore.acquire()).pending();
        Task::new(semaphore.acquire_many(0)).pending();
    });
    assert_eq!(semaphore.available_permits(), 1);
}

#[test]
fn a_loop_of_acquisitions_yields_in_the_end() {
    let semaphore = Semaphore::new(1);
    let (rounds, _) = as_task(next_task_id(), 1, || {
        (0..10_000).take_while(|_| Task::new(semaphore.acquire()).poll().is_ready()).count()
    });
    assert_eq!(rounds, usize::from(local::BUDGET));
}

#[test]
fn a_pending_poll_says_what_it_waits_for_and_where() {
    let semaphore = Semaphore::new(0);
    let id = next_task_id();
    let line = line!() + 1;
    let mut task = Task::new(semaphore.acquire());
    let ((), waits) = as_task(id, 1, || {
        task.pending();
        task.pending();
    });
    assert_eq!(waits.len(), 1, "once per poll of the task");
    assert_eq!((waits[0].kind, waits[0].at.file(), waits[0].at.line()), (WaitKind::Semaphore, file!(), line));
    let ((), waits) = as_task(id, 2, || {
        task.pending();
        drop(task);
    });
    assert!(waits.is_empty(), "who is dropped does not wait");
}

#[test]
fn dropping_a_future_of_an_earlier_poll_hides_no_other_wait() {
    let semaphore = Semaphore::new(0);
    let id = next_task_id();
    let (mut old, mut new) = (Task::new(semaphore.acquire()), Task::new(semaphore.acquire()));
    as_task(id, 1, || old.pending());
    let ((), waits) = as_task(id, 2, || {
        new.pending();
        drop(old);
    });
    assert_eq!(waits.len(), 1);
}

#[test]
fn blocking_waits_for_another_thread() {
    let semaphore = Arc::new(Semaphore::new(0));
    let other = std::thread::spawn({
        let semaphore = semaphore.clone();
        move || semaphore.blocking_acquire_many_owned(3).unwrap().num_permits()
    });
    semaphore.add_permits(1);
    semaphore.add_permits(2);
    assert_eq!(other.join().unwrap(), 3);
    assert_eq!(semaphore.blocking_acquire().unwrap().num_permits(), 1);
    assert_eq!(semaphore.blocking_acquire_many(2).unwrap().num_permits(), 2);
    assert_eq!(semaphore.clone().blocking_acquire_owned().unwrap().num_permits(), 1);
}

#[test]
#[should_panic(expected = "Cannot block the current thread from within a runtime")]
fn blocking_inside_a_runtime_is_refused_even_with_permits() {
    let _entered = unstuck_base::entered::enter();
    let _ = Semaphore::new(1).blocking_acquire();
}

#[test]
fn many_threads_lose_no_permit() {
    let semaphore = Arc::new(Semaphore::new(3));
    let threads: Vec<_> = (0..4)
        .map(|n| {
            let semaphore = semaphore.clone();
            std::thread::spawn(move || {
                for round in 0..500 {
                    let wanted = 1 + (n + round) % 3;
                    let permit = block_on(semaphore.acquire_many(wanted)).unwrap();
                    if round % 7 == 0 {
                        std::thread::yield_now();
                    }
                    drop(permit);
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert_eq!(semaphore.available_permits(), 3);
}

#[test]
fn debug_shows_the_count_and_errors_read_well() {
    let semaphore = Semaphore::new(2);
    assert_eq!(format!("{semaphore:?}"), "Semaphore { permits: 2, closed: false, .. }");
    assert_eq!(TryAcquireError::NoPermits.to_string(), "no permits available");
    assert_eq!(TryAcquireError::Closed.to_string(), "semaphore closed");
}
