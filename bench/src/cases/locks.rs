//! Locks that nobody else wants.

use std::time::Duration;

use super::super::rt;
use super::in_task;
use crate::measure::timed;
use rt::runtime::Runtime;
use rt::sync::{Mutex, Notify, Semaphore};

pub(super) fn mutex(runtime: &Runtime, operations: u32) -> Duration {
    in_task(runtime, async move {
        let mutex = Mutex::new(0_u32);
        let time = timed(async {
            for _ in 0..operations {
                *mutex.lock().await += 1;
            }
        })
        .await;
        assert_eq!(mutex.into_inner(), operations);
        time
    })
}

pub(super) fn semaphore(runtime: &Runtime, operations: u32) -> Duration {
    in_task(runtime, async move {
        let semaphore = Semaphore::new(10);
        let time = timed(async {
            for _ in 0..operations {
                drop(semaphore.acquire().await.expect("it is open"));
            }
        })
        .await;
        assert_eq!(semaphore.available_permits(), 10);
        time
    })
}

/// The notification is there before anyone waits for it.
pub(super) fn notify(runtime: &Runtime, operations: u32) -> Duration {
    in_task(runtime, async move {
        let notify = Notify::new();
        timed(async {
            for _ in 0..operations {
                notify.notify_one();
                notify.notified().await;
            }
        })
        .await
    })
}
