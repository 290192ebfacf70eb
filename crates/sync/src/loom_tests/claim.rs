//! Loom: claims for permits, through the semaphore.

use std::pin::pin;

use loom::future::block_on;
use unstuck_base::sync::{Arc, thread};

use super::{model_of_three, poll_once};
use crate::{Semaphore, TryAcquireError};

#[test]
fn loom_semaphore_a_release_reaches_who_begins_to_wait() {
    loom::model(|| {
        let semaphore = Arc::new(Semaphore::new(0));
        let releasing = thread::spawn({
            let semaphore = semaphore.clone();
            move || semaphore.add_permits(1)
        });
        block_on(semaphore.acquire()).unwrap().forget();
        releasing.join().unwrap();
        assert_eq!(semaphore.available_permits(), 0);
    });
}

#[test]
fn loom_semaphore_two_releases_reach_one_who_wants_two() {
    model_of_three(|| {
        let semaphore = Arc::new(Semaphore::new(0));
        let releasing = thread::spawn({
            let semaphore = semaphore.clone();
            move || semaphore.add_permits(1)
        });
        let waiting = thread::spawn({
            let semaphore = semaphore.clone();
            move || drop(block_on(semaphore.acquire_many(2)).unwrap())
        });
        semaphore.add_permits(1);
        releasing.join().unwrap();
        waiting.join().unwrap();
        assert_eq!(semaphore.available_permits(), 2);
    });
}

#[test]
fn loom_semaphore_a_dropped_claim_loses_no_permit() {
    loom::model(|| {
        let semaphore = Arc::new(Semaphore::new(1));
        let permit = semaphore.try_acquire().unwrap();
        let giving_up = thread::spawn({
            let semaphore = semaphore.clone();
            move || {
                let mut acquire = pin!(semaphore.acquire());
                drop(poll_once(acquire.as_mut()));
            }
        });
        drop(permit);
        giving_up.join().unwrap();
        assert_eq!(semaphore.available_permits(), 1);
        drop(semaphore.try_acquire().unwrap());
    });
}

#[test]
fn loom_semaphore_a_grant_that_is_given_up_reaches_the_next() {
    model_of_three(|| {
        let semaphore = Arc::new(Semaphore::new(0));
        let mut first = Box::pin(semaphore.acquire());
        assert!(poll_once(first.as_mut()).is_pending());
        let second = thread::spawn({
            let semaphore = semaphore.clone();
            move || block_on(semaphore.acquire()).unwrap().forget()
        });
        let releasing = thread::spawn({
            let semaphore = semaphore.clone();
            move || semaphore.add_permits(1)
        });
        drop(first);
        releasing.join().unwrap();
        second.join().unwrap();
        assert_eq!(semaphore.available_permits(), 0);
    });
}

#[test]
fn loom_semaphore_a_close_ends_every_wait() {
    loom::model(|| {
        let semaphore = Arc::new(Semaphore::new(1));
        let waiting = thread::spawn({
            let semaphore = semaphore.clone();
            move || block_on(semaphore.acquire_many(2)).is_err()
        });
        semaphore.close();
        assert!(waiting.join().unwrap());
        assert_eq!(semaphore.available_permits(), 1);
        assert_eq!(semaphore.try_acquire().unwrap_err(), TryAcquireError::Closed);
    });
}
