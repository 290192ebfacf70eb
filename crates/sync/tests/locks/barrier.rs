//! Barriers.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Context;

use unstuck_base::parker::block_on;
use unstuck_sync::Barrier;

use crate::support::{Task, panicking_waker};

#[test]
fn a_group_of_none_or_one_does_not_wait() {
    for n in [0, 1] {
        let barrier = Barrier::new(n);
        for _ in 0..3 {
            assert!(Task::new(barrier.wait()).ready().is_leader());
        }
    }
}

#[test]
fn the_last_of_a_group_leads_and_wakes_the_others() {
    let barrier = Barrier::new(100);
    for _ in 0..5 {
        let mut waiting: Vec<_> = (0..99).map(|_| Task::new(barrier.wait())).collect();
        waiting.iter_mut().for_each(Task::pending);
        waiting.iter_mut().for_each(Task::pending);
        assert!(Task::new(barrier.wait()).ready().is_leader());
        let mut next = Task::new(barrier.wait());
        next.pending();
        for task in &mut waiting {
            assert!(task.is_woken() && !task.ready().is_leader());
        }
        next.pending();
    }
}

#[test]
fn who_gives_up_does_not_count() {
    let barrier = Barrier::new(2);
    let mut gone = Task::new(barrier.wait());
    gone.pending();
    drop(gone);
    let mut first = Task::new(barrier.wait());
    first.pending();
    assert!(Task::new(barrier.wait()).ready().is_leader());
    // Called, and dropped without a look: the next group is not affected.
    drop(first);
    Task::new(barrier.wait()).pending();
}

#[test]
fn a_panicking_waker_does_not_keep_the_group_back() {
    let barrier = Barrier::new(3);
    let mut first = Box::pin(barrier.wait());
    let mut second = Task::new(barrier.wait());
    let waker = panicking_waker();
    assert!(std::future::Future::poll(first.as_mut(), &mut Context::from_waker(&waker)).is_pending());
    second.pending();
    let mut last = pin!(barrier.wait());
    assert!(
        catch_unwind(AssertUnwindSafe(|| std::future::Future::poll(last.as_mut(), &mut Context::from_waker(&waker))))
            .is_err()
    );
    assert!(!second.ready().is_leader());
}

#[test]
fn threads_meet() {
    let barrier = Arc::new(Barrier::new(3));
    let threads: Vec<_> = (0..3)
        .map(|_| {
            let barrier = barrier.clone();
            std::thread::spawn(move || (0..100).filter(|_| block_on(barrier.wait()).is_leader()).count())
        })
        .collect();
    assert_eq!(threads.into_iter().map(|thread| thread.join().unwrap()).sum::<usize>(), 100);
    assert_eq!(format!("{barrier:?}"), "Barrier { n: 3, .. }");
}
