//! A future that always has something to do, and its neighbours in the same task.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use super::super::rt;
use super::{one_thread, timed};

pub(super) fn first_in_join_all() -> String {
    timed(|| {
        one_thread().block_on(async {
            let stop = AtomicBool::new(false);
            in_order([Box::pin(busy(&stop)), Box::pin(late(&stop))]).await;
        });
    })
}

pub(super) fn eager_sleep() -> String {
    timed(|| {
        one_thread().block_on(async {
            let stop = AtomicBool::new(false);
            let spinning = poll_fn(|cx| {
                cx.waker().wake_by_ref();
                if stop.load(SeqCst) { Poll::Ready(()) } else { Poll::Pending }
            });
            eager(in_order([Box::pin(late(&stop)), Box::pin(spinning)])).await;
        });
    })
}

async fn busy(stop: &AtomicBool) {
    let (sender, mut receiver) = rt::sync::mpsc::unbounded_channel();
    sender.send(()).expect("there is a receiver");
    while !stop.load(SeqCst) {
        receiver.recv().await.expect("there is a sender");
        sender.send(()).expect("there is a receiver");
    }
}

async fn late(stop: &AtomicBool) {
    rt::time::sleep(Duration::from_millis(10)).await;
    stop.store(true, SeqCst);
}

/// Polls both in their order, in each poll: as `futures::future::join_all` does with a few.
async fn in_order<'a>(futures: [Pin<Box<dyn Future<Output = ()> + 'a>>; 2]) {
    let mut futures = futures.map(Some);
    poll_fn(|cx| {
        for future in &mut futures {
            if future.as_mut().is_some_and(|future| future.as_mut().poll(cx).is_ready()) {
                *future = None;
            }
        }
        if futures.iter().all(Option::is_none) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await
}

/// Polls its future again at once when that was woken in its poll.
async fn eager(future: impl Future<Output = ()>) {
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
            if future.as_mut().poll(&mut Context::from_waker(&waker)).is_ready() {
                return Poll::Ready(());
            }
        }
        Poll::Pending
    })
    .await
}
