//! One trait for every socket: stream, listener or datagram, of the real kernel or a simulated one.
//!
//! 1. No method waits: what can't be done now says `WouldBlock`, and [`Readiness`] tells when to try again.
//! 2. Every method may be called from any thread at any time, also concurrently.
//! 3. What a kind of socket can't do says `Unsupported` (or what the system says).

use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use crate::readiness::Readiness;

/// A socket of std that is to be adopted.
#[derive(Debug)]
pub enum Foreign {
    /// A listener.
    Listener(TcpListener),
    /// A stream, connected or not.
    Stream(TcpStream),
    /// A datagram socket.
    Datagram(UdpSocket),
}

/// An option of a socket together with its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SocketOption {
    /// TCP: small writes are sent at once (Nagle's algorithm is off).
    NoDelay(bool),
    /// TCP: a quick acknowledgement is sent for what was received.
    QuickAck(bool),
    /// TCP: how long closing waits for unsent data; `None`: it does not wait.
    Linger(Option<Duration>),
    /// TCP: probes are sent on an idle connection.
    KeepAlive(bool),
    /// IP: the time to live of packets that are sent.
    Ttl(u32),
    /// The address can be bound again while old connections linger.
    ReuseAddress(bool),
    /// Several sockets may be bound to the address.
    ReusePort(bool),
    /// The receive buffer, in bytes.
    ReceiveBuffer(u32),
    /// The send buffer, in bytes.
    SendBuffer(u32),
    /// UDP: broadcasts may be sent.
    Broadcast(bool),
}

/// Which option to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each is documented at the SocketOption of the same name")]
pub enum OptionName {
    NoDelay,
    QuickAck,
    Linger,
    KeepAlive,
    Ttl,
    ReuseAddress,
    ReusePort,
    ReceiveBuffer,
    SendBuffer,
    Broadcast,
}

/// A socket; see the module's rules.
///
/// # Safety
/// A method that returns `Ok(n)` has initialised the first `n` bytes of the buffer it was given, and `n` is at most
/// the buffer's length.
pub unsafe trait Socket: Send + Sync {
    /// Where tasks wait for this socket.
    fn readiness(&self) -> &Readiness;

    /// Takes a connection that waits, and its peer's address.
    ///
    /// # Errors
    /// `WouldBlock`, or what the system says: running out of file descriptors leaves the connection waiting.
    fn accept(&self) -> io::Result<(Arc<dyn Socket>, SocketAddr)>;

    /// Receives bytes of a stream, or one datagram from the connected peer. `Ok(0)` for a non-empty buffer of a stream:
    /// the peer will send no more.
    ///
    /// # Errors
    /// `WouldBlock`, or what the system says.
    fn recv(&self, buf: &mut [MaybeUninit<u8>]) -> io::Result<usize>;

    /// As [`recv`](Socket::recv), and leaves what was received to be received again.
    ///
    /// # Errors
    /// As [`recv`](Socket::recv).
    fn peek(&self, buf: &mut [MaybeUninit<u8>]) -> io::Result<usize>;

    /// Sends bytes of a stream, as many as there is room for, or one datagram to the connected peer.
    ///
    /// # Errors
    /// `WouldBlock`, or what the system says.
    fn send(&self, buf: &[u8]) -> io::Result<usize>;

    /// As [`send`](Socket::send), from several buffers at once.
    ///
    /// # Errors
    /// As [`send`](Socket::send).
    fn send_vectored(&self, bufs: &[IoSlice<'_>]) -> io::Result<usize>;

    /// Receives one datagram and its sender.
    ///
    /// # Errors
    /// As [`recv`](Socket::recv).
    fn recv_from(&self, buf: &mut [MaybeUninit<u8>]) -> io::Result<(usize, SocketAddr)>;

    /// As [`recv_from`](Socket::recv_from), and leaves the datagram to be received again.
    ///
    /// # Errors
    /// As [`recv`](Socket::recv).
    fn peek_from(&self, buf: &mut [MaybeUninit<u8>]) -> io::Result<(usize, SocketAddr)>;

    /// Sends one datagram to `target`.
    ///
    /// # Errors
    /// As [`send`](Socket::send).
    fn send_to(&self, buf: &[u8], target: SocketAddr) -> io::Result<usize>;

    /// Sets the peer of a datagram socket; begins to connect a stream that was adopted unconnected, as
    /// [`Kernel::tcp_connect`](crate::Kernel::tcp_connect) does.
    ///
    /// # Errors
    /// What the system says.
    fn connect(&self, peer: SocketAddr) -> io::Result<()>;

    /// Closes one direction, or both.
    ///
    /// # Errors
    /// What the system says.
    fn shutdown(&self, how: Shutdown) -> io::Result<()>;

    /// The address of this end.
    ///
    /// # Errors
    /// What the system says.
    fn local_addr(&self) -> io::Result<SocketAddr>;

    /// The address of the other end.
    ///
    /// # Errors
    /// `NotConnected`, or what the system says.
    fn peer_addr(&self) -> io::Result<SocketAddr>;

    /// Takes the error that the system keeps for this socket.
    ///
    /// # Errors
    /// When the error itself can't be read.
    fn take_error(&self) -> io::Result<Option<io::Error>>;

    /// Sets an option.
    ///
    /// # Errors
    /// What the system says.
    fn set_option(&self, option: SocketOption) -> io::Result<()>;

    /// Reads an option.
    ///
    /// # Errors
    /// What the system says.
    fn option(&self, name: OptionName) -> io::Result<SocketOption>;

    /// The file descriptor, if there is a real one.
    fn fd(&self) -> Option<BorrowedFd<'_>>;

    /// Takes the file descriptor out of the driver: from now on nobody is woken for it. The socket is left unusable.
    ///
    /// # Errors
    /// `Unsupported` when there is no real one; `ResourceBusy` when another `Arc` of the socket is alive.
    fn detach(self: Arc<Self>) -> io::Result<OwnedFd>;
}
