//! Tasks that stay on their thread, woken from others.

use std::cell::RefCell;
use std::rc::Rc;

use unstuck::sync::{mpsc, oneshot};
use unstuck::task::{LocalSet, spawn_blocking, spawn_local, yield_now};
use unstuck::time::sleep;

use crate::rng::Rng;
use crate::stage::{Outcome, Stage, step};

pub(crate) async fn run(stage: Stage, mut rng: Rng) -> Outcome {
    let handle = unstuck::runtime::Handle::current();
    let (pings, mut pinged) = mpsc::channel::<oneshot::Sender<()>>(2);
    let (stage2, inner) = (stage.clone(), rng.fork());
    let work = spawn_blocking(move || {
        let set = LocalSet::new();
        let outcome = handle.block_on(set.run_until(inside(stage2.clone(), inner, pings)));
        // What still waits in the set is dropped here, on its own thread.
        let (life, stays) = (stage2.life(), Rc::new(()));
        drop(set.spawn_local(async move {
            let _both = (life, stays);
            std::future::pending::<()>().await;
        }));
        outcome
    });
    while let Some(answers) = pinged.recv().await {
        if rng.one_in(3) {
            yield_now().await;
        }
        let _heard = answers.send(());
        step();
    }
    stage.must(work.await, "the thread of the set")?
}

async fn inside(stage: Stage, mut rng: Rng, pings: mpsc::Sender<oneshot::Sender<()>>) -> Outcome {
    let log = Rc::new(RefCell::new(0));
    let count = rng.count(1..=20);
    let mut tasks = Vec::new();
    for _ in 0..count {
        let (log, pings, nap, life) = (log.clone(), pings.clone(), rng.micros(500), stage.life());
        tasks.push(spawn_local(async move {
            let _life = life;
            let (answers, answer) = oneshot::channel();
            let asked = pings.send(answers).await.is_ok() && answer.await.is_ok();
            sleep(nap).await;
            *log.borrow_mut() += usize::from(asked);
            step();
        }));
    }
    drop(pings);
    let mut aborted = 0;
    for task in tasks {
        if rng.one_in(6) {
            task.abort();
            aborted += 1;
        } else {
            stage.must(task.await, "a local task")?;
        }
    }
    let done = *log.borrow();
    stage.check(done + aborted >= count && done <= count, "every local task ran once")
}
