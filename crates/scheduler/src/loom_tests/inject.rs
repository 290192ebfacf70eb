//! The shared queue: pushers, a taker, and its closing.

use unstuck_base::sync::{Arc, thread};
use unstuck_task::Runnable;

use super::{assert_each_ended_once, assert_each_ran_once, model_with};
use crate::inject::Inject;
use crate::numbered::Numbered;

#[test]
fn loom_inject_two_pushers_one_taker() {
    loom::model(|| {
        let tasks = Numbered::new();
        let inject = Arc::new(Inject::new());
        inject.push(tasks.task(0)).unwrap();
        let (one, two) = (tasks.task(1), tasks.task(2));
        let pusher = thread::spawn({
            let inject = inject.clone();
            move || inject.push(one).unwrap()
        });
        let taker = thread::spawn({
            let inject = inject.clone();
            move || inject.take(|_| 2, Runnable::run)
        });
        inject.push_all([two, tasks.task(3)]).unwrap();
        pusher.join().unwrap();
        taker.join().unwrap();
        inject.take(|all| all, Runnable::run);
        assert!(inject.is_empty());
        assert_each_ran_once(&tasks, 4);
    });
}

#[test]
fn loom_inject_what_is_pushed_while_it_closes_is_taken_or_given_back() {
    model_with(3, || {
        let tasks = Numbered::new();
        let inject = Arc::new(Inject::new());
        inject.push(tasks.task(0)).unwrap();
        let one = tasks.task(1);
        let pusher = thread::spawn({
            let inject = inject.clone();
            move || drop(inject.push(one))
        });
        let taker = thread::spawn({
            let inject = inject.clone();
            move || inject.take(|_| 1, Runnable::run)
        });
        drop(inject.close());
        pusher.join().unwrap();
        taker.join().unwrap();
        assert!(inject.is_empty());
        assert!(inject.push(tasks.task(2)).is_err());
        assert_each_ended_once(&tasks, 3);
    });
}

#[test]
fn loom_inject_what_a_taker_leaves_is_seen_by_who_looks_before_it_sleeps() {
    loom::model(|| {
        let tasks = Numbered::new();
        let inject = Arc::new(Inject::new());
        inject.push(tasks.task(0)).unwrap();
        inject.push(tasks.task(1)).unwrap();
        // The model explores more when the one that changes things is its first thread.
        let looker = thread::spawn({
            let inject = inject.clone();
            // The taker leaves one, so at no moment is the queue empty.
            move || assert!(!inject.is_empty())
        });
        inject.take(|_| 1, Runnable::run);
        looker.join().unwrap();
        inject.take(|all| all, Runnable::run);
        assert_each_ran_once(&tasks, 2);
    });
}
