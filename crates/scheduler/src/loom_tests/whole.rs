//! Whole schedulers in their smallest shapes: `single`, and a `pool` with its threads (and blocking ones), over a kernel
//! with nothing outside.

use std::future::poll_fn;
use std::task::{Poll, Waker};

use unstuck_base::parker::{self, Parker};
use unstuck_base::sync::atomic::{AtomicBool, Ordering};
use unstuck_base::sync::{Arc, Mutex, thread};
use unstuck_context::Blocking;

use super::model_with;
use crate::{Hooks, bare};

#[test]
fn loom_single_a_root_future_woken_from_elsewhere_is_polled_again() {
    model_with(3, || {
        let runtime = bare::single();
        let _context = runtime.handle.enter();
        let mut waking = None;
        let done = Arc::new(AtomicBool::new(false));
        let ended = runtime.scheduler.block_on(poll_fn(|cx| {
            if waking.is_none() {
                let (waker, done) = (cx.waker().clone(), done.clone());
                waking = Some(thread::spawn(move || {
                    done.store(true, Ordering::Relaxed);
                    waker.wake();
                }));
            }
            if done.load(Ordering::Relaxed) { Poll::Ready(()) } else { Poll::Pending }
        }));
        ended.unwrap();
        waking.unwrap().join().unwrap();
    });
}

#[test]
fn loom_single_a_task_spawned_from_elsewhere_runs() {
    model_with(2, || {
        let runtime = bare::single();
        let _context = runtime.handle.enter();
        let (handle, place) = (runtime.handle.clone(), Arc::new(Mutex::new((false, None::<Waker>))));
        // Only the task itself wakes the root future.
        let spawning = thread::spawn({
            let place = place.clone();
            move || {
                drop(handle.spawn(async move {
                    let waker = {
                        let mut place = place.lock();
                        place.0 = true;
                        place.1.take()
                    };
                    waker.into_iter().for_each(Waker::wake);
                }));
            }
        });
        let ended = runtime.scheduler.block_on(poll_fn(|cx| {
            let mut place = place.lock();
            place.1 = Some(cx.waker().clone());
            if place.0 { Poll::Ready(()) } else { Poll::Pending }
        }));
        ended.unwrap();
        spawning.join().unwrap();
    });
}

#[test]
fn loom_single_a_task_spawned_while_it_ends_ends_too() {
    model_with(2, || {
        let runtime = bare::single();
        let handle = runtime.handle.clone();
        let spawning = thread::spawn(move || handle.spawn(async {}));
        {
            let _context = runtime.handle.enter();
            runtime.scheduler.shut_down();
        }
        assert!(spawning.join().unwrap().is_finished());
    });
}

#[test]
fn loom_pool_closing_reaches_a_worker_that_goes_to_sleep() {
    model_with(3, || {
        let runtime = bare::pool(1, Hooks::default());
        // From a thread of its own: the model explores less of what its first thread does.
        let closing = thread::spawn(move || runtime.shut_down());
        closing.join().unwrap();
    });
}

#[test]
fn loom_pool_a_task_spawned_from_elsewhere_runs() {
    model_with(3, || {
        let runtime = bare::pool(1, Hooks::default());
        // From a thread of its own: the model explores less of what its first thread does.
        let elsewhere = thread::spawn(move || {
            parker::block_on(runtime.handle.spawn(async {})).unwrap();
            runtime.shut_down();
        });
        elsewhere.join().unwrap();
    });
}

#[test]
fn loom_pool_a_task_spawned_while_it_ends_ends_too() {
    model_with(2, || {
        let runtime = bare::pool(1, Hooks::default());
        let handle = runtime.handle.clone();
        let spawning = thread::spawn(move || handle.spawn(async {}));
        runtime.shut_down();
        assert!(spawning.join().unwrap().is_finished());
    });
}

#[test]
fn loom_pool_a_task_woken_while_it_ends_is_dropped_by_the_pool() {
    model_with(2, || {
        let runtime = bare::pool(1, Hooks::default());
        let place = Arc::new(Mutex::new(None::<Waker>));
        let task = runtime.handle.spawn({
            let place = place.clone();
            poll_fn(move |cx| {
                *place.lock() = Some(cx.waker().clone());
                Poll::<()>::Pending
            })
        });
        let waking = thread::spawn(move || {
            let waker = place.lock().take();
            waker.into_iter().for_each(Waker::wake);
        });
        runtime.shut_down();
        assert!(task.is_finished());
        waking.join().unwrap();
    });
}

#[test]
fn loom_pool_a_blocking_part_is_replaced() {
    model_with(1, || {
        let runtime = bare::pool(1, Hooks::default());
        let handle = runtime.handle.clone();
        let task = runtime.handle.spawn(async move {
            let bell = Arc::new(Parker::new());
            let rings = bell.clone();
            handle.spawn(async move {
                rings.unpark();
            });
            let _blocking = handle.parts().scheduler.begin_blocking();
            bell.park();
        });
        parker::block_on(task).unwrap();
        runtime.shut_down();
    });
}

#[test]
fn loom_pool_a_blocking_part_that_begins_while_the_pool_ends_holds_nothing_up() {
    model_with(2, || {
        let runtime = bare::pool(1, Hooks::default());
        let handle = runtime.handle.clone();
        let task = runtime.handle.spawn(async move {
            let _blocking = handle.parts().scheduler.begin_blocking();
        });
        runtime.shut_down();
        assert!(task.is_finished());
    });
}

#[test]
fn loom_blocking_a_job_that_is_submitted_while_the_pool_closes_ends() {
    model_with(3, || {
        let runtime = bare::single();
        runtime.blocking.set_context(runtime.handle.clone());
        let handle = runtime.handle.clone();
        let submitting = thread::spawn(move || handle.spawn_blocking(|| ()));
        runtime.blocking.close(true);
        let task = submitting.join().unwrap();
        assert!(runtime.blocking.wait(None));
        assert!(task.is_finished());
        assert_eq!(runtime.blocking.queue_depth(), 0);
    });
}

#[test]
fn loom_blocking_a_job_that_comes_while_the_thread_goes_to_sleep_is_done() {
    model_with(2, || {
        let runtime = bare::single();
        runtime.blocking.set_context(runtime.handle.clone());
        for number in 0..2 {
            let work = runtime.handle.spawn_blocking(move || number);
            assert_eq!(parker::block_on(work).unwrap(), number);
        }
        runtime.blocking.close(true);
        assert!(runtime.blocking.wait(None));
    });
}
