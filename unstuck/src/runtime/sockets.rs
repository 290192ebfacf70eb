//! Sockets for code that has no runtime to ask, until they join one.

use std::io;
use std::os::fd::OwnedFd;

use unstuck_driver::socket::{Family, Unconnected};

/// A TCP socket outside any runtime.
pub(crate) fn default_tcp_socket(family: Family) -> io::Result<Box<dyn Unconnected>> {
    unstuck_os::tcp_socket(family)
}

/// A TCP socket that other code made, of the real world as all descriptors are.
pub(crate) fn default_adopt_tcp_socket(fd: OwnedFd) -> Box<dyn Unconnected> {
    unstuck_os::adopt_tcp_socket(fd)
}
