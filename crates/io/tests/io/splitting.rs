//! The two halves of a stream.

use std::io::IoSlice;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

use unstuck_io::*;

use crate::support::*;

#[test]
fn the_halves_know_each_other() {
    let (r1, w1) = split(empty());
    let (r2, w2) = split(empty());
    assert!(r1.is_pair_of(&w1) && w2.is_pair_of(&r2));
    assert!(!r1.is_pair_of(&w2) && !w1.is_pair_of(&r2));
}

#[test]
fn the_halves_make_the_stream_again() {
    let (mut r, mut w) = split(join(&b"in"[..], Vec::new()));
    assert!(w.is_write_vectored());
    now(w.write_vectored(&[IoSlice::new(b"o"), IoSlice::new(b"ut")])).unwrap();
    now(w.flush()).unwrap();
    now(w.shutdown()).unwrap();
    assert_eq!(now(r.read_u8()).unwrap(), b'i');
    let (rest, out) = r.unsplit(w).into_inner();
    assert_eq!((rest, out.as_slice()), (&b"n"[..], &b"out"[..]));
}

#[test]
#[should_panic(expected = "two streams")]
fn halves_of_two_streams_are_refused() {
    split(empty()).0.unsplit(split(empty()).1);
}

#[test]
fn the_stream_is_dropped_with_the_second_half() {
    let (a, mut b) = duplex(1);
    let (r, w) = split(a);
    drop(w);
    cancel(b.read_u8());
    drop(r);
    assert_eq!(now(b.read(&mut [0])).unwrap(), 0);
}

/// A stream whose read calls back before it returns.
struct CallsBack(Option<Box<dyn FnMut() + Send>>);

impl AsyncRead for CallsBack {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        if let Some(call) = &mut self.0 {
            call();
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for CallsBack {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<Result<usize>> {
        Poll::Ready(Ok(buf.len()))
    }
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
    }
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[test]
fn a_half_polled_from_within_the_other_waits_and_is_woken() {
    let writing: Arc<Mutex<Option<Task<_>>>> = Arc::default();
    let inside = writing.clone();
    let (mut r, mut w) = split(CallsBack(Some(Box::new(move || {
        let mut writing = inside.lock().unwrap();
        let writing: &mut Task<_> = writing.as_mut().unwrap();
        assert!(writing.poll().is_pending());
    }))));
    let future: Pin<Box<dyn Future<Output = Result<usize>> + Send>> = Box::pin(async move { w.write(b"x").await });
    *writing.lock().unwrap() = Some(task(future));
    assert_eq!(now(r.read(&mut [0])).unwrap(), 0);
    let mut writing = writing.lock().unwrap();
    let writing = writing.as_mut().unwrap();
    assert_eq!(writing.wakes(), 1);
    assert!(matches!(writing.poll(), Poll::Ready(Ok(1))));
}

#[test]
fn a_panic_inside_lets_the_other_half_in() {
    let (mut r, mut w) = split(CallsBack(Some(Box::new(|| panic!("the stream panics")))));
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| now(r.read(&mut [0])))).is_err());
    assert_eq!(now(w.write(b"x")).unwrap(), 1);
    now(w.flush()).unwrap();
    now(w.shutdown()).unwrap();
}

#[test]
fn a_waker_that_polls_the_other_half_of_a_simplex_does_not_deadlock() {
    struct Writes(Mutex<Option<WriteHalf<SimplexStream>>>, Arc<Wakes>);
    impl Wake for Writes {
        fn wake(self: Arc<Self>) {
            let mut half = self.0.lock().unwrap();
            let waker = Waker::from(self.1.clone());
            let polled = Pin::new(half.as_mut().unwrap()).poll_write(&mut Context::from_waker(&waker), b"b");
            // The reader who wakes us is still inside: it lets us know when it has left.
            assert!(polled.is_pending());
        }
    }
    let (mut r, mut w) = simplex(1);
    now(w.write(b"a")).unwrap();
    let wakes = Arc::new(Wakes::default());
    let writes = Arc::new(Writes(Mutex::new(None), wakes.clone()));
    let waker = Waker::from(writes.clone());
    assert!(Pin::new(&mut w).poll_write(&mut Context::from_waker(&waker), b"b").is_pending());
    *writes.0.lock().unwrap() = Some(w);
    assert_eq!(now(r.read_u8()).unwrap(), b'a');
    assert_eq!(wakes.count(), 1);
    let mut w = writes.0.lock().unwrap().take().unwrap();
    assert_eq!(now(w.write(b"b")).unwrap(), 1);
}
