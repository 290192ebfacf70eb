//! The situations that the module must get right.

use std::future::{pending, poll_fn};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize as StdAtomicUsize;
use std::task::Poll;

use unstuck_base::parker::{Parker, block_on};

use super::*;
use crate::bare;

/// Counts how often workers were woken.
fn count_unparks() -> (Hooks, Arc<StdAtomicUsize>) {
    let unparks = Arc::new(StdAtomicUsize::new(0));
    let counts = unparks.clone();
    let unpark: crate::Hook = Arc::new(move || {
        counts.fetch_add(1, Ordering::SeqCst);
    });
    (Hooks { unpark: Some(unpark), ..Hooks::default() }, unparks)
}

fn wait_until_asleep(pool: &Pool, workers: usize) {
    while pool.shared.idle.sleeping() < workers {
        std::thread::yield_now();
    }
}

/// A future that is polled so many times, and wakes itself each time.
async fn yields(times: usize) {
    let mut left = times;
    poll_fn(|cx| {
        if left == 0 {
            return Poll::Ready(());
        }
        left -= 1;
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

#[test]
fn a_driver_that_breaks_ends_the_pool_and_all_who_wait_are_told() {
    for workers in 1..4 {
        let runtime = bare::pool(workers, Hooks::default());
        let tasks: Vec<_> = (0..10).map(|_| runtime.handle.spawn(pending::<()>())).collect();
        runtime.kernel.break_driver();
        for task in tasks {
            assert!(block_on(task).unwrap_err().is_cancelled());
        }
        assert!(block_on(runtime.handle.spawn(async {})).unwrap_err().is_cancelled());
        // Nobody hangs at the end either.
        runtime.shut_down();
    }
}

#[test]
fn a_task_that_yields_alone_wakes_no_other_worker() {
    let (hooks, unparks) = count_unparks();
    let runtime = bare::pool(3, hooks);
    wait_until_asleep(&runtime.scheduler, 3);
    block_on(runtime.handle.spawn(yields(10_000))).unwrap();
    // One worker for the task.
    let unparks = unparks.load(Ordering::SeqCst);
    assert!(unparks <= 1, "{unparks} wake-ups");
    runtime.shut_down();
}

#[test]
fn tasks_that_yield_together_are_shared() {
    let runtime = bare::pool(2, Hooks::default());
    wait_until_asleep(&runtime.scheduler, 2);
    let handle = runtime.handle.clone();
    // Both are spawned by one worker, and they yield for as long as the other one was not polled by another.
    let task = runtime.handle.spawn(async move {
        let threads = Arc::new(std::sync::Mutex::new(std::collections::HashSet::new()));
        let both: Vec<_> = (0..2)
            .map(|_| {
                let threads = threads.clone();
                handle.spawn(async move {
                    loop {
                        threads.lock().unwrap().insert(std::thread::current().id());
                        if threads.lock().unwrap().len() == 2 {
                            return;
                        }
                        yields(1).await;
                    }
                })
            })
            .collect();
        for task in both {
            task.await.unwrap();
        }
    });
    block_on(task).unwrap();
    runtime.shut_down();
}

#[test]
fn the_end_of_a_blocking_part_wakes_the_spare_only() {
    let (hooks, unparks) = count_unparks();
    let runtime = bare::pool(3, hooks);
    wait_until_asleep(&runtime.scheduler, 3);
    let handle = runtime.handle.clone();
    let shared = runtime.scheduler.scheduler();
    let task = runtime.handle.spawn(async move {
        let before = shared.idle.sleeping();
        let part = handle.parts().scheduler.begin_blocking();
        // The spare has nothing to do and sleeps, as the other two do.
        while shared.idle.sleeping() < before + 1 {
            std::thread::yield_now();
        }
        drop(part);
        // The spare goes; the others sleep on.
        while shared.places.visible() > 3 {
            std::thread::yield_now();
        }
        shared.idle.sleeping()
    });
    assert_eq!(block_on(task).unwrap(), 2);
    // One worker for the task, and the spare once.
    let unparks = unparks.load(Ordering::SeqCst);
    assert!(unparks <= 2, "{unparks} wake-ups");
    runtime.shut_down();
}

#[test]
fn a_spare_that_comes_back_from_a_blocking_part_stands_in_for_who_has_none() {
    // The worker, its spare, and that one's spare are in blocking parts: the last without anybody in its place.
    let runtime = bare::pool_of(1, 2, 2, Hooks::default());
    let begun = Arc::new(StdAtomicUsize::new(0));
    let ends = Arc::new([Parker::new(), Parker::new(), Parker::new()]);
    let parts = [(); 3].map(|()| {
        let (handle, begun, ends) = (runtime.handle.clone(), begun.clone(), ends.clone());
        runtime.handle.spawn(async move {
            let _blocking = handle.parts().scheduler.begin_blocking();
            ends[begun.fetch_add(1, Ordering::SeqCst)].park();
        })
    });
    while begun.load(Ordering::SeqCst) < 3 {
        std::thread::yield_now();
    }
    // A spare that somebody had stood in for goes on: nobody else can run this.
    ends[1].unpark();
    block_on(runtime.handle.spawn(async {})).unwrap();
    ends[0].unpark();
    ends[2].unpark();
    for part in parts {
        block_on(part).unwrap();
    }
    runtime.shut_down();
}

#[test]
fn a_spare_that_is_needed_stays_while_another_waits_for_a_thread() {
    // There is one thread for blocking work, and its spare has it.
    let runtime = bare::pool_of(1, 2, 1, Hooks::default());
    let (begun, end) = (Arc::new(Parker::new()), Arc::new(Parker::new()));
    let part = {
        let (handle, begun, end) = (runtime.handle.clone(), begun.clone(), end.clone());
        runtime.handle.spawn(async move {
            let _blocking = handle.parts().scheduler.begin_blocking();
            begun.unpark();
            end.park();
        })
    };
    begun.park();
    // On the spare: work that waits for a task is queued for its thread, and then a spare for the spare.
    let goes_on = Arc::new(Parker::new());
    let (handle, blocking, waits) = (runtime.handle.clone(), runtime.blocking.clone(), goes_on.clone());
    let short_part = runtime.handle.spawn(async move {
        let work = Box::new(move || waits.park());
        assert!(blocking.offload(work).is_ok());
        drop(handle.parts().scheduler.begin_blocking());
    });
    block_on(short_part).unwrap();
    // If the spare went now, its thread would do that work, and nobody run this.
    block_on(runtime.handle.spawn(async move {
        goes_on.unpark();
    }))
    .unwrap();
    end.unpark();
    block_on(part).unwrap();
    runtime.shut_down();
}

#[test]
fn news_from_outside_reach_a_task_while_others_keep_every_worker_busy() {
    let runtime = bare::pool(2, Hooks::default());
    let over = Arc::new(AtomicBool::new(false));
    let busy = [(); 2].map(|()| {
        let over = over.clone();
        runtime.handle.spawn(async move {
            while !over.load(Ordering::SeqCst) {
                yields(1).await;
            }
        })
    });
    for count in 1..=100 {
        let kernel = runtime.kernel.clone();
        let reader = runtime.handle.spawn(poll_fn(move |cx| kernel.poll_news(count, cx)));
        runtime.kernel.bring_news();
        block_on(reader).unwrap();
    }
    over.store(true, Ordering::SeqCst);
    for task in busy {
        block_on(task).unwrap();
    }
    runtime.shut_down();
}
