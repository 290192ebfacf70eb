//! Timers: none fires early, none is forgotten.

use std::pin::pin;
use std::time::Duration;

use unstuck::time::{Instant, MissedTickBehavior, interval, sleep, sleep_until, timeout, timeout_at};

use crate::rng::Rng;
use crate::stage::{Outcome, Stage, step};

pub(crate) async fn run(stage: Stage, mut rng: Rng) -> Outcome {
    let mut tasks = Vec::new();
    for _ in 0..rng.count(1..=60) {
        let (stage2, mut rng) = (stage.clone(), rng.fork());
        tasks.push(stage.spawn(async move {
            for _ in 0..rng.pick(1..=6) {
                one(&stage2, &mut rng).await?;
                step();
            }
            Outcome::Ok(())
        }));
    }
    for task in tasks {
        if rng.one_in(10) {
            task.abort();
        } else {
            stage.must(task.await, "who sleeps")??;
        }
    }
    Ok(())
}

async fn one(stage: &Stage, rng: &mut Rng) -> Outcome {
    let (begin, span) = (Instant::now(), rng.micros(8000));
    match rng.pick(0..=5) {
        0 => {
            let mut timer = pin!(sleep(Duration::from_secs(3600)));
            for _ in 0..rng.pick(1..=4) {
                timer.as_mut().reset(Instant::now() + rng.micros(1_000_000));
            }
            timer.as_mut().reset(begin + span);
            timer.await;
            stage.check(Instant::now() >= begin + span, "a sleep that was set anew is not early")
        }
        1 => {
            let mut ticks = interval(span.max(Duration::from_micros(200)));
            let behaviors = [MissedTickBehavior::Burst, MissedTickBehavior::Delay, MissedTickBehavior::Skip];
            ticks.set_missed_tick_behavior(rng.among(&behaviors));
            let mut last = ticks.tick().await;
            for _ in 0..3 {
                let now = ticks.tick().await;
                stage.check(now >= last && now <= Instant::now(), "ticks come in their order, none early")?;
                last = now;
            }
            Ok(())
        }
        2 => {
            // Far away, and given up.
            let far = sleep(Duration::from_secs(rng.among(&[1, 60, 86_400, 1 << 40])));
            stage.check(timeout(span, far).await.is_err(), "a far sleep does not end")?;
            stage.check(begin.elapsed() >= span, "a timeout is not early")
        }
        3 => {
            let inside = timeout_at(begin + span, async {
                sleep_until(begin + span / 2).await;
                Instant::now()
            });
            // Either may win when the machine is busy, but neither too early.
            let holds = match inside.await {
                Ok(at) => at >= begin + span / 2,
                Err(_elapsed) => begin.elapsed() >= span,
            };
            stage.check(holds, "neither the sleep nor its timeout is early")
        }
        _ => {
            sleep(span).await;
            stage.check(begin.elapsed() >= span, "a sleep is not early")
        }
    }
}
