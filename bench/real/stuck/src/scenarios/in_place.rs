//! Blocking parts that are announced.

use std::time::{Duration, Instant};

use super::super::rt;
use super::runtime;
use crate::system;

pub(super) fn many() -> String {
    let runtime = runtime();
    let start = Instant::now();
    let tasks: Vec<_> = (0..64)
        .map(|_| {
            runtime.spawn(async {
                rt::task::block_in_place(|| {
                    rt::runtime::Handle::current().block_on(async {
                        rt::time::sleep(Duration::from_millis(10)).await;
                        rt::spawn(async {}).await.expect("it does not panic");
                    });
                });
            })
        })
        .collect();
    for task in tasks {
        runtime.block_on(task).expect("it does not panic");
    }
    format!("done after {:.1} ms", start.elapsed().as_secs_f64() * 1e3)
}

pub(super) fn short() -> String {
    let runtime = runtime();
    let before = system::thread_count();
    let start = Instant::now();
    let tasks: Vec<_> =
        (0..10_000).map(|_| runtime.spawn(async { rt::task::block_in_place(std::thread::yield_now) })).collect();
    for task in tasks {
        runtime.block_on(task).expect("it does not panic");
    }
    let took = start.elapsed();
    let after = system::thread_count();
    std::thread::sleep(Duration::from_secs(11));
    let later = system::thread_count();
    format!("{:.2} us each; threads {before} before, {after} after, {later} 11 s later", took.as_secs_f64() * 1e2)
}
