//! Forks by threads that are inside a runtime.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use unstuck::runtime::Builder;
use unstuck::task::{LocalSet, block_in_place, spawn_blocking, spawn_local, yield_now};
use unstuck::time::{Duration, sleep};

use crate::child::{Child, End, Fork, assert_was_told, fork, in_child};
use crate::common::{both, current_thread, multi_thread};
use crate::works::new_runtimes_do_everything;

#[test]
fn a_task_forks_and_the_child_builds_new_runtimes() {
    for runtime in both() {
        let end =
            runtime.block_on(async { unstuck::spawn(async { in_child(new_runtimes_do_everything) }).await.unwrap() });
        assert_eq!(end, End::Well);
        assert_eq!(runtime.block_on(async { in_child(new_runtimes_do_everything) }), End::Well);
        let end = runtime.block_on(async { spawn_blocking(|| in_child(new_runtimes_do_everything)).await.unwrap() });
        assert_eq!(end, End::Well);
        let end = LocalSet::new()
            .block_on(&runtime, async { spawn_local(async { in_child(new_runtimes_do_everything) }).await.unwrap() });
        assert_eq!(end, End::Well);
        let _guard = runtime.enter();
        assert_eq!(in_child(new_runtimes_do_everything), End::Well);
    }
    let end = multi_thread(2).block_on(async {
        let forks = || block_in_place(|| in_child(new_runtimes_do_everything));
        unstuck::spawn(async move { forks() }).await.unwrap()
    });
    assert_eq!(end, End::Well);
}

#[test]
fn in_a_task_the_child_has_no_runtime_but_is_told_why() {
    for runtime in both() {
        let end = runtime
            .block_on(async { unstuck::spawn(async { in_child(|| drop(unstuck::spawn(async {}))) }).await.unwrap() });
        assert_was_told(end);
    }
}

#[test]
fn block_on_returns_in_both_when_its_future_does() {
    for runtime in both() {
        match runtime.block_on(async { fork() }) {
            Fork::Child(talk) => talk.end_with(new_runtimes_do_everything),
            Fork::Parent(child) => assert_eq!(child.end(), End::Well),
        }
        runtime.block_on(async { sleep(Duration::from_millis(1)).await });
    }
}

#[test]
fn block_on_panics_in_the_child_when_its_future_waits_there() {
    for runtime in both() {
        let place = Mutex::new(None);
        let done = catch_unwind(AssertUnwindSafe(|| {
            runtime.block_on(async {
                *place.lock().unwrap() = Some(fork());
                yield_now().await;
            });
        }));
        was_told_in_the_child(place.into_inner().unwrap().unwrap(), done);
        runtime.block_on(async { sleep(Duration::from_millis(1)).await });
    }
}

#[test]
fn block_on_panics_in_the_child_when_a_task_of_the_same_thread_returns_there() {
    for waits in [false, true] {
        let runtime = current_thread();
        let place = Arc::new(Mutex::new(None));
        let put = place.clone();
        let task = async move {
            *put.lock().unwrap() = Some(fork());
            if waits {
                yield_now().await;
            }
        };
        let done = catch_unwind(AssertUnwindSafe(|| runtime.block_on(async { unstuck::spawn(task).await.unwrap() })));
        let fork = place.lock().unwrap().take().unwrap();
        was_told_in_the_child(fork, done);
    }
}

/// Ends the child with the panic that it has seen; the parent has seen none.
fn was_told_in_the_child(fork: Fork, done: std::thread::Result<()>) {
    match fork {
        Fork::Child(talk) => talk.end_with(|| done.unwrap_or_else(|panic| resume_unwind(panic))),
        Fork::Parent(child) => {
            done.unwrap();
            assert_was_told(child.end());
        }
    }
}

#[test]
fn a_thread_of_the_runtime_that_forked_and_has_nothing_else_to_do_aborts() {
    let runtime = multi_thread(2);
    let parent = |fork: Fork| -> Option<Child> {
        match fork {
            // The child returns into the runtime, which is not there.
            Fork::Child(talk) => {
                std::mem::forget(talk);
                None
            }
            Fork::Parent(child) => Some(child),
        }
    };
    let (task, blocks) = runtime.block_on(async {
        let task = unstuck::spawn(async move {
            let child = parent(fork());
            if child.is_none() {
                yield_now().await;
            }
            child
        });
        (task.await.unwrap(), spawn_blocking(move || parent(fork())).await.unwrap())
    });
    for child in [task, blocks] {
        assert_eq!(child.unwrap().end(), End::Killed(libc::SIGABRT));
    }
    runtime.block_on(async { sleep(Duration::from_millis(1)).await });
}

#[test]
fn a_hook_that_forked_aborts_the_child_when_it_returns() {
    type SetHook = fn(&mut Builder, Box<dyn Fn() + Send + Sync>) -> &mut Builder;
    let set_hooks: [(SetHook, bool); 4] = [
        (|builder, hook| builder.on_thread_start(hook), false),
        (|builder, hook| builder.on_thread_park(hook), false),
        (|builder, hook| builder.on_thread_unpark(hook), false),
        (|builder, hook| builder.on_thread_stop(hook), true),
    ];
    for (set_hook, at_the_end) in set_hooks {
        let (tell, told) = std::sync::mpsc::channel();
        let forks_once = AtomicBool::new(true);
        let hook = move || {
            if forks_once.swap(false, Ordering::SeqCst) {
                match fork() {
                    Fork::Child(talk) => std::mem::forget(talk),
                    Fork::Parent(child) => tell.send(child).unwrap(),
                }
            }
        };
        let mut builder = Builder::new_multi_thread();
        let runtime = set_hook(builder.worker_threads(1), Box::new(hook)).build().unwrap();
        // The worker starts, and falls asleep and wakes some time.
        let mut child = None;
        while child.is_none() && !at_the_end {
            runtime.block_on(runtime.spawn(async {})).unwrap();
            child = told.try_recv().ok();
        }
        drop(runtime);
        let child = child.unwrap_or_else(|| told.recv().unwrap());
        assert_eq!(child.end(), End::Killed(libc::SIGABRT));
    }
}
