//! What the runtime costs that has nothing, or little, to do.

use std::time::{Duration, Instant};

use super::super::rt;
use super::blocked::Others;
use super::{WATCHED, runtime};
use crate::system::{self, Thread};

pub(super) fn nothing() -> String {
    let runtime = runtime();
    runtime.block_on(async { rt::time::sleep(Duration::from_millis(500)).await });
    watch()
}

pub(super) fn ten_a_second() -> String {
    let runtime = runtime();
    runtime.spawn(async {
        loop {
            rt::time::sleep(Duration::from_millis(100)).await;
        }
    });
    watch()
}

pub(super) fn echo() -> String {
    let runtime = runtime();
    let _others = Others::start(&runtime);
    let report = watch();
    runtime.shutdown_background();
    report
}

/// What each thread uses and how often it sleeps, in a second.
fn watch() -> String {
    let before = system::threads();
    let start = Instant::now();
    std::thread::sleep(WATCHED);
    let seconds = start.elapsed().as_secs_f64();
    let after = system::threads();
    let mut report = String::new();
    for (before, after) in before.iter().zip(&after).skip(1) {
        report += &row(before, after, seconds);
    }
    report
}

fn row(before: &Thread, after: &Thread, seconds: f64) -> String {
    let used = (after.used - before.used).as_secs_f64() / seconds * 100.0;
    let sleeps = (after.sleeps - before.sleeps) as f64 / seconds;
    format!("{}: {used:.2} % of a core, {sleeps:.1} wake-ups/s; ", after.name)
}
