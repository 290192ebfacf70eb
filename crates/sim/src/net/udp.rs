//! UDP in memory: datagrams over the fabric.
//!
//! 1. Each datagram takes a time of its own, so later ones overtake earlier ones.
//! 2. A datagram for which the receiver has no room is lost. One that nobody is bound for comes back as an error, to a
//!    sender that has connected to that address.
//! 3. A connected socket gets the datagrams of its peer only.
//!
//! A [`SimSocket`](super::socket::SimSocket) calls the methods; the driver hands in packets with [`Udp::arrive`].

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::mem::MaybeUninit;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use unstuck_base::WakeBatch;
use unstuck_base::interest::Ready;
use unstuck_driver::Readiness;

use super::Id;
use super::fabric::{Fabric, collide, destination, serves, shown, source};
use super::options::Options;

/// The longest datagram that IPv4 carries.
const LONGEST: usize = 65_507;

/// All datagram sockets; see the module's rules.
#[derive(Debug, Default)]
pub(crate) struct Udp {
    sockets: BTreeMap<Id, Datagrams>,
}

#[derive(Debug)]
struct Datagrams {
    readiness: Arc<Readiness>,
    address: SocketAddr,
    peer: Option<SocketAddr>,
    inbox: VecDeque<(Vec<u8>, SocketAddr)>,
    /// How many bytes are in the inbox.
    queued: usize,
    error: Option<io::ErrorKind>,
    options: Options,
}

/// What travels between sockets.
#[derive(Debug)]
pub(crate) enum Packet {
    /// A datagram. The sender's number tells who is to be told when nobody takes it.
    Datagram { sender: Id, from: SocketAddr, to: SocketAddr, bytes: Vec<u8> },
    /// Nobody was bound for what `to` sent to `target`.
    Unreachable { to: Id, target: SocketAddr },
}

impl Udp {
    /// A socket bound to `address`.
    ///
    /// # Errors
    /// `AddrInUse`.
    pub(crate) fn bind(&mut self, address: SocketAddr, fabric: &mut Fabric) -> io::Result<(Id, Arc<Readiness>)> {
        let taken = |port| self.sockets.values().any(|socket| socket.address.port() == port);
        let port = if address.port() == 0 { fabric.ephemeral_port(taken)? } else { address.port() };
        let address = SocketAddr::new(address.ip(), port);
        if self.sockets.values().any(|socket| collide(socket.address, address)) {
            let message = format!("another socket of the simulated host is bound to {address}");
            return Err(io::Error::new(io::ErrorKind::AddrInUse, message));
        }
        let id = fabric.next_id();
        // There is always room to send.
        let readiness = Arc::new(Readiness::assumed(Ready::WRITABLE));
        let socket = Datagrams {
            readiness: readiness.clone(),
            address,
            peer: None,
            inbox: VecDeque::new(),
            queued: 0,
            error: None,
            options: Options::new(),
        };
        self.sockets.insert(id, socket);
        Ok((id, readiness))
    }

    /// Sets the peer.
    pub(crate) fn connect(&mut self, id: Id, peer: SocketAddr) -> io::Result<()> {
        let socket = self.socket(id)?;
        let target = destination(peer);
        socket.address = shown(socket.address, source(socket.address, target));
        socket.peer = Some(target);
        Ok(())
    }

