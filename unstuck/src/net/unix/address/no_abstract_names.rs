//! Systems other than Linux have no abstract names.

use std::io;
use std::os::unix::net;

pub(super) fn address(_name: &[u8]) -> io::Result<net::SocketAddr> {
    Err(io::Error::new(io::ErrorKind::InvalidInput, "abstract names (paths that begin with NUL) exist on Linux only"))
}

pub(super) fn name(_address: &net::SocketAddr) -> Option<&[u8]> {
    None
}
