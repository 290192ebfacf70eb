//! Loom: nobody sleeps through a ring, and what the ringer wrote is seen.

use super::*;
use unstuck_base::sync::atomic::{AtomicBool, AtomicUsize};
use unstuck_base::sync::{Arc, Condvar, Mutex, thread};

/// A bed that is left when somebody wakes its sleeper, as an epoll instance with an eventfd.
struct Bed {
    bell: Bell,
    woken: Mutex<bool>,
    bed: Condvar,
    news: AtomicUsize,
    done: AtomicBool,
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
fn loom_bell_two_rings_are_both_seen() {
    loom::model(|| {
        let bed = Arc::new(Bed {
            bell: Bell::new(),
            woken: Mutex::new(false),
            bed: Condvar::new(),
            news: AtomicUsize::new(0),
            done: AtomicBool::new(false),
        });
        let other = thread::spawn({
            let bed = bed.clone();
            move || {
                bed.news.fetch_add(1, Ordering::Relaxed);
                bed.ring();
            }
        });
        let third = thread::spawn({
            let bed = bed.clone();
            move || {
                bed.news.fetch_add(1, Ordering::Relaxed);
                bed.ring();
            }
        });
        while bed.news.load(Ordering::Relaxed) < 2 {
            bed.sleep();
        }
        bed.done.store(true, Ordering::Relaxed);
        other.join().unwrap();
        third.join().unwrap();
    });
}
