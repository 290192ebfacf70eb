//! Waiting for connections.

use std::fmt;
use std::future::Future;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::os::unix::net;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::path::Path;
use std::sync::Arc;
use std::task::{Context, Poll};

use unstuck_base::interest::Interest;
use unstuck_driver::Kernel;
use unstuck_driver::readiness::Direction;

use super::SocketAddr;
use super::address::named;
use super::stream::UnixStream;
use crate::kernel::{kernel, may_use_descriptors};
use crate::watched::Watched;

/// Waits for connections to a Unix socket.
///
/// Several tasks may accept from one listener at the same time. Dropping it leaves the file of its path: remove it before
/// somebody binds that path again.
///
/// # Examples
///
/// ```no_run
/// use unstuck::io::AsyncWriteExt;
/// use unstuck::net::UnixListener;
///
/// #[unstuck::main]
/// async fn main() -> std::io::Result<()> {
///     let listener = UnixListener::bind("/run/greeter.sock")?;
///     loop {
///         let (mut connection, _) = listener.accept().await?;
///         unstuck::spawn(async move {
///             let _ = connection.write_all(b"hello\n").await;
///         });
///     }
/// }
/// ```
pub struct UnixListener {
    listener: Watched<net::UnixListener>,
    // Accepted connections belong to the same runtime, whichever one accepts.
    kernel: Arc<dyn Kernel>,
}

// No reference to what the listener is made of is given out.
impl UnwindSafe for UnixListener {}
impl RefUnwindSafe for UnixListener {}

impl UnixListener {
    /// Listens on `path`, which becomes a file: there must be none yet. On Linux, a path that begins with a NUL byte is an
    /// abstract name, which is no file.
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
    /// use unstuck::io::{AsyncReadExt, AsyncWriteExt};
    /// use unstuck::net::{UnixListener, UnixStream};
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let path = std::env::temp_dir().join(format!("bind-{}.sock", std::process::id()));
    /// let listener = UnixListener::bind(&path)?;
    /// let mut client = UnixStream::connect(&path).await?;
    /// let (mut server, _) = listener.accept().await?;
    /// std::fs::remove_file(&path)?;
    ///
    /// client.write_all(b"hello").await?;
    /// let mut buf = [0; 5];
    /// server.read_exact(&mut buf).await?;
    /// assert_eq!(&buf, b"hello");
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn bind<P: AsRef<Path>>(path: P) -> io::Result<UnixListener> {
        UnixListener::bind_std(&named(path.as_ref())?)
    }

    /// As [`bind`](UnixListener::bind), on an address. On Linux, an unnamed one lets the system choose an abstract name:
    /// [`local_addr`](UnixListener::local_addr) tells which.
    ///
    /// # Errors
    ///
    /// What the system says.
    ///
    /// # Panics
    ///
    /// As [`bind`](UnixListener::bind).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::os::linux::net::SocketAddrExt;
    /// use std::os::unix::net::SocketAddr;
    /// use unstuck::net::{UnixListener, UnixStream};
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let address = SocketAddr::from_abstract_name(format!("bind-addr-{}", std::process::id()))?.into();
    /// let listener = UnixListener::bind_addr(&address)?;
    /// let _client = UnixStream::connect_addr(&address).await?;
    /// let (_server, _) = listener.accept().await?;
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn bind_addr(socket_addr: &SocketAddr) -> io::Result<UnixListener> {
        UnixListener::bind_std(&socket_addr.clone().into())
    }

    #[track_caller]
    fn bind_std(address: &net::SocketAddr) -> io::Result<UnixListener> {
        let kernel = kernel();
        may_use_descriptors()?;
        let listener = net::UnixListener::bind_addr(address)?;
        listener.set_nonblocking(true)?;
        UnixListener::watching(kernel, listener)
    }

    /// Takes over a listener of std, which must be in non-blocking mode: see
    /// [`set_nonblocking`](net::UnixListener::set_nonblocking).
    ///
    /// # Errors
    ///
    /// What the system says; a simulation refuses.
    ///
    /// # Panics
    ///
    /// As [`bind`](UnixListener::bind).
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::net::{UnixListener, UnixStream};
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let path = std::env::temp_dir().join(format!("listener-from-std-{}.sock", std::process::id()));
    /// let listener = std::os::unix::net::UnixListener::bind(&path)?;
    /// listener.set_nonblocking(true)?;
    /// let listener = UnixListener::from_std(listener)?;
    /// let _client = UnixStream::connect(&path).await?;
    /// assert!(listener.accept().await.is_ok());
    /// # std::fs::remove_file(&path)?;
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn from_std(listener: net::UnixListener) -> io::Result<UnixListener> {
        UnixListener::watching(kernel(), listener)
    }

