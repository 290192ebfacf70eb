//! TCP in memory: connections over the fabric, listeners, and what a program does to them.
//!
//! 1. Connecting takes a round trip, and the connection can be accepted half a round trip after that. Nobody listens:
//!    refused. The backlog is full: the request is lost and sent again, after one second, two, four ..
//! 2. Each direction keeps its order. What is sent goes in segments, cut at places that the seed chooses: a program must
//!    not rely on getting in one piece what was sent in one.
//! 3. A sender may have as many bytes under way as its send buffer holds; the reader gives their room back.
//! 4. A direction ends after everything that was sent in it. Closing with unread bytes resets the connection, and so does
//!    sending to an end that is closed.
//!
//! A [`SimSocket`](super::socket::SimSocket) calls the methods; the driver hands in packets with [`Tcp::arrive`].

mod end;
mod packet;

use std::collections::{BTreeMap, VecDeque};
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::net::{Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr};
use std::sync::Arc;

use unstuck_base::WakeBatch;
use unstuck_base::interest::Ready;
use unstuck_driver::Readiness;
use unstuck_driver::socket::Family;

use super::Id;
use super::fabric::{Fabric, collide, destination, serves, shown, source};
use super::options::Options;
use crate::trace::Kind;
use end::{End, Stage};
pub(crate) use packet::Packet;

/// How often a request to connect is sent again.
const RETRIES: u32 = 6;

const SECOND: u64 = 1_000_000_000;

/// A segment has at most so many bytes.
const SEGMENT: usize = 16 * 1024;

/// One in so many segments is cut in two.
const CUT: u64 = 4;

/// All connections and listeners; see the module's rules.
#[derive(Debug, Default)]
pub(crate) struct Tcp {
    ends: BTreeMap<Id, End>,
    listeners: BTreeMap<Id, Listener>,
}

#[derive(Debug)]
struct Listener {
    readiness: Arc<Readiness>,
    address: SocketAddr,
    backlog: usize,
    /// Connections that wait to be accepted.
    pending: VecDeque<Id>,
    /// How many connections are about to be.
    half_open: usize,
    options: Options,
}

impl Tcp {
    /// A listener on `address`, and where it listens.
    ///
    /// # Errors
    /// `AddrInUse`.
    pub(crate) fn listen(
        &mut self,
        address: SocketAddr,
        backlog: u32,
        fabric: &mut Fabric,
    ) -> io::Result<(Id, Arc<Readiness>)> {
        let address = self.bound(address, fabric)?;
        // The system does it as well: a server can be started again while its last connections are forgotten.
        self.check_free(address, true)?;
        let id = fabric.next_id();
        let readiness = Arc::new(Readiness::new());
        self.listeners.insert(id, Listener::new(readiness.clone(), address, backlog, Options::new()));
        Ok((id, readiness))
    }

    /// A stream that is not connected yet.
    pub(crate) fn fresh(&mut self, family: Family, fabric: &mut Fabric) -> (Id, Arc<Readiness>) {
        let id = fabric.next_id();
        let end = End::new(Stage::Fresh, nowhere(family), None);
        let readiness = end.readiness.clone();
        self.ends.insert(id, end);
        (id, readiness)
    }

