//! Unix datagrams.
//!
//! 1. The readiness is in `readiness`, receiving in `receive`, sending in `send`.

mod readiness;
mod receive;
mod send;

use std::fmt;
use std::io;
use std::net::Shutdown;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::os::unix::net;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::path::Path;

use unstuck_base::interest::Ready;

use super::SocketAddr;
use super::address::named;
use crate::kernel::{kernel, may_use_descriptors};
use crate::watched::Watched;

/// Sends and receives datagrams within the machine: none is lost, and they keep their order.
///
/// Either one to many: [`send_to`](UnixDatagram::send_to) and [`recv_from`](UnixDatagram::recv_from) name the other side each
/// time. Or one to one: after [`connect`](UnixDatagram::connect), or in a [`pair`](UnixDatagram::pair),
/// [`send`](UnixDatagram::send) and [`recv`](UnixDatagram::recv) talk to that peer alone. To be answered, a socket needs an
/// address: see [`bind`](UnixDatagram::bind).
///
/// All methods take `&self`, so there is nothing to split: several tasks use one socket through an
/// [`Arc`](std::sync::Arc). Dropping it leaves the file of its path: remove it before somebody binds that path again.
///
/// # Examples
///
/// ```
/// use unstuck::net::UnixDatagram;
///
/// # #[unstuck::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// # let id = std::process::id();
/// # let server_path = std::env::temp_dir().join(format!("datagram-server-{id}.sock"));
/// # let client_path = std::env::temp_dir().join(format!("datagram-client-{id}.sock"));
/// let server = UnixDatagram::bind(&server_path)?;
/// let client = UnixDatagram::bind(&client_path)?;
/// client.send_to(b"ping", &server_path).await?;
///
/// let mut buf = [0; 16];
/// let (len, sender) = server.recv_from(&mut buf).await?;
/// assert_eq!(&buf[..len], b"ping");
/// server.send_to(b"pong", sender.as_pathname().unwrap()).await?;
///
/// let len = client.recv(&mut buf).await?;
/// assert_eq!(&buf[..len], b"pong");
/// # std::fs::remove_file(server_path)?;
/// # std::fs::remove_file(client_path)?;
/// # Ok(())
/// # }
/// ```
pub struct UnixDatagram {
    socket: Watched<net::UnixDatagram>,
}

// No reference to what the socket is made of is given out.
impl UnwindSafe for UnixDatagram {}
impl RefUnwindSafe for UnixDatagram {}

impl UnixDatagram {
    /// Opens a socket at `path`, which becomes a file: there must be none yet. On Linux, a path that begins with a NUL byte is
    /// an abstract name, which is no file.
    ///
    /// # Errors
    ///
    /// What the system says, as when there is such a file; when `path` is too long for an address.
    ///
    /// # Panics
    ///
    /// Outside a runtime, or in one that was built without [`enable_io`](crate::runtime::Builder::enable_io).
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::net::UnixDatagram;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// # let path = std::env::temp_dir().join(format!("unstuck-doc-datagram-bind-{}.sock", std::process::id()));
    /// let socket = UnixDatagram::bind(&path)?;
    /// assert_eq!(socket.local_addr()?.as_pathname(), Some(&*path));
    /// // The file stays until it is removed, and nobody else can bind its path.
    /// drop(socket);
    /// assert!(UnixDatagram::bind(&path).is_err());
    /// std::fs::remove_file(path)?;
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn bind<P: AsRef<Path>>(path: P) -> io::Result<UnixDatagram> {
        // Before the file is made, so that a panic leaves none.
        drop(kernel());
        may_use_descriptors()?;
        let socket = net::UnixDatagram::bind_addr(&named(path.as_ref())?)?;
        UnixDatagram::fresh(socket)
    }

    /// Two sockets that are connected with each other, without an address.
    ///
    /// # Errors
    ///
    /// What the system says, as when too many files are open.
    ///
    /// # Panics
    ///
    /// As [`bind`](UnixDatagram::bind).
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::net::UnixDatagram;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let (a, b) = UnixDatagram::pair()?;
    /// a.send(b"hello").await?;
    /// let mut buf = [0; 16];
    /// let len = b.recv(&mut buf).await?;
    /// assert_eq!(&buf[..len], b"hello");
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn pair() -> io::Result<(UnixDatagram, UnixDatagram)> {
        may_use_descriptors()?;
        let (a, b) = net::UnixDatagram::pair()?;
        Ok((UnixDatagram::fresh(a)?, UnixDatagram::fresh(b)?))
    }

    /// Opens a socket without an address: it can send, and receive from the peer that it is
    /// [connected](UnixDatagram::connect) to if that one is connected to it, but nobody can answer.
    ///
    /// # Errors
    ///
    /// What the system says, as when too many files are open.
    ///
    /// # Panics
    ///
    /// As [`bind`](UnixDatagram::bind).
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::net::UnixDatagram;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// # let path = std::env::temp_dir().join(format!("unbound-{}.sock", std::process::id()));
    /// let server = UnixDatagram::bind(&path)?;
    /// UnixDatagram::unbound()?.send_to(b"hello", &path).await?;
    ///
    /// let mut buf = [0; 16];
    /// let (len, sender) = server.recv_from(&mut buf).await?;
    /// assert_eq!(&buf[..len], b"hello");
    /// assert!(sender.is_unnamed());
    /// # std::fs::remove_file(path)?;
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn unbound() -> io::Result<UnixDatagram> {
        may_use_descriptors()?;
        UnixDatagram::fresh(net::UnixDatagram::unbound()?)
    }

