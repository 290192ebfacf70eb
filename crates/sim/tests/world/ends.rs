//! How runs end, and what time and threads are in them.

use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use unstuck_base::local;
use unstuck_context::{current, try_current};
use unstuck_sim::{Builder, raise, run};
use unstuck_sync::{Mutex, mpsc, oneshot};
use unstuck_task::{Id, Origin};

use crate::tools::{Listener, Stream, kernel, millis, now, sleep, spawn, yield_now};

/// What a run panics with.
fn message_of(run: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(run)).expect_err("the run should panic");
    match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(panic) => (*panic.downcast::<&str>().expect("a message")).to_owned(),
    }
}

#[test]
fn a_year_of_waiting_takes_no_time_and_is_exact() {
    let year = Duration::from_secs(86_400 * 365);
    let run = Builder::new().poll_time(Duration::ZERO).run(1, || async move {
        let start = now();
        sleep(year).await;
        now() - start
    });
    assert_eq!((run.output, run.elapsed), (year, year));
    assert!(run.steps < 10, "{} steps", run.steps);
}

#[test]
fn timers_fire_in_order_whatever_the_seed() {
    for seed in 0..20 {
        let order = run(seed, || async {
            let (log, mut lines) = mpsc::unbounded_channel();
            for n in [30, 10, 20, 50, 40] {
                let log = log.clone();
                spawn(async move {
                    sleep(millis(n)).await;
                    log.send(n).unwrap();
                });
            }
            drop(log);
            let mut order = Vec::new();
            while let Some(n) = lines.recv().await {
                order.push(n);
            }
            order
        });
        assert_eq!(order.output, [10, 20, 30, 40, 50], "seed {seed}");
        assert!(order.elapsed >= millis(50) && order.elapsed < millis(51));
    }
}

#[test]
fn a_task_that_yields_until_a_deadline_sees_the_time_pass() {
    let run = run(1, || async {
        let until = now() + Duration::from_micros(100);
        while now() < until {
            yield_now().await;
        }
    });
    assert!(run.steps <= 1_010, "{} steps", run.steps);
}

#[test]
fn when_nothing_will_happen_the_run_ends_and_says_who_waits_for_what() {
    let message = message_of(|| {
        run(4, || async {
            let (_keep, never) = oneshot::channel::<()>();
            let lock = Arc::new(Mutex::new(()));
            let held = lock.clone().lock_owned().await;
            spawn(async move {
                let _never = lock.lock().await;
            });
            spawn(std::future::pending::<()>());
            let origin = Origin::new(Id::from_number(local::next_task_id()), Location::caller());
            current().spawn_from(std::future::pending::<()>(), Origin { name: Some("idle"), ..origin });
            let _ = never.await;
            drop(held);
        });
    });
    for part in [
        "every task waits, and nothing will happen",
        "Seed 4",
        "the main future, polled",
        "waits for the value of a oneshot channel at",
        "the task spawned at crates/sim/tests/world/ends.rs:",
        "the task \"idle\", spawned at crates/sim/tests/world/ends.rs:",
        "waits for a mutex at crates/sim/tests/world/ends.rs:",
        "polled once, waits for something that is not of this runtime",
    ] {
        assert!(message.contains(part), "{part:?} is missing in: {message}");
    }
}

#[test]
fn a_run_that_does_not_end_is_ended_at_the_limit_of_steps() {
    let message = message_of(|| {
        Builder::new().step_limit(1_000).run(4, || async {
            let spin = spawn(async {
                loop {
                    yield_now().await;
                }
            });
            spin.await.unwrap();
        });
    });
    assert!(message.contains("has not ended after 1000 steps"), "{message}");
    assert!(message.contains("is ready"), "{message}");
    assert!(message.contains("waits for another task, spawned at"), "{message}");
}

#[test]
fn a_panic_of_the_main_future_comes_out_and_leaves_the_thread_as_it_was() {
    let message = message_of(|| {
        run(1, || async {
            spawn(std::future::pending::<()>());
            yield_now().await;
            panic!("the main future has had enough");
        });
    });
    assert_eq!(message, "the main future has had enough");
    assert!(try_current().is_err());
    assert_eq!(run(1, || async { 5 }).output, 5);
}

