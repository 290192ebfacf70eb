//! The real kernel: sockets, descriptors, signals, names and clocks of the operating system, waited for with mio.
//!
//! 1. One epoll (kqueue) instance a runtime. Each socket is registered once, edge-triggered, for its whole life.
//! 2. The kernel makes no system call that blocks, but for the resolver. The driver blocks in one place only.
//! 3. Only here `cfg(target_os)` decides: what differs between systems is behind the names of `system` and `no_sigpipe`.
//! 4. No event can reach memory that is gone, whatever other code does with its descriptors: see `slots.rs`.
//!
//! The user-facing crate's `runtime` calls [`new`] (or [`open`], to wrap the types), resources call the kernel through
//! its traits, a scheduler parks in the driver.

use std::io;
use std::sync::Arc;

use unstuck_driver::{Driver, Kernel};

mod bell;
mod driver;
mod kernel;
mod reactor;
mod ready;
mod signals;
mod slots;
mod socket;

#[cfg(any(target_os = "linux", target_os = "android"))]
#[path = "system/linux.rs"]
mod system;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
#[path = "system/portable.rs"]
mod system;

#[cfg(not(target_vendor = "apple"))]
#[path = "system/no_sigpipe.rs"]
mod no_sigpipe;
#[cfg(target_vendor = "apple")]
#[path = "system/no_sigpipe_apple.rs"]
mod no_sigpipe;

pub use driver::OsDriver;
pub use kernel::OsKernel;

/// Opens a driver and the kernel that belongs to it.
///
/// # Errors
/// What the system says: out of file descriptors, most likely.
pub fn open() -> io::Result<(Arc<OsKernel>, OsDriver)> {
    let (reactor, poll) = reactor::Reactor::open()?;
    Ok((Arc::new(OsKernel::new(reactor.clone())), OsDriver::new(reactor, poll)))
}

/// As [`open`], with the types forgotten.
///
/// # Errors
/// As [`open`].
pub fn new() -> io::Result<(Arc<dyn Kernel>, Box<dyn Driver>)> {
    let (kernel, driver) = open()?;
    Ok((kernel, Box::new(driver)))
}

/// The time, for code that has no runtime to ask.
pub fn now() -> std::time::Instant {
    std::time::Instant::now()
}
