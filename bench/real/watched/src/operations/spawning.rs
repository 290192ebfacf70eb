//! Spawning empty tasks and joining them. An operation is one task.

use super::super::rt;
use super::in_task;
use rt::runtime::Runtime;

/// Each is joined before the next is spawned.
pub(super) fn one_at_a_time(runtime: &Runtime, operations: u32) {
    in_task(runtime, async move {
        for number in 0..operations {
            let handle = rt::spawn(async move { number });
            assert_eq!(handle.await.expect("it does not panic"), number);
        }
    });
}

/// A thousand are spawned before the first of them is joined.
pub(super) fn thousands(runtime: &Runtime, operations: u32) {
    in_task(runtime, async move {
        let mut handles = Vec::with_capacity(1000);
        for _ in 0..operations / 1000 {
            for number in 0..1000 {
                handles.push(rt::spawn(async move { number }));
            }
            for (number, handle) in (0..).zip(handles.drain(..)) {
                assert_eq!(handle.await.expect("it does not panic"), number);
            }
        }
    });
}
