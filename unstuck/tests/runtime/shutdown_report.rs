//! What a shutdown says of those that do not stop, and that it returns without them.

use std::future::{pending, poll_fn};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::task::Poll;
use std::time::{Duration, Instant};

use crate::common::{BlocksInDrop, Drops, both, current_thread, multi_thread};
use unstuck::runtime::{Builder, LocalRuntime, Runtime, StragglerKind};
use unstuck::task::{self, block_in_place, yield_now};

const SHORT: Duration = Duration::from_millis(5);
/// Nobody waits for so long: what is to end does.
const LONG: Duration = Duration::from_secs(1000);

/// What a test blocks with; dropping it lets those go on who wait.
fn hold() -> (mpsc::Sender<()>, impl FnOnce() + Send + 'static) {
    let (hold, held) = mpsc::channel::<()>();
    let wait = move || {
        let _released = held.recv();
    };
    (hold, wait)
}

/// Calls something when it is dropped.
struct Calls<F: FnOnce()>(Option<F>);

impl<F: FnOnce()> Drop for Calls<F> {
    fn drop(&mut self) {
        self.0.take().unwrap()();
    }
}

#[test]
fn a_task_and_a_closure_that_do_not_stop_are_named() {
    let runtime = multi_thread(2);
    let ((_hold_task, wait_in_task), (_hold_closure, wait_in_closure)) = (hold(), hold());
    let (begin, begun) = mpsc::channel();
    let also_begins = begin.clone();
    let (task, closure) = {
        let _context = runtime.enter();
        let task = task::Builder::new().name("stuck task").spawn(async move {
            begin.send(()).unwrap();
            wait_in_task();
        });
        let closure = task::Builder::new().name("stuck closure").spawn_blocking(move || {
            also_begins.send(()).unwrap();
            wait_in_closure();
        });
        (task.unwrap(), closure.unwrap())
    };
    (0..2).for_each(|_| begun.recv().unwrap());

    let report = runtime.shutdown_report(SHORT);
    let said = report.to_string();
    let lines: Vec<_> = said.lines().collect();
    let [first, second] = report.iter().as_slice() else { panic!("two are named, but it says {said}") };
    assert_eq!((first.kind(), first.id(), first.name()), (StragglerKind::Task, task.id(), Some("stuck task")));
    assert_eq!(
        (second.kind(), second.id(), second.name()),
        (StragglerKind::Blocking, closure.id(), Some("stuck closure"))
    );
    for (straggler, line) in report.iter().zip(&lines) {
        assert_eq!(straggler.spawned_at().file(), file!());
        assert!(straggler.running_for() >= SHORT);
        for part in [straggler.id().to_string(), straggler.spawned_at().to_string(), straggler.name().unwrap().into()] {
            assert!(line.contains(&part), "{part} is missing in {line}");
        }
    }
    assert!(first.spawned_at().line() < second.spawned_at().line());
    assert!(lines[0].contains("spawn_blocking") && lines[1].contains("CancellationToken"), "{said}");
    assert!(format!("{report:?}").contains("stuck task"));
    assert_eq!((report.len(), report.into_iter().count()), (2, 2));
}

#[test]
fn who_can_be_stopped_is_not_named() {
    for runtime in both() {
        runtime.spawn(pending::<()>());
        runtime.spawn(async {
            loop {
                yield_now().await;
            }
        });
        runtime.block_on(runtime.spawn(async {})).unwrap();
        runtime.block_on(runtime.spawn_blocking(|| ())).unwrap();
        let report = runtime.shutdown_report(LONG);
        assert!(report.is_empty(), "{report}");
        assert_eq!(report.to_string(), "everything has stopped");
    }
}

#[test]
fn a_closure_counts_from_when_it_began() {
    for runtime in both() {
        let (_hold, wait) = hold();
        let (begin, begun) = mpsc::channel();
        runtime.spawn_blocking(move || {
            begin.send(()).unwrap();
            wait();
        });
        begun.recv().unwrap();
        let since = Instant::now();
        while since.elapsed() < SHORT {
            std::thread::yield_now();
        }
        let report = runtime.shutdown_report(Duration::ZERO);
        assert!(report.iter().next().unwrap().running_for() >= SHORT);
    }
}

