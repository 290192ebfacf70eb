//! Rare orders of events: user code in odd places, threads that can't be had, ends from within.

use std::future::{pending, poll_fn};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, mpsc};
use std::task::Poll;
use std::thread;
use std::time::Duration;

use crate::common::{Drops, both, current_thread, multi_thread};
use unstuck::runtime::{Builder, Handle, Runtime};
use unstuck::task::{block_in_place, yield_now};

/// Waits for a value without a runtime.
fn join<T>(task: unstuck::task::JoinHandle<T>) -> Result<T, unstuck::task::JoinError> {
    current_thread().block_on(task)
}

#[test]
fn what_a_hook_spawns_when_its_worker_is_about_to_sleep_runs() {
    for mut builder in [Builder::new_current_thread(), Builder::new_multi_thread()] {
        let barrier = Arc::new(Barrier::new(2));
        let first = AtomicBool::new(true);
        let for_hook = barrier.clone();
        let runtime = builder
            .worker_threads(1)
            .on_thread_park(move || {
                if first.swap(false, Ordering::SeqCst) {
                    let barrier = for_hook.clone();
                    // Nothing but this would ever wake the worker again.
                    unstuck::spawn(async move {
                        unstuck::task::spawn_blocking(move || barrier.wait());
                    });
                }
            })
            .build()
            .unwrap();
        runtime.block_on(async {
            unstuck::task::spawn_blocking(move || barrier.wait()).await.unwrap();
        });
    }
}

#[test]
fn what_a_hook_spawns_when_its_worker_has_slept_runs() {
    for mut builder in [Builder::new_current_thread(), Builder::new_multi_thread()] {
        let ran = Arc::new(AtomicBool::new(false));
        let (first, for_hook) = (AtomicBool::new(true), ran.clone());
        let runtime = builder
            .worker_threads(1)
            .enable_all()
            .on_thread_unpark(move || {
                if first.swap(false, Ordering::SeqCst) {
                    let ran = for_hook.clone();
                    unstuck::spawn(async move { ran.store(true, Ordering::SeqCst) });
                }
            })
            .build()
            .unwrap();
        runtime.block_on(async {
            unstuck::spawn(unstuck::time::sleep(Duration::from_millis(1))).await.unwrap();
            while !ran.load(Ordering::SeqCst) {
                unstuck::time::sleep(Duration::from_millis(1)).await;
            }
        });
    }
}

#[test]
fn a_task_from_outside_runs_beside_a_few_that_always_yield() {
    for busy in 1..4 {
        for runtime in [current_thread(), multi_thread(1)] {
            let stop = Arc::new(AtomicBool::new(false));
            let tasks: Vec<_> = (0..busy)
                .map(|_| {
                    let stop = stop.clone();
                    runtime.spawn(async move {
                        while !stop.load(Ordering::SeqCst) {
                            yield_now().await;
                        }
                    })
                })
                .collect();
            let handle = runtime.handle().clone();
            let outside = thread::spawn(move || join(handle.spawn(async move { stop.store(true, Ordering::SeqCst) })));
            runtime.block_on(async {
                for task in tasks {
                    task.await.unwrap();
                }
            });
            outside.join().unwrap().unwrap();
        }
    }
}

#[test]
fn a_task_from_outside_runs_beside_one_whose_polls_are_long() {
    for runtime in [current_thread(), multi_thread(1)] {
        let stop = Arc::new(AtomicBool::new(false));
        let long = runtime.spawn({
            let stop = stop.clone();
            async move {
                while !stop.load(Ordering::SeqCst) {
                    thread::sleep(Duration::from_micros(300));
                    yield_now().await;
                }
            }
        });
        let handle = runtime.handle().clone();
        let outside = thread::spawn(move || join(handle.spawn(async move { stop.store(true, Ordering::SeqCst) })));
        runtime.block_on(long).unwrap();
        outside.join().unwrap().unwrap();
    }
}

#[test]
fn tasks_run_beside_a_root_future_whose_polls_are_long() {
    let runtime = current_thread();
    let done = Arc::new(AtomicBool::new(false));
    let tasks: Vec<_> = (0..3)
        .map(|_| {
            runtime.spawn(async {
                for _ in 0..5 {
                    yield_now().await;
                }
            })
        })
        .collect();
    runtime.spawn({
        let done = done.clone();
        async move {
            for task in tasks {
                task.await.unwrap();
            }
            done.store(true, Ordering::SeqCst);
        }
    });
    runtime.block_on(async {
        while !done.load(Ordering::SeqCst) {
            thread::sleep(Duration::from_micros(300));
            yield_now().await;
        }
    });
}