    fn watching(kernel: Arc<dyn Kernel>, listener: net::UnixListener) -> io::Result<UnixListener> {
        let listener = Watched::by(&*kernel, listener, Interest::READABLE).map_err(|(_listener, error)| error)?;
        Ok(UnixListener { listener, kernel })
    }

    /// Makes it a listener of std again, which is in non-blocking mode.
    ///
    /// # Errors
    ///
    /// None at present.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::net::UnixListener;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let path = std::env::temp_dir().join(format!("listener-into-std-{}.sock", std::process::id()));
    /// let listener = UnixListener::bind(&path)?.into_std()?;
    /// assert_eq!(listener.local_addr()?.as_pathname(), Some(path.as_path()));
    /// # std::fs::remove_file(&path)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn into_std(self) -> io::Result<net::UnixListener> {
        Ok(self.listener.into_object())
    }

    /// Waits for a connection; returns it and the address of the peer, which mostly has no name.
    ///
    /// The connection is assumed to be ready for reading until a read finds nothing.
    ///
    /// # Errors
    ///
    /// What the system says, as when too many files are open: a server goes on accepting, after a short pause.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: a connection is taken only by the poll that returns it.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::io::{AsyncReadExt, AsyncWriteExt};
    /// use unstuck::net::{UnixListener, UnixStream};
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let path = std::env::temp_dir().join(format!("accept-{}.sock", std::process::id()));
    /// let listener = UnixListener::bind(&path)?;
    /// let mut client = UnixStream::connect(&path).await?;
    /// let (mut server, peer) = listener.accept().await?;
    /// assert!(peer.is_unnamed());
    /// client.write_all(b"hello").await?;
    /// let mut buf = [0; 5];
    /// server.read_exact(&mut buf).await?;
    /// assert_eq!(&buf, b"hello");
    /// # std::fs::remove_file(&path)?;
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn accept(&self) -> impl Future<Output = io::Result<(UnixStream, SocketAddr)>> {
        self.listener.readiness().async_io(Interest::READABLE, || self.accept_now())
    }

    /// As [`accept`](UnixListener::accept). Of several tasks that poll, the last one is woken.
    ///
    /// # Errors
    ///
    /// As [`accept`](UnixListener::accept).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::future::poll_fn;
    /// use unstuck::net::{UnixListener, UnixStream};
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let path = std::env::temp_dir().join(format!("poll-accept-{}.sock", std::process::id()));
    /// let listener = UnixListener::bind(&path)?;
    /// let _client = UnixStream::connect(&path).await?;
    /// let (_server, peer) = poll_fn(|cx| listener.poll_accept(cx)).await?;
    /// assert!(peer.is_unnamed());
    /// # std::fs::remove_file(&path)?;
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<(UnixStream, SocketAddr)>> {
        self.listener.readiness().poll_io(Direction::Read, cx, || self.accept_now())
    }

    fn accept_now(&self) -> io::Result<(UnixStream, SocketAddr)> {
        let (stream, peer) = self.listener.get().accept()?;
        stream.set_nonblocking(true)?;
        Ok((UnixStream::accepted(&*self.kernel, stream)?, peer.into()))
    }

    /// The address that it listens on.
    ///
    /// # Errors
    ///
    /// What the system says.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::net::UnixListener;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let path = std::env::temp_dir().join(format!("listener-address-{}.sock", std::process::id()));
    /// let listener = UnixListener::bind(&path)?;
    /// assert_eq!(listener.local_addr()?.as_pathname(), Some(path.as_path()));
    /// # std::fs::remove_file(&path)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.get().local_addr().map(SocketAddr::from)
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
    /// use unstuck::net::UnixListener;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let path = std::env::temp_dir().join(format!("listener-error-{}.sock", std::process::id()));
    /// let listener = UnixListener::bind(&path)?;
    /// assert!(listener.take_error()?.is_none());
    /// # std::fs::remove_file(&path)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.listener.get().take_error()
    }
}

impl TryFrom<net::UnixListener> for UnixListener {
    type Error = io::Error;

    /// As [`from_std`](UnixListener::from_std).
    fn try_from(listener: net::UnixListener) -> io::Result<UnixListener> {
        UnixListener::from_std(listener)
    }
}

impl AsFd for UnixListener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.listener.get().as_fd()
    }
}

impl AsRawFd for UnixListener {
    fn as_raw_fd(&self) -> RawFd {
        self.as_fd().as_raw_fd()
    }
}

impl fmt::Debug for UnixListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("UnixListener").field(&self.listener).finish()
    }
}
