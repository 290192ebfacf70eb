//! Tasks, closures, wakers, hooks and drops that panic: who is told, what ends, and that nothing else does.

mod common;

use std::future::{pending, poll_fn};
use std::panic::{AssertUnwindSafe, Location, catch_unwind, panic_any};
use std::pin::{Pin, pin};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::ThreadId;
use std::time::Duration;

use common::{Drops, both, current_thread, multi_thread};
use unstuck::runtime::{Builder, Handle, LocalOptions, Runtime, TaskPanic, UnhandledPanic};
use unstuck::task::{Builder as TaskBuilder, Id, LocalSet, spawn_blocking, yield_now};
use unstuck::time::{Instant, sleep, sleep_until};

// Who is told.

/// What a hook was told.
#[derive(Clone, Debug, PartialEq)]
struct Told {
    id: Id,
    name: Option<String>,
    spawned_at: &'static Location<'static>,
    is_blocking: bool,
    message: Option<String>,
}

/// A hook that remembers what it is told.
fn remembers() -> (mpsc::Receiver<Told>, impl Fn(&TaskPanic<'_>) + Send + Sync + 'static) {
    let (tell, told) = mpsc::channel();
    let hook = move |panic: &TaskPanic<'_>| {
        let told = Told {
            id: panic.id(),
            name: panic.name().map(str::to_owned),
            spawned_at: panic.spawned_at(),
            is_blocking: panic.is_blocking(),
            message: panic.message().map(str::to_owned),
        };
        assert_eq!(panic.payload().downcast_ref::<&str>().copied(), panic.message());
        tell.send(told).unwrap();
    };
    (told, hook)
}

fn builders() -> [Builder; 2] {
    let mut multi_thread = Builder::new_multi_thread();
    multi_thread.worker_threads(2);
    [Builder::new_current_thread(), multi_thread]
}

#[test]
fn a_hook_is_told_of_a_panic_before_whoever_joins_the_task() {
    for mut builder in builders() {
        let (told, hook) = remembers();
        let runtime = builder.on_unhandled_panic(hook).build().unwrap();
        runtime.block_on(async {
            let named = TaskBuilder::new().name("breaks").spawn(async { panic!("boom") }).unwrap();
            let (id, line) = (named.id(), line!() - 1);
            assert!(named.await.unwrap_err().is_panic());
            let told = told.try_recv().expect("it was told before");
            assert_eq!((told.id, told.name.as_deref(), told.message.as_deref()), (id, Some("breaks"), Some("boom")));
            assert_eq!((told.spawned_at.file(), told.spawned_at.line()), (file!(), line));
            assert!(!told.is_blocking);
        });
        // Nobody joins this one.
        let id = runtime.spawn(async { panic!("unseen") }).id();
        runtime.block_on(yield_now());
        assert_eq!(told.recv().unwrap().id, id);
    }
}

#[test]
fn a_hook_is_told_of_closures() {
    for mut builder in builders() {
        let (told, hook) = remembers();
        let runtime = builder.on_unhandled_panic(hook).build().unwrap();
        let closure = runtime.spawn_blocking(|| panic!("boom"));
        let id = closure.id();
        assert!(runtime.block_on(closure).unwrap_err().is_panic());
        let told = told.try_recv().unwrap();
        assert_eq!((told.id, told.is_blocking), (id, true));
    }
}

#[test]
fn hooks_of_local_runtimes_and_sets_are_told_of_theirs() {
    let (told, hook) = remembers();
    let mut builder = Builder::new_current_thread();
    let runtime = builder.on_unhandled_panic(hook).build_local(LocalOptions::default()).unwrap();
    let task = runtime.spawn_local(async { panic!("boom") });
    let id = task.id();
    assert!(runtime.block_on(task).unwrap_err().is_panic());
    assert_eq!(told.try_recv().unwrap().id, id);

    let (told_by_set, hook) = remembers();
    let mut set = LocalSet::new();
    set.on_unhandled_panic(hook);
    let id = set.spawn_local(async { panic!("boom") }).id();
    runtime.block_on(set);
    assert_eq!(told_by_set.try_recv().unwrap().id, id);
    assert!(told.try_recv().is_err(), "it was no task of the runtime");
}

