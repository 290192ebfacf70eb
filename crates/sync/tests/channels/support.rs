//! A future polled by hand, values that count their drops, wakers that misbehave.

use std::future::Future;
use std::num::NonZeroU64;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Poll, Wake, Waker};

use unstuck_base::local::{self, TaskRef, Wait};

/// Counts how often it was woken.
#[derive(Default)]
pub(crate) struct Wakes(AtomicUsize);

impl Wakes {
    pub(crate) fn count(&self) -> usize {
        self.0.load(SeqCst)
    }
}

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

/// One task: a future, and how often it was woken.
pub(crate) struct Task<F> {
    future: Pin<Box<F>>,
    pub wakes: Arc<Wakes>,
    seen: usize,
}

#[allow(clippy::wrong_self_convention)]
impl<F: Future> Task<F> {
    pub(crate) fn new(future: F) -> Self {
        Task { future: Box::pin(future), wakes: Arc::default(), seen: 0 }
    }

    /// Polls once.
    pub(crate) fn poll(&mut self) -> Poll<F::Output> {
        self.seen = self.wakes.count();
        let waker = Waker::from(self.wakes.clone());
        self.future.as_mut().poll(&mut Context::from_waker(&waker))
    }

    /// Whether it was woken since the last poll.
    pub(crate) fn is_woken(&self) -> bool {
        self.wakes.count() != self.seen
    }

    #[track_caller]
    pub(crate) fn ready(&mut self) -> F::Output {
        match self.poll() {
            Poll::Ready(output) => output,
            Poll::Pending => panic!("expected to be ready"),
        }
    }

    #[track_caller]
    pub(crate) fn pending(&mut self) {
        assert!(self.poll().is_pending(), "expected to be pending");
    }
}

/// Polls a future once, which must be ready.
#[track_caller]
pub(crate) fn now<F: Future>(future: F) -> F::Output {
    Task::new(future).ready()
}

/// Runs `poll` as one poll of a new task; returns what that waits for when it ends.
pub(crate) fn as_task<R>(poll: impl FnOnce() -> R) -> (R, Vec<Wait>) {
    let id: NonZeroU64 = local::next_task_id();
    let outer = local::begin_poll(TaskRef { id, poll: 1, root: false });
    let result = poll();
    let waits = local::waits().collect();
    let _short = local::end_poll(outer);
    (result, waits)
}

/// How many polls of a new task `step` takes until it returns Pending: with a budget, it does at some time.
pub(crate) fn budget_of(mut step: impl FnMut() -> Poll<()>) -> usize {
    as_task(|| (0..).take(100_000).take_while(|_| step().is_ready()).count()).0
}

/// Counts the values that live.
#[derive(Clone, Default)]
pub(crate) struct Census(Arc<AtomicUsize>);

impl Census {
    pub(crate) fn living(&self) -> usize {
        self.0.load(SeqCst)
    }

    pub(crate) fn value(&self, number: usize) -> Counted {
        self.0.fetch_add(1, SeqCst);
        Counted { number, panics: false, census: self.clone() }
    }

    /// A value whose destructor panics (after it was counted).
    pub(crate) fn panicking(&self, number: usize) -> Counted {
        let mut value = self.value(number);
        value.panics = true;
        value
    }
}

/// A value that is counted while it lives; dropping one twice would make the census wrap around.
pub(crate) struct Counted {
    pub(crate) number: usize,
    panics: bool,
    census: Census,
}

impl Clone for Counted {
    fn clone(&self) -> Self {
        self.census.value(self.number)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let before = self.census.0.fetch_sub(1, SeqCst);
        assert!(before != 0, "dropped twice");
        if self.panics {
            panic!("a destructor that panics");
        }
    }
}

impl std::fmt::Debug for Counted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Counted({})", self.number)
    }
}

/// A waker that panics when it is woken.
pub(crate) fn panicking_waker() -> Waker {
    struct Panics;
    impl Wake for Panics {
        fn wake(self: Arc<Self>) {
            panic!("a waker that panics");
        }
    }
    Waker::from(Arc::new(Panics))
}

/// A waker that runs `f` when it is woken, and keeps what `f` owns until it is dropped.
pub(crate) fn acting_waker<F: Fn() + Send + Sync + 'static>(f: F) -> Waker {
    struct Acts<F>(F);
    impl<F: Fn() + Send + Sync> Wake for Acts<F> {
        fn wake(self: Arc<Self>) {
            (self.0)();
        }
    }
    Waker::from(Arc::new(Acts(f)))
}
