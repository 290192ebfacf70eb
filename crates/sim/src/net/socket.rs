//! The socket that a program holds: which table it is in, and under which number.
//!
//! 1. Every call locks the world, asks TCP or UDP, and unlocks. No user code runs meanwhile.
//! 2. The tables' share of the readiness goes when the socket is dropped, under the lock; the socket's own is the last,
//!    and goes after it, with whatever wakers are left in it.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::net::{Shutdown, SocketAddr};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::sync::Arc;

use unstuck_driver::socket::{Endpoint, Group, OptionName, SocketOption, Unconnected};
use unstuck_driver::{Kernel, Readiness, Socket};

use super::Id;
use super::options::Options;
use crate::world::{State, World};

/// A simulated socket; see the module's rules.
#[derive(Debug)]
pub(crate) struct SimSocket {
    world: Arc<World>,
    id: Id,
    sort: Sort,
    readiness: Arc<Readiness>,
}

/// What a socket is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sort {
    Listener,
    Stream,
    Datagram,
}

impl SimSocket {
    pub(crate) fn open(world: &Arc<World>, made: (Id, Arc<Readiness>), sort: Sort) -> Arc<dyn Socket> {
        Arc::new(SimSocket::new(world, made, sort))
    }

    pub(crate) fn new(world: &Arc<World>, (id, readiness): (Id, Arc<Readiness>), sort: Sort) -> SimSocket {
        SimSocket { world: world.clone(), id, sort, readiness }
    }

    /// Asks the world about a stream.
    fn stream<R>(&self, ask: impl FnOnce(&mut State) -> io::Result<R>) -> io::Result<R> {
        match self.sort {
            Sort::Stream => ask(&mut self.world.lock()),
            Sort::Listener => Err(io::Error::new(io::ErrorKind::NotConnected, "a listener carries no bytes: accept")),
            Sort::Datagram => unreachable!("datagrams are dealt with before"),
        }
    }

    /// Asks the world about a datagram socket.
    fn datagram<R>(&self, ask: impl FnOnce(&mut State) -> io::Result<R>) -> io::Result<R> {
        match self.sort {
            Sort::Datagram => ask(&mut self.world.lock()),
            Sort::Stream | Sort::Listener => {
                Err(io::Error::new(io::ErrorKind::Unsupported, "the simulator has addresses for datagrams only"))
            }
        }
    }

    fn options<R>(&self, ask: impl FnOnce(&mut Options) -> io::Result<R>) -> io::Result<R> {
        let mut state = self.world.lock();
        ask(match self.sort {
            Sort::Datagram => state.udp.options(self.id)?,
            Sort::Stream | Sort::Listener => state.tcp.options(self.id)?,
        })
    }
}

impl Endpoint for SimSocket {
    fn local_addr(&self) -> io::Result<SocketAddr> {
        let mut state = self.world.lock();
        match self.sort {
            Sort::Datagram => state.udp.local_addr(self.id),
            Sort::Stream | Sort::Listener => state.tcp.local_addr(self.id),
        }
    }

    fn take_error(&self) -> io::Result<Option<io::Error>> {
        let mut state = self.world.lock();
        Ok(match self.sort {
            Sort::Datagram => state.udp.take_error(self.id),
            Sort::Stream | Sort::Listener => state.tcp.take_error(self.id),
        })
    }

    fn set_option(&self, option: SocketOption) -> io::Result<()> {
        self.options(|options| options.set(option))
    }

    fn option(&self, name: OptionName) -> io::Result<SocketOption> {
        self.options(|options| options.get(name))
    }

    fn bind_device(&self, interface: Option<&[u8]>) -> io::Result<()> {
        match interface {
            None => Ok(()),
            Some(_) => Err(io::Error::new(
                io::ErrorKind::Unsupported,
                "the simulated host has one interface, without a name: bind to an address",
            )),
        }
    }

    fn device(&self) -> io::Result<Option<Vec<u8>>> {
        Ok(None)
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}

/// Only a fresh stream is ever handed out as one. It stays in its world: that is where it was made.
impl Unconnected for SimSocket {
    fn bind(&self, address: SocketAddr) -> io::Result<()> {
        self.stream(|State { tcp, fabric, .. }| tcp.bind(self.id, address, fabric))
    }

    fn connect(self: Box<Self>, _kernel: &dyn Kernel, peer: SocketAddr) -> io::Result<Arc<dyn Socket>> {
        Socket::connect(&*self, peer)?;
        Ok(Arc::<SimSocket>::from(self))
    }