#[test]
fn a_hook_that_panics_harms_nobody() {
    for mut builder in builders() {
        let runtime = builder.on_unhandled_panic(|_| panic!("the hook, too")).build().unwrap();
        for _ in 0..3 {
            let error = runtime.block_on(runtime.spawn(async { panic!("boom") })).unwrap_err();
            assert!(error.to_string().contains("boom"));
            assert!(runtime.block_on(runtime.spawn_blocking(|| panic!("boom"))).unwrap_err().is_panic());
        }
        assert_eq!(runtime.block_on(runtime.spawn(async { 7 })).unwrap(), 7);
    }
}

#[test]
fn a_panic_prints_as_one_line() {
    let line = Arc::new(Mutex::new(String::new()));
    let keep = line.clone();
    let runtime = Builder::new_current_thread()
        .on_unhandled_panic(move |panic| *keep.lock().unwrap() = format!("{panic} {panic:?}"))
        .build()
        .unwrap();
    drop(runtime.block_on(runtime.spawn(async { panic!("two\nlines") })));
    let text = line.lock().unwrap().clone();
    assert!(text.contains(file!()) && text.contains(r#"panicked with "two\nlines""#), "{text}");
    drop(runtime.block_on(runtime.spawn(async { panic_any(5) })));
    assert!(line.lock().unwrap().contains("panicked TaskPanic"));
}

// What ends.

/// What a panic says.
fn message_of<T>(f: impl FnOnce() -> T) -> String {
    match catch_unwind(AssertUnwindSafe(f)) {
        Ok(_) => panic!("it was to panic"),
        Err(panic) => *panic.downcast::<String>().expect("a text"),
    }
}

#[test]
fn a_panic_ends_a_runtime_of_any_sort_that_is_to_end_by_it() {
    for mut builder in builders() {
        let runtime = builder.enable_all().unhandled_panic(UnhandledPanic::ShutdownRuntime).build().unwrap();
        let drops = Drops::default();
        let token = drops.token();
        let other = runtime.spawn(async move {
            let _token = token;
            pending::<()>().await
        });
        let (_answer, never) = unstuck::sync::oneshot::channel::<()>();
        let says = message_of(|| {
            runtime.block_on(async {
                unstuck::spawn(async {
                    sleep(Duration::from_millis(1)).await;
                    panic!("boom")
                });
                never.await
            })
        });
        assert!(says.contains("a spawned task panicked") && says.contains(file!()) && says.contains("boom"), "{says}");
        let later = message_of(|| runtime.block_on(async {}));
        assert_eq!(later, says);
        assert!(current_thread().block_on(other).unwrap_err().is_cancelled());
        assert_eq!(drops.count(), 1);
        drop(runtime);
    }
}

#[test]
fn every_thread_in_block_on_is_told_of_the_end() {
    let runtime = Builder::new_multi_thread().unhandled_panic(UnhandledPanic::ShutdownRuntime).build().unwrap();
    let runtime = Arc::new(runtime);
    let (begin, begun) = mpsc::channel();
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let (runtime, begin) = (runtime.clone(), begin.clone());
            std::thread::spawn(move || {
                message_of(|| {
                    runtime.block_on(poll_fn(|_cx| {
                        begin.send(()).unwrap();
                        Poll::<()>::Pending
                    }))
                })
            })
        })
        .collect();
    (0..4).for_each(|_| begun.recv().unwrap());
    runtime.spawn(async { panic!("boom") });
    for thread in threads {
        assert!(thread.join().unwrap().contains("boom"));
    }
}

