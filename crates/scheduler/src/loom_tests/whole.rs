//! Whole schedulers: `single`, and a `pool` with one worker, over a kernel with nothing outside.

use std::future::poll_fn;
use std::task::Poll;

use unstuck_base::sync::atomic::{AtomicBool, Ordering};
use unstuck_base::sync::{Arc, thread};

use super::model_with;
use crate::{Hooks, bare};

#[test]
fn loom_single_a_root_future_woken_from_elsewhere_is_polled_again() {
    model_with(2, || {
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
    model_with(2, || {
        let runtime = bare::pool(1, Hooks::default());
        runtime.shut_down();
    });
}

#[test]
fn loom_pool_a_task_spawned_while_it_ends_ends_too() {
    model_with(1, || {
        let runtime = bare::pool(1, Hooks::default());
        let handle = runtime.handle.clone();
        let spawning = thread::spawn(move || handle.spawn(async {}));
        runtime.shut_down();
        assert!(spawning.join().unwrap().is_finished());
    });
}
