//! Sets of tasks.

mod common;

use std::future::pending;
use std::task::{Context, Poll, Waker};

use common::{Drops, both, current_thread};
use unstuck::task::{self, JoinSet, LocalSet, yield_now};
use unstuck::time::{Duration, sleep};

fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

#[unstuck::test(start_paused = true)]
async fn tasks_come_in_the_order_in_which_they_end() {
    let mut tasks = JoinSet::new();
    for n in [3, 1, 4, 2] {
        tasks.spawn(async move {
            sleep(secs(n)).await;
            n
        });
    }
    assert_eq!(tasks.len(), 4);
    let mut order = Vec::new();
    while let Some(output) = tasks.join_next().await {
        order.push(output.unwrap());
    }
    assert_eq!(order, [1, 2, 3, 4]);
    assert!(tasks.is_empty());
    assert!(tasks.join_next().await.is_none());
}

#[unstuck::test(start_paused = true)]
async fn those_that_ended_before_anybody_asked_come_in_order_too() {
    let mut tasks = JoinSet::new();
    for n in [2, 1, 3] {
        tasks.spawn(async move {
            sleep(secs(n)).await;
            n
        });
    }
    sleep(secs(10)).await;
    let order: Vec<_> = std::iter::from_fn(|| tasks.try_join_next()).map(Result::unwrap).collect();
    assert_eq!(order, [1, 2, 3]);
}

#[test]
fn dropping_the_set_aborts_its_tasks() {
    for runtime in both() {
        let drops = Drops::default();
        runtime.block_on(async {
            let mut tasks = JoinSet::new();
            for _ in 0..8 {
                let token = drops.token();
                tasks.spawn(async move {
                    pending::<()>().await;
                    drop(token);
                });
            }
            yield_now().await;
            drop(tasks);
            while drops.count() < 8 {
                yield_now().await;
            }
        });
    }
}

#[unstuck::test]
async fn detached_tasks_go_on() {
    let mut tasks = JoinSet::new();
    let (sender, mut receiver) = unstuck::sync::mpsc::channel(8);
    for n in 0..3 {
        let sender = sender.clone();
        tasks.spawn(async move {
            yield_now().await;
            sender.send(n).await.unwrap();
        });
    }
    drop(sender);
    tasks.detach_all();
    assert!(tasks.is_empty() && tasks.try_join_next().is_none());
    let mut received = Vec::new();
    while let Some(n) = receiver.recv().await {
        received.push(n);
    }
    received.sort();
    assert_eq!(received, [0, 1, 2]);
    tasks.spawn(async {});
    assert!(tasks.join_next().await.unwrap().is_ok());
}

#[unstuck::test(start_paused = true)]
async fn aborting_all_keeps_what_was_over() {
    let mut tasks = JoinSet::new();
    for n in 0..10 {
        tasks.spawn(async move {
            if n % 2 == 0 {
                pending::<()>().await;
            }
        });
    }
    sleep(secs(1)).await;
    tasks.abort_all();
    assert_eq!(tasks.len(), 10);
    let (mut done, mut cancelled) = (0, 0);
    while let Some(result) = tasks.join_next().await {
        match result {
            Ok(()) => done += 1,
            Err(error) => cancelled += usize::from(error.is_cancelled()),
        }
    }
    assert_eq!((done, cancelled), (5, 5));
}

#[unstuck::test]
async fn one_task_is_aborted_by_its_handle() {
    let mut tasks = JoinSet::new();
    let abort = tasks.spawn(pending::<()>());
    abort.abort();
    let error = tasks.join_next().await.unwrap().unwrap_err();
    assert!(error.is_cancelled());
    assert_eq!(error.id(), abort.id());
}

#[unstuck::test]
async fn shutting_down_waits_until_all_futures_are_dropped() {
    let drops = Drops::default();
    let mut tasks = JoinSet::new();
    for _ in 0..4 {
        let token = drops.token();
        tasks.spawn(async move {
            let _token = token;
            pending::<()>().await;
        });
    }
    tasks.shutdown().await;
    assert_eq!((drops.count(), tasks.len()), (4, 0));
}

#[unstuck::test]
async fn ids_tell_whose_output_it_is() {
    let mut tasks = JoinSet::new();
    let ids = [0, 1].map(|_| tasks.spawn(async { task::id() }).id());
    let mut seen = Vec::new();
    while let Some(output) = tasks.join_next_with_id().await {
        let (id, inside) = output.unwrap();
        assert_eq!(id, inside);
        seen.push(id);
    }
    seen.sort();
    assert_eq!(seen, ids);
    assert!(tasks.try_join_next_with_id().is_none());
}

#[unstuck::test(start_paused = true)]
async fn a_cancelled_join_loses_no_task() {
    let mut tasks = JoinSet::new();
    tasks.spawn(async {
        sleep(secs(5)).await;
        "kept"
    });
    for _ in 0..3 {
        unstuck::select! {
            biased;
            _ = tasks.join_next() => panic!("too early"),
            () = sleep(secs(1)) => {}
        }
    }
    assert_eq!(tasks.join_next().await.unwrap().unwrap(), "kept");
}