/// The runtime is kept: what has ended it is the panic.
#[test]
fn what_a_handle_waits_for_on_another_thread_fails_when_a_panic_ends_the_runtime() {
    for mut builder in builders() {
        let runtime = builder.enable_all().unhandled_panic(UnhandledPanic::ShutdownRuntime).build().unwrap();
        let (begin, begun) = mpsc::channel();
        let waiting = |wait: fn(Handle) -> Pin<Box<dyn Future<Output = bool>>>| {
            let (handle, begin) = (runtime.handle().clone(), begin.clone());
            std::thread::spawn(move || {
                catch_unwind(AssertUnwindSafe(|| {
                    let mut waits = wait(handle.clone());
                    handle.block_on(poll_fn(|cx| {
                        let polled = waits.as_mut().poll(cx);
                        if polled.is_pending() {
                            let _ = begin.send(());
                        }
                        polled
                    }))
                }))
            })
        };
        let others = [
            waiting(|handle| {
                let task = handle.spawn(pending::<()>());
                Box::pin(async move { task.await.unwrap_err().is_cancelled() })
            }),
            waiting(|handle| {
                let (answer, answered) = unstuck::sync::oneshot::channel::<()>();
                handle.spawn(async move {
                    pending::<()>().await;
                    drop(answer);
                });
                Box::pin(async move { answered.await.is_err() })
            }),
            waiting(|_handle| {
                Box::pin(async {
                    unstuck::net::UdpSocket::bind("127.0.0.1:0").await.unwrap().recv(&mut [0; 1]).await.is_err()
                })
            }),
        ];
        let sleeps = waiting(|_handle| {
            Box::pin(async {
                sleep(Duration::from_secs(1000)).await;
                true
            })
        });
        (0..4).for_each(|_| begun.recv().unwrap());
        let says = message_of(|| {
            runtime.block_on(async {
                unstuck::spawn(async { panic!("boom") });
                pending::<()>().await;
            })
        });
        assert!(says.contains("boom"), "{says}");
        for other in others {
            assert!(other.join().unwrap().unwrap(), "it was told of the end");
        }
        assert!(sleeps.join().unwrap().is_err(), "a timer panics when its runtime has ended");
        // Later as well, and what needs no runtime goes on.
        assert!(runtime.handle().block_on(runtime.handle().spawn(async {})).unwrap_err().is_cancelled());
        assert_eq!(runtime.handle().block_on(async { 7 }), 7);
        drop(runtime);
    }
}

#[test]
fn a_closure_that_panics_ends_no_runtime() {
    for mut builder in builders() {
        let runtime = builder.unhandled_panic(UnhandledPanic::ShutdownRuntime).build().unwrap();
        assert!(runtime.block_on(runtime.spawn_blocking(|| panic!("boom"))).unwrap_err().is_panic());
        assert_eq!(runtime.block_on(runtime.spawn(async { 7 })).unwrap(), 7);
    }
}

#[test]
fn who_awaits_a_set_that_a_panic_ended_is_told_which_task_it_was() {
    let mut set = LocalSet::new();
    set.unhandled_panic(UnhandledPanic::ShutdownRuntime);
    set.spawn_local(async { panic!("boom") });
    let says = message_of(|| set.block_on(&current_thread(), pending::<()>()));
    assert!(says.contains(file!()) && says.contains("boom"), "{says}");
}

/// Says to the program that it is to abort, and in which way.
const ABORTS: &str = "UNSTUCK_TEST_ABORTS";

