//! Channels and locks: capacities that can't be, and waits that block where none may.

use unstuck::sync::{
    Barrier, Mutex, OwnedSemaphorePermit, RwLock, Semaphore, TryAcquireError, broadcast, mpsc, oneshot, watch,
};
use unstuck::time::{Duration, timeout};

use std::sync::Arc;

use crate::blame::{each_refused, ends, refused, refused_somewhere, run};
use crate::common::{both, current_thread};

#[test]
fn a_capacity_that_can_not_be_is_refused_at_the_users_line() {
    each_refused(&[
        ("mpsc bounded channel requires buffer > 0", || drop(mpsc::channel::<()>(0))),
        ("a semaphore may not have more than MAX_PERMITS permits", || {
            drop(mpsc::channel::<()>(Semaphore::MAX_PERMITS + 1))
        }),
        ("a semaphore may not have more than MAX_PERMITS permits", || drop(mpsc::channel::<()>(usize::MAX))),
        ("broadcast channel capacity cannot be zero", || drop(broadcast::channel::<()>(0))),
        ("broadcast channel capacity exceeded `usize::MAX / 2`", || drop(broadcast::channel::<()>(usize::MAX))),
        ("broadcast channel capacity exceeded", || drop(broadcast::channel::<()>(usize::MAX / 2 + 1))),
        ("broadcast channel capacity cannot be zero", || drop(broadcast::Sender::<()>::new(0))),
        ("broadcast channel capacity exceeded", || drop(broadcast::Sender::<()>::new(usize::MAX))),
        ("a semaphore may not have more than MAX_PERMITS permits", || drop(Semaphore::new(Semaphore::MAX_PERMITS + 1))),
        ("a semaphore may not have more than MAX_PERMITS permits", || drop(Semaphore::new(usize::MAX))),
        ("a semaphore may not have more than MAX_PERMITS permits", || {
            drop(Semaphore::const_new(Semaphore::MAX_PERMITS + 1))
        }),
        ("a RwLock may not be created with more than 536870911 readers", || {
            drop(RwLock::with_max_readers((), (u32::MAX >> 3) + 1))
        }),
        ("a RwLock may not be created with more than", || drop(RwLock::with_max_readers((), u32::MAX))),
        ("a RwLock may not be created with more than", || drop(RwLock::const_with_max_readers((), u32::MAX))),
    ]);
}

#[test]
fn the_largest_capacities_are_taken() {
    assert_eq!(Semaphore::new(Semaphore::MAX_PERMITS).available_permits(), usize::MAX >> 3);
    let (sender, mut receiver) = mpsc::channel(Semaphore::MAX_PERMITS);
    assert_eq!((sender.capacity(), sender.max_capacity()), (Semaphore::MAX_PERMITS, Semaphore::MAX_PERMITS));
    sender.try_send(1).unwrap();
    assert_eq!(receiver.try_recv(), Ok(1));
    assert!(RwLock::with_max_readers((), u32::MAX >> 3).try_write().is_ok());
}

#[test]
fn permits_beyond_the_most_are_refused_and_change_nothing() {
    let most = Semaphore::new(Semaphore::MAX_PERMITS);
    refused("MAX_PERMITS", || most.add_permits(1));
    refused("MAX_PERMITS", || most.add_permits(usize::MAX));
    assert_eq!(most.available_permits(), Semaphore::MAX_PERMITS);
    let few = Semaphore::new(1);
    refused("MAX_PERMITS", || few.add_permits(Semaphore::MAX_PERMITS));
    assert_eq!(few.available_permits(), 1);
    assert_eq!(few.forget_permits(usize::MAX), 1);
}

#[test]
fn more_permits_than_there_are_is_a_wait_and_no_panic() {
    for runtime in both() {
        run(&runtime, async {
            let semaphore = Arc::new(Semaphore::new(1));
            assert_eq!(semaphore.try_acquire_many(u32::MAX).unwrap_err(), TryAcquireError::NoPermits);
            assert_eq!(semaphore.clone().try_acquire_many_owned(2).unwrap_err(), TryAcquireError::NoPermits);
            assert!(timeout(Duration::from_millis(1), semaphore.acquire_many(u32::MAX)).await.is_err());
            // Who gave up left nothing behind.
            assert_eq!(semaphore.available_permits(), 1);
            let all = semaphore.acquire().await.unwrap();
            assert!(semaphore.acquire_many(0).await.is_ok(), "none are always there");
            drop(all);
        });
    }
}

#[test]
fn permits_of_two_semaphores_do_not_merge() {
    let (one, other) = (Arc::new(Semaphore::new(1)), Arc::new(Semaphore::new(1)));
    refused("merging permits from different semaphore instances", || {
        let mut permit = one.try_acquire().unwrap();
        permit.merge(other.try_acquire().unwrap());
    });
    let owned = |of: &Arc<Semaphore>| -> OwnedSemaphorePermit { of.clone().try_acquire_owned().unwrap() };
    refused("merging permits from different semaphore instances", || owned(&one).merge(owned(&other)));
    assert_eq!((one.available_permits(), other.available_permits()), (1, 1));
    let mut permit = one.try_acquire().unwrap();
    assert!(permit.split(2).is_none(), "it has but one");
}

