//! Mutexes.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Context;

use unstuck_base::local::{WaitKind, next_task_id};
use unstuck_base::parker::block_on;
use unstuck_sync::holders;
use unstuck_sync::{MappedMutexGuard, Mutex, MutexGuard, OwnedMappedMutexGuard, OwnedMutexGuard};

use crate::support::{Task, as_task, panicking_waker, spend_budget};

#[test]
fn a_locked_mutex_makes_others_wait_in_line() {
    let mutex = Mutex::new(0);
    let mut guard = Task::new(mutex.lock()).ready();
    let (mut a, mut b) = (Task::new(mutex.lock()), Task::new(mutex.lock()));
    a.pending();
    b.pending();
    *guard += 1;
    drop(guard);
    assert!(a.is_woken() && !b.is_woken());
    assert!(mutex.try_lock().is_err(), "it belongs to the first in line already");
    b.pending();
    let guard = a.ready();
    assert_eq!(*guard, 1);
    drop(guard);
    assert!(b.is_woken());
    drop(b.ready());
    assert!(mutex.try_lock().is_ok());
}

#[test]
fn a_dropped_wait_passes_the_lock_on() {
    let mutex = Mutex::new(());
    let guard = mutex.try_lock().unwrap();
    let (mut a, mut b, mut c) = (Task::new(mutex.lock()), Task::new(mutex.lock()), Task::new(mutex.lock()));
    a.pending();
    b.pending();
    c.pending();
    drop(b);
    drop(guard);
    assert!(a.is_woken() && !c.is_woken());
    drop(a);
    assert!(c.is_woken());
    drop(c);
    assert!(mutex.try_lock().is_ok());
}

#[test]
fn a_panic_under_the_lock_unlocks() {
    let mutex = Mutex::new(1);
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let mut guard = mutex.try_lock().unwrap();
        *guard = 2;
        panic!("under the lock");
    }));
    assert!(panicked.is_err());
    assert_eq!(*mutex.try_lock().unwrap(), 2);
}

#[test]
fn a_panicking_waker_does_not_lose_the_lock() {
    let mutex = Mutex::new(());
    let guard = mutex.try_lock().unwrap();
    let mut a = Box::pin(mutex.lock());
    assert!(a.as_mut().poll(&mut Context::from_waker(&panicking_waker())).is_pending());
    assert!(catch_unwind(AssertUnwindSafe(|| drop(guard))).is_err());
    assert!(mutex.try_lock().is_err());
    drop(a);
    assert!(mutex.try_lock().is_ok());
}

#[test]
fn an_owned_guard_keeps_the_mutex_alive_and_moves_between_threads() {
    let mutex = Arc::new(Mutex::new(1));
    let mut guard = block_on(mutex.clone().lock_owned());
    assert!(mutex.clone().try_lock_owned().is_err());
    assert!(Arc::ptr_eq(OwnedMutexGuard::mutex(&guard), &mutex));
    let mut waiting = Task::new(mutex.clone().lock_owned());
    waiting.pending();
    std::thread::spawn(move || *guard += 1).join().unwrap();
    assert!(waiting.is_woken());
    assert_eq!(*waiting.ready(), 2);
    assert_eq!(*mutex.clone().blocking_lock_owned(), 2);
    assert_eq!(*mutex.blocking_lock(), 2);
    assert_eq!(Arc::into_inner(mutex).unwrap().into_inner(), 2);
}

#[test]
fn a_mapped_guard_holds_the_same_lock() {
    let mutex = Mutex::new((1, Some(2)));
    let pair = MutexGuard::map(mutex.try_lock().unwrap(), |value| value);
    let pair = MappedMutexGuard::try_map(pair, |pair| None::<&mut i32>.filter(|_| pair.0 == 0)).unwrap_err();
    let mut inner = MappedMutexGuard::try_map(pair, |pair| pair.1.as_mut()).unwrap();
    *inner = 3;
    let inner = MappedMutexGuard::map(inner, |inner| inner);
    assert!(mutex.try_lock().is_err());
    assert_eq!(format!("{inner:?} {inner}"), "3 3");
    drop(inner);
    let guard = mutex.try_lock().unwrap();
    assert!(std::ptr::eq(MutexGuard::mutex(&guard), &mutex));
    let guard = MutexGuard::try_map(guard, |_| None::<&mut i32>).unwrap_err();
    assert_eq!(guard.1, Some(3));
    assert!(catch_unwind(AssertUnwindSafe(|| MutexGuard::map(guard, |_| -> &mut i32 { panic!("in map") }))).is_err());
    assert!(mutex.try_lock().is_ok());
}

