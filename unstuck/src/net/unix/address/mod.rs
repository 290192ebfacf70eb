//! Addresses of Unix sockets.
//!
//! 1. Where a path is asked for, one that begins with a NUL byte is an abstract name, which Linux has.

use std::ffi::OsStr;
use std::fmt;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net;
use std::path::Path;

use socket2::SockAddr;

#[cfg(target_os = "linux")]
mod abstract_names;
#[cfg(not(target_os = "linux"))]
#[path = "no_abstract_names.rs"]
mod abstract_names;

/// The address of a Unix socket: a path, on Linux an abstract name, or nothing.
///
/// It is made from std's [`SocketAddr`](net::SocketAddr), and is that again with [`into`](Into::into).
///
/// # Examples
///
/// ```
/// use std::os::unix::net;
/// use unstuck::net::unix::SocketAddr;
///
/// # fn main() -> std::io::Result<()> {
/// let address = SocketAddr::from(net::SocketAddr::from_pathname("/run/service.sock")?);
/// assert_eq!(address.as_pathname(), Some("/run/service.sock".as_ref()));
/// assert!(!address.is_unnamed());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct SocketAddr(net::SocketAddr);

impl SocketAddr {
    /// Whether it has no name: of a socket that was not bound, or one of a pair.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::net::UnixStream;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let (a, _b) = UnixStream::pair()?;
    /// assert!(a.local_addr()?.is_unnamed());
    /// # Ok(())
    /// # }
    /// ```
    pub fn is_unnamed(&self) -> bool {
        self.0.is_unnamed()
    }

    /// The path, if it is one.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::net::UnixListener;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let path = std::env::temp_dir().join(format!("pathname-{}.sock", std::process::id()));
    /// let listener = UnixListener::bind(&path)?;
    /// assert_eq!(listener.local_addr()?.as_pathname(), Some(path.as_path()));
    /// # std::fs::remove_file(path)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn as_pathname(&self) -> Option<&Path> {
        self.0.as_pathname()
    }
}

/// As std's.
impl fmt::Debug for SocketAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<net::SocketAddr> for SocketAddr {
    fn from(address: net::SocketAddr) -> SocketAddr {
        SocketAddr(address)
    }
}

impl From<SocketAddr> for net::SocketAddr {
    fn from(address: SocketAddr) -> net::SocketAddr {
        address.0
    }
}

/// The address that a path names (rule 1).
pub(super) fn named(path: &Path) -> io::Result<net::SocketAddr> {
    match path.as_os_str().as_bytes() {
        [0, name @ ..] => abstract_names::address(name),
        _ => net::SocketAddr::from_pathname(path),
    }
}

/// As `socket2` wants it.
pub(super) fn to_system(address: &net::SocketAddr) -> io::Result<SockAddr> {
    if let Some(path) = address.as_pathname() {
        return SockAddr::unix(path);
    }
    let path = match abstract_names::name(address) {
        Some(name) => [b"\0", name].concat(),
        None => Vec::new(),
    };
    SockAddr::unix(OsStr::from_bytes(&path))
}

/// As `socket2` tells it.
pub(super) fn from_system(address: &SockAddr) -> io::Result<SocketAddr> {
    if let Some(path) = address.as_pathname() {
        return net::SocketAddr::from_pathname(path).map(SocketAddr);
    }
    match address.as_abstract_namespace() {
        Some(name) => abstract_names::address(name).map(SocketAddr),
        None => nobody(),
    }
}

/// The address without a name.
pub(super) fn nobody() -> io::Result<SocketAddr> {
    net::SocketAddr::from_pathname("").map(SocketAddr)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_survives_the_way_to_the_system_and_back() {
        for path in ["/tmp/a path", "relative", "\0abstract", "\0with\0nul", ""] {
            let address = named(Path::new(path)).unwrap();
            let back = from_system(&to_system(&address).unwrap()).unwrap();
            assert_eq!(format!("{back:?}"), format!("{address:?}"), "{path:?}");
            assert_eq!(back.is_unnamed(), path.is_empty());
            assert_eq!(back.as_pathname().is_some(), path.starts_with(['/', 'r']));
            assert_eq!(back.as_abstract_name(), path.strip_prefix('\0').map(str::as_bytes));
        }
    }

    #[test]
    fn a_path_that_no_address_can_hold_is_refused() {
        for path in ["a\0b".to_string(), "x".repeat(200), format!("\0{}", "x".repeat(200))] {
            assert_eq!(named(Path::new(&path)).unwrap_err().kind(), io::ErrorKind::InvalidInput);
        }
    }
}