    /// Takes over a socket that was just made: it has room to send.
    #[track_caller]
    fn fresh(socket: net::UnixDatagram) -> io::Result<UnixDatagram> {
        socket.set_nonblocking(true)?;
        Ok(UnixDatagram { socket: Watched::both_ways(socket)?.assumed(Ready::WRITABLE) })
    }

    /// Takes over a socket of std, which must be in non-blocking mode: see
    /// [`set_nonblocking`](net::UnixDatagram::set_nonblocking).
    ///
    /// # Errors
    ///
    /// What the system says; a simulation refuses.
    ///
    /// # Panics
    ///
    /// As [`bind`](UnixDatagram::bind).
    ///
    /// # Examples
    ///
    /// ```
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let socket = std::os::unix::net::UnixDatagram::unbound()?;
    /// socket.set_nonblocking(true)?;
    /// let socket = unstuck::net::UnixDatagram::from_std(socket)?;
    /// # drop(socket);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn from_std(datagram: net::UnixDatagram) -> io::Result<UnixDatagram> {
        Ok(UnixDatagram { socket: Watched::both_ways(datagram)? })
    }

    /// Makes it a socket of std again, which is in non-blocking mode.
    ///
    /// # Errors
    ///
    /// None at present.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::net::UnixDatagram;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let (a, b) = UnixDatagram::pair()?;
    /// a.send(b"hello").await?;
    /// let b = b.into_std()?;
    /// b.set_nonblocking(false)?;
    /// assert_eq!(b.recv(&mut [0; 16])?, 5);
    /// # Ok(())
    /// # }
    /// ```
    pub fn into_std(self) -> io::Result<net::UnixDatagram> {
        Ok(self.socket.into_object())
    }

    /// Makes the socket at `path` the one peer: from now on [`send`](UnixDatagram::send) sends to it.
    ///
    /// # Errors
    ///
    /// What the system says, as when there is no such socket.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::net::UnixDatagram;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// # let path = std::env::temp_dir().join(format!("connect-{}.sock", std::process::id()));
    /// let server = UnixDatagram::bind(&path)?;
    /// let client = UnixDatagram::unbound()?;
    /// client.connect(&path)?;
    /// client.send(b"hello").await?;
    /// # assert_eq!(server.recv(&mut [0; 16]).await?, 5);
    /// # std::fs::remove_file(path)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn connect<P: AsRef<Path>>(&self, path: P) -> io::Result<()> {
        self.socket.get().connect_addr(&named(path.as_ref())?)
    }

    /// Ends receiving, sending, or both, for all who use this socket. Waits of that direction end: what has come already is
    /// still received, then receiving returns 0 at once.
    ///
    /// # Errors
    ///
    /// What the system says, as when it is not connected.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::net::Shutdown;
    /// use unstuck::net::UnixDatagram;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let (a, _b) = UnixDatagram::pair()?;
    /// a.shutdown(Shutdown::Both)?;
    /// assert!(a.send(b"too late").await.is_err());
    /// assert_eq!(a.recv(&mut [0; 16]).await?, 0);
    /// # Ok(())
    /// # }
    /// ```
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.socket.get().shutdown(how)
    }

    /// The address of this socket.
    ///
    /// # Errors
    ///
    /// What the system says.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::net::UnixDatagram;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// assert!(UnixDatagram::unbound()?.local_addr()?.is_unnamed());
    /// # Ok(())
    /// # }
    /// ```
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.get().local_addr().map(SocketAddr::from)
    }

    /// The address of the connected peer.
    ///
    /// # Errors
    ///
    /// [`NotConnected`](io::ErrorKind::NotConnected) when there is none; what the system says.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::net::UnixDatagram;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// # let path = std::env::temp_dir().join(format!("unstuck-doc-datagram-peer-{}.sock", std::process::id()));
    /// let _server = UnixDatagram::bind(&path)?;
    /// let client = UnixDatagram::unbound()?;
    /// assert!(client.peer_addr().is_err());
    /// client.connect(&path)?;
    /// assert_eq!(client.peer_addr()?.as_pathname(), Some(&*path));
    /// # std::fs::remove_file(path)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.socket.get().peer_addr().map(SocketAddr::from)
    }

    /// Takes the error that the system keeps for this socket.
    ///
    /// # Errors
    ///
    /// When the error itself can't be read.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::net::UnixDatagram;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let (a, b) = UnixDatagram::pair()?;
    /// drop(b);
    /// assert!(a.send(b"hello").await.is_err()); // told here,
    /// assert!(a.take_error()?.is_none()); // so not kept
    /// # Ok(())
    /// # }
    /// ```
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.socket.get().take_error()
    }
}

impl TryFrom<net::UnixDatagram> for UnixDatagram {
    type Error = io::Error;

    /// As [`from_std`](UnixDatagram::from_std).
    fn try_from(socket: net::UnixDatagram) -> io::Result<UnixDatagram> {
        UnixDatagram::from_std(socket)
    }
}

impl AsFd for UnixDatagram {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.get().as_fd()
    }
}

impl AsRawFd for UnixDatagram {
    fn as_raw_fd(&self) -> RawFd {
        self.as_fd().as_raw_fd()
    }
}

impl fmt::Debug for UnixDatagram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("UnixDatagram").field(&self.socket).finish()
    }
}
