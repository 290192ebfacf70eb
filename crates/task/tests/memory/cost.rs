//! What a task costs in memory and allocations.

use std::panic::Location;
use std::pin::Pin;
use std::sync::mpsc;
use std::task::{Context, Poll, Waker};

use unstuck_base::local;
use unstuck_task::{Id, JoinHandle, Origin};

use crate::counting::{alone, counts};
use crate::fifo::Fifo;

/// How many allocations `f` makes.
#[track_caller]
fn allocations<R>(f: impl FnOnce() -> R) -> (usize, R) {
    let before = counts().allocations;
    let result = f();
    (counts().allocations - before, result)
}

/// A task that gives out its waker and waits.
fn waiting(fifo: &Fifo) -> (JoinHandle<()>, Waker) {
    let (send, receive) = mpsc::channel();
    let join = fifo.spawn(std::future::poll_fn(move |cx| {
        let _ = send.send(cx.waker().clone());
        Poll::Pending
    }));
    fifo.run_all();
    (join, receive.recv().unwrap())
}

#[test]
fn an_empty_task_is_one_allocation_of_at_most_128_bytes_aligned_to_16() {
    let _alone = alone();
    let fifo = Fifo::new(1);
    let (made, join) = allocations(|| fifo.spawn(async {}));
    assert_eq!(made, 1);
    let last = counts();
    assert!(last.last_size <= 128, "{last:?}");
    assert_eq!(last.last_align, 16);
    assert_eq!((fifo.queued(), fifo.tasks().len()), (1, 1));
    drop(join);
    let here = std::panic::Location::caller();
    let (made, unlisted) = allocations(|| {
        unstuck_task::unlisted(async {}, fifo.home(), Origin::new(Id::from_number(local::next_task_id()), here))
    });
    assert_eq!((made, counts().last_size), (1, last.last_size));
    drop(unlisted);
}

#[test]
fn a_name_is_an_allocation_of_its_own_and_both_are_freed_with_the_task() {
    #[repr(align(64))]
    struct Apart(u8);
    let _alone = alone();
    let fifo = Fifo::new(1);
    let before = counts().live;
    let named = |name| Origin { name: Some(name), ..Origin::new(Id::from_number(local::next_task_id()), here()) };
    let (made, plain) = allocations(|| fifo.spawn_from(async {}, named("plain")));
    assert_eq!(made, 2);
    assert!(counts().live - before <= 128 + 32 + 24, "{:?}", counts());
    let apart = Apart(1);
    let (made, apart) = allocations(|| fifo.spawn_from(async move { assert_eq!(apart.0, 1) }, named("apart")));
    assert_eq!(made, 2);
    let unlisted = unstuck_task::unlisted(async {}, fifo.home(), named("unlisted"));
    fifo.run_all();
    drop((plain, apart, unlisted));
    assert_eq!(counts().live, before);
}

fn here() -> &'static Location<'static> {
    Location::caller()
}

#[test]
fn a_large_future_is_one_allocation_too() {
    let _alone = alone();
    let fifo = Fifo::new(1);
    let large = [1_u8; 20 * 1024];
    let (made, join) = allocations(|| fifo.spawn(async move { large.iter().filter(|byte| **byte == 1).count() }));
    assert_eq!(made, 1);
    assert!((20 * 1024..21 * 1024).contains(&counts().last_size));
    fifo.run_all();
    drop(join);
}

#[test]
fn running_a_task_to_its_end_and_joining_it_allocate_nothing_and_free_it() {
    let _alone = alone();
    let fifo = Fifo::new(1);
    let before = counts().live;
    let mut join = fifo.spawn(async { 7_u64 });
    let (made, polled) = allocations(|| {
        let mut cx = Context::from_waker(Waker::noop());
        assert!(Pin::new(&mut join).poll(&mut cx).is_pending());
        fifo.run_all();
        Pin::new(&mut join).poll(&mut cx)
    });
    assert!(matches!(polled, Poll::Ready(Ok(7))));
    assert_eq!(made, 0);
    drop(join);
    assert_eq!(counts().live, before);
}

#[test]
fn waking_cloning_and_aborting_allocate_nothing() {
    let _alone = alone();
    let fifo = Fifo::new(1);
    let (join, waker) = waiting(&fifo);
    let (made, abort) = allocations(|| {
        waker.wake_by_ref();
        let copy = waker.clone();
        copy.wake();
        let abort = join.abort_handle();
        abort.abort();
        abort
    });
    assert_eq!(made, 0);
    fifo.run_all();
    let (made, ()) = allocations(|| {
        waker.wake();
        abort.abort();
    });
    assert_eq!(made, 0);
}

#[test]
fn waking_while_running_allocates_nothing() {
    let _alone = alone();
    let fifo = Fifo::new(1);
    let mut left = 50;
    drop(fifo.spawn(std::future::poll_fn(move |cx| {
        left -= 1;
        cx.waker().wake_by_ref();
        if left == 0 { Poll::Ready(()) } else { Poll::Pending }
    })));
    let (made, polls) = allocations(|| fifo.run_all());
    assert_eq!((made, polls, fifo.rescheduled()), (0, 50, 49));
}

#[test]
fn the_memory_of_a_task_goes_with_the_last_who_refers_to_it() {
    let _alone = alone();
    let fifo = Fifo::new(1);
    let before = counts().live;
    let (join, waker) = waiting(&fifo);
    drop(join);
    assert!(counts().live > before);
    drop(fifo);
    let kept = counts().live;
    let copy = waker.clone();
    drop(waker);
    assert_eq!(counts().live, kept);
    copy.wake();
    assert!(counts().live < kept);
}
