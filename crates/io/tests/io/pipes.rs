//! Connections in memory: bounds, ends, wake-ups, and wakers that do things of their own.

use std::future::Future;
use std::io::IoSlice;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

use unstuck_base::local::{self, TaskRef, WaitKind};
use unstuck_io::ErrorKind::BrokenPipe;
use unstuck_io::*;

use crate::support::*;

#[test]
fn a_full_direction_waits_for_a_read_at_the_other_end() {
    let (mut a, mut b) = duplex(4);
    assert_eq!(now(a.write(b"abcdef")).unwrap(), 4);
    let mut waiting = task(a.write(b"ef"));
    assert!(waiting.poll().is_pending());
    assert_eq!(now(b.read_u8()).unwrap(), b'a');
    assert_eq!(waiting.wakes(), 1);
    assert!(matches!(waiting.poll(), Poll::Ready(Ok(1))));
    // The other direction has a bound of its own.
    assert_eq!(now(b.write(b"123456")).unwrap(), 4);
}

#[test]
fn a_reader_waits_for_a_write() {
    let (mut a, mut b) = duplex(4);
    let mut buf = [0; 4];
    let mut waiting = task(b.read(&mut buf));
    assert!(waiting.poll().is_pending());
    assert!(waiting.poll().is_pending());
    assert_eq!(now(a.write(b"xy")).unwrap(), 2);
    assert_eq!(waiting.wakes(), 1);
    assert!(matches!(waiting.poll(), Poll::Ready(Ok(2))));
}

#[test]
fn only_the_latest_waker_is_woken() {
    let (mut a, mut b) = duplex(4);
    let mut first = task(b.read_u8());
    assert!(first.poll().is_pending());
    let first_wakes = first.moves_to_another_task();
    assert!(first.poll().is_pending());
    assert_eq!(now(a.write(b"x")).unwrap(), 1);
    assert_eq!((first_wakes.count(), first.wakes()), (0, 1));
}

#[test]
fn a_dropped_end_leaves_what_it_wrote_and_then_the_end() {
    let (mut a, mut b) = duplex(4);
    now(a.write_all(b"bye")).unwrap();
    drop(a);
    let mut all = String::new();
    assert_eq!(now(b.read_to_string(&mut all)).unwrap(), 3);
    assert_eq!(kind(now(b.write(b"x"))), BrokenPipe);
    assert_eq!(kind(now(b.write(b""))), BrokenPipe);
    assert_eq!(kind(now(b.write_vectored(&[IoSlice::new(b"")]))), BrokenPipe);
}

#[test]
fn a_drop_wakes_whoever_waits_at_the_other_end() {
    let (a, mut b) = duplex(1);
    let mut reading = task(b.read_u8());
    assert!(reading.poll().is_pending());
    drop(a);
    assert_eq!(reading.wakes(), 1);
    assert!(reading.poll().is_ready());

    let (a, mut b) = duplex(1);
    let mut writing = task(b.write_all(b"xy"));
    assert!(writing.poll().is_pending());
    drop(a);
    assert_eq!(writing.wakes(), 1);
    let Poll::Ready(result) = writing.poll() else { panic!("it still waits") };
    assert_eq!(kind(result), BrokenPipe);
}

#[test]
fn a_shutdown_closes_one_direction() {
    let (mut a, mut b) = duplex(4);
    let mut buf = [0; 4];
    let mut reading = task(b.read(&mut buf));
    assert!(reading.poll().is_pending());
    now(a.shutdown()).unwrap();
    assert_eq!(reading.wakes(), 1);
    assert!(matches!(reading.poll(), Poll::Ready(Ok(0))));
    drop(reading);
    assert_eq!(kind(now(a.write(b"x"))), BrokenPipe);
    now(b.write_all(b"back")).unwrap();
    now(a.read_exact(&mut buf)).unwrap();
    assert_eq!(&buf, b"back");
}

