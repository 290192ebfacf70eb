//! Tasks: spawning, their ids, yielding, and where all that is refused.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use common::{both, current_thread};
use unstuck::sync::oneshot;
use unstuck::task::{self, block_in_place, spawn_blocking, yield_now};

#[test]
fn a_task_knows_its_id_also_while_it_is_dropped() {
    struct OnDrop(std::sync::mpsc::Sender<task::Id>);
    impl Drop for OnDrop {
        fn drop(&mut self) {
            self.0.send(task::id()).unwrap();
        }
    }
    for runtime in both() {
        let (sender, receiver) = std::sync::mpsc::channel();
        let (id, inside) = runtime.block_on(async {
            let on_drop = OnDrop(sender);
            let task = unstuck::spawn(async move {
                yield_now().await;
                drop(on_drop);
                task::id()
            });
            (task.id(), task.await.unwrap())
        });
        assert_eq!((id, receiver.recv().unwrap()), (inside, inside));
        assert!(!id.to_string().is_empty());
    }
}

#[test]
fn there_is_no_id_outside_a_task() {
    assert_eq!(task::try_id(), None);
    current_thread().block_on(async { assert_eq!(task::try_id(), None) });
}

#[test]
#[should_panic(expected = "Can't get a task id")]
fn asking_for_an_id_outside_a_task_tells_what_to_do() {
    task::id();
}

#[test]
fn blocking_work_has_an_id_of_its_own() {
    current_thread().block_on(async {
        let work = spawn_blocking(task::id);
        assert_eq!(work.id(), work.await.unwrap());
    });
}

#[test]
fn panics_are_told_to_who_joins_and_to_nobody_else() {
    for runtime in both() {
        runtime.block_on(async {
            let error = unstuck::spawn(async { panic!("boom") }).await.unwrap_err();
            assert!(error.is_panic());
            assert_eq!(*error.into_panic().downcast::<&str>().unwrap(), "boom");
            let error = spawn_blocking(|| panic!("bang")).await.unwrap_err();
            assert!(error.to_string().contains("bang"));
        });
    }
}

#[unstuck::test]
async fn yielding_lets_the_others_run_first() {
    let order = Arc::new(AtomicUsize::new(0));
    let others: Vec<_> = (0..5)
        .map(|_| {
            let order = order.clone();
            unstuck::spawn(async move { order.fetch_add(1, Ordering::SeqCst) })
        })
        .collect();
    yield_now().await;
    assert_eq!(order.load(Ordering::SeqCst), 5);
    drop(others);
}

#[unstuck::test]
async fn tasks_on_one_thread_take_turns_when_they_yield() {
    let log = Arc::new(std::sync::Mutex::new(Vec::new()));
    let spawn = |name: &'static str| {
        let log = log.clone();
        unstuck::spawn(async move {
            for _ in 0..3 {
                log.lock().unwrap().push(name);
                yield_now().await;
            }
        })
    };
    let (a, b) = (spawn("a"), spawn("b"));
    a.await.unwrap();
    b.await.unwrap();
    assert_eq!(*log.lock().unwrap(), ["a", "b", "a", "b", "a", "b"]);
}

#[test]
#[should_panic(expected = "there is no reactor running")]
fn spawning_outside_a_runtime_tells_what_to_do() {
    unstuck::spawn(async {});
}

#[test]
#[should_panic(expected = "there is no reactor running")]
fn blocking_work_outside_a_runtime_tells_what_to_do() {
    spawn_blocking(|| {});
}

#[test]
fn blocking_in_place_outside_a_runtime_just_calls() {
    assert_eq!(block_in_place(|| 5), 5);
}

#[unstuck::test(flavor = "multi_thread", worker_threads = 1)]
async fn blocking_in_place_lets_the_only_worker_be_replaced() {
    let (sender, receiver) = oneshot::channel();
    let blocked = unstuck::spawn(async move { block_in_place(|| receiver.blocking_recv().unwrap()) });
    let other = unstuck::spawn(async move { sender.send(5).unwrap() });
    other.await.unwrap();
    assert_eq!(blocked.await.unwrap(), 5);
}

#[unstuck::test]
#[should_panic(expected = "can call blocking only when running on the multi-threaded runtime")]
async fn blocking_in_place_on_the_only_thread_is_refused() {
    block_in_place(|| {});
}

#[test]
fn a_detached_task_goes_on() {
    let runtime = current_thread();
    let (sender, receiver) = oneshot::channel();
    runtime.block_on(async {
        drop(unstuck::spawn(async move {
            yield_now().await;
            sender.send("still here").unwrap();
        }));
        assert_eq!(receiver.await, Ok("still here"));
    });
}
