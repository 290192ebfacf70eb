//! A clock that stands still and jumps: sleeps end in the order of their deadlines, however far it jumps.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use unstuck::runtime::Builder;
use unstuck::task::{LocalSet, spawn_blocking, spawn_local, yield_now};
use unstuck::time::{Instant, advance, pause, resume, sleep, sleep_until, timeout};

use crate::rng::Rng;
use crate::stage::{Outcome, Stage, step};

pub(crate) async fn run(stage: Stage, mut rng: Rng) -> Outcome {
    let (stage2, inner) = (stage.clone(), rng.fork());
    let work = spawn_blocking(move || {
        let runtime = Builder::new_current_thread().enable_all().start_paused(true).build();
        let runtime = stage2.must(runtime, "a runtime")?;
        LocalSet::new().block_on(&runtime, inside(stage2.clone(), inner))
    });
    stage.must(work.await, "the thread of the clock")?
}

async fn inside(stage: Stage, mut rng: Rng) -> Outcome {
    let begin = Instant::now();
    let ended = Rc::new(RefCell::new(Vec::new()));
    let mut tasks = Vec::new();
    for _ in 0..rng.count(1..=80) {
        let span = Duration::from_millis(rng.next() % (1 << rng.pick(0..=40)));
        let (ended, life) = (ended.clone(), stage.life());
        tasks.push(spawn_local(async move {
            let _life = life;
            sleep_until(begin + span).await;
            ended.borrow_mut().push((span, begin.elapsed()));
            step();
        }));
    }
    if rng.one_in(2) {
        // By itself it goes from deadline to deadline, and is never late.
        for task in tasks {
            stage.must(task.await, "who sleeps")?;
        }
        let ended = ended.borrow();
        stage.check(ended.is_sorted_by_key(|(span, _)| *span), "deadlines come in their order")?;
        stage.check(ended.iter().all(|(span, at)| at == span), "nobody is early or late")?;
    } else {
        // By jumps: whoever's time has come is woken, all others are not.
        for _ in 0..rng.pick(1..=20) {
            let jump = Duration::from_millis(rng.next() % (1 << rng.pick(0..=38)));
            advance(jump).await;
            let now = begin.elapsed();
            for _ in 0..200 {
                yield_now().await;
            }
            stage.check(begin.elapsed() == now, "the clock stands still while somebody runs")?;
            stage.check(ended.borrow().iter().all(|(span, at)| at >= span), "nobody is early")?;
        }
        for task in tasks {
            stage
                .must(timeout(Duration::from_millis(1 << 41), task).await, "a sleep ends")?
                .map_err(|_| crate::stage::Stop)?;
        }
    }
    resume();
    let real = std::time::Instant::now();
    sleep(Duration::from_millis(1)).await;
    stage.check(real.elapsed() >= Duration::from_millis(1), "the clock goes on")?;
    pause();
    sleep(Duration::from_secs(86_400)).await;
    Ok(())
}
