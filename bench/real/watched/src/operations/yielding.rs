//! Tasks that do nothing but give way to each other.

use std::sync::Arc;

use super::super::rt;
use super::in_task;
use rt::runtime::Runtime;
use rt::sync::Notify;

/// An operation is one yield.
pub(super) fn one_task(runtime: &Runtime, operations: u32) {
    in_task(runtime, async move {
        for _ in 0..operations {
            rt::task::yield_now().await;
        }
    });
}

/// Two tasks wake each other in turn. An operation is a wake-up of the other one, and one back.
pub(super) fn there_and_back(runtime: &Runtime, operations: u32) {
    in_task(runtime, async move {
        let (there, back) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let answering = rt::spawn({
            let (there, back) = (there.clone(), back.clone());
            async move {
                for _ in 0..operations {
                    there.notified().await;
                    back.notify_one();
                }
            }
        });
        for _ in 0..operations {
            there.notify_one();
            back.notified().await;
        }
        answering.await.expect("it does not panic");
    });
}
