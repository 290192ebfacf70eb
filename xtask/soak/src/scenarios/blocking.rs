//! Blocking work, where it belongs and where it does not: everybody else goes on.

use std::hint::spin_loop;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use unstuck::runtime::Handle;
use unstuck::task::{block_in_place, spawn_blocking, yield_now};
use unstuck::time::sleep;

use crate::rng::Rng;
use crate::stage::{Outcome, Stage, step};

pub(crate) async fn run(stage: Stage, mut rng: Rng) -> Outcome {
    let mut tasks = Vec::new();
    for _ in 0..rng.count(1..=10) {
        let (stage2, mut rng) = (stage.clone(), rng.fork());
        let life = stage.life();
        tasks.push(stage.spawn(async move {
            let span = rng.micros(3000);
            match rng.pick(0..=4) {
                0 => {
                    let work = spawn_blocking(move || {
                        let _life = life;
                        thread::sleep(span);
                    });
                    if rng.one_in(3) {
                        work.abort();
                        drop(work.await);
                    } else {
                        stage2.must(work.await, "blocking work")?;
                    }
                }
                1 if stage2.shape().replaces_all_who_block() => {
                    block_in_place(|| {
                        thread::sleep(span);
                        Handle::current().block_on(async {
                            yield_now().await;
                            block_in_place(|| thread::sleep(span / 2));
                            sleep(span / 4).await;
                        });
                    });
                }
                2 => thread::sleep(span * 5),
                3 => {
                    let handle = Handle::current();
                    let work = spawn_blocking(move || {
                        let _life = life;
                        handle.block_on(async { sleep(span).await });
                    });
                    stage2.must(work.await, "blocking work that awaits")?;
                }
                _ => yield_now().await,
            }
            step();
            Outcome::Ok(())
        }));
    }
    for task in tasks {
        stage.must(task.await, "who blocks")??;
    }
    Ok(())
}

/// Tasks that wait for others without `await`: nothing may be stuck behind them. Where nobody looks after those, they say
/// that they block, by `block_in_place`; on a single thread, or without threads to replace them, there is no such thing.
pub(crate) async fn waits_without_await(stage: Stage, mut rng: Rng) -> Outcome {
    if !stage.shape().replaces_all_who_block() {
        return Ok(());
    }
    let announces = !stage.shape().finds_who_blocks();
    let mut tasks = Vec::new();
    let mut helpers = Vec::new();
    for number in 0..rng.pick(1..=8) {
        let (tells, told) = mpsc::channel();
        let (waits, nap) = (move || told.recv().ok(), rng.micros(2000));
        let says = announces || rng.one_in(4);
        tasks.push((number, stage.spawn(async move { if says { block_in_place(waits) } else { waits() } })));
        let helper = async move {
            sleep(nap).await;
            yield_now().await;
            let _told = tells.send(number);
        };
        helpers.push(match rng.one_in(3) {
            // Woken by another task, which waits in the slot of whoever wakes it.
            true => stage.spawn(async move { drop(unstuck::spawn(helper).await) }),
            false => stage.spawn(helper),
        });
    }
    for (number, task) in tasks {
        let told = stage.must(task.await, "who waits without await")?;
        stage.check(told == Some(number), "it was told")?;
    }
    for helper in helpers {
        stage.must(helper.await, "who helps")?;
    }
    Ok(())
}

/// Tasks that compute for long at a time, more than there are workers; a timer and a chain of wake-ups go on beside them.
pub(crate) async fn burns(stage: Stage, mut rng: Rng) -> Outcome {
    let mut tasks = Vec::new();
    for _ in 0..rng.count(1..=6) {
        let mut rng = rng.fork();
        tasks.push(stage.spawn(async move {
            for _ in 0..rng.pick(1..=4) {
                let (begin, span) = (Instant::now(), rng.micros(15_000));
                while begin.elapsed() < span {
                    spin_loop();
                }
                match rng.pick(0..=2) {
                    0 => sleep(Duration::from_micros(100)).await,
                    _ => yield_now().await,
                }
                step();
            }
        }));
    }
    for _ in 0..rng.pick(1..=20) {
        sleep(rng.micros(500)).await;
        stage.must(stage.spawn(async { yield_now().await }).await, "a task beside them")?;
    }
    for task in tasks {
        if rng.one_in(5) {
            task.abort();
        } else {
            stage.must(task.await, "who computes")?;
        }
    }
    Ok(())
}
