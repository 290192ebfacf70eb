//! The real kernel: sockets, descriptors, signals, names and clocks of the operating system, waited for with mio.
//!
//! 1. One epoll (kqueue) instance a runtime. Each socket is registered once, edge-triggered, for its whole life.
//! 2. The kernel makes no system call that blocks, but for files and output, which are called on threads that may. The
//!    driver blocks in one place only; the resolver and the standard input have threads that nobody waits for.
//! 3. In this crate only this file says `cfg(target_os)`: what differs between systems is behind the names of `system` and `no_sigpipe`.
//! 4. No event can reach memory that is gone, whatever other code does with its descriptors: see `slots.rs`.
//! 5. A forked child touches nothing of its parent's: an epoll instance is one for both, and a removal in the child would be
//!    the parent's loss.
//!
//! The user-facing crate's `runtime` calls [`new`] (or [`open`], to wrap the types), resources call the kernel through
//! its traits, a scheduler parks in the driver.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use unstuck_driver::socket::{Family, Unconnected};
use unstuck_driver::{Driver, Kernel};

mod bell;
mod driver;
mod file;
mod fork;
mod kernel;
mod offline;
mod options;
mod reactor;
mod ready;
mod resolver;
mod signals;
mod slots;
mod socket;
mod stdio;
mod unconnected;

#[cfg(any(target_os = "linux", target_os = "android"))]
#[path = "system/linux.rs"]
mod system;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
#[path = "system/portable.rs"]
mod system;
#[cfg(any(target_os = "linux", target_os = "android"))]
#[path = "system/linux_thread.rs"]
mod thread;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
#[path = "system/portable_thread.rs"]
mod thread;

#[cfg(not(target_vendor = "apple"))]
#[path = "system/no_sigpipe.rs"]
mod no_sigpipe;
#[cfg(target_vendor = "apple")]
#[path = "system/no_sigpipe_apple.rs"]
mod no_sigpipe;

pub use driver::{Batches, OsDriver};
pub use kernel::OsKernel;
pub use offline::{OfflineDriver, OfflineKernel, offline};

/// Opens a driver and the kernel that belongs to it.
///
/// # Errors
/// What the system says: out of file descriptors, most likely.
pub fn open() -> io::Result<(Arc<OsKernel>, OsDriver)> {
    open_with(Batches::default())
}

/// As [`open`], with a say in how many events the driver takes at a time.
///
/// # Errors
/// As [`open`].
pub fn open_with(batches: Batches) -> io::Result<(Arc<OsKernel>, OsDriver)> {
    fork::watch_for_children();
    let (reactor, poll) = reactor::Reactor::open()?;
    Ok((Arc::new(OsKernel::new(reactor.clone())), OsDriver::new(reactor, poll, batches)))
}

/// As [`open`], with the types forgotten.
///
/// # Errors
/// As [`open`].
pub fn new() -> io::Result<(Arc<dyn Kernel>, Box<dyn Driver>)> {
    let (kernel, driver) = open()?;
    Ok((kernel, Box::new(driver)))
}

/// A TCP socket that neither connects nor listens yet, for code that has no runtime to ask. It becomes part of the runtime in
/// which it does.
///
/// # Errors
/// What the system says: out of file descriptors, no such family.
pub fn tcp_socket(family: Family) -> io::Result<Box<dyn Unconnected>> {
    Ok(Box::new(unconnected::OsUnconnected::new(family)?))
}

/// As [`tcp_socket`], for a TCP socket that other code made: it is neither connected nor listening, and in non-blocking
/// mode.
pub fn adopt_tcp_socket(fd: OwnedFd) -> Box<dyn Unconnected> {
    Box::new(unconnected::OsUnconnected::from_fd(fd))
}

/// From now on a signal does what it did before anybody listened, while nobody does.
///
/// # Errors
/// If the signal can't be caught; if other code has a handler for it.
pub fn restore_signal_when_unused(number: i32) -> io::Result<()> {
    signals::restore_when_unused(number)
}

/// The time, for code that has no runtime to ask.
pub fn now() -> std::time::Instant {
    std::time::Instant::now()
}
