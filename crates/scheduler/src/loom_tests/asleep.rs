//! A thread that goes to sleep against one that queues something for it.

use unstuck_base::parker::Parker;
use unstuck_base::sync::atomic::{AtomicUsize, Ordering};
use unstuck_base::sync::{Arc, thread};

use crate::asleep::Asleep;

/// The flag, what is queued, and a parker that stands for the driver: without an unpark it would sleep for ever.
type Shared = (Asleep, AtomicUsize, Parker);

fn queue(shared: &Shared) {
    shared.1.store(1, Ordering::Relaxed);
    if shared.0.must_wake() {
        shared.2.unpark();
    }
}

fn sleep_until_queued(shared: &Shared) {
    while shared.1.load(Ordering::Relaxed) == 0 {
        shared.0.lie_down();
        if shared.1.load(Ordering::Relaxed) == 0 {
            shared.2.park();
        }
        shared.0.get_up();
    }
}

/// Both ways round: which thread comes first decides what the model explores.
fn both_ways(one: fn(&Shared), two: fn(&Shared)) {
    for (first, second) in [(one, two), (two, one)] {
        loom::model(move || {
            let shared = Arc::new((Asleep::new(), AtomicUsize::new(0), Parker::new()));
            let other = thread::spawn({
                let shared = shared.clone();
                move || second(&shared)
            });
            first(&shared);
            other.join().unwrap();
        });
    }
}

#[test]
fn loom_asleep_who_sleeps_on_queued_work_is_woken() {
    both_ways(queue, sleep_until_queued);
}