#[test]
fn an_owned_mapped_guard_holds_the_same_lock() {
    let mutex = Arc::new(Mutex::new((1, Some(2))));
    let lock = || mutex.clone().try_lock_owned();
    let pair = OwnedMutexGuard::map(lock().unwrap(), |value| value);
    let pair = OwnedMappedMutexGuard::try_map(pair, |_| None::<&mut i32>).unwrap_err();
    let mut inner = OwnedMappedMutexGuard::try_map(pair, |pair| pair.1.as_mut()).unwrap();
    *inner = 3;
    let inner = OwnedMappedMutexGuard::map(inner, |inner| inner);
    assert!(lock().is_err());
    assert_eq!(format!("{inner:?} {inner}"), "3 3");
    drop(inner);
    let guard = OwnedMutexGuard::try_map(lock().unwrap(), |_| None::<&mut i32>).unwrap_err();
    assert_eq!(guard.1, Some(3));
    drop(guard);
    assert!(lock().is_ok());
    assert_eq!(Arc::strong_count(&mutex), 1);
}

#[test]
fn a_value_without_a_size_can_be_locked() {
    let mutex: Arc<Mutex<[u8]>> = Arc::new(Mutex::new([1, 2, 3]));
    block_on(mutex.lock())[1] = 5;
    assert_eq!(&*block_on(mutex.clone().lock_owned()), [1, 5, 3]);
}

#[test]
fn debug_does_not_wait() {
    let mut mutex = Mutex::from("data");
    assert_eq!(format!("{mutex:?}"), r#"Mutex { data: "data" }"#);
    let guard = mutex.try_lock().unwrap();
    assert_eq!(format!("{mutex:?} {guard:?} {guard}"), r#"Mutex { data: <locked> } "data" data"#);
    assert_eq!(mutex.try_lock().unwrap_err().to_string(), "operation would block");
    drop(guard);
    *mutex.get_mut() = "new";
    assert_eq!(mutex.into_inner(), "new");
    assert_eq!(Mutex::<u8>::default().into_inner(), 0);
}

#[test]
fn order_is_kept_when_a_task_has_no_budget_left() {
    let mutex = Mutex::new(());
    let guard = mutex.try_lock().unwrap();
    let (mut a, mut b) = (Task::new(mutex.lock()), Task::new(mutex.lock()));
    as_task(next_task_id(), 1, || {
        spend_budget();
        a.pending();
    });
    a.pending();
    b.pending();
    drop(guard);
    assert!(a.is_woken() && !b.is_woken());
}

#[test]
#[should_panic(expected = "Cannot block the current thread from within a runtime")]
fn blocking_inside_a_runtime_is_refused() {
    let _entered = unstuck_base::entered::enter();
    let mutex = Mutex::new(());
    let _guard = mutex.blocking_lock();
}

#[test]
fn who_holds_a_contended_lock_can_be_found() {
    let mutex = Mutex::new(());
    let (holder, waiter, last) = (next_task_id(), next_task_id(), next_task_id());
    let (guard, _) = as_task(holder, 1, || Task::new(mutex.lock()).ready());
    let held_at = line!() - 1;
    let mut waiting = Task::new(mutex.lock());
    let ((), waits) = as_task(waiter, 7, || waiting.pending());
    assert_eq!(waits[0].kind, WaitKind::Mutex);
    let key = waits[0].key;
    let held = holders::look_up(key).unwrap();
    assert_eq!((held.holder.unwrap().task, held.holder.unwrap().at.line()), (Some(holder), held_at));
    assert_eq!(held.grantee, None);

    let mut behind = Task::new(mutex.lock());
    as_task(last, 1, || behind.pending());
    drop(guard);
    let grantee = holders::look_up(key).unwrap().grantee.unwrap();
    let seen = grantee.seen.unwrap();
    assert_eq!((seen.id, seen.poll), (waiter, 7), "granted, and not fetched since that poll");

    let (guard, _) = as_task(waiter, 8, || waiting.ready());
    let held = holders::look_up(key).unwrap();
    assert_eq!((held.holder.unwrap().task, held.grantee), (Some(waiter), None));
    drop(guard);
    assert_eq!(holders::look_up(key), None, "nobody waits any more");
    let _ = behind.ready();
}

#[test]
fn a_lock_with_a_leaked_waiter_leaves_the_table_when_it_is_dropped() {
    let mutex = Box::new(Mutex::new(()));
    std::mem::forget(mutex.try_lock().unwrap());
    let mut waiting = Box::pin(mutex.lock());
    let (_, waits) = as_task(next_task_id(), 1, || {
        assert!(waiting.as_mut().poll(&mut Context::from_waker(std::task::Waker::noop())).is_pending());
    });
    assert!(holders::look_up(waits[0].key).is_some());
    std::mem::forget(waiting);
    drop(mutex);
    assert_eq!(holders::look_up(waits[0].key), None);
}

#[test]
fn threads_count_together() {
    let mutex = Arc::new(Mutex::new(0));
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let mutex = mutex.clone();
            std::thread::spawn(move || {
                for round in 0..500 {
                    if round % 5 == 0 {
                        // A wait that is given up.
                        let mut given_up = pin!(mutex.lock());
                        let _ = given_up.as_mut().poll(&mut Context::from_waker(std::task::Waker::noop()));
                    }
                    let mut guard = block_on(mutex.lock());
                    let before = *guard;
                    if round % 7 == 0 {
                        std::thread::yield_now();
                    }
                    *guard = before + 1;
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert_eq!(*mutex.try_lock().unwrap(), 2000);
}
