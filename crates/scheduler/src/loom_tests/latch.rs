//! Threads that end and go against one that waits for them.

use unstuck_base::sync::{Arc, UnsafeCell, thread};

use super::model_with;
use crate::latch::Latch;

#[test]
fn loom_latch_who_waited_finds_the_last_work_done() {
    model_with(3, || {
        let latch = Latch::new();
        let work = Arc::new(UnsafeCell::new(0));
        for present in [latch.enter(), latch.enter()] {
            let (latch, work) = (latch.clone(), work.clone());
            thread::spawn(move || {
                if latch.end() {
                    // SAFETY: one thread is the last to end; the one that waits looks when that has gone.
                    work.with_mut(|work| unsafe { *work += 1 });
                }
                drop(work);
                drop(present);
            });
        }
        assert!(latch.wait(0, None, || unreachable!("no limit, no clock")));
        assert!(!latch.is_anybody_running());
        // SAFETY: as above.
        work.with(|work| assert_eq!(unsafe { *work }, 1));
    });
}
