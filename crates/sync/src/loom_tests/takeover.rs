//! Loom: takeovers, through the semaphore.

use std::future::Future;
use std::num::NonZeroU64;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use unstuck_base::local::{self, TaskRef};
use unstuck_base::sync::thread;

use super::poll_once;
use crate::{AcquireError, OwnedSemaphorePermit, Semaphore};

type Acquire = Pin<Box<dyn Future<Output = Result<OwnedSemaphorePermit, AcquireError>> + Send>>;

/// Polls as part of this poll of this task.
fn poll(acquire: &mut Acquire, task: u64, poll: u32) -> Option<OwnedSemaphorePermit> {
    let task = TaskRef { id: NonZeroU64::new(task).unwrap(), poll, root: false };
    match local::in_poll_of(task, || poll_once(acquire.as_mut())) {
        Poll::Ready(permit) => Some(permit.unwrap()),
        Poll::Pending => None,
    }
}

/// A semaphore whose one permit is held; two futures of task 1 wait for it.
fn two_of_a_task() -> (Arc<Semaphore>, OwnedSemaphorePermit, Acquire, Acquire) {
    let semaphore = Arc::new(Semaphore::new(1));
    let held = semaphore.clone().try_acquire_owned().unwrap();
    let acquire = || -> Acquire { Box::pin(semaphore.clone().acquire_owned()) };
    let (mut first, mut second) = (acquire(), acquire());
    assert!(poll(&mut first, 1, 1).is_none() && poll(&mut second, 1, 1).is_none());
    (semaphore, held, first, second)
}

#[test]
fn loom_takeover_from_a_future_that_another_task_polls_meanwhile() {
    loom::model(|| {
        let (semaphore, held, mut first, mut second) = two_of_a_task();
        drop(held);
        assert!(poll(&mut second, 1, 2).is_none());
        assert!(poll(&mut second, 1, 3).is_none());
        let moved = thread::spawn(move || {
            let permit = poll(&mut first, 2, 1);
            (first, permit)
        });
        let mine = poll(&mut second, 1, 4);
        let (mut first, theirs) = moved.join().unwrap();
        match (mine, theirs) {
            (Some(mine), None) => {
                drop(mine);
                assert!(poll(&mut first, 2, 2).is_some(), "it changed places, and now it is its turn");
            }
            (None, Some(theirs)) => {
                drop(theirs);
                assert!(poll(&mut second, 1, 5).is_some());
            }
            (mine, theirs) => panic!("one of them has it: {} and {}", mine.is_some(), theirs.is_some()),
        }
        drop((first, second));
        assert_eq!(semaphore.available_permits(), 1);
    });
}

#[test]
fn loom_takeover_from_a_future_that_is_dropped_meanwhile() {
    loom::model(|| {
        let (semaphore, held, first, mut second) = two_of_a_task();
        drop(held);
        assert!(poll(&mut second, 1, 2).is_none());
        assert!(poll(&mut second, 1, 3).is_none());
        let dropping = thread::spawn(move || drop(first));
        let permit = poll(&mut second, 1, 4);
        dropping.join().unwrap();
        assert!(permit.is_some(), "either way it is its turn");
        drop((permit, second));
        assert_eq!(semaphore.available_permits(), 1);
    });
}

#[test]
fn loom_takeover_of_a_grant_that_comes_meanwhile() {
    loom::model(|| {
        let (semaphore, held, first, mut second) = two_of_a_task();
        let releasing = thread::spawn(move || drop(held));
        assert!(poll(&mut second, 1, 2).is_none());
        assert!(poll(&mut second, 1, 3).is_none());
        releasing.join().unwrap();
        // At the latest now the grant is there.
        let permit = (4..7).find_map(|number| poll(&mut second, 1, number));
        assert!(permit.is_some());
        drop((permit, first, second));
        assert_eq!(semaphore.available_permits(), 1);
    });
}

#[test]
fn loom_takeover_while_the_semaphore_is_closed() {
    loom::model(|| {
        let (semaphore, held, mut first, mut second) = two_of_a_task();
        drop(held);
        assert!(poll(&mut second, 1, 2).is_none());
        assert!(poll(&mut second, 1, 3).is_none());
        let closing = thread::spawn({
            let semaphore = semaphore.clone();
            move || semaphore.close()
        });
        let task = TaskRef { id: NonZeroU64::new(1).unwrap(), poll: 4, root: false };
        let polled = local::in_poll_of(task, || poll_once(second.as_mut()));
        closing.join().unwrap();
        assert!(polled.is_ready(), "it has the permit, or the error");
        assert!(matches!(poll_once(first.as_mut()), Poll::Ready(Err(_))));
        drop((polled, first, second));
        assert_eq!(semaphore.available_permits(), 1);
    });
}
