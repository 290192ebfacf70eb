//! Loom: each word of this crate alone, then the whole of a scheduler in its smallest shape.

mod alarm;
mod asleep;
mod balance;
mod blocking;
mod gate;
mod idle;
mod inject;
mod latch;
mod places;
mod ring;
mod seat;
mod spares;
mod whole;

use crate::numbered::{Ends, Numbered};

/// Runs a model with at most so many preemptions in a run.
fn model_with(preemptions: usize, body: impl Fn() + Send + Sync + 'static) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(preemptions);
    // A whole pool takes more steps than loom allows unless it is told.
    model.max_branches = 10_000;
    model.check(body);
}

/// Asserts that each task below `count` has ended once.
fn assert_each_ended_once(tasks: &Numbered, count: usize) {
    let Ends { mut ran, cancelled } = tasks.ends();
    ran.extend(cancelled);
    ran.sort_unstable();
    assert_eq!(ran, (0..count).collect::<Vec<_>>());
}

/// Asserts that each task below `count` ran once.
fn assert_each_ran_once(tasks: &Numbered, count: usize) {
    assert_each_ended_once(tasks, count);
    assert!(tasks.ends().cancelled.is_empty());
}
