//! Reading options of a socket.

use std::io;
use std::time::Duration;

use unstuck_driver::socket::{Endpoint, OptionName, SocketOption};

/// A socket answered with another option than it was asked for: never, in a kernel that passes its conformance tests.
fn mismatch(option: SocketOption) -> io::Error {
    io::Error::other(format!("the kernel answered with another option: {option:?}"))
}

/// An option that is on or off.
pub(super) fn flag(socket: &(impl Endpoint + ?Sized), name: OptionName) -> io::Result<bool> {
    match socket.option(name)? {
        SocketOption::NoDelay(on)
        | SocketOption::QuickAck(on)
        | SocketOption::KeepAlive(on)
        | SocketOption::ReuseAddress(on)
        | SocketOption::ReusePort(on)
        | SocketOption::Broadcast(on)
        | SocketOption::MulticastLoopV4(on)
        | SocketOption::MulticastLoopV6(on) => Ok(on),
        other => Err(mismatch(other)),
    }
}

/// An option that is a number.
pub(super) fn number(socket: &(impl Endpoint + ?Sized), name: OptionName) -> io::Result<u32> {
    match socket.option(name)? {
        SocketOption::Ttl(n)
        | SocketOption::ReceiveBuffer(n)
        | SocketOption::SendBuffer(n)
        | SocketOption::TypeOfService(n)
        | SocketOption::TrafficClass(n)
        | SocketOption::MulticastTtlV4(n) => Ok(n),
        other => Err(mismatch(other)),
    }
}

/// How long closing waits for unsent data.
pub(super) fn linger(socket: &(impl Endpoint + ?Sized)) -> io::Result<Option<Duration>> {
    match socket.option(OptionName::Linger)? {
        SocketOption::Linger(linger) => Ok(linger),
        other => Err(mismatch(other)),
    }
}
