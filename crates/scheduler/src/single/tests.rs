//! The situations that the module must get right.

use std::future::{pending, poll_fn};

use super::*;
use crate::bare;

#[test]
fn a_driver_that_breaks_is_told_to_block_on_and_the_end_goes_on() {
    let runtime = bare::single();
    let _context = runtime.handle.enter();
    let task = runtime.handle.spawn(pending::<()>());
    runtime.kernel.break_driver();
    assert!(runtime.scheduler.block_on(pending::<()>()).is_err());
    runtime.scheduler.shut_down();
    assert!(task.is_finished());
}

#[test]
fn the_driver_is_not_woken_for_what_its_own_thread_queues() {
    let runtime = bare::single();
    let _context = runtime.handle.enter();
    let handle = runtime.handle.clone();
    let ended = runtime.scheduler.block_on(async {
        for number in 0..100 {
            assert_eq!(handle.spawn(async move { number }).await.unwrap(), number);
        }
        let mut yields = 100;
        poll_fn(|cx| {
            yields -= 1;
            cx.waker().wake_by_ref();
            if yields == 0 { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    });
    ended.unwrap();
    assert_eq!(runtime.kernel.unparks(), 0);
}
