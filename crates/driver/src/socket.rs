//! One trait for every socket: stream, listener or datagram, of the real kernel or a simulated one; another for a TCP socket
//! that is none of them yet, and a third for what both have.
//!
//! 1. No method waits: what can't be done now says `WouldBlock`, and [`Readiness`] tells when to try again.
//! 2. Every method may be called from any thread at any time, also concurrently.
//! 3. What a kind of socket can't do says `Unsupported` (or what the system says).
//! 4. An [`Unconnected`] socket belongs to no driver: it may be made outside a runtime, and becomes part of the one in which
//!    it connects or listens.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::net::{Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use crate::Kernel;
use crate::readiness::Readiness;

/// The sorts of internet addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6, and IPv4 in its clothes where the system allows that.
    V6,
}

impl Family {
    /// The one of this address.
    pub const fn of(address: SocketAddr) -> Family {
        if address.is_ipv4() { Family::V4 } else { Family::V6 }
    }
}

/// A multicast group, and the interface through which it is heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// Of IPv4; the interface is named by one of its addresses, or unspecified: the system chooses.
    V4 {
        /// The group's address.
        address: Ipv4Addr,
        /// An address of the interface.
        interface: Ipv4Addr,
    },
    /// Of IPv6; the interface is named by its index, or 0: the system chooses.
    V6 {
        /// The group's address.
        address: Ipv6Addr,
        /// The index of the interface.
        interface: u32,
    },
}

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
    /// IPv4: the type of service of packets that are sent.
    TypeOfService(u32),
    /// IPv6: the traffic class of packets that are sent.
    TrafficClass(u32),
    /// IPv4: what is sent to a group that this host listens to comes back.
    MulticastLoopV4(bool),
    /// IPv4: the time to live of multicast packets that are sent.
    MulticastTtlV4(u32),
    /// IPv6: what is sent to a group that this host listens to comes back.
    MulticastLoopV6(bool),
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
    TypeOfService,
    TrafficClass,
    MulticastLoopV4,
    MulticastTtlV4,
    MulticastLoopV6,
}

/// What every socket of the internet has.
pub trait Endpoint: Send + Sync {
    /// The address of this end.
    ///
    /// # Errors
    /// What the system says.
    fn local_addr(&self) -> io::Result<SocketAddr>;

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

    /// Restricts the socket to the interface of this name; `None`: to none.
    ///
    /// # Errors
    /// What the system says: no permission, no such interface.
    fn bind_device(&self, interface: Option<&[u8]>) -> io::Result<()>;

    /// The name of the interface to which it is restricted.
    ///
    /// # Errors
    /// What the system says.
    fn device(&self) -> io::Result<Option<Vec<u8>>>;

    /// The file descriptor, if there is a real one.
    fn fd(&self) -> Option<BorrowedFd<'_>>;
}

/// A TCP socket that neither connects nor listens yet; see rule 4 of the module.
pub trait Unconnected: Endpoint {
    /// Gives it an address (port 0: any free port).
    ///
    /// # Errors
    /// What the system says: address in use, no permission, it has one already.
    fn bind(&self, address: SocketAddr) -> io::Result<()>;

    /// Begins to connect to `peer`, driven by `kernel`'s driver; see [`Kernel::tcp_connect`].
    ///
    /// # Errors
    /// What the system says at once.
    fn connect(self: Box<Self>, kernel: &dyn Kernel, peer: SocketAddr) -> io::Result<Arc<dyn Socket>>;

    /// Listens, driven by `kernel`'s driver, with at most `backlog` connections waiting.
    ///
    /// # Errors
    /// What the system says.
    fn listen(self: Box<Self>, kernel: &dyn Kernel, backlog: u32) -> io::Result<Arc<dyn Socket>>;

    /// Takes the file descriptor out.
    ///
    /// # Errors
    /// `Unsupported` when there is no real one.
    fn into_fd(self: Box<Self>) -> io::Result<OwnedFd>;
}

/// A socket; see the module's rules.
///
/// # Safety
/// A method that returns `Ok(n)` has initialised the first `n` bytes of the buffer it was given, and `n` is at most
/// the buffer's length. Whatever it returns, it has written nothing but initialised bytes there.
pub unsafe trait Socket: Endpoint {
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

    /// Receives bytes of a stream into several buffers at once, each of them filled before the next.
    ///
    /// # Errors
    /// As [`recv`](Socket::recv).
    fn recv_vectored(&self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize>;

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
    /// [`Kernel::tcp_connect`] does.
    ///
    /// # Errors
    /// What the system says.
    fn connect(&self, peer: SocketAddr) -> io::Result<()>;

    /// Begins to receive what is sent to a group.
    ///
    /// # Errors
    /// What the system says.
    fn join_group(&self, group: Group) -> io::Result<()>;

    /// No longer receives what is sent to a group.
    ///
    /// # Errors
    /// What the system says.
    fn leave_group(&self, group: Group) -> io::Result<()>;

    /// Closes one direction, or both.
    ///
    /// # Errors
    /// What the system says.
    fn shutdown(&self, how: Shutdown) -> io::Result<()>;

    /// The address of the other end.
    ///
    /// # Errors
    /// `NotConnected`, or what the system says.
    fn peer_addr(&self) -> io::Result<SocketAddr>;

    /// Takes the file descriptor out of the driver: from now on nobody is woken for it. The socket is left unusable.
    ///
    /// # Errors
    /// `Unsupported` when there is no real one; `ResourceBusy` when another `Arc` of the socket is alive.
    fn detach(self: Arc<Self>) -> io::Result<OwnedFd>;
}