#[unstuck::test]
async fn joining_all_collects_the_outputs() {
    let mut tasks: JoinSet<_> = (0..5).map(|n| async move { n }).collect();
    tasks.extend((5..10).map(|n| async move { n }));
    let mut outputs = tasks.join_all().await;
    outputs.sort();
    assert_eq!(outputs, (0..10).collect::<Vec<_>>());
}

#[unstuck::test(start_paused = true)]
async fn joining_all_passes_a_panic_on_and_aborts_the_rest() {
    let drops = Drops::default();
    let mut tasks = JoinSet::new();
    let token = drops.token();
    tasks.spawn(async move {
        let _token = token;
        pending::<()>().await;
    });
    tasks.spawn(async {
        sleep(secs(1)).await;
        panic!("one of them");
    });
    let error = unstuck::spawn(tasks.join_all()).await.unwrap_err();
    assert_eq!(*error.into_panic().downcast::<&str>().unwrap(), "one of them");
    yield_now().await;
    assert_eq!(drops.count(), 1);
}

#[unstuck::test]
async fn taking_turns_of_joining_and_spawning() {
    let mut tasks = JoinSet::new();
    tasks.spawn(async {});
    tasks.spawn(async {});
    for _ in 0..100 {
        tasks.join_next().await.unwrap().unwrap();
        tasks.spawn(async {});
        assert_eq!(tasks.len(), 2);
    }
}

#[unstuck::test]
async fn a_spent_budget_makes_joining_wait_and_trying_not() {
    let drops = Drops::default();
    let mut tasks: JoinSet<_> = (0..1000).map(|_| drops.token()).map(|token| async move { drop(token) }).collect();
    while drops.count() < 1000 {
        yield_now().await;
    }
    let mut joined = 0;
    let mut cx = Context::from_waker(Waker::noop());
    while let Poll::Ready(Some(_)) = tasks.poll_join_next(&mut cx) {
        joined += 1;
    }
    assert!((1..1000).contains(&joined), "{joined}");
    while tasks.try_join_next().is_some() {
        joined += 1;
    }
    assert_eq!(joined, 1000);
}

#[test]
fn tasks_of_a_runtime_that_is_gone_are_cancelled() {
    let mut tasks = JoinSet::new();
    let gone = current_thread();
    tasks.spawn_on(async {}, gone.handle());
    let handle = gone.handle().clone();
    drop(gone);
    tasks.spawn_on(async {}, &handle);
    current_thread().block_on(async {
        for _ in 0..2 {
            assert!(tasks.join_next().await.unwrap().unwrap_err().is_cancelled());
        }
    });
}

#[unstuck::test]
async fn blocking_work_is_a_member_too() {
    let mut tasks = JoinSet::new();
    tasks.spawn_blocking(|| 1);
    tasks.spawn_blocking_on(|| 2, &unstuck::runtime::Handle::current());
    let mut outputs = tasks.join_all().await;
    outputs.sort();
    assert_eq!(outputs, [1, 2]);
}

#[unstuck::test]
async fn local_tasks_are_members_too() {
    let local = LocalSet::new();
    let shared = std::rc::Rc::new(5);
    let mut tasks = JoinSet::new();
    let there = shared.clone();
    tasks.spawn_local_on(async move { *there }, &local);
    local
        .run_until(async {
            let here = shared.clone();
            tasks.spawn_local(async move { *here + 1 });
            let mut outputs = Vec::new();
            while let Some(output) = tasks.join_next().await {
                outputs.push(output.unwrap());
            }
            assert_eq!(outputs, [5, 6]);
        })
        .await;
}

#[test]
#[should_panic(expected = "`spawn_local` called from outside of a `task::LocalSet`")]
fn a_local_member_outside_a_local_set_tells_what_to_do() {
    JoinSet::new().spawn_local(async {});
}

#[unstuck::test(flavor = "multi_thread", worker_threads = 2)]
async fn tasks_that_end_on_other_threads_all_arrive() {
    let mut tasks: JoinSet<_> = (0..2000_usize)
        .map(|n| async move {
            for _ in 0..n % 4 {
                yield_now().await;
            }
            n
        })
        .collect();
    let mut seen = vec![false; 2000];
    while let Some(output) = tasks.join_next().await {
        assert!(!std::mem::replace(&mut seen[output.unwrap()], true));
    }
    assert!(seen.into_iter().all(|seen| seen));
}

#[test]
fn a_set_is_send_and_sync_where_its_outputs_are_send() {
    fn check<T: Send + Sync + Unpin>(_: &T) {}
    let tasks = JoinSet::<std::cell::Cell<u32>>::new();
    check(&tasks);
    assert_eq!(format!("{tasks:?}"), "JoinSet { len: 0 }");
}
