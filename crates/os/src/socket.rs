//! A socket of the operating system.
//!
//! 1. It is in non-blocking mode, and registered from its birth; a stream that is not connected yet, from the moment
//!    when it begins to (the system would say that it is closed).
//! 2. The registration goes before the descriptor: the fields are dropped in this order.
//! 3. A peer that is gone is an error, never a SIGPIPE, whatever the program that we are in does with signals.

use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::net::{Shutdown, SocketAddr};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use socket2::{SockAddr, Socket as Raw};
use unstuck_base::interest::Ready;
use unstuck_driver::socket::{OptionName, SocketOption};
use unstuck_driver::{Readiness, Socket};

use crate::no_sigpipe;
use crate::reactor::{Reactor, Registered};
use crate::ready::Kind;
use crate::system;

/// See the module's rules.
#[derive(Debug)]
pub(crate) struct OsSocket {
    registered: Registered,
    raw: Raw,
}

impl OsSocket {
    /// A socket that is registered, and assumed to be ready for `assumed`.
    pub(crate) fn register(
        reactor: &Arc<Reactor>,
        raw: Raw,
        kind: Kind,
        assumed: Ready,
    ) -> io::Result<Arc<dyn Socket>> {
        let registered = Registered::new(reactor, raw.as_raw_fd(), kind, kind.interest(), assumed)?;
        Ok(Arc::new(OsSocket { registered, raw }))
    }

    /// A stream that is not connected yet.
    pub(crate) fn fresh(reactor: &Arc<Reactor>, raw: Raw) -> io::Result<Arc<OsSocket>> {
        let registered = Registered::later(reactor, raw.as_raw_fd(), Kind::Stream, Ready::EMPTY)?;
        Ok(Arc::new(OsSocket { registered, raw }))
    }
}

// SAFETY: the system initialises as many bytes as it says that it received, and that is at most the buffer's length.
unsafe impl Socket for OsSocket {
    #[inline]
    fn readiness(&self) -> &Readiness {
        self.registered.readiness()
    }

    fn accept(&self) -> io::Result<(Arc<dyn Socket>, SocketAddr)> {
        let (raw, peer) = system::accept(&self.raw)?;
        let peer = internet(&peer)?;
        // A new connection has room to send: the first answer need not wait for the driver.
        Ok((OsSocket::register(self.registered.reactor(), raw, Kind::Stream, Ready::WRITABLE)?, peer))
    }

    fn recv(&self, buf: &mut [MaybeUninit<u8>]) -> io::Result<usize> {
        self.raw.recv(buf)
    }

    fn peek(&self, buf: &mut [MaybeUninit<u8>]) -> io::Result<usize> {
        self.raw.peek(buf)
    }

    fn send(&self, buf: &[u8]) -> io::Result<usize> {
        self.raw.send_with_flags(buf, no_sigpipe::FLAG)
    }

    fn send_vectored(&self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        self.raw.send_vectored_with_flags(bufs, no_sigpipe::FLAG)
    }

    fn recv_from(&self, buf: &mut [MaybeUninit<u8>]) -> io::Result<(usize, SocketAddr)> {
        let (n, from) = self.raw.recv_from(buf)?;
        Ok((n, internet(&from)?))
    }

    fn peek_from(&self, buf: &mut [MaybeUninit<u8>]) -> io::Result<(usize, SocketAddr)> {
        let (n, from) = self.raw.peek_from(buf)?;
        Ok((n, internet(&from)?))
    }

    fn send_to(&self, buf: &[u8], target: SocketAddr) -> io::Result<usize> {
        self.raw.send_to_with_flags(buf, &target.into(), no_sigpipe::FLAG)
    }

    fn connect(&self, peer: SocketAddr) -> io::Result<()> {
        match self.raw.connect(&peer.into()) {
            Err(error) if error.raw_os_error() != Some(libc::EINPROGRESS) => return Err(error),
            _ => {}
        }
        // Only a stream can be not registered yet (rule 1).
        self.registered.add(Kind::Stream.interest())
    }

    fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.raw.shutdown(how)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        internet(&self.raw.local_addr()?)
    }

    fn peer_addr(&self) -> io::Result<SocketAddr> {
        internet(&self.raw.peer_addr()?)
    }

    fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.raw.take_error()
    }

    fn set_option(&self, option: SocketOption) -> io::Result<()> {
        let raw = &self.raw;
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
            _ => Err(unsupported()),
        }
    }

    fn option(&self, name: OptionName) -> io::Result<SocketOption> {
        let raw = &self.raw;
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
            _ => return Err(unsupported()),
        })
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.raw.as_fd())
    }

    fn detach(self: Arc<Self>) -> io::Result<OwnedFd> {
        match Arc::try_unwrap(self) {
            Ok(OsSocket { registered, raw }) => {
                drop(registered);
                Ok(raw.into())
            }
            Err(_) => Err(io::Error::new(io::ErrorKind::ResourceBusy, "another handle of this socket is alive")),
        }
    }
}

fn unsupported() -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, "this socket option is not known here")
}

/// An address of the internet; our sockets have no others.
fn internet(address: &SockAddr) -> io::Result<SocketAddr> {
    address.as_socket().ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "not an internet address"))
}
