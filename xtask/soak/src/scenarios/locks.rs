//! Locks, with waiters that give up: nobody is let in who may not, no permit is lost, nobody is forgotten.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use unstuck::sync::{Barrier, Mutex, Notify, OnceCell, RwLock, Semaphore};
use unstuck::task::yield_now;
use unstuck::time::timeout;

use crate::rng::Rng;
use crate::stage::{Outcome, Stage, step};

/// A count that only its lock protects.
pub(crate) async fn mutex(stage: Stage, mut rng: Rng) -> Outcome {
    let lock = Arc::new(Mutex::new(Cell::new(0_usize)));
    let entered = Arc::new(AtomicUsize::new(0));
    let mut tasks = Vec::new();
    for _ in 0..rng.count(1..=12) {
        let (lock, entered, mut rng) = (lock.clone(), entered.clone(), rng.fork());
        tasks.push(stage.spawn(async move {
            for _ in 0..rng.pick(1..=60) {
                let guard = match rng.pick(0..=3) {
                    0 => match timeout(rng.micros(200), lock.lock()).await {
                        Ok(guard) => guard,
                        Err(_elapsed) => continue,
                    },
                    1 => match lock.try_lock() {
                        Ok(guard) => guard,
                        Err(_locked) => continue,
                    },
                    _ => lock.lock().await,
                };
                let before = guard.get();
                if rng.one_in(3) {
                    yield_now().await;
                }
                guard.set(before + 1);
                entered.fetch_add(1, Ordering::SeqCst);
                step();
            }
        }));
    }
    for task in tasks {
        if rng.one_in(10) {
            task.abort();
            let joined = task.await;
            stage.check(joined.is_ok() || joined.is_err_and(|error| error.is_cancelled()), "an aborted task")?;
        } else {
            stage.must(task.await, "who locks")?;
        }
    }
    let count = stage.must(timeout(Duration::from_secs(20), lock.lock()).await, "the lock is free")?.get();
    // Whoever was aborted between both counts has counted in neither, as nothing is awaited there.
    stage.check(count == entered.load(Ordering::SeqCst), "the lock lets one in at a time")
}

/// One writer, or readers.
pub(crate) async fn rwlock(stage: Stage, mut rng: Rng) -> Outcome {
    let lock = Arc::new(RwLock::new((0_u64, 0_u64)));
    let mut tasks = Vec::new();
    for _ in 0..rng.count(1..=10) {
        let (stage2, lock, mut rng) = (stage.clone(), lock.clone(), rng.fork());
        tasks.push(stage.spawn(async move {
            let mut written = 0;
            for _ in 0..rng.pick(1..=50) {
                if rng.one_in(3) {
                    let Ok(mut guard) = timeout(rng.micros(1000), lock.write()).await else { continue };
                    guard.0 += 1;
                    yield_now().await;
                    guard.1 += 1;
                    written += 1;
                    if rng.one_in(2) {
                        let guard = guard.downgrade();
                        yield_now().await;
                        stage2.always(guard.0 == guard.1, "a downgraded writer keeps others out");
                    }
                } else {
                    let Ok(guard) = timeout(rng.micros(1000), lock.read()).await else { continue };
                    let before = *guard;
                    yield_now().await;
                    stage2.always(before == *guard && before.0 == before.1, "nobody writes while one reads");
                }
                step();
            }
            written
        }));
    }
    let mut written = 0;
    for task in tasks {
        written += stage.must(task.await, "who locks")?;
    }
    let end = *stage.must(timeout(Duration::from_secs(20), lock.read()).await, "the lock is free")?;
    stage.check(end == (written, written), "every write is there")
}

