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

#[test]
fn the_kernel_without_io_conforms_as_far_as_it_goes() {
    conformance::run_without_sockets(|| {
        let (kernel, driver) = unstuck_os::offline();
        (kernel, Box::new(driver))
    });
}
