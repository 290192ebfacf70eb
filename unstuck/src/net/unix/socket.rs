//! A Unix socket that is neither listening nor connected yet.

use std::future::Future;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};
use std::os::unix::net;
use std::path::Path;

use socket2::{Domain, SockAddr, Socket, Type};

use super::address::{named, to_system};
use super::datagram::UnixDatagram;
use super::listener::UnixListener;
use super::stream::{UnixStream, connected};
use crate::called_at::{Line, called_from};
use crate::kernel::may_use_descriptors;

/// A Unix socket in the making: to bind it before it connects, or to listen with a backlog of your own.
///
/// # Examples
///
/// A client that has a path itself, so that the server sees who connects:
///
/// ```
/// use unstuck::net::UnixSocket;
///
/// # #[unstuck::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// # let id = std::process::id();
/// # let server = std::env::temp_dir().join(format!("socket-server-{id}.sock"));
/// # let client = std::env::temp_dir().join(format!("socket-client-{id}.sock"));
/// let socket = UnixSocket::new_stream()?;
/// socket.bind(&server)?;
/// let listener = socket.listen(16)?;
///
/// let socket = UnixSocket::new_stream()?;
/// socket.bind(&client)?;
/// let _stream = socket.connect(&server).await?;
///
/// let (_connection, peer) = listener.accept().await?;
/// assert_eq!(peer.as_pathname(), Some(client.as_path()));
/// # std::fs::remove_file(server)?;
/// # std::fs::remove_file(client)?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct UnixSocket {
    socket: Socket,
}

impl UnixSocket {
    /// A socket that becomes a [`UnixDatagram`].
    ///
    /// # Errors
    ///
    /// What the system says, as when too many files are open.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::net::UnixSocket;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let socket = UnixSocket::new_datagram()?.datagram()?;
    /// assert!(socket.local_addr()?.is_unnamed());
    /// # Ok(())
    /// # }
    /// ```
    pub fn new_datagram() -> io::Result<UnixSocket> {
        UnixSocket::new(Type::DGRAM)
    }