#[test]
fn a_poll_that_the_monitor_had_noticed_counts_from_then() {
    let runtime = multi_thread(1);
    let (_hold, wait) = hold();
    runtime.spawn(async { wait() });
    while runtime.metrics().stuck_polls() == 0 {
        std::thread::yield_now();
    }
    let since = Instant::now();
    while since.elapsed() < SHORT {
        std::thread::yield_now();
    }
    let report = runtime.shutdown_report(Duration::ZERO);
    assert!(report.iter().next().unwrap().running_for() >= SHORT);
}

#[test]
fn each_task_counts_from_when_its_own_poll_began() {
    let runtime = multi_thread(2);
    let stuck_polls = |count| {
        while runtime.metrics().stuck_polls() < count {
            std::thread::yield_now();
        }
    };
    let ((_hold_first, wait_in_first), (_hold_second, wait_in_second)) = (hold(), hold());
    let first = runtime.spawn(async { wait_in_first() });
    stuck_polls(1);
    let since_first = Instant::now();
    while since_first.elapsed() < SHORT {
        std::thread::yield_now();
    }
    let since_second = Instant::now();
    let second = runtime.spawn(async { wait_in_second() });
    stuck_polls(2);
    let report = runtime.shutdown_report(SHORT);
    let running_for = |id| report.iter().find(|straggler| straggler.id() == id).unwrap().running_for();
    assert!(running_for(second.id()) <= since_second.elapsed());
    assert!(running_for(first.id()) >= running_for(second.id()) + SHORT, "{report}");
}

#[test]
fn a_future_whose_drop_does_not_return_is_named_and_the_others_are_dropped() {
    let runtime = multi_thread(1);
    let (hold, held) = mpsc::channel();
    let drops = Drops::default();
    let blocks = runtime.spawn(async move {
        let _blocks = BlocksInDrop(held);
        pending::<()>().await
    });
    for _ in 0..10 {
        let token = drops.token();
        runtime.spawn(async move {
            let _token = token;
            pending::<()>().await
        });
    }
    runtime.block_on(runtime.spawn(yield_now())).unwrap();
    let report = runtime.shutdown_report(SHORT);
    // Perhaps with some whose turn it is just now.
    assert!(report.iter().any(|straggler| straggler.id() == blocks.id()), "{report}");
    while drops.count() < 10 {
        std::thread::yield_now();
    }
    drop(hold);
}

#[test]
fn a_queued_closure_whose_drop_does_not_return_is_named() {
    for mut builder in [Builder::new_current_thread(), Builder::new_multi_thread()] {
        let runtime = builder.worker_threads(1).max_blocking_threads(1).build().unwrap();
        let (hold_first, wait) = hold();
        let (begin, begun) = mpsc::channel();
        runtime.spawn_blocking(move || {
            begin.send(()).unwrap();
            wait();
        });
        begun.recv().unwrap();
        let (hold_second, wait) = hold();
        let blocks = Calls(Some(wait));
        let queued = runtime.spawn_blocking(move || drop(blocks));
        // It is being dropped by then, or waits for that.
        let report = runtime.shutdown_report(SHORT);
        let named = report.iter().find(|straggler| straggler.id() == queued.id()).expect("it is not gone");
        assert!(matches!(named.kind(), StragglerKind::Blocking | StragglerKind::Left));
        drop((hold_first, hold_second));
    }
}

#[test]
fn what_waits_to_be_dropped_is_named() {
    let runtime = multi_thread(2);
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
    let report = runtime.shutdown_report(SHORT);
    assert_eq!(report.len(), 20, "{report}");
    // There are not so many threads.
    assert!(report.iter().filter(|straggler| straggler.kind() == StragglerKind::Left).count() > 10);
    assert!(report.to_string().contains("has waited to be dropped"));
    drop(holds);
    for task in tasks {
        assert!(current_thread().block_on(task).unwrap_err().is_cancelled());
    }
}

#[test]
fn a_task_that_ends_its_own_runtime_is_not_named() {
    let (outer, runtime) = (current_thread(), multi_thread(1));
    let (give, given) = mpsc::channel::<Runtime>();
    let (tell, told) = mpsc::channel();
    runtime.spawn(async move {
        block_in_place(|| {
            let report = given.recv().unwrap().shutdown_report(SHORT);
            tell.send(report).unwrap();
        });
    });
    give.send(runtime).unwrap();
    let report = told.recv().unwrap();
    assert!(report.is_empty(), "{report}");
    drop(outer);
}

