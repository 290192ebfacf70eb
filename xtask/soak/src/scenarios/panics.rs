//! Panics in every place where user code runs: whoever asks is told, and nothing else breaks.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use unstuck::sync::{CancellationToken, Mutex, Notify, Semaphore, mpsc, oneshot, watch};
use unstuck::task::{JoinSet, spawn_blocking, yield_now};
use unstuck::time::sleep;

use crate::findings::Planned;
use crate::oracle::Life;
use crate::rng::Rng;
use crate::stage::{Outcome, Stage, step};

/// Panics when it is dropped, unless a panic is under way: that would abort, as everywhere.
struct Mine(#[expect(dead_code, reason = "it counts")] Life);

impl Drop for Mine {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            Planned::panic();
        }
    }
}

pub(crate) async fn run(stage: Stage, mut rng: Rng) -> Outcome {
    for _ in 0..rng.count(1..=12) {
        let (life, nap) = (stage.life(), rng.micros(300));
        let kind = rng.pick(0..=6);
        let task = match kind {
            // In a poll.
            0 | 1 => stage.spawn(async move {
                let _life = life;
                sleep(nap).await;
                Planned::panic()
            }),
            // In blocking work.
            2 => spawn_blocking(move || {
                let _life = life;
                Planned::panic()
            }),
            // In the drop of a future that is done, or that is aborted.
            3 | 4 => {
                let mine = Mine(life);
                let task = stage.spawn(async move {
                    sleep(nap).await;
                    if kind == 4 {
                        std::future::pending::<()>().await;
                    }
                    drop(mine);
                });
                if kind == 4 {
                    yield_now().await;
                    task.abort();
                }
                task
            }
            // In the drop of a result that nobody takes.
            5 => {
                let mine = Mine(life);
                drop(stage.spawn(async move {
                    sleep(nap).await;
                    mine
                }));
                continue;
            }
            // In a set that is dropped.
            _ => {
                let mut set = JoinSet::new();
                let mine = Mine(life);
                set.spawn(async move {
                    let _mine = mine;
                    std::future::pending::<()>().await;
                });
                set.spawn(async { Planned::panic() });
                yield_now().await;
                let joined = set.join_next().await;
                stage.check(joined.is_some_and(|joined| joined.is_err()), "a panic of the set")?;
                continue;
            }
        };
        let id = task.id();
        match task.await {
            Ok(()) => stage.check(false, "a task that panics does not succeed")?,
            Err(error) if error.is_cancelled() => stage.check(kind == 4, "only what is aborted is cancelled")?,
            Err(error) => {
                stage.check(Planned::is(error.into_panic()), "its own panic comes out")?;
                // Of one in the drop of a task that is aborted nobody is told.
                let told = stage.shape().told().is_none_or(|told| told.of(id));
                stage.check(told || kind == 4, "the hook was told before")?;
            }
        }
        step();
    }
    in_a_lock(stage, rng).await
}

/// A panic while a lock is held lets it go.
async fn in_a_lock(stage: Stage, mut rng: Rng) -> Outcome {
    let (lock, semaphore) = (Arc::new(Mutex::new(())), Arc::new(Semaphore::new(2)));
    for _ in 0..rng.pick(1..=6) {
        let (lock, semaphore) = (lock.clone(), semaphore.clone());
        let task = stage.spawn(async move {
            let _guard = lock.lock().await;
            let _permit = semaphore.acquire().await;
            yield_now().await;
            Planned::panic()
        });
        if rng.one_in(2) {
            stage.check(task.await.is_err_and(|error| error.is_panic()), "it panics")?;
        }
    }
    drop(lock.lock().await);
    while semaphore.available_permits() != 2 {
        yield_now().await;
    }
    Ok(())
}

/// Panics when it is woken, at most once.
struct Bomb(AtomicUsize, #[expect(dead_code, reason = "it counts")] Life);

impl Wake for Bomb {
    fn wake(self: Arc<Self>) {
        if self.0.fetch_add(1, Ordering::SeqCst) == 0 {
            Planned::panic();
        }
    }
}

/// Polls once, with this waker.
fn poll_with<F: Future>(waker: &Waker, future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(waker))
}

/// Wakers that panic: who wakes gets the panic, or nobody; the others are woken all the same.
pub(crate) async fn wakers(stage: Stage, mut rng: Rng) -> Outcome {
    for _ in 0..rng.pick(1..=8) {
        let bomb = Waker::from(Arc::new(Bomb(AtomicUsize::new(0), stage.life())));
        let waiters = rng.count(1..=5);
        match rng.pick(0..=5) {
            0 => {
                let notify = Arc::new(Notify::new());
                let mut bad = pin!(notify.notified());
                stage.check(poll_with(&bomb, bad.as_mut()).is_pending(), "it waits")?;
                let others: Vec<_> = (0..waiters)
                    .map(|_| {
                        let mut waits = Box::pin(notify.clone().notified_owned());
                        waits.as_mut().enable();
                        stage.spawn(waits)
                    })
                    .collect();
                drop(catch_unwind(AssertUnwindSafe(|| notify.notify_waiters())));
                for other in others {
                    stage.must(other.await, "who else was notified")?;
                }
            }
            1 => {
                let token = CancellationToken::new();
                let mut bad = pin!(token.cancelled());
                stage.check(poll_with(&bomb, bad.as_mut()).is_pending(), "it waits")?;
                let others: Vec<_> = (0..waiters).map(|_| stage.spawn(token.clone().cancelled_owned())).collect();
                drop(catch_unwind(AssertUnwindSafe(|| token.cancel())));
                for other in others {
                    stage.must(other.await, "who else was cancelled")?;
                }
            }
            2 => {
                // A timer's waker panics on a thread of the runtime, which goes on.
                let mut bad = Box::pin(sleep(rng.micros(1500)));
                let _ended_or_not = poll_with(&bomb, bad.as_mut());
                for _ in 0..waiters {
                    sleep(rng.micros(800)).await;
                }
                drop(bad);
            }
            3 => {
                let (sender, mut receiver) = mpsc::channel(1);
                stage.check(poll_with(&bomb, pin!(receiver.recv())).is_pending(), "it waits")?;
                drop(catch_unwind(AssertUnwindSafe(|| sender.try_send(stage.life()))));
                stage.check(receiver.recv().await.is_some(), "the message is there")?;
            }
            4 => {
                let (sender, receiver) = oneshot::channel();
                let mut receiver = pin!(receiver);
                stage.check(poll_with(&bomb, receiver.as_mut()).is_pending(), "it waits")?;
                drop(catch_unwind(AssertUnwindSafe(|| sender.send(stage.life()))));
                stage.check(receiver.await.is_ok(), "the message is there")?;
            }
            _ => {
                let (sender, receiver) = watch::channel(0);
                let (mut first, mut second) = (receiver.clone(), receiver);
                let mut bad = Box::pin(first.changed());
                stage.check(poll_with(&bomb, bad.as_mut()).is_pending(), "it waits")?;
                let other = stage.spawn(async move { second.changed().await.is_ok() });
                drop(catch_unwind(AssertUnwindSafe(|| sender.send_replace(1))));
                stage.check(stage.must(other.await, "who else watches")?, "the change is seen")?;
                stage.check(bad.await.is_ok(), "the change is seen")?;
            }
        }
        step();
    }
    Ok(())
}
