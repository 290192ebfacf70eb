//! A worker's ring: its owner against a thief.

use unstuck_base::sync::{Arc, thread};

use super::assert_each_ran_once;
use crate::numbered::Numbered;
use crate::pool::ring::{Ring, SIZE};

fn steal_and_run(ring: &Ring) {
    let mine = Ring::new();
    if let Some(first) = ring.take_into(&mine) {
        first.run();
    }
    while let Some(task) = mine.pop() {
        task.run();
    }
}

#[test]
fn loom_ring_owner_and_thief_share_each_runnable_once() {
    loom::model(|| {
        let tasks = Numbered::new();
        let ring = Arc::new(Ring::new());
        for number in 0..3 {
            ring.push(tasks.task(number)).unwrap();
        }
        let thief = thread::spawn({
            let ring = ring.clone();
            move || steal_and_run(&ring)
        });
        if let Some(task) = ring.pop() {
            task.run();
        }
        ring.push(tasks.task(3)).unwrap();
        thief.join().unwrap();
        while let Some(task) = ring.pop() {
            task.run();
        }
        assert_each_ran_once(&tasks, 4);
    });
}

#[test]
fn loom_ring_overwrites_no_slot_that_a_thief_reads() {
    loom::model(|| {
        let tasks = Numbered::new();
        let ring = Arc::new(Ring::new());
        for number in 0..SIZE {
            ring.push(tasks.task(number)).unwrap();
        }
        let thief = thread::spawn({
            let ring = ring.clone();
            move || steal_and_run(&ring)
        });
        // Goes into the slot of the oldest, if the thief has taken it, else it is refused and runs here.
        if let Err(task) = ring.push(tasks.task(SIZE)) {
            task.run();
        }
        thief.join().unwrap();
        while let Some(task) = ring.pop() {
            task.run();
        }
        assert_each_ran_once(&tasks, SIZE + 1);
    });
}

#[test]
fn loom_ring_a_thief_finds_whole_what_is_pushed_meanwhile() {
    loom::model(|| {
        let tasks = Numbered::new();
        let ring = Arc::new(Ring::new());
        let thief = thread::spawn({
            let ring = ring.clone();
            move || steal_and_run(&ring)
        });
        for number in 0..2 {
            ring.push(tasks.task(number)).unwrap();
        }
        thief.join().unwrap();
        while let Some(task) = ring.pop() {
            task.run();
        }
        assert_each_ran_once(&tasks, 2);
    });
}
