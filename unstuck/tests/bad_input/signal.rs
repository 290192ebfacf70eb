//! Signals: those that nobody may catch, and places where nobody listens.
#![cfg(unix)]

use unstuck::runtime::Builder;
use unstuck::signal::ctrl_c;
use unstuck::signal::unix::{SignalKind, signal};

use crate::blame::refused;
use crate::common::both;

#[test]
fn a_signal_that_can_not_be_caught_is_an_error() {
    let forbidden = [libc::SIGKILL, libc::SIGSTOP, libc::SIGSEGV, libc::SIGILL, libc::SIGFPE];
    for runtime in both() {
        let _guard = runtime.enter();
        for number in forbidden {
            let error = signal(SignalKind::from_raw(number)).unwrap_err();
            assert!(error.to_string().contains("can't be caught"), "{number}: {error}");
        }
        for number in [0, -1, i32::MIN, i32::MAX, 65, 1000] {
            signal(SignalKind::from_raw(number)).unwrap_err();
        }
        // The others still can.
        drop(signal(SignalKind::user_defined2()).unwrap());
    }
}

#[test]
fn nobody_listens_outside_a_runtime_or_without_io() {
    refused("there is no reactor running", || drop(signal(SignalKind::user_defined1())));
    let runtime = Builder::new_current_thread().enable_time().build().unwrap();
    let _guard = runtime.enter();
    refused("`enable_io`", || drop(signal(SignalKind::user_defined1())));
    refused("`enable_io`", || drop(runtime.block_on(ctrl_c())));
}
