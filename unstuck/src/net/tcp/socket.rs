//! A TCP socket that neither connects nor listens yet.
//!
//! 1. Making one needs no runtime: it joins the one in which it connects or listens. Made inside a simulation, it is
//!    simulated.
//! 2. The options are in `socket_options`.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::{self, SocketAddr};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};
use std::panic::{RefUnwindSafe, UnwindSafe};

use unstuck_context::with_current;
use unstuck_driver::socket::{Family, Unconnected};

use super::TcpStream;
use super::listener::TcpListener;
use super::stream::connected;
use crate::called_at::called_from;
use crate::kernel::{NO_DESCRIPTOR, file_descriptor, kernel, kernel_at};
use crate::runtime::sockets::{default_adopt_tcp_socket, default_tcp_socket};

/// A TCP socket in the making: to choose options or an address before it [connects](TcpSocket::connect), or a backlog before
/// it [listens](TcpSocket::listen).
///
/// For a socket with the usual options there are [`TcpStream::connect`] and [`TcpListener::bind`]. The latter sets
/// `SO_REUSEADDR`; here nothing is set that you don't set.
///
/// For options that it has no method for, make the socket with the crate `socket2` and convert it with
/// [`from_std_stream`](TcpSocket::from_std_stream), or use its [`AsFd`].
///
/// # Examples
///
/// A listener as [`TcpListener::bind`] makes it, and a connection with a small receive buffer:
///
/// ```
/// use unstuck::net::TcpSocket;
///
/// # #[unstuck::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let socket = TcpSocket::new_v4()?;
/// socket.set_reuseaddr(true)?;
/// socket.bind("127.0.0.1:0".parse().unwrap())?;
/// let listener = socket.listen(1024)?;
///
/// let socket = TcpSocket::new_v4()?;
/// socket.set_recv_buffer_size(16 * 1024)?;
/// let stream = socket.connect(listener.local_addr()?).await?;
/// # drop(stream);
/// # Ok(())
/// # }
/// ```
pub struct TcpSocket {
    pub(super) socket: Box<dyn Unconnected>,
}

// No reference to what the socket is made of is given out.
impl UnwindSafe for TcpSocket {}
impl RefUnwindSafe for TcpSocket {}

impl TcpSocket {
    /// A socket for addresses of IPv4.
    ///
    /// # Errors
    ///
    /// What the system says, as when too many files are open.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::net::TcpSocket;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let socket = TcpSocket::new_v4()?;
    /// assert!(socket.local_addr()?.is_ipv4());
    /// # Ok(())
    /// # }
    /// ```
    pub fn new_v4() -> io::Result<TcpSocket> {
        TcpSocket::new(Family::V4)
    }

