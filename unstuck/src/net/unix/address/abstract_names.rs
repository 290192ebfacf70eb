//! Abstract names: addresses of Linux that are no files, and are gone with the last socket that has them.

use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net;

use super::SocketAddr;

impl SocketAddr {
    /// The abstract name, without the NUL byte that it begins with, if it is one. Abstract names are no files; Linux
    /// has them.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::net::UnixListener;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let name = format!("abstract-{}", std::process::id());
    /// let listener = UnixListener::bind(format!("\0{name}"))?;
    /// assert_eq!(listener.local_addr()?.as_abstract_name(), Some(name.as_bytes()));
    /// # Ok(())
    /// # }
    /// ```
    pub fn as_abstract_name(&self) -> Option<&[u8]> {
        name(&self.0)
    }
}

pub(super) fn address(name: &[u8]) -> io::Result<net::SocketAddr> {
    net::SocketAddr::from_abstract_name(name)
}

pub(super) fn name(address: &net::SocketAddr) -> Option<&[u8]> {
    address.as_abstract_name()
}
