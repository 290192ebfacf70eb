//! Loom: permits, through the semaphore.

use unstuck_base::sync::atomic::{AtomicBool, Ordering::Relaxed};
use unstuck_base::sync::{Arc, thread};

use crate::Semaphore;

#[test]
fn loom_semaphore_nobody_has_more_than_there_is() {
    loom::model(|| {
        let semaphore = Arc::new(Semaphore::new(1));
        let other = thread::spawn({
            let semaphore = semaphore.clone();
            move || {
                semaphore.try_acquire().is_ok_and(|permit| {
                    permit.forget();
                    true
                })
            }
        });
        let mine = semaphore.try_acquire().is_ok_and(|permit| {
            permit.forget();
            true
        });
        assert!(mine != other.join().unwrap(), "exactly one of them has it");
    });
}

#[test]
fn loom_semaphore_who_is_refused_by_a_close_sees_what_came_before() {
    loom::model(|| {
        let shared = Arc::new((Semaphore::new(1), AtomicBool::new(false)));
        let closing = thread::spawn({
            let shared = shared.clone();
            move || {
                shared.1.store(true, Relaxed);
                shared.0.close();
            }
        });
        if shared.0.try_acquire().is_err() {
            assert!(shared.1.load(Relaxed));
        }
        closing.join().unwrap();
        assert_eq!(shared.0.available_permits(), 1);
    });
}
