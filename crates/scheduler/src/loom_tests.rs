//! Loom: ring, inject, idle, place, places.

use std::panic::Location;

use unstuck_base::local;
use unstuck_base::parker::Parker;
use unstuck_base::sync::atomic::{AtomicUsize, Ordering};
use unstuck_base::sync::{Arc, thread};
use unstuck_task::{HomeRef, Id, Runnable, Schedule, TaskList, unlisted};

use crate::inject::Inject;
use crate::pool::idle::Idle;
use crate::pool::place::Place;
use crate::pool::ring::{Ring, SIZE};

/// Nothing is scheduled in these tests: the tasks are ready at once.
struct Nowhere;

impl Schedule for Nowhere {
    fn schedule(&self, _task: Runnable) {
        unreachable!("the tasks never wait");
    }

    fn reschedule(&self, _task: Runnable) {
        unreachable!("the tasks never wait");
    }

    fn tasks(&self) -> Option<&TaskList> {
        None
    }
}

/// Makes tasks that count how often each was run.
struct Tasks {
    home: HomeRef,
    runs: std::sync::Arc<Vec<std::sync::atomic::AtomicUsize>>,
}

impl Tasks {
    fn new(count: usize) -> Self {
        let home = HomeRef::new();
        // SAFETY: a constant lives for ever.
        unsafe { home.bind(&Nowhere) };
        Tasks { home, runs: std::sync::Arc::new((0..count).map(|_| Default::default()).collect()) }
    }

    fn make(&self, number: usize) -> Runnable {
        let runs = self.runs.clone();
        let work = async move {
            runs[number].fetch_add(1, Ordering::Relaxed);
        };
        let id = Id::from_number(local::next_task_id());
        unlisted(work, &self.home, id, Location::caller()).0
    }

    fn assert_each_ran_once(&self) {
        for (number, runs) in self.runs.iter().enumerate() {
            assert_eq!(runs.load(Ordering::Relaxed), 1, "task {number}");
        }
    }
}

#[test]
fn loom_ring_owner_and_thief_share_each_runnable_once() {
    loom::model(|| {
        let tasks = Tasks::new(4);
        let ring = Arc::new(Ring::new());
        for number in 0..3 {
            ring.push(tasks.make(number)).unwrap();
        }
        let thief = thread::spawn({
            let ring = ring.clone();
            move || {
                let mine = Ring::new();
                if let Some(first) = ring.take_into(&mine) {
                    first.run();
                }
                while let Some(task) = mine.pop() {
                    task.run();
                }
            }
        });
        if let Some(task) = ring.pop() {
            task.run();
        }
        ring.push(tasks.make(3)).unwrap();
        thief.join().unwrap();
        while let Some(task) = ring.pop() {
            task.run();
        }
        tasks.assert_each_ran_once();
    });
}

#[test]
fn loom_ring_overwrites_no_slot_that_a_thief_reads() {
    loom::model(|| {
        let tasks = Tasks::new(SIZE + 1);
        let ring = Arc::new(Ring::new());
        for number in 0..SIZE {
            ring.push(tasks.make(number)).unwrap();
        }
        let thief = thread::spawn({
            let ring = ring.clone();
            move || {
                let mine = Ring::new();
                if let Some(first) = ring.take_into(&mine) {
                    first.run();
                }
                while let Some(task) = mine.pop() {
                    task.run();
                }
            }
        });
        // Goes into the slot of the oldest, if the thief has taken it, else it is refused and runs here.
        if let Err(task) = ring.push(tasks.make(SIZE)) {
            task.run();
        }
        thief.join().unwrap();
        while let Some(task) = ring.pop() {
            task.run();
        }
        tasks.assert_each_ran_once();
    });
}

#[test]
fn loom_inject_two_pushers_one_taker() {
    loom::model(|| {
        let tasks = Tasks::new(3);
        let inject = Arc::new(Inject::new());
        inject.push(tasks.make(0));
        let (one, two) = (tasks.make(1), tasks.make(2));
        let pusher = thread::spawn({
            let inject = inject.clone();
            move || inject.push(one)
        });
        let taker = thread::spawn({
            let inject = inject.clone();
            move || {
                inject.take(2, Runnable::run);
            }
        });
        inject.push(two);
        pusher.join().unwrap();
        taker.join().unwrap();
        while let Some(task) = inject.pop() {
            task.run();
        }
        assert_eq!(inject.len(), 0);
        tasks.assert_each_ran_once();
    });
}

/// A worker as `idle.md` has it, over a queue that is a number.
struct Toy {
    idle: Idle,
    queue: AtomicUsize,
    parkers: [Parker; 2],
}

impl Toy {
    fn new() -> Arc<Toy> {
        Arc::new(Toy { idle: Idle::new(2), queue: AtomicUsize::new(0), parkers: [Parker::new(), Parker::new()] })
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

    fn take(&self) -> bool {
        self.queue.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |queued| queued.checked_sub(1)).is_ok()
    }

    /// Takes one, sleeping for it if need be.
    fn work(&self, name: usize) {
        let mut searching = self.idle.search();
        loop {
            if self.take() {
                if searching && self.idle.stop_searching() && self.queue.load(Ordering::Relaxed) > 0 {
                    self.wake_one();
                }
                return;
            }
            self.idle.sleep(name, searching);
            if self.queue.load(Ordering::Relaxed) == 0 {
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
            move || toy.work(0)
        });
        toy.push();
        worker.join().unwrap();
    });
}

#[test]
fn loom_idle_two_workers_find_two_pieces_of_work() {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(2);
    model.check(|| {
        let toy = Toy::new();
        let workers = [0, 1].map(|name| {
            let toy = toy.clone();
            thread::spawn(move || toy.work(name))
        });
        toy.push();
        toy.push();
        for worker in workers {
            worker.join().unwrap();
        }
    });
}

#[test]
fn loom_place_an_unpark_reaches_the_worker_wherever_it_sleeps() {
    loom::model(|| {
        let shared = Arc::new((Place::new(), Parker::new()));
        let waking = thread::spawn({
            let shared = shared.clone();
            move || {
                shared.0.unpark(|| {
                    shared.1.unpark();
                });
            }
        });
        // The parker stands for the driver: without an unpark this would sleep for ever.
        shared.0.sit(|| shared.1.park());
        waking.join().unwrap();
    });
}

#[test]
fn loom_place_the_slot_gives_each_runnable_to_one_thread() {
    loom::model(|| {
        let tasks = Tasks::new(2);
        let place = Arc::new(Place::new());
        assert!(place.swap_slot(tasks.make(0)).is_none());
        let thief = thread::spawn({
            let place = place.clone();
            move || {
                if let Some(task) = place.take_slot() {
                    task.run();
                }
            }
        });
        if let Some(displaced) = place.swap_slot(tasks.make(1)) {
            displaced.run();
        }
        thief.join().unwrap();
        if let Some(task) = place.take_slot() {
            task.run();
        }
        tasks.assert_each_ran_once();
    });
}
