//! The options of a socket, as the system keeps them.
//!
//! 1. Every option that the seam names is known here: what a kind of socket or a system does not have, the system itself
//!    refuses.
//!
//! Sockets call in, connected or not.

use std::io;

use socket2::Socket as Raw;
use unstuck_driver::socket::{OptionName, SocketOption};

use crate::system;

/// Sets an option.
pub(crate) fn set(raw: &Raw, option: SocketOption) -> io::Result<()> {
    match option {
        SocketOption::NoDelay(on) => raw.set_tcp_nodelay(on),
        SocketOption::QuickAck(on) => system::set_quick_ack(raw, on),
        SocketOption::Linger(duration) => raw.set_linger(duration),
        SocketOption::KeepAlive(on) => raw.set_keepalive(on),
        SocketOption::Ttl(hops) => raw.set_ttl_v4(hops),
        SocketOption::ReuseAddress(on) => raw.set_reuse_address(on),
        SocketOption::ReusePort(on) => raw.set_reuse_port(on),
        SocketOption::ReceiveBuffer(bytes) => raw.set_recv_buffer_size(bytes as usize),
        SocketOption::SendBuffer(bytes) => raw.set_send_buffer_size(bytes as usize),
        SocketOption::Broadcast(on) => raw.set_broadcast(on),
        SocketOption::TypeOfService(class) => raw.set_tos_v4(class),
        SocketOption::TrafficClass(class) => raw.set_tclass_v6(class),
        SocketOption::MulticastLoopV4(on) => raw.set_multicast_loop_v4(on),
        SocketOption::MulticastTtlV4(hops) => raw.set_multicast_ttl_v4(hops),
        SocketOption::MulticastLoopV6(on) => raw.set_multicast_loop_v6(on),
        _ => Err(unsupported()),
    }
}

/// Reads an option.
pub(crate) fn get(raw: &Raw, name: OptionName) -> io::Result<SocketOption> {
    let bytes = |bytes: usize| u32::try_from(bytes).unwrap_or(u32::MAX);
    Ok(match name {
        OptionName::NoDelay => SocketOption::NoDelay(raw.tcp_nodelay()?),
        OptionName::QuickAck => SocketOption::QuickAck(system::quick_ack(raw)?),
        OptionName::Linger => SocketOption::Linger(raw.linger()?),
        OptionName::KeepAlive => SocketOption::KeepAlive(raw.keepalive()?),
        OptionName::Ttl => SocketOption::Ttl(raw.ttl_v4()?),
        OptionName::ReuseAddress => SocketOption::ReuseAddress(raw.reuse_address()?),
        OptionName::ReusePort => SocketOption::ReusePort(raw.reuse_port()?),
        OptionName::ReceiveBuffer => SocketOption::ReceiveBuffer(bytes(raw.recv_buffer_size()?)),
        OptionName::SendBuffer => SocketOption::SendBuffer(bytes(raw.send_buffer_size()?)),
        OptionName::Broadcast => SocketOption::Broadcast(raw.broadcast()?),
        OptionName::TypeOfService => SocketOption::TypeOfService(raw.tos_v4()?),
        OptionName::TrafficClass => SocketOption::TrafficClass(raw.tclass_v6()?),
        OptionName::MulticastLoopV4 => SocketOption::MulticastLoopV4(raw.multicast_loop_v4()?),
        OptionName::MulticastTtlV4 => SocketOption::MulticastTtlV4(raw.multicast_ttl_v4()?),
        OptionName::MulticastLoopV6 => SocketOption::MulticastLoopV6(raw.multicast_loop_v6()?),
        _ => return Err(unsupported()),
    })
}

fn unsupported() -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, "this socket option is not known here")
}
