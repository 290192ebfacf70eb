//! The threads of a runtime: how many, their names, hooks and limits.

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use crate::common::{current_thread, multi_thread};
use unstuck::runtime::{Builder, Handle};
use unstuck::task::block_in_place;

#[test]
fn workers_and_blocking_threads_carry_the_name() {
    let runtime = Builder::new_multi_thread().worker_threads(1).thread_name("carries").build().unwrap();
    let name = || thread::current().name().map(str::to_owned);
    assert_eq!(runtime.block_on(runtime.spawn(async move { name() })).unwrap().as_deref(), Some("carries"));
    assert_eq!(runtime.block_on(runtime.spawn_blocking(name)).unwrap().as_deref(), Some("carries"));
}

#[test]
fn a_name_function_names_each_thread() {
    let next = AtomicUsize::new(0);
    let runtime = Builder::new_multi_thread()
        .worker_threads(3)
        .thread_name_fn(move || format!("numbered-{}", next.fetch_add(1, Ordering::Relaxed)))
        .build()
        .unwrap();
    let barrier = Arc::new(Barrier::new(3));
    let tasks: Vec<_> = (0..3)
        .map(|_| {
            let barrier = barrier.clone();
            runtime.spawn(async move {
                // Only when three threads are here does one go on.
                barrier.wait();
                thread::current().name().unwrap().to_owned()
            })
        })
        .collect();
    let names: HashSet<String> = runtime.block_on(async {
        let mut names = HashSet::new();
        for task in tasks {
            names.insert(task.await.unwrap());
        }
        names
    });
    assert_eq!(names, HashSet::from(["numbered-0", "numbered-1", "numbered-2"].map(String::from)));
}

#[test]
fn hooks_run_on_each_thread_that_starts_and_stops() {
    let (started, stopped) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (on_start, on_stop) = (started.clone(), stopped.clone());
    let runtime = Builder::new_multi_thread()
        .worker_threads(3)
        .on_thread_start(move || {
            on_start.fetch_add(1, Ordering::SeqCst);
        })
        .on_thread_stop(move || {
            on_stop.fetch_add(1, Ordering::SeqCst);
        })
        .build()
        .unwrap();
    runtime.block_on(runtime.spawn_blocking(|| ())).unwrap();
    drop(runtime);
    assert_eq!((started.load(Ordering::SeqCst), stopped.load(Ordering::SeqCst)), (4, 4));
}

#[test]
fn a_worker_that_has_nothing_to_do_parks_and_is_unparked() {
    let (parks, unparks) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (on_park, on_unpark) = (parks.clone(), unparks.clone());
    let runtime = Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .on_thread_park(move || {
            on_park.fetch_add(1, Ordering::SeqCst);
        })
        .on_thread_unpark(move || {
            on_unpark.fetch_add(1, Ordering::SeqCst);
        })
        .build()
        .unwrap();
    runtime.block_on(async {
        unstuck::spawn(unstuck::time::sleep(Duration::from_millis(5))).await.unwrap();
    });
    drop(runtime);
    assert!(parks.load(Ordering::SeqCst) >= 1);
    assert_eq!(parks.load(Ordering::SeqCst), unparks.load(Ordering::SeqCst));
}

#[test]
fn a_hook_that_panics_kills_no_thread() {
    let runtime =
        Builder::new_multi_thread().worker_threads(1).on_thread_start(|| panic!("a hook that panics")).build().unwrap();
    assert_eq!(runtime.block_on(runtime.spawn(async { 1 })).unwrap(), 1);
    assert_eq!(runtime.block_on(runtime.spawn_blocking(|| 2)).unwrap(), 2);
}

