//! Threads in blocking parts, and who runs tasks meanwhile.

use unstuck_base::parker::{self, Parker};
use unstuck_base::sync::Arc;
use unstuck_base::sync::atomic::{AtomicBool, Ordering};

use super::model_with;
use crate::{Hooks, bare};

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
