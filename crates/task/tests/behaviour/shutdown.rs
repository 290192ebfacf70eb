//! Closing the list of live tasks.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use unstuck_base::local;
use unstuck_task::JoinHandle;

use crate::fifo::Fifo;
use crate::tools::{Count, Drops, Gate, poll_with, ready};

fn waiting(fifo: &Fifo, drops: &Drops, gate: &Gate) -> JoinHandle<()> {
    let (token, pass) = (drops.token(), gate.pass());
    fifo.spawn(async move {
        let _token = token;
        pass.await
    })
}

#[test]
fn idle_tasks_are_dropped_at_once_and_queued_ones_with_the_queue() {
    let fifo = Fifo::new(2);
    let (drops, gate) = (Drops::new(), Gate::new());
    let idle = waiting(&fifo, &drops, &gate);
    fifo.run_all();
    let mut queued = waiting(&fifo, &drops, &gate);
    let count = Count::new();
    assert!(poll_with(&mut queued, &count).is_pending());
    fifo.tasks().close();
    assert_eq!((drops.count(), idle.is_finished(), queued.is_finished()), (1, true, false));
    assert_eq!((fifo.tasks().len(), fifo.queued(), count.get()), (1, 1, 0));
    // Still queued: if it is run after all, it is cancelled too.
    fifo.shut_down();
    assert_eq!((drops.count(), queued.is_finished(), count.get()), (2, true, 1));
    assert!(fifo.tasks().is_empty());
    assert!(ready(idle).unwrap_err().is_cancelled());
    assert!(ready(queued).unwrap_err().is_cancelled());
}

/// Whoever shuts down can say what does not stop.
#[test]
fn a_task_that_is_polled_stays_in_the_closed_list_until_the_poll_returns() {
    let fifo = Arc::new(Fifo::new(1));
    let closing = fifo.clone();
    let join = fifo.spawn(async move {
        closing.tasks().close();
        closing.tasks().close();
        closing.tasks().probes()
    });
    let id = join.id();
    fifo.run_all();
    let probes = ready(join).unwrap();
    assert!(matches!(&probes[..], [probe] if probe.id == id && probe.running));
    assert!(fifo.tasks().is_empty());
}

#[test]
fn a_queued_task_that_is_run_after_the_close_is_cancelled_unpolled() {
    let fifo = Fifo::new(1);
    let (drops, gate) = (Drops::new(), Gate::new());
    let join = waiting(&fifo, &drops, &gate);
    fifo.tasks().close();
    assert_eq!(fifo.run_all(), 1);
    assert_eq!((gate.polls(), drops.count()), (0, 1));
    assert!(ready(join).unwrap_err().is_cancelled());
}

#[test]
fn a_running_task_is_cancelled_when_its_poll_ends() {
    let fifo = Arc::new(Fifo::new(1));
    let drops = Drops::new();
    let (token, closing, watched) = (drops.token(), fifo.clone(), drops.clone());
    let join = fifo.spawn(std::future::poll_fn(move |cx| {
        let _held = &token;
        closing.tasks().close();
        assert_eq!(watched.count(), 0);
        cx.waker().wake_by_ref();
        std::task::Poll::<()>::Pending
    }));
    assert_eq!(fifo.run_all(), 1);
    assert_eq!(drops.count(), 1);
    assert!(ready(join).unwrap_err().is_cancelled());
}

#[test]
fn a_task_that_is_running_at_the_close_may_still_end_well() {
    let fifo = Arc::new(Fifo::new(1));
    let closing = fifo.clone();
    let join = fifo.spawn(async move {
        closing.tasks().close();
        9
    });
    fifo.run_all();
    assert_eq!(ready(join).unwrap(), 9);
}

