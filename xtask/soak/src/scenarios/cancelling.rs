//! Cancelling: tokens, aborts from everywhere, branches of `select!` that lose.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use unstuck::sync::{CancellationToken, Mutex, mpsc};
use unstuck::task::yield_now;
use unstuck::time::{sleep, timeout};

use crate::rng::Rng;
use crate::stage::{Outcome, Stage, step};

pub(crate) async fn run(stage: Stage, mut rng: Rng) -> Outcome {
    tokens(&stage, &mut rng).await?;
    aborts(&stage, &mut rng).await?;
    races(&stage, &mut rng).await
}

/// Whoever has a child of a cancelled token is told, and nobody else.
async fn tokens(stage: &Stage, rng: &mut Rng) -> Outcome {
    let root = CancellationToken::new();
    let mut all = vec![root.clone()];
    let mut tasks = Vec::new();
    for _ in 0..rng.count(1..=30) {
        let parent = &all[rng.count(0..=all.len() - 1)];
        let child = parent.child_token();
        all.push(child.clone());
        let gives_up = rng.one_in(4);
        let limit = rng.micros(500);
        tasks.push(stage.spawn(async move {
            match gives_up {
                true => drop(timeout(limit, child.cancelled()).await),
                false => child.cancelled().await,
            }
        }));
    }
    let one = rng.count(0..=all.len() - 1);
    if one > 0 {
        all[one].cancel();
        stage.check(!root.is_cancelled(), "a child does not cancel its parent")?;
    }
    all.truncate(rng.count(1..=all.len()));
    root.cancel();
    stage.check(all.iter().all(|token| token.is_cancelled()), "every child is cancelled")?;
    for task in tasks {
        stage.must(task.await, "who waits for a token")?;
    }
    Ok(())
}

/// Aborted by threads of no runtime, while the tasks run, sleep, or end.
async fn aborts(stage: &Stage, rng: &mut Rng) -> Outcome {
    let mut tasks = Vec::new();
    let mut handles = Vec::new();
    for _ in 0..rng.count(1..=50) {
        let (life, mut rng) = (stage.life(), rng.fork());
        let task = stage.spawn(async move {
            let _life = life;
            loop {
                match rng.pick(0..=3) {
                    0 => sleep(rng.micros(300)).await,
                    1 => yield_now().await,
                    2 => return,
                    _ => drop(timeout(rng.micros(100), std::future::pending::<()>()).await),
                }
            }
        });
        handles.push(task.abort_handle());
        tasks.push(task);
    }
    let naps = rng.fork();
    let thread = thread::spawn(move || {
        let mut rng = naps;
        for handle in handles {
            handle.abort();
            if rng.one_in(4) {
                thread::sleep(rng.micros(200));
            }
            drop(handle);
        }
    });
    for task in tasks {
        let joined = task.await;
        stage.check(joined.is_ok() || joined.is_err_and(|error| error.is_cancelled()), "it ended or was aborted")?;
        step();
    }
    stage.must(thread.join().map_err(|_| "it panicked"), "who aborts")
}

/// The branch that loses is dropped: it took no message, and keeps no lock.
async fn races(stage: &Stage, rng: &mut Rng) -> Outcome {
    let messages = rng.count(1..=100);
    let mail = stage.mail(messages);
    let (sender, mut receiver) = mpsc::channel(3);
    let lock = Arc::new(Mutex::new(()));
    let task = stage.spawn({
        let (mail, lock, mut rng, stage) = (mail.clone(), lock.clone(), rng.fork(), stage.clone());
        async move {
            for number in 0..messages {
                let guard = rng.one_in(3).then(|| lock.lock());
                let _guard = match guard {
                    Some(guard) => Some(guard.await),
                    None => None,
                };
                stage.must(sender.send(mail.letter(number)).await, "the receiver is there")?;
            }
            Outcome::Ok(())
        }
    });
    loop {
        let nap = Duration::from_micros(rng.pick(0..=100));
        unstuck::select! {
            received = receiver.recv() => match received {
                Some(letter) => mail.arrived(letter),
                None => break,
            },
            _guard = lock.lock() => yield_now().await,
            () = sleep(nap) => {}
        }
        step();
    }
    stage.must(task.await, "the sender")??;
    stage.check(mail.missing().is_none(), "every message arrived")
}
