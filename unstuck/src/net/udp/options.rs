//! The options of a UDP socket. Those of multicast are in `multicast`.

use std::io;

use unstuck_driver::socket::{OptionName, SocketOption};

use super::super::options::{flag, number};
use super::UdpSocket;

impl UdpSocket {
    /// Whether datagrams may be sent to broadcast addresses (`SO_BROADCAST`).
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
    /// let socket = unstuck::net::UdpSocket::bind("127.0.0.1:0").await?;
    /// socket.set_broadcast(true)?;
    /// assert!(socket.broadcast()?);
    /// # Ok(())
    /// # }
    /// ```
    pub fn broadcast(&self) -> io::Result<bool> {
        flag(&*self.socket, OptionName::Broadcast)
    }

    /// Sets whether datagrams may be sent to broadcast addresses (`SO_BROADCAST`).
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
    /// let socket = unstuck::net::UdpSocket::bind("127.0.0.1:0").await?;
    /// socket.set_broadcast(true)?;
    /// assert!(socket.broadcast()?);
    /// # Ok(())
    /// # }
    /// ```
    pub fn set_broadcast(&self, on: bool) -> io::Result<()> {
        self.socket.set_option(SocketOption::Broadcast(on))
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
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let socket = unstuck::net::UdpSocket::bind("127.0.0.1:0").await?;
    /// socket.set_ttl(60)?;
    /// assert_eq!(socket.ttl()?, 60);
    /// # Ok(())
    /// # }
    /// ```
    pub fn ttl(&self) -> io::Result<u32> {
        number(&*self.socket, OptionName::Ttl)
    }

    /// Sets the time to live of the packets that it sends: how many routers they may pass.
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
    /// let socket = unstuck::net::UdpSocket::bind("127.0.0.1:0").await?;
    /// socket.set_ttl(60)?;
    /// assert_eq!(socket.ttl()?, 60);
    /// # Ok(())
    /// # }
    /// ```
    pub fn set_ttl(&self, ttl: u32) -> io::Result<()> {
        self.socket.set_option(SocketOption::Ttl(ttl))
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
    /// let socket = unstuck::net::UdpSocket::bind("127.0.0.1:0").await?;
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
    /// let socket = unstuck::net::UdpSocket::bind("127.0.0.1:0").await?;
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
    /// let socket = unstuck::net::UdpSocket::bind("[::1]:0").await?;
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
    /// let socket = unstuck::net::UdpSocket::bind("[::1]:0").await?;
    /// socket.set_tclass_v6(96)?;
    /// assert_eq!(socket.tclass_v6()?, 96);
    /// # Ok(())
    /// # }
    /// ```
    pub fn set_tclass_v6(&self, tclass: u32) -> io::Result<()> {
        self.socket.set_option(SocketOption::TrafficClass(tclass))
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
    /// let socket = unstuck::net::UdpSocket::bind("127.0.0.1:0").await?;
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
    /// let socket = unstuck::net::UdpSocket::bind("127.0.0.1:0").await?;
    /// socket.bind_device(Some(b"eth0"))?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn bind_device(&self, interface: Option<&[u8]>) -> io::Result<()> {
        self.socket.bind_device(interface)
    }

    /// The former name of [`tos_v4`](UdpSocket::tos_v4).
    ///
    /// # Errors
    ///
    /// What the system says.
    #[doc(hidden)]
    #[deprecated(note = "it is about IPv4 alone: use `tos_v4`")]
    pub fn tos(&self) -> io::Result<u32> {
        self.tos_v4()
    }

    /// The former name of [`set_tos_v4`](UdpSocket::set_tos_v4).
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
