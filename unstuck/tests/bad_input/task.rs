//! Tasks: where none can be spawned, waited for, or asked who they are.

use std::future::{pending, poll_fn};
use std::pin::Pin;
use std::task::Poll;

use unstuck::sync::oneshot;
use unstuck::task::{self, JoinSet, LocalSet, block_in_place, spawn_blocking, spawn_local};

use crate::blame::{ends, refused, refused_somewhere, run};
use crate::common::{both, current_thread};

#[test]
fn outside_a_runtime_no_task_is_spawned() {
    let says = "there is no reactor running";
    refused(says, || drop(unstuck::spawn(async {})));
    refused(says, || drop(spawn_blocking(|| ())));
    refused(says, || drop(task::Builder::new().name("a").spawn(async {})));
    refused(says, || drop(task::Builder::new().spawn_blocking(|| ())));
    refused(says, || drop(JoinSet::new().spawn(async {})));
    refused(says, || drop(JoinSet::new().spawn_blocking(|| ())));
}

#[test]
fn a_local_task_with_nowhere_to_go_is_refused_at_the_users_line() {
    local_tasks_are_refused();
    let runtime = current_thread();
    let _guard = runtime.enter();
    local_tasks_are_refused();
    // A task of a runtime is in no set, though the future that waits for it is.
    run(
        &runtime,
        LocalSet::new().run_until(async {
            unstuck::spawn(async { local_tasks_are_refused() }).await.unwrap();
        }),
    );
}

fn local_tasks_are_refused() {
    refused("LocalSet::run_until", || drop(spawn_local(async {})));
    refused("LocalSet::run_until", || drop(task::Builder::new().spawn_local(async {})));
    refused("LocalSet::run_until", || drop(JoinSet::new().spawn_local(async {})));
}

#[test]
fn blocking_in_place_on_the_only_thread_is_refused_at_the_users_line() {
    let runtime = current_thread();
    let says = "only when running on the multi-threaded runtime";
    refused(says, || runtime.block_on(async { block_in_place(|| ()) }));
    refused(says, || runtime.block_on(LocalSet::new().run_until(async { block_in_place(|| ()) })));
    // It goes on.
    assert_eq!(runtime.block_on(async { 1 }), 1);
}

#[test]
fn a_task_local_is_read_and_set_only_where_it_may_be() {
    unstuck::task_local! {
        static NUMBER: u32;
    }
    refused("end the `LocalKey::with` first", || {
        NUMBER.sync_scope(1, || NUMBER.with(|_number| NUMBER.sync_scope(2, || ())));
    });
    refused("inside `LocalKey::scope`", || NUMBER.with(|_number| ()));
    refused("inside `LocalKey::scope`", || _ = NUMBER.get());
    assert!(NUMBER.try_with(|_number| ()).is_err());
    assert!(NUMBER.try_get().is_err());
    assert_eq!(NUMBER.sync_scope(3, || NUMBER.get()), 3);
    for runtime in both() {
        run(
            &runtime,
            NUMBER.scope(4, async {
                assert!(unstuck::spawn(async { NUMBER.try_get() }).await.unwrap().is_err(), "a task inherits none");
            }),
        );
    }
}

#[test]
fn outside_a_task_there_is_no_id() {
    refused("when not inside a task", || _ = task::id());
    let runtime = current_thread();
    refused("when not inside a task", || runtime.block_on(async { _ = task::id() }));
    assert_eq!(task::try_id(), None);
}

#[test]
fn an_error_that_is_no_panic_has_none() {
    for runtime in both() {
        run(&runtime, async {
            let aborted = unstuck::spawn(pending::<()>());
            aborted.abort();
            let error = aborted.await.unwrap_err();
            assert!(error.is_cancelled());
            let error = error.try_into_panic().unwrap_err();
            refused("`JoinError` reason is not a panic.", || drop(error.into_panic()));
        });
    }
}

#[test]
fn a_handle_that_gave_its_output_is_not_polled_again() {
    for runtime in both() {
        run(&runtime, async {
            let mut task = unstuck::spawn(async {});
            (&mut task).await.unwrap();
            poll_fn(|cx| {
                refused_somewhere("JoinHandle polled after completion", || _ = Pin::new(&mut task).poll(cx));
                Poll::Ready(())
            })
            .await;
        });
    }
}

#[test]
fn of_a_set_where_one_panicked_not_all_can_be_had() {
    let runtime = current_thread();
    let mut tasks = JoinSet::new();
    tasks.spawn_on(async { panic!("one of them") }, runtime.handle());
    tasks.spawn_on(pending::<()>(), runtime.handle());
    refused_somewhere("one of them", || drop(run(&runtime, tasks.join_all())));
    assert!(run(&runtime, JoinSet::<()>::new().join_all()).is_empty());
    assert!(run(&runtime, async { JoinSet::<()>::new().join_next().await.is_none() }));
}

#[test]
fn a_set_outside_a_runtime_takes_tasks_and_waits() {
    // Documented: the tasks begin when the set is run.
    let set = LocalSet::new();
    let (send, receive) = oneshot::channel();
    set.spawn_local(async move { send.send(1).unwrap() });
    assert_eq!(set.block_on(&current_thread(), ends(receive)), Ok(1));
}
