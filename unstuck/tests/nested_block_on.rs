//! Code that blocks inside a runtime which was built to get along with it. Nobody looks for stuck polls here, so that
//! only what is announced helps.

mod common;

use std::future::{pending, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc as std_mpsc};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use common::{Drops, current_thread, ends, multi_thread};
use unstuck::net::UdpSocket;
use unstuck::runtime::{Builder, Handle, LocalRuntime, Runtime, UnhandledPanic, worker_index};
use unstuck::sync::{Barrier, Mutex, RwLock, Semaphore, broadcast, mpsc, oneshot};
use unstuck::task::{LocalSet, block_in_place, coop, yield_now};
use unstuck::time::sleep;

fn builder(workers: usize) -> Builder {
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(workers).enable_all().stuck_threshold(Duration::MAX).nested_block_on(true);
    builder
}

fn nesting(workers: usize) -> Runtime {
    builder(workers).build().unwrap()
}

/// What a panic says.
fn message_of<T>(f: impl FnOnce() -> T) -> String {
    match catch_unwind(AssertUnwindSafe(f)) {
        Ok(_) => panic!("it was to panic"),
        Err(panic) => match panic.downcast::<String>() {
            Ok(text) => *text,
            Err(panic) => (*panic.downcast::<&str>().expect("a text")).to_owned(),
        },
    }
}

/// Asynchronous code that needs its runtime's workers, timers and sockets.
async fn uses_everything() -> u32 {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    socket.send_to(b"!", socket.local_addr().unwrap()).await.unwrap();
    assert_eq!(socket.recv(&mut [0; 4]).await.unwrap(), 1);
    sleep(Duration::from_millis(1)).await;
    unstuck::spawn(async { 42 }).await.unwrap()
}

// Where it is allowed.

#[test]
fn a_task_blocks_on_its_own_runtime_while_the_only_worker_is_replaced() {
    ends(|| {
        let runtime = nesting(1);
        let task = runtime.spawn(async {
            // Queued on the worker that is going to block.
            let (tell, told) = oneshot::channel();
            unstuck::spawn(async { tell.send(5).unwrap() });
            assert_eq!(Handle::current().block_on(told).unwrap(), 5);
            Handle::current().block_on(uses_everything())
        });
        assert_eq!(runtime.block_on(task).unwrap(), 42);
    });
}

#[test]
fn the_root_future_blocks_too() {
    ends(|| {
        let runtime = nesting(1);
        assert_eq!(runtime.block_on(async { runtime.block_on(uses_everything()) }), 42);
        assert_eq!(runtime.handle().block_on(async { runtime.handle().block_on(uses_everything()) }), 42);
    });
}

#[test]
fn a_task_blocks_on_other_runtimes_of_any_sort() {
    ends(|| {
        let runtime = nesting(1);
        let blocks = || {
            let others = [current_thread(), multi_thread(1), nesting(1)];
            for other in &others {
                assert_eq!(other.block_on(uses_everything()), 42);
            }
            let local = LocalRuntime::new().unwrap();
            let here = std::rc::Rc::new(7);
            let task = local.spawn_local(async move { *here });
            assert_eq!(local.block_on(task).unwrap(), 7);
            let set = LocalSet::new();
            assert_eq!(set.block_on(&others[0], uses_everything()), 42);
        };
        let task = runtime.spawn(async move {
            blocks();
            unstuck::spawn(async { "goes on" }).await.unwrap()
        });
        assert_eq!(runtime.block_on(task).unwrap(), "goes on");
    });
}

#[test]
fn many_levels_deep() {
    fn descend(levels: usize) -> usize {
        if levels == 0 {
            return 0;
        }
        let runtime = Handle::current();
        runtime.block_on(async {
            // Now and then inside a task of another worker.
            let below = if levels.is_multiple_of(3) {
                unstuck::spawn(async move { descend(levels - 1) }).await.unwrap()
            } else {
                descend(levels - 1)
            };
            sleep(Duration::from_micros(100)).await;
            below + 1
        })
    }
    ends(|| {
        let runtime = nesting(2);
        assert_eq!(runtime.block_on(async { descend(12) }), 12);
        assert_eq!(runtime.block_on(runtime.spawn(async { descend(12) })).unwrap(), 12);
    });
}

