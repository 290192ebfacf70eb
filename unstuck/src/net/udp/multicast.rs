//! Multicast: datagrams for everybody in a group.
//!
//! 1. Being in a group is a matter of the host and its interface; a socket receives what its bound address and port let
//!    through.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr};

use unstuck_driver::socket::{Group, OptionName, SocketOption};

use super::super::options::{flag, number};
use super::UdpSocket;

impl UdpSocket {
    /// Begins to receive what is sent to a group of IPv4 (`IP_ADD_MEMBERSHIP`), through the interface that has the address
    /// `interface`; unspecified: the system chooses one.
    ///
    /// # Errors
    ///
    /// What the system says: not an address of a group, no such interface; a simulation has no multicast.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let socket = unstuck::net::UdpSocket::bind("0.0.0.0:7000").await?;
    /// socket.join_multicast_v4("239.0.0.7".parse().unwrap(), std::net::Ipv4Addr::UNSPECIFIED)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn join_multicast_v4(&self, multiaddr: Ipv4Addr, interface: Ipv4Addr) -> io::Result<()> {
        self.socket.join_group(Group::V4 { address: multiaddr, interface })
    }

    /// Begins to receive what is sent to a group of IPv6 (`IPV6_ADD_MEMBERSHIP`), through the interface with the index
    /// `interface`; 0: the system chooses one.
    ///
    /// # Errors
    ///
    /// What the system says: not an address of a group, no such interface; a simulation has no multicast.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let socket = unstuck::net::UdpSocket::bind("[::]:7000").await?;
    /// socket.join_multicast_v6(&"ff02::7".parse().unwrap(), 0)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn join_multicast_v6(&self, multiaddr: &Ipv6Addr, interface: u32) -> io::Result<()> {
        self.socket.join_group(Group::V6 { address: *multiaddr, interface })
    }

    /// Ends what [`join_multicast_v4`](UdpSocket::join_multicast_v4) with the same arguments began (`IP_DROP_MEMBERSHIP`).
    ///
    /// # Errors
    ///
    /// What the system says: it was not in the group; a simulation has no multicast.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let socket = unstuck::net::UdpSocket::bind("0.0.0.0:7000").await?;
    /// socket.join_multicast_v4("239.0.0.7".parse().unwrap(), std::net::Ipv4Addr::UNSPECIFIED)?;
    /// socket.leave_multicast_v4("239.0.0.7".parse().unwrap(), std::net::Ipv4Addr::UNSPECIFIED)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn leave_multicast_v4(&self, multiaddr: Ipv4Addr, interface: Ipv4Addr) -> io::Result<()> {
        self.socket.leave_group(Group::V4 { address: multiaddr, interface })
    }

    /// Ends what [`join_multicast_v6`](UdpSocket::join_multicast_v6) with the same arguments began (`IPV6_DROP_MEMBERSHIP`).
    ///
    /// # Errors
    ///
    /// What the system says: it was not in the group; a simulation has no multicast.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let socket = unstuck::net::UdpSocket::bind("[::]:7000").await?;
    /// socket.join_multicast_v6(&"ff02::7".parse().unwrap(), 0)?;
    /// socket.leave_multicast_v6(&"ff02::7".parse().unwrap(), 0)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn leave_multicast_v6(&self, multiaddr: &Ipv6Addr, interface: u32) -> io::Result<()> {
        self.socket.leave_group(Group::V6 { address: *multiaddr, interface })
    }

    /// Whether what is sent to a group of IPv4 is heard on this host as well (`IP_MULTICAST_LOOP`).
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
    /// socket.set_multicast_loop_v4(false)?;
    /// assert!(!socket.multicast_loop_v4()?);
    /// # Ok(())
    /// # }
    /// ```
    pub fn multicast_loop_v4(&self) -> io::Result<bool> {
        flag(&*self.socket, OptionName::MulticastLoopV4)
    }

    /// Sets whether what is sent to a group of IPv4 is heard on this host as well (`IP_MULTICAST_LOOP`).
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
    /// socket.set_multicast_loop_v4(false)?;
    /// assert!(!socket.multicast_loop_v4()?);
    /// # Ok(())
    /// # }
    /// ```
    pub fn set_multicast_loop_v4(&self, on: bool) -> io::Result<()> {
        self.socket.set_option(SocketOption::MulticastLoopV4(on))
    }

    /// The time to live of packets to groups of IPv4 (`IP_MULTICAST_TTL`); 1, if nobody says otherwise: the local network.
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
    /// socket.set_multicast_ttl_v4(2)?;
    /// assert_eq!(socket.multicast_ttl_v4()?, 2);
    /// # Ok(())
    /// # }
    /// ```
    pub fn multicast_ttl_v4(&self) -> io::Result<u32> {
        number(&*self.socket, OptionName::MulticastTtlV4)
    }

    /// Sets the time to live of packets to groups of IPv4 (`IP_MULTICAST_TTL`): how many routers they may pass.
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
    /// socket.set_multicast_ttl_v4(2)?;
    /// assert_eq!(socket.multicast_ttl_v4()?, 2);
    /// # Ok(())
    /// # }
    /// ```
    pub fn set_multicast_ttl_v4(&self, ttl: u32) -> io::Result<()> {
        self.socket.set_option(SocketOption::MulticastTtlV4(ttl))
    }

    /// Whether what is sent to a group of IPv6 is heard on this host as well (`IPV6_MULTICAST_LOOP`).
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
    /// socket.set_multicast_loop_v6(false)?;
    /// assert!(!socket.multicast_loop_v6()?);
    /// # Ok(())
    /// # }
    /// ```
    pub fn multicast_loop_v6(&self) -> io::Result<bool> {
        flag(&*self.socket, OptionName::MulticastLoopV6)
    }

    /// Sets whether what is sent to a group of IPv6 is heard on this host as well (`IPV6_MULTICAST_LOOP`).
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
    /// socket.set_multicast_loop_v6(false)?;
    /// assert!(!socket.multicast_loop_v6()?);
    /// # Ok(())
    /// # }
    /// ```
    pub fn set_multicast_loop_v6(&self, on: bool) -> io::Result<()> {
        self.socket.set_option(SocketOption::MulticastLoopV6(on))
    }
}
