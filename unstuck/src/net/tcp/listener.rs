//! Waiting for connections.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::{self, SocketAddr};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;
use std::task::{Context, Poll};

use unstuck_base::interest::Interest;
use unstuck_driver::Socket;
use unstuck_driver::readiness::Direction;
use unstuck_driver::socket::{Foreign, OptionName, SocketOption};

use super::super::address::ToSocketAddrs;
use super::super::options;
use super::TcpStream;
use crate::called_at::called_from;
use crate::kernel::{file_descriptor, kernel, kernel_at};

/// How many connections may wait to be accepted.
const BACKLOG: u32 = 1024;

/// Waits for TCP connections.
///
/// Several tasks may accept from one listener at the same time.
///
/// # Examples
///
/// ```no_run
/// use unstuck::io::AsyncWriteExt;
/// use unstuck::net::TcpListener;
///
/// #[unstuck::main]
/// async fn main() -> std::io::Result<()> {
///     let listener = TcpListener::bind("0.0.0.0:8080").await?;
///     loop {
///         let (mut connection, peer) = listener.accept().await?;
///         unstuck::spawn(async move {
///             let _ = connection.write_all(format!("hello, {peer}\n").as_bytes()).await;
///         });
///     }
/// }
/// ```
pub struct TcpListener {
    socket: Arc<dyn Socket>,
}

// No reference to what the socket is made of is given out.
impl UnwindSafe for TcpListener {}
impl RefUnwindSafe for TcpListener {}

impl TcpListener {
    pub(super) fn new(socket: Arc<dyn Socket>) -> TcpListener {
        TcpListener { socket }
    }

    /// Listens on `addr`. Port 0 is any free port: [`local_addr`](TcpListener::local_addr) tells which.
    ///
    /// If there are several addresses, the first one that works is taken. `SO_REUSEADDR` is set (on Unix), so that a server
    /// can be started again at once. Up to 1024 connections wait to be accepted.
    ///
    /// # Errors
    ///
    /// When no address works: the error of the last one. When there is no address.
    ///
    /// # Panics
    ///
    /// When polled outside a runtime.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: nothing stays bound.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::net::TcpListener;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// assert_ne!(listener.local_addr()?.port(), 0);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn bind<A: ToSocketAddrs>(addr: A) -> impl Future<Output = io::Result<TcpListener>> {
        called_from(|at| async move {
            let kernel = kernel_at(at);
            addr.resolve().first(at, |address| kernel.tcp_listen(address, BACKLOG)).await.map(TcpListener::new)
        })
    }

    /// Waits for a connection; returns it and the address of the peer.
    ///
    /// # Errors
    ///
    /// What the system says. Most errors are of one connection or will pass (the peer has gone already, too many files are
    /// open): a server goes on accepting, after a short pause.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: a connection is taken only by the poll that returns it.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::net::{TcpListener, TcpStream};
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// let stream = TcpStream::connect(listener.local_addr()?).await?;
    /// let (_connection, peer) = listener.accept().await?;
    /// assert_eq!(peer, stream.local_addr()?);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn accept(&self) -> impl Future<Output = io::Result<(TcpStream, SocketAddr)>> {
        self.socket.readiness().async_io(Interest::READABLE, || self.accept_now())
    }

    /// Waits for a connection. Of several tasks that poll, the last one is woken.
    ///
    /// # Errors
    ///
    /// As [`accept`](TcpListener::accept).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::future::poll_fn;
    /// use unstuck::net::{TcpListener, TcpStream};
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// let client = TcpStream::connect(listener.local_addr()?).await?;
    /// let (_server, peer) = poll_fn(|cx| listener.poll_accept(cx)).await?;
    /// assert_eq!(peer, client.local_addr()?);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<(TcpStream, SocketAddr)>> {
        self.socket.readiness().poll_io(Direction::Read, cx, || self.accept_now())
    }

    fn accept_now(&self) -> io::Result<(TcpStream, SocketAddr)> {
        let (socket, peer) = self.socket.accept()?;
        Ok((TcpStream::new(socket), peer))
    }

    /// Takes over a listener of std, which must be in non-blocking mode: see
    /// [`set_nonblocking`](net::TcpListener::set_nonblocking).
    ///
    /// # Errors
    ///
    /// What the system says; a simulation refuses a listener of the real world.
    ///
    /// # Panics
    ///
    /// Outside a runtime.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    /// listener.set_nonblocking(true)?;
    /// let listener = unstuck::net::TcpListener::from_std(listener)?;
    /// # drop(listener);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn from_std(listener: net::TcpListener) -> io::Result<TcpListener> {
        kernel().adopt(Foreign::Listener(listener)).map(TcpListener::new)
    }

    /// Makes it a listener of std again, which is in non-blocking mode.
    ///
    /// # Errors
    ///
    /// What the system says; a simulated listener is none of std's.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::net::TcpListener;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// let address = listener.local_addr()?;
    /// let listener: std::net::TcpListener = listener.into_std()?;
    /// assert_eq!(listener.local_addr()?, address);
    /// # Ok(())
    /// # }
    /// ```
    pub fn into_std(self) -> io::Result<net::TcpListener> {
        self.socket.detach().map(net::TcpListener::from)
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
    /// use unstuck::net::TcpListener;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// let address = listener.local_addr()?;
    /// assert!(address.ip().is_loopback());
    /// assert_ne!(address.port(), 0); // a free one was chosen
    /// # Ok(())
    /// # }
    /// ```
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// The time to live of the packets that it sends.
    ///
    /// # Errors
    ///
    /// What the system says.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::net::TcpListener;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// listener.set_ttl(100)?;
    /// assert_eq!(listener.ttl()?, 100);
    /// # Ok(())
    /// # }
    /// ```
    pub fn ttl(&self) -> io::Result<u32> {
        options::number(&*self.socket, OptionName::Ttl)
    }

    /// Sets the time to live of the packets that it sends.
    ///
    /// # Errors
    ///
    /// What the system says.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::net::TcpListener;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// listener.set_ttl(1)?; // no farther than the next router
    /// assert_eq!(listener.ttl()?, 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn set_ttl(&self, ttl: u32) -> io::Result<()> {
        self.socket.set_option(SocketOption::Ttl(ttl))
    }
}

impl TryFrom<net::TcpListener> for TcpListener {
    type Error = io::Error;

    /// As [`from_std`](TcpListener::from_std).
    fn try_from(listener: net::TcpListener) -> io::Result<TcpListener> {
        TcpListener::from_std(listener)
    }
}

impl AsFd for TcpListener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        file_descriptor(&*self.socket)
    }
}

impl AsRawFd for TcpListener {
    fn as_raw_fd(&self) -> RawFd {
        self.as_fd().as_raw_fd()
    }
}

impl fmt::Debug for TcpListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TcpListener").field("addr", &self.local_addr().ok()).finish_non_exhaustive()
    }
}
