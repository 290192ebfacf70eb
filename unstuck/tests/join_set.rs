//! Sets of tasks.

mod common;

use std::future::pending;
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::rc::Rc;
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, ThreadId};

use common::{Drops, both, current_thread, multi_thread};
use unstuck::task::{self, JoinSet, LocalSet, yield_now};
use unstuck::time::{Duration, sleep};
use unstuck_base::local::{self, TaskRef};

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

/// Tells who drops it: the task in whose name, and the thread.
struct Tells(mpsc::Sender<(Option<task::Id>, ThreadId)>);

impl Drop for Tells {
    fn drop(&mut self) {
        self.0.send((task::try_id(), thread::current().id())).unwrap();
    }
}

#[test]
fn outputs_that_nobody_joined_are_dropped_with_the_set_in_the_name_of_their_tasks() {
    for let_go in [JoinSet::detach_all, |set: &mut JoinSet<Tells>| drop(std::mem::take(set))] {
        for runtime in both() {
            let (sender, dropped) = mpsc::channel();
            let mut tasks = JoinSet::new();
            let handles = [(); 3].map(|()| {
                let output = Tells(sender.clone());
                tasks.spawn_on(async { output }, runtime.handle())
            });
            runtime.block_on(async {
                while !handles.iter().all(|handle| handle.is_finished()) {
                    yield_now().await;
                }
            });
            drop(runtime);
            assert!(dropped.try_recv().is_err(), "the outputs outlive the runtime");
            assert_eq!(tasks.len(), 3);
            let_go(&mut tasks);
            assert!(tasks.is_empty());
            let mut names: Vec<_> = dropped.try_iter().collect();
            names.sort_by_key(|(id, _)| *id);
            assert_eq!(names, handles.map(|handle| (Some(handle.id()), thread::current().id())));
        }
    }
}

