//! The options of a TCP socket before it connects or listens. A connection has them from its own socket or from its listener.

use std::io;
use std::time::Duration;

use unstuck_driver::socket::{OptionName, SocketOption};

use super::super::options::{flag, linger, number};
use super::socket::TcpSocket;

impl TcpSocket {
    /// Whether the address can be bound while connections of an earlier socket linger (`SO_REUSEADDR`).
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
    /// socket.set_reuseaddr(true)?;
    /// assert!(socket.reuseaddr()?);
    /// # Ok(())
    /// # }
    /// ```
    pub fn reuseaddr(&self) -> io::Result<bool> {
        flag(&*self.socket, OptionName::ReuseAddress)
    }

    /// Sets whether the address can be bound while connections of an earlier socket linger (`SO_REUSEADDR`): before it is bound.
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
    /// socket.set_reuseaddr(true)?;
    /// assert!(socket.reuseaddr()?);
    /// # Ok(())
    /// # }
    /// ```
    pub fn set_reuseaddr(&self, reuseaddr: bool) -> io::Result<()> {
        self.socket.set_option(SocketOption::ReuseAddress(reuseaddr))
    }

    /// Whether several sockets may be bound to the address (`SO_REUSEPORT`).
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
    /// socket.set_reuseport(true)?;
    /// assert!(socket.reuseport()?);
    /// # Ok(())
    /// # }
    /// ```
    pub fn reuseport(&self) -> io::Result<bool> {
        flag(&*self.socket, OptionName::ReusePort)
    }

    /// Sets whether several sockets may be bound to the address (`SO_REUSEPORT`), each of which sets it before it is bound. The
    /// system shares the connections out among those that listen. In a simulation one socket listens on an address.
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
    /// socket.set_reuseport(true)?;
    /// assert!(socket.reuseport()?);
    /// # Ok(())
    /// # }
    /// ```
    pub fn set_reuseport(&self, reuseport: bool) -> io::Result<()> {
        self.socket.set_option(SocketOption::ReusePort(reuseport))
    }

    /// Whether an idle connection is probed, to notice that the peer is gone (`SO_KEEPALIVE`).
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
    /// socket.set_keepalive(true)?;
    /// assert!(socket.keepalive()?);
    /// # Ok(())
    /// # }
    /// ```
    pub fn keepalive(&self) -> io::Result<bool> {
        flag(&*self.socket, OptionName::KeepAlive)
    }

    /// Sets whether an idle connection is probed, to notice that the peer is gone (`SO_KEEPALIVE`). Mostly after two hours.
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
    /// socket.set_keepalive(true)?;
    /// assert!(socket.keepalive()?);
    /// # Ok(())
    /// # }
    /// ```
    pub fn set_keepalive(&self, keepalive: bool) -> io::Result<()> {
        self.socket.set_option(SocketOption::KeepAlive(keepalive))
    }

    /// Whether small writes are sent at once, instead of being collected (`TCP_NODELAY`).
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
    /// socket.set_nodelay(true)?;
    /// assert!(socket.nodelay()?);
    /// # Ok(())
    /// # }
    /// ```
    pub fn nodelay(&self) -> io::Result<bool> {
        flag(&*self.socket, OptionName::NoDelay)
    }

    /// Sets whether small writes are sent at once (`TCP_NODELAY`). For protocols that exchange short messages.
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
    /// socket.set_nodelay(true)?;
    /// assert!(socket.nodelay()?);
    /// # Ok(())
    /// # }
    /// ```
    pub fn set_nodelay(&self, nodelay: bool) -> io::Result<()> {
        self.socket.set_option(SocketOption::NoDelay(nodelay))
    }

    /// The size of the send buffer in bytes, as the system counts (`SO_SNDBUF`): Linux says twice what was set.
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
    /// socket.set_send_buffer_size(64 * 1024)?;
    /// assert!(socket.send_buffer_size()? >= 64 * 1024);
    /// # Ok(())
    /// # }
    /// ```
    pub fn send_buffer_size(&self) -> io::Result<u32> {
        number(&*self.socket, OptionName::SendBuffer)
    }

    /// Sets the size of the send buffer in bytes (`SO_SNDBUF`). The system rounds it, and has limits.
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
    /// socket.set_send_buffer_size(64 * 1024)?;
    /// assert!(socket.send_buffer_size()? >= 64 * 1024);
    /// # Ok(())
    /// # }
    /// ```
    pub fn set_send_buffer_size(&self, size: u32) -> io::Result<()> {
        self.socket.set_option(SocketOption::SendBuffer(size))
    }

    /// The size of the receive buffer in bytes, as the system counts (`SO_RCVBUF`): Linux says twice what was set.
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
    /// socket.set_recv_buffer_size(64 * 1024)?;
    /// assert!(socket.recv_buffer_size()? >= 64 * 1024);
    /// # Ok(())
    /// # }
    /// ```
    pub fn recv_buffer_size(&self) -> io::Result<u32> {
        number(&*self.socket, OptionName::ReceiveBuffer)
    }

    /// Sets the size of the receive buffer in bytes (`SO_RCVBUF`). The system rounds it, and has limits. How much a peer may send
    /// at a time is agreed on while connecting: that is why this comes before.
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
    /// socket.set_recv_buffer_size(64 * 1024)?;
    /// assert!(socket.recv_buffer_size()? >= 64 * 1024);
    /// # Ok(())
    /// # }
    /// ```
    pub fn set_recv_buffer_size(&self, size: u32) -> io::Result<()> {
        self.socket.set_option(SocketOption::ReceiveBuffer(size))
    }