#[test]
fn many_callers_at_once_wait_for_each_other() {
    ends(|| {
        let runtime = nesting(2);
        for _ in 0..3 {
            let barrier = Arc::new(Barrier::new(60));
            let tasks: Vec<_> = (0..60)
                .map(|_| {
                    let barrier = barrier.clone();
                    runtime.spawn(async move {
                        Handle::current().block_on(async { barrier.wait().await });
                        worker_index().is_some()
                    })
                })
                .collect();
            for task in tasks {
                let _on_a_worker = runtime.block_on(task).unwrap();
            }
        }
        assert_eq!(runtime.block_on(runtime.spawn(uses_everything())).unwrap(), 42);
    });
}

/// Waits for what only another task does.
fn later<T: Send + 'static>(does: impl FnOnce() -> T + Send + 'static) {
    unstuck::spawn(async move {
        sleep(Duration::from_millis(1)).await;
        does();
    });
}

#[test]
fn methods_that_block_may_be_called() {
    let program = || async {
        let (send, mut receive) = mpsc::channel(1);
        let again = send.clone();
        later(move || again.try_send(1).unwrap());
        assert_eq!(receive.blocking_recv(), Some(1));
        send.blocking_send(2).unwrap();
        later(move || receive.try_recv().map(|_| std::mem::forget(receive)));
        send.blocking_send(3).unwrap();

        let (send, mut receive) = mpsc::unbounded_channel();
        later(move || send.send(1).unwrap());
        assert_eq!(receive.blocking_recv_many(&mut Vec::new(), 4), 1);

        let (send, receive) = oneshot::channel();
        later(move || send.send(1).unwrap());
        assert_eq!(receive.blocking_recv(), Ok(1));

        let (send, mut receive) = broadcast::channel(1);
        later(move || send.send(1).unwrap());
        assert_eq!(receive.blocking_recv(), Ok(1));

        let lock = Arc::new(Mutex::new(()));
        let locked = lock.clone().try_lock_owned().unwrap();
        later(move || drop(locked));
        drop(lock.blocking_lock());

        let lock = Arc::new(RwLock::new(()));
        let locked = lock.clone().try_write_owned().unwrap();
        later(move || drop(locked));
        drop(lock.blocking_read());
        let locked = lock.clone().try_read_owned().unwrap();
        later(move || drop(locked));
        drop(lock.blocking_write());

        let permits = Arc::new(Semaphore::new(0));
        let others = permits.clone();
        later(move || others.add_permits(2));
        drop(permits.blocking_acquire_many(2).unwrap());
    };
    ends(move || {
        let runtime = nesting(1);
        runtime.block_on(program());
        runtime.block_on(runtime.spawn(program())).unwrap();
    });
}

#[test]
fn runtimes_are_dropped_and_shut_down() {
    ends(|| {
        let runtime = nesting(1);
        let task = runtime.spawn(async {
            let drops = Drops::default();
            for inner in [current_thread(), multi_thread(1)] {
                let token = drops.token();
                inner.spawn(async move {
                    let _token = token;
                    pending::<()>().await
                });
            }
            assert_eq!(drops.count(), 2, "it has waited");
            let (hold, held) = std_mpsc::channel::<()>();
            let (begin, begun) = std_mpsc::channel();
            let inner = multi_thread(1);
            let blocks = inner.spawn_blocking(move || {
                begin.send(()).unwrap();
                held.recv()
            });
            begun.recv().unwrap();
            let report = inner.shutdown_report(Duration::from_millis(1));
            assert_eq!(report.iter().next().unwrap().id(), blocks.id());
            drop(hold);
            unstuck::spawn(async { "goes on" }).await.unwrap()
        });
        assert_eq!(runtime.block_on(task).unwrap(), "goes on");
    });
}