#[test]
fn a_panic_ends_the_process_where_it_is_to() {
    const TEST: &str = "a_panic_ends_the_process_where_it_is_to";
    let ways: [(&str, fn()); 5] = [
        ("current thread", || {
            let mut builder = Builder::new_current_thread();
            let runtime = builder.unhandled_panic(UnhandledPanic::Abort).build().unwrap();
            runtime.block_on(runtime.spawn(async { panic!("boom") })).unwrap_err();
        }),
        ("multi thread", || {
            let mut builder = Builder::new_multi_thread();
            let runtime = builder.unhandled_panic(UnhandledPanic::Abort).build().unwrap();
            runtime.block_on(runtime.spawn(async { panic!("boom") })).unwrap_err();
        }),
        ("local", || {
            let mut builder = Builder::new_current_thread();
            builder.unhandled_panic(UnhandledPanic::Abort);
            let runtime = builder.build_local(LocalOptions::default()).unwrap();
            runtime.block_on(runtime.spawn_local(async { panic!("boom") })).unwrap_err();
        }),
        ("set", || {
            let mut set = LocalSet::new();
            set.unhandled_panic(UnhandledPanic::Abort);
            set.spawn_local(async { panic!("boom") });
            current_thread().block_on(set);
        }),
        ("closure", || {
            let mut builder = Builder::new_current_thread();
            let runtime = builder.unhandled_panic(UnhandledPanic::Abort).build().unwrap();
            runtime.block_on(runtime.spawn_blocking(|| panic!("boom"))).unwrap_err();
        }),
    ];
    if let Ok(way) = std::env::var(ABORTS) {
        ways.iter().find(|(name, _)| *name == way).unwrap().1();
        std::process::exit(0);
    }
    for (way, _) in ways {
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args([TEST, "--exact", "--nocapture", "--test-threads=1"]).env(ABORTS, way);
        let child = child.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let id = child.id();
        let (tell, ended) = mpsc::channel();
        let waits = std::thread::spawn(move || {
            let output = child.wait_with_output();
            let _nobody_waits = tell.send(());
            output.unwrap()
        });
        if ended.recv_timeout(Duration::from_secs(100)).is_err() {
            // SAFETY: it is our own child, and not waited for yet.
            unsafe { libc::kill(id.cast_signed(), libc::SIGKILL) };
            panic!("{way}: the child does not end");
        }
        let output = waits.join().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        let signal = std::os::unix::process::ExitStatusExt::signal(&output.status);
        assert_eq!(signal, Some(libc::SIGABRT), "{way}: {said}");
        let line = said.lines().find(|line| line.starts_with("unstuck: ")).expect("it says why");
        assert!(line.contains(file!()) && line.contains("boom") && line.contains("Abort"), "{way}: {line}");
    }
}

// What goes on.

/// Calls a function where a waker is woken, and another where it is dropped.
struct Calls {
    when_woken: fn(),
    when_dropped: fn(),
}

impl Wake for Calls {
    fn wake(self: Arc<Self>) {
        (self.when_woken)();
    }
}

impl Drop for Calls {
    fn drop(&mut self) {
        (self.when_dropped)();
    }
}

/// The only worker of a runtime, or its thread in `block_on`.
fn worker(runtime: &Runtime) -> ThreadId {
    runtime.block_on(runtime.spawn(async { std::thread::current().id() })).unwrap()
}

fn one_worker_each() -> [Runtime; 2] {
    [current_thread(), multi_thread(1)]
}

#[test]
fn a_waker_that_panics_kills_no_worker_and_keeps_no_one_else_from_waking() {
    for (when_woken, when_dropped) in
        [((|| panic!("woken")) as fn(), (|| ()) as fn()), (|| (), || panic!("dropped")), (|| panic!("woken"), || ())]
    {
        for runtime in one_worker_each() {
            let before = worker(&runtime);
            let task = runtime.spawn(async move {
                let deadline = Instant::now() + Duration::from_millis(5);
                let sleepers: Vec<_> = (0..10).map(|_| unstuck::spawn(sleep_until(deadline))).collect();
                let mut sleep = pin!(sleep_until(deadline));
                let waker = Waker::from(Arc::new(Calls { when_woken, when_dropped }));
                assert!(sleep.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
                // Else its last reference goes here.
                std::mem::forget(waker);
                for sleeper in sleepers {
                    sleeper.await.unwrap();
                }
            });
            runtime.block_on(task).unwrap();
            assert_eq!(worker(&runtime), before);
        }
    }
}

#[test]
fn a_waker_of_a_join_handle_that_panics_kills_no_worker() {
    for runtime in one_worker_each() {
        let before = worker(&runtime);
        let (finish, finished) = unstuck::sync::oneshot::channel::<()>();
        let mut task = runtime.spawn(async { finished.await.unwrap() });
        let waker = Waker::from(Arc::new(Calls { when_woken: || panic!("woken"), when_dropped: || () }));
        assert!(pin!(&mut task).poll(&mut Context::from_waker(&waker)).is_pending());
        finish.send(()).unwrap();
        runtime.block_on(async {
            while !task.is_finished() {
                yield_now().await;
            }
        });
        assert_eq!(worker(&runtime), before);
    }
}

/// Panics when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            panic!("a drop that panics");
        }
    }
}