    /// The type of service of the packets that it sends (`IP_TOS`): the byte of the header of IPv4 that routers may go by.
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
    /// socket.set_tos_v4(96)?;
    /// assert_eq!(socket.tos_v4()?, 96);
    /// # Ok(())
    /// # }
    /// ```
    pub fn tos_v4(&self) -> io::Result<u32> {
        number(&*self.socket, OptionName::TypeOfService)
    }

    /// Sets the type of service of the packets that it sends (`IP_TOS`). The system may change bits that are its own.
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
    /// socket.set_tos_v4(96)?;
    /// assert_eq!(socket.tos_v4()?, 96);
    /// # Ok(())
    /// # }
    /// ```
    pub fn set_tos_v4(&self, tos: u32) -> io::Result<()> {
        self.socket.set_option(SocketOption::TypeOfService(tos))
    }

    /// The traffic class of the packets that it sends (`IPV6_TCLASS`): as the type of service, for a socket of IPv6.
    ///
    /// # Errors
    ///
    /// What the system says.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let socket = unstuck::net::TcpSocket::new_v6()?;
    /// socket.set_tclass_v6(96)?;
    /// assert_eq!(socket.tclass_v6()?, 96);
    /// # Ok(())
    /// # }
    /// ```
    pub fn tclass_v6(&self) -> io::Result<u32> {
        number(&*self.socket, OptionName::TrafficClass)
    }

    /// Sets the traffic class of the packets that it sends (`IPV6_TCLASS`), of a socket of IPv6.
    ///
    /// # Errors
    ///
    /// What the system says.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let socket = unstuck::net::TcpSocket::new_v6()?;
    /// socket.set_tclass_v6(96)?;
    /// assert_eq!(socket.tclass_v6()?, 96);
    /// # Ok(())
    /// # }
    /// ```
    pub fn set_tclass_v6(&self, tclass: u32) -> io::Result<()> {
        self.socket.set_option(SocketOption::TrafficClass(tclass))
    }

    /// How long closing waits for data that is not sent yet (`SO_LINGER`); `None`: closing does not wait.
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
    /// assert_eq!(socket.linger()?, None);
    /// # Ok(())
    /// # }
    /// ```
    pub fn linger(&self) -> io::Result<Option<Duration>> {
        linger(&*self.socket)
    }

    /// Sets how long closing waits for data that is not sent yet (`SO_LINGER`), in whole seconds.
    ///
    /// Where it waits, dropping the connection *blocks the thread*. Only zero does not: see
    /// [`set_zero_linger`](TcpSocket::set_zero_linger).
    ///
    /// # Errors
    ///
    /// What the system says.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use unstuck::net::TcpSocket;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// #![expect(deprecated, reason = "zero does not block")]
    /// let socket = TcpSocket::new_v4()?;
    /// socket.set_linger(Some(Duration::ZERO))?;
    /// assert_eq!(socket.linger()?, Some(Duration::ZERO));
    /// # Ok(())
    /// # }
    /// ```
    #[deprecated(
        note = "a connection that lingers blocks the thread that drops it: use `set_zero_linger`, or shut it down"
    )]
    pub fn set_linger(&self, dur: Option<Duration>) -> io::Result<()> {
        self.socket.set_option(SocketOption::Linger(dur))
    }

    /// Makes dropping the connection throw away what is not sent yet, and reset it.
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
    /// socket.set_zero_linger()?;
    /// assert_eq!(socket.linger()?, Some(std::time::Duration::ZERO));
    /// # Ok(())
    /// # }
    /// ```
    pub fn set_zero_linger(&self) -> io::Result<()> {
        self.socket.set_option(SocketOption::Linger(Some(Duration::ZERO)))
    }

    /// The name of the network interface that it is restricted to (`SO_BINDTODEVICE`); `None`: it is not.
    ///
    /// # Errors
    ///
    /// What the system says; [`Unsupported`](io::ErrorKind::Unsupported) on systems other than Linux.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let socket = unstuck::net::TcpSocket::new_v4()?;
    /// # if cfg!(target_os = "linux") {
    /// assert_eq!(socket.device()?, None);
    /// # }
    /// # Ok(())
    /// # }
    /// ```
    pub fn device(&self) -> io::Result<Option<Vec<u8>>> {
        self.socket.device()
    }

    /// Restricts it to the network interface of this name (`SO_BINDTODEVICE`); `None`: to none. Some systems want a
    /// privilege for that, and some sorts of interfaces process the packets of others as well.
    ///
    /// # Errors
    ///
    /// What the system says: no permission, no such interface; [`Unsupported`](io::ErrorKind::Unsupported) on systems other
    /// than Linux, and in a simulation, which has no interfaces by name.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let socket = unstuck::net::TcpSocket::new_v4()?;
    /// socket.bind_device(Some(b"eth0"))?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn bind_device(&self, interface: Option<&[u8]>) -> io::Result<()> {
        self.socket.bind_device(interface)
    }

    /// The former name of [`tos_v4`](TcpSocket::tos_v4).
    ///
    /// # Errors
    ///
    /// What the system says.
    #[doc(hidden)]
    #[deprecated(note = "it is about IPv4 alone: use `tos_v4`")]
    pub fn tos(&self) -> io::Result<u32> {
        self.tos_v4()
    }

    /// The former name of [`set_tos_v4`](TcpSocket::set_tos_v4).
    ///
    /// # Errors
    ///
    /// What the system says.
    #[doc(hidden)]
    #[deprecated(note = "it is about IPv4 alone: use `set_tos_v4`")]
    pub fn set_tos(&self, tos: u32) -> io::Result<()> {
        self.set_tos_v4(tos)
    }
}
