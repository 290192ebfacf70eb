//! What an inspector sees.

use std::panic::Location;
use std::sync::Arc;
use std::task::Poll;

use unstuck_base::local::{self, WaitKind};
use unstuck_task::{Id, Origin, Probe};

use crate::fifo::Fifo;
use crate::tools::{Gate, poll_once};

/// A leaf that records what it waits for, `times` over, until the gate opens.
fn leaf(gate: &Gate, kind: WaitKind, key: usize, times: usize) -> impl Future<Output = ()> + Send + use<> {
    let mut pass = Box::pin(gate.pass());
    let at = Location::caller();
    std::future::poll_fn(move |cx| {
        let polled = pass.as_mut().poll(cx);
        if polled.is_pending() {
            (0..times).for_each(|more| local::wait_for(kind, key + more, at));
        }
        polled
    })
}

#[track_caller]
fn only(fifo: &Fifo) -> Probe {
    let probes = fifo.tasks().probes();
    assert_eq!(probes.len(), 1);
    probes[0].clone()
}

#[test]
fn a_task_is_seen_from_its_spawn_to_its_end() {
    let fifo = Fifo::new(1);
    let gate = Gate::new();
    let here = Location::caller();
    let join = fifo.spawn(gate.pass());
    let probe = only(&fifo);
    assert_eq!((probe.id, probe.polls, probe.running, probe.scheduled), (join.id(), 0, false, true));
    assert_eq!((probe.spawned_at.file(), probe.spawned_at.line()), (here.file(), here.line() + 1));
    fifo.run_all();
    let probe = only(&fifo);
    assert_eq!((probe.polls, probe.running, probe.scheduled), (1, false, false));
    gate.open();
    assert!(only(&fifo).scheduled);
    fifo.run_all();
    assert!(fifo.tasks().probes().is_empty());
}

#[test]
fn a_name_is_seen_and_outlives_the_task_with_who_saw_it() {
    let fifo = Fifo::new(1);
    let name = String::from("named");
    let origin = Origin::new(Id::from_number(local::next_task_id()), Location::caller());
    drop(fifo.spawn_from(async {}, Origin { name: Some(&name), ..origin }));
    drop(name);
    let probe = only(&fifo);
    fifo.run_all();
    assert_eq!(probe.name.as_deref(), Some("named"));
    drop(fifo.spawn(async {}));
    assert_eq!(only(&fifo).name, None);
}

#[test]
fn a_running_task_is_seen_running() {
    let fifo = Arc::new(Fifo::new(1));
    let looking = fifo.clone();
    drop(fifo.spawn(async move {
        let probe = only(&looking);
        assert!(probe.running && !probe.scheduled);
        assert_eq!(probe.polls, 1);
    }));
    assert_eq!(fifo.run_all(), 1);
}

#[test]
fn what_it_waits_for_is_seen_until_a_poll_that_waits_for_nothing_of_ours() {
    let fifo = Fifo::new(1);
    let (mutex, foreign, timer) = (Gate::new(), Gate::new(), Gate::new());
    let steps = (leaf(&mutex, WaitKind::Mutex, 0x10, 1), foreign.pass(), leaf(&timer, WaitKind::Timer, 0x20, 3));
    drop(fifo.spawn(async move {
        steps.0.await;
        steps.1.await;
        steps.2.await;
    }));
    assert!(only(&fifo).waiting.first.is_none());
    fifo.run_all();
    let waiting = only(&fifo).waiting;
    let first = waiting.first.unwrap();
    assert_eq!((waiting.count, first.kind, first.key), (1, WaitKind::Mutex, 0x10));
    assert_eq!(first.at.file(), file!());
    mutex.open();
    fifo.run_all();
    let waiting = only(&fifo).waiting;
    assert_eq!((waiting.count, waiting.first.is_none()), (0, true));
    foreign.open();
    fifo.run_all();
    let waiting = only(&fifo).waiting;
    let first = waiting.first.unwrap();
    assert_eq!((waiting.count, first.kind, first.key), (3, WaitKind::Timer, 0x20));
    timer.open();
    fifo.run_all();
    assert!(fifo.tasks().is_empty());
}

#[test]
fn who_waits_for_a_task_is_seen_to_join_it() {
    let fifo = Fifo::new(1);
    let inner = fifo.spawn(std::future::pending::<()>());
    fifo.run_all();
    let id = inner.id();
    drop(fifo.spawn(inner));
    fifo.run_all();
    let probes = fifo.tasks().probes();
    let outer = probes.iter().find(|probe| probe.id != id).unwrap();
    let first = outer.waiting.first.unwrap();
    assert_eq!(first.kind, WaitKind::Join);
    assert_eq!(first.at, probes.iter().find(|probe| probe.id == id).unwrap().spawned_at);
}

#[test]
fn a_join_handle_that_is_dropped_in_its_poll_is_not_waited_for() {
    let fifo = Fifo::new(1);
    let mut waiting = fifo.spawn(std::future::pending::<()>());
    let id = waiting.id();
    let gate = Gate::new();
    let pass = gate.pass();
    drop(fifo.spawn(async move {
        assert!(poll_once(&mut waiting).is_pending());
        drop(waiting);
        pass.await
    }));
    fifo.run_all();
    let probes = fifo.tasks().probes();
    let outer = probes.iter().find(|probe| probe.id != id).unwrap();
    assert_eq!((outer.waiting.count, outer.waiting.first.is_none()), (0, true));
}

#[test]
fn the_tasks_of_every_shard_are_seen() {
    let fifo = Fifo::new(4);
    for place in 0..10 {
        let before = local::set_home(std::ptr::null(), place);
        drop(fifo.spawn(std::future::poll_fn(|_| Poll::<()>::Pending)));
        local::set_home(before.0, before.1);
    }
    assert_eq!((fifo.tasks().probes().len(), fifo.tasks().len()), (10, 10));
    assert!(format!("{:?}", fifo.tasks()).contains("10"));
    fifo.run_all();
    fifo.shut_down();
    assert!(fifo.tasks().probes().is_empty());
}
