//! Tasks: where none can be spawned, waited for, or asked who they are.

use std::future::pending;
use std::thread;

use unstuck::runtime::Handle;
use unstuck::sync::oneshot;
use unstuck::task::{self, JoinSet, LocalSet, block_in_place, spawn_blocking, spawn_local};

use crate::blame::{each_refused, ends, refused, run};
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
    let rows: [(&str, fn()); 3] = [
        ("LocalSet::run_until", || drop(spawn_local(async {}))),
        ("LocalSet::run_until", || drop(task::Builder::new().spawn_local(async {}))),
        ("LocalSet::run_until", || drop(JoinSet::new().spawn_local(async {}))),
    ];
    each_refused_of(&rows);
    let runtime = current_thread();
    let _guard = runtime.enter();
    each_refused_of(&rows);
    // A task of a runtime is in no set, though the future around it is.
    let set = LocalSet::new();
    runtime.block_on(set.run_until(async {
        let outside = Handle::current().spawn(async { thread_spawns_local() });
        assert!(ends(outside).await.is_ok());
    }));
}

/// Whether a thread without a set refuses a local task.
fn thread_spawns_local() {
    thread::spawn(|| refused("LocalSet::run_until", || drop(spawn_local(async {})))).join().unwrap();
}

fn each_refused_of(rows: &[(&str, fn())]) {
    for (says, f) in rows {
        let panic = std::panic::catch_unwind(f).unwrap_err();
        let message = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
        assert!(message.unwrap().contains(says), "{message:?}");
    }
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
    let again = || NUMBER.sync_scope(1, || NUMBER.with(|_number| NUMBER.sync_scope(2, || ())));
    refused("end the `LocalKey::with` first", again);
    refused("inside `LocalKey::scope`", || NUMBER.with(|_number| ()));
    refused("inside `LocalKey::scope`", || _ = NUMBER.get());
    assert!(NUMBER.try_with(|_number| ()).is_err());
    assert!(NUMBER.try_get().is_err());
    assert_eq!(NUMBER.sync_scope(3, || NUMBER.get()), 3);
    for runtime in both() {
        run(&runtime, NUMBER.scope(4, async {
            assert!(unstuck::spawn(async { NUMBER.try_get() }).await.unwrap().is_err(), "a task inherits none");
        }));
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
            let again = unstuck::spawn(async move {
                refused_async("JoinHandle polled after completion", task).await;
            });
            again.await.unwrap();
        });
    }
}

/// Asserts that polling `future` panics with `says`.
async fn refused_async(says: &str, future: impl Future + Unpin) {
    let mut future = future;
    std::future::poll_fn(|cx| {
        let mut again = std::pin::Pin::new(&mut future);
        refused(says, || _ = again.as_mut().poll(cx));
        std::task::Poll::Ready(())
    })
    .await;
}

#[test]
fn of_a_set_where_one_panicked_not_all_can_be_had() {
    let runtime = current_thread();
    refused("no", || {
        runtime.block_on(async {
            let mut tasks = JoinSet::new();
            tasks.spawn(async { panic!("no") });
            tasks.spawn(pending::<()>());
            tasks.join_all().await;
        });
    });
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
