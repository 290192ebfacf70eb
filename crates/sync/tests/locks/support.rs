//! A future polled by hand, with a waker that counts.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Poll, RawWaker, RawWakerVTable, Wake, Waker};

use unstuck_base::local::{self, TaskRef};

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
    pub(crate) wakes: Arc<Wakes>,
    seen: usize,
}

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

    pub(crate) fn ready(&mut self) -> F::Output {
        match self.poll() {
            Poll::Ready(output) => output,
            Poll::Pending => panic!("expected to be ready"),
        }
    }

    pub(crate) fn pending(&mut self) {
        assert!(self.poll().is_pending(), "expected to be pending");
    }

    pub(crate) fn pinned(&mut self) -> Pin<&mut F> {
        self.future.as_mut()
    }
}

/// Runs `poll` as the `number`th poll of the task `id`; returns what it waits for: the lines, in order.
pub(crate) fn as_task<R>(id: std::num::NonZeroU64, number: u32, poll: impl FnOnce() -> R) -> (R, Vec<local::Wait>) {
    let outer = local::begin_poll(TaskRef { id, poll: number, root: false });
    let result = poll();
    let waits = local::waits().collect();
    let _short = local::end_poll(outer);
    (result, waits)
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

/// A waker that runs `f` when it is cloned, and whose clones panic when they are dropped.
pub(crate) fn waker_with_bad_clones<F: Fn() + Send + Sync + 'static>(f: F) -> Waker {
    trait Clones<F> {
        const ITSELF: RawWakerVTable;
        const CLONE: RawWakerVTable;
    }
    struct Of;
    impl<F: Fn() + Send + Sync + 'static> Clones<F> for Of {
        const ITSELF: RawWakerVTable = RawWakerVTable::new(
            |data| {
                // SAFETY: it came from `Arc::into_raw`, and the one who asks has a count of its own.
                let f = unsafe {
                    Arc::increment_strong_count(data.cast::<F>());
                    &*data.cast::<F>()
                };
                f();
                RawWaker::new(data, &<Of as Clones<F>>::CLONE)
            },
            |data| drop(owned::<F>(data)),
            |_data| {},
            |data| drop(owned::<F>(data)),
        );
        const CLONE: RawWakerVTable = RawWakerVTable::new(
            |_data| panic!("a clone is cloned"),
            |data| drop(owned::<F>(data)),
            |_data| {},
            |data| {
                drop(owned::<F>(data));
                panic!("a waker that panics when it is dropped");
            },
        );
    }
    fn owned<F>(data: *const ()) -> Arc<F> {
        // SAFETY: it came from `Arc::into_raw`, and the waker that is used up had a count of its own.
        unsafe { Arc::from_raw(data.cast::<F>()) }
    }
    // SAFETY: each waker owns a count of an `Arc` of what may be shared between threads.
    unsafe { Waker::new(Arc::into_raw(Arc::new(f)).cast(), &<Of as Clones<F>>::ITSELF) }
}

/// Uses up the budget of the poll in progress.
pub(crate) fn spend_budget() {
    let mut cx = Context::from_waker(Waker::noop());
    while let Poll::Ready(charge) = local::poll_budget(&mut cx) {
        charge.made_progress();
    }
}
