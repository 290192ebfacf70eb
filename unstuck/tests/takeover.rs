//! A lock that was given to a future which its task does not poll, while the task waits for that same lock.
//!
//! The first program is that of Oxide's RFD 609 ("futurelock").

mod common;

use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;

use unstuck::runtime::Builder;
use unstuck::sync::Mutex;
use unstuck::time::{Duration, sleep};

/// Runs a program on a thread of its own, and fails if it does not end. The limit is for a program that hangs, and never
/// reached by one that does not.
fn ends(program: impl FnOnce() + Send + 'static) {
    let (done, ended) = channel();
    let thread = thread::spawn(move || {
        program();
        let _nobody_waits = done.send(());
    });
    match ended.recv_timeout(std::time::Duration::from_secs(60)) {
        Err(RecvTimeoutError::Timeout) => panic!("the program hangs"),
        // Its panic goes on here.
        Ok(()) | Err(RecvTimeoutError::Disconnected) => thread.join().unwrap(),
    }
}

#[test]
fn the_program_of_rfd_609_ends() {
    async fn work(lock: Arc<Mutex<u32>>) {
        *lock.lock().await += 1;
    }
    ends(|| {
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let lock = Arc::new(Mutex::new(0));
            let background = unstuck::spawn({
                let lock = lock.clone();
                async move {
                    let _guard = lock.lock().await;
                    sleep(Duration::from_secs(5)).await;
                }
            });
            sleep(Duration::from_millis(10)).await;
            let mut first = Box::pin(work(lock.clone()));
            unstuck::select! {
                () = &mut first => panic!("the background task has the lock"),
                // `first` is next in the line for the lock, and is not polled while this waits for it.
                () = sleep(Duration::from_millis(500)) => work(lock.clone()).await,
            }
            first.await;
            background.await.unwrap();
            assert_eq!(*lock.lock().await, 2);
        });
    });
}
