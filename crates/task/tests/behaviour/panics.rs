//! Panics in user code, wherever a task runs it.

use std::panic::panic_any;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake};

use unstuck_base::local;

use crate::fifo::Fifo;
use crate::tools::{Drops, Gate, Grenade, poll_once, ready};

/// What the error of a joined task panicked with.
#[track_caller]
fn message<T: std::fmt::Debug>(joined: Result<T, unstuck_task::JoinError>) -> String {
    *joined.unwrap_err().into_panic().downcast::<String>().unwrap()
}

#[test]
fn in_a_poll_it_becomes_the_result_and_the_future_is_dropped() {
    let fifo = Fifo::new(1);
    let drops = Drops::new();
    let token = drops.token();
    let name = "poll";
    let join = fifo.spawn(async move {
        let _token = token;
        panic!("in the {name}")
    });
    let next = fifo.spawn(async { 1 });
    fifo.run_all();
    assert_eq!(drops.count(), 1);
    assert_eq!(message(ready(join).map(|(): ()| ())), "in the poll");
    assert_eq!(ready(next).unwrap(), 1);
    assert!(fifo.tasks().is_empty());
    assert_eq!(local::current_task(), None);
}

#[test]
fn what_a_future_owns_is_dropped_while_its_panic_unwinds() {
    struct Asks(Arc<AtomicUsize>);
    impl Future for Asks {
        type Output = ();
        fn poll(self: std::pin::Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<()> {
            panic!("unwinds")
        }
    }
    impl Drop for Asks {
        fn drop(&mut self) {
            self.0.fetch_add(if std::thread::panicking() { 1 } else { 100 }, Ordering::Relaxed);
        }
    }
    let fifo = Fifo::new(1);
    let seen = Arc::new(AtomicUsize::new(0));
    let join = fifo.spawn(Asks(seen.clone()));
    fifo.run_all();
    assert_eq!(seen.load(Ordering::Relaxed), 1);
    assert!(ready(join).unwrap_err().is_panic());
}

#[test]
fn in_a_later_poll_of_a_task_that_was_woken_meanwhile_it_ends_the_task() {
    let fifo = Fifo::new(1);
    let gate = Gate::new();
    let pass = gate.pass();
    let join = fifo.spawn(async move {
        pass.await;
        std::future::poll_fn(|cx| {
            cx.waker().wake_by_ref();
            if true { panic!("{}", "woken and gone") } else { Poll::Ready(()) }
        })
        .await
    });
    fifo.run_all();
    gate.open();
    assert_eq!(fifo.run_all(), 1);
    assert_eq!(message(ready(join)), "woken and gone");
}

#[test]
fn in_the_drop_of_a_future_that_ended_it_replaces_the_output() {
    struct Ends(Option<crate::tools::Token>, #[expect(dead_code, reason = "it is dropped")] Grenade);
    impl Future for Ends {
        type Output = crate::tools::Token;
        fn poll(mut self: std::pin::Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
            Poll::Ready(self.0.take().unwrap())
        }
    }
    let fifo = Fifo::new(1);
    let output = Drops::new();
    let join = fifo.spawn(Ends(Some(output.token()), Grenade("in the drop")));
    fifo.run_all();
    assert_eq!(output.count(), 1, "an output that nobody gets");
    assert_eq!(message(ready(join).map(drop)), "in the drop");
    assert_eq!(local::current_task(), None);
}

#[test]
fn in_the_drop_of_a_future_that_was_aborted_it_is_the_result() {
    let fifo = Fifo::new(1);
    let grenade = Grenade("aborted");
    let join = fifo.spawn(async move {
        let _grenade = grenade;
        std::future::pending::<()>().await
    });
    fifo.run_all();
    join.abort();
    fifo.run_all();
    let error = ready(join).unwrap_err();
    assert!(error.is_panic());
    assert!(error.to_string().contains("aborted"));
}

#[test]
fn in_the_poll_and_in_the_drop_the_first_one_counts() {
    struct Both(#[expect(dead_code, reason = "it is dropped")] Grenade);
    impl Future for Both {
        type Output = ();
        fn poll(self: std::pin::Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
            panic!("{}", "first")
        }
    }
    let fifo = Fifo::new(1);
    let join = fifo.spawn(Both(Grenade("second")));
    fifo.run_all();
    assert_eq!(message(ready(join)), "first");
}

#[test]
fn in_the_drop_of_an_output_it_goes_unseen() {
    let fifo = Fifo::new(1);
    // Dropped by the task.
    drop(fifo.spawn(async { Grenade("output") }));
    fifo.run_all();
    // Dropped by the handle.
    let join = fifo.spawn(async { Grenade("output") });
    fifo.run_all();
    drop(join);
    assert!(fifo.tasks().is_empty());
    assert_eq!(local::current_task(), None);
}

#[test]
fn in_the_drop_of_a_payload_it_goes_unseen() {
    struct Payload;
    impl Drop for Payload {
        fn drop(&mut self) {
            panic_any(Payload);
        }
    }
    struct Both;
    impl Future for Both {
        type Output = Payload;
        fn poll(self: std::pin::Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Payload> {
            panic!("the poll")
        }
    }
    impl Drop for Both {
        fn drop(&mut self) {
            panic_any(Payload);
        }
    }
    let fifo = Fifo::new(1);
    drop(fifo.spawn(async { Payload }));
    drop(fifo.spawn(async { panic_any(Payload) }));
    let join = fifo.spawn(Both);
    assert_eq!(fifo.run_all(), 3);
    assert!(ready(join).map(std::mem::forget).unwrap_err().is_panic());
    assert!(fifo.tasks().is_empty());
    assert_eq!(local::current_task(), None);
}

/// A waker that panics when it is woken, and again when it is dropped.
struct Panics(Arc<AtomicUsize>);

impl Wake for Panics {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }
    fn wake_by_ref(self: &Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
        panic!("in the waker");
    }
}

impl Drop for Panics {
    fn drop(&mut self) {
        self.0.fetch_add(100, Ordering::Relaxed);
        panic!("in the waker's drop");
    }
}

#[test]
fn in_a_join_waker_it_does_not_reach_the_runner() {
    let fifo = Fifo::new(1);
    let seen = Arc::new(AtomicUsize::new(0));
    let poll = |join: &mut unstuck_task::JoinHandle<i32>| {
        let waker = Arc::new(Panics(seen.clone())).into();
        let polled = std::pin::Pin::new(join).poll(&mut Context::from_waker(&waker));
        // The drop of our own copy does not panic: the join handle has the other one.
        assert!(polled.is_pending());
    };
    let mut join = fifo.spawn(async { 4 });
    poll(&mut join);
    fifo.run_all();
    assert_eq!(seen.load(Ordering::Relaxed), 1);
    assert!(fifo.tasks().is_empty());
    assert_eq!(ready(&mut join).unwrap(), 4);
    drop(join);
    assert_eq!(seen.load(Ordering::Relaxed), 101);

    // Replaced, then dropped with the handle while the task waits.
    let mut join = fifo.spawn(async { 4 });
    poll(&mut join);
    poll(&mut join);
    assert_eq!(seen.load(Ordering::Relaxed), 201);
    drop(join);
    assert_eq!(seen.load(Ordering::Relaxed), 301);
    fifo.run_all();
    assert_eq!(seen.load(Ordering::Relaxed), 301);
}

#[test]
fn while_dropping_at_shutdown_the_others_are_still_dropped() {
    let fifo = Fifo::new(1);
    let drops = Drops::new();
    let mut joins = Vec::new();
    for _ in 0..4 {
        let (grenade, token) = (Grenade("at shutdown"), drops.token());
        joins.push(fifo.spawn(async move {
            let (_token, _grenade) = (token, grenade);
            std::future::pending::<()>().await
        }));
    }
    // Two wait, two are queued.
    assert!(fifo.run_one() && fifo.run_one());
    fifo.shut_down();
    assert_eq!(drops.count(), 4);
    for join in joins {
        assert_eq!(message(ready(join)), "at shutdown");
    }
}

#[test]
fn a_shutdown_during_a_panic_is_sound() {
    let drops = Drops::new();
    let unwound = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let fifo = Fifo::new(1);
        for run in [true, false] {
            let (grenade, token) = (Grenade("while unwinding"), drops.token());
            drop(fifo.spawn(async move {
                let (_token, _grenade) = (token, grenade);
                std::future::pending::<()>().await
            }));
            if run {
                fifo.run_all();
            }
        }
        panic!("the outer one");
    }));
    assert_eq!(*unwound.unwrap_err().downcast::<&str>().unwrap(), "the outer one");
    assert_eq!(drops.count(), 2);
}

#[test]
fn a_handle_that_panicked_in_poll_can_be_dropped() {
    let fifo = Fifo::new(1);
    let mut join = fifo.spawn(async { panic!("unseen") });
    assert!(poll_once(&mut join).map(|result: Result<(), _>| result.is_ok()).is_pending());
    fifo.run_all();
    drop(join);
}
