//! The join handle: its waker, its output, dropping it early and late.

use std::panic::{AssertUnwindSafe, RefUnwindSafe, UnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc;
use std::task::{Context, Poll, Wake, Waker};

use unstuck_base::local::{self, BUDGET, TaskRef};
use unstuck_task::{AbortHandle, JoinError, JoinHandle};

use crate::fifo::Fifo;
use crate::tools::{Count, Drops, Gate, poll_once, poll_with, ready};

#[test]
fn the_waker_that_was_left_is_woken_once_when_the_task_ends() {
    let fifo = Fifo::new(1);
    let gate = Gate::new();
    let mut join = fifo.spawn(gate.pass());
    let count = Count::new();
    assert!(poll_with(&mut join, &count).is_pending());
    fifo.run_all();
    assert_eq!(count.get(), 0);
    gate.open();
    assert_eq!(count.get(), 0);
    fifo.run_all();
    assert_eq!(count.get(), 1);
    assert!(matches!(poll_with(&mut join, &count), Poll::Ready(Ok(()))));
    drop(join);
    assert_eq!(Arc::strong_count(&count), 1);
}

#[test]
fn another_waker_replaces_the_one_that_was_left() {
    let fifo = Fifo::new(1);
    let mut join = fifo.spawn(async { 3 });
    let (first, second) = (Count::new(), Count::new());
    assert!(poll_with(&mut join, &first).is_pending());
    assert!(poll_with(&mut join, &second).is_pending());
    assert_eq!((Arc::strong_count(&first), Arc::strong_count(&second)), (1, 2));
    fifo.run_all();
    assert_eq!((first.get(), second.get()), (0, 1));
    assert_eq!(ready(join).unwrap(), 3);
}

#[test]
fn the_same_waker_is_not_cloned_again() {
    let fifo = Fifo::new(1);
    let mut join = fifo.spawn(async {});
    let count = Count::new();
    let waker = Waker::from(count.clone());
    for _ in 0..3 {
        assert!(std::pin::Pin::new(&mut join).poll(&mut Context::from_waker(&waker)).is_pending());
        assert_eq!(Arc::strong_count(&count), 3);
    }
    fifo.run_all();
    assert_eq!(count.get(), 1);
}

#[test]
fn the_waker_goes_with_the_handle_that_left_it() {
    let fifo = Fifo::new(1);
    let gate = Gate::new();
    let count = Count::new();
    let mut join = fifo.spawn(gate.pass());
    let abort = join.abort_handle();
    assert!(poll_with(&mut join, &count).is_pending());
    assert_eq!(Arc::strong_count(&count), 2);
    drop(join);
    assert_eq!(Arc::strong_count(&count), 1, "the task is alive, but nobody waits for it");
    fifo.run_all();
    gate.open();
    fifo.run_all();
    assert_eq!(count.get(), 0);

    let mut join = fifo.spawn(async {});
    let late = join.abort_handle();
    assert!(poll_with(&mut join, &count).is_pending());
    fifo.run_all();
    drop(join);
    assert_eq!(Arc::strong_count(&count), 1, "the task's memory is kept, but not the waker in it");
    drop((abort, late));
}

#[test]
fn a_handle_dropped_by_the_waker_that_it_left_is_sound() {
    struct Drops(std::sync::Mutex<Option<JoinHandle<String>>>);
    impl Wake for Drops {
        fn wake(self: Arc<Self>) {
            self.wake_by_ref();
        }
        fn wake_by_ref(self: &Arc<Self>) {
            let handle = self.0.lock().unwrap().take();
            drop(handle);
        }
    }
    let fifo = Fifo::new(1);
    let waker = Arc::new(Drops(std::sync::Mutex::default()));
    let mut join = fifo.spawn(async { "unseen".to_owned() });
    assert!(std::pin::Pin::new(&mut join).poll(&mut Context::from_waker(&waker.clone().into())).is_pending());
    *waker.0.lock().unwrap() = Some(join);
    assert_eq!(Arc::strong_count(&waker), 2);
    fifo.run_all();
    assert!(waker.0.lock().unwrap().is_none());
    assert_eq!(Arc::strong_count(&waker), 1);
}

#[test]
fn two_tasks_that_wait_for_each_other_are_freed() {
    let fifo = Fifo::new(1);
    let drops = Drops::new();
    let ((to_a, at_a), (to_b, at_b)) = (mpsc::channel::<JoinHandle<()>>(), mpsc::channel::<JoinHandle<()>>());
    let wait_for = |handle: mpsc::Receiver<JoinHandle<()>>| {
        let token = drops.token();
        async move {
            let _token = token;
            handle.recv().unwrap().await.unwrap();
        }
    };
    let (a, b) = (fifo.spawn(wait_for(at_a)), fifo.spawn(wait_for(at_b)));
    let aborts = [a.abort_handle(), b.abort_handle()];
    to_a.send(b).unwrap();
    to_b.send(a).unwrap();
    fifo.run_all();
    for abort in &aborts {
        abort.abort();
    }
    fifo.run_all();
    assert_eq!(drops.count(), 2);
    assert!(fifo.tasks().is_empty());
}

#[test]
fn a_long_chain_of_tasks_that_wait_for_each_other_is_freed_without_recursion() {
    for shut_down in [false, true] {
        let fifo = Fifo::new(1);
        let gate = Gate::new();
        let mut last = fifo.spawn(gate.pass());
        for _ in 0..20_000 {
            last = fifo.spawn(async move { last.await.unwrap() });
        }
        fifo.run_all();
        if shut_down {
            fifo.shut_down();
            assert!(ready(last).unwrap_err().is_cancelled());
        } else {
            gate.open();
            fifo.run_all();
            ready(last).unwrap();
        }
    }
}

#[test]
fn an_output_is_dropped_once_whoever_gets_it() {
    let fifo = Fifo::new(1);
    let drops = Drops::new();
    let spawn = || {
        let token = drops.token();
        fifo.spawn(async move { token })
    };
    // By the task, when the handle goes early.
    drop(spawn());
    fifo.run_all();
    assert_eq!(drops.count(), 1);
    // By the handle, when it goes late.
    let join = spawn();
    fifo.run_all();
    drop(join);
    assert_eq!(drops.count(), 2);
    // By the task, when the handle that waited goes early.
    let mut join = spawn();
    assert!(poll_once(&mut join).is_pending());
    drop(join);
    fifo.run_all();
    assert_eq!(drops.count(), 3);
    // By the handle, when it waited and goes late.
    let mut join = spawn();
    assert!(poll_once(&mut join).is_pending());
    fifo.run_all();
    drop(join);
    assert_eq!(drops.count(), 4);
    // By whoever awaited.
    let mut join = spawn();
    assert!(poll_once(&mut join).is_pending());
    fifo.run_all();
    let token = ready(&mut join).unwrap();
    drop(join);
    assert_eq!(drops.count(), 4);
    drop(token);
    assert_eq!(drops.count(), 5);
    // An abort handle keeps the memory, not the output.
    let abort = spawn().abort_handle();
    fifo.run_all();
    assert_eq!(drops.count(), 6);
    drop(abort);
}

#[test]
fn polled_after_its_output_was_taken_it_panics_and_costs_no_budget() {
    let fifo = Fifo::new(1);
    let mut join = fifo.spawn(async {});
    fifo.run_all();
    ready(&mut join).unwrap();
    let again = catch_unwind(AssertUnwindSafe(|| poll_once(&mut join)));
    assert!(again.is_err());
    drop(join);
}

#[test]
fn joining_is_charged_to_the_budget_when_it_succeeds() {
    let fifo = Fifo::new(1);
    let mut waiting = fifo.spawn(std::future::pending::<()>());
    let finished: Vec<_> = (0..=BUDGET).map(|_| fifo.spawn(async {})).collect();
    fifo.run_all();
    let outer = local::begin_poll(TaskRef { id: local::next_task_id(), poll: 1, root: false });
    for _ in 0..3 * usize::from(BUDGET) {
        assert!(poll_once(&mut waiting).is_pending());
    }
    let count = Count::new();
    let polled = finished.into_iter().map(|mut join| poll_with(&mut join, &count).is_ready());
    assert_eq!(polled.filter(|ready| *ready).count(), usize::from(BUDGET));
    assert_eq!(count.get(), 1, "the one that came too late has woken its task");
    let _ = local::end_poll(outer);
}

#[test]
fn a_waker_that_panics_when_it_is_cloned_leaves_the_former_one() {
    struct Unclonable;
    // SAFETY: it holds nothing; `clone` never returns, the others do nothing.
    let unclonable = unsafe {
        use std::task::{RawWaker, RawWakerVTable};
        static VTABLE: RawWakerVTable =
            RawWakerVTable::new(|_| std::panic::panic_any(Unclonable), |_| {}, |_| {}, |_| {});
        Waker::from_raw(RawWaker::new(std::ptr::null(), &VTABLE))
    };
    let fifo = Fifo::new(1);
    let mut join = fifo.spawn(async { 8 });
    let count = Count::new();
    assert!(poll_with(&mut join, &count).is_pending());
    let polled = catch_unwind(AssertUnwindSafe(|| {
        std::pin::Pin::new(&mut join).poll(&mut Context::from_waker(&unclonable)).is_pending()
    }));
    assert!(polled.unwrap_err().is::<Unclonable>());
    fifo.run_all();
    assert_eq!(count.get(), 1);
    assert_eq!(ready(join).unwrap(), 8);
}

#[test]
fn handles_have_the_auto_traits_of_what_they_give() {
    fn all<T: Send + Sync + Unpin + UnwindSafe + RefUnwindSafe + std::fmt::Debug>() {}
    all::<JoinHandle<String>>();
    all::<JoinHandle<std::cell::Cell<u8>>>();
    all::<AbortHandle>();
    all::<JoinError>();
    assert_eq!(size_of::<JoinHandle<[u8; 100]>>(), size_of::<usize>());
    assert_eq!(size_of::<JoinError>(), size_of::<usize>());
    assert_eq!(size_of::<Option<JoinHandle<()>>>(), size_of::<usize>());
}

#[test]
fn ids_differ_and_are_the_same_at_each_handle() {
    let fifo = Fifo::new(1);
    let (a, b) = (fifo.spawn(async {}), fifo.spawn(async {}));
    assert_ne!(a.id(), b.id());
    assert_eq!(a.id(), a.abort_handle().id());
    assert_eq!(a.id().to_string(), a.id().number().to_string());
    assert!(format!("{a:?}").contains(&a.id().to_string()));
    assert_eq!(unstuck_task::Id::from_number(a.id().number()), a.id());
}
