//! Loom: cells, barriers and reader-writer locks.

use loom::future::block_on;
use unstuck_base::sync::{Arc, UnsafeCell, thread};

use crate::{Barrier, OnceCell, RwLock, SetOnce};

#[test]
fn loom_once_cell_one_fills_and_both_find_it() {
    loom::model(|| {
        let cell = Arc::new(OnceCell::new());
        let other = thread::spawn({
            let cell = cell.clone();
            move || *block_on(cell.get_or_init(|| async { 1 }))
        });
        let mine = *block_on(cell.get_or_init(|| async { 2 }));
        assert_eq!(mine, other.join().unwrap());
    });
}

#[test]
fn loom_once_cell_a_failure_hands_the_right_on() {
    loom::model(|| {
        let cell = Arc::new(OnceCell::new());
        let other = thread::spawn({
            let cell = cell.clone();
            move || block_on(cell.get_or_try_init(|| async { Err::<u32, ()>(()) })).copied()
        });
        assert_eq!(*block_on(cell.get_or_init(|| async { 2 })), 2);
        assert_ne!(other.join().unwrap(), Ok(1));
    });
}

#[test]
fn loom_set_once_wakes_who_begins_to_wait() {
    loom::model(|| {
        let cell = Arc::new(SetOnce::new());
        let setting = thread::spawn({
            let cell = cell.clone();
            move || cell.set(7).is_ok()
        });
        assert_eq!(*block_on(cell.wait()), 7);
        assert!(setting.join().unwrap());
    });
}

#[test]
fn loom_set_once_the_loser_finds_the_value() {
    loom::model(|| {
        let cell = Arc::new(SetOnce::new());
        let other = thread::spawn({
            let cell = cell.clone();
            move || cell.set(1).is_ok()
        });
        let mine = cell.set(2).is_ok();
        assert_eq!(cell.get(), Some(&if mine { 2 } else { 1 }));
        assert_ne!(mine, other.join().unwrap());
    });
}

#[test]
fn loom_barrier_two_meet_twice() {
    loom::model(|| {
        let barrier = Arc::new(Barrier::new(2));
        let other = thread::spawn({
            let barrier = barrier.clone();
            move || block_on(barrier.wait()).is_leader()
        });
        let mine = block_on(barrier.wait()).is_leader();
        assert_ne!(mine, other.join().unwrap());
    });
}

#[test]
fn loom_rwlock_readers_see_what_a_writer_wrote() {
    struct Checked(UnsafeCell<u32>);
    // SAFETY: the lock around it is what the model checks.
    unsafe impl Sync for Checked {}
    // SAFETY: as above.
    unsafe impl Send for Checked {}
    loom::model(|| {
        let lock = Arc::new(RwLock::with_max_readers(Checked(UnsafeCell::new(0)), 2));
        let writing = thread::spawn({
            let lock = lock.clone();
            move || {
                let value = block_on(lock.write());
                // SAFETY: loom reports it if somebody else has access.
                value.0.with_mut(|value| unsafe { *value += 1 });
                let value = value.downgrade();
                // SAFETY: as above.
                assert_eq!(value.0.with(|value| unsafe { *value }), 1);
            }
        });
        // SAFETY: as above.
        let seen = block_on(lock.read()).0.with(|value| unsafe { *value });
        assert!(seen <= 1);
        writing.join().unwrap();
        // SAFETY: as above.
        assert_eq!(lock.try_write().map(|value| value.0.with(|value| unsafe { *value })).unwrap(), 1);
    });
}
