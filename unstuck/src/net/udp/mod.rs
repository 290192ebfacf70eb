//! UDP.
//!
//! Receiving is in `receive`, sending in `send`.

mod receive;
mod send;

use std::fmt;
use std::future::Future;
use std::io;
use std::net::{self, SocketAddr};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;
use std::task::{Context, Poll};

use unstuck_base::interest::{Interest, Ready};
use unstuck_driver::Socket;
use unstuck_driver::readiness::Direction;
use unstuck_driver::socket::{Foreign, OptionName, SocketOption};

use super::address::ToSocketAddrs;
use super::kernel::{file_descriptor, kernel};
use super::options::{flag, number};
use super::ready::{poll_ready, ready};
use crate::called_at::called_here;

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
        called_here(async move {
            let kernel = kernel();
            let socket = addr.resolve().first(|address| kernel.udp_bind(address)).await?;
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
        called_here(async move { addr.resolve().first(|address| self.socket.connect(address)).await })
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
    pub fn into_std(self) -> io::Result<net::UdpSocket> {
        self.socket.detach().map(net::UdpSocket::from)
    }

    /// The address of this socket.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// The address of the connected peer.
    ///
    /// # Errors
    ///
    /// [`NotConnected`](io::ErrorKind::NotConnected) when there is none; what the system says.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.socket.peer_addr()
    }

    /// Takes the error that the system keeps for this socket.
    ///
    /// # Errors
    ///
    /// When the error itself can't be read.
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.socket.take_error()
    }

    /// Waits until the socket is ready for anything of `interest`, and tells for what. Readiness is a hint: an attempt may
    /// still say that it would have to wait.
    ///
    /// # Errors
    ///
    /// When the runtime has shut down.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: readiness stays until an attempt uses it up.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::io::Interest;
    /// use unstuck::net::UdpSocket;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let socket = UdpSocket::bind("127.0.0.1:0").await?;
    /// let ready = socket.ready(Interest::READABLE | Interest::WRITABLE).await?;
    /// assert!(ready.is_writable());
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn ready(&self, interest: Interest) -> impl Future<Output = io::Result<Ready>> {
        ready(&*self.socket, interest)
    }

    /// Waits until there is a datagram to receive.
    ///
    /// # Errors
    ///
    /// When the runtime has shut down.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: readiness stays until an attempt uses it up.
    #[track_caller]
    pub fn readable(&self) -> impl Future<Output = io::Result<()>> {
        ready(&*self.socket, Interest::READABLE).without_details()
    }

    /// Waits until there is room to send.
    ///
    /// # Errors
    ///
    /// When the runtime has shut down.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: readiness stays until an attempt uses it up.
    #[track_caller]
    pub fn writable(&self) -> impl Future<Output = io::Result<()>> {
        ready(&*self.socket, Interest::WRITABLE).without_details()
    }

    /// As [`readable`](UdpSocket::readable). Of several tasks that poll for receiving, the last one is woken.
    ///
    /// # Errors
    ///
    /// When the runtime has shut down.
    #[track_caller]
    pub fn poll_recv_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        poll_ready(&*self.socket, Direction::Read, cx)
    }

    /// As [`writable`](UdpSocket::writable). Of several tasks that poll for sending, the last one is woken.
    ///
    /// # Errors
    ///
    /// When the runtime has shut down.
    #[track_caller]
    pub fn poll_send_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        poll_ready(&*self.socket, Direction::Write, cx)
    }

    /// Calls `f`, which does something of its own with the socket, if it is ready for `interest`. If `f` says that it would
    /// have to wait, the readiness is used up.
    ///
    /// `f` must use this socket, must not wait, and must say `WouldBlock` only when the socket did.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) when the socket is not ready; what `f` says.
    pub fn try_io<R>(&self, interest: Interest, f: impl FnOnce() -> io::Result<R>) -> io::Result<R> {
        self.socket.readiness().try_io(interest, f)
    }

    /// As [`try_io`](UdpSocket::try_io), again and again until `f` does not have to wait.
    ///
    /// # Errors
    ///
    /// What `f` says but `WouldBlock`; that the runtime has shut down.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: `f` is called only in a poll that then returns what it did, or uses up the readiness.
    #[track_caller]
    pub fn async_io<R>(
        &self,
        interest: Interest,
        f: impl FnMut() -> io::Result<R>,
    ) -> impl Future<Output = io::Result<R>> {
        self.socket.readiness().async_io(interest, f)
    }

    /// Whether datagrams may be sent to broadcast addresses (`SO_BROADCAST`).
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn broadcast(&self) -> io::Result<bool> {
        flag(&*self.socket, OptionName::Broadcast)
    }

    /// Sets whether datagrams may be sent to broadcast addresses (`SO_BROADCAST`).
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn set_broadcast(&self, on: bool) -> io::Result<()> {
        self.socket.set_option(SocketOption::Broadcast(on))
    }

    /// The time to live of the packets that it sends.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn ttl(&self) -> io::Result<u32> {
        number(&*self.socket, OptionName::Ttl)
    }

    /// Sets the time to live of the packets that it sends: how many routers they may pass.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn set_ttl(&self, ttl: u32) -> io::Result<()> {
        self.socket.set_option(SocketOption::Ttl(ttl))
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