    /// A socket that becomes a [`UnixListener`] or a [`UnixStream`].
    ///
    /// # Errors
    ///
    /// What the system says, as when too many files are open.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::net::UnixSocket;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let path = std::env::temp_dir().join(format!("new-stream-{}.sock", std::process::id()));
    /// let server = UnixSocket::new_stream()?;
    /// server.bind(&path)?;
    /// let listener = server.listen(16)?;
    ///
    /// let _client = UnixSocket::new_stream()?.connect(&path).await?;
    /// assert!(listener.accept().await.is_ok());
    /// # std::fs::remove_file(&path)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn new_stream() -> io::Result<UnixSocket> {
        UnixSocket::new(Type::STREAM)
    }

    fn new(ty: Type) -> io::Result<UnixSocket> {
        may_use_descriptors()?;
        let socket = Socket::new(Domain::UNIX, ty, None)?;
        socket.set_nonblocking(true)?;
        Ok(UnixSocket { socket })
    }

    /// Gives it an address of its own; see [`UnixListener::bind`].
    ///
    /// # Errors
    ///
    /// What the system says, as when there is such a file; when `path` is too long for an address.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::io::ErrorKind;
    /// use unstuck::net::UnixSocket;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let path = std::env::temp_dir().join(format!("socket-bind-{}.sock", std::process::id()));
    /// let socket = UnixSocket::new_stream()?;
    /// socket.bind(&path)?;
    /// let error = UnixSocket::new_stream()?.bind(&path).unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::AddrInUse); // until the file is removed
    /// # std::fs::remove_file(&path)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn bind(&self, path: impl AsRef<Path>) -> io::Result<()> {
        may_use_descriptors()?;
        self.socket.bind(&to_system(&named(path.as_ref())?)?)
    }

    /// Begins to listen. Up to `backlog` connections wait to be accepted.
    ///
    /// # Errors
    ///
    /// What the system says; when it is a socket for datagrams.
    ///
    /// # Panics
    ///
    /// Outside a runtime, or in one that was built without [`enable_io`](crate::runtime::Builder::enable_io).
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::net::{UnixSocket, UnixStream};
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let path = std::env::temp_dir().join(format!("socket-listen-{}.sock", std::process::id()));
    /// let socket = UnixSocket::new_stream()?;
    /// socket.bind(&path)?;
    /// let listener = socket.listen(16)?;
    /// let _client = UnixStream::connect(&path).await?;
    /// assert!(listener.accept().await.is_ok());
    /// # std::fs::remove_file(&path)?;
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn listen(self, backlog: u32) -> io::Result<UnixListener> {
        if self.is(Type::DGRAM)? {
            return Err(io::Error::other("listen cannot be called on a datagram socket"));
        }
        may_use_descriptors()?;
        self.socket.listen(i32::try_from(backlog).unwrap_or(i32::MAX))?;
        UnixListener::from_std(net::UnixListener::from(OwnedFd::from(self.socket)))
    }

    /// Connects to a listener; see [`UnixStream::connect`].
    ///
    /// # Errors
    ///
    /// What the system says; when it is a socket for datagrams.
    ///
    /// # Panics
    ///
    /// When polled outside a runtime, or in one that was built without
    /// [`enable_io`](crate::runtime::Builder::enable_io).
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: the connection is closed.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::io::{AsyncReadExt, AsyncWriteExt};
    /// use unstuck::net::{UnixListener, UnixSocket};
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let path = std::env::temp_dir().join(format!("socket-connect-{}.sock", std::process::id()));
    /// let listener = UnixListener::bind(&path)?;
    /// let mut client = UnixSocket::new_stream()?.connect(&path).await?;
    /// let (mut server, _) = listener.accept().await?;
    /// client.write_all(b"hello").await?;
    /// let mut buf = [0; 5];
    /// server.read_exact(&mut buf).await?;
    /// assert_eq!(&buf, b"hello");
    /// # std::fs::remove_file(&path)?;
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn connect(self, path: impl AsRef<Path>) -> impl Future<Output = io::Result<UnixStream>> {
        called_from(|at| async move {
            if self.is(Type::DGRAM)? {
                return Err(io::Error::other("connect cannot be called on a datagram socket"));
            }
            let peer = to_system(&named(path.as_ref())?)?;
            self.connect_to(at, &peer).await
        })
    }

    pub(super) async fn connect_to(self, at: Line, peer: &SockAddr) -> io::Result<UnixStream> {
        may_use_descriptors()?;
        match self.socket.connect(peer) {
            Err(error) if error.raw_os_error() != Some(libc::EINPROGRESS) => Err(error),
            _ => connected(at, net::UnixStream::from(OwnedFd::from(self.socket))).await,
        }
    }

    /// Makes it a socket for datagrams, bound or not.
    ///
    /// # Errors
    ///
    /// What the system says; when it is a socket for streams.
    ///
    /// # Panics
    ///
    /// Outside a runtime, or in one that was built without [`enable_io`](crate::runtime::Builder::enable_io).
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::net::{UnixDatagram, UnixSocket};
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let path = std::env::temp_dir().join(format!("socket-datagram-{}.sock", std::process::id()));
    /// let socket = UnixSocket::new_datagram()?;
    /// socket.bind(&path)?;
    /// let receiver = socket.datagram()?;
    /// UnixDatagram::unbound()?.send_to(b"hello", &path).await?;
    /// let mut buf = [0; 16];
    /// let (len, _) = receiver.recv_from(&mut buf).await?;
    /// assert_eq!(&buf[..len], b"hello");
    /// # std::fs::remove_file(&path)?;
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn datagram(self) -> io::Result<UnixDatagram> {
        if self.is(Type::STREAM)? {
            return Err(io::Error::other("datagram cannot be called on a stream socket"));
        }
        UnixDatagram::from_std(net::UnixDatagram::from(OwnedFd::from(self.socket)))
    }

    fn is(&self, ty: Type) -> io::Result<bool> {
        Ok(self.socket.r#type()? == ty)
    }
}

impl AsFd for UnixSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl AsRawFd for UnixSocket {
    fn as_raw_fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }
}

impl FromRawFd for UnixSocket {
    /// Takes over a Unix socket, which must be in non-blocking mode.
    ///
    /// # Safety
    ///
    /// As [`OwnedFd`]'s: the descriptor is open, and nobody else closes it.
    unsafe fn from_raw_fd(fd: RawFd) -> UnixSocket {
        // SAFETY: the caller's promise.
        UnixSocket { socket: unsafe { Socket::from_raw_fd(fd) } }
    }
}

impl IntoRawFd for UnixSocket {
    fn into_raw_fd(self) -> RawFd {
        self.socket.into_raw_fd()
    }
}