#[unstuck::test]
async fn a_panic_in_the_drop_of_an_output_ends_there() {
    struct Panics(#[expect(unused, reason = "dropped")] common::Token);
    impl Drop for Panics {
        fn drop(&mut self) {
            panic!("in the drop of an output");
        }
    }
    let drops = Drops::default();
    let mut tasks = JoinSet::new();
    for _ in 0..3 {
        let output = Panics(drops.token());
        tasks.spawn(async { output });
        let payload = Panics(drops.token());
        tasks.spawn(async { resume_unwind(Box::new(payload)) });
    }
    yield_now().await;
    drop(tasks);
    assert_eq!(drops.count(), 6);
}

#[unstuck::test]
async fn what_comes_after_its_end_does_not_change_how_a_task_ended() {
    let mut tasks = JoinSet::new();
    let fine = tasks.spawn(async { 1 });
    let panicked = tasks.spawn(async { panic!("as it should") });
    let cancelled = tasks.spawn(pending());
    cancelled.abort();
    yield_now().await;
    for handle in [&fine, &panicked, &cancelled] {
        assert!(handle.is_finished());
        handle.abort();
    }
    tasks.abort_all();
    assert_eq!(tasks.len(), 3);
    assert_eq!(tasks.join_next_with_id().await.unwrap().unwrap(), (fine.id(), 1));
    let error = tasks.join_next().await.unwrap().unwrap_err();
    assert!(error.is_panic() && error.id() == panicked.id());
    assert_eq!(*error.into_panic().downcast::<&str>().unwrap(), "as it should");
    let error = tasks.try_join_next().unwrap().unwrap_err();
    assert!(error.is_cancelled() && error.id() == cancelled.id());
    assert!(tasks.is_empty());
}

#[unstuck::test(start_paused = true)]
async fn members_that_were_let_go_do_not_end_in_the_place_of_new_ones() {
    let drops = Drops::default();
    let mut tasks = JoinSet::new();
    for n in 0..4 {
        let output = Some(drops.token());
        tasks.spawn(async move {
            sleep(secs(n)).await;
            output
        });
    }
    sleep(Duration::from_millis(1500)).await;
    assert_eq!(drops.count(), 0);
    tasks.detach_all();
    assert_eq!(drops.count(), 2, "those that were over");
    for _ in 0..4 {
        tasks.spawn(pending());
    }
    sleep(secs(3)).await;
    assert_eq!(drops.count(), 4);
    assert!(tasks.try_join_next().is_none());
    assert_eq!(tasks.len(), 4);
}

#[test]
fn a_set_that_goes_while_its_members_end_drops_each_output_once() {
    let runtime = multi_thread(2);
    for round in 0..200 {
        let drops = Drops::default();
        let mut tasks = JoinSet::new();
        for _ in 0..20 {
            let output = drops.token();
            tasks.spawn_on(async { output }, runtime.handle());
        }
        let joined = std::iter::from_fn(|| tasks.try_join_next()).count();
        assert_eq!(tasks.len(), 20 - joined);
        if round % 2 == 0 {
            tasks.detach_all();
        }
        drop(tasks);
        while drops.count() < 20 {
            thread::yield_now();
        }
        assert_eq!(drops.count(), 20);
    }
}

#[test]
fn the_waker_of_who_waited_goes_with_the_set() {
    let runtime = current_thread();
    let mut tasks = JoinSet::new();
    let _kept = tasks.spawn_on(pending::<()>(), runtime.handle());
    let count = Arc::new(Silent);
    let waker = Waker::from(count.clone());
    assert!(tasks.poll_join_next(&mut Context::from_waker(&waker)).is_pending());
    assert_eq!(Arc::strong_count(&count), 3);
    drop(tasks);
    assert_eq!(Arc::strong_count(&count), 2);
}

#[test]
fn a_member_that_is_over_when_it_enters_wakes_who_waits() {
    let (runtime, gone) = (current_thread(), current_thread());
    let handle = gone.handle().clone();
    drop(gone);
    let mut tasks = JoinSet::new();
    tasks.spawn_on(pending::<()>(), runtime.handle());
    let (sender, woken) = mpsc::channel();
    let waker = Waker::from(Arc::new(Sends(sender)));
    assert!(tasks.poll_join_next(&mut Context::from_waker(&waker)).is_pending());
    tasks.spawn_on(pending(), &handle);
    assert_eq!(woken.try_iter().count(), 1);
    assert!(tasks.poll_join_next(&mut Context::from_waker(&waker)).is_ready());
}

#[test]
fn a_member_counts_also_if_a_waker_panics_when_it_enters() {
    let gone = current_thread();
    let handle = gone.handle().clone();
    drop(gone);
    let runtime = current_thread();
    let mut tasks = JoinSet::new();
    tasks.spawn_on(pending::<()>(), runtime.handle());
    let (sender, _) = mpsc::channel();
    let waker = Waker::from(Arc::new(Sends(sender)));
    assert!(tasks.poll_join_next(&mut Context::from_waker(&waker)).is_pending());
    assert!(catch_unwind(AssertUnwindSafe(|| tasks.spawn_on(pending(), &handle))).is_err());
    assert_eq!(tasks.len(), 2);
    assert!(tasks.try_join_next().unwrap().unwrap_err().is_cancelled());
}

struct Sends(mpsc::Sender<()>);

impl Wake for Sends {
    fn wake(self: Arc<Self>) {
        self.0.send(()).unwrap();
    }
}

struct Silent;

impl Wake for Silent {
    fn wake(self: Arc<Self>) {}
}

#[unstuck::test]
async fn outputs_that_are_not_send_are_kept_and_dropped_with_the_set() {
    let (shared, local) = (Rc::new(()), LocalSet::new());
    let mut tasks = JoinSet::new();
    let task = || {
        let output = shared.clone();
        async { output }
    };
    for _ in 0..3 {
        tasks.spawn_local_on(task(), &local);
    }
    local.run_until(yield_now()).await;
    assert!(Rc::ptr_eq(&tasks.try_join_next().unwrap().unwrap(), &shared));
    assert_eq!(Rc::strong_count(&shared), 3);
    tasks.spawn_local_on(task(), &local);
    drop(local);
    let left: Vec<_> = [tasks.join_next().await, tasks.join_next().await].into_iter().flatten().flatten().collect();
    assert_eq!((left.len(), Rc::strong_count(&shared)), (2, 3));
    assert!(tasks.try_join_next().unwrap().unwrap_err().is_cancelled());
    drop((tasks, left));
    assert_eq!(Rc::strong_count(&shared), 1);
}

/// Polls `future` once: all that the poll waits for is at the line of the call, which is that of the caller.
#[track_caller]
fn waits_at_this_line<F: Future>(future: F) {
    let called_at = Location::caller();
    let outer = local::begin_poll(TaskRef { id: local::next_task_id(), poll: 0, root: false });
    let mut future = Box::pin(future);
    assert!(future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    let lines: Vec<_> = local::waits().map(|wait| (wait.at.file(), wait.at.line())).collect();
    drop(future);
    let left = local::waits().count();
    let _waits = local::end_poll(outer);
    assert_eq!((lines, left), (vec![(called_at.file(), called_at.line())], 0));
}

#[test]
fn what_waits_for_a_set_names_the_line_of_the_call() {
    let runtime = current_thread();
    let tasks = || {
        let mut tasks = JoinSet::new();
        tasks.spawn_on(pending::<()>(), runtime.handle());
        tasks
    };
    waits_at_this_line(tasks().join_next());
    waits_at_this_line(tasks().join_next_with_id());
    waits_at_this_line(tasks().shutdown());
    waits_at_this_line(tasks().join_all());
}

#[unstuck::test]
async fn joining_all_when_one_was_aborted_names_the_line_of_the_call() {
    let mut tasks = JoinSet::new();
    tasks.spawn(pending::<()>()).abort();
    let (joining, line) = (tasks.join_all(), line!());
    let panic = unstuck::spawn(joining).await.unwrap_err().into_panic();
    let said = panic.downcast::<String>().unwrap();
    assert!(said.contains(&format!("(called at {}:{line}:", file!())), "{said}");
}

#[test]
fn the_futures_of_a_set_are_send_where_its_outputs_are() {
    fn check<F: Future + Send>(_: F) {}
    let tasks = JoinSet::<std::cell::Cell<u32>>::new;
    check(tasks().shutdown());
    check(tasks().join_all());
}

#[test]
fn those_that_are_over_and_were_not_asked_for_are_counted() {
    for runtime in both() {
        let (end, ended) = unstuck::sync::oneshot::channel::<()>();
        let mut set = JoinSet::new();
        runtime.block_on(async {
            set.spawn(async { ended.await.is_ok() });
            set.spawn(async { panic!("as it should") });
            assert!(set.join_next().await.unwrap().unwrap_err().is_panic());
            assert_eq!((set.finished(), set.len()), (0, 1));
            end.send(()).unwrap();
            while set.finished() == 0 {
                yield_now().await;
            }
            assert_eq!((set.finished(), set.len()), (1, 1));
            assert!(set.join_next().await.unwrap().unwrap());
            assert_eq!((set.finished(), set.len()), (0, 0));
        });
    }
}
