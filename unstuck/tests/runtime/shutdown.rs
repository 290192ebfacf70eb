//! How a runtime ends: every future is dropped once, in its context, and nobody waits for longer than told.

use std::future::{pending, poll_fn};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Poll, Waker};
use std::time::Duration;

use crate::common::{BlocksInDrop, Drops, both, current_thread, multi_thread};
use unstuck::io::AsyncWriteExt;
use unstuck::net::TcpListener;
use unstuck::runtime::{Builder, Handle, Runtime, is_rt_shutdown_err};
use unstuck::task::{JoinHandle, block_in_place, yield_now};
use unstuck::time::sleep;

#[test]
fn dropping_a_runtime_drops_every_future_once() {
    for runtime in both() {
        let drops = Drops::default();
        let handle = runtime.handle().clone();
        for _ in 0..50 {
            let idle = drops.token();
            handle.spawn(async move {
                let _idle = idle;
                pending::<()>().await
            });
            let busy = drops.token();
            handle.spawn(async move {
                let _busy = busy;
                loop {
                    yield_now().await;
                }
            });
            let done = drops.token();
            handle.spawn(async move { drop(done) });
        }
        runtime.block_on(async {
            for _ in 0..10 {
                yield_now().await;
            }
        });
        drop(runtime);
        assert_eq!(drops.count(), 150);
    }
}

#[test]
fn a_task_that_was_never_polled_is_dropped_too() {
    let runtime = current_thread();
    let drops = Drops::default();
    let token = drops.token();
    let task = runtime.spawn(async move {
        let _token = token;
    });
    drop(runtime);
    assert_eq!(drops.count(), 1);
    assert!(unstuck_block_on(task).unwrap_err().is_cancelled());
}

#[test]
fn futures_are_dropped_inside_the_runtimes_context_and_may_spawn() {
    struct SpawnsWhenDropped(Arc<Mutex<Option<JoinHandle<()>>>>);
    impl Drop for SpawnsWhenDropped {
        fn drop(&mut self) {
            assert!(Handle::try_current().is_ok());
            *self.0.lock().unwrap() = Some(unstuck::spawn(async {}));
        }
    }
    for runtime in both() {
        let spawned = Arc::new(Mutex::new(None));
        let guard = SpawnsWhenDropped(spawned.clone());
        runtime.spawn(async move {
            let _guard = guard;
            pending::<()>().await
        });
        runtime.block_on(async {
            for _ in 0..10 {
                yield_now().await;
            }
        });
        drop(runtime);
        let late = spawned.lock().unwrap().take().expect("the future was dropped");
        assert!(unstuck_block_on(late).unwrap_err().is_cancelled());
    }
}

#[test]
fn spawning_after_the_end_gives_a_cancelled_task() {
    for runtime in both() {
        let handle = runtime.handle().clone();
        drop(runtime);
        let drops = Drops::default();
        let token = drops.token();
        let task = handle.spawn(async move { drop(token) });
        assert_eq!(drops.count(), 1);
        assert!(unstuck_block_on(task).unwrap_err().is_cancelled());
        assert!(unstuck_block_on(handle.spawn_blocking(|| ())).unwrap_err().is_cancelled());
    }
}

#[test]
fn wakers_and_handles_that_outlive_the_runtime_do_no_harm() {
    for runtime in both() {
        let (send, receive) = mpsc::channel::<Waker>();
        let task = runtime.spawn(poll_fn(move |cx| {
            send.send(cx.waker().clone()).unwrap();
            Poll::<()>::Pending
        }));
        runtime.block_on(async {
            for _ in 0..10 {
                yield_now().await;
            }
        });
        let waker = receive.recv().unwrap();
        let abort = task.abort_handle();
        drop(runtime);
        waker.wake_by_ref();
        abort.abort();
        assert!(task.is_finished());
        waker.wake();
        assert!(unstuck_block_on(task).unwrap_err().is_cancelled());
    }
}

#[test]
fn a_blocked_worker_does_not_hold_up_shutdown_timeout() {
    let runtime = multi_thread(2);
    let (release, blocked) = mpsc::channel::<()>();
    let (says_dropped, dropped) = mpsc::channel::<()>();
    let (says_started, started) = mpsc::channel::<()>();
    runtime.spawn(async move {
        let _says_dropped = says_dropped;
        says_started.send(()).unwrap();
        blocked.recv().unwrap();
        pending::<()>().await
    });
    started.recv().unwrap();
    runtime.shutdown_timeout(Duration::from_millis(10));
    // The task still blocks, and still owns what it has.
    assert!(matches!(dropped.try_recv(), Err(mpsc::TryRecvError::Empty)));
    release.send(()).unwrap();
    // When its poll returns, the future is dropped by its own thread.
    assert!(matches!(dropped.recv(), Err(mpsc::RecvError)));
}

