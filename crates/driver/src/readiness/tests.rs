//! Readiness, as sockets' users see it.

use super::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Wake;

#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

fn counting() -> (Arc<Count>, Waker) {
    let count = Arc::new(Count::default());
    (count.clone(), Waker::from(count))
}

fn set(readiness: &Readiness, ready: Ready) -> usize {
    let mut woken = WakeBatch::new();
    readiness.set(ready, &mut woken);
    woken.len()
}

#[test]
fn each_direction_wakes_its_own_waiter() {
    let readiness = Readiness::new();
    let ((reads, reader), (writes, writer)) = (counting(), counting());
    assert!(readiness.poll_ready(Direction::Read, &mut Context::from_waker(&reader)).is_pending());
    assert!(readiness.poll_ready(Direction::Write, &mut Context::from_waker(&writer)).is_pending());
    assert_eq!(set(&readiness, Ready::READABLE), 1);
    assert_eq!((reads.0.load(Ordering::Relaxed), writes.0.load(Ordering::Relaxed)), (1, 0));
    assert_eq!(set(&readiness, Ready::READABLE), 0, "woken once");
    assert_eq!(set(&readiness, Ready::READ_CLOSED | Ready::WRITE_CLOSED), 1, "a closed side ends the wait");
    assert_eq!(writes.0.load(Ordering::Relaxed), 1);
    let Poll::Ready(event) = readiness.poll_ready(Direction::Write, &mut Context::from_waker(&writer)) else {
        panic!("ready")
    };
    assert!(event.ready().is_write_closed() && !event.ready().is_read_closed());
}

#[test]
fn of_two_tasks_in_a_slot_the_last_one_is_woken() {
    let readiness = Readiness::new();
    let ((a, waker_a), (b, waker_b)) = (counting(), counting());
    assert!(readiness.poll_ready(Direction::Read, &mut Context::from_waker(&waker_a)).is_pending());
    assert!(readiness.poll_ready(Direction::Read, &mut Context::from_waker(&waker_b)).is_pending());
    drop(waker_a);
    assert_eq!(Arc::strong_count(&a), 1);
    set(&readiness, Ready::READABLE);
    assert_eq!((a.0.load(Ordering::Relaxed), b.0.load(Ordering::Relaxed)), (0, 1));
}

#[test]
fn any_number_of_futures_wait_each_for_its_interest() {
    let readiness = Readiness::new();
    let (count, waker) = counting();
    let mut cx = Context::from_waker(&waker);
    let mut futures: Vec<_> = [Interest::READABLE, Interest::WRITABLE, Interest::READABLE | Interest::WRITABLE]
        .map(|interest| Box::pin(readiness.ready(interest)))
        .into();
    for future in &mut futures {
        assert!(future.as_mut().poll(&mut cx).is_pending());
        assert!(future.as_mut().poll(&mut cx).is_pending(), "polling twice links once");
    }
    assert_eq!(set(&readiness, Ready::WRITABLE), 2);
    assert!(futures[0].as_mut().poll(&mut cx).is_pending());
    assert!(futures[1].as_mut().poll(&mut cx).is_ready());
    drop(futures);
    assert_eq!(set(&readiness, Ready::READABLE), 0);
    drop(waker);
    assert_eq!(Arc::strong_count(&count), 1);
}

