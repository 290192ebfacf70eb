//! Tasks that spawn tasks, yield, are awaited, aborted or let go.

use std::pin::Pin;
use std::time::Duration;

use unstuck::task::{JoinSet, spawn_blocking, yield_now};
use unstuck::time::sleep;

use crate::rng::Rng;
use crate::stage::{Outcome, Stage, step};

/// Trees of tasks. What a tree returns is how many tasks it had.
pub(crate) async fn run(stage: Stage, mut rng: Rng) -> Outcome {
    for _ in 0..rng.count(1..=6) {
        let depth = rng.count(0..=6);
        let (grown, expected) = tree(stage.clone(), rng.fork(), depth).await?;
        stage.check(grown == expected, "every task of the tree returned")?;
        // Let go, and aborted at once or a bit later.
        for _ in 0..rng.count(0..=20) {
            let (life, naps) = (stage.life(), rng.count(0..=3));
            let task = stage.spawn(async move {
                for _ in 0..naps {
                    yield_now().await;
                }
                life
            });
            match rng.pick(0..=3) {
                0 => task.abort(),
                1 => {
                    yield_now().await;
                    task.abort();
                    let joined = task.await;
                    stage
                        .check(joined.is_ok() || joined.is_err_and(|error| error.is_cancelled()), "an aborted task")?;
                }
                2 => drop(stage.must(task.await, "a task")?),
                _ => {}
            }
        }
    }
    Ok(())
}

type Tree = Pin<Box<dyn Future<Output = Result<(usize, usize), crate::stage::Stop>> + Send>>;

/// How many tasks returned, and how many there were.
fn tree(stage: Stage, mut rng: Rng, depth: usize) -> Tree {
    Box::pin(async move {
        let branches = if depth == 0 { 0 } else { rng.count(1..=3) };
        let mut tasks = Vec::new();
        for _ in 0..branches {
            tasks.push(stage.spawn(tree(stage.clone(), rng.fork(), depth - 1)));
            if rng.one_in(4) {
                yield_now().await;
            }
        }
        let (mut returned, mut all) = (1, 1);
        for task in tasks {
            let (of_it, all_of_it) = stage.must(task.await, "a branch")??;
            returned += of_it;
            all += all_of_it;
        }
        Ok((returned, all))
    })
}

/// Sets of tasks, of blocking work too: all of them come out once, or end with the set.
pub(crate) async fn join_sets(stage: Stage, mut rng: Rng) -> Outcome {
    for _ in 0..rng.count(1..=5) {
        let mut set = JoinSet::new();
        let tasks = rng.count(1..=40);
        for number in 0..tasks {
            let (life, nap) = (stage.life(), rng.micros(2000));
            match rng.pick(0..=3) {
                0 => drop(set.spawn_blocking(move || {
                    let _life = life;
                    number
                })),
                1 => drop(set.spawn(async move {
                    let _life = life;
                    sleep(nap).await;
                    number
                })),
                _ => drop(set.spawn(async move {
                    let _life = life;
                    yield_now().await;
                    number
                })),
            }
        }
        match rng.pick(0..=3) {
            0 => drop(set),
            1 => {
                yield_now().await;
                set.shutdown().await;
                stage.check(set.is_empty(), "nothing is left after shutdown")?;
            }
            2 => {
                set.detach_all();
                stage.check(set.is_empty(), "nothing is left after detach_all")?;
            }
            _ => {
                let mut seen = vec![false; tasks];
                while let Some(joined) = set.join_next().await {
                    let number = stage.must(joined, "a task of the set")?;
                    stage.check(!std::mem::replace(&mut seen[number], true), "a task comes out once")?;
                }
                stage.check(seen.iter().all(|seen| *seen), "every task came out")?;
            }
        }
        step();
    }
    let work = spawn_blocking(|| std::thread::sleep(Duration::from_micros(100)));
    stage.must(work.await, "blocking work")
}