#[test]
fn a_task_drops_its_own_runtime() {
    ends(|| {
        for workers in [1, 3] {
            let (give, given) = std_mpsc::channel::<Runtime>();
            let (tell, told) = std_mpsc::channel();
            let runtime = nesting(workers);
            let drops = Drops::default();
            let token = drops.token();
            runtime.spawn(async move {
                let _token = token;
                pending::<()>().await
            });
            let count = drops.clone();
            runtime.spawn(async move {
                let own = block_in_place(|| given.recv().unwrap());
                drop(own);
                tell.send(count.count()).unwrap();
            });
            give.send(runtime).unwrap();
            assert_eq!(told.recv().unwrap(), 1, "the other task was dropped before");
        }
    });
}

/// The worker's other tasks are given away by the runtime that the thread runs, not by that which is current.
#[test]
fn the_runtime_that_the_thread_runs_is_told_while_another_one_is_current() {
    ends(|| {
        let (runtime, other) = (nesting(1), nesting(1));
        let own = runtime.handle().clone();
        let task = runtime.spawn(async move {
            let (tell, told) = oneshot::channel();
            // Run by the thread that stands in.
            unstuck::spawn(async { tell.send(Handle::current().id()).unwrap() });
            let _other_is_current = other.enter();
            assert_eq!(other.block_on(told).unwrap(), own.id());
            assert_eq!(own.block_on(own.spawn(async { 6 })).unwrap(), 6);
            assert_eq!(Handle::current().id(), other.handle().id());
        });
        runtime.block_on(task).unwrap();
    });
}

#[test]
fn hooks_and_drops_may_block() {
    struct BlocksInDrop(Handle);
    impl Drop for BlocksInDrop {
        fn drop(&mut self) {
            let answer = self.0.block_on(async { unstuck::spawn(async { 7 }).await });
            DROPS.fetch_add(usize::from(answer.is_ok_and(|answer| answer == 7)), Ordering::SeqCst);
        }
    }
    static POLLS: AtomicUsize = AtomicUsize::new(0);
    static DROPS: AtomicUsize = AtomicUsize::new(0);
    ends(|| {
        let runtime = builder(1)
            .on_before_task_poll(|_| {
                current_thread().block_on(async { POLLS.fetch_add(1, Ordering::SeqCst) });
            })
            .build()
            .unwrap();
        let blocks = BlocksInDrop(runtime.handle().clone());
        let task = runtime.spawn(async move {
            let _blocks = blocks;
            pending::<()>().await
        });
        runtime.block_on(runtime.spawn(yield_now())).unwrap();
        task.abort();
        assert!(runtime.block_on(task).unwrap_err().is_cancelled());
        assert_eq!(DROPS.load(Ordering::SeqCst), 1);
        // Of the task that yields, and of the one that the drop has spawned.
        assert!(POLLS.load(Ordering::SeqCst) >= 3);
    });
}

/// What it waits for when it is dropped fails since the runtime ends, in one way or another.
struct WaitsInDrop(fn(&Handle), Handle, Arc<AtomicUsize>);