#[test]
fn an_event_during_the_try_is_kept() {
    let readiness = Readiness::assumed(Ready::READABLE);
    let mut cx = Context::from_waker(Waker::noop());
    let mut tries = 0;
    let result = readiness.poll_io(Direction::Read, &mut cx, || {
        tries += 1;
        if tries == 1 {
            set(&readiness, Ready::READABLE);
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(tries)
    });
    assert!(matches!(result, Poll::Ready(Ok(2))));
}

#[test]
fn a_close_that_is_not_true_does_not_spin() {
    let readiness = Readiness::assumed(Ready::READ_CLOSED);
    let mut cx = Context::from_waker(Waker::noop());
    let would_block = || Err::<(), _>(io::ErrorKind::WouldBlock.into());
    assert!(readiness.poll_io(Direction::Read, &mut cx, would_block).is_pending());
    readiness.set(Ready::READ_CLOSED, &mut WakeBatch::new());
    readiness.clear(readiness.now(Interest::READABLE));
    assert!(readiness.poll_ready(Direction::Read, &mut cx).is_ready(), "clearing keeps it");
}

#[test]
fn less_than_asked_clears_at_once_but_not_at_the_end() {
    let readiness = Readiness::assumed(Ready::READABLE);
    for (moved, len, left) in [(10, 10, true), (0, 10, true), (4, 10, false)] {
        assert_eq!(readiness.try_stream(Interest::READABLE, len, || Ok(moved)).unwrap(), moved);
        assert_eq!(readiness.now(Interest::READABLE).ready().is_readable(), left, "{moved} of {len}");
    }
    let error = readiness.try_stream(Interest::READABLE, 10, || panic!("not tried")).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
    set(&readiness, Ready::READABLE | Ready::PRIORITY);
    readiness.try_stream(Interest::READABLE, 10, || Ok(4)).unwrap();
    assert!(readiness.now(Interest::READABLE).ready().is_readable(), "a mark may have cut the read");
}

#[test]
fn an_operation_that_waits_costs_no_budget() {
    let readiness = Readiness::new();
    let mut cx = Context::from_waker(Waker::noop());
    let outer = local::begin_poll(local::TaskRef { id: local::next_task_id(), poll: 1, root: false });
    for _ in 0..1_000 {
        assert!(readiness.poll_io(Direction::Read, &mut cx, || Ok(())).is_pending());
    }
    set(&readiness, Ready::READABLE);
    let mut done = 0;
    while readiness.poll_io(Direction::Read, &mut cx, || Ok(())).is_ready() {
        done += 1;
    }
    assert_eq!(done, usize::from(local::BUDGET));
    let _ = local::end_poll(outer);
}

#[test]
fn a_wait_names_its_caller_and_is_forgotten_when_dropped() {
    let readiness = Readiness::new();
    let mut cx = Context::from_waker(Waker::noop());
    let outer = local::begin_poll(local::TaskRef { id: local::next_task_id(), poll: 1, root: false });
    let mut dropped = Box::pin(readiness.ready(Interest::WRITABLE));
    assert!(dropped.as_mut().poll(&mut cx).is_pending());
    assert!(readiness.poll_ready(Direction::Read, &mut cx).is_pending());
    drop(dropped);
    let waits = local::end_poll(outer);
    assert_eq!(waits.len, 1);
    let mut operation = Box::pin(readiness.async_io(Interest::READABLE, || Ok(())));
    let at = line!() - 1;
    let outer = local::begin_poll(local::TaskRef { id: local::next_task_id(), poll: 1, root: false });
    assert!(operation.as_mut().poll(&mut cx).is_pending());
    let waits = local::end_poll(outer);
    assert_eq!(waits.first.unwrap().at.line(), at);
}

#[test]
fn after_the_shutdown_nothing_waits() {
    let readiness = Readiness::new();
    let (count, waker) = counting();
    let mut cx = Context::from_waker(&waker);
    let mut waiting = Box::pin(readiness.ready(Interest::PRIORITY));
    let mut operation = Box::pin(readiness.async_io(Interest::READABLE, || Ok(())));
    assert!(waiting.as_mut().poll(&mut cx).is_pending());
    assert!(operation.as_mut().poll(&mut cx).is_pending());
    assert!(readiness.poll_ready(Direction::Write, &mut cx).is_pending());
    readiness.shutdown(&mut WakeBatch::new());
    assert_eq!(count.0.load(Ordering::Relaxed), 3);
    assert!(matches!(waiting.as_mut().poll(&mut cx), Poll::Ready(event) if event.is_shutdown()));
    assert!(matches!(operation.as_mut().poll(&mut cx), Poll::Ready(Err(_))));
    assert!(matches!(readiness.poll_io(Direction::Write, &mut cx, || Ok(())), Poll::Ready(Err(_))));
    assert!(readiness.try_io(Interest::READABLE, || Ok(())).is_err());
    set(&readiness, Ready::READABLE);
    assert_eq!(readiness.try_io(Interest::READABLE, || Ok("left")).unwrap(), "left", "nothing has to be waited for");
    let none_left = || Err::<(), _>(io::ErrorKind::WouldBlock.into());
    readiness.try_io(Interest::READABLE, none_left).unwrap_err();
    let error = readiness.try_io(Interest::READABLE, none_left).unwrap_err();
    assert_eq!(error.to_string(), shutdown_error().to_string());
    drop((waiting, operation));
    readiness.reset(Ready::EMPTY);
    assert!(readiness.poll_ready(Direction::Write, &mut cx).is_pending(), "a new socket waits again");
}

#[test]
fn a_forgotten_future_is_not_woken_for_the_next_socket() {
    let readiness = Readiness::new();
    let (count, waker) = counting();
    let mut forgotten = Box::pin(readiness.ready(Interest::READABLE));
    assert!(forgotten.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    std::mem::forget(forgotten);
    readiness.reset(Ready::EMPTY);
    drop(waker);
    assert_eq!(Arc::strong_count(&count), 1);
    assert_eq!(set(&readiness, Ready::READABLE), 0);
}
