//! Loom: gate. (The pipes have no atomics: a lock is all there is.)

use std::panic::Location;
use std::pin::Pin;
use std::task::Poll;

use loom::future::block_on;
use unstuck_base::sync::{Arc, thread};

use crate::gate::Gate;

/// Adds 1 to what the gate guards, waiting for it as a task does.
fn add_one(gate: &Gate<u32>) {
    block_on(std::future::poll_fn(|cx| match gate.enter_after(0, cx) {
        Poll::Ready(mut inside) => {
            inside.with(|mut value| *Pin::as_mut(&mut value) += 1);
            Poll::Ready(())
        }
        Poll::Pending => Poll::Pending,
    }));
}

#[test]
fn loom_gate_lets_one_in_at_a_time_and_loses_no_wake_up() {
    loom::model(|| {
        let gate = Gate::new(0, Location::caller());
        let other = thread::spawn({
            let gate: Arc<Gate<u32>> = gate.clone();
            // Twice: to find the one inside who waited for it.
            move || (0..2).for_each(|_| add_one(&gate))
        });
        add_one(&gate);
        other.join().unwrap();
        assert_eq!(Gate::into_inner(gate), Some(3));
    });
}

#[test]
fn loom_gate_wakes_the_latest_waker_of_one_who_asks_twice() {
    loom::model(|| {
        let gate = Gate::new(0, Location::caller());
        let other = thread::spawn({
            let gate = gate.clone();
            move || add_one(&gate)
        });
        // A first poll with a waker that leads nowhere, as of a future that was moved to another task.
        let mut nowhere = std::task::Context::from_waker(std::task::Waker::noop());
        drop(gate.enter_after(0, &mut nowhere));
        add_one(&gate);
        other.join().unwrap();
        assert_eq!(Gate::into_inner(gate), Some(2));
    });
}