#[test]
fn spawn_after_the_close_is_cancelled_and_never_queued() {
    let fifo = Fifo::new(3);
    fifo.tasks().close();
    let (drops, gate) = (Drops::new(), Gate::new());
    for place in 0..5 {
        let before = local::set_home(std::ptr::null(), place);
        let join = waiting(&fifo, &drops, &gate);
        assert_eq!((drops.count(), fifo.queued(), fifo.tasks().len()), (place + 1, 0, 0));
        assert!(join.is_finished());
        assert!(ready(join).unwrap_err().is_cancelled());
        drop(waiting(&fifo, &Drops::new(), &gate));
        local::set_home(before.0, before.1);
    }
    assert_eq!(gate.polls(), 0);
}

#[test]
fn closing_twice_is_the_same_as_once() {
    let fifo = Fifo::new(1);
    let (drops, gate) = (Drops::new(), Gate::new());
    drop(waiting(&fifo, &drops, &gate));
    fifo.run_all();
    fifo.shut_down();
    fifo.shut_down();
    assert_eq!(drops.count(), 1);
}

#[test]
fn a_drop_that_spawns_wakes_and_aborts_during_the_close_comes_to_its_end() {
    struct Busy {
        fifo: Arc<Fifo>,
        others: Vec<Gate>,
        aborts: Vec<unstuck_task::AbortHandle>,
        spawned: Arc<AtomicUsize>,
        inner: Drops,
    }
    impl Drop for Busy {
        fn drop(&mut self) {
            for gate in &self.others {
                gate.open();
            }
            for abort in &self.aborts {
                abort.abort();
            }
            let token = self.inner.token();
            let join = self.fifo.spawn(async move { drop(token) });
            self.spawned.fetch_add(usize::from(join.is_finished()), Ordering::Relaxed);
        }
    }
    let fifo = Arc::new(Fifo::new(1));
    let (drops, inner, spawned) = (Drops::new(), Drops::new(), Arc::new(AtomicUsize::new(0)));
    let others: Vec<_> = (0..6).map(|_| Gate::new()).collect();
    let before: Vec<_> = others[..3].iter().map(|gate| waiting(&fifo, &drops, gate)).collect();
    let after_gates = &others[3..];
    let mut busy = Busy {
        fifo: fifo.clone(),
        others: others.clone(),
        aborts: before.iter().map(JoinHandle::abort_handle).collect(),
        spawned: spawned.clone(),
        inner: inner.clone(),
    };
    let placeholder = Gate::new();
    let pass = placeholder.pass();
    let (send, receive) = std::sync::mpsc::channel();
    drop(fifo.spawn(async move {
        let _busy: Busy = receive.recv().unwrap();
        pass.await
    }));
    let after: Vec<_> = after_gates.iter().map(|gate| waiting(&fifo, &drops, gate)).collect();
    busy.aborts.extend(after.iter().map(JoinHandle::abort_handle));
    send.send(busy).unwrap();
    fifo.run_all();
    fifo.shut_down();
    assert_eq!((drops.count(), inner.count(), spawned.load(Ordering::Relaxed)), (6, 1, 1));
    for join in before.into_iter().chain(after) {
        assert!(ready(join).unwrap_err().is_cancelled());
    }
}

#[test]
fn the_scheduler_may_go_before_every_handle_and_waker() {
    let (drops, gate) = (Drops::new(), Gate::new());
    let fifo = Fifo::new(1);
    let (join, other) = (waiting(&fifo, &drops, &gate), waiting(&fifo, &drops, &gate));
    fifo.run_all();
    let abort = other.abort_handle();
    drop(fifo);
    assert_eq!(drops.count(), 2);
    // The block that was its home may be another scheduler's now.
    let next = Fifo::new(1);
    let alive = waiting(&next, &drops, &gate);
    next.run_all();
    join.abort();
    abort.abort();
    for waker in gate.wakers() {
        waker.wake_by_ref();
        waker.wake();
    }
    assert_eq!(next.queued(), 1, "only the task of the new scheduler was woken");
    assert!(ready(join).unwrap_err().is_cancelled());
    drop((abort, other, alive));
}
