//! The real kernel passes the tests that every kernel must pass.

#![cfg(not(unstuck_loom))]

use unstuck_driver::conformance;

#[test]
fn the_real_kernel_conforms() {
    conformance::run(|| unstuck_os::new().unwrap());
}

#[test]
fn the_real_kernel_conforms_with_threads() {
    conformance::run_with_threads(|| unstuck_os::new().unwrap());
}
