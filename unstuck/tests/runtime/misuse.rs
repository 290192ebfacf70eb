//! Calls in the wrong place: the panic names the line of the user, and what to do instead.

use std::panic::{self, AssertUnwindSafe};
use std::sync::{Mutex, PoisonError};
use std::thread::{self, ThreadId};

use unstuck::runtime::LocalRuntime;
use unstuck::sync::oneshot;
use unstuck::task::{LocalSet, block_in_place, spawn_local, yield_now};

use crate::common::{current_thread, multi_thread};

/// Where threads have panicked, and their messages.
static PANICS: Mutex<Vec<(ThreadId, String, String)>> = Mutex::new(Vec::new());

/// The file of the panic that `f` ends with, and its message.
fn panic_of(f: impl FnOnce()) -> (String, String) {
    static HOOK: std::sync::Once = std::sync::Once::new();
    HOOK.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let file = info.location().map(|location| location.file().to_owned()).unwrap_or_default();
            let message = info.payload_as_str().unwrap_or_default().to_owned();
            let panics = &mut *PANICS.lock().unwrap_or_else(PoisonError::into_inner);
            panics.push((thread::current().id(), file, message));
            before(info);
        }));
    });
    assert!(panic::catch_unwind(AssertUnwindSafe(f)).is_err(), "it does not panic");
    let panics = PANICS.lock().unwrap_or_else(PoisonError::into_inner);
    let own = panics.iter().rfind(|(thread, ..)| *thread == thread::current().id()).expect("the hook was called");
    (own.1.clone(), own.2.clone())
}

#[track_caller]
fn assert_blames_us(f: impl FnOnce(), cure: &str) {
    let (file, message) = panic_of(f);
    assert_eq!(file, file!());
    assert!(message.contains(cure), "{message}");
}

#[test]
fn blocking_in_place_on_the_only_thread_is_refused_at_the_users_line() {
    let runtime = current_thread();
    assert_blames_us(
        || runtime.block_on(async { block_in_place(|| ()) }),
        "only when running on the multi-threaded runtime",
    );
    assert_blames_us(
        || runtime.block_on(LocalSet::new().run_until(async { block_in_place(|| ()) })),
        "only when running on the multi-threaded runtime",
    );
    // It goes on.
    assert_eq!(runtime.block_on(async { 1 }), 1);
}

#[test]
fn blocking_on_inside_a_runtime_is_refused_at_the_users_line() {
    for runtime in [current_thread(), multi_thread(1)] {
        let cure = "use `.await` on the future";
        let set = LocalSet::new();
        assert_blames_us(|| runtime.block_on(async { set.block_on(&runtime, async {}) }), cure);
        assert_blames_us(|| runtime.block_on(async { runtime.block_on(async {}) }), cure);
        assert_blames_us(|| runtime.block_on(async { runtime.handle().block_on(async {}) }), cure);
    }
}

#[test]
fn a_task_local_scope_inside_with_is_refused_at_the_users_line() {
    unstuck::task_local! {
        static NUMBER: u32;
    }
    let again = || NUMBER.sync_scope(1, || NUMBER.with(|_number| NUMBER.sync_scope(2, || ())));
    assert_blames_us(again, "end the `LocalKey::with` first");
    assert_blames_us(|| NUMBER.with(|_number| ()), "inside `LocalKey::scope`");
    assert_blames_us(|| _ = NUMBER.get(), "inside `LocalKey::scope`");
    assert_eq!(NUMBER.sync_scope(3, || NUMBER.get()), 3);
}

#[test]
fn a_local_task_with_nowhere_to_go_is_refused_at_the_users_line() {
    assert_blames_us(|| drop(spawn_local(async {})), "LocalSet::run_until");
    let runtime = current_thread();
    let _guard = runtime.enter();
    assert_blames_us(|| drop(spawn_local(async {})), "LocalSet::run_until");
}

#[test]
fn local_tasks_find_the_local_runtime_that_is_entered() {
    let runtime = LocalRuntime::new().unwrap();
    let (send, receive) = oneshot::channel();
    {
        let _guard = runtime.enter();
        spawn_local(async move {
            yield_now().await;
            send.send(1).unwrap();
        });
    }
    assert_eq!(runtime.block_on(receive), Ok(1));
    let handle = runtime.handle().clone();
    let task = {
        let _guard = handle.enter();
        let set = LocalSet::new();
        {
            let _set = set.enter();
            // The set is nearer.
            drop(spawn_local(async { unreachable!("the set is never awaited") }));
        }
        spawn_local(async { 2 })
    };
    assert_eq!(runtime.block_on(task).unwrap(), 2);
}

#[test]
fn local_tasks_are_refused_on_another_thread_than_that_of_the_local_runtime() {
    let runtime = LocalRuntime::new().unwrap();
    let handle = runtime.handle().clone();
    let elsewhere = thread::spawn(move || {
        let _guard = handle.enter();
        assert_blames_us(|| drop(spawn_local(async {})), "from the thread the runtime was created on");
        // One that is Send may be spawned anywhere.
        unstuck::spawn(async { 3 })
    });
    assert_eq!(runtime.block_on(elsewhere.join().unwrap()).unwrap(), 3);
}
