//! Tasks with long polls: no more than so many at once, and none is left behind.

use unstuck_base::sync::atomic::{AtomicUsize, Ordering};
use unstuck_base::sync::{Arc, thread};
use unstuck_task::Runnable;

use super::{assert_each_ran_once, model_with};
use crate::numbered::Numbered;
use crate::pool::long::{Long, Turn};

/// What a worker does with such a task, and with those that it finds waiting.
fn poll(long: &Long, polled: &AtomicUsize, task: Runnable) {
    let mut next = Some(task);
    while let Some(task) = next.take() {
        match long.begin(task) {
            Turn::Now(task) => {
                assert_eq!(polled.fetch_add(1, Ordering::Relaxed), 0, "one at a time");
                task.run();
                polled.fetch_sub(1, Ordering::Relaxed);
                next = long.end();
            }
            Turn::Later => {}
            Turn::Never(_) => unreachable!("nobody closes it"),
        }
    }
}

#[test]
fn loom_long_one_at_a_time_and_each_has_its_turn() {
    model_with(3, || {
        let tasks = Numbered::new();
        let shared = Arc::new((Long::new(1), AtomicUsize::new(0)));
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
fn loom_long_one_that_rests_does_not_keep_another_waiting() {
    model_with(3, || {
        let tasks = Numbered::new();
        let long = Arc::new(Long::new(1));
        // It does not end before the other one has run.
        let Turn::Now(resting) = long.begin(tasks.task(0)) else { unreachable!("it is the first") };
        // Whichever of the two is told to.
        let run_the_other = |long: &Long, task| {
            if let Turn::Now(task) = long.begin(task) {
                task.run();
                assert!(long.end().is_none());
            }
        };
        let (task, shared) = (tasks.task(1), long.clone());
        let other = thread::spawn(move || run_the_other(&shared, task));
        long.rest(1, |task| run_the_other(&long, task));
        other.join().unwrap();
        assert_eq!(tasks.ends().ran, [1]);
        resting.run();
        assert!(long.end().is_none());
        assert_each_ran_once(&tasks, 2);
    });
}
