//! Memory pressure: big blocks that are held, huge futures, and very many small ones.

use std::hint::black_box;

use unstuck::sync::mpsc;
use unstuck::task::{spawn_blocking, yield_now};

use crate::rng::Rng;
use crate::stage::{Outcome, Stage, step};

/// The page that the system gives, or less: so every page is really there.
const PAGE: usize = 4096;

pub(crate) async fn run(stage: Stage, mut rng: Rng) -> Outcome {
    let mut blocks = Vec::new();
    for _ in 0..rng.pick(1..=4) {
        let mut block = vec![0_u8; rng.count(1..=24) << 20];
        block.iter_mut().step_by(PAGE).for_each(|byte| *byte = 1);
        blocks.push(black_box(block));
        yield_now().await;
        step();
    }
    let mut tasks = Vec::new();
    for _ in 0..rng.pick(1..=30) {
        let (sender, mut receiver) = mpsc::unbounded_channel();
        let life = stage.life();
        tasks.push(stage.spawn(async move {
            // Lives in the future, across the await.
            let mut huge = [0_u8; 64 << 10];
            let number: u8 = receiver.recv().await.unwrap_or(0);
            huge.fill(number);
            yield_now().await;
            drop(life);
            black_box(&huge).iter().all(|byte| *byte == number)
        }));
        let _received = sender.send(7);
    }
    for task in tasks {
        stage.check(stage.must(task.await, "a huge future")?, "its memory is its own")?;
    }
    let small: Vec<_> = (0..rng.pick(0..=3000)).map(|number| (number, stage.spawn(async move { number }))).collect();
    for (number, task) in small {
        stage.check(stage.must(task.await, "a small future")? == number, "its own result")?;
    }
    let freed = spawn_blocking(move || blocks.iter().map(|block| block.iter().step_by(PAGE).count()).sum::<usize>());
    stage.check(stage.must(freed.await, "who frees")? > 0, "the blocks were there")
}
