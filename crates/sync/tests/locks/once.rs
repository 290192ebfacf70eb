//! Cells that are filled once.

use std::future::ready;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use unstuck_base::local::{WaitKind, next_task_id};
use unstuck_base::parker::block_on;
use unstuck_sync::holders;
use unstuck_sync::{Notify, OnceCell, SetError, SetOnce, SetOnceError};

use crate::support::{Task, as_task};

#[test]
fn the_first_fills_and_the_others_find_it() {
    static CELL: OnceCell<u32> = OnceCell::const_new();
    assert_eq!((CELL.get(), CELL.initialized()), (None, false));
    assert_eq!(Task::new(CELL.get_or_init(|| ready(1))).ready(), &1);
    assert_eq!(Task::new(CELL.get_or_init(|| async { panic!("filled already") })).ready(), &1);
    assert_eq!(Task::new(CELL.get_or_try_init(|| ready(Err(())))).ready(), Ok(&1));
    assert_eq!(CELL.set(2), Err(SetError::AlreadyInitializedError(2)));
}

#[test]
fn others_wait_while_one_fills() {
    let (cell, go) = (OnceCell::new(), Notify::new());
    let mut filling = Task::new(cell.get_or_init(|| async {
        go.notified().await;
        5
    }));
    let (mut a, mut b) = (Task::new(cell.get_or_init(|| ready(6))), Task::new(cell.get_or_init(|| ready(7))));
    let filler = next_task_id();
    as_task(filler, 1, || filling.pending());
    a.pending();
    let ((), waits) = as_task(next_task_id(), 1, || b.pending());
    assert_eq!((waits[0].kind, waits[0].at.file()), (WaitKind::Once, file!()));
    assert_eq!(holders::look_up(waits[0].key).unwrap().holder.unwrap().task, Some(filler));
    assert!(cell.set(8).unwrap_err().is_initializing_err());
    go.notify_one();
    assert_eq!(filling.ready(), &5);
    assert!(a.is_woken() && b.is_woken());
    assert_eq!((a.ready(), b.ready()), (&5, &5));
}

#[test]
fn a_failed_attempt_lets_the_next_one_try() {
    let (cell, go) = (OnceCell::new(), Notify::new());
    let mut failing = Task::new(cell.get_or_try_init(|| async {
        go.notified().await;
        Err::<u32, _>("no")
    }));
    let mut next = Task::new(cell.get_or_init(|| ready(2)));
    failing.pending();
    next.pending();
    go.notify_one();
    assert_eq!(failing.ready(), Err("no"));
    assert!(next.is_woken() && !cell.initialized());
    assert_eq!(next.ready(), &2);
}

#[test]
fn a_dropped_or_panicking_attempt_lets_the_next_one_try() {
    let cell = OnceCell::new();
    let mut dropped = Task::new(cell.get_or_init(std::future::pending));
    dropped.pending();
    let mut panicking = Task::new(cell.get_or_init(|| async { panic!("while filling") }));
    panicking.pending();
    drop(dropped);
    assert!(panicking.is_woken());
    assert!(catch_unwind(AssertUnwindSafe(|| panicking.poll().is_ready())).is_err());
    assert_eq!(cell.set(3), Ok(()));
    assert_eq!(cell.get(), Some(&3));
}

#[test]
fn a_once_cell_is_a_value_like_others() {
    let mut cell = OnceCell::from(1);
    assert_eq!(cell, OnceCell::const_new_with(1));
    assert_eq!(cell.clone(), cell);
    assert_ne!(cell, OnceCell::default());
    assert_eq!(format!("{cell:?}"), "OnceCell { value: Some(1) }");
    *cell.get_mut().unwrap() += 1;
    assert_eq!((cell.take(), cell.take(), cell.get_mut()), (Some(2), None, None));
    assert_eq!(cell.set(4), Ok(()));
    assert_eq!(OnceCell::new_with(Some(9)).into_inner(), Some(9));
    assert_eq!(OnceCell::<u8>::new_with(None).into_inner(), None);
    assert_eq!(SetError::AlreadyInitializedError(1).to_string(), "AlreadyInitializedError");
    assert_eq!(SetError::InitializingError(1).to_string(), "InitializingError");
}

#[test]
fn the_value_of_a_cell_is_dropped_once() {
    let value = Arc::new(());
    let (once, set) = (OnceCell::new(), SetOnce::new());
    once.set(value.clone()).unwrap();
    set.set(value.clone()).unwrap();
    assert!(once.set(value.clone()).is_err() && set.set(value.clone()).is_err());
    assert_eq!(Arc::strong_count(&value), 3);
    drop((once, set));
    assert_eq!(Arc::strong_count(&value), 1);
}

#[test]
fn who_waits_for_a_set_once_is_woken_when_it_is_set() {
    let cell = SetOnce::new();
    let (mut a, mut b, mut gone) = (Task::new(cell.wait()), Task::new(cell.wait()), Task::new(cell.wait()));
    a.pending();
    b.pending();
    gone.pending();
    drop(gone);
    let mut never_polled = Task::new(cell.wait());
    assert_eq!(cell.set(1), Ok(()));
    assert_eq!(cell.set(2), Err(SetOnceError(2)));
    assert!(a.is_woken() && b.is_woken());
    assert_eq!((a.ready(), b.ready(), never_polled.ready()), (&1, &1, &1));
}

#[test]
fn a_set_once_is_a_value_like_others() {
    static CELL: SetOnce<u32> = SetOnce::const_new_with(1);
    assert_eq!(*block_on(CELL.wait()), 1);
    let cell = SetOnce::from(1);
    assert!(cell == CELL && cell.clone() == cell && cell != SetOnce::default());
    assert_eq!(format!("{cell:?}"), "SetOnce { value: Some(1) }");
    assert_eq!((cell.get(), cell.initialized()), (Some(&1), true));
    assert_eq!(cell.into_inner(), Some(1));
    assert_eq!(SetOnce::<u8>::new_with(None).get(), None);
    assert_eq!(SetOnceError(()).to_string(), "SetOnceError");
}

#[test]
fn of_two_threads_one_sets_and_both_find_it() {
    for _ in 0..200 {
        let cell = Arc::new(SetOnce::new());
        let other = std::thread::spawn({
            let cell = cell.clone();
            move || {
                let set = cell.set(1).is_ok();
                (set, *cell.get().expect("set by one of us"))
            }
        });
        let mine = cell.set(2).is_ok();
        let value = *cell.get().expect("set by one of us");
        assert_eq!(other.join().unwrap(), (!mine, value));
    }
}
