//! Tasks that do nothing but give way to each other.

use std::time::Duration;

use super::super::rt;
use super::in_task;
use crate::measure::timed;
use rt::runtime::Runtime;

pub(super) fn one_task(runtime: &Runtime, operations: u32) -> Duration {
    share(runtime, 1, operations)
}

pub(super) fn two_tasks(runtime: &Runtime, operations: u32) -> Duration {
    share(runtime, 2, operations)
}

pub(super) fn thousand_tasks(runtime: &Runtime, operations: u32) -> Duration {
    share(runtime, 1000, operations)
}

/// Splits `operations` yields over `tasks` tasks.
fn share(runtime: &Runtime, tasks: u32, operations: u32) -> Duration {
    let turns = operations / tasks;
    in_task(runtime, async move {
        timed(async {
            let yielder = || {
                rt::spawn(async move {
                    for _ in 0..turns {
                        rt::task::yield_now().await;
                    }
                    turns
                })
            };
            let handles: Vec<_> = (0..tasks).map(|_| yielder()).collect();
            for handle in handles {
                assert_eq!(handle.await.expect("it does not panic"), turns);
            }
        })
        .await
    })
}