#[test]
fn blocking_threads_are_no_more_than_allowed() {
    let runtime = Builder::new_current_thread().max_blocking_threads(3).build().unwrap();
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    runtime.block_on(async {
        let work: Vec<_> = (0..50)
            .map(|_| {
                let (now, most) = (now.clone(), most.clone());
                unstuck::task::spawn_blocking(move || {
                    most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    thread::yield_now();
                    now.fetch_sub(1, Ordering::SeqCst);
                })
            })
            .collect();
        for work in work {
            work.await.unwrap();
        }
    });
    assert!((1..=3).contains(&most.load(Ordering::SeqCst)));
}

#[test]
fn blocking_work_that_waits_for_each_other_gets_the_threads_it_needs() {
    let runtime = current_thread();
    let barrier = Arc::new(Barrier::new(20));
    runtime.block_on(async {
        let work: Vec<_> = (0..20)
            .map(|_| {
                let barrier = barrier.clone();
                unstuck::task::spawn_blocking(move || {
                    barrier.wait();
                })
            })
            .collect();
        for work in work {
            work.await.unwrap();
        }
    });
}

#[test]
fn blocking_threads_go_when_there_is_nothing_to_do() {
    let stopped = Arc::new(AtomicUsize::new(0));
    let on_stop = stopped.clone();
    let runtime = Builder::new_current_thread()
        .thread_keep_alive(Duration::from_millis(1))
        .on_thread_stop(move || {
            on_stop.fetch_add(1, Ordering::SeqCst);
        })
        .build()
        .unwrap();
    runtime.block_on(runtime.spawn_blocking(|| ())).unwrap();
    while stopped.load(Ordering::SeqCst) == 0 {
        thread::yield_now();
    }
    // And come back.
    assert_eq!(runtime.block_on(runtime.spawn_blocking(|| 3)).unwrap(), 3);
}

/// A thread whose idle time is over is of no use any more, though it has its hook to run yet.
#[test]
fn work_that_comes_while_the_only_thread_leaves_gets_another() {
    let (leaving, left) = mpsc::channel();
    let (go, gate) = mpsc::channel::<()>();
    let gate = Mutex::new(gate);
    let runtime = Builder::new_current_thread()
        .max_blocking_threads(1)
        .thread_keep_alive(Duration::ZERO)
        .on_thread_stop(move || {
            leaving.send(()).unwrap();
            // An error: the test is over.
            let _ = gate.lock().unwrap().recv();
        })
        .build()
        .unwrap();
    runtime.block_on(runtime.spawn_blocking(|| ())).unwrap();
    left.recv().unwrap();
    assert_eq!(runtime.block_on(runtime.spawn_blocking(|| 3)).unwrap(), 3);
    drop(go);
}

#[test]
fn metrics_count_workers_and_tasks() {
    let runtime = multi_thread(2);
    let metrics = runtime.metrics();
    assert_eq!((metrics.num_workers(), metrics.num_alive_tasks()), (2, 0));
    runtime.block_on(async {
        let task = unstuck::spawn(std::future::pending::<()>());
        assert_eq!(Handle::current().metrics().num_alive_tasks(), 1);
        task.abort();
        assert!(task.await.unwrap_err().is_cancelled());
        assert_eq!(Handle::current().metrics().num_alive_tasks(), 0);
    });
    assert!((0..2).map(|worker| metrics.worker_poll_count(worker)).sum::<u64>() >= 1);
}

/// While the flag is set no thread can be started: a name with a zero byte in it is refused.
fn refusing(threads: &mut Builder) -> Arc<AtomicBool> {
    let refuses = Arc::new(AtomicBool::new(false));
    let asked = refuses.clone();
    threads.thread_name_fn(move || if asked.load(Ordering::SeqCst) { "\0" } else { "worker" }.to_owned());
    refuses
}

fn is_refused(spawns: impl FnOnce() -> unstuck::task::JoinHandle<()>) -> bool {
    match catch_unwind(AssertUnwindSafe(spawns)) {
        Ok(_) => false,
        Err(panic) => panic.downcast_ref::<String>().unwrap().contains("can't spawn worker thread"),
    }
}