#[test]
fn a_local_runtime_names_its_closures() {
    let runtime = LocalRuntime::new().unwrap();
    let (_hold, wait) = hold();
    let (begin, begun) = mpsc::channel();
    let closure = runtime.spawn_blocking(move || {
        begin.send(()).unwrap();
        wait();
    });
    begun.recv().unwrap();
    let report = runtime.shutdown_report(SHORT);
    assert_eq!(report.into_iter().map(|straggler| straggler.id()).collect::<Vec<_>>(), [closure.id()]);
}

#[test]
#[should_panic(expected = "Cannot drop a runtime in a context where blocking is not allowed")]
fn a_report_inside_a_task_tells_what_to_do() {
    current_thread().block_on(async {
        drop(multi_thread(1).shutdown_report(SHORT));
    });
}

#[test]
fn spares_that_run_stuck_polls_are_named_once_by_their_task() {
    let runtime = multi_thread(1);
    let mut holds = Vec::new();
    let (begin, begun) = mpsc::channel();
    for _ in 0..4 {
        let (hold, wait) = hold();
        holds.push(hold);
        let begin = begin.clone();
        runtime.spawn(async move {
            begin.send(()).unwrap();
            wait();
        });
    }
    (0..4).for_each(|_| begun.recv().unwrap());
    let report = runtime.shutdown_report(SHORT);
    assert_eq!(report.len(), 4, "{report}");
    assert!(report.iter().all(|straggler| straggler.kind() == StragglerKind::Task));
}

/// Threads queue closures all the time, while the runtime ends.
#[test]
fn no_closure_begins_or_runs_when_the_runtime_has_ended() {
    for round in 0..10 {
        for runtime in both() {
            let over = Arc::new(AtomicBool::new(false));
            let producers: Vec<_> = (0..3)
                .map(|_| {
                    let (handle, over) = (runtime.handle().clone(), over.clone());
                    std::thread::spawn(move || {
                        let mut joins = Vec::new();
                        while !over.load(Ordering::SeqCst) && joins.len() < 500 {
                            let over = over.clone();
                            joins.push(handle.spawn_blocking(move || assert!(!over.load(Ordering::SeqCst))));
                        }
                        joins
                    })
                })
                .collect();
            (0..round).for_each(|_| std::thread::yield_now());
            drop(runtime);
            over.store(true, Ordering::SeqCst);
            let judge = current_thread();
            for producer in producers {
                for join in producer.join().unwrap() {
                    if let Err(error) = judge.block_on(join) {
                        assert!(error.is_cancelled(), "it ran when the runtime had ended");
                    }
                }
            }
        }
    }
}

/// Polls of a task that is stuck when the shutdown begins, and one that comes back: the second is gone.
#[test]
fn who_comes_back_in_time_is_not_named() {
    let runtime = multi_thread(2);
    let (begin, begun) = mpsc::channel();
    let handle = runtime.handle().clone();
    runtime.spawn(poll_fn(move |_cx| {
        begin.send(()).unwrap();
        // Until the shutdown has begun.
        while !handle.spawn(async {}).is_finished() || handle.metrics().num_alive_tasks() > 1 {
            std::thread::yield_now();
        }
        Poll::<()>::Pending
    }));
    begun.recv().unwrap();
    let report = runtime.shutdown_report(LONG);
    assert!(report.is_empty(), "{report}");
}

/// A pipe that nobody writes to: whoever opens it for reading waits.
#[test]
fn an_operation_on_a_file_is_named_by_the_line_that_asked_for_it() {
    let path = std::env::temp_dir().join(format!("unstuck-shutdown-report-{}", std::process::id()));
    let name = std::ffi::CString::new(path.to_str().unwrap()).unwrap();
    // SAFETY: the name is a C string.
    assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o600) }, 0);
    let runtime = current_thread();
    let reads = unstuck::fs::read(path.clone());
    let line = line!() - 1;
    runtime.block_on(async {
        let mut reads = Box::pin(reads);
        poll_fn(|cx| {
            assert!(reads.as_mut().poll(cx).is_pending());
            Poll::Ready(())
        })
        .await;
    });
    let report = runtime.shutdown_report(SHORT);
    let straggler = report.iter().next().expect("it waits for a writer");
    assert_eq!((straggler.spawned_at().file(), straggler.spawned_at().line()), (file!(), line));
    // Lets it go on.
    drop(std::fs::OpenOptions::new().write(true).open(&path).unwrap());
    std::fs::remove_file(path).unwrap();
}
