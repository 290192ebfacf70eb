//! Workers as `idle.md` has them, over a queue that is a number.

use unstuck_base::parker::Parker;
use unstuck_base::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use unstuck_base::sync::{Arc, thread};

use super::model_with;
use crate::pool::idle::Idle;

struct Toy {
    idle: Idle,
    queue: AtomicUsize,
    closed: AtomicBool,
    parkers: [Parker; 2],
}

impl Toy {
    fn new() -> Arc<Toy> {
        Arc::new(Toy {
            idle: Idle::new(2),
            queue: AtomicUsize::new(0),
            closed: AtomicBool::new(false),
            parkers: [Parker::new(), Parker::new()],
        })
    }

    fn push(&self) {
        self.queue.fetch_add(1, Ordering::Relaxed);
        self.wake_one();
    }

    fn wake_one(&self) {
        if let Some(name) = self.idle.wake_one() {
            self.parkers[name].unpark();
        }
    }

    fn close(&self) {
        self.closed.store(true, Ordering::Release);
        for name in self.idle.wake_all() {
            self.parkers[name].unpark();
        }
    }

    fn take(&self) -> bool {
        self.queue.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |queued| queued.checked_sub(1)).is_ok()
    }

    /// Takes one, sleeping for it if need be. `false`: closed.
    fn work(&self, name: usize) -> bool {
        let mut searching = self.idle.search();
        loop {
            if self.take() {
                if searching && self.idle.stop_searching() && self.queue.load(Ordering::Relaxed) > 0 {
                    self.wake_one();
                }
                return true;
            }
            if self.closed.load(Ordering::Acquire) {
                return false;
            }
            self.idle.sleep(name, searching);
            if self.queue.load(Ordering::Relaxed) == 0 && !self.closed.load(Ordering::Acquire) {
                self.parkers[name].park();
            }
            self.idle.stay_awake(name);
            searching = true;
        }
    }
}

#[test]
fn loom_idle_a_worker_never_sleeps_on_queued_work() {
    loom::model(|| {
        let toy = Toy::new();
        let worker = thread::spawn({
            let toy = toy.clone();
            move || assert!(toy.work(0))
        });
        toy.push();
        worker.join().unwrap();
    });
}

#[test]
fn loom_idle_two_workers_share_two_pushes() {
    model_with(2, || {
        let toy = Toy::new();
        let workers = [0, 1].map(|name| {
            let toy = toy.clone();
            thread::spawn(move || assert!(toy.work(name)))
        });
        toy.push();
        toy.push();
        for worker in workers {
            worker.join().unwrap();
        }
    });
}

#[test]
fn loom_idle_closing_reaches_every_worker() {
    model_with(2, || {
        let toy = Toy::new();
        let workers = [0, 1].map(|name| {
            let toy = toy.clone();
            thread::spawn(move || assert!(!toy.work(name)))
        });
        toy.close();
        for worker in workers {
            worker.join().unwrap();
        }
    });
}

#[test]
fn loom_idle_a_certain_sleeper_hears_that_it_is_to_go() {
    loom::model(|| {
        let toy = Toy::new();
        let spare = thread::spawn({
            let toy = toy.clone();
            // `closed` stands for "a spare is to end".
            move || assert!(!toy.work(1))
        });
        toy.closed.store(true, Ordering::Relaxed);
        if let Some(name) = toy.idle.wake_a(|name| name == 1) {
            toy.parkers[name].unpark();
        }
        spare.join().unwrap();
    });
}
