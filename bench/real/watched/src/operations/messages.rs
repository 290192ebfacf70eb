//! Messages between two tasks. An operation is one message.

use super::super::rt;
use super::in_task;
use rt::runtime::Runtime;
use rt::sync::mpsc;

/// One sender, one receiver, a buffer of 100.
pub(super) fn bounded(runtime: &Runtime, operations: u32) {
    in_task(runtime, async move {
        let (sender, mut receiver) = mpsc::channel(100);
        let sending = rt::spawn(async move {
            for number in 0..operations {
                sender.send(number).await.expect("the receiver lives");
            }
        });
        for number in 0..operations {
            assert_eq!(receiver.recv().await, Some(number));
        }
        sending.await.expect("it does not panic");
    });
}