impl Drop for WaitsInDrop {
    fn drop(&mut self) {
        let _panics_for_a_timer = catch_unwind(AssertUnwindSafe(|| self.0(&self.1)));
        self.2.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn drops_may_block_while_the_runtime_ends() {
    let waits: [fn(&Handle); 4] = [
        |handle| handle.block_on(sleep(Duration::from_secs(1000))),
        |handle| drop(handle.block_on(async { UdpSocket::bind("127.0.0.1:0").await?.recv(&mut [0]).await })),
        |handle| drop(handle.block_on(async { unstuck::spawn(async {}).await })),
        |handle| drop(block_in_place(|| handle.block_on(async { unstuck::spawn(async {}).await }))),
    ];
    for workers in [1, 2] {
        for limit in [None, Some(Duration::from_millis(10))] {
            let drops = Arc::new(AtomicUsize::new(0));
            let count = drops.clone();
            ends(move || {
                let runtime = builder(workers).build().unwrap();
                for wait in waits {
                    let waits = WaitsInDrop(wait, runtime.handle().clone(), count.clone());
                    runtime.spawn(async move {
                        let _waits = waits;
                        pending::<()>().await
                    });
                }
                runtime.block_on(runtime.spawn(yield_now())).unwrap();
                match limit {
                    None => drop(runtime),
                    Some(limit) => runtime.shutdown_timeout(limit),
                }
                while count.load(Ordering::SeqCst) < waits.len() {
                    std::thread::yield_now();
                }
            });
            assert_eq!(drops.load(Ordering::SeqCst), waits.len());
        }
    }
}

#[test]
fn a_task_that_owns_its_runtime_may_end_it_on_any_thread() {
    ends(|| {
        let runtime = Arc::new(builder(1).unhandled_panic(UnhandledPanic::ShutdownRuntime).build().unwrap());
        let (gone, is_gone) = std::sync::mpsc::channel::<()>();
        let own = runtime.clone();
        runtime.spawn(async move {
            let _own = (own, gone);
            pending::<()>().await
        });
        let ends_it = runtime.spawn(async { panic!("as it should") });
        drop((runtime, ends_it));
        // Not sent, but dropped.
        assert!(is_gone.recv().is_err());
    });
}

// Where it is not.

const REFUSED: &str = "Cannot start a runtime from within a runtime";

#[test]
fn without_it_everything_panics_as_ever() {
    let runtimes = [current_thread(), multi_thread(1), builder(1).nested_block_on(false).build().unwrap()];
    for runtime in runtimes {
        runtime.block_on(async {
            let told = message_of(|| Handle::current().block_on(async {}));
            assert!(told.starts_with(REFUSED) && told.contains("nested_block_on"), "{told}");
            let told = message_of(|| Mutex::new(()).blocking_lock().to_owned());
            assert!(told.starts_with("Cannot block the current thread from within a runtime"), "{told}");
            assert!(told.contains("nested_block_on"), "{told}");
            let told = message_of(|| drop(current_thread()));
            assert!(told.starts_with("Cannot drop a runtime in a context where blocking is not allowed"), "{told}");
            assert!(told.contains("nested_block_on"), "{told}");
        });
    }
}

#[test]
fn an_inner_runtime_that_was_built_without_it_refuses() {
    ends(|| {
        let outer = nesting(1);
        let task = outer.spawn(async {
            for inner in [current_thread(), multi_thread(1)] {
                let outer = Handle::current();
                inner.block_on(async {
                    for to_block_on in [&outer, &Handle::current()] {
                        assert!(message_of(|| to_block_on.block_on(async {})).starts_with(REFUSED));
                    }
                });
                // And not for longer than it lasts.
                assert_eq!(outer.block_on(async { 7 }), 7);
            }
        });
        outer.block_on(task).unwrap();
    });
}

#[test]
fn a_local_set_refuses() {
    let runtime = nesting(1);
    let set = LocalSet::new();
    set.block_on(&runtime, async {
        assert!(message_of(|| Handle::current().block_on(async {})).starts_with(REFUSED));
        let task = unstuck::task::spawn_local(async {
            assert!(message_of(|| Mutex::new(()).blocking_lock().to_owned()).starts_with("Cannot block"));
        });
        task.await.unwrap();
    });
    runtime.block_on(async { runtime.block_on(async {}) });
}

#[test]
fn a_current_thread_runtime_is_not_built() {
    let told = message_of(|| Builder::new_current_thread().nested_block_on(true).build());
    assert!(told.contains("nested_block_on") && told.contains("new_multi_thread"), "{told}");
    let told = message_of(|| Builder::new_current_thread().nested_block_on(true).build_local(Default::default()));
    assert!(told.contains("nested_block_on"), "{told}");
    assert!(Builder::new_current_thread().nested_block_on(true).nested_block_on(false).build().is_ok());
}

// What it leaves behind.

#[test]
fn a_panic_inside_leaves_everything_as_it_was() {
    ends(|| {
        let runtime = nesting(1);
        let task = runtime.spawn(async {
            let before = (worker_index(), unstuck::task::id());
            for _ in 0..3 {
                let told = message_of(|| {
                    Handle::current().block_on(async {
                        yield_now().await;
                        panic!("inside")
                    })
                });
                assert_eq!(told, "inside");
                assert_eq!((worker_index(), unstuck::task::id()), before);
            }
            assert_eq!(unstuck::spawn(uses_everything()).await.unwrap(), 42);
            Handle::current().block_on(async { panic!("ends the task") })
        });
        let error = runtime.block_on(task).unwrap_err();
        assert!(error.to_string().contains("ends the task"));
        assert_eq!(runtime.block_on(runtime.spawn(uses_everything())).unwrap(), 42);
        assert_eq!(runtime.metrics().num_alive_tasks(), 0);
    });
}

#[test]
fn inside_it_is_the_same_task_with_a_budget_of_its_own_and_no_worker() {
    ends(|| {
        let runtime = nesting(1);
        let task = runtime.spawn(async {
            let id = unstuck::task::id();
            let mut cx = Context::from_waker(Waker::noop());
            while let Poll::Ready(charge) = coop::poll_proceed(&mut cx) {
                charge.made_progress();
            }
            let inside = Handle::current().block_on(async move {
                assert!(coop::has_budget_remaining());
                assert_eq!(worker_index(), None);
                let (send, mut receive) = mpsc::unbounded_channel();
                (0..1000).for_each(|n| send.send(n).unwrap());
                for n in 0..1000 {
                    assert_eq!(receive.recv().await, Some(n));
                }
                unstuck::task::id()
            });
            assert_eq!(inside, id);
            assert!(!coop::has_budget_remaining(), "that of the poll around it is spent still");
            assert!(worker_index().is_some());
        });
        runtime.block_on(task).unwrap();
    });
}

#[test]
fn spares_go_when_nobody_blocks_any_more() {
    ends(|| {
        let runtime = nesting(2);
        let metrics = runtime.metrics();
        let tasks: Vec<_> =
            (0..10).map(|_| runtime.spawn(async { Handle::current().block_on(uses_everything()) })).collect();
        for task in tasks {
            assert_eq!(runtime.block_on(task).unwrap(), 42);
        }
        while metrics.spare_workers() > 0 {
            std::thread::yield_now();
        }
    });
}

// The end.

#[test]
fn who_waits_for_a_runtime_that_ends_is_told() {
    ends(|| {
        let runtime = nesting(2);
        let (begin, begun) = std_mpsc::channel();
        let (tell, told) = std_mpsc::channel();
        let waits = |wait: fn() -> bool| {
            let (begin, tell) = (begin.clone(), tell.clone());
            runtime.spawn(async move {
                begin.send(()).unwrap();
                tell.send(catch_unwind(AssertUnwindSafe(wait))).unwrap();
            });
        };
        waits(|| Handle::current().block_on(unstuck::spawn(pending::<()>())).unwrap_err().is_cancelled());
        waits(|| {
            let (answer, answered) = oneshot::channel::<()>();
            unstuck::spawn(async move {
                pending::<()>().await;
                drop(answer);
            });
            answered.blocking_recv().is_err()
        });
        waits(|| {
            Handle::current().block_on(async {
                let Ok(socket) = UdpSocket::bind("127.0.0.1:0").await else { return true };
                socket.recv(&mut [0; 1]).await.is_err()
            })
        });
        waits(|| {
            Handle::current().block_on(sleep(Duration::from_secs(1000)));
            false
        });
        (0..4).for_each(|_| begun.recv().unwrap());
        drop(runtime);
        let mut panics = 0;
        for _ in 0..4 {
            match told.recv().unwrap() {
                Ok(told) => assert!(told),
                Err(_) => panics += 1,
            }
        }
        assert_eq!(panics, 1, "a timer panics when its runtime has ended");
    });
}

#[test]
fn a_runtime_ends_while_tasks_begin_to_block() {
    ends(|| {
        for round in 0..30 {
            let runtime = nesting(2);
            for _ in 0..8 {
                runtime.spawn(async {
                    loop {
                        Handle::current().block_on(async {
                            let mut polled = false;
                            poll_fn(|cx| {
                                cx.waker().wake_by_ref();
                                if std::mem::replace(&mut polled, true) { Poll::Ready(()) } else { Poll::Pending }
                            })
                            .await;
                            let _cancelled_at_the_end = unstuck::spawn(async {}).await;
                        });
                        yield_now().await;
                    }
                });
            }
            if round % 2 == 0 {
                runtime.block_on(yield_now());
            }
            drop(runtime);
        }
    });
}
