//! Aborting a task in each of its stages.

use std::task::Poll;

use unstuck_task::AbortHandle;

use crate::fifo::Fifo;
use crate::tools::{Count, Drops, Gate, poll_with, ready};

#[test]
fn abort_before_the_first_poll_never_polls() {
    let fifo = Fifo::new(1);
    let drops = Drops::new();
    let (gate, token) = (Gate::new(), drops.token());
    let pass = gate.pass();
    let join = fifo.spawn(async move {
        let _token = token;
        pass.await
    });
    join.abort();
    assert_eq!((fifo.queued(), drops.count()), (1, 0));
    assert!(!join.is_finished());
    fifo.run_all();
    assert_eq!((gate.polls(), drops.count()), (0, 1));
    assert!(ready(join).unwrap_err().is_cancelled());
}

#[test]
fn abort_of_an_idle_task_drops_its_future_where_it_would_have_run() {
    let fifo = Fifo::new(1);
    let drops = Drops::new();
    let (gate, token) = (Gate::new(), drops.token());
    let pass = gate.pass();
    let mut join = fifo.spawn(async move {
        let _token = token;
        pass.await
    });
    fifo.run_all();
    let count = Count::new();
    assert!(poll_with(&mut join, &count).is_pending());
    std::thread::scope(|scope| scope.spawn(|| join.abort()).join().unwrap());
    assert_eq!((fifo.queued(), drops.count(), count.get()), (1, 0, 0));
    // Further aborts and wakes change nothing.
    join.abort();
    gate.open();
    assert_eq!(fifo.queued(), 1);
    fifo.run_all();
    assert_eq!((drops.count(), count.get(), gate.polls()), (1, 1, 1));
    assert_eq!(drops.thread(), Some(std::thread::current().id()));
    assert!(ready(join).unwrap_err().is_cancelled());
}

#[test]
fn abort_of_a_queued_task_drops_its_future_when_its_turn_comes() {
    let fifo = Fifo::new(1);
    let gate = Gate::new();
    let join = fifo.spawn(gate.pass());
    fifo.run_all();
    gate.open();
    join.abort();
    assert_eq!((fifo.queued(), join.is_finished()), (1, false));
    fifo.run_all();
    assert_eq!(gate.polls(), 1);
    assert!(ready(join).unwrap_err().is_cancelled());
}

#[test]
fn abort_from_inside_the_poll_takes_effect_when_it_waits() {
    let fifo = Fifo::new(1);
    let (send, receive) = std::sync::mpsc::channel::<AbortHandle>();
    let drops = Drops::new();
    let token = drops.token();
    let watched = drops.clone();
    let join = fifo.spawn(std::future::poll_fn(move |_| {
        let _held = &token;
        let handle = receive.recv().unwrap();
        handle.abort();
        assert!(!handle.is_finished());
        assert_eq!(watched.count(), 0);
        Poll::<()>::Pending
    }));
    send.send(join.abort_handle()).unwrap();
    assert_eq!(fifo.run_all(), 1);
    assert_eq!(drops.count(), 1);
    assert!(ready(join).unwrap_err().is_cancelled());
}

#[test]
fn abort_and_wake_from_inside_the_poll_cancel_once() {
    let fifo = Fifo::new(1);
    let (send, receive) = std::sync::mpsc::channel::<AbortHandle>();
    let join = fifo.spawn(std::future::poll_fn(move |cx| {
        cx.waker().wake_by_ref();
        receive.recv().unwrap().abort();
        cx.waker().wake_by_ref();
        Poll::<()>::Pending
    }));
    send.send(join.abort_handle()).unwrap();
    assert_eq!(fifo.run_all(), 1);
    assert!(ready(join).unwrap_err().is_cancelled());
}

#[test]
fn a_poll_that_ends_although_it_was_aborted_gives_its_output() {
    let fifo = Fifo::new(1);
    let (send, receive) = std::sync::mpsc::channel::<AbortHandle>();
    let join = fifo.spawn(async move {
        receive.recv().unwrap().abort();
        "too late"
    });
    send.send(join.abort_handle()).unwrap();
    fifo.run_all();
    assert_eq!(ready(join).unwrap(), "too late");
}

#[test]
fn abort_of_a_finished_task_changes_nothing() {
    let fifo = Fifo::new(1);
    let join = fifo.spawn(async { 1 });
    let handle = join.abort_handle();
    fifo.run_all();
    join.abort();
    handle.abort();
    assert_eq!(fifo.queued(), 0);
    assert!(handle.is_finished() && join.is_finished());
    assert_eq!(ready(join).unwrap(), 1);
}

#[test]
fn an_abort_handle_works_without_the_join_handle_and_without_the_scheduler() {
    let fifo = Fifo::new(1);
    let drops = Drops::new();
    let spawn = || {
        let (token, gate) = (drops.token(), Gate::new());
        let pass = gate.pass();
        fifo.spawn(async move {
            let _token = token;
            pass.await
        })
    };
    let (join, late) = (spawn(), spawn().abort_handle());
    let handle = join.abort_handle();
    let copy = handle.clone();
    assert_eq!((handle.id(), copy.id()), (join.id(), join.id()));
    assert!(format!("{handle:?}").contains(&join.id().to_string()));
    drop(join);
    fifo.run_all();
    drop(handle);
    copy.abort();
    fifo.run_all();
    assert_eq!(drops.count(), 1);
    assert!(copy.is_finished());
    drop(fifo);
    assert_eq!(drops.count(), 2);
    assert!(late.is_finished());
    late.abort();
    copy.abort();
    drop(copy);
}

#[test]
fn a_woken_task_that_aborts_a_queued_one_keeps_it_from_running() {
    let fifo = Fifo::new(1);
    let victim = Gate::new();
    let (send, receive) = std::sync::mpsc::channel::<AbortHandle>();
    let first = fifo.spawn(async move { receive.recv().unwrap().abort() });
    let second = fifo.spawn(victim.pass());
    send.send(second.abort_handle()).unwrap();
    fifo.run_all();
    ready(first).unwrap();
    assert_eq!(victim.polls(), 0);
    assert!(ready(second).unwrap_err().is_cancelled());
}
