//! Spawning empty tasks and joining them.

use std::time::Duration;

use super::super::rt;
use super::in_task;
use crate::measure::timed;
use rt::runtime::Runtime;

/// All are spawned before the first is joined.
pub(super) fn batch(runtime: &Runtime, operations: u32) -> Duration {
    in_task(runtime, async move {
        let mut handles = Vec::with_capacity(operations as usize);
        timed(async {
            for number in 0..operations {
                handles.push(rt::spawn(async move { number }));
            }
            for (number, handle) in (0..).zip(handles) {
                assert_eq!(handle.await.expect("it does not panic"), number);
            }
        })
        .await
    })
}

/// Each is joined before the next is spawned.
pub(super) fn one_at_a_time(runtime: &Runtime, operations: u32) -> Duration {
    in_task(runtime, async move {
        timed(async {
            for number in 0..operations {
                let handle = rt::spawn(async move { number });
                assert_eq!(handle.await.expect("it does not panic"), number);
            }
        })
        .await
    })
}
