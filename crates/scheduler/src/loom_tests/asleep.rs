//! A thread that goes to sleep against one that queues something for it.

use unstuck_base::parker::Parker;
use unstuck_base::sync::atomic::{AtomicUsize, Ordering};
use unstuck_base::sync::{Arc, thread};

use crate::asleep::Asleep;

#[test]
fn loom_asleep_who_sleeps_on_queued_work_is_woken() {
    loom::model(|| {
        // The parker stands for the driver: without an unpark this would sleep for ever.
        let shared = Arc::new((Asleep::new(), AtomicUsize::new(0), Parker::new()));
        let queueing = thread::spawn({
            let shared = shared.clone();
            move || {
                shared.1.store(1, Ordering::Relaxed);
                if shared.0.must_wake() {
                    shared.2.unpark();
                }
            }
        });
        while shared.1.load(Ordering::Relaxed) == 0 {
            shared.0.lie_down();
            if shared.1.load(Ordering::Relaxed) == 0 {
                shared.2.park();
            }
            shared.0.get_up();
        }
        queueing.join().unwrap();
    });
}