#[test]
fn nothing_to_read_into_and_nothing_to_write_never_wait() {
    let (mut a, mut b) = duplex(1);
    assert_eq!(now(b.read(&mut [])).unwrap(), 0);
    now(a.write_all(b"x")).unwrap();
    assert_eq!(now(a.write(b"")).unwrap(), 0);
    assert_eq!(now(a.write_vectored(&[IoSlice::new(b""), IoSlice::new(b"")])).unwrap(), 0);
}

#[test]
fn slices_are_taken_as_one() {
    let (mut a, mut b) = duplex(7);
    assert!(a.is_write_vectored());
    let slices = [IoSlice::new(b"abc"), IoSlice::new(b""), IoSlice::new(b"defgh")];
    assert_eq!(now(a.write_vectored(&slices)).unwrap(), 7);
    now(a.flush()).unwrap();
    let mut buf = [0; 8];
    assert_eq!(now(b.read(&mut buf)).unwrap(), 7);
    assert_eq!(&buf[..7], b"abcdefg");
}

#[test]
fn a_simplex_has_one_direction_and_one_bound() {
    let (mut r, mut w) = simplex(4);
    assert_eq!(now(w.write(b"abcdef")).unwrap(), 4);
    let mut waiting = task(w.write_all(b"ef"));
    assert!(waiting.poll().is_pending());
    assert_eq!(now(r.read_u16()).unwrap(), u16::from_be_bytes(*b"ab"));
    assert_eq!(waiting.wakes(), 1);
    assert!(waiting.poll().is_ready());
    drop(waiting);
    now(w.shutdown()).unwrap();
    let mut rest = String::new();
    now(r.read_to_string(&mut rest)).unwrap();
    assert_eq!(rest, "cdef");
    let mut whole = r.unsplit(w);
    assert_eq!(kind(now(whole.write(b"x"))), BrokenPipe);
}

#[test]
fn pipes_for_nothing_are_refused() {
    let panics = |make: fn()| std::panic::catch_unwind(make).is_err();
    assert!(panics(|| drop(duplex(0))));
    assert!(panics(|| drop(simplex(0))));
    assert!(panics(|| drop(SimplexStream::new_unsplit(0))));
}

type Boxed = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A waker that polls its future to the end on the spot: it would deadlock if it were woken under a lock.
struct PollsWhenWoken(Mutex<Option<Boxed>>);

impl Wake for PollsWhenWoken {
    fn wake(self: Arc<Self>) {
        let mut future = self.0.lock().unwrap().take().expect("woken once");
        assert!(future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready());
    }
}

