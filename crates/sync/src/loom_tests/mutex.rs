//! Loom: the mutex.

use std::pin::pin;

use loom::future::block_on;
use unstuck_base::sync::{Arc, UnsafeCell, thread};

use super::poll_once;
use crate::Mutex;

/// A number whose accesses loom checks.
#[derive(Default)]
struct Checked(UnsafeCell<u32>);

// SAFETY: the mutex around it is what the models check.
unsafe impl Send for Checked {}

impl Checked {
    fn add(&self, n: u32) {
        // SAFETY: loom reports it if two do this at a time.
        self.0.with_mut(|value| unsafe { *value += n });
    }

    fn get(&self) -> u32 {
        // SAFETY: as above.
        self.0.with(|value| unsafe { *value })
    }
}

#[test]
fn loom_mutex_one_at_a_time_and_all_in_the_end() {
    loom::model(|| {
        let mutex = Arc::new(Mutex::new(Checked::default()));
        let other = thread::spawn({
            let mutex = mutex.clone();
            move || block_on(mutex.lock()).add(1)
        });
        block_on(mutex.lock()).add(1);
        other.join().unwrap();
        assert_eq!(mutex.try_lock().unwrap().get(), 2);
    });
}

#[test]
fn loom_mutex_who_tries_sees_what_was_done_before_the_unlock() {
    loom::model(|| {
        let mutex = Arc::new(Mutex::new(Checked::default()));
        let other = thread::spawn({
            let mutex = mutex.clone();
            move || mutex.try_lock().map(|value| value.add(1)).is_ok()
        });
        let mine = mutex.try_lock().map(|value| value.add(1)).is_ok();
        let theirs = other.join().unwrap();
        assert_eq!(mutex.try_lock().unwrap().get(), u32::from(mine) + u32::from(theirs));
        assert!(mine || theirs);
    });
}

#[test]
fn loom_mutex_a_wait_that_is_given_up_passes_the_lock_on() {
    loom::model(|| {
        let mutex = Arc::new(Mutex::new(Checked::default()));
        let guard = mutex.try_lock().unwrap();
        let mut given_up = Box::pin(mutex.lock());
        assert!(poll_once(given_up.as_mut()).is_pending());
        let other = thread::spawn({
            let mutex = mutex.clone();
            move || block_on(mutex.lock()).add(1)
        });
        guard.add(1);
        drop(guard);
        drop(given_up);
        other.join().unwrap();
        assert_eq!(mutex.try_lock().unwrap().get(), 2);
    });
}

#[test]
fn loom_mutex_a_grant_is_dropped_while_another_waits() {
    loom::model(|| {
        let mutex = Arc::new(Mutex::new(Checked::default()));
        let other = thread::spawn({
            let mutex = mutex.clone();
            move || {
                let mut lock = pin!(mutex.lock());
                if let std::task::Poll::Ready(value) = poll_once(lock.as_mut()) {
                    value.add(1);
                }
            }
        });
        block_on(mutex.lock()).add(1);
        other.join().unwrap();
        assert!(mutex.try_lock().unwrap().get() > 0);
    });
}
