//! Blocking a thread that others need.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use super::super::rt;
use super::{millis, one_thread, timed, two_workers};

pub(super) fn all_workers() -> String {
    two_workers().block_on(async {
        let ticking = rt::spawn(async {
            let mut latest = Duration::ZERO;
            let end = Instant::now() + Duration::from_secs(2);
            while Instant::now() < end {
                let due = Instant::now() + Duration::from_millis(1);
                rt::time::sleep_until(due.into()).await;
                latest = latest.max(due.elapsed());
            }
            latest
        });
        for _ in 0..2 {
            rt::spawn(async {
                rt::time::sleep(Duration::from_millis(100)).await;
                thread::sleep(Duration::from_millis(500));
            });
        }
        format!("up to {:.1} ms late", millis(ticking.await.expect("it does not panic")))
    })
}

pub(super) fn for_what_it_spawned() -> String {
    timed(|| {
        two_workers().block_on(async {
            let asking = rt::spawn(async {
                let (sender, receiver) = std::sync::mpsc::channel();
                rt::spawn(async move { sender.send(()).expect("the other one waits") });
                receiver.recv().expect("the other one sends");
            });
            asking.await.expect("it does not panic");
        });
    })
}

pub(super) fn on_another_executor() -> String {
    timed(|| {
        two_workers().block_on(async {
            let blocking = rt::spawn(async {
                block_on_elsewhere(async {
                    let permits = rt::sync::Semaphore::new(1);
                    for _ in 0..1000 {
                        drop(permits.acquire().await.expect("it is never closed"));
                    }
                });
            });
            blocking.await.expect("it does not panic");
        });
    })
}

fn block_on_elsewhere<F: Future>(future: F) -> F::Output {
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

// That is the trap.
#[expect(clippy::await_holding_lock)]
pub(super) fn std_lock_across_await() -> String {
    timed(|| {
        let lock = Mutex::new(0);
        let add = async || {
            let mut number = lock.lock().expect("nobody panics with it");
            let mut is_first = true;
            poll_fn(|cx| {
                cx.waker().wake_by_ref();
                if std::mem::replace(&mut is_first, false) { Poll::Pending } else { Poll::Ready(()) }
            })
            .await;
            *number += 1;
        };
        one_thread().block_on(async { rt::join!(add(), add()) });
    })
}