/// No more are inside than there are permits, and all permits are there in the end.
pub(crate) async fn semaphore(stage: Stage, mut rng: Rng) -> Outcome {
    let permits = rng.pick(1..=8) as u32;
    let semaphore = Arc::new(Semaphore::new(permits as usize));
    let inside = Arc::new(AtomicUsize::new(0));
    let mut tasks = Vec::new();
    for _ in 0..rng.count(1..=16) {
        let (stage2, semaphore, inside, mut rng) = (stage.clone(), semaphore.clone(), inside.clone(), rng.fork());
        tasks.push(stage.spawn(async move {
            for _ in 0..rng.pick(1..=50) {
                let wants = rng.pick(1..=permits.into()) as u32;
                let limit = if rng.one_in(2) { rng.micros(300) } else { Duration::from_secs(60) };
                let acquired = timeout(limit, semaphore.clone().acquire_many_owned(wants)).await;
                let Ok(acquired) = acquired else { continue };
                let mut permit = stage2.must(acquired, "the semaphore is open")?;
                let before = inside.fetch_add(wants as usize, Ordering::SeqCst);
                stage2.always(before + wants as usize <= permits as usize, "no more permits than there are");
                if rng.one_in(2) {
                    yield_now().await;
                }
                inside.fetch_sub(wants as usize, Ordering::SeqCst);
                if let Some(part) = permit.split(wants as usize / 2) {
                    drop(part);
                    yield_now().await;
                }
                step();
            }
            Outcome::Ok(())
        }));
    }
    for task in tasks {
        stage.must(task.await, "who acquires")??;
    }
    stage.check(semaphore.available_permits() == permits as usize, "no permit is lost")
}

/// Everybody is notified who waits, the first comer made the value, and a barrier has one leader.
pub(crate) async fn notify_and_barrier(stage: Stage, mut rng: Rng) -> Outcome {
    for _ in 0..rng.count(1..=10) {
        let parties = rng.count(1..=8);
        let (barrier, cell) = (Arc::new(Barrier::new(parties)), Arc::new(OnceCell::new()));
        let (notify, made) = (Arc::new(Notify::new()), Arc::new(AtomicUsize::new(0)));
        let go = Arc::new(AtomicBool::new(false));
        let mut tasks = Vec::new();
        for _ in 0..parties {
            let (barrier, cell, notify, made, go) =
                (barrier.clone(), cell.clone(), notify.clone(), made.clone(), go.clone());
            tasks.push(stage.spawn(async move {
                while !go.load(Ordering::SeqCst) {
                    let notified = notify.notified();
                    if !go.load(Ordering::SeqCst) {
                        notified.await;
                    }
                }
                cell.get_or_init(|| async {
                    yield_now().await;
                    made.fetch_add(1, Ordering::SeqCst)
                })
                .await;
                barrier.wait().await.is_leader()
            }));
        }
        for _ in 0..rng.pick(0..=5) {
            // Given up, with or without having been notified: it is passed on.
            drop(timeout(rng.micros(50), notify.notified()).await);
            notify.notify_one();
            yield_now().await;
        }
        go.store(true, Ordering::SeqCst);
        notify.notify_waiters();
        let mut leaders = 0;
        for task in tasks {
            leaders += usize::from(stage.must(task.await, "who waits")?);
        }
        stage.check(leaders == 1, "one leader")?;
        stage.check(made.load(Ordering::SeqCst) == 1, "the value is made once")?;
    }
    one_by_one(stage, rng).await
}

/// As many are let through as notifications are given, though some give up while they are notified.
async fn one_by_one(stage: Stage, mut rng: Rng) -> Outcome {
    let (notify, through) = (Arc::new(Notify::new()), Arc::new(AtomicUsize::new(0)));
    let waiters = rng.count(1..=20);
    let mut tasks = Vec::new();
    for _ in 0..waiters {
        let (notify, through, mut rng) = (notify.clone(), through.clone(), rng.fork());
        tasks.push(stage.spawn(async move {
            while timeout(rng.micros(500), notify.notified()).await.is_err() {}
            through.fetch_add(1, Ordering::SeqCst);
        }));
    }
    while tasks.iter().any(|task| !task.is_finished()) {
        // One notification is kept if nobody waits; so this lets everybody through, one after the other.
        notify.notify_one();
        yield_now().await;
        step();
    }
    stage.check(through.load(Ordering::SeqCst) == waiters, "everybody was let through once")
}