    fn listen(mut self: Box<Self>, _kernel: &dyn Kernel, backlog: u32) -> io::Result<Arc<dyn Socket>> {
        self.stream(|State { tcp, fabric, .. }| tcp.listen_on(self.id, backlog, fabric))?;
        self.sort = Sort::Listener;
        Ok(Arc::<SimSocket>::from(self))
    }

    fn into_fd(self: Box<Self>) -> io::Result<OwnedFd> {
        Err(no_descriptor())
    }
}

// SAFETY: bytes are counted after they were copied to the buffer, and no more are copied than fit.
unsafe impl Socket for SimSocket {
    fn readiness(&self) -> &Readiness {
        &self.readiness
    }

    fn accept(&self) -> io::Result<(Arc<dyn Socket>, SocketAddr)> {
        if self.sort != Sort::Listener {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "only a listener accepts"));
        }
        let (id, readiness, peer) = self.world.lock().tcp.accept(self.id)?;
        Ok((SimSocket::open(&self.world, (id, readiness), Sort::Stream), peer))
    }

    fn recv(&self, buf: &mut [MaybeUninit<u8>]) -> io::Result<usize> {
        if self.sort == Sort::Datagram {
            return self.recv_from(buf).map(|(len, _)| len);
        }
        self.stream(|State { tcp, fabric, .. }| tcp.recv(self.id, buf, fabric))
    }

    fn peek(&self, buf: &mut [MaybeUninit<u8>]) -> io::Result<usize> {
        if self.sort == Sort::Datagram {
            return self.peek_from(buf).map(|(len, _)| len);
        }
        self.stream(|state| state.tcp.peek(self.id, buf))
    }

    fn recv_vectored(&self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        if self.sort == Sort::Datagram {
            return Err(io::Error::new(
                io::ErrorKind::Unsupported,
                "the simulator receives a datagram into one buffer",
            ));
        }
        self.stream(|State { tcp, fabric, .. }| tcp.recv_vectored(self.id, bufs, fabric))
    }

    fn send(&self, buf: &[u8]) -> io::Result<usize> {
        self.send_vectored(&[IoSlice::new(buf)])
    }

    fn send_vectored(&self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        if self.sort == Sort::Datagram {
            let bytes: Vec<u8> = bufs.iter().flat_map(|buf| buf.iter().copied()).collect();
            return self.datagram(|State { udp, fabric, .. }| udp.send(self.id, &bytes, None, fabric));
        }
        self.stream(|State { tcp, fabric, .. }| tcp.send(self.id, bufs, fabric))
    }

    fn recv_from(&self, buf: &mut [MaybeUninit<u8>]) -> io::Result<(usize, SocketAddr)> {
        self.datagram(|state| state.udp.recv(self.id, buf))
    }

    fn peek_from(&self, buf: &mut [MaybeUninit<u8>]) -> io::Result<(usize, SocketAddr)> {
        self.datagram(|state| state.udp.peek(self.id, buf))
    }

    fn send_to(&self, buf: &[u8], target: SocketAddr) -> io::Result<usize> {
        self.datagram(|State { udp, fabric, .. }| udp.send(self.id, buf, Some(target), fabric))
    }

    fn connect(&self, peer: SocketAddr) -> io::Result<()> {
        if self.sort == Sort::Datagram {
            return self.datagram(|state| state.udp.connect(self.id, peer));
        }
        self.stream(|State { tcp, fabric, .. }| tcp.connect(self.id, peer, fabric))
    }

    fn join_group(&self, _group: Group) -> io::Result<()> {
        Err(no_multicast())
    }

    fn leave_group(&self, _group: Group) -> io::Result<()> {
        Err(no_multicast())
    }

    fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        if self.sort == Sort::Datagram {
            return Err(io::Error::new(io::ErrorKind::Unsupported, "a datagram socket has no direction to close"));
        }
        self.stream(|State { tcp, fabric, .. }| tcp.shutdown(self.id, how, fabric))
    }

    fn peer_addr(&self) -> io::Result<SocketAddr> {
        let mut state = self.world.lock();
        match self.sort {
            Sort::Datagram => state.udp.peer_addr(self.id),
            Sort::Stream | Sort::Listener => state.tcp.peer_addr(self.id),
        }
    }

    fn detach(self: Arc<Self>) -> io::Result<OwnedFd> {
        Err(no_descriptor())
    }
}

impl Drop for SimSocket {
    fn drop(&mut self) {
        let State { tcp, udp, fabric, .. } = &mut *self.world.lock();
        match self.sort {
            Sort::Datagram => udp.close(self.id),
            Sort::Stream | Sort::Listener => tcp.close(self.id, fabric),
        }
    }
}

fn no_descriptor() -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, "a simulated socket has no file descriptor to give away")
}

fn no_multicast() -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, "the simulator has no multicast: send to each address")
}
