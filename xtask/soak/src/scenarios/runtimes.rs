//! Runtimes inside a runtime: built, used across, and dropped, while tasks of both wake each other.

use std::thread;
use std::time::Duration;

use unstuck::runtime::{Builder, LocalOptions};
use unstuck::sync::{mpsc, oneshot};
use unstuck::task::{spawn_blocking, yield_now};
use unstuck::time::sleep;

use crate::findings;
use crate::rng::Rng;
use crate::shape::{Farewell, Shape};
use crate::stage::{Outcome, Stage, step};

pub(crate) async fn run(stage: Stage, mut rng: Rng) -> Outcome {
    for _ in 0..rng.pick(1..=3) {
        let (asks, mut asked) = mpsc::channel::<(u64, oneshot::Sender<u64>)>(4);
        let (stage2, inner) = (stage.clone(), rng.fork());
        let work = spawn_blocking(move || one(&stage2, inner, &asks));
        while let Some((number, answers)) = asked.recv().await {
            // Who asked may be gone, with its runtime.
            let _heard = answers.send(number + 1);
            step();
        }
        stage.must(work.await, "a runtime")??;
    }
    Ok(())
}

/// One runtime; its tasks ask those of the other.
fn one(stage: &Stage, mut rng: Rng, asks: &mpsc::Sender<(u64, oneshot::Sender<u64>)>) -> Outcome {
    let ask = |number| {
        let (asks, life) = (asks.clone(), stage.life());
        async move {
            let _life = life;
            let (answers, answer) = oneshot::channel();
            asks.send((number, answers)).await.ok()?;
            answer.await.ok()
        }
    };
    if rng.one_in(4) {
        let runtime = Builder::new_current_thread().enable_all().build_local(LocalOptions::default());
        let runtime = stage.must(runtime, "a local runtime")?;
        let task = runtime.spawn_local(ask(1));
        let answer = stage.must(runtime.block_on(task), "a local task")?;
        drop(runtime.spawn_local(std::future::pending::<()>()));
        return stage.check(answer == Some(2), "the answer of the other runtime");
    }
    let runtime = stage.must(Shape::random(&mut rng).build(), "a runtime")?;
    let handle = runtime.handle().clone();
    let tasks: Vec<_> = (0..rng.pick(1..=20)).map(|number| (number, runtime.spawn(ask(number)))).collect();
    for nap in [0, 1, 60_000] {
        let life = stage.life();
        drop(runtime.spawn(async move {
            let _life = life;
            sleep(Duration::from_millis(nap)).await;
        }));
    }
    let late = rng.one_in(2).then(|| {
        // Somebody who does not know that the runtime is going away.
        let (handle, life) = (handle.clone(), stage.life());
        thread::spawn(move || {
            let _life = life;
            for _ in 0..50 {
                let task = handle.spawn(async { yield_now().await });
                thread::yield_now();
                task.abort();
            }
        })
    });
    if rng.one_in(2) {
        for (number, task) in tasks {
            let answer = stage.must(runtime.block_on(task), "a task")?;
            stage.check(answer == Some(number + 1), "the answer of the other runtime")?;
        }
    } else {
        thread::sleep(rng.micros(2000));
    }
    let limit = Duration::from_millis(rng.pick(0..=5));
    rng.among(&[Farewell::Drop, Farewell::Timeout(limit), Farewell::Background]).say(runtime);
    let after = handle.spawn(async {});
    if late.is_some_and(|late| late.join().is_err()) {
        findings::report("spawning on a runtime that goes away panics".to_owned());
    }
    drop(after);
    step();
    Ok(())
}
