//! Sets of which a limited number of tasks run at the same time.

mod common;

use std::future::{Future, pending};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use common::{Drops, both, current_thread};
use unstuck::runtime::Builder;
use unstuck::sync::{Mutex, oneshot};
use unstuck::task::{self, JoinSet, yield_now};
use unstuck::time::{Duration, Instant, sleep};

fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

#[test]
fn no_more_than_the_limit_run_and_no_fewer_than_can() {
    for runtime in both() {
        let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        runtime.block_on(async {
            let mut tasks = JoinSet::with_limit(3);
            for n in 0..300 {
                let (running, most) = (running.clone(), most.clone());
                let task = async move {
                    most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    for _ in 0..n % 5 {
                        yield_now().await;
                    }
                    running.fetch_sub(1, Ordering::SeqCst);
                    n
                };
                tasks.spawn_when_free(task).await;
            }
            let mut outputs = tasks.join_all().await;
            outputs.sort();
            assert_eq!(outputs, (0..300).collect::<Vec<_>>());
        });
        assert!((1..=3).contains(&most.load(Ordering::SeqCst)));
    }
}

#[unstuck::test(start_paused = true)]
async fn as_many_as_the_limit_run_beside_each_other() {
    let (start, mut tasks) = (Instant::now(), JoinSet::with_limit(4));
    for _ in 0..12 {
        tasks.spawn_when_free(sleep(secs(1))).await;
    }
    assert_eq!(start.elapsed(), secs(2));
    tasks.join_all().await;
    assert_eq!(start.elapsed(), secs(3));
}

#[unstuck::test]
async fn tasks_that_are_over_need_not_be_joined_for_new_ones() {
    let mut tasks = JoinSet::with_limit(1);
    for n in 0..1000 {
        tasks.spawn_when_free(async move { n }).await;
    }
    assert_eq!(tasks.len(), 1000);
    assert_eq!(tasks.join_all().await, (0..1000).collect::<Vec<_>>());
}

#[unstuck::test(start_paused = true)]
async fn a_wait_that_is_cancelled_spawns_nothing_and_changes_nothing() {
    let (drops, mut tasks) = (Drops::default(), JoinSet::with_limit(1));
    tasks.spawn(sleep(secs(5)));
    let token = drops.token();
    unstuck::select! {
        biased;
        _ = tasks.spawn_when_free(async move { drop(token) }) => panic!("there is no room"),
        () = sleep(secs(1)) => {}
    }
    assert_eq!((drops.count(), tasks.len()), (1, 1));
    let start = Instant::now();
    tasks.until_free().await;
    assert_eq!(start.elapsed(), secs(4));
    assert_eq!(tasks.len(), 1, "it is over, but was not joined");
    tasks.spawn_when_free(async {}).await;
    assert_eq!(tasks.len(), 2);
}

#[unstuck::test(start_paused = true)]
async fn spawning_without_waiting_goes_beyond_the_limit_and_counts() {
    let (start, mut tasks) = (Instant::now(), JoinSet::with_limit(2));
    for n in 1..=4 {
        tasks.spawn(sleep(secs(n)));
    }
    assert_eq!(tasks.len(), 4);
    tasks.until_free().await;
    assert_eq!(start.elapsed(), secs(3), "only the last one runs");
}

#[unstuck::test]
async fn a_task_that_is_aborted_makes_room() {
    let mut tasks = JoinSet::with_limit(1);
    let endless = tasks.spawn_when_free(pending::<()>()).await;
    let aborting = unstuck::spawn(async move { endless.abort() });
    tasks.spawn_when_free(async {}).await;
    aborting.await.unwrap();
    assert!(tasks.join_next().await.unwrap().unwrap_err().is_cancelled());
    assert!(tasks.join_next().await.unwrap().is_ok());
}

#[unstuck::test]
async fn members_that_were_let_go_do_not_count_and_the_limit_stays() {
    let mut tasks = JoinSet::with_limit(1);
    tasks.spawn(pending::<()>());
    tasks.detach_all();
    tasks.spawn_when_free(pending()).await;
    let mut free = pin!(tasks.until_free());
    assert!(free.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
}

#[test]
fn without_a_limit_nobody_waits_also_outside_a_runtime() {
    let runtime = current_thread();
    let mut tasks = JoinSet::new();
    for _ in 0..100 {
        assert_eq!(pin!(tasks.until_free()).poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(()));
        tasks.spawn_on(pending::<()>(), runtime.handle());
    }
}

#[unstuck::test(start_paused = true)]
async fn who_shares_a_set_spawns_in_the_order_of_asking() {
    let tasks = Arc::new(Mutex::new(JoinSet::with_limit(1)));
    tasks.lock().await.spawn(async {
        sleep(secs(1)).await;
        0
    });
    let askers: Vec<_> = (1..=5)
        .map(|n| {
            let tasks = tasks.clone();
            unstuck::spawn(async move {
                tasks.lock().await.spawn_when_free(async move { n }).await;
            })
        })
        .collect();
    for asker in askers {
        asker.await.unwrap();
    }
    let tasks = Arc::into_inner(tasks).unwrap().into_inner();
    assert_eq!(tasks.join_all().await, [0, 1, 2, 3, 4, 5]);
}

#[test]
fn the_task_has_the_line_of_the_call_and_the_id_of_its_handle() {
    let (sender, lines) = std::sync::mpsc::channel();
    let runtime = Builder::new_current_thread()
        .on_task_spawn(move |task| {
            assert_eq!(task.spawned_at().file(), file!());
            sender.send((task.id(), task.spawned_at().line())).unwrap();
        })
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut tasks = JoinSet::with_limit(1);
        for _ in 0..2 {
            let line = line!() + 1;
            let spawning = tasks.spawn_when_free(async { (task::id(), yield_now().await) });
            let id = spawning.await.id();
            assert_eq!(lines.try_recv(), Ok((id, line)));
        }
        let ids: Vec<_> = std::iter::from_fn(|| tasks.try_join_next_with_id()).map(Result::unwrap).collect();
        assert!(ids.iter().all(|(id, (inside, ()))| id == inside) && ids.len() == 1);
    });
}

#[unstuck::test]
async fn only_the_last_waker_is_woken() {
    let (release, released) = oneshot::channel::<()>();
    let mut tasks = JoinSet::with_limit(1);
    tasks.spawn(async { released.await.unwrap() });
    let mut free = pin!(tasks.until_free());
    assert!(free.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    release.send(()).unwrap();
    free.await;
}

#[test]
#[should_panic(expected = "the limit is at least 1")]
fn a_limit_of_nothing_is_refused() {
    JoinSet::<()>::with_limit(0);
}

#[test]
fn outside_a_runtime_the_panic_names_the_line_of_the_call() {
    let panic = std::panic::catch_unwind(|| {
        let mut tasks = JoinSet::with_limit(1);
        let mut spawning = pin!(tasks.spawn_when_free(async {}));
        let _ = spawning.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    });
    let message = *panic.unwrap_err().downcast::<String>().unwrap();
    assert!(message.contains(file!()), "{message}");
}

#[test]
fn what_waits_for_room_can_be_sent_to_another_thread() {
    fn check<T: Send>(_: &T) {}
    let mut tasks = JoinSet::with_limit(1);
    check(&tasks.until_free());
    check(&tasks.spawn_when_free(async {}));
}