#[test]
fn more_places_than_a_channel_has_are_refused() {
    for runtime in both() {
        run(&runtime, async {
            let (sender, receiver) = mpsc::channel::<u32>(2);
            // They would never be there.
            sender.reserve_many(3).await.unwrap_err();
            assert!(matches!(sender.try_reserve_many(3), Err(mpsc::error::TrySendError::Full(()))));
            assert!(matches!(sender.try_reserve_many(usize::MAX), Err(mpsc::error::TrySendError::Full(()))));
            sender.reserve_many(usize::MAX).await.unwrap_err();
            assert_eq!(sender.reserve_many(2).await.unwrap().len(), 2);
            assert_eq!(sender.reserve_many(0).await.unwrap().len(), 0);
            drop(receiver);
            assert!(matches!(sender.try_reserve_many(1), Err(mpsc::error::TrySendError::Closed(()))));
        });
    }
}

#[test]
fn receiving_none_takes_none_and_waits_for_nothing() {
    for runtime in both() {
        run(&runtime, async {
            let (sender, mut receiver) = mpsc::channel(1);
            let mut buffer = Vec::new();
            assert_eq!(receiver.recv_many(&mut buffer, 0).await, 0);
            sender.try_send(1).unwrap();
            assert_eq!(receiver.recv_many(&mut buffer, 0).await, 0);
            assert_eq!(receiver.recv_many(&mut buffer, usize::MAX).await, 1);
            let (sender, mut receiver) = mpsc::unbounded_channel();
            assert_eq!(receiver.recv_many(&mut buffer, 0).await, 0);
            sender.send(1).unwrap();
            assert_eq!(receiver.recv_many(&mut buffer, usize::MAX).await, 1);
        });
    }
}

#[test]
fn a_barrier_for_nobody_lets_each_through() {
    for runtime in both() {
        run(&runtime, async {
            let barrier = Barrier::new(0);
            assert!(barrier.wait().await.is_leader());
            assert!(barrier.wait().await.is_leader());
        });
    }
}

#[test]
fn a_wait_that_blocks_is_refused_inside_asynchronous_code() {
    let says = "Cannot block the current thread from within a runtime";
    for runtime in both() {
        runtime.block_on(async {
            let (sender, mut receiver) = mpsc::channel(1);
            refused(says, || _ = sender.blocking_send(1));
            refused(says, || _ = receiver.blocking_recv());
            refused(says, || _ = receiver.blocking_recv_many(&mut Vec::new(), 1));
            let (_sender, mut receiver) = mpsc::unbounded_channel::<()>();
            refused(says, || _ = receiver.blocking_recv());
            refused(says, || _ = receiver.blocking_recv_many(&mut Vec::new(), 1));
            let (_sender, receiver) = oneshot::channel::<()>();
            refused(says, || _ = receiver.blocking_recv());
            let (_sender, mut receiver) = broadcast::channel::<()>(1);
            refused(says, || _ = receiver.blocking_recv());
            let mutex = Arc::new(Mutex::new(()));
            refused(says, || drop(mutex.blocking_lock()));
            refused(says, || drop(mutex.clone().blocking_lock_owned()));
            let lock = RwLock::new(());
            refused(says, || drop(lock.blocking_read()));
            refused(says, || drop(lock.blocking_write()));
        });
    }
}

#[test]
fn a_receiver_that_has_its_answer_is_not_asked_again() {
    let runtime = current_thread();
    let (sender, mut receiver) = oneshot::channel();
    sender.send(1).unwrap();
    assert_eq!(run(&runtime, ends(&mut receiver)), Ok(1));
    assert_eq!(receiver.try_recv(), Err(oneshot::error::TryRecvError::Closed));
    refused_somewhere("called after complete", || _ = runtime.block_on(&mut receiver));
}

#[test]
fn a_channel_without_the_other_side_is_an_error_and_no_wait() {
    for runtime in both() {
        run(&runtime, async {
            let (sender, receiver) = mpsc::channel(1);
            drop(receiver);
            assert_eq!(sender.send(1).await.unwrap_err().0, 1);
            let (sender, receiver) = watch::channel(1);
            drop(receiver);
            assert_eq!(sender.send(2).unwrap_err().0, 2);
            let (sender, mut receiver) = watch::channel(1);
            drop(sender);
            assert!(receiver.changed().await.is_err());
            assert!(receiver.wait_for(|&seen| seen == 2).await.is_err());
            let (sender, mut receiver) = broadcast::channel(1);
            drop(sender.subscribe());
            drop(sender);
            assert_eq!(receiver.recv().await, Err::<u32, _>(broadcast::error::RecvError::Closed));
            let closed = Semaphore::new(1);
            closed.close();
            assert!(closed.acquire().await.is_err());
            assert_eq!(closed.try_acquire().unwrap_err(), TryAcquireError::Closed);
        });
    }
}
