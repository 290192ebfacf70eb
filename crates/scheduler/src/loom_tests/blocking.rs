//! The calls of blocking threads, over a queue that is a number and threads that exist already.

use unstuck_base::parker::Parker;
use unstuck_base::sync::{Arc, Mutex, thread};

use super::model_with;
use crate::blocking::Calls;

struct Toy {
    calls: Calls,
    jobs: Mutex<usize>,
    idle: Mutex<Vec<usize>>,
    parkers: [Parker; 2],
}

impl Toy {
    /// All threads are idle.
    fn new(threads: usize) -> Arc<Toy> {
        Arc::new(Toy {
            calls: Calls::new(),
            jobs: Mutex::new(0),
            idle: Mutex::new((0..threads).collect()),
            parkers: [Parker::new(), Parker::new()],
        })
    }

    fn queue(&self) {
        {
            let mut jobs = self.jobs.lock();
            self.calls.announce();
            *jobs += 1;
        }
        self.call();
    }

    fn call(&self) {
        if !self.calls.must_call() {
            return;
        }
        let mut idle = self.idle.lock();
        if !self.calls.must_call() {
            return;
        }
        if let Some(name) = idle.pop() {
            self.calls.search();
            drop(idle);
            self.parkers[name].unpark();
        }
    }

    fn find(&self) -> bool {
        if self.calls.queued() == 0 {
            return false;
        }
        let mut jobs = self.jobs.lock();
        if *jobs == 0 {
            return false;
        }
        *jobs -= 1;
        self.calls.withdraw(1);
        true
    }

    /// An idle thread, which does `jobs` jobs.
    fn work(&self, name: usize, jobs: usize) {
        self.parkers[name].park();
        for job in 0..jobs {
            if job > 0 {
                self.calls.search();
            }
            while !self.find() {
                self.idle.lock().push(name);
                if self.calls.stop_searching() && self.leave_idle(name) {
                    self.calls.search();
                } else {
                    self.parkers[name].park();
                }
            }
            if self.calls.stop_searching() {
                self.call();
            }
        }
    }

    fn leave_idle(&self, name: usize) -> bool {
        let mut idle = self.idle.lock();
        let at = idle.iter().position(|other| *other == name);
        at.map(|at| idle.swap_remove(at)).is_some()
    }
}

#[test]
fn loom_calls_one_thread_does_all_jobs() {
    model_with(3, || {
        let toy = Toy::new(1);
        let worker = thread::spawn({
            let toy = toy.clone();
            move || toy.work(0, 2)
        });
        toy.queue();
        toy.queue();
        worker.join().unwrap();
        assert_eq!(toy.calls.queued(), 0);
    });
}

#[test]
fn loom_calls_two_threads_do_one_job_each() {
    model_with(2, || {
        let toy = Toy::new(2);
        let workers = [0, 1].map(|name| {
            let toy = toy.clone();
            thread::spawn(move || toy.work(name, 1))
        });
        // Each does one job and goes: so both must be called.
        toy.queue();
        toy.queue();
        for worker in workers {
            worker.join().unwrap();
        }
    });
}
