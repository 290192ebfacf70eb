//! Tasks that block, or compute, and never come back in time: the others go on. Nothing here is measured; each program
//! would hang for ever if somebody stayed stuck.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use unstuck::io::{AsyncReadExt, AsyncWriteExt};
use unstuck::net::{TcpListener, TcpStream};
use unstuck::runtime::{Builder, Handle, Runtime};
use unstuck::sync::oneshot;
use unstuck::task::{block_in_place, yield_now};
use unstuck::time::sleep;

fn workers(count: usize) -> Runtime {
    Builder::new_multi_thread().worker_threads(count).enable_all().build().unwrap()
}

/// Blocks so many workers until what is returned is dropped; returns when all of them are blocked.
fn block(runtime: &Runtime, count: usize) -> Vec<mpsc::Sender<()>> {
    let (begins, begun) = mpsc::channel();
    let held = (0..count)
        .map(|_| {
            let (hold, held) = mpsc::channel::<()>();
            let begins = begins.clone();
            runtime.spawn(async move {
                begins.send(()).unwrap();
                let _released = held.recv();
            });
            hold
        })
        .collect();
    (0..count).for_each(|_| begun.recv().unwrap());
    held
}

/// Keeps so many workers busy until what is returned says that it is enough.
fn burn(runtime: &Runtime, count: usize) -> Arc<AtomicBool> {
    let enough = Arc::new(AtomicBool::new(false));
    let (begins, begun) = mpsc::channel();
    for _ in 0..count {
        let (enough, begins) = (enough.clone(), begins.clone());
        runtime.spawn(async move {
            begins.send(()).unwrap();
            while !enough.load(Ordering::Relaxed) {
                std::hint::spin_loop();
            }
        });
    }
    (0..count).for_each(|_| begun.recv().unwrap());
    enough
}

/// Needs timers, I/O, new tasks and wake-ups, on workers.
fn everything_goes_on(runtime: &Runtime) {
    let task = runtime.spawn(async {
        sleep(Duration::from_millis(2)).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let client = unstuck::spawn(async move {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(b"over here").await.unwrap();
        });
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        client.await.unwrap();
        assert_eq!(text, "over here");
    });
    runtime.block_on(task).unwrap();
}

/// Keeps its worker busy until that is noticed: a task with such polls leaves threads for the others, for some polls more.
async fn be_busy(runtime: &Handle) {
    let metrics = runtime.metrics();
    let before = metrics.stuck_polls();
    while metrics.stuck_polls() == before {
        std::hint::spin_loop();
    }
    yield_now().await;
}

#[test]
fn tasks_that_were_busy_for_long_may_wait_for_each_other() {
    for announced in [false, true] {
        let runtime = workers(1);
        let handle = runtime.handle().clone();
        let (tells, told) = mpsc::channel();
        let (begins, begun) = mpsc::channel();
        let (lets_go, let_go) = oneshot::channel::<()>();
        let begins_too = begins.clone();
        let telling = runtime.spawn(async move {
            be_busy(&handle).await;
            begins.send(()).unwrap();
            let_go.await.unwrap();
            tells.send(()).unwrap();
        });
        begun.recv().unwrap();
        let handle = runtime.handle().clone();
        let waiting = runtime.spawn(async move {
            be_busy(&handle).await;
            begins_too.send(()).unwrap();
            if announced { block_in_place(|| told.recv()) } else { told.recv() }.unwrap();
        });
        begun.recv().unwrap();
        lets_go.send(()).unwrap();
        runtime.block_on(async {
            waiting.await.unwrap();
            telling.await.unwrap();
        });
    }
}

#[test]
fn a_worker_that_is_stuck_is_still_on_its_thread() {
    let runtime = workers(1);
    let here = || runtime.block_on(runtime.spawn(async { std::thread::current().id() })).unwrap();
    let own = here();
    let held = block(&runtime, 1);
    // Only a spare can tell.
    assert_ne!(here(), own);
    assert_eq!(runtime.metrics().worker_thread_id(0), Some(own));
    drop(held);
}

