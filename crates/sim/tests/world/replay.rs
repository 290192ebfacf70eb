//! One seed, one run; another seed, another order.

use std::collections::BTreeSet;
use std::sync::Arc;

use unstuck_base::local;
use unstuck_sim::{Builder, Kind, Run, run};
use unstuck_sync::{Mutex, mpsc, oneshot};

use crate::tools::{Listener, Stream, millis, sleep, spawn, yield_now};

/// Tasks that yield, a channel, a lock, timers, entropy, and an echo server with several clients. Its output is the order
/// in which things happened.
async fn busy_program() -> Vec<String> {
    let (log, mut lines) = mpsc::unbounded_channel::<String>();
    let total = Arc::new(Mutex::new(0u64));
    for n in 0..5u64 {
        let (log, total) = (log.clone(), total.clone());
        spawn(async move {
            for round in 0..3 {
                yield_now().await;
                let mut total = total.lock().await;
                yield_now().await;
                *total += local::random_u64() % (n + 1);
                log.send(format!("task {n} round {round}: {total}")).unwrap();
            }
            sleep(millis(n)).await;
        });
    }
    let listener = Listener::bind("127.0.0.1:0");
    let at = listener.address();
    spawn(async move {
        loop {
            let stream = listener.accept().await;
            spawn(async move {
                while let Ok(bytes) = stream.recv(100).await
                    && !bytes.is_empty()
                {
                    stream.send_all(&bytes).await.unwrap();
                }
            });
        }
    });
    for client in 0..4 {
        let log = log.clone();
        spawn(async move {
            let stream = Stream::connect(at).await.unwrap();
            for n in 0..3 {
                let message = format!("client {client} message {n}");
                stream.send_all(message.as_bytes()).await.unwrap();
                let answer = stream.recv_all(message.len()).await.unwrap();
                log.send(String::from_utf8(answer).unwrap()).unwrap();
            }
        });
    }
    drop(log);
    let (tell, told) = oneshot::channel();
    let entropy = unstuck_context::current().parts().kernel.entropy();
    spawn(async move { tell.send(format!("entropy {entropy}")).unwrap() });
    let mut all = vec![told.await.unwrap()];
    while let Some(line) = lines.recv().await {
        all.push(line);
    }
    all
}

#[test]
fn the_same_seed_gives_the_same_run() {
    for seed in 0..20 {
        let first = run(seed, busy_program);
        let second = Builder::new().run_twice(seed, busy_program);
        assert_eq!(first.output, second.output, "seed {seed}");
        assert_eq!(first.trace, second.trace, "seed {seed}");
        assert_eq!(
            (first.digest, first.steps, first.elapsed),
            (second.digest, second.steps, second.elapsed),
            "seed {seed}"
        );
        assert_eq!(first.output.len(), 1 + 5 * 3 + 4 * 3, "nothing is lost, whatever the order");
    }
}

#[test]
fn different_seeds_give_different_orders() {
    let runs: Vec<Run<_>> = (0..20).map(|seed| run(seed, busy_program)).collect();
    let digests: BTreeSet<u64> = runs.iter().map(|run| run.digest).collect();
    let orders: BTreeSet<&[String]> = runs.iter().map(|run| &run.output[1..]).collect();
    assert_eq!(digests.len(), 20, "a digest that two of twenty seeds share is no digest");
    assert!(orders.len() >= 15, "only {} orders in 20 seeds", orders.len());
}

#[test]
fn a_thread_that_was_used_before_changes_nothing() {
    let fresh = std::thread::spawn(|| run(3, busy_program)).join().unwrap();
    for _ in 0..5000 {
        local::next_task_id();
    }
    let used = run(3, busy_program);
    assert_eq!((fresh.digest, fresh.steps, fresh.output), (used.digest, used.steps, used.output));
}

#[test]
fn the_threads_random_numbers_come_back_after_the_run() {
    let outer = unstuck_base::prng::Prng::seeded(9);
    local::seed_random(Some(outer.clone()));
    let inside = run(1, || async { local::random_u64() }).output;
    assert_eq!(run(1, || async { local::random_u64() }).output, inside);
    assert_eq!(local::seed_random(None), Some(outer));
}

#[test]
fn every_kind_of_decision_is_in_the_trace() {
    let run = run(1, busy_program);
    for kind in [Kind::Pick, Kind::Network, Kind::Entropy] {
        assert!(run.trace.decisions().any(|decision| decision.kind == kind), "{kind:?}");
    }
    assert!(run.trace.decisions().all(|decision| decision.chosen < decision.of));
}

#[test]
#[should_panic(expected = "two runs with seed 5 differ: they part at decision")]
fn what_the_seed_does_not_decide_is_found_out() {
    let calls = std::cell::Cell::new(0);
    Builder::new().run_twice(5, || {
        calls.set(calls.get() + 1);
        let tasks = calls.get();
        async move {
            for _ in 0..=tasks {
                spawn(yield_now());
            }
            yield_now().await;
        }
    });
}