#[test]
fn a_replacement_that_never_got_a_thread_holds_up_no_shutdown() {
    let runtime = Builder::new_multi_thread().worker_threads(1).max_blocking_threads(1).build().unwrap();
    let (release, held) = mpsc::channel::<()>();
    let (says_begun, begun) = mpsc::channel();
    let busy = says_begun.clone();
    // The one blocking thread is busy, so the worker's replacement waits for it.
    runtime.spawn_blocking(move || {
        busy.send(()).unwrap();
        let _released = held.recv();
    });
    begun.recv().unwrap();
    let handle = runtime.handle().clone();
    runtime.spawn(async move {
        block_in_place(|| {
            says_begun.send(()).unwrap();
            // The end of the runtime is visible here.
            while !handle.spawn_blocking(|| ()).is_finished() {
                thread::yield_now();
            }
            drop(release);
        });
    });
    begun.recv().unwrap();
    drop(runtime);
}

#[test]
fn a_blocking_part_without_replacement_does_not_end_a_spare_of_another() {
    let runtime = Builder::new_multi_thread().worker_threads(1).max_blocking_threads(1).build().unwrap();
    // The spare takes the only blocking thread, and blocks in turn, without a replacement.
    let answer = runtime.block_on(runtime.spawn(async {
        let (send, receive) = mpsc::channel();
        let inner = unstuck::spawn(async move { block_in_place(move || send.send(3).unwrap()) });
        let answer = block_in_place(move || receive.recv().unwrap());
        inner.await.unwrap();
        answer
    }));
    assert_eq!(answer.unwrap(), 3);
    // And afterwards everything goes on.
    for number in 0..100 {
        assert_eq!(runtime.block_on(runtime.spawn(async move { number })).unwrap(), number);
    }
}

#[test]
fn a_stuck_worker_keeps_only_its_own_task() {
    for workers in [1, 3] {
        let runtime = multi_thread(workers);
        let (release, held) = mpsc::channel::<()>();
        let (says_stuck, stuck) = mpsc::channel::<()>();
        let drops = Drops::default();
        let token = |runtime: &Runtime| {
            let token = drops.token();
            runtime.spawn(async move {
                let _token = token;
                pending::<()>().await
            });
        };
        for _ in 0..10 {
            token(&runtime);
        }
        let own = drops.token();
        let task = runtime.spawn(async move {
            let _own = own;
            // Queued here: in the slot and in the ring of the worker that is stuck.
            for _ in 0..3 {
                unstuck::spawn(pending::<()>());
            }
            says_stuck.send(()).unwrap();
            let _released = held.recv();
            pending::<()>().await
        });
        stuck.recv().unwrap();
        for _ in 0..10 {
            token(&runtime);
        }
        runtime.shutdown_timeout(Duration::from_millis(20));
        assert_eq!(drops.count(), 20);
        assert!(!task.is_finished());
        drop(release);
        assert!(join(task).unwrap_err().is_cancelled());
        assert_eq!(drops.count(), 21);
    }
}

#[test]
fn a_sleep_elsewhere_ends_though_a_worker_is_stuck_at_the_end() {
    let runtime = multi_thread(1);
    let (release, held) = mpsc::channel::<()>();
    let (says_stuck, stuck) = mpsc::channel::<()>();
    runtime.spawn(async move {
        says_stuck.send(()).unwrap();
        let _released = held.recv();
    });
    stuck.recv().unwrap();
    let sleep = {
        let _context = runtime.enter();
        Box::pin(unstuck::time::sleep(Duration::from_secs(3600)))
    };
    let other = thread::spawn(move || {
        // Ends or panics, when its runtime does; it does not wait for an hour.
        let _ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| current_thread().block_on(sleep)));
    });
    thread::sleep(Duration::from_millis(1));
    runtime.shutdown_timeout(Duration::from_millis(1));
    other.join().unwrap();
    drop(release);
}

#[test]
fn the_last_owner_of_a_runtime_may_be_its_own_blocking_work() {
    for runtime in both() {
        let runtime = Arc::new(runtime);
        let drops = Drops::default();
        let token = drops.token();
        runtime.spawn(async move {
            let _token = token;
            pending::<()>().await
        });
        let (says_ended, ended) = mpsc::channel();
        let (go, may_go) = mpsc::channel::<()>();
        let own = runtime.clone();
        runtime.spawn_blocking(move || {
            may_go.recv().unwrap();
            drop(own);
            says_ended.send(()).unwrap();
        });
        drop(runtime);
        go.send(()).unwrap();
        ended.recv().unwrap();
        assert_eq!(drops.count(), 1);
    }
}

#[test]
fn the_last_owner_of_a_runtime_may_be_a_blocking_part_of_its_own_worker() {
    for workers in [1, 2] {
        let runtime = Arc::new(multi_thread(workers));
        let drops = Drops::default();
        let token = drops.token();
        runtime.spawn(async move {
            let _token = token;
            pending::<()>().await
        });
        let (says_ended, ended) = mpsc::channel();
        let (go, may_go) = mpsc::channel::<()>();
        let own = runtime.clone();
        runtime.spawn(async move {
            block_in_place(|| {
                may_go.recv().unwrap();
                drop(own);
            });
            says_ended.send(()).unwrap();
        });
        drop(runtime);
        go.send(()).unwrap();
        ended.recv().unwrap();
        assert_eq!(drops.count(), 1);
    }
}

