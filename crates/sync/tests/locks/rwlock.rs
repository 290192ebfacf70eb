//! Reader-writer locks.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use unstuck_base::local::{WaitKind, next_task_id};
use unstuck_base::parker::block_on;
use unstuck_sync::holders;
use unstuck_sync::{
    OwnedRwLockMappedWriteGuard, OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock, RwLockMappedWriteGuard,
    RwLockReadGuard, RwLockWriteGuard,
};

use crate::support::{Task, as_task};

#[test]
fn readers_share_and_writers_are_alone() {
    let lock = RwLock::new(1);
    let (a, b) = (lock.try_read().unwrap(), Task::new(lock.read()).ready());
    let mut writer = Task::new(lock.write());
    writer.pending();
    assert_eq!(*a + *b, 2);
    drop(a);
    assert!(!writer.is_woken());
    drop(b);
    assert!(writer.is_woken());
    let mut guard = writer.ready();
    *guard = 2;
    let (mut c, mut d) = (Task::new(lock.read()), Task::new(lock.read()));
    c.pending();
    d.pending();
    assert!(lock.try_read().is_err() && lock.try_write().is_err());
    drop(guard);
    assert!(c.is_woken() && d.is_woken());
    assert_eq!(*c.ready() + *d.ready(), 4);
}

#[test]
fn a_reader_does_not_pass_a_waiting_writer() {
    let lock = RwLock::new(());
    let reading = lock.try_read().unwrap();
    let (mut writer, mut late) = (Task::new(lock.write()), Task::new(lock.read()));
    writer.pending();
    late.pending();
    assert!(lock.try_read().is_err());
    drop(writer);
    assert!(late.is_woken(), "the writer gave up, and with it what was set aside for it");
    let _late = late.ready();
    drop(reading);
}

#[test]
fn one_reader_more_than_allowed_waits() {
    let lock = RwLock::with_max_readers((), 2);
    let (a, _b) = (lock.try_read().unwrap(), lock.try_read().unwrap());
    let mut c = Task::new(lock.read());
    c.pending();
    drop(a);
    let _c = c.ready();
    assert!(lock.try_read().is_err());
}

#[test]
fn impossible_numbers_of_readers_are_refused() {
    let message = |max| {
        let panic = catch_unwind(|| RwLock::with_max_readers((), max)).unwrap_err();
        *panic.downcast_ref::<&str>().unwrap()
    };
    assert_eq!(message(0), "a RwLock may not be created with 0 readers");
    assert_eq!(message((u32::MAX >> 3) + 1), "a RwLock may not be created with more than 536870911 readers");
    RwLock::with_max_readers((), u32::MAX >> 3);
}

#[test]
fn a_downgraded_writer_reads_on_and_lets_readers_in() {
    let lock = RwLock::new((1, 2));
    let writing = lock.try_write().unwrap();
    let (mut reader, mut writer) = (Task::new(lock.read()), Task::new(lock.write()));
    reader.pending();
    writer.pending();
    let writing = RwLockWriteGuard::try_downgrade_map(writing, |_| None::<&u8>).unwrap_err();
    reader.pending();
    let reading = RwLockWriteGuard::downgrade_map(writing, |pair| {
        reader.pending();
        &pair.1
    });
    assert!(reader.is_woken() && !writer.is_woken());
    assert_eq!((*reading, *reader.ready()), (2, (1, 2)));
    drop(reading);
    assert_eq!(*writer.ready().downgrade(), (1, 2));
    let reading = RwLockWriteGuard::try_downgrade_map(lock.try_write().unwrap(), |pair| Some(&pair.0)).unwrap();
    assert!(lock.try_read().is_ok() && lock.try_write().is_err());
    drop(reading);
    assert!(lock.try_write().is_ok());
}

#[test]
fn mapped_guards_hold_the_same_lock() {
    let lock = RwLock::new((1, Some(2)));
    let reading = RwLockReadGuard::map(lock.try_read().unwrap(), |pair| &pair.1);
    let reading = RwLockReadGuard::try_map(reading, |_| None::<&u8>).unwrap_err();
    let reading = RwLockReadGuard::try_map(reading, Option::as_ref).unwrap();
    assert_eq!(format!("{reading} {reading:?}"), "2 2");
    assert!(lock.try_write().is_err());
    drop(reading);

    let writing = RwLockWriteGuard::try_map(lock.try_write().unwrap(), |_| None::<&mut u8>).unwrap_err();
    assert_eq!(format!("{writing:?}"), "(1, Some(2))");
    let writing = RwLockWriteGuard::into_mapped(writing);
    let writing = RwLockMappedWriteGuard::map(writing, |pair| &mut pair.1);
    let writing = RwLockMappedWriteGuard::try_map(writing, |_| None::<&mut u8>).unwrap_err();
    let mut writing = RwLockMappedWriteGuard::try_map(writing, Option::as_mut).unwrap();
    *writing = 3;
    assert_eq!(format!("{writing} {writing:?}"), "3 3");
    assert!(lock.try_read().is_err());
    drop(writing);
    *RwLockWriteGuard::map(lock.try_write().unwrap(), |pair| &mut pair.0) = 4;
    *RwLockWriteGuard::try_map(lock.try_write().unwrap(), |pair| pair.1.as_mut()).unwrap() = 5;
    assert_eq!(*lock.try_write().unwrap(), (4, Some(5)));
    assert!(
        catch_unwind(AssertUnwindSafe(|| RwLockWriteGuard::downgrade_map(lock.try_write().unwrap(), |_| -> &u8 {
            panic!("in map")
        })))
        .is_err()
    );
    assert!(lock.try_write().is_ok());
}

