//! `block_on` of a runtime and of its handles.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::common::{both, current_thread, multi_thread};
use unstuck::runtime::{Handle, Runtime, RuntimeFlavor};
use unstuck::task::yield_now;
use unstuck::time::sleep;

#[test]
fn the_root_future_need_not_be_send_and_may_borrow() {
    for runtime in both() {
        let counter = Rc::new(Cell::new(0));
        let borrowed = &counter;
        runtime.block_on(async {
            for _ in 0..3 {
                borrowed.set(borrowed.get() + 1);
                yield_now().await;
            }
        });
        assert_eq!(counter.get(), 3);
    }
}

#[test]
fn a_runtime_inside_a_runtime_tells_what_to_do() {
    for outer in both() {
        let inner = Arc::new(current_thread());
        let for_panic = inner.clone();
        let panic =
            outer.block_on(async move { catch_unwind(AssertUnwindSafe(|| for_panic.block_on(async {}))).unwrap_err() });
        let text = panic.downcast_ref::<&str>().map(|text| text.to_string());
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap();
        assert!(text.starts_with("Cannot start a runtime from within a runtime"), "{text}");
        // And nothing is broken by it.
        inner.block_on(async {});
    }
}

#[test]
fn a_panic_of_the_root_future_reaches_the_caller_and_the_runtime_goes_on() {
    for runtime in both() {
        let task = runtime.spawn(async {
            sleep(Duration::from_millis(1)).await;
            7
        });
        let panicked = catch_unwind(AssertUnwindSafe(|| runtime.block_on(async { panic!("root") })));
        assert_eq!(panicked.unwrap_err().downcast_ref::<&str>(), Some(&"root"));
        assert_eq!(runtime.block_on(task).unwrap(), 7);
    }
}

#[test]
fn two_threads_block_on_one_current_thread_runtime_and_the_second_takes_over() {
    let runtime = Arc::new(current_thread());
    let (first_runs, first_is_running) = mpsc::channel::<()>();
    let (second_waits, second_is_waiting) = mpsc::channel::<()>();
    let second = thread::spawn({
        let runtime = runtime.clone();
        move || {
            first_is_running.recv().unwrap();
            runtime.block_on(async move {
                second_waits.send(()).unwrap();
                // Needs the driver, which the other thread has until it leaves.
                for _ in 0..3 {
                    sleep(Duration::from_millis(1)).await;
                }
                unstuck::spawn(async { 5 }).await.unwrap()
            })
        }
    });
    runtime.block_on(async move {
        first_runs.send(()).unwrap();
        while second_is_waiting.try_recv().is_err() {
            sleep(Duration::from_millis(1)).await;
        }
    });
    assert_eq!(second.join().unwrap(), 5);
}

#[test]
fn many_threads_block_on_one_runtime() {
    for runtime in both() {
        let runtime = Arc::new(runtime);
        let threads: Vec<_> = (0..8)
            .map(|number| {
                let runtime = runtime.clone();
                thread::spawn(move || {
                    runtime.block_on(async move {
                        let mut sum = 0;
                        for _ in 0..50 {
                            sum += unstuck::spawn(async move { number }).await.unwrap();
                        }
                        sum
                    })
                })
            })
            .collect();
        for (number, thread) in threads.into_iter().enumerate() {
            assert_eq!(thread.join().unwrap(), 50 * number);
        }
    }
}

#[test]
fn a_handle_blocks_on_from_another_thread() {
    let runtime = multi_thread(1);
    let handle = runtime.handle().clone();
    let sum = thread::spawn(move || {
        handle.block_on(async {
            sleep(Duration::from_millis(1)).await;
            let (a, b) = unstuck::join!(unstuck::spawn(async { 1 }), unstuck::spawn(async { 2 }));
            a.unwrap() + b.unwrap()
        })
    });
    assert_eq!(sum.join().unwrap(), 3);
}

#[test]
fn blocking_threads_are_in_the_runtimes_context_and_may_block_on() {
    for runtime in both() {
        let answer = runtime.block_on(async {
            let work = unstuck::task::spawn_blocking(|| {
                let handle = Handle::current();
                let flavor = handle.runtime_flavor();
                (handle.block_on(async { unstuck::spawn(async { 11 }).await.unwrap() }), flavor)
            });
            work.await.unwrap()
        });
        assert_eq!(answer, (11, runtime.handle().runtime_flavor()));
    }
}

#[test]
fn entering_makes_a_runtime_current_and_guards_nest() {
    let (one, two) = (current_thread(), multi_thread(1));
    assert!(Handle::try_current().is_err());
    {
        let _one = one.enter();
        assert_eq!(Handle::current().runtime_flavor(), RuntimeFlavor::CurrentThread);
        {
            let _two = two.enter();
            assert_eq!(Handle::current().runtime_flavor(), RuntimeFlavor::MultiThread);
        }
        assert_eq!(Handle::current().runtime_flavor(), RuntimeFlavor::CurrentThread);
    }
    assert!(Handle::try_current().unwrap_err().is_missing_context());
}

#[test]
fn guards_dropped_out_of_order_panic_and_leave_nothing_dangling() {
    let (one, two) = (current_thread(), current_thread());
    let first = one.enter();
    let second = two.enter();
    let panic = catch_unwind(AssertUnwindSafe(|| drop(first))).unwrap_err();
    assert!(panic.downcast_ref::<&str>().unwrap().contains("dropped out of order"));
    drop(second);
    // The first is current again, for ever: its memory must still be there.
    drop(one);
    drop(two);
    let handle = Handle::current();
    assert!(handle.spawn(async {}).is_finished());
}

#[test]
#[should_panic(expected = "there is no reactor running")]
fn spawning_outside_a_runtime_tells_what_to_do() {
    unstuck::spawn(async {});
}

#[test]
fn a_default_runtime_is_multi_threaded() {
    let runtime = Runtime::new().unwrap();
    assert_eq!(runtime.handle().runtime_flavor(), RuntimeFlavor::MultiThread);
}