#[test]
fn others_go_on_while_one_of_two_workers_is_blocked() {
    let runtime = workers(2);
    for _ in 0..3 {
        let held = block(&runtime, 1);
        everything_goes_on(&runtime);
        drop(held);
    }
}

#[test]
fn others_go_on_while_every_worker_is_blocked() {
    for count in [1, 2, 4] {
        let runtime = workers(count);
        let held = block(&runtime, count);
        everything_goes_on(&runtime);
        drop(held);
    }
}

#[test]
fn spares_do_not_wait_behind_blocking_closures() {
    let runtime = Builder::new_multi_thread().worker_threads(2).max_blocking_threads(2).enable_all().build().unwrap();
    let (hold, held) = mpsc::channel::<()>();
    let held = Arc::new(std::sync::Mutex::new(held));
    // Two have begun, the others wait for their turn.
    for _ in 0..6 {
        let held = held.clone();
        runtime.spawn_blocking(move || {
            let _released = held.lock().unwrap().recv();
        });
    }
    let blocked = block(&runtime, 2);
    everything_goes_on(&runtime);
    let (tells, told) = mpsc::channel();
    let task = runtime.spawn(async move {
        block_in_place(|| told.recv()).unwrap();
    });
    everything_goes_on(&runtime);
    tells.send(()).unwrap();
    runtime.block_on(task).unwrap();
    drop((hold, blocked));
}

#[test]
fn others_go_on_while_spares_are_blocked_as_well() {
    let runtime = workers(1);
    let held = block(&runtime, 10);
    everything_goes_on(&runtime);
    drop(held);
}

#[test]
fn others_go_on_while_every_worker_computes() {
    let runtime = workers(2);
    let enough = burn(&runtime, 2);
    everything_goes_on(&runtime);
    enough.store(true, Ordering::Relaxed);
}

#[test]
fn others_go_on_beside_many_tasks_that_compute_for_long_and_those_all_have_their_turn() {
    let runtime = workers(2);
    let enough = Arc::new(AtomicBool::new(false));
    let burners: Vec<_> = (0..6)
        .map(|_| {
            let enough = enough.clone();
            runtime.spawn(async move {
                let mut polls = 0;
                while !enough.load(Ordering::Relaxed) || polls < 3 {
                    let begin = std::time::Instant::now();
                    while begin.elapsed() < Duration::from_millis(20) {
                        std::hint::spin_loop();
                    }
                    polls += 1;
                    yield_now().await;
                }
            })
        })
        .collect();
    for _ in 0..10 {
        everything_goes_on(&runtime);
    }
    enough.store(true, Ordering::Relaxed);
    for burner in burners {
        runtime.block_on(burner).unwrap();
    }
}

#[test]
fn a_burst_of_new_tasks_that_compute_leaves_a_thread_to_those_that_were_there_before() {
    // Two workers and the spares of two: four of these would keep everybody else waiting.
    const BURST: usize = 12;
    const QUESTIONS: usize = 30;
    let is_answered = || {
        let runtime = workers(2);
        let (asks, mut asked) = unstuck::sync::mpsc::unbounded_channel::<mpsc::Sender<()>>();
        runtime.spawn(async move {
            while let Some(answer) = asked.recv().await {
                let _nobody_waits = answer.send(());
            }
        });
        let ask = || {
            let (answers, answer) = mpsc::channel();
            asks.send(answers).unwrap();
            answer
        };
        ask().recv().unwrap();
        let enough = Arc::new(AtomicBool::new(false));
        let (begins, begun) = mpsc::channel();
        for _ in 0..BURST {
            let (enough, begins) = (enough.clone(), begins.clone());
            runtime.spawn(async move {
                begins.send(()).unwrap();
                while !enough.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            });
        }
        (0..3).for_each(|_| begun.recv().unwrap());
        // In the end a fourth one has its turn: what takes so long may wait for just that one.
        let answered = (0..QUESTIONS).all(|_| {
            let answer = ask();
            loop {
                match (answer.try_recv(), begun.try_recv()) {
                    (_, Ok(())) => return false,
                    (Ok(()), _) => return true,
                    _ => std::thread::yield_now(),
                }
            }
        });
        enough.store(true, Ordering::Relaxed);
        answered
    };
    assert!((0..100).any(|_| is_answered()), "all threads compute from the beginning");
}

