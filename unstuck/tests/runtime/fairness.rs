//! Under any local load, everybody gets their turn.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::common::{both, current_thread, multi_thread};
use unstuck::runtime::Builder;
use unstuck::sync::Notify;
use unstuck::task::yield_now;

/// One thread runs tasks: what is starved stays starved.
fn one_thread_each() -> [unstuck::runtime::Runtime; 2] {
    [current_thread(), multi_thread(1)]
}

#[test]
fn a_resource_that_is_always_ready_does_not_starve_others() {
    for runtime in one_thread_each() {
        let stop = Arc::new(AtomicBool::new(false));
        let greedy = runtime.spawn({
            let stop = stop.clone();
            async move {
                let semaphore = unstuck::sync::Semaphore::new(1);
                while !stop.load(Ordering::Relaxed) {
                    // Never waits: only the budget makes it let others run.
                    drop(semaphore.acquire().await.unwrap());
                }
            }
        });
        let other = runtime.spawn(async move { stop.store(true, Ordering::Relaxed) });
        runtime.block_on(async {
            greedy.await.unwrap();
            other.await.unwrap();
        });
    }
}

#[test]
fn tasks_from_outside_run_though_the_local_queue_is_never_empty() {
    for runtime in one_thread_each() {
        let stop = Arc::new(AtomicBool::new(false));
        let busy: Vec<_> = (0..4)
            .map(|_| {
                let stop = stop.clone();
                runtime.spawn(async move {
                    while !stop.load(Ordering::Relaxed) {
                        yield_now().await;
                    }
                })
            })
            .collect();
        let handle = runtime.handle().clone();
        let outside = thread::spawn(move || {
            handle.spawn(async move { stop.store(true, Ordering::Relaxed) });
        });
        runtime.block_on(async {
            for task in busy {
                task.await.unwrap();
            }
        });
        outside.join().unwrap();
    }
}

#[test]
fn timers_fire_though_tasks_are_always_ready() {
    for runtime in one_thread_each() {
        let stop = Arc::new(AtomicBool::new(false));
        let busy = runtime.spawn({
            let stop = stop.clone();
            async move {
                while !stop.load(Ordering::Relaxed) {
                    yield_now().await;
                }
            }
        });
        runtime.spawn(async move {
            unstuck::time::sleep(Duration::from_millis(2)).await;
            stop.store(true, Ordering::Relaxed);
        });
        runtime.block_on(busy).unwrap();
    }
}

#[test]
fn two_tasks_that_wake_each_other_do_not_starve_a_third() {
    for runtime in one_thread_each() {
        let stop = Arc::new(AtomicBool::new(false));
        let (ping, pong) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let player = |mine: Arc<Notify>, other: Arc<Notify>, stop: Arc<AtomicBool>| async move {
            while !stop.load(Ordering::Relaxed) {
                other.notify_one();
                mine.notified().await;
            }
            other.notify_one();
        };
        let one = runtime.spawn(player(ping.clone(), pong.clone(), stop.clone()));
        let two = runtime.spawn(player(pong, ping, stop.clone()));
        let third = runtime.spawn(async move {
            for _ in 0..10 {
                yield_now().await;
            }
            stop.store(true, Ordering::Relaxed);
        });
        runtime.block_on(async {
            third.await.unwrap();
            one.await.unwrap();
            two.await.unwrap();
        });
    }
}

#[test]
fn the_root_future_and_the_tasks_share_the_thread() {
    let runtime = current_thread();
    let turns = runtime.block_on(async {
        let task = unstuck::spawn(async {
            for _ in 0..100 {
                yield_now().await;
            }
        });
        let mut turns = 0;
        while !task.is_finished() {
            turns += 1;
            yield_now().await;
        }
        turns
    });
    assert!((50..=400).contains(&turns), "{turns} turns of the root future beside 100 of a task");
}

#[test]
fn a_batch_spawned_by_one_worker_is_shared_with_the_others() {
    let runtime = multi_thread(2);
    let (here, there) = (mpsc::channel::<()>(), mpsc::channel::<()>());
    // The two tasks wait for each other by blocking: both workers must take one.
    let (one, two) = runtime.block_on(async move {
        unstuck::spawn(async move {
            let one = unstuck::spawn(async move {
                here.0.send(()).unwrap();
                there.1.recv().unwrap();
            });
            let two = unstuck::spawn(async move {
                there.0.send(()).unwrap();
                here.1.recv().unwrap();
            });
            (one, two)
        })
        .await
        .unwrap()
    });
    runtime.block_on(async {
        one.await.unwrap();
        two.await.unwrap();
    });
}

#[test]
fn block_in_place_lets_the_only_worker_go_on() {
    let runtime = multi_thread(1);
    let answer = runtime.block_on(async {
        unstuck::spawn(async {
            let (send, receive) = mpsc::channel();
            let task = unstuck::spawn(async move { send.send(9).unwrap() });
            let answer = unstuck::task::block_in_place(|| receive.recv().unwrap());
            task.await.unwrap();
            answer
        })
        .await
        .unwrap()
    });
    assert_eq!(answer, 9);
}

#[test]
fn block_in_place_may_block_on_and_nest() {
    let runtime = multi_thread(2);
    runtime.block_on(async {
        let tasks: Vec<_> = (0..16)
            .map(|number| {
                unstuck::spawn(async move {
                    unstuck::task::block_in_place(|| {
                        unstuck::task::block_in_place(|| {
                            let handle = unstuck::runtime::Handle::current();
                            handle.block_on(async move {
                                unstuck::time::sleep(Duration::from_millis(1)).await;
                                unstuck::spawn(async move { number }).await.unwrap()
                            })
                        })
                    })
                })
            })
            .collect();
        for (number, task) in tasks.into_iter().enumerate() {
            assert_eq!(task.await.unwrap(), number);
        }
    });
}

#[test]
fn block_in_place_is_refused_where_nobody_could_go_on() {
    let runtime = current_thread();
    let panic = runtime.block_on(async {
        unstuck::spawn(async { unstuck::task::block_in_place(|| ()) }).await.unwrap_err().into_panic()
    });
    assert_eq!(
        panic.downcast_ref::<&str>(),
        Some(&"can call blocking only when running on the multi-threaded runtime")
    );
    // Outside a runtime it just runs.
    assert_eq!(unstuck::task::block_in_place(|| 1), 1);
}

#[test]
fn a_hundred_thousand_idle_tasks_are_woken_and_end() {
    for runtime in both() {
        let bell = Arc::new(Notify::new());
        runtime.block_on(async {
            let tasks: Vec<_> = (0..100_000)
                .map(|_| {
                    let bell = bell.clone();
                    unstuck::spawn(async move { bell.notified().await })
                })
                .collect();
            let metrics = unstuck::runtime::Handle::current().metrics();
            while metrics.num_alive_tasks() > 0 {
                // A task that has not begun to wait misses the bell: it rings until all have heard it.
                bell.notify_waiters();
                yield_now().await;
            }
            for task in tasks {
                task.await.unwrap();
            }
        });
        assert_eq!(runtime.metrics().num_alive_tasks(), 0);
    }
}

#[test]
fn a_large_future_is_spawned_on_a_small_stack() {
    let runtime = Builder::new_multi_thread().worker_threads(1).thread_stack_size(256 * 1024).build().unwrap();
    let task = runtime.spawn(async {
        let big = [1u8; 64 * 1024];
        yield_now().await;
        big.iter().map(|byte| usize::from(*byte)).sum::<usize>()
    });
    assert_eq!(runtime.block_on(task).unwrap(), 64 * 1024);
}
