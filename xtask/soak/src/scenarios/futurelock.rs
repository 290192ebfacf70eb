//! Tasks with several futures on the same lock, of which they poll only some: none of them may deadlock.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use unstuck::sync::{Mutex, Semaphore, mpsc};
use unstuck::task::yield_now;
use unstuck::time::sleep;

use crate::rng::Rng;
use crate::stage::{Outcome, Stage, step};

pub(crate) async fn run(stage: Stage, mut rng: Rng) -> Outcome {
    let permits = rng.count(1..=3);
    let (lock, semaphore) = (Arc::new(Mutex::new(0_usize)), Arc::new(Semaphore::new(permits)));
    let mut tasks = Vec::new();
    for _ in 0..rng.count(1..=6) {
        let (lock, semaphore, stage2, mut rng) = (lock.clone(), semaphore.clone(), stage.clone(), rng.fork());
        tasks.push(stage.spawn(async move {
            let mut entered = 0;
            for _ in 0..rng.pick(1..=30) {
                entered += around_a_lock(&lock, &mut rng).await;
                around_permits(&stage2, &semaphore, &mut rng).await;
                step();
            }
            entered
        }));
    }
    let mut entered = 0;
    for task in tasks {
        entered += stage.must(task.await, "who forgets its futures")?;
    }
    stage.check(*lock.lock().await == entered, "the lock lets one in at a time")?;
    stage.check(semaphore.available_permits() == permits, "no permit is lost")?;
    full_channel(stage, rng).await
}

/// Begins to wait for the lock, turns to something else, and waits for the lock there.
async fn around_a_lock(lock: &Mutex<usize>, rng: &mut Rng) -> usize {
    let mut first = pin!(lock.lock());
    let begun = poll_fn(|cx| Poll::Ready(first.as_mut().poll(cx))).await;
    if let Poll::Ready(mut guard) = begun {
        *guard += 1;
        if rng.one_in(2) {
            sleep(rng.micros(200)).await;
        } else {
            yield_now().await;
        }
        return 1;
    }
    if rng.one_in(3) {
        yield_now().await;
    }
    // `first` may be granted now, and is not polled.
    *lock.lock().await += 1;
    let again = rng.one_in(2);
    if again {
        *first.await += 1;
    }
    1 + usize::from(again)
}

async fn around_permits(stage: &Stage, semaphore: &Semaphore, rng: &mut Rng) {
    let forgotten = [pin!(semaphore.acquire()), pin!(semaphore.acquire()), pin!(semaphore.acquire())];
    let mut held = Vec::new();
    for mut future in forgotten.into_iter().take(rng.count(0..=2)) {
        if let Poll::Ready(permit) = poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await {
            held.push(permit);
        }
    }
    // Who holds a permit must not wait for another: that would be a deadlock of its own.
    held.clear();
    let permit = semaphore.acquire().await;
    stage.always(permit.is_ok(), "the semaphore is open");
    if rng.one_in(2) {
        yield_now().await;
    }
}

/// A send that is forgotten while the same task sends on.
async fn full_channel(stage: Stage, mut rng: Rng) -> Outcome {
    let messages = rng.count(1..=60);
    let mail = stage.mail(messages);
    let (sender, mut receiver) = mpsc::channel(1);
    let task = stage.spawn({
        let (mail, stage) = (mail.clone(), stage.clone());
        async move {
            for number in 0..messages {
                let mut forgotten = pin!(sender.reserve());
                let begun = poll_fn(|cx| Poll::Ready(forgotten.as_mut().poll(cx))).await;
                match begun {
                    Poll::Ready(permit) => stage.must(permit, "the receiver is there")?.send(mail.letter(number)),
                    Poll::Pending => stage.must(sender.send(mail.letter(number)).await, "the receiver is there")?,
                }
            }
            Outcome::Ok(())
        }
    });
    while let Some(letter) = receiver.recv().await {
        mail.arrived(letter);
        if rng.one_in(8) {
            sleep(Duration::from_micros(rng.pick(0..=300))).await;
        }
        step();
    }
    stage.must(task.await, "the sender")??;
    stage.check(mail.missing().is_none(), "every message arrived")
}