#[test]
fn a_task_runs_that_was_woken_just_before_its_waker_blocks_for_it() {
    for count in [1, 2] {
        let runtime = workers(count);
        let (wake, woken) = oneshot::channel();
        let (answer, answered) = mpsc::channel();
        runtime.spawn(async move {
            woken.await.unwrap();
            answer.send(7).unwrap();
        });
        let blocks = runtime.spawn(async move {
            sleep(Duration::from_millis(2)).await;
            wake.send(()).unwrap();
            answered.recv().unwrap()
        });
        assert_eq!(runtime.block_on(blocks).unwrap(), 7);
    }
}

#[test]
fn timers_of_a_stuck_worker_fire() {
    let runtime = workers(1);
    let (answer, answered) = mpsc::channel();
    let (begins, has_begun) = oneshot::channel();
    runtime.spawn(async move {
        let mut sleep = Box::pin(sleep(Duration::from_millis(20)));
        // Polled once, on the only worker: the timer is in its wheel before it blocks.
        std::future::poll_fn(|cx| {
            assert!(sleep.as_mut().poll(cx).is_pending());
            std::task::Poll::Ready(())
        })
        .await;
        begins.send(()).unwrap();
        sleep.await;
        answer.send(()).unwrap();
    });
    let blocks = runtime.spawn(async move {
        has_begun.await.unwrap();
        answered.recv().unwrap();
    });
    runtime.block_on(blocks).unwrap();
}

#[test]
fn stuck_polls_and_spares_are_counted() {
    let runtime = workers(2);
    let metrics = runtime.metrics();
    assert_eq!((metrics.stuck_polls(), metrics.spare_workers()), (0, 0));
    let held = block(&runtime, 3);
    // Only the first had to be found for the third to run.
    while metrics.stuck_polls() < 3 {
        std::thread::yield_now();
    }
    assert!(metrics.spare_workers() >= 1);
    assert_eq!(metrics.num_workers(), 2);
    drop(held);
    // Those that are not needed any more go, sooner or later.
    while metrics.spare_workers() > 0 {
        std::thread::yield_now();
    }
}

#[test]
fn tasks_run_that_a_stuck_poll_wakes_while_it_is_stuck() {
    let runtime = workers(1);
    let blocks = runtime.spawn(async {
        for round in 0..5 {
            let (answer, answered) = mpsc::channel();
            unstuck::spawn(async move { answer.send(round).unwrap() });
            assert_eq!(answered.recv(), Ok(round));
        }
    });
    runtime.block_on(blocks).unwrap();
}

#[test]
fn those_that_block_all_the_time_and_those_that_never_do_all_end() {
    let runtime = workers(2);
    let ended = Arc::new(AtomicUsize::new(0));
    let tasks: Vec<_> = (0..40)
        .map(|index| {
            let ended = ended.clone();
            runtime.spawn(async move {
                for _ in 0..5 {
                    if index % 2 == 0 {
                        std::thread::sleep(Duration::from_millis(3 * (index % 7)));
                    }
                    yield_now().await;
                    sleep(Duration::from_millis(1)).await;
                }
                ended.fetch_add(1, Ordering::Relaxed);
            })
        })
        .collect();
    for task in tasks {
        runtime.block_on(task).unwrap();
    }
    assert_eq!(ended.load(Ordering::Relaxed), 40);
}

