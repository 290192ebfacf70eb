//! A socket of the operating system.
//!
//! 1. It is in non-blocking mode, and registered from its birth; a stream that is not connected yet, from the moment
//!    when it begins to (the system would say that it is closed).
//! 2. The registration goes before the descriptor: the fields are dropped in this order.
//! 3. A peer that is gone is an error, never a SIGPIPE, whatever the program that we are in does with signals.

use std::io::{self, IoSlice, IoSliceMut, Read};
use std::mem::MaybeUninit;
use std::net::{Shutdown, SocketAddr};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use socket2::{SockAddr, Socket as Raw};
use unstuck_base::interest::Ready;
use unstuck_driver::socket::{Endpoint, Group, OptionName, SocketOption};
use unstuck_driver::{Readiness, Socket};

use crate::reactor::{Reactor, Registered};
use crate::ready::{Kind, LIKELY};
use crate::{no_sigpipe, options, system};

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

impl Endpoint for OsSocket {
    fn local_addr(&self) -> io::Result<SocketAddr> {
        internet(&self.raw.local_addr()?)
    }

    fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.raw.take_error()
    }

    fn set_option(&self, option: SocketOption) -> io::Result<()> {
        options::set(&self.raw, option)
    }

    fn option(&self, name: OptionName) -> io::Result<SocketOption> {
        options::get(&self.raw, name)
    }

    fn bind_device(&self, interface: Option<&[u8]>) -> io::Result<()> {
        system::bind_device(&self.raw, interface)
    }

    fn device(&self) -> io::Result<Option<Vec<u8>>> {
        system::device(&self.raw)
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.raw.as_fd())
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
        Ok((OsSocket::register(self.registered.reactor(), raw, Kind::Stream, LIKELY)?, peer))
    }

    fn recv(&self, buf: &mut [MaybeUninit<u8>]) -> io::Result<usize> {
        self.raw.recv(buf)
    }

    fn peek(&self, buf: &mut [MaybeUninit<u8>]) -> io::Result<usize> {
        self.raw.peek(buf)
    }

    fn recv_vectored(&self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        (&self.raw).read_vectored(bufs)
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

    fn join_group(&self, group: Group) -> io::Result<()> {
        match group {
            Group::V4 { address, interface } => self.raw.join_multicast_v4(&address, &interface),
            Group::V6 { address, interface } => self.raw.join_multicast_v6(&address, interface),
        }
    }

    fn leave_group(&self, group: Group) -> io::Result<()> {
        match group {
            Group::V4 { address, interface } => self.raw.leave_multicast_v4(&address, &interface),
            Group::V6 { address, interface } => self.raw.leave_multicast_v6(&address, interface),
        }
    }

    fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.raw.shutdown(how)
    }

    fn peer_addr(&self) -> io::Result<SocketAddr> {
        internet(&self.raw.peer_addr()?)
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

/// An address of the internet; our sockets have no others.
pub(crate) fn internet(address: &SockAddr) -> io::Result<SocketAddr> {
    address.as_socket().ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "not an internet address"))
}

/// Begins to listen. Backlogs that the system's type can't hold are as good as endless.
pub(crate) fn listen(raw: &Raw, backlog: u32) -> io::Result<()> {
    raw.listen(i32::try_from(backlog).unwrap_or(i32::MAX))
}
