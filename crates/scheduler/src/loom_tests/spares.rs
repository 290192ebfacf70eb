//! Threads in blocking parts, and who runs tasks meanwhile.

use std::time::Duration;

use unstuck_base::parker::{self, Parker};
use unstuck_base::sync::Arc;
use unstuck_base::sync::atomic::{AtomicBool, Ordering};
use unstuck_context::Handle;
use unstuck_task::JoinHandle;

use super::model_with;
use crate::bare::{self, Runtime};
use crate::{Hooks, Pool};

/// A blocking part: says that it has begun, and ends when it is told.
#[derive(Default)]
pub(super) struct Part {
    pub(super) begun: Parker,
    pub(super) end: Parker,
}

impl Part {
    pub(super) fn run(&self, handle: &Handle) {
        let _blocking = handle.parts().scheduler.begin_blocking();
        self.begun.unpark();
        self.end.park();
    }
}

/// A task that has these blocking parts, one after the other.
pub(super) fn spawn_parts(runtime: &Runtime<Pool>, parts: &[Arc<Part>]) -> JoinHandle<()> {
    let (handle, parts) = (runtime.handle.clone(), parts.to_vec());
    runtime.handle.spawn(async move { parts.iter().for_each(|part| part.run(&handle)) })
}

/// Waits until so many threads of the pool sleep. Without preemptions each of them does when its name is on the list.
pub(super) fn until_asleep(runtime: &Runtime<Pool>, count: usize) {
    let pool = runtime.scheduler.scheduler();
    while pool.idle.sleeping() < count {
        loom::thread::yield_now();
    }
}

#[test]
fn loom_spares_nobody_counts_on_a_worker_that_blocks_before_it_sleeps() {
    model_with(0, || {
        let (begun, end) = (Arc::new(Parker::new()), Arc::new(Parker::new()));
        let blocked = AtomicBool::new(false);
        let park = std::sync::Arc::new({
            let (begun, end) = (begun.clone(), end.clone());
            move || {
                if !blocked.swap(true, Ordering::Relaxed) {
                    let handle = unstuck_context::try_current().expect("hooks run in the context");
                    let _blocking = handle.parts().scheduler.begin_blocking();
                    begun.unpark();
                    end.park();
                }
            }
        });
        let runtime = bare::pool_with_spares(1, 1, Hooks { park: Some(park), ..Hooks::default() });
        begun.park();
        // The first may come while the spare is awake, the second while it sleeps.
        for _task in 0..2 {
            parker::block_on(runtime.handle.spawn(async {})).unwrap();
        }
        end.unpark();
        runtime.shut_down();
    });
}

#[test]
fn loom_spares_one_whose_blocking_part_ends_stands_in_for_who_has_nobody() {
    model_with(0, || {
        // One spare for two that block: the second has nobody in its place.
        let runtime = bare::pool_with_spares(1, 1, Hooks::default());
        let [first, second] = [Arc::new(Part::default()), Arc::new(Part::default())];
        let blocks = spawn_parts(&runtime, &[first.clone()]);
        first.begun.park();
        let blocks_too = spawn_parts(&runtime, &[second.clone()]);
        second.begun.park();
        second.end.unpark();
        parker::block_on(blocks_too).unwrap();
        // The first still blocks: nobody else can run this.
        parker::block_on(runtime.handle.spawn(async {})).unwrap();
        first.end.unpark();
        parker::block_on(blocks).unwrap();
        runtime.shut_down();
    });
}

#[test]
fn loom_spares_one_too_many_goes_whatever_it_does() {
    model_with(1, || {
        let runtime = bare::pool_of(1, 1, 1, Hooks::default());
        let handle = runtime.handle.clone();
        let blocking = runtime.handle.spawn(async move {
            drop(handle.parts().scheduler.begin_blocking());
        });
        parker::block_on(blocking).unwrap();
        while runtime.scheduler.scheduler().places.spares() > 0 {
            loom::thread::yield_now();
        }
        runtime.shut_down();
    });
}

#[test]
fn loom_spares_one_comes_though_all_threads_for_closures_are_busy() {
    model_with(0, || {
        let runtime = bare::pool_of(1, 1, 1, Hooks::default());
        let (part, closure) = (Arc::new(Part::default()), Arc::new(Part::default()));
        let busy = {
            let closure = closure.clone();
            runtime.handle.spawn_blocking(move || {
                closure.begun.unpark();
                closure.end.park();
            })
        };
        closure.begun.park();
        let queued = runtime.handle.spawn_blocking(|| ());
        let blocking = spawn_parts(&runtime, &[part.clone()]);
        part.begun.park();
        // Only the spare can run it.
        parker::block_on(runtime.handle.spawn(async {})).unwrap();
        part.end.unpark();
        parker::block_on(blocking).unwrap();
        closure.end.unpark();
        parker::block_on(busy).unwrap();
        parker::block_on(queued).unwrap();
        runtime.shut_down();
    });
}

#[test]
fn loom_spares_one_that_sleeps_hears_that_the_pool_ends() {
    model_with(0, || {
        let runtime = bare::pool_with_spares(1, 1, Hooks::default());
        let part = Arc::new(Part::default());
        let blocking = spawn_parts(&runtime, &[part.clone()]);
        part.begun.park();
        until_asleep(&runtime, 1);
        // Closes it: the worker is in its blocking part yet.
        assert!(!runtime.scheduler.shut_down(Some(Duration::ZERO)));
        part.end.unpark();
        assert!(parker::block_on(blocking).is_ok());
        runtime.shut_down();
    });
}

#[test]
fn loom_spares_one_that_goes_leaves_its_tasks_to_who_sleeps() {
    model_with(0, || {
        let runtime = bare::pool_with_spares(1, 1, Hooks::default());
        let part = Arc::new(Part::default());
        let blocking = spawn_parts(&runtime, &[part.clone()]);
        part.begun.park();
        let (begun, end) = (Arc::new(Parker::new()), Arc::new(Parker::new()));
        let of_spare = runtime.handle.spawn({
            let (handle, begun, end) = (runtime.handle.clone(), begun.clone(), end.clone());
            async move {
                begun.unpark();
                end.park();
                // The spare is one too many by now.
                handle.spawn(async {})
            }
        });
        begun.park();
        part.end.unpark();
        parker::block_on(blocking).unwrap();
        until_asleep(&runtime, 1);
        end.unpark();
        let left = parker::block_on(of_spare).unwrap();
        parker::block_on(left).unwrap();
        runtime.shut_down();
    });
}