#[test]
fn drops_that_panic_kill_no_worker() {
    for runtime in one_worker_each() {
        let before = worker(&runtime);
        // Of the future, when it is done; when it is aborted; of an output that nobody takes; of what a task panics with.
        let done = runtime.spawn(async { drop(Bomb) });
        assert!(runtime.block_on(done).unwrap_err().is_panic());
        let aborted = runtime.spawn(async {
            let _bomb = Bomb;
            pending::<()>().await
        });
        runtime.block_on(runtime.spawn(yield_now())).unwrap();
        aborted.abort();
        assert!(runtime.block_on(aborted).is_err());
        drop(runtime.spawn(async { Bomb }));
        drop(runtime.spawn(async { panic_any(Bomb) }));
        runtime.block_on(runtime.spawn(yield_now())).unwrap();
        // And of closures.
        drop(runtime.spawn_blocking(|| Bomb));
        drop(runtime.spawn_blocking(|| panic_any(Bomb)));
        assert_eq!(runtime.block_on(runtime.spawn_blocking(|| 7)).unwrap(), 7);
        assert_eq!(worker(&runtime), before);
    }
}

#[test]
fn drops_that_panic_during_the_shutdown_keep_nothing_else_from_being_dropped() {
    static BEGAN: AtomicUsize = AtomicUsize::new(0);
    for mut builder in builders() {
        let runtime = builder.enable_all().max_blocking_threads(1).build().unwrap();
        let drops = Drops::default();
        let (hold, held) = mpsc::channel::<()>();
        let (begin, begun) = mpsc::channel();
        runtime.spawn_blocking(move || {
            begin.send(()).unwrap();
            held.recv()
        });
        begun.recv().unwrap();
        for _ in 0..10 {
            let (bomb, token) = (Bomb, drops.token());
            // Queued behind the first, so it never begins.
            runtime.spawn_blocking(move || {
                drop((bomb, token));
                BEGAN.fetch_add(1, Ordering::SeqCst);
            });
            let token = drops.token();
            runtime.spawn(async move {
                let (_bomb, _token) = (Bomb, token);
                pending::<()>().await
            });
            let (bomb, token) = (Bomb, drops.token());
            runtime.spawn(async move { drop((bomb, token, pending::<()>().await)) });
        }
        runtime.block_on(yield_now());
        runtime.shutdown_background();
        drop(hold);
        // Workers drop what is theirs when they get to it.
        while drops.count() < 30 {
            std::thread::yield_now();
        }
        assert_eq!(BEGAN.load(Ordering::SeqCst), 0);
    }
}

#[test]
fn hooks_that_panic_kill_no_worker() {
    static CALLS: AtomicUsize = AtomicUsize::new(0);
    fn broken() {
        CALLS.fetch_add(1, Ordering::SeqCst);
        panic!("a hook that panics");
    }
    for mut builder in builders() {
        CALLS.store(0, Ordering::SeqCst);
        builder.on_thread_start(broken).on_thread_stop(broken).on_thread_park(broken).on_thread_unpark(broken);
        builder.on_task_spawn(|_| broken()).on_before_task_poll(|_| broken()).on_after_task_poll(|_| broken());
        builder.on_task_terminate(|_| broken()).on_unhandled_panic(|_| broken());
        let runtime = builder.enable_all().worker_threads(1).build().unwrap();
        let before = worker(&runtime);
        runtime.block_on(async {
            assert_eq!(unstuck::spawn(async { 7 }).await.unwrap(), 7);
            assert!(unstuck::spawn(async { panic!("boom") }).await.is_err());
            assert_eq!(spawn_blocking(|| 7).await.unwrap(), 7);
            sleep(Duration::from_millis(2)).await;
        });
        assert_eq!(worker(&runtime), before);
        drop(runtime);
        assert!(CALLS.load(Ordering::SeqCst) > 8);
    }
}

#[test]
fn many_panics_use_up_nothing() {
    for runtime in both() {
        let tasks: Vec<_> = (0..1000).map(|_| runtime.spawn(async { panic_any(Bomb) })).collect();
        for task in tasks {
            let error: Result<(), _> = runtime.block_on(task);
            std::mem::forget(error.unwrap_err().into_panic());
        }
        assert_eq!(runtime.metrics().num_alive_tasks(), 0);
        assert_eq!(runtime.block_on(runtime.spawn(async { 7 })).unwrap(), 7);
    }
}