    /// Gives a fresh stream an address.
    ///
    /// # Errors
    /// `AddrInUse`; when it has one already; when the address is of another family.
    pub(crate) fn bind(&mut self, id: Id, address: SocketAddr, fabric: &mut Fabric) -> io::Result<()> {
        let end = self.end(id)?;
        if end.stage != Stage::Fresh || end.local.port() != 0 {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "the socket has an address already"));
        }
        if Family::of(end.local) != Family::of(address) {
            return Err(other_family());
        }
        let shares = end.options.reuses_address();
        let address = self.bound(address, fabric)?;
        self.check_free(address, shares)?;
        self.end(id)?.local = address;
        Ok(())
    }

    /// Makes a fresh stream a listener.
    ///
    /// # Errors
    /// `AddrInUse`; when it was connected.
    pub(crate) fn listen_on(&mut self, id: Id, backlog: u32, fabric: &mut Fabric) -> io::Result<()> {
        let end = self.end(id)?;
        if end.stage != Stage::Fresh {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "a stream that was connected can't listen"));
        }
        let local = end.local;
        let address = self.bound(local, fabric)?;
        if self.listeners.values().any(|listener| collide(listener.address, address)) {
            return Err(taken(address));
        }
        if let Some(end) = self.ends.remove(&id) {
            self.listeners.insert(id, Listener::new(end.readiness, address, backlog, end.options));
        }
        Ok(())
    }

    /// Begins to connect.
    ///
    /// # Errors
    /// When it is connected, or is about to be; when there is no port left.
    pub(crate) fn connect(&mut self, id: Id, peer: SocketAddr, fabric: &mut Fabric) -> io::Result<()> {
        let end = self.end(id)?;
        if end.stage != Stage::Fresh {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "the stream was connected before; make another one",
            ));
        }
        // A socket of IPv6 reaches addresses of IPv4, not the other way round.
        if end.local.is_ipv4() && peer.is_ipv6() {
            return Err(other_family());
        }
        let from = source(end.local, destination(peer));
        let local = self.bound(from, fabric)?;
        let end = self.end(id)?;
        end.local = shown(peer, local);
        end.remote = Some(shown(peer, destination(peer)));
        end.stage = Stage::Connecting;
        fabric.send(Packet::Connect { client: id, tries: 0 });
        Ok(())
    }

    /// Takes a connection that waits: its id, its readiness, its peer.
    ///
    /// # Errors
    /// `WouldBlock`.
    pub(crate) fn accept(&mut self, listener: Id) -> io::Result<(Id, Arc<Readiness>, SocketAddr)> {
        let waiting = self.listeners.get_mut(&listener).and_then(|listener| listener.pending.pop_front());
        let id = waiting.ok_or(io::ErrorKind::WouldBlock)?;
        let end = self.end(id)?;
        Ok((id, end.readiness.clone(), end.remote.unwrap_or(nowhere(Family::V4))))
    }

    /// Receives, as [`Socket::recv`](unstuck_driver::Socket::recv).
    pub(crate) fn recv(&mut self, id: Id, buf: &mut [MaybeUninit<u8>], fabric: &mut Fabric) -> io::Result<usize> {
        let read = self.end(id)?.read(buf)?;
        self.give_room(id, fabric);
        Ok(read)
    }

    /// Receives into several buffers, as [`Socket::recv_vectored`](unstuck_driver::Socket::recv_vectored).
    pub(crate) fn recv_vectored(
        &mut self,
        id: Id,
        bufs: &mut [IoSliceMut<'_>],
        fabric: &mut Fabric,
    ) -> io::Result<usize> {
        let read = self.end(id)?.read_vectored(bufs)?;
        self.give_room(id, fabric);
        Ok(read)
    }

    /// Looks, as [`Socket::peek`](unstuck_driver::Socket::peek).
    pub(crate) fn peek(&mut self, id: Id, buf: &mut [MaybeUninit<u8>]) -> io::Result<usize> {
        self.end(id)?.peek(buf)
    }

    /// Sends, as [`Socket::send_vectored`](unstuck_driver::Socket::send_vectored).
    pub(crate) fn send(&mut self, id: Id, bufs: &[IoSlice<'_>], fabric: &mut Fabric) -> io::Result<usize> {
        let end = self.end(id)?;
        let room = end.room()?;
        let wanted: usize = bufs.iter().map(|buf| buf.len()).sum();
        let taken = wanted.min(room);
        if taken < wanted {
            end.blocked = true;
            let twin = end.twin;
            // Whatever the reader owes is wanted now.
            twin.into_iter().for_each(|twin| self.give_room(twin, fabric));
        }
        if taken == 0 {
            return if wanted == 0 { Ok(0) } else { Err(io::ErrorKind::WouldBlock.into()) };
        }
        let mut bytes: Vec<u8> = Vec::with_capacity(taken);
        bufs.iter().for_each(|buf| bytes.extend(&buf[..buf.len().min(taken - bytes.len())]));
        let end = self.end(id)?;
        end.sent(taken);
        let Some(to) = end.twin else { return Ok(taken) };
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            let (segment, later) = rest.split_at(segment_len(rest.len(), fabric));
            fabric.send_in_order(&mut end.path, Packet::Bytes { to, from: id, bytes: segment.to_vec() });
            rest = later;
        }
        Ok(taken)
    }

    /// Closes one direction, or both.
    ///
    /// # Errors
    /// `NotConnected`.
    pub(crate) fn shutdown(&mut self, id: Id, how: Shutdown, fabric: &mut Fabric) -> io::Result<()> {
        let end = self.end(id)?;
        if end.stage != Stage::Open {
            return Err(io::ErrorKind::NotConnected.into());
        }
        if matches!(how, Shutdown::Read | Shutdown::Both) {
            end.read_shut = true;
        }
        if matches!(how, Shutdown::Write | Shutdown::Both) && !end.write_shut {
            end.write_shut = true;
            if let Some(to) = end.twin {
                fabric.send_in_order(&mut end.path, Packet::End { to });
            }
        }
        fabric.at_once(Packet::Closed { end: id });
        Ok(())
    }

    /// The program has dropped the socket.
    pub(crate) fn close(&mut self, id: Id, fabric: &mut Fabric) {
        if let Some(mut end) = self.ends.remove(&id) {
            let Some(to) = end.twin else { return };
            let farewell = if end.has_unread() || end.options.closes_hard() {
                Packet::Reset { to }
            } else if end.write_shut {
                return;
            } else {
                Packet::End { to }
            };
            fabric.send_in_order(&mut end.path, farewell);
        } else if let Some(listener) = self.listeners.remove(&id) {
            self.ends.retain(|end_id, end| {
                let ours = end.stage == Stage::HalfOpen { listener: id } || listener.pending.contains(end_id);
                if ours && let Some(to) = end.twin {
                    fabric.send_in_order(&mut end.path, Packet::Reset { to });
                }
                !ours
            });
        }
    }

    /// The address of this end.
    pub(crate) fn local_addr(&mut self, id: Id) -> io::Result<SocketAddr> {
        match self.listeners.get(&id) {
            Some(listener) => Ok(listener.address),
            None => Ok(self.end(id)?.local),
        }
    }

    /// The address of the other end.
    ///
    /// # Errors
    /// `NotConnected`.
    pub(crate) fn peer_addr(&mut self, id: Id) -> io::Result<SocketAddr> {
        let end = self.ends.get(&id).filter(|end| end.stage == Stage::Open);
        end.and_then(|end| end.remote).ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    /// Takes the error of a connection.
    pub(crate) fn take_error(&mut self, id: Id) -> Option<io::Error> {
        self.ends.get_mut(&id)?.error.take().map(io::Error::from)
    }

    /// The options of a stream or listener.
    pub(crate) fn options(&mut self, id: Id) -> io::Result<&mut Options> {
        match self.listeners.get_mut(&id) {
            Some(listener) => Ok(&mut listener.options),
            None => Ok(&mut self.ends.get_mut(&id).ok_or_else(gone)?.options),
        }
    }

    /// Ends every wait.
    pub(crate) fn shut(&self, woken: &mut WakeBatch) {
        self.ends.values().for_each(|end| end.readiness.shutdown(woken));
        self.listeners.values().for_each(|listener| listener.readiness.shutdown(woken));
    }

    /// A packet is there.
    pub(crate) fn arrive(&mut self, packet: Packet, fabric: &mut Fabric, woken: &mut WakeBatch) {
        packet.record(fabric);
        match packet {
            Packet::Connect { client, tries } => self.connect_arrives(client, tries, fabric),
            Packet::Accepted { client, server } => self.accepted_arrives(client, server, fabric, woken),
            Packet::Confirmed { server } => self.confirmed_arrives(server, woken),
            Packet::Bytes { to, from, bytes } => match self.ends.get_mut(&to) {
                Some(end) if end.stage == Stage::Over => {}
                Some(end) => {
                    end.receive(&bytes);
                    end.readiness.set(Ready::READABLE, woken);
                }
                None => fabric.send(Packet::Reset { to: from }),
            },
            Packet::End { to } => {
                if let Some(end) = self.ends.get_mut(&to) {
                    end.has_ended = true;
                    end.readiness.set(end.closed_readiness(), woken);
                }
            }
            Packet::Reset { to } => self.reset_arrives(to, woken),
            Packet::Room { to, bytes } => {
                if let Some(end) = self.ends.get_mut(&to)
                    && end.take_room(bytes)
                {
                    end.readiness.set(Ready::WRITABLE, woken);
                }
            }
            Packet::GivenUp { client } => self.fail(client, io::ErrorKind::TimedOut, woken),
            Packet::Closed { end } => {
                if let Some(end) = self.ends.get_mut(&end) {
                    end.readiness.set(end.closed_readiness(), woken);
                }
            }
        }
    }

    fn connect_arrives(&mut self, client: Id, tries: u32, fabric: &mut Fabric) {
        let Some(end) = self.ends.get(&client) else { return };
        let (Stage::Connecting, Some(target)) = (end.stage, end.remote) else { return };
        let (from, to) = (destination(end.local), destination(target));
        // Listeners never collide, so there is at most one.
        let listener = self.listeners.iter_mut().find(|(_, listener)| serves(listener.address, to));
        let Some((id, listener)) = listener else { return fabric.send(Packet::Reset { to: client }) };
        if listener.pending.len() + listener.half_open >= listener.backlog {
            let again =
                if tries < RETRIES { Packet::Connect { client, tries: tries + 1 } } else { Packet::GivenUp { client } };
            return fabric.after(SECOND << tries, again);
        }
        listener.half_open += 1;
        let (local, remote) = (shown(listener.address, to), shown(listener.address, from));
        let mut end = End::new(Stage::HalfOpen { listener: *id }, local, Some(remote));
        end.twin = Some(client);
        end.options = listener.options;
        let server = fabric.next_id();
        fabric.send_in_order(&mut end.path, Packet::Accepted { client, server });
        self.ends.insert(server, end);
    }

    fn accepted_arrives(&mut self, client: Id, server: Id, fabric: &mut Fabric, woken: &mut WakeBatch) {
        match self.ends.get_mut(&client) {
            Some(end) if end.stage == Stage::Connecting => {
                end.stage = Stage::Open;
                end.twin = Some(server);
                fabric.send_in_order(&mut end.path, Packet::Confirmed { server });
                end.readiness.set(Ready::WRITABLE, woken);
            }
            _ => fabric.send(Packet::Reset { to: server }),
        }
    }

    fn confirmed_arrives(&mut self, server: Id, woken: &mut WakeBatch) {
        let Some(end) = self.ends.get_mut(&server) else { return };
        let Stage::HalfOpen { listener } = end.stage else { return };
        end.stage = Stage::Open;
        let listener = self.listeners.get_mut(&listener).expect("a listener takes its half-open connections along");
        listener.half_open -= 1;
        listener.pending.push_back(server);
        listener.readiness.set(Ready::READABLE, woken);
    }

    fn reset_arrives(&mut self, to: Id, woken: &mut WakeBatch) {
        let Some(end) = self.ends.get(&to) else { return };
        match end.stage {
            Stage::Fresh | Stage::Over => {}
            Stage::HalfOpen { listener } => {
                self.ends.remove(&to);
                let listener = self.listeners.get_mut(&listener).expect("as in `confirmed_arrives`");
                listener.half_open -= 1;
            }
            Stage::Connecting => self.fail(to, io::ErrorKind::ConnectionRefused, woken),
            // Who was told that the stream has ended should not have gone on sending.
            Stage::Open if end.has_ended => self.fail(to, io::ErrorKind::BrokenPipe, woken),
            Stage::Open => self.fail(to, io::ErrorKind::ConnectionReset, woken),
        }
    }

    fn fail(&mut self, id: Id, error: io::ErrorKind, woken: &mut WakeBatch) {
        if let Some(end) = self.ends.get_mut(&id) {
            end.fail(error);
            end.readiness.set(end.closed_readiness(), woken);
        }
    }

    /// Gives back to the twin of `reader` the room of what was read, if that is worth a packet.
    fn give_room(&mut self, reader: Id, fabric: &mut Fabric) {
        let Some(to) = self.ends.get(&reader).and_then(|end| end.twin) else { return };
        let Some(sender) = self.ends.get(&to) else { return };
        let (window, waits) = (sender.options.send_buffer(), sender.blocked);
        let Some(end) = self.ends.get_mut(&reader) else { return };
        if end.owes_enough(window, waits) {
            fabric.send(Packet::Room { to, bytes: end.pay() });
        }
    }

    /// Whether a socket can be bound to `address`. Those that do not listen share it if all want that.
    ///
    /// # Errors
    /// `AddrInUse`.
    fn check_free(&self, address: SocketAddr, shares: bool) -> io::Result<()> {
        let kept = |end: &End| !(shares && end.options.reuses_address());
        let mut fresh = self.ends.values().filter(|end| end.stage == Stage::Fresh && end.local.port() != 0);
        if fresh.any(|end| collide(end.local, address) && kept(end))
            || self.listeners.values().any(|listener| collide(listener.address, address))
        {
            return Err(taken(address));
        }
        Ok(())
    }

    /// `address`, with a port.
    fn bound(&self, address: SocketAddr, fabric: &mut Fabric) -> io::Result<SocketAddr> {
        if address.port() != 0 {
            return Ok(address);
        }
        let taken = |port| {
            self.listeners.values().any(|listener| listener.address.port() == port)
                || self.ends.values().any(|end| end.local.port() == port)
        };
        Ok(SocketAddr::new(address.ip(), fabric.ephemeral_port(taken)?))
    }

    fn end(&mut self, id: Id) -> io::Result<&mut End> {
        self.ends.get_mut(&id).ok_or_else(gone)
    }
}

impl Listener {
    fn new(readiness: Arc<Readiness>, address: SocketAddr, backlog: u32, options: Options) -> Listener {
        let backlog = backlog.max(1) as usize;
        Listener { readiness, address, backlog, pending: VecDeque::new(), half_open: 0, options }
    }
}

/// Where to cut `len` bytes.
fn segment_len(len: usize, fabric: &mut Fabric) -> usize {
    let len = len.min(SEGMENT);
    if len < 2 || fabric.choices.choose(Kind::Network, CUT) != 0 {
        return len;
    }
    1 + fabric.choices.choose(Kind::Network, len as u64 - 1) as usize
}

/// The address of a socket that has none.
fn nowhere(family: Family) -> SocketAddr {
    match family {
        Family::V4 => (Ipv4Addr::UNSPECIFIED, 0).into(),
        Family::V6 => (Ipv6Addr::UNSPECIFIED, 0).into(),
    }
}

fn taken(address: SocketAddr) -> io::Error {
    let message = format!("another socket of the simulated host is bound to {address}");
    io::Error::new(io::ErrorKind::AddrInUse, message)
}

fn other_family() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "the address is of another family than the socket")
}

/// A socket that is not in the tables any more: its run is over.
fn gone() -> io::Error {
    io::Error::new(io::ErrorKind::NotConnected, "the simulated socket is gone")
}