/// More of them than there are threads that could be kept by one.
#[test]
fn tasks_whose_drops_do_not_return_do_not_hold_up_a_shutdown_with_a_limit() {
    for (workers, limit) in [(1, Duration::ZERO), (1, Duration::from_millis(10)), (2, Duration::from_millis(10))] {
        let runtime = multi_thread(workers);
        let (holds, tasks): (Vec<_>, Vec<_>) = (0..20)
            .map(|_| {
                let (hold, held) = mpsc::channel();
                let blocks = BlocksInDrop(held);
                let task = runtime.spawn(async move {
                    let _blocks = blocks;
                    pending::<()>().await
                });
                (hold, task)
            })
            .unzip();
        runtime.block_on(runtime.spawn(yield_now())).unwrap();
        runtime.shutdown_timeout(limit);
        // Now that they may, all of them go.
        drop(holds);
        for task in tasks {
            assert!(unstuck_block_on(task).unwrap_err().is_cancelled());
        }
    }
}

#[test]
fn queued_closures_whose_drops_do_not_return_do_not_hold_up_a_shutdown_with_a_limit() {
    for limit in [Duration::ZERO, Duration::from_millis(10)] {
        for mut builder in [Builder::new_current_thread(), Builder::new_multi_thread()] {
            let runtime = builder.worker_threads(1).max_blocking_threads(1).build().unwrap();
            let (holds, closures): (Vec<_>, Vec<_>) = (0..3)
                .map(|index| {
                    let (says_started, started) = mpsc::channel::<()>();
                    let (hold, held) = mpsc::channel();
                    let blocks = BlocksInDrop(held);
                    let closure = runtime.spawn_blocking(move || {
                        says_started.send(()).unwrap();
                        drop(blocks);
                    });
                    if index == 0 {
                        started.recv().unwrap();
                    }
                    (hold, closure)
                })
                .unzip();
            runtime.shutdown_timeout(limit);
            drop(holds);
            let ends: Vec<_> = closures.into_iter().map(|closure| unstuck_block_on(closure).is_ok()).collect();
            assert_eq!(ends, [true, false, false]);
        }
    }
}

#[test]
fn a_shutdown_with_a_limit_drops_nothing_itself_where_no_thread_can_be_started() {
    let refuses = Arc::new(AtomicBool::new(false));
    let asked = refuses.clone();
    let name = move || if asked.load(Ordering::SeqCst) { "\0" } else { "worker" }.to_owned();
    let runtime = Builder::new_multi_thread()
        .worker_threads(1)
        .stuck_threshold(Duration::MAX)
        .thread_name_fn(name)
        .build()
        .unwrap();
    let (hold, held) = mpsc::channel();
    let blocks = BlocksInDrop(held);
    let task = runtime.spawn(async move {
        let _blocks = blocks;
        pending::<()>().await
    });
    runtime.block_on(runtime.spawn(yield_now())).unwrap();
    // The only worker is in a blocking part, and nobody stands in.
    refuses.store(true, Ordering::SeqCst);
    let (says_started, started) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    runtime.spawn(async move {
        block_in_place(|| {
            says_started.send(()).unwrap();
            let _released = released.recv();
        });
    });
    started.recv().unwrap();
    runtime.shutdown_timeout(Duration::from_millis(10));
    // It does so when it comes back.
    drop((hold, release));
    assert!(unstuck_block_on(task).unwrap_err().is_cancelled());
}

#[test]
fn a_thread_that_becomes_idle_while_the_pool_closes_ends() {
    // Naming a thread takes as long as a test wants: meanwhile the thread that was busy becomes idle.
    let (named, is_named) = mpsc::channel::<()>();
    let (is_slow, is_named) = (Arc::new(AtomicBool::new(false)), Mutex::new(is_named));
    let slow = is_slow.clone();
    let name = move || {
        if slow.load(Ordering::SeqCst) {
            is_named.lock().unwrap().recv().unwrap();
        }
        "blocking".to_owned()
    };
    let runtime = Builder::new_current_thread()
        .max_blocking_threads(1)
        .thread_keep_alive(Duration::MAX)
        .thread_name_fn(name)
        .build()
        .unwrap();
    let (says_started, started) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    let busy = runtime.spawn_blocking(move || {
        says_started.send(()).unwrap();
        let _released = released.recv();
    });
    drop(runtime.spawn_blocking(|| ()));
    started.recv().unwrap();
    is_slow.store(true, Ordering::SeqCst);
    let names = std::thread::spawn(move || {
        drop(release);
        unstuck_block_on(busy).unwrap();
        named.send(()).unwrap();
    });
    // Nobody waits for so long: what is to end does.
    runtime.shutdown_timeout(Duration::from_secs(100_000));
    names.join().unwrap();
}