fn wait_on_the_spot(future: impl Future<Output = ()> + Send + 'static) -> Arc<PollsWhenWoken> {
    let task = Arc::new(PollsWhenWoken(Mutex::new(None)));
    let waker = Waker::from(task.clone());
    let mut future: Boxed = Box::pin(future);
    assert!(future.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    *task.0.lock().unwrap() = Some(future);
    task
}

#[track_caller]
fn was_woken(task: &PollsWhenWoken) {
    assert!(task.0.lock().unwrap().is_none(), "it was not woken");
}

#[test]
fn wakers_run_with_no_lock_held() {
    let (mut a, mut b) = duplex(1);
    let reader = wait_on_the_spot(async move { assert_eq!(b.read_u8().await.unwrap(), b'x') });
    now(a.write(b"x")).unwrap();
    was_woken(&reader);

    let (mut a, mut b) = duplex(1);
    let writer = wait_on_the_spot(async move { b.write_all(b"xy").await.unwrap() });
    now(a.read(&mut [0])).unwrap();
    was_woken(&writer);

    for shut_down in [true, false] {
        let (mut a, mut b) = duplex(1);
        let reader = wait_on_the_spot(async move { assert_eq!(b.read(&mut [0]).await.unwrap(), 0) });
        if shut_down {
            now(a.shutdown()).unwrap();
        }
        drop(a);
        was_woken(&reader);
    }

    let (a, mut b) = duplex(1);
    let writer = wait_on_the_spot(async move { assert_eq!(kind(b.write_all(b"xy").await), BrokenPipe) });
    drop(a);
    was_woken(&writer);
}

#[test]
fn a_replaced_waker_is_dropped_with_no_lock_held() {
    struct OwnsTheOtherEnd(#[expect(dead_code, reason = "only its drop matters")] DuplexStream);
    impl Wake for OwnsTheOtherEnd {
        fn wake(self: Arc<Self>) {}
    }
    let (mut a, b) = duplex(1);
    let mut reading = Box::pin(a.read_u8());
    let waker = Waker::from(Arc::new(OwnsTheOtherEnd(b)));
    assert!(reading.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    drop(waker);
    // This replaces the waker, whose drop closes the pipe.
    assert!(reading.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    assert!(reading.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready());
}

#[test]
fn a_panicking_waker_leaves_the_pipe_usable() {
    struct Panics;
    impl Wake for Panics {
        fn wake(self: Arc<Self>) {
            panic!("a waker that panics");
        }
    }
    let (mut a, mut b) = duplex(4);
    let waker = Waker::from(Arc::new(Panics));
    let mut reading = Box::pin(b.read_u8());
    assert!(reading.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| now(a.write(b"x")))).is_err());
    assert!(matches!(reading.as_mut().poll(&mut Context::from_waker(&waker)), Poll::Ready(Ok(b'x'))));
}

#[test]
fn a_poll_that_waits_says_for_which_pipe() {
    let at = |poll: u32| TaskRef { id: local::next_task_id(), poll, root: false };
    let (mut a, mut b) = duplex(1);
    let made_here = line!() - 1;

    let outer = local::begin_poll(at(1));
    now(a.write(b"x")).unwrap();
    assert_eq!(local::end_poll(outer).len, 0);

    let outer = local::begin_poll(at(2));
    let mut writing = task(a.write(b"y"));
    assert!(writing.poll().is_pending());
    let waits = local::end_poll(outer);
    let first = waits.first.unwrap();
    assert_eq!((waits.len, first.kind, first.at.line()), (1, WaitKind::Io, made_here));
    drop(writing);
    now(b.read_u8()).unwrap();

    let outer = local::begin_poll(at(3));
    assert!(task(a.read_u8()).poll().is_pending());
    assert!(task(b.read_u8()).poll().is_pending());
    assert_eq!(local::waits().count(), 2);
    // A connection that is closed in the same poll is not waited for.
    drop(b);
    assert_eq!(local::end_poll(outer).len, 0);
}

/// Sends numbered bytes through a pipe between two threads that sleep unless they are woken, so a lost wake-up hangs.
fn pump(mut w: impl AsyncWrite + Unpin + Send + 'static, mut r: impl AsyncRead + Unpin, total: u32) {
    let sender = std::thread::spawn(move || {
        block_on(async {
            for n in 0..total {
                w.write_u32(n).await.unwrap();
            }
            w.shutdown().await.unwrap();
        })
    });
    block_on(async {
        for n in 0..total {
            assert_eq!(r.read_u32().await.unwrap(), n);
        }
        assert_eq!(r.read(&mut [0]).await.unwrap(), 0);
    });
    sender.join().unwrap();
}

#[test]
fn no_wake_up_is_lost_between_threads() {
    for bound in [1, 3, 64] {
        let (a, b) = duplex(bound);
        pump(a, b, 2000);
        let (r, w) = simplex(bound);
        pump(w, r, 2000);
    }
}

#[test]
fn no_wake_up_is_lost_when_both_directions_are_used_at_once() {
    let (a, b) = duplex(3);
    let ((a_r, a_w), (b_r, b_w)) = (split(a), split(b));
    let there = std::thread::spawn(move || pump(a_w, b_r, 1000));
    pump(b_w, a_r, 1000);
    there.join().unwrap();
}
