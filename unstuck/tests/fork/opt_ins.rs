//! What a program has asked for of its runtimes, in a child: nothing of it is inherited.

use unstuck::runtime::{Builder, Handle};
use unstuck::sync::{Mutex, oneshot};
use unstuck::time::{Duration, sleep};

use crate::child::{End, assert_was_told, in_child};
use crate::common::multi_thread;
use crate::works::new_runtimes_do_everything;

#[test]
fn a_child_that_was_forked_where_code_blocks_inside_a_runtime_builds_its_own() {
    let mut builder = Builder::new_multi_thread();
    let runtime = builder.worker_threads(1).enable_all().nested_block_on(true).build().unwrap();
    let forks = || {
        let runtime = Handle::current();
        runtime.block_on(async {
            sleep(Duration::from_millis(1)).await;
            assert_eq!(in_child(new_runtimes_do_everything), End::Well);
            // The child is outside, so it blocks without a word to the parent's runtime.
            assert_eq!(in_child(|| drop(Mutex::new(()).blocking_lock())), End::Well);
            assert_was_told(in_child(|| runtime.block_on(async {})));
            sleep(Duration::from_millis(1)).await;
        });
    };
    runtime.block_on(async { forks() });
    runtime.block_on(runtime.spawn(async move { forks() })).unwrap();
    let end = in_child(|| {
        let new = Builder::new_multi_thread().worker_threads(1).enable_all().nested_block_on(true).build().unwrap();
        let task = new.spawn(async {
            let (tell, told) = oneshot::channel();
            unstuck::spawn(async { tell.send(7).unwrap() });
            told.blocking_recv().unwrap()
        });
        assert_eq!(new.block_on(task).unwrap(), 7);
    });
    assert_eq!(end, End::Well);
}

/// The runtime is made the default in a child, so that it is not that of the other tests here.
#[test]
fn a_default_runtime_is_not_inherited() {
    let end = in_child(|| {
        let runtime = multi_thread(1);
        let mut guard = Some(runtime.handle().make_default());
        assert_was_told(in_child(|| drop(unstuck::spawn(async {}))));
        assert_was_told(in_child(|| drop(runtime.handle().make_default())));
        let end = in_child(|| {
            let new = multi_thread(1);
            let of_the_child = new.handle().make_default();
            // It is the parent's, and changes nothing here.
            drop(guard.take());
            assert_eq!(Handle::current().id(), new.handle().id());
            assert_eq!(new.block_on(unstuck::spawn(async { 7 })).unwrap(), 7);
            drop(of_the_child);
            assert!(Handle::try_current().is_err());
        });
        assert_eq!(end, End::Well);
        assert_eq!(Handle::current().id(), runtime.handle().id());
        drop(runtime);
    });
    assert_eq!(end, End::Well);
}
