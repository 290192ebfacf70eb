//! The name of a task stays with it, and those who look at tasks find it.

use std::sync::{Arc, Mutex};

use unstuck::runtime::{Builder as RuntimeBuilder, TaskMeta};
use unstuck::task::{Builder, JoinSet, LocalSet, yield_now};

/// What was told, each with the name of its task.
type Told = Arc<Mutex<Vec<(&'static str, Option<String>)>>>;

fn tells(told: &Told, what: &'static str) -> impl Fn(&TaskMeta<'_>) + Send + Sync + 'static {
    let told = told.clone();
    move |task| {
        assert_eq!(task.spawned_at().file(), file!());
        told.lock().unwrap().push((what, task.name().map(str::to_owned)));
    }
}

fn telling(mut builder: RuntimeBuilder) -> (RuntimeBuilder, Told) {
    let told = Told::default();
    builder
        .on_task_spawn(tells(&told, "spawn"))
        .on_before_task_poll(tells(&told, "before"))
        .on_after_task_poll(tells(&told, "after"))
        .on_task_terminate(tells(&told, "terminate"));
    (builder, told)
}

#[track_caller]
fn assert_told(told: &Told, name: Option<&str>, whats: &[&'static str]) {
    let expected: Vec<_> = whats.iter().map(|what| (*what, name.map(str::to_owned))).collect();
    assert_eq!(told.lock().unwrap().drain(..).collect::<Vec<_>>(), expected);
}

const TWO_POLLS: [&str; 6] = ["spawn", "before", "after", "before", "terminate", "after"];
const ONE_POLL: [&str; 4] = ["spawn", "before", "terminate", "after"];

#[test]
fn each_hook_is_told_the_name_as_long_as_the_task_lives_and_after_its_last_poll() {
    let (mut builder, told) = telling(RuntimeBuilder::new_current_thread());
    let runtime = builder.build().unwrap();
    let name = "ga".repeat(2);
    let task = Builder::new().name(&name).spawn_on(async { yield_now().await }, runtime.handle()).unwrap();
    drop(name);
    runtime.block_on(task).unwrap();
    assert_told(&told, Some("gaga"), &TWO_POLLS);
}

#[test]
fn a_task_without_a_name_has_none() {
    let (mut builder, told) = telling(RuntimeBuilder::new_current_thread());
    let runtime = builder.build().unwrap();
    let task = Builder::new().spawn_on(async {}, runtime.handle()).unwrap();
    runtime.block_on(task).unwrap();
    assert_told(&told, None, &ONE_POLL);
}

#[test]
fn a_task_of_a_pool_keeps_its_name_on_its_way_between_threads() {
    let (mut builder, told) = telling(RuntimeBuilder::new_multi_thread());
    let runtime = builder.worker_threads(2).build().unwrap();
    let task = Builder::new().name("far").spawn_on(async { yield_now().await }, runtime.handle()).unwrap();
    runtime.block_on(task).unwrap();
    drop(runtime); // its last hook, too
    assert_told(&told, Some("far"), &TWO_POLLS);
}

#[test]
fn a_task_that_is_boxed_since_it_is_large_keeps_its_name() {
    let (mut builder, told) = telling(RuntimeBuilder::new_current_thread());
    let runtime = builder.build().unwrap();
    let large = [7_u8; 40_000];
    let sum = async move {
        yield_now().await;
        large.iter().map(|byte| u32::from(*byte)).sum::<u32>()
    };
    let task = Builder::new().name("large").spawn_on(sum, runtime.handle()).unwrap();
    assert_eq!(runtime.block_on(task).unwrap(), 280_000);
    assert_told(&told, Some("large"), &TWO_POLLS);
}

#[test]
fn a_future_with_an_alignment_of_its_own_keeps_both() {
    #[repr(align(128))]
    struct Apart(u8);
    let (mut builder, told) = telling(RuntimeBuilder::new_current_thread());
    let runtime = builder.build().unwrap();
    let apart = Apart(3);
    let task = async move {
        yield_now().await;
        assert_eq!(std::ptr::from_ref(&apart).addr() % 128, 0);
        apart.0
    };
    let task = Builder::new().name("apart").spawn_on(task, runtime.handle()).unwrap();
    assert_eq!(runtime.block_on(task).unwrap(), 3);
    assert_told(&told, Some("apart"), &TWO_POLLS);
}

#[test]
fn a_task_of_a_local_runtime_has_a_name() {
    let (mut builder, told) = telling(RuntimeBuilder::new_current_thread());
    let runtime = builder.build_local(Default::default()).unwrap();
    runtime.block_on(async {
        let shared = std::rc::Rc::new(1);
        Builder::new().name("here").spawn_local(async move { *shared }).unwrap().await.unwrap()
    });
    assert_told(&told, Some("here"), &ONE_POLL);
}

#[test]
fn a_member_of_a_set_has_a_name() {
    let (mut builder, told) = telling(RuntimeBuilder::new_current_thread());
    let runtime = builder.build().unwrap();
    runtime.block_on(async {
        let mut set = JoinSet::new();
        set.build_task().name("member").spawn(async { 5 }).unwrap();
        assert_eq!(set.join_next().await.unwrap().unwrap(), 5);
    });
    assert_told(&told, Some("member"), &ONE_POLL);
}

#[test]
fn what_hooks_do_not_see_may_have_a_name_as_well() {
    let (mut builder, told) = telling(RuntimeBuilder::new_current_thread());
    let runtime = builder.build().unwrap();
    let set = LocalSet::new();
    let local = Builder::new().name("local").spawn_local_on(async { 1 }, &set).unwrap();
    let blocking = Builder::new().name("blocking").spawn_blocking_on(|| 2, runtime.handle()).unwrap();
    let sum = set.block_on(&runtime, async {
        let here = Builder::new().name("here").spawn_blocking(|| 3).unwrap();
        local.await.unwrap() + blocking.await.unwrap() + here.await.unwrap()
    });
    assert_eq!(sum, 6);
    assert!(told.lock().unwrap().is_empty());
}
