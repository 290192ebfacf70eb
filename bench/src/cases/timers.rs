//! Timers that never fire: what almost all timers of a server are.

use std::future::{poll_fn, ready};
use std::hint::black_box;
use std::task::Poll;
use std::time::Duration;

use super::super::rt;
use super::in_task;
use crate::measure::timed;
use rt::runtime::Runtime;
use rt::time::{sleep, timeout};

const LONG: Duration = Duration::from_secs(10);

/// The future is ready at once, so the timer is never registered.
pub(super) fn timeout_ready(runtime: &Runtime, operations: u32) -> Duration {
    in_task(runtime, async move {
        timed(async {
            for number in 0..operations {
                assert_eq!(timeout(LONG, ready(number)).await, Ok(number));
            }
        })
        .await
    })
}

/// The future waits one turn, so the timer is registered and then cancelled.
pub(super) fn timeout_pending_once(runtime: &Runtime, operations: u32) -> Duration {
    in_task(runtime, async move {
        timed(async {
            for number in 0..operations {
                assert_eq!(timeout(LONG, pending_once(number)).await, Ok(number));
            }
        })
        .await
    })
}

/// Made and dropped without a poll.
pub(super) fn sleep_dropped(runtime: &Runtime, operations: u32) -> Duration {
    in_task(runtime, async move {
        timed(async {
            for _ in 0..operations {
                drop(black_box(sleep(LONG)));
            }
        })
        .await
    })
}

/// Gives `value` at the second poll, which it asks for itself.
async fn pending_once(value: u32) -> u32 {
    let mut waited = false;
    poll_fn(|context| {
        if waited {
            return Poll::Ready(value);
        }
        waited = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await
}