#[test]
fn a_panic_of_a_task_ends_that_task_only() {
    async fn fails() {
        panic!("alone");
    }
    let joined = run(1, || async { spawn(fails()).await }).output;
    assert!(joined.unwrap_err().is_panic());
}

#[test]
fn tasks_that_are_left_are_dropped_inside_the_context() {
    struct InContext(Arc<AtomicU32>);
    impl Drop for InContext {
        fn drop(&mut self) {
            // Spawning finds the runtime, and gives a cancelled task.
            drop(spawn(std::future::pending::<()>()));
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    let dropped = Arc::new(AtomicU32::new(0));
    let guards: Vec<_> = (0..4).map(|_| InContext(dropped.clone())).collect();
    let joins = run(1, || async {
        let mut joins = Vec::new();
        for guard in guards {
            joins.push(spawn(async move {
                let _guard = guard;
                std::future::pending::<()>().await;
            }));
        }
        // Some of them have begun to wait by now, some are still ready.
        yield_now().await;
        joins
    });
    assert_eq!(dropped.load(Ordering::Relaxed), 4);
    assert!(joins.output.iter().all(|join| join.is_finished()));
}

#[test]
fn what_outlives_the_run_fails_quietly() {
    let (stream, handle) = run(1, || async {
        let listener = Listener::bind("127.0.0.1:0");
        (Stream::connect(listener.address()).await.unwrap(), current())
    })
    .output;
    assert!(stream.0.readiness().now(unstuck_base::interest::Interest::READABLE).is_shutdown());
    let parts = handle.parts();
    assert!(parts.kernel.udp_bind("127.0.0.1:0".parse().unwrap()).is_err());
    assert!(handle.spawn(async {}).is_finished());
    assert!(handle.spawn_blocking(|| ()).is_finished());
    assert!(parts.blocking.offload(Box::new(|| ())).is_err());
    drop((stream, handle));
}

#[test]
fn a_simulation_inside_a_simulation_is_refused() {
    let message = message_of(|| {
        run(1, || async { run(2, || async {}).output });
    });
    assert!(message.contains("can't be run inside a runtime"), "{message}");
}

#[test]
fn blocking_work_runs_when_it_is_picked_and_must_not_wait_for_tasks() {
    for seed in 0..10 {
        run(seed, || async {
            let began = Arc::new(AtomicBool::new(false));
            let seen = began.clone();
            let work = current().spawn_blocking(move || seen.store(true, Ordering::Relaxed));
            assert!(!began.load(Ordering::Relaxed), "not before this poll has ended");
            work.await.unwrap();
            assert!(began.load(Ordering::Relaxed));
            let (tell, told) = oneshot::channel::<()>();
            let waits = current().spawn_blocking(move || told.blocking_recv());
            assert!(waits.await.unwrap_err().is_panic(), "else it would wait for ever");
            drop(tell);
            let (tell, told) = oneshot::channel();
            assert!(current().parts().blocking.offload(Box::new(move || tell.send(7).unwrap())).is_ok());
            assert_eq!(told.await.unwrap(), 7);
        });
    }
}

#[test]
fn blocking_in_place_is_refused_in_words() {
    run(1, || async {
        let refused = current().parts().scheduler.begin_blocking().unwrap_err();
        assert!(refused.to_string().contains("can't block in place"), "{refused}");
    });
}

#[test]
fn a_raised_signal_reaches_who_listens() {
    let run = run(1, || async {
        assert!(!raise(15), "nobody listens");
        let mut listener = kernel().signal(15).unwrap().listen().unwrap();
        let waits = spawn(async move { std::future::poll_fn(|cx| listener.poll_recv(cx)).await });
        sleep(millis(5)).await;
        assert!(raise(15));
        waits.await.unwrap()
    });
    assert_eq!(run.output, Some(()));
    assert!(message_of(|| assert!(!raise(15))).contains("outside of a simulation"));
}