#[test]
fn a_name_function_that_panics_gives_an_error_and_leaves_nothing_behind() {
    let calls = Arc::new(AtomicUsize::new(0));
    let build = |limit: usize| {
        let calls = calls.clone();
        Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name_fn(move || {
                assert!(calls.fetch_add(1, Ordering::SeqCst) < limit, "a name that panics");
                "named".to_owned()
            })
            .build()
    };
    assert!(build(0).is_err());
    calls.store(0, Ordering::SeqCst);
    assert!(build(1).is_err());
    calls.store(0, Ordering::SeqCst);
    let runtime = build(2).unwrap();
    let refused = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| runtime.spawn_blocking(|| ())));
    assert!(refused.is_err());
    // A blocking part has to do without a replacement.
    assert_eq!(runtime.block_on(runtime.spawn(async { block_in_place(|| 1) })).unwrap(), 1);
    calls.store(0, Ordering::SeqCst);
    assert_eq!(runtime.block_on(runtime.spawn_blocking(|| 2)).unwrap(), 2);
}

#[test]
fn a_panic_whose_payload_panics_when_dropped_kills_no_thread() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            if !thread::panicking() {
                panic!("a payload that panics");
            }
        }
    }
    let runtime = Builder::new_multi_thread()
        .worker_threads(1)
        .on_thread_start(|| std::panic::panic_any(Bomb))
        .on_thread_park(|| std::panic::panic_any(Bomb))
        .on_thread_stop(|| std::panic::panic_any(Bomb))
        .build()
        .unwrap();
    assert_eq!(runtime.block_on(runtime.spawn(async { 1 })).unwrap(), 1);
    assert_eq!(runtime.block_on(runtime.spawn_blocking(|| 2)).unwrap(), 2);
}

#[test]
fn spawning_from_outside_while_the_runtime_ends_loses_no_task() {
    for round in 0..300 {
        let runtime = if round % 2 == 0 { current_thread() } else { multi_thread(1 + round % 3) };
        let drops = Drops::default();
        let threads: Vec<_> = (0..2)
            .map(|_| {
                let (handle, drops) = (runtime.handle().clone(), drops.clone());
                thread::spawn(move || {
                    let mut spawned = Vec::new();
                    loop {
                        let token = drops.token();
                        let task = handle.spawn(async move {
                            let _token = token;
                            pending::<()>().await
                        });
                        let late = task.is_finished();
                        spawned.push(task);
                        if late {
                            return spawned;
                        }
                        // The thread that ends the runtime gets its turn before there are tens of thousands of tasks.
                        if spawned.len() % 32 == 0 {
                            thread::yield_now();
                        }
                    }
                })
            })
            .collect();
        for _ in 0..round % 7 {
            thread::yield_now();
        }
        drop(runtime);
        for thread in threads {
            let spawned = thread.join().unwrap();
            // None waits for ever: each was cancelled, by the runtime or where it was spawned too late.
            assert!(spawned.iter().all(|task| task.is_finished()), "round {round}");
        }
    }
}

#[test]
fn waking_under_a_lock_that_the_future_takes_when_dropped_does_not_block_the_end() {
    // Wakers never drop futures, whatever the moment.
    use std::sync::Mutex;
    use std::task::Waker;
    struct LocksWhenDropped(Arc<Mutex<Vec<Waker>>>);
    impl Drop for LocksWhenDropped {
        fn drop(&mut self) {
            self.0.lock().unwrap().clear();
        }
    }
    for round in 0..100 {
        let runtime = if round % 2 == 0 { current_thread() } else { multi_thread(2) };
        let wakers = Arc::new(Mutex::new(Vec::new()));
        for _ in 0..8 {
            let guard = LocksWhenDropped(wakers.clone());
            runtime.spawn(poll_fn(move |cx| {
                guard.0.lock().unwrap().push(cx.waker().clone());
                Poll::<()>::Pending
            }));
        }
        if round % 2 == 0 {
            runtime.block_on(yield_now());
        }
        let stop = Arc::new(AtomicBool::new(false));
        let waking = thread::spawn({
            let (wakers, stop) = (wakers.clone(), stop.clone());
            move || {
                while !stop.load(Ordering::SeqCst) {
                    let wakers = wakers.lock().unwrap();
                    wakers.iter().for_each(Waker::wake_by_ref);
                }
            }
        });
        drop(runtime);
        stop.store(true, Ordering::SeqCst);
        waking.join().unwrap();
    }
}

/// The guard keeps what it needs; a crate that only wants to know whether it may enter writes it like this.
#[test]
fn a_guard_may_outlive_the_runtime_that_it_entered() {
    let _guard = Builder::new_current_thread().build().unwrap().enter();
    assert!(Handle::try_current().is_ok());
}
