//! UDP.
//!
//! The readiness is in `readiness`, receiving in `receive` and `receive_from`, sending in `send`, the options are in `options`
//! and `multicast`.

mod multicast;
mod options;
mod readiness;
mod receive;
mod receive_from;
mod send;

use std::fmt;
use std::future::Future;
use std::io;
use std::net::{self, SocketAddr};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;

use unstuck_driver::Socket;
use unstuck_driver::socket::Foreign;

use super::address::ToSocketAddrs;
use crate::called_at::called_from;
use crate::kernel::{file_descriptor, kernel, kernel_at};

/// Sends and receives datagrams.
///
/// Either one to many: [`send_to`](UdpSocket::send_to) and [`recv_from`](UdpSocket::recv_from) name the other side each
/// time. Or one to one: after [`connect`](UdpSocket::connect), [`send`](UdpSocket::send) and [`recv`](UdpSocket::recv)
/// talk to that peer alone.
///
/// All methods take `&self`, so there is nothing to split: several tasks use one socket through an [`Arc`].
///
/// # Examples
///
/// An echo server:
///
/// ```no_run
/// use unstuck::net::UdpSocket;
///
/// #[unstuck::main]
/// async fn main() -> std::io::Result<()> {
///     let socket = UdpSocket::bind("0.0.0.0:7000").await?;
///     let mut buf = [0; 1500];
///     loop {
///         let (len, sender) = socket.recv_from(&mut buf).await?;
///         socket.send_to(&buf[..len], sender).await?;
///     }
/// }
/// ```
///
/// One task that receives, and one that sends:
///
/// ```
/// use std::sync::Arc;
/// use unstuck::net::UdpSocket;
///
/// # #[unstuck::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let socket = Arc::new(UdpSocket::bind("127.0.0.1:0").await?);
/// socket.connect(socket.local_addr()?).await?; // to itself
/// let sender = socket.clone();
/// unstuck::spawn(async move { sender.send(b"ping").await });
///
/// let mut buf = [0; 16];
/// let len = socket.recv(&mut buf).await?;
/// assert_eq!(&buf[..len], b"ping");
/// # Ok(())
/// # }
/// ```
pub struct UdpSocket {
    socket: Arc<dyn Socket>,
}

// No reference to what the socket is made of is given out.
impl UnwindSafe for UdpSocket {}
impl RefUnwindSafe for UdpSocket {}

impl UdpSocket {
    /// Opens a socket on `addr`: the first one that works, if there are several. Port 0 is any free port.
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
    /// use unstuck::net::UdpSocket;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let socket = UdpSocket::bind("127.0.0.1:0").await?;
    /// assert_ne!(socket.local_addr()?.port(), 0);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn bind<A: ToSocketAddrs>(addr: A) -> impl Future<Output = io::Result<UdpSocket>> {
        called_from(|at| async move {
            let kernel = kernel_at(at);
            let socket = addr.resolve().first(at, |address| kernel.udp_bind(address)).await?;
            Ok(UdpSocket { socket })
        })
    }

    /// Makes `addr` the one peer: from now on only its datagrams are received, and [`send`](UdpSocket::send) sends to it. If
    /// there are several addresses, the first one that works is taken.
    ///
    /// # Errors
    ///
    /// When no address works: the error of the last one. When there is no address.
    ///
    /// # Panics
    ///
    /// When polled outside a runtime, with a name that must be looked up.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: the peer changes only with the poll that completes.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::net::UdpSocket;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let server = UdpSocket::bind("127.0.0.1:0").await?;
    /// let client = UdpSocket::bind("127.0.0.1:0").await?;
    /// client.connect(server.local_addr()?).await?;
    /// client.send(b"hello").await?;
    ///
    /// let mut buf = [0; 16];
    /// let (len, sender) = server.recv_from(&mut buf).await?;
    /// assert_eq!((&buf[..len], sender), (&b"hello"[..], client.local_addr()?));
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn connect<A: ToSocketAddrs>(&self, addr: A) -> impl Future<Output = io::Result<()>> {
        called_from(|at| async move { addr.resolve().first(at, |address| self.socket.connect(address)).await })
    }

    /// Takes over a socket of std, which must be in non-blocking mode: see
    /// [`set_nonblocking`](net::UdpSocket::set_nonblocking).
    ///
    /// # Errors
    ///
    /// What the system says; a simulation refuses a socket of the real world.
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
    /// let socket = std::net::UdpSocket::bind("127.0.0.1:0")?;
    /// socket.set_nonblocking(true)?;
    /// let socket = unstuck::net::UdpSocket::from_std(socket)?;
    /// # drop(socket);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn from_std(socket: net::UdpSocket) -> io::Result<UdpSocket> {
        let socket = kernel().adopt(Foreign::Datagram(socket))?;
        Ok(UdpSocket { socket })
    }

    /// Makes it a socket of std again, which is in non-blocking mode.
    ///
    /// # Errors
    ///
    /// What the system says; a simulated socket is none of std's.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::net::UdpSocket;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let socket = UdpSocket::bind("127.0.0.1:0").await?;
    /// let address = socket.local_addr()?;
    /// let socket: std::net::UdpSocket = socket.into_std()?;
    /// assert_eq!(socket.local_addr()?, address);
    /// # Ok(())
    /// # }
    /// ```
    pub fn into_std(self) -> io::Result<net::UdpSocket> {
        self.socket.detach().map(net::UdpSocket::from)
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
    /// use unstuck::net::UdpSocket;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let socket = UdpSocket::bind("127.0.0.1:0").await?;
    /// let address = socket.local_addr()?;
    /// assert!(address.ip().is_loopback());
    /// assert_ne!(address.port(), 0); // a free one was chosen
    /// # Ok(())
    /// # }
    /// ```
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
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
    /// use std::io::ErrorKind;
    /// use unstuck::net::UdpSocket;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let socket = UdpSocket::bind("127.0.0.1:0").await?;
    /// assert_eq!(socket.peer_addr().unwrap_err().kind(), ErrorKind::NotConnected);
    /// socket.connect("127.0.0.1:9").await?;
    /// assert_eq!(socket.peer_addr()?.port(), 9);
    /// # Ok(())
    /// # }
    /// ```
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.socket.peer_addr()
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
    /// use unstuck::net::UdpSocket;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let socket = UdpSocket::bind("127.0.0.1:0").await?;
    /// assert!(socket.take_error()?.is_none());
    /// # Ok(())
    /// # }
    /// ```
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.socket.take_error()
    }
}

impl TryFrom<net::UdpSocket> for UdpSocket {
    type Error = io::Error;

    /// As [`from_std`](UdpSocket::from_std).
    fn try_from(socket: net::UdpSocket) -> io::Result<UdpSocket> {
        UdpSocket::from_std(socket)
    }
}

impl AsFd for UdpSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        file_descriptor(&*self.socket)
    }
}

impl AsRawFd for UdpSocket {
    fn as_raw_fd(&self) -> RawFd {
        self.as_fd().as_raw_fd()
    }
}

impl fmt::Debug for UdpSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UdpSocket").field("addr", &self.local_addr().ok()).finish_non_exhaustive()
    }
}