    /// Sends a datagram, to the peer if no target is given.
    ///
    /// # Errors
    /// When there is neither; when it is too long; an error that came back; `Unsupported` for many targets at once.
    pub(crate) fn send(
        &mut self,
        id: Id,
        bytes: &[u8],
        target: Option<SocketAddr>,
        fabric: &mut Fabric,
    ) -> io::Result<usize> {
        let socket = self.socket(id)?;
        if let Some(error) = socket.error.take() {
            return Err(error.into());
        }
        let Some(to) = target.or(socket.peer).map(destination) else {
            return Err(io::Error::new(io::ErrorKind::NotConnected, "a destination address is required"));
        };
        if to.ip().is_multicast() || to.ip() == Ipv4Addr::BROADCAST {
            let message = "the simulator has no multicast and no broadcast: send to each address";
            return Err(io::Error::new(io::ErrorKind::Unsupported, message));
        }
        if bytes.len() > LONGEST {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "message too long for a datagram"));
        }
        let from = source(socket.address, to);
        fabric.send(Packet::Datagram { sender: id, from, to, bytes: bytes.to_vec() });
        Ok(bytes.len())
    }

    /// Receives a datagram and its sender.
    ///
    /// # Errors
    /// `WouldBlock`; an error that came back.
    pub(crate) fn recv(&mut self, id: Id, buf: &mut [MaybeUninit<u8>]) -> io::Result<(usize, SocketAddr)> {
        let received = self.peek(id, buf)?;
        let socket = self.socket(id)?;
        if let Some((bytes, _)) = socket.inbox.pop_front() {
            socket.queued -= bytes.len();
        }
        Ok(received)
    }

    /// As [`recv`](Udp::recv), and leaves the datagram.
    pub(crate) fn peek(&mut self, id: Id, buf: &mut [MaybeUninit<u8>]) -> io::Result<(usize, SocketAddr)> {
        let socket = self.socket(id)?;
        if let Some(error) = socket.error.take() {
            return Err(error.into());
        }
        let (bytes, from) = socket.inbox.front().ok_or(io::ErrorKind::WouldBlock)?;
        let len = bytes.len().min(buf.len());
        buf[..len].write_copy_of_slice(&bytes[..len]);
        Ok((len, shown(socket.address, *from)))
    }

    /// The program has dropped the socket.
    pub(crate) fn close(&mut self, id: Id) {
        self.sockets.remove(&id);
    }

    /// The address that it is bound to.
    pub(crate) fn local_addr(&mut self, id: Id) -> io::Result<SocketAddr> {
        Ok(self.socket(id)?.address)
    }

    /// The peer.
    ///
    /// # Errors
    /// `NotConnected`.
    pub(crate) fn peer_addr(&mut self, id: Id) -> io::Result<SocketAddr> {
        let socket = self.socket(id)?;
        socket.peer.map(|peer| shown(socket.address, peer)).ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    /// Takes the error that came back.
    pub(crate) fn take_error(&mut self, id: Id) -> Option<io::Error> {
        self.sockets.get_mut(&id)?.error.take().map(io::Error::from)
    }

    /// The options.
    pub(crate) fn options(&mut self, id: Id) -> io::Result<&mut Options> {
        Ok(&mut self.socket(id)?.options)
    }

    /// Ends every wait.
    pub(crate) fn shut(&self, woken: &mut WakeBatch) {
        self.sockets.values().for_each(|socket| socket.readiness.shutdown(woken));
    }

    /// A packet is there.
    pub(crate) fn arrive(&mut self, packet: Packet, fabric: &mut Fabric, woken: &mut WakeBatch) {
        match packet {
            Packet::Datagram { sender, from, to, bytes } => {
                fabric.choices.trace.happened(&[16, sender.0, u64::from(to.port())]);
                fabric.choices.trace.carried(&bytes);
                // Sockets never collide, so there is at most one.
                match self.sockets.values_mut().find(|socket| serves(socket.address, to)) {
                    Some(socket) => socket.receive(bytes, from, woken),
                    None => fabric.send(Packet::Unreachable { to: sender, target: to }),
                }
            }
            Packet::Unreachable { to, target } => {
                fabric.choices.trace.happened(&[17, to.0]);
                if let Some(socket) = self.sockets.get_mut(&to).filter(|socket| socket.peer == Some(target)) {
                    socket.error = Some(io::ErrorKind::ConnectionRefused);
                    socket.readiness.set(Ready::READABLE | Ready::WRITABLE | Ready::ERROR, woken);
                }
            }
        }
    }

    fn socket(&mut self, id: Id) -> io::Result<&mut Datagrams> {
        let gone = || io::Error::new(io::ErrorKind::NotConnected, "the simulated socket is gone");
        self.sockets.get_mut(&id).ok_or_else(gone)
    }
}

impl Datagrams {
    fn receive(&mut self, bytes: Vec<u8>, from: SocketAddr, woken: &mut WakeBatch) {
        let from_a_stranger = self.peer.is_some_and(|peer| peer != from);
        if from_a_stranger || self.queued + bytes.len() > self.options.receive_buffer() {
            return;
        }
        self.queued += bytes.len();
        self.inbox.push_back((bytes, from));
        self.readiness.set(Ready::READABLE, woken);
    }
}
