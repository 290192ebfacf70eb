//! What a runtime tells of its tasks, and what a task that panics does to it.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::thread;

use unstuck::runtime::{Builder, RngSeed, TaskMeta, UnhandledPanic};
use unstuck::task::{Id, JoinSet, LocalSet, yield_now};

/// What was told of each task, in order.
type Told = Arc<Mutex<HashMap<Id, Vec<&'static str>>>>;

fn tells(told: &Told, what: &'static str) -> impl Fn(&TaskMeta<'_>) + Send + Sync + 'static {
    let told = told.clone();
    move |task| {
        assert_eq!(task.spawned_at().file(), file!());
        told.lock().unwrap().entry(task.id()).or_default().push(what);
    }
}

fn tell_all(builder: &mut Builder, told: &Told) {
    builder
        .on_task_spawn(tells(told, "spawn"))
        .on_before_task_poll(tells(told, "before"))
        .on_after_task_poll(tells(told, "after"))
        .on_task_terminate(tells(told, "terminate"));
}

const ONE_POLL: [&str; 4] = ["spawn", "before", "terminate", "after"];

#[test]
fn a_life_is_told_in_its_order() {
    for mut builder in [Builder::new_current_thread(), Builder::new_multi_thread()] {
        let told = Told::default();
        tell_all(&mut builder, &told);
        let runtime = builder.build().unwrap();
        let ids = runtime.block_on(async {
            let yields = unstuck::spawn(async { yield_now().await });
            let panics = unstuck::spawn(async { panic!("as it should") });
            let ids = [yields.id(), panics.id()];
            yields.await.unwrap();
            panics.await.unwrap_err();
            ids
        });
        drop(runtime);
        let told = told.lock().unwrap();
        assert_eq!(told[&ids[0]], ["spawn", "before", "after", "before", "terminate", "after"]);
        assert_eq!(told[&ids[1]], ONE_POLL);
    }
}

#[test]
fn a_task_that_the_shutdown_cancels_terminates() {
    let told = Told::default();
    let mut builder = Builder::new_current_thread();
    tell_all(&mut builder, &told);
    let runtime = builder.build().unwrap();
    let id = runtime.spawn(std::future::pending::<()>()).id();
    drop(runtime);
    assert_eq!(told.lock().unwrap()[&id], ["spawn", "terminate"]);
}

#[test]
fn tasks_of_a_local_runtime_are_told_too() {
    let told = Told::default();
    let mut builder = Builder::new_current_thread();
    tell_all(&mut builder, &told);
    let runtime = builder.build_local(Default::default()).unwrap();
    let task = runtime.spawn_local(async {});
    let id = task.id();
    runtime.block_on(task).unwrap();
    drop(runtime);
    assert_eq!(told.lock().unwrap()[&id], ONE_POLL);
}

#[test]
fn a_hook_may_spawn() {
    let spawned = Arc::new(Mutex::new(0));
    let count = spawned.clone();
    let runtime = Builder::new_current_thread()
        .on_task_spawn(move |_task| {
            let first = {
                let mut count = count.lock().unwrap();
                *count += 1;
                *count == 1
            };
            if first {
                unstuck::spawn(async {});
            }
        })
        .build()
        .unwrap();
    runtime.block_on(async { unstuck::spawn(async {}).await.unwrap() });
    assert_eq!(*spawned.lock().unwrap(), 2);
}

#[test]
fn the_panic_of_a_hook_harms_neither_task_nor_thread() {
    let runtime = Builder::new_multi_thread()
        .worker_threads(1)
        .on_before_task_poll(|_task| panic!("before"))
        .on_task_terminate(|_task| panic!("terminate"))
        .build()
        .unwrap();
    for n in 0..3 {
        assert_eq!(runtime.block_on(runtime.spawn(async move { n })).unwrap(), n);
    }
}

fn ends_by_panic() -> Builder {
    let mut builder = Builder::new_current_thread();
    builder.enable_all().unhandled_panic(UnhandledPanic::ShutdownRuntime);
    builder
}

fn message(panicked: Box<dyn std::any::Any + Send>) -> String {
    match panicked.downcast::<&'static str>() {
        Ok(text) => text.to_string(),
        Err(other) => *other.downcast::<String>().unwrap(),
    }
}

#[test]
fn a_panic_ends_a_runtime_that_is_to_end_by_it() {
    let runtime = ends_by_panic().build().unwrap();
    let waits = runtime.spawn(std::future::pending::<()>());
    let ended = catch_unwind(AssertUnwindSafe(|| {
        runtime.block_on(async {
            unstuck::spawn(async { panic!("boom") });
            std::future::pending::<()>().await;
        })
    }));
    assert!(message(ended.unwrap_err()).contains("configured to shut down on unhandled panic"));
    assert!(waits.is_finished());
    assert!(runtime.spawn(async {}).is_finished());
    assert!(catch_unwind(AssertUnwindSafe(|| runtime.block_on(async {}))).is_err());
}

#[test]
fn everybody_in_block_on_learns_of_the_panic() {
    let runtime = Arc::new(ends_by_panic().build().unwrap());
    let threads: Vec<_> = (0..3)
        .map(|_| {
            let runtime = runtime.clone();
            thread::spawn(move || runtime.block_on(std::future::pending::<()>()))
        })
        .collect();
    runtime.spawn(async { panic!("boom") });
    for thread in threads {
        assert!(thread.join().is_err());
    }
}

#[test]
fn a_panic_is_ignored_where_nothing_else_was_said() {
    let runtime = Builder::new_current_thread().unhandled_panic(UnhandledPanic::Ignore).build().unwrap();
    runtime.block_on(async {
        assert!(unstuck::spawn(async { panic!("boom") }).await.unwrap_err().is_panic());
        unstuck::spawn(async {}).await.unwrap();
    });
}