/// What is queued is dropped while the pool ends, not before: it may wait for what that brings.
#[test]
fn a_queued_closure_whose_drop_waits_for_the_runtime_does_not_hold_up_its_end() {
    struct WaitsInDrop(Handle);
    impl Drop for WaitsInDrop {
        fn drop(&mut self) {
            // It panics when the runtime has ended.
            let _told = std::panic::catch_unwind(|| self.0.block_on(sleep(Duration::from_secs(1000))));
        }
    }
    let runtime = Builder::new_multi_thread()
        .worker_threads(1)
        .max_blocking_threads(1)
        .enable_all()
        .stuck_threshold(Duration::MAX)
        .build()
        .unwrap();
    let (release, released) = mpsc::channel::<()>();
    let (says_started, started) = mpsc::channel();
    runtime.spawn_blocking(move || {
        says_started.send(()).unwrap();
        let _released = released.recv();
    });
    started.recv().unwrap();
    let waits = WaitsInDrop(runtime.handle().clone());
    let queued = runtime.spawn_blocking(move || drop(waits));
    // The only worker is in a blocking part, which waits for the runtime as well, and then lets the closure end.
    let (says_started, started) = mpsc::channel();
    let handle = runtime.handle().clone();
    runtime.spawn(async move {
        let _release = release;
        block_in_place(|| {
            says_started.send(()).unwrap();
            handle.block_on(sleep(Duration::from_secs(1000)));
        });
    });
    started.recv().unwrap();
    drop(runtime);
    assert!(unstuck_block_on(queued).unwrap_err().is_cancelled());
}

/// A worker in a blocking part runs another runtime, and in there begins a blocking part of its own.
#[test]
fn a_thread_that_blocks_twice_leaves_once() {
    for closes in [false, true] {
        let runtime = multi_thread(1);
        let handle = runtime.handle().clone();
        let (says_started, started) = mpsc::channel();
        let (goes_on, may_go_on) = mpsc::channel::<()>();
        let task = runtime.spawn(async move {
            block_in_place(|| {
                says_started.send(()).unwrap();
                may_go_on.recv().unwrap();
                current_thread().block_on(async {
                    let _context = handle.enter();
                    block_in_place(|| ());
                });
            });
        });
        started.recv().unwrap();
        if closes {
            let handle = runtime.handle().clone();
            let ends = std::thread::spawn(move || drop(runtime));
            while !handle.spawn(async {}).is_finished() {
                std::thread::yield_now();
            }
            goes_on.send(()).unwrap();
            ends.join().unwrap();
        } else {
            goes_on.send(()).unwrap();
            runtime.block_on(task).unwrap();
        }
    }
}

#[test]
fn what_a_blocking_part_waits_for_is_told_that_the_runtime_ends() {
    for (workers, waits) in [(1, 0), (1, 1), (2, 0), (2, 1), (3, 3)] {
        let runtime = multi_thread(workers);
        let (says_started, started) = mpsc::channel();
        let task = runtime.spawn(async move {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            block_in_place(|| {
                Handle::current().block_on(async {
                    says_started.send(()).unwrap();
                    match waits {
                        0 => sleep(Duration::from_secs(3600)).await,
                        _ => assert!(is_rt_shutdown_err(&listener.accept().await.unwrap_err())),
                    }
                });
            });
        });
        started.recv().unwrap();
        match waits {
            3 => runtime.shutdown_background(),
            _ => drop(runtime),
        }
        // A timer has no error to return: it panics.
        assert_eq!(unstuck_block_on(task).is_err_and(|error| error.is_panic()), waits == 0);
    }
}

