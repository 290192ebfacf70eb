//! Polls of one kind: no more than so many at once, and none is left behind.

use unstuck_base::sync::atomic::{AtomicUsize, Ordering};
use unstuck_base::sync::{Arc, thread};
use unstuck_task::Runnable;

use super::{assert_each_ran_once, model_with};
use crate::numbered::Numbered;
use crate::pool::gate::{Gate, Turn};
use crate::pool::idle::Idle;

/// What a worker does with such a task, and with those that it finds waiting.
fn poll(gate: &Gate, polled: &AtomicUsize, task: Runnable) {
    let mut next = Some(task);
    while let Some(task) = next.take() {
        match gate.begin(task) {
            Turn::Now(task) => {
                assert_eq!(polled.fetch_add(1, Ordering::Relaxed), 0, "one at a time");
                task.run();
                polled.fetch_sub(1, Ordering::Relaxed);
                next = gate.end();
            }
            Turn::Later => {}
            Turn::Never(_) => unreachable!("nobody closes it"),
        }
    }
}

#[test]
fn loom_gate_one_at_a_time_and_each_has_its_turn() {
    model_with(3, || {
        let tasks = Numbered::new();
        let shared = Arc::new((Gate::new(1), AtomicUsize::new(0)));
        let threads = [1, 2].map(|number| {
            let (task, shared) = (tasks.task(number), shared.clone());
            thread::spawn(move || poll(&shared.0, &shared.1, task))
        });
        poll(&shared.0, &shared.1, tasks.task(0));
        for thread in threads {
            thread.join().unwrap();
        }
        assert_each_ran_once(&tasks, 3);
    });
}

#[test]
fn loom_gate_one_that_rests_does_not_keep_another_waiting() {
    model_with(3, || {
        let tasks = Numbered::new();
        let gate = Arc::new(Gate::new(1));
        // It does not end before the other one has run.
        let Turn::Now(resting) = gate.begin(tasks.task(0)) else { unreachable!("it is the first") };
        // Whichever of the two is told to.
        let run_the_other = |gate: &Gate, task| {
            if let Turn::Now(task) = gate.begin(task) {
                task.run();
                assert!(gate.end().is_none());
            }
        };
        let (task, shared) = (tasks.task(1), gate.clone());
        let other = thread::spawn(move || run_the_other(&shared, task));
        gate.set_room(2);
        if let Some(task) = gate.take_if_there_is_room() {
            run_the_other(&gate, task);
        }
        other.join().unwrap();
        assert_eq!(tasks.ends().ran, [1]);
        resting.run();
        assert!(gate.end().is_none());
        assert_each_ran_once(&tasks, 2);
    });
}

#[test]
fn loom_gate_one_that_is_left_goes_to_who_ends_or_to_who_needs_no_room() {
    model_with(3, || {
        let tasks = Numbered::new();
        let gate = Arc::new(Gate::new(1));
        let Turn::Now(first) = gate.begin(tasks.task(0)) else { unreachable!("it is the first") };
        let (task, shared) = (tasks.task(1), gate.clone());
        let polled = Arc::new(AtomicUsize::new(0));
        let leaves = thread::spawn({
            let polled = polled.clone();
            move || poll(&shared, &polled, task)
        });
        let shared = gate.clone();
        let takes = thread::spawn(move || {
            if let Some(task) = shared.take() {
                task.run();
            }
        });
        first.run();
        if let Some(next) = gate.end() {
            poll(&gate, &polled, next);
        }
        leaves.join().unwrap();
        takes.join().unwrap();
        assert!(gate.is_empty());
        assert_each_ran_once(&tasks, 2);
    });
}

#[test]
fn loom_gate_the_monitor_takes_what_nobody_else_does() {
    model_with(3, || {
        let tasks = Numbered::new();
        let gate = Arc::new(Gate::new(1));
        let Turn::Now(first) = gate.begin(tasks.task(0)) else { unreachable!("it is the first") };
        for number in [1, 2] {
            let Turn::Later = gate.begin(tasks.task(number)) else { unreachable!("there is no room") };
        }
        // It needs no room, and so does not end a poll here.
        let shared = gate.clone();
        let takes = thread::spawn(move || {
            if let Some(task) = shared.take() {
                task.run();
            }
        });
        first.run();
        if let Some(next) = gate.end() {
            // As if such a thread had stolen it.
            next.run();
        }
        takes.join().unwrap();
        while let Some(task) = gate.take_if_there_is_room() {
            task.run();
        }
        assert_each_ran_once(&tasks, 3);
    });
}

#[test]
fn loom_gate_who_falls_asleep_sees_what_was_left_or_is_woken() {
    model_with(3, || {
        let tasks = Numbered::new();
        let shared = Arc::new((Gate::new(1), Idle::new(1)));
        let Turn::Now(first) = shared.0.begin(tasks.task(0)) else { unreachable!("it is the first") };
        let (task, spare) = (tasks.task(1), shared.clone());
        let spare = thread::spawn(move || {
            let Turn::Later = spare.0.begin(task) else { unreachable!("there is no room") };
            spare.1.wake_a(|_| true).is_some()
        });
        // As a worker does it; see `idle.md`.
        shared.1.sleep(0, false);
        let sees = !shared.0.is_empty();
        let woken = spare.join().unwrap();
        assert!(sees || woken);
        first.run();
        shared.0.end().expect("it was left").run();
        assert_each_ran_once(&tasks, 2);
    });
}
