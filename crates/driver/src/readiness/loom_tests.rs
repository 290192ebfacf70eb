//! Loom: events against those who wait, and against those who take back what they saw.

use super::*;
use std::sync::Arc;
use std::task::Wake;
use unstuck_base::sync::atomic::{AtomicUsize, Ordering};
use unstuck_base::sync::thread;

struct Count(AtomicUsize);

impl Count {
    fn new() -> (Arc<Count>, Waker) {
        let count = Arc::new(Count(AtomicUsize::new(0)));
        (count.clone(), Waker::from(count))
    }

    fn get(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

fn event(readiness: &Arc<Readiness>) -> thread::JoinHandle<()> {
    let readiness = readiness.clone();
    thread::spawn(move || readiness.set(Ready::READABLE, &mut WakeBatch::new()))
}

#[test]
fn loom_readiness_an_event_and_a_wait_see_each_other() {
    loom::model(|| {
        let readiness = Arc::new(Readiness::new());
        let coming = event(&readiness);
        let (count, waker) = Count::new();
        let pending = readiness.poll_ready(Direction::Read, &mut Context::from_waker(&waker)).is_pending();
        coming.join().unwrap();
        assert_eq!(count.get(), usize::from(pending));
    });
}

#[test]
fn loom_readiness_an_event_and_a_future_see_each_other() {
    loom::model(|| {
        let readiness = Arc::new(Readiness::new());
        let coming = event(&readiness);
        let (count, waker) = Count::new();
        let mut future = Box::pin(readiness.ready(Interest::READABLE));
        let pending = future.as_mut().poll(&mut Context::from_waker(&waker)).is_pending();
        coming.join().unwrap();
        assert_eq!(count.get(), usize::from(pending));
        assert!(future.as_mut().poll(&mut Context::from_waker(&waker)).is_ready());
    });
}

#[test]
fn loom_readiness_a_future_is_dropped_while_an_event_comes() {
    loom::model(|| {
        let readiness = Arc::new(Readiness::new());
        let (count, waker) = Count::new();
        let mut future = Box::pin(readiness.ready(Interest::READABLE));
        assert!(future.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        let coming = event(&readiness);
        drop(future);
        coming.join().unwrap();
        drop(waker);
        assert_eq!(Arc::strong_count(&count), 1);
    });
}

#[test]
fn loom_readiness_what_came_during_a_failed_try_is_not_taken_back() {
    loom::model(|| {
        let readiness = Arc::new(Readiness::assumed(Ready::READABLE));
        let bytes = Arc::new(AtomicUsize::new(0));
        let sending = thread::spawn({
            let (readiness, bytes) = (readiness.clone(), bytes.clone());
            move || {
                bytes.store(1, Ordering::Relaxed);
                readiness.set(Ready::READABLE, &mut WakeBatch::new());
            }
        });
        let (count, waker) = Count::new();
        let received = readiness.poll_io(Direction::Read, &mut Context::from_waker(&waker), || {
            match bytes.load(Ordering::Relaxed) {
                0 => Err(io::ErrorKind::WouldBlock.into()),
                n => Ok(n),
            }
        });
        sending.join().unwrap();
        assert!(received.is_ready() || count.get() == 1, "the byte is never received");
    });
}

#[test]
fn loom_readiness_the_shutdown_and_a_wait_see_each_other() {
    loom::model(|| {
        let readiness = Arc::new(Readiness::new());
        let shutting = thread::spawn({
            let readiness = readiness.clone();
            move || readiness.shutdown(&mut WakeBatch::new())
        });
        let (count, waker) = Count::new();
        let pending = readiness.poll_ready(Direction::Write, &mut Context::from_waker(&waker)).is_pending();
        shutting.join().unwrap();
        assert_eq!(count.get(), usize::from(pending));
    });
}
