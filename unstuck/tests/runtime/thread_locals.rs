//! While a thread ends, the destructors of its thread-locals may use the runtime: nothing aborts.

use std::cell::RefCell;
use std::future::{pending, poll_fn};
use std::sync::mpsc;
use std::task::{Poll, Waker};
use std::thread;

use crate::common::{both, multi_thread};
use unstuck::runtime::Handle;
use unstuck::task::JoinHandle;

type AtEnd = Box<dyn FnOnce()>;

struct RunsAtEnd(Option<AtEnd>);

impl Drop for RunsAtEnd {
    fn drop(&mut self) {
        (self.0.take().unwrap())();
    }
}

thread_local! {
    static AT_END: RefCell<Vec<RunsAtEnd>> = const { RefCell::new(Vec::new()) };
}

/// Runs `work` on a thread, and what it returns in a thread-local's destructor of that thread.
fn in_a_destructor(work: impl FnOnce() -> AtEnd + Send + 'static) {
    thread::spawn(move || {
        // Ours is registered first, so it is destroyed after whatever the runtime may register.
        AT_END.with_borrow_mut(|_| ());
        let at_end = work();
        AT_END.with_borrow_mut(|list| list.push(RunsAtEnd(Some(at_end))));
    })
    .join()
    .unwrap();
}

#[test]
fn waking_and_dropping_wakers() {
    for runtime in both() {
        let (send, receive) = mpsc::channel::<Waker>();
        let task = runtime.spawn(poll_fn(move |cx| {
            let first = send.send(cx.waker().clone()).is_ok();
            if first { Poll::Pending } else { Poll::Ready(()) }
        }));
        runtime.block_on(unstuck::task::yield_now());
        let waker = receive.recv().unwrap();
        let clone = waker.clone();
        drop(receive);
        in_a_destructor(move || {
            Box::new(move || {
                waker.wake();
                drop(clone);
            })
        });
        runtime.block_on(task).unwrap();
    }
}

#[test]
fn spawning_and_looking_for_the_current_runtime() {
    for runtime in both() {
        let (send, receive) = mpsc::channel::<JoinHandle<u32>>();
        let handle = runtime.handle().clone();
        in_a_destructor(move || {
            drop(handle.enter());
            Box::new(move || {
                assert!(Handle::try_current().is_err());
                send.send(handle.spawn(async { 4 })).unwrap();
                let _guard = handle.enter();
                assert!(Handle::try_current().is_ok());
            })
        });
        assert_eq!(runtime.block_on(receive.recv().unwrap()).unwrap(), 4);
    }
}

#[test]
fn dropping_join_handles_sleeps_and_whole_runtimes() {
    let runtime = multi_thread(1);
    let handle = runtime.handle().clone();
    in_a_destructor(move || {
        let task = handle.spawn(pending::<()>());
        let sleep = {
            let _guard = handle.enter();
            Box::pin(unstuck::time::sleep(std::time::Duration::from_secs(3600)))
        };
        let other = crate::common::current_thread();
        other.block_on(async { drop(unstuck::spawn(pending::<()>())) });
        Box::new(move || {
            task.abort();
            drop(task);
            drop(sleep);
            drop(other);
        })
    });
    runtime.block_on(async {});
}

#[test]
fn a_worker_thread_may_do_so_too() {
    let runtime = multi_thread(1);
    let (send, receive) = mpsc::channel::<bool>();
    let handle = runtime.handle().clone();
    let put = runtime.spawn(async move {
        let at_end: AtEnd = Box::new(move || {
            let task = handle.spawn(async {});
            send.send(Handle::try_current().is_err() && task.is_finished()).unwrap();
        });
        AT_END.with_borrow_mut(|list| list.push(RunsAtEnd(Some(at_end))));
    });
    runtime.block_on(put).unwrap();
    drop(runtime);
    assert!(receive.recv().unwrap());
}
