//! A future that was handed the lock, and that its task does not poll while it waits for the same lock.

use std::future::{Future, pending, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use super::super::rt;
use super::{one_thread, timed};
use rt::sync::{Mutex, OnceCell, RwLock, Semaphore, mpsc};

/// The lock is held for 1 s here, for 5 s there.
pub(super) fn rfd_609() -> String {
    async fn work(lock: Arc<Mutex<()>>) {
        let _guard = lock.lock().await;
    }
    timed(|| {
        super::two_workers().block_on(async {
            let lock = Arc::new(Mutex::new(()));
            let (taken, is_taken) = rt::sync::oneshot::channel();
            rt::spawn({
                let lock = lock.clone();
                async move {
                    let _guard = lock.lock().await;
                    taken.send(()).expect("the other one waits");
                    rt::time::sleep(Duration::from_secs(1)).await;
                }
            });
            is_taken.await.expect("the other one sends");
            let mut first = Box::pin(work(lock.clone()));
            rt::select! {
                () = &mut first => {}
                // `first` is next in the line for the lock, and is not polled while this waits for it.
                () = rt::time::sleep(Duration::from_millis(500)) => work(lock.clone()).await,
            }
        });
    })
}

/// Leaves `first` in the line, gives back what it waits for, and waits for `second` alone.
async fn second_alone(first: impl Future, release: impl FnOnce(), second: impl Future) {
    let mut first = pin!(first);
    begin(first.as_mut()).await;
    release();
    second.await;
}

/// Polls once; it has to wait.
async fn begin<F: Future>(mut future: Pin<&mut F>) {
    poll_fn(|cx| {
        assert!(future.as_mut().poll(cx).is_pending());
        Poll::Ready(())
    })
    .await
}

fn on_one_thread(program: impl Future<Output = ()>) -> String {
    let runtime = one_thread();
    timed(|| runtime.block_on(program))
}

pub(super) fn mutex() -> String {
    on_one_thread(async {
        let lock = Mutex::new(());
        let held = lock.lock().await;
        second_alone(lock.lock(), || drop(held), lock.lock()).await;
    })
}

pub(super) fn rwlock() -> String {
    on_one_thread(async {
        let lock = RwLock::new(());
        let held = lock.read().await;
        second_alone(lock.write(), || drop(held), lock.read()).await;
    })
}

pub(super) fn semaphore() -> String {
    on_one_thread(async {
        let permits = Semaphore::new(2);
        let held = permits.acquire_many(2).await.expect("it is never closed");
        second_alone(permits.acquire_many(2), || drop(held), permits.acquire()).await;
    })
}

pub(super) fn channel() -> String {
    on_one_thread(async {
        let (sender, mut receiver) = mpsc::channel(1);
        sender.send(0).await.expect("there is a receiver");
        let receive = || assert_eq!(receiver.try_recv(), Ok(0));
        second_alone(sender.send(1), receive, sender.send(2)).await;
    })
}

pub(super) fn cell() -> String {
    on_one_thread(async {
        let cell = OnceCell::new();
        let mut filling = Box::pin(cell.get_or_init(pending::<u32>));
        begin(filling.as_mut()).await;
        second_alone(cell.get_or_init(async || 1), || drop(filling), cell.get_or_init(async || 2)).await;
    })
}