    /// A socket for addresses of IPv6.
    ///
    /// # Errors
    ///
    /// What the system says, as when too many files are open, or when it has no IPv6.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use unstuck::net::TcpSocket;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let socket = TcpSocket::new_v6()?;
    /// socket.bind("[::1]:0".parse().unwrap())?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn new_v6() -> io::Result<TcpSocket> {
        TcpSocket::new(Family::V6)
    }

    fn new(family: Family) -> io::Result<TcpSocket> {
        let socket = match with_current(|handle| handle.parts().kernel.clone()) {
            Ok(kernel) => kernel.tcp_socket(family)?,
            Err(_) => default_tcp_socket(family)?,
        };
        Ok(TcpSocket { socket })
    }

    /// Takes over a stream of std that is not connected yet, as other crates make it (`socket2`), and that is in non-blocking
    /// mode: see [`set_nonblocking`](net::TcpStream::set_nonblocking). One that is connected is for
    /// [`TcpStream::from_std`].
    ///
    /// # Examples
    ///
    /// ```
    /// use socket2::{Domain, Socket, Type};
    /// use unstuck::net::TcpSocket;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// # let listener = unstuck::net::TcpListener::bind("127.0.0.1:0").await?;
    /// # let address = listener.local_addr()?;
    /// let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    /// socket.set_nonblocking(true)?;
    /// let socket = TcpSocket::from_std_stream(socket.into());
    /// let stream = socket.connect(address).await?;
    /// # drop(stream);
    /// # Ok(())
    /// # }
    /// ```
    pub fn from_std_stream(std_stream: net::TcpStream) -> TcpSocket {
        TcpSocket { socket: default_adopt_tcp_socket(std_stream.into()) }
    }

    /// Gives the socket an address. Port 0 is any free port: [`local_addr`](TcpSocket::local_addr) tells which.
    ///
    /// # Errors
    ///
    /// What the system says: the address is in use, or needs a permission, or the socket has one already.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::net::TcpSocket;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let socket = TcpSocket::new_v4()?;
    /// socket.bind("127.0.0.1:0".parse().unwrap())?;
    /// assert_ne!(socket.local_addr()?.port(), 0);
    /// # Ok(())
    /// # }
    /// ```
    pub fn bind(&self, addr: SocketAddr) -> io::Result<()> {
        self.socket.bind(addr)
    }

    /// Connects to `addr`. The system decides how long the attempt takes; see [`timeout`](crate::time::timeout()).
    ///
    /// # Errors
    ///
    /// What the system says. The socket is gone then.
    ///
    /// # Panics
    ///
    /// When polled outside a runtime.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: the attempt is given up.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::net::{TcpListener, TcpSocket};
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// let stream = TcpSocket::new_v4()?.connect(listener.local_addr()?).await?;
    /// assert_eq!(stream.peer_addr()?, listener.local_addr()?);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn connect(self, addr: SocketAddr) -> impl Future<Output = io::Result<TcpStream>> {
        called_from(|at| async move {
            let kernel = kernel_at(at);
            connected(self.socket.connect(&*kernel, addr)?).await
        })
    }

    /// Listens on the address that it is [bound](TcpSocket::bind) to, with up to `backlog` connections that wait to be
    /// accepted. The system may have a limit of its own.
    ///
    /// # Errors
    ///
    /// What the system says: another socket listens there. The socket is gone then.
    ///
    /// # Panics
    ///
    /// Outside a runtime.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::net::TcpSocket;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let socket = TcpSocket::new_v4()?;
    /// socket.bind("127.0.0.1:0".parse().unwrap())?;
    /// let listener = socket.listen(1024)?;
    /// # drop(listener);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn listen(self, backlog: u32) -> io::Result<TcpListener> {
        let kernel = kernel();
        self.socket.listen(&*kernel, backlog).map(TcpListener::new)
    }

    /// The address that it is bound to; unspecified, with port 0, before.
    ///
    /// # Errors
    ///
    /// What the system says.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let socket = unstuck::net::TcpSocket::new_v4()?;
    /// assert_eq!(socket.local_addr()?.to_string(), "0.0.0.0:0");
    /// # Ok(())
    /// # }
    /// ```
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
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
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let socket = unstuck::net::TcpSocket::new_v4()?;
    /// assert!(socket.take_error()?.is_none());
    /// # Ok(())
    /// # }
    /// ```
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.socket.take_error()
    }
}

impl AsFd for TcpSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        file_descriptor(&*self.socket)
    }
}

impl AsRawFd for TcpSocket {
    fn as_raw_fd(&self) -> RawFd {
        self.as_fd().as_raw_fd()
    }
}

impl FromRawFd for TcpSocket {
    /// As [`from_std_stream`](TcpSocket::from_std_stream).
    ///
    /// # Safety
    ///
    /// As of [`OwnedFd::from_raw_fd`]: the descriptor is open and belongs to nobody else.
    unsafe fn from_raw_fd(fd: RawFd) -> TcpSocket {
        // SAFETY: the caller's promise is the same.
        let fd = unsafe { OwnedFd::from_raw_fd(fd) };
        TcpSocket { socket: default_adopt_tcp_socket(fd) }
    }
}

impl IntoRawFd for TcpSocket {
    fn into_raw_fd(self) -> RawFd {
        self.socket.into_fd().expect(NO_DESCRIPTOR).into_raw_fd()
    }
}

impl fmt::Debug for TcpSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TcpSocket").field("addr", &self.local_addr().ok()).finish_non_exhaustive()
    }
}
