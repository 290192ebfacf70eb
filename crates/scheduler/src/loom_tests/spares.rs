//! Threads in blocking parts, and who runs tasks meanwhile.

use std::sync::OnceLock;

use unstuck_base::parker::{self, Parker};
use unstuck_base::sync::Arc;
use unstuck_base::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use unstuck_context::Handle;

use super::model_with;
use crate::{Hooks, bare};

#[test]
fn loom_spares_one_that_comes_back_stands_in_for_who_has_none() {
    model_with(0, || {
        // The worker, its spare, and that one's spare are in blocking parts: the last without anybody in its place.
        let runtime = bare::pool_with_spares(1, 2, Hooks::default());
        let begun = Arc::new(AtomicUsize::new(0));
        let (bells, all) = (Arc::new([Parker::new(), Parker::new(), Parker::new()]), Arc::new(Parker::new()));
        let tasks = [(); 3].map(|()| {
            let (handle, begun) = (runtime.handle.clone(), begun.clone());
            let (bells, all) = (bells.clone(), all.clone());
            runtime.handle.spawn(async move {
                let _blocking = handle.parts().scheduler.begin_blocking();
                let turn = begun.fetch_add(1, Ordering::Relaxed);
                if turn == 2 {
                    all.unpark();
                }
                bells[turn].park();
            })
        });
        all.park();
        // A spare that somebody had stood in for goes on: it is the only one that can run this.
        bells[1].unpark();
        parker::block_on(runtime.handle.spawn(async {})).unwrap();
        bells[0].unpark();
        bells[2].unpark();
        for task in tasks {
            parker::block_on(task).unwrap();
        }
        runtime.shut_down();
    });
}

#[test]
fn loom_spares_nobody_counts_on_a_worker_that_blocks_before_it_sleeps() {
    model_with(0, || {
        let context: Arc<OnceLock<Handle>> = Arc::new(OnceLock::new());
        let (begun, end) = (Arc::new(Parker::new()), Arc::new(Parker::new()));
        let blocked = AtomicBool::new(false);
        let park = std::sync::Arc::new({
            let (context, begun, end) = (context.clone(), begun.clone(), end.clone());
            move || {
                if !blocked.swap(true, Ordering::Relaxed) {
                    let handle = context.get().expect("set before any thread runs");
                    let _blocking = handle.parts().scheduler.begin_blocking();
                    begun.unpark();
                    end.park();
                }
            }
        });
        let runtime = bare::pool_with_spares(1, 1, Hooks { park: Some(park), ..Hooks::default() });
        let _is_new = context.set(runtime.handle.clone());
        begun.park();
        for _round in 0..2 {
            // More than one, so that the spare wants to wake another.
            for task in [(); 2].map(|()| runtime.handle.spawn(async {})) {
                parker::block_on(task).unwrap();
            }
        }
        end.unpark();
        runtime.shut_down();
    });
}
