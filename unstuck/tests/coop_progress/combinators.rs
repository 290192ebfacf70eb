//! Ways to poll futures within one task, as crates have them that know no runtime.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

/// What was woken, and whom that wakes.
#[derive(Default)]
struct Woken {
    which: Mutex<VecDeque<usize>>,
    task: Mutex<Option<Waker>>,
}

struct Part(Arc<Woken>, usize);

impl Wake for Part {
    fn wake(self: Arc<Self>) {
        self.0.which.lock().unwrap().push_back(self.1);
        let task = self.0.task.lock().unwrap().clone();
        task.into_iter().for_each(Waker::wake);
    }
}

/// Futures of which only those are polled that were woken, and polled again for as long as there are any: as sets of
/// futures do that never return to the runtime by themselves.
pub(crate) struct Set<F> {
    parts: Vec<Option<Pin<Box<F>>>>,
    woken: Arc<Woken>,
}

pub(crate) fn set<F: Future<Output = ()>>(futures: impl IntoIterator<Item = F>) -> Set<F> {
    let parts: Vec<_> = futures.into_iter().map(|future| Some(Box::pin(future))).collect();
    let woken = Woken { which: Mutex::new((0..parts.len()).collect()), task: Mutex::default() };
    Set { parts, woken: Arc::new(woken) }
}

impl<F: Future<Output = ()>> Future for Set<F> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        *self.woken.task.lock().unwrap() = Some(cx.waker().clone());
        loop {
            let next = self.woken.which.lock().unwrap().pop_front();
            let Some(which) = next else { break };
            let waker = Waker::from(Arc::new(Part(self.woken.clone(), which)));
            let part = &mut self.parts[which];
            if part.as_mut().is_some_and(|part| part.as_mut().poll(&mut Context::from_waker(&waker)).is_ready()) {
                *part = None;
            }
        }
        if self.parts.iter().all(Option::is_none) { Poll::Ready(()) } else { Poll::Pending }
    }
}

pub(crate) type Boxed = Pin<Box<dyn Future<Output = ()> + Send>>;

pub(crate) fn boxed(future: impl Future<Output = ()> + Send + 'static) -> Boxed {
    Box::pin(future)
}

/// Polls its parts in their order, all in each poll, as `join_all` does.
pub(crate) struct InOrder(pub(crate) Vec<Option<Boxed>>);

impl Future for InOrder {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        for part in &mut self.0 {
            if part.as_mut().is_some_and(|part| part.as_mut().poll(cx).is_ready()) {
                *part = None;
            }
        }
        if self.0.iter().all(Option::is_none) { Poll::Ready(()) } else { Poll::Pending }
    }
}

/// Polls its future again at once when that was woken in its poll.
pub(crate) async fn eager<F: Future>(future: F) -> F::Output {
    struct Flag(AtomicBool, Waker);
    impl Wake for Flag {
        fn wake(self: Arc<Self>) {
            self.0.store(true, SeqCst);
            self.1.wake_by_ref();
        }
    }
    let mut future = pin!(future);
    poll_fn(|cx| {
        let flag = Arc::new(Flag(AtomicBool::new(true), cx.waker().clone()));
        let waker = Waker::from(flag.clone());
        while flag.0.swap(false, SeqCst) {
            if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
                return Poll::Ready(output);
            }
        }
        Poll::Pending
    })
    .await
}

/// An executor that is not ours: blocks its thread, a task's thread, until the future is ready.
pub(crate) fn block_on_elsewhere<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}
