//! Loom: nobody sleeps through a ring, and what the ringer wrote is seen.

use super::*;
use unstuck_base::sync::atomic::AtomicUsize;
use unstuck_base::sync::{Arc, Condvar, Mutex, thread};

/// A bed that is left when somebody wakes its sleeper, as an epoll instance with an eventfd.
struct Bed {
    bell: Bell,
    woken: Mutex<bool>,
    bed: Condvar,
    news: AtomicUsize,
}

impl Bed {
    fn ring(&self) {
        if self.bell.ring() == OnRing::Wake {
            *self.woken.lock() = true;
            self.bed.notify_one();
        }
    }

    fn sleep(&self) {
        if !self.bell.lie_down() {
            return;
        }
        let mut woken = self.woken.lock();
        while !*woken {
            woken = self.bed.wait(woken);
        }
        *woken = false;
        drop(woken);
        self.bell.get_up();
    }
}

#[test]
fn loom_bell_no_ring_is_slept_through() {
    loom::model(|| {
        let bed = Arc::new(Bed {
            bell: Bell::new(),
            woken: Mutex::new(false),
            bed: Condvar::new(),
            news: AtomicUsize::new(0),
        });
        let other = thread::spawn({
            let bed = bed.clone();
            move || {
                for _ in 0..2 {
                    bed.news.fetch_add(1, Ordering::Relaxed);
                    bed.ring();
                }
            }
        });
        while bed.news.load(Ordering::Relaxed) < 2 {
            bed.sleep();
        }
        other.join().unwrap();
    });
}