#[test]
fn blocking_work_that_has_not_begun_never_begins() {
    for mut runtime in [
        Some(Builder::new_current_thread().max_blocking_threads(1).build().unwrap()),
        Some(Builder::new_multi_thread().worker_threads(1).max_blocking_threads(1).build().unwrap()),
    ] {
        let runtime = runtime.take().unwrap();
        let (release, blocked) = mpsc::channel::<()>();
        let (says_started, started) = mpsc::channel::<()>();
        let first = runtime.spawn_blocking(move || {
            says_started.send(()).unwrap();
            blocked.recv().unwrap();
            1
        });
        started.recv().unwrap();
        let second = runtime.spawn_blocking(|| unreachable!("it had not begun when the runtime ended"));
        runtime.shutdown_background();
        release.send(()).unwrap();
        assert_eq!(unstuck_block_on(first).unwrap(), 1);
        let second: Result<(), _> = unstuck_block_on(second);
        assert!(second.unwrap_err().is_cancelled());
    }
}

#[test]
fn dropping_waits_for_blocking_work_that_has_begun() {
    for runtime in both() {
        let (says_started, started) = mpsc::channel::<()>();
        let drops = Drops::default();
        let token = drops.token();
        let handle = runtime.handle().clone();
        runtime.spawn_blocking(move || {
            says_started.send(()).unwrap();
            // The end of the runtime is visible here: the work goes on until then, and some more.
            while !handle.spawn(async {}).is_finished() {
                std::thread::yield_now();
            }
            drop(token);
        });
        started.recv().unwrap();
        drop(runtime);
        assert_eq!(drops.count(), 1);
    }
}

#[test]
fn a_runtime_can_be_shut_down_in_the_background_inside_another() {
    let outer = multi_thread(1);
    let drops = Drops::default();
    let token = drops.token();
    outer.block_on(async move {
        let inner = multi_thread(1);
        inner.spawn(async move {
            let _token = token;
            pending::<()>().await
        });
        inner.shutdown_background();
    });
    drop(outer);
    // Nobody waited for it; it is dropped when the inner worker gets to it.
    while drops.count() == 0 {
        std::thread::yield_now();
    }
}

#[test]
#[should_panic(expected = "Cannot drop a runtime in a context where blocking is not allowed")]
fn dropping_a_runtime_inside_a_task_tells_what_to_do() {
    let outer = current_thread();
    outer.block_on(async {
        drop(Runtime::new().unwrap());
    });
}

#[test]
fn a_panic_in_a_drop_at_shutdown_stops_nobody_elses_drop() {
    struct Panics;
    impl Drop for Panics {
        fn drop(&mut self) {
            panic!("a drop that panics");
        }
    }
    for runtime in both() {
        let drops = Drops::default();
        for _ in 0..10 {
            let token = drops.token();
            runtime.spawn(async move {
                let _token = token;
                pending::<()>().await
            });
            runtime.spawn(async move {
                let _panics = Panics;
                pending::<()>().await
            });
        }
        runtime.block_on(async {
            for _ in 0..100 {
                yield_now().await;
            }
        });
        drop(runtime);
        assert_eq!(drops.count(), 10);
    }
}

#[test]
fn runtimes_are_built_and_dropped_many_times_while_wakers_arrive() {
    for round in 0..50 {
        let runtime = multi_thread(1 + round % 3);
        let (send, receive) = mpsc::channel::<Waker>();
        for _ in 0..4 {
            let send = send.clone();
            let mut polls = 0;
            runtime.spawn(poll_fn(move |cx| {
                if polls < 2 {
                    polls += 1;
                    send.send(cx.waker().clone()).unwrap();
                }
                Poll::<()>::Pending
            }));
        }
        drop(send);
        let waking = std::thread::spawn(move || {
            let mut wakes = 0;
            while let Ok(waker) = receive.recv() {
                waker.wake();
                wakes += 1;
            }
            wakes
        });
        drop(runtime);
        // Each task left its waker at most twice: when it was first polled, and when it was woken.
        assert!(waking.join().unwrap() <= 8);
    }
}

/// Awaits on a thread that is in no runtime.
fn unstuck_block_on<F: Future>(future: F) -> F::Output {
    current_thread().block_on(future)
}

/// Nobody can tell whether its thread has come to the first line of the closure.
#[test]
fn a_closure_that_a_thread_was_called_for_has_begun() {
    for runtime in both() {
        let work = runtime.spawn_blocking(|| 3);
        let handle = runtime.handle().clone();
        drop(runtime);
        assert_eq!(handle.block_on(work).unwrap(), 3);
    }
}

#[test]
fn what_is_written_after_the_end_is_refused_at_once() {
    for runtime in both() {
        let handle = runtime.handle().clone();
        drop(runtime);
        let written = handle.block_on(async { unstuck::io::stdout().write_all(b"never").await });
        assert!(is_rt_shutdown_err(&written.unwrap_err()));
    }
}