#[test]
fn a_blocking_part_that_begins_when_the_poll_is_stuck_already_is_replaced_once() {
    let runtime = workers(1);
    let blocks = runtime.spawn(async {
        let (answer, answered) = mpsc::channel();
        let other = answer.clone();
        unstuck::spawn(async move { answer.send(1).unwrap() });
        assert_eq!(answered.recv(), Ok(1)); // by a spare
        block_in_place(|| {
            unstuck::spawn(async move { other.send(2).unwrap() });
            assert_eq!(answered.recv(), Ok(2));
        });
        3
    });
    assert_eq!(runtime.block_on(blocks).unwrap(), 3);
    everything_goes_on(&runtime);
}

#[test]
fn many_blocking_parts_that_wait_for_tasks_all_end() {
    let runtime = workers(2);
    let tasks: Vec<_> = (0..64)
        .map(|index| {
            runtime.spawn(async move {
                block_in_place(|| {
                    unstuck::runtime::Handle::current().block_on(async move {
                        sleep(Duration::from_millis(1)).await;
                        unstuck::spawn(async move { index }).await.unwrap()
                    })
                })
            })
        })
        .collect();
    for (index, task) in tasks.into_iter().enumerate() {
        assert_eq!(runtime.block_on(task).unwrap(), index);
    }
}

#[test]
fn the_end_of_a_runtime_does_not_wait_for_spares() {
    let runtime = workers(2);
    let held = block(&runtime, 3);
    everything_goes_on(&runtime);
    let ended = std::thread::spawn(move || runtime.shutdown_timeout(Duration::from_millis(1)));
    ended.join().unwrap();
    drop(held);
}

#[test]
fn without_a_threshold_nobody_looks_after_the_workers() {
    let monitors = || {
        let tasks = std::fs::read_dir("/proc/self/task").unwrap();
        let names = tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok());
        names.filter(|name| name.trim_end() == "unstuck-monitor").count()
    };
    // Other tests of this program have runtimes of their own: a process of its own, then.
    if std::env::var_os("UNSTUCK_TEST_ALONE").is_none() {
        let this = std::env::current_exe().unwrap();
        let mut alone = std::process::Command::new(this);
        alone.args(["--exact", "without_a_threshold_nobody_looks_after_the_workers", "--test-threads=1"]);
        assert!(alone.env("UNSTUCK_TEST_ALONE", "1").status().unwrap().success());
        return;
    }
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(1).enable_all();
    {
        let runtime = builder.build().unwrap();
        // A thread has its name when it has begun.
        while monitors() == 0 {
            std::thread::yield_now();
        }
        drop(runtime);
        // The system lists a thread for a moment after its end.
        while monitors() > 0 {
            std::thread::yield_now();
        }
    }
    let _runtime = builder.stuck_threshold(Duration::MAX).build().unwrap();
    assert_eq!(monitors(), 0);
}

#[test]
fn a_stuck_poll_that_waits_for_a_task_is_told_when_the_runtime_ends() {
    for in_background in [false, true] {
        // Nobody is found to be stuck before the end.
        let threshold = Duration::from_secs(3600);
        let runtime =
            Builder::new_multi_thread().worker_threads(1).enable_all().stuck_threshold(threshold).build().unwrap();
        let (begins, begun) = mpsc::channel();
        let (holds, held) = mpsc::channel::<()>();
        let (gone, is_gone) = mpsc::channel::<()>();
        runtime.spawn(async move {
            let _gone = gone;
            unstuck::spawn(async move {
                let _holds = holds;
                std::future::pending::<()>().await;
            });
            begins.send(()).unwrap();
            assert!(held.recv().is_err());
        });
        begun.recv().unwrap();
        match in_background {
            true => runtime.shutdown_background(),
            false => drop(runtime),
        }
        assert!(is_gone.recv().is_err());
    }
}