#[test]
fn owned_guards_keep_the_lock_alive() {
    let lock = Arc::new(RwLock::new((1, Some(2))));
    let (read, write) = (|| lock.clone().try_read_owned(), || lock.clone().try_write_owned());
    let reading = OwnedRwLockReadGuard::map(read().unwrap(), |pair| &pair.1);
    let reading = OwnedRwLockReadGuard::try_map(reading, |_| None::<&u8>).unwrap_err();
    let reading = OwnedRwLockReadGuard::try_map(reading, Option::as_ref).unwrap();
    assert!(Arc::ptr_eq(OwnedRwLockReadGuard::rwlock(&reading), &lock));
    assert_eq!(format!("{reading} {reading:?}"), "2 2");
    assert!(write().is_err());
    drop(reading);

    let writing = OwnedRwLockWriteGuard::try_map(write().unwrap(), |_| None::<&mut u8>).unwrap_err();
    assert!(Arc::ptr_eq(OwnedRwLockWriteGuard::rwlock(&writing), &lock));
    let writing = OwnedRwLockWriteGuard::into_mapped(writing);
    let writing = OwnedRwLockMappedWriteGuard::map(writing, |pair| &mut pair.1);
    let writing = OwnedRwLockMappedWriteGuard::try_map(writing, |_| None::<&mut u8>).unwrap_err();
    let mut writing = OwnedRwLockMappedWriteGuard::try_map(writing, Option::as_mut).unwrap();
    assert!(Arc::ptr_eq(OwnedRwLockMappedWriteGuard::rwlock(&writing), &lock));
    *writing = 3;
    assert_eq!(format!("{writing} {writing:?}"), "3 3");
    assert!(read().is_err());
    drop(writing);

    *OwnedRwLockWriteGuard::map(write().unwrap(), |pair| &mut pair.0) = 4;
    let reading = OwnedRwLockWriteGuard::downgrade_map(write().unwrap(), |pair| &pair.0);
    assert_eq!((*reading, *read().unwrap()), (4, (4, Some(3))));
    drop(reading);
    let writing = OwnedRwLockWriteGuard::try_downgrade_map(write().unwrap(), |_| None::<&u8>).unwrap_err();
    assert_eq!(*writing.downgrade(), (4, Some(3)));
    drop(OwnedRwLockWriteGuard::try_downgrade_map(write().unwrap(), |pair| Some(&pair.0)).unwrap());
    assert!(write().is_ok());
    let moved = block_on(lock.clone().write_owned());
    std::thread::spawn(move || drop(moved)).join().unwrap();
    drop(block_on(lock.clone().read_owned()));
    assert_eq!(Arc::strong_count(&lock), 1);
}

#[test]
fn a_value_without_a_size_can_be_locked() {
    let lock: Arc<RwLock<[u8]>> = Arc::new(RwLock::new([1, 2]));
    block_on(lock.write())[0] = 3;
    assert_eq!(*block_on(lock.clone().read_owned()), [3, 2]);
}

#[test]
fn a_lock_is_a_value_like_others() {
    static LOCK: RwLock<u8> = RwLock::const_with_max_readers(1, 5);
    assert_eq!(*LOCK.blocking_read(), 1);
    *LOCK.blocking_write() += 1;
    let mut lock = RwLock::from("data");
    assert_eq!(format!("{lock:?}"), r#"RwLock { data: "data" }"#);
    let writing = lock.try_write().unwrap();
    assert_eq!(format!("{lock:?} {writing}"), "RwLock { data: <locked> } data");
    drop(writing);
    *lock.get_mut() = "new";
    assert_eq!(lock.into_inner(), "new");
    assert_eq!(RwLock::<u8>::default().into_inner(), 0);
}

#[test]
fn waits_say_what_for_and_the_writer_can_be_found() {
    let lock = RwLock::new(());
    let (holder, waiter) = (next_task_id(), next_task_id());
    let (writing, _) = as_task(holder, 1, || Task::new(lock.write()).ready());
    let (mut reader, mut writer) = (Task::new(lock.read()), Task::new(lock.write()));
    let ((), waits) = as_task(waiter, 1, || {
        reader.pending();
        writer.pending();
    });
    assert_eq!((waits[0].kind, waits[1].kind), (WaitKind::Read, WaitKind::Write));
    let key = waits[0].key;
    assert_eq!(holders::look_up(key).unwrap().holder.unwrap().task, Some(holder));
    drop(writing);
    assert_eq!(holders::look_up(key).unwrap().grantee.unwrap().seen.unwrap().id, waiter);
    let reading = reader.ready();
    let held = holders::look_up(key).unwrap();
    assert_eq!((held.holder, held.grantee), (None, None), "readers hold it, of whom there may be many");
    drop(reading);
    let _writing = writer.ready();
    assert_eq!(holders::look_up(key), None);
}

#[test]
#[should_panic(expected = "Cannot block the current thread from within a runtime")]
fn blocking_inside_a_runtime_is_refused() {
    let _entered = unstuck_base::entered::enter();
    let lock = RwLock::new(());
    let _guard = lock.blocking_read();
}

#[test]
fn threads_read_whole_values() {
    let lock = Arc::new(RwLock::new((0, 0)));
    let threads: Vec<_> = (0..4)
        .map(|n| {
            let lock = lock.clone();
            std::thread::spawn(move || {
                for round in 0..400 {
                    if (round + n) % 4 == 0 {
                        let mut pair = block_on(lock.write());
                        pair.0 += 1;
                        if round % 8 == 0 {
                            std::thread::yield_now();
                        }
                        pair.1 += 1;
                        let pair = pair.downgrade();
                        assert_eq!(pair.0, pair.1);
                    } else {
                        let pair = block_on(lock.read());
                        assert_eq!(pair.0, pair.1);
                    }
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert_eq!(*lock.try_write().unwrap(), (400, 400));
}
