//! The runtime ends while something blocks.

use std::time::Duration;

use super::super::rt;
use super::{timed, two_workers};
use rt::io::AsyncReadExt;

const A_MOMENT: Duration = Duration::from_millis(50);

pub(super) fn standard_input() -> String {
    let runtime = two_workers();
    runtime.spawn(async { rt::io::stdin().read_u8().await });
    std::thread::sleep(A_MOMENT);
    timed(|| drop(runtime))
}

pub(super) fn closure_without_end() -> String {
    let runtime = without_end();
    timed(|| drop(runtime))
}

pub(super) fn closure_with_a_limit() -> String {
    let runtime = without_end();
    timed(|| runtime.shutdown_timeout(Duration::from_millis(100)))
}

fn without_end() -> rt::runtime::Runtime {
    let runtime = two_workers();
    runtime.spawn_blocking(|| {
        loop {
            std::thread::park();
        }
    });
    std::thread::sleep(A_MOMENT);
    runtime
}
