//! What the tests watch tasks with.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::ThreadId;

/// A waker that counts how often it was woken.
#[derive(Default)]
pub(crate) struct Count(AtomicUsize);

impl Count {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    pub(crate) fn get(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }
    fn wake_by_ref(self: &Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// Polls once, with a waker that counts.
pub(crate) fn poll_with<F: Future + Unpin>(future: &mut F, count: &Arc<Count>) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(&count.clone().into()))
}

/// Polls once, with a waker that does nothing.
pub(crate) fn poll_once<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
}

/// The output of a future that is ready.
#[track_caller]
pub(crate) fn ready<F: Future + Unpin>(mut future: F) -> F::Output {
    match poll_once(&mut future) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the future is not ready"),
    }
}

/// Counts how many of its tokens were made and dropped, and where the last one was.
#[derive(Clone, Default)]
pub(crate) struct Drops(Arc<(AtomicUsize, Mutex<Option<ThreadId>>, AtomicUsize)>);

/// Counts when it is dropped.
pub(crate) struct Token(Drops);

impl Drops {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn token(&self) -> Token {
        self.0.2.fetch_add(1, Ordering::SeqCst);
        Token(self.clone())
    }

    pub(crate) fn made(&self) -> usize {
        self.0.2.load(Ordering::SeqCst)
    }

    pub(crate) fn count(&self) -> usize {
        self.0.0.load(Ordering::SeqCst)
    }

    pub(crate) fn thread(&self) -> Option<ThreadId> {
        *self.0.1.lock().unwrap()
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        *self.0.0.1.lock().unwrap() = Some(std::thread::current().id());
        self.0.0.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Panics when it is dropped, if it is still armed.
pub(crate) struct Grenade(pub(crate) &'static str);

impl Drop for Grenade {
    fn drop(&mut self) {
        panic!("{}", self.0);
    }
}

/// A gate that a task waits at, and a test opens. It keeps the wakers that the task left, oldest first.
#[derive(Clone, Default)]
pub(crate) struct Gate(Arc<(AtomicBool, AtomicUsize, Mutex<Vec<Waker>>)>);

impl Gate {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Waits until the gate is open; leaves a waker at each poll.
    pub(crate) fn pass(&self) -> impl Future<Output = ()> + Send + use<> {
        let gate = self.clone();
        std::future::poll_fn(move |cx| {
            gate.0.1.fetch_add(1, Ordering::Relaxed);
            if gate.0.0.load(Ordering::Acquire) {
                return Poll::Ready(());
            }
            gate.0.2.lock().unwrap().push(cx.waker().clone());
            Poll::Pending
        })
    }

    /// Opens the gate and wakes nobody.
    pub(crate) fn open_silently(&self) {
        self.0.0.store(true, Ordering::Release);
    }

    /// Opens the gate and wakes who waits.
    pub(crate) fn open(&self) {
        self.open_silently();
        for waker in self.wakers() {
            waker.wake();
        }
    }

    /// Takes the wakers that were left.
    pub(crate) fn wakers(&self) -> Vec<Waker> {
        std::mem::take(&mut *self.0.2.lock().unwrap())
    }

    /// How often somebody looked whether the gate is open.
    pub(crate) fn polls(&self) -> usize {
        self.0.1.load(Ordering::Relaxed)
    }
}
