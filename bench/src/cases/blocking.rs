//! Empty closures on the threads for blocking work.

use std::time::Duration;

use super::super::rt;
use super::in_task;
use crate::measure::timed;
use rt::runtime::Runtime;
use rt::task::spawn_blocking;

/// How many closures of the batch wait at a time.
const IN_FLIGHT: u32 = 1000;

/// Each is joined before the next is handed over.
pub(super) fn one_at_a_time(runtime: &Runtime, operations: u32) -> Duration {
    in_task(runtime, async move {
        timed(async {
            for number in 0..operations {
                assert_eq!(spawn_blocking(move || number).await.expect("it does not panic"), number);
            }
        })
        .await
    })
}

/// A thousand are handed over before the first is joined.
pub(super) fn batch(runtime: &Runtime, operations: u32) -> Duration {
    in_task(runtime, async move {
        timed(async {
            for _ in 0..operations / IN_FLIGHT {
                let handles: Vec<_> = (0..IN_FLIGHT).map(|number| spawn_blocking(move || number)).collect();
                for (number, handle) in (0..).zip(handles) {
                    assert_eq!(handle.await.expect("it does not panic"), number);
                }
            }
        })
        .await
    })
}