#[test]
fn a_closure_that_only_a_spares_thread_could_run_is_refused() {
    let mut builder = Builder::new_multi_thread();
    let refuses = refusing(builder.worker_threads(1));
    let runtime = builder.build().unwrap();
    let (begin, begun) = mpsc::channel();
    let (tell, told) = mpsc::channel::<()>();
    let blocks = runtime.spawn(async move {
        block_in_place(|| {
            begin.send(()).unwrap();
            told.recv()
        })
    });
    begun.recv().unwrap();
    // The spare has a thread.
    runtime.block_on(runtime.spawn(async {})).unwrap();
    refuses.store(true, Ordering::SeqCst);
    assert!(is_refused(|| runtime.spawn_blocking(|| ())));
    refuses.store(false, Ordering::SeqCst);
    // As soon as there is a thread to be had, it goes on.
    runtime.block_on(runtime.spawn_blocking(move || tell.send(()).unwrap())).unwrap();
    runtime.block_on(blocks).unwrap().unwrap();
}

#[test]
fn closures_end_one_way_or_another_while_spares_and_closures_get_no_thread() {
    let mut builder = Builder::new_multi_thread();
    let refuses = refusing(builder.worker_threads(1));
    let runtime = builder.build().unwrap();
    refuses.store(true, Ordering::SeqCst);
    let enough = Arc::new(AtomicBool::new(false));
    let stop = enough.clone();
    let blocks = runtime.spawn(async move {
        while !stop.load(Ordering::SeqCst) {
            block_in_place(|| ());
        }
    });
    for _ in 0..300 {
        let mut closure = None;
        let refused = is_refused(|| {
            closure = Some(runtime.spawn_blocking(|| ()));
            runtime.spawn(async {})
        });
        // Who has relied on a thread that then could not be started is told, too.
        assert_eq!(refused, closure.is_none());
        if let Some(closure) = closure {
            assert!(runtime.block_on(closure).unwrap_err().is_cancelled());
        }
    }
    enough.store(true, Ordering::SeqCst);
    runtime.block_on(blocks).unwrap();
}

#[test]
fn a_runtime_that_gets_no_threads_inside_another_is_an_error() {
    let outer = current_thread();
    outer.block_on(async {
        let mut builder = Builder::new_multi_thread();
        let refuses = refusing(builder.worker_threads(2));
        refuses.store(true, Ordering::SeqCst);
        assert!(builder.build().unwrap_err().to_string().contains("can't be named"));
    });
}

#[test]
fn a_closure_that_counts_on_a_spares_thread_is_told_that_there_is_none_for_it() {
    let mut builder = Builder::new_multi_thread();
    let refuses = refusing(builder.worker_threads(1).stuck_threshold(Duration::MAX));
    let (is_armed, (opens, gate)) = (Arc::new(AtomicBool::new(false)), mpsc::channel::<()>());
    let (armed, gate) = (is_armed.clone(), Mutex::new(gate));
    let waits_once = move || {
        if armed.swap(false, Ordering::SeqCst) {
            let _opened = gate.lock().unwrap().recv();
        }
    };
    let runtime = builder.on_thread_start(waits_once).build().unwrap();
    // The worker has started.
    runtime.block_on(runtime.spawn(async {})).unwrap();
    is_armed.store(true, Ordering::SeqCst);
    let (end, ended) = mpsc::channel::<()>();
    let blocks = runtime.spawn(async move {
        block_in_place(|| {
            let _ended = ended.recv();
        });
    });
    // The spare's thread has been started, and has not got to its work.
    while is_armed.load(Ordering::SeqCst) {
        thread::yield_now();
    }
    refuses.store(true, Ordering::SeqCst);
    let closure = runtime.spawn_blocking(|| ());
    drop(opens);
    assert!(current_thread().block_on(closure).unwrap_err().is_cancelled());
    drop(end);
    runtime.block_on(blocks).unwrap();
}
