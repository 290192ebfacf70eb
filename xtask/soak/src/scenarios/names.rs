//! Names that are looked up, by some who do not wait for the answer.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::pin;
use std::task::Poll;

use unstuck::net::lookup_host;
use unstuck::time::timeout;

use crate::rng::Rng;
use crate::stage::{Outcome, Stage, step};

/// Every system knows this one without asking another.
const NAME: &str = "localhost:0";

pub(crate) async fn run(stage: Stage, mut rng: Rng) -> Outcome {
    let mut tasks = Vec::new();
    for _ in 0..rng.count(1..=5) {
        let (stage2, mut rng) = (stage.clone(), rng.fork());
        tasks.push(stage.spawn(async move {
            for _ in 0..rng.pick(1..=4) {
                one(&stage2, &mut rng).await?;
                step();
            }
            Outcome::Ok(())
        }));
    }
    for task in tasks {
        stage.must(task.await, "who looks up names")??;
    }
    Ok(())
}

async fn one(stage: &Stage, rng: &mut Rng) -> Outcome {
    match rng.pick(0..=3) {
        0 => drop(lookup_host(NAME)),
        1 => {
            // Dropped while it is looked up.
            let mut lookup = pin!(lookup_host(NAME));
            let _begun = poll_fn(|cx| Poll::Ready(lookup.as_mut().poll(cx).is_ready())).await;
        }
        2 => drop(timeout(rng.micros(500), lookup_host(NAME)).await),
        _ => {
            let found: Vec<SocketAddr> = stage.must(lookup_host(NAME).await, "a name")?.collect();
            let holds = !found.is_empty() && found.iter().all(|one| one.ip().is_loopback() && one.port() == 0);
            stage.check(holds, "the name has its addresses")?;
        }
    }
    Ok(())
}