#[test]
fn the_smallest_intervals_still_let_everything_run() {
    for mut builder in [Builder::new_current_thread(), Builder::new_multi_thread()] {
        let runtime = builder
            .enable_all()
            .worker_threads(1)
            .event_interval(1)
            .global_queue_interval(1)
            .max_io_events_per_tick(1)
            .max_io_events_per_busy_tick(2)
            .enable_eager_driver_handoff()
            .enable_alt_timer()
            .enable_sharded_blocking_queue()
            .build()
            .unwrap();
        let handle = runtime.handle().clone();
        let outside = thread::spawn(move || (0..100).map(|n| handle.spawn(async move { n })).collect::<Vec<_>>());
        let sum = runtime.block_on(async {
            let mut sum = 0;
            for task in outside.join().unwrap() {
                sum += task.await.unwrap();
            }
            unstuck::time::sleep(std::time::Duration::from_millis(1)).await;
            sum
        });
        assert_eq!(sum, 4950);
    }
}

#[test]
fn choices_follow_from_the_seed() {
    let choices = |seed: &[u8]| {
        let runtime = Builder::new_current_thread().rng_seed(RngSeed::from_bytes(seed)).build().unwrap();
        runtime.block_on(async {
            let mut choices = Vec::new();
            for _ in 0..64 {
                choices.push(unstuck::select! { () = async {} => 0, () = async {} => 1 });
            }
            choices
        })
    };
    assert_eq!(choices(b"one"), choices(b"one"));
    assert_ne!(choices(b"one"), choices(b"two"));
}

#[test]
fn runtimes_alive_at_the_same_time_have_ids_of_their_own() {
    let runtimes: Vec<_> = (0..4).map(|_| Builder::new_current_thread().build().unwrap()).collect();
    let ids: std::collections::HashSet<_> = runtimes.iter().map(|runtime| runtime.handle().id()).collect();
    assert_eq!(ids.len(), 4);
    for runtime in &runtimes {
        assert_eq!(runtime.block_on(async { unstuck::runtime::Handle::current().id() }), runtime.handle().id());
    }
}

#[unstuck::test]
async fn a_builder_of_tasks_spawns_wherever_it_is_told() {
    let handle = unstuck::runtime::Handle::current();
    let named = || unstuck::task::Builder::new().name("named");
    assert_eq!(named().spawn(async { 1 }).unwrap().await.unwrap(), 1);
    assert_eq!(named().spawn_on(async { 2 }, &handle).unwrap().await.unwrap(), 2);
    assert_eq!(named().spawn_blocking(|| 3).unwrap().await.unwrap(), 3);
    assert_eq!(named().spawn_blocking_on(|| 4, &handle).unwrap().await.unwrap(), 4);
    let set = LocalSet::new();
    let local = named().spawn_local_on(async { 5 }, &set).unwrap();
    let inside =
        set.run_until(async move { local.await.unwrap() + named().spawn_local(async { 6 }).unwrap().await.unwrap() });
    assert_eq!(inside.await, 11);
    assert!(format!("{:?}", named()).contains("named"));

    let mut members = JoinSet::new();
    members.build_task().name("member").spawn(async { 1 }).unwrap();
    members.build_task().spawn_on(async { 2 }, &handle).unwrap();
    members.build_task().spawn_blocking(|| 3).unwrap();
    members.build_task().spawn_blocking_on(|| 4, &handle).unwrap();
    members.build_task().spawn_local_on(async { 5 }, &set).unwrap();
    set.await;
    assert_eq!(members.join_all().await.into_iter().sum::<i32>(), 15);
}

#[test]
fn a_panic_ends_a_local_set_that_is_to_end_by_it() {
    let runtime = Builder::new_current_thread().build().unwrap();
    let mut set = LocalSet::new();
    set.unhandled_panic(UnhandledPanic::ShutdownRuntime);
    let waits = set.spawn_local(std::future::pending::<()>());
    set.spawn_local(async { panic!("boom") });
    let ended = catch_unwind(AssertUnwindSafe(|| set.block_on(&runtime, std::future::pending::<()>())));
    assert!(message(ended.unwrap_err()).contains("the LocalSet is configured to shutdown on unhandled panic"));
    assert!(waits.is_finished());
    assert!(catch_unwind(AssertUnwindSafe(|| runtime.block_on(&mut set))).is_err());
    assert_ne!(set.id(), runtime.handle().id());
}

#[test]
fn polls_that_use_up_their_budget_are_counted_for_their_task_alone() {
    for mut builder in [Builder::new_current_thread(), Builder::new_multi_thread()] {
        let (told, tell) = {
            let told = Arc::new(Mutex::new(HashMap::<Id, Vec<u8>>::new()));
            let tell = told.clone();
            (told, move |task: &TaskMeta<'_>| {
                tell.lock().unwrap().entry(task.id()).or_default().push(task.forced_yields())
            })
        };
        let runtime = builder.on_before_task_poll(tell).build().unwrap();
        let busy = runtime.spawn(async {
            for _ in 0..300 {
                unstuck::task::coop::consume_budget().await;
            }
        });
        let idle = runtime.spawn(async {
            for _ in 0..3 {
                yield_now().await;
            }
        });
        let (busy_id, idle_id) = (busy.id(), idle.id());
        runtime.block_on(async { unstuck::try_join!(busy, idle) }).unwrap();
        let told = told.lock().unwrap();
        assert_eq!((&told[&busy_id], &told[&idle_id]), (&vec![0, 1, 2], &vec![0, 0, 0, 0]));
    }
}
