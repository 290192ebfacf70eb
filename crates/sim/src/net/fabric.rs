//! The medium: how long a packet takes, in which order things happen, and what addresses mean.
//!
//! 1. Every packet takes a time of its own, within the limits that were set. A path that keeps the order (a direction of a
//!    connection) remembers when its last packet arrives, and no later one arrives before that.
//! 2. What is sent at the same time for the same time arrives in the order in which it was sent.
//! 3. There is one host. It has every address, and none is out of its reach.
//!
//! TCP and UDP send; the driver takes what is due and hands it to them.

use std::collections::BinaryHeap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::time::Duration;

use super::Id;
use crate::choice::Choices;
use crate::trace::Kind;
use crate::world::Event;

/// The medium; see the module's rules.
#[derive(Debug)]
pub(crate) struct Fabric {
    /// Nanoseconds since the run began.
    now: u64,
    agenda: BinaryHeap<Entry>,
    sequence: u64,
    pub(crate) choices: Choices,
    /// In nanoseconds.
    latency: (u64, u64),
    next_id: u64,
    next_port: u16,
}

/// An event that will happen.
#[derive(Debug)]
struct Entry {
    at: u64,
    sequence: u64,
    event: Event,
}

/// When the last packet of a path arrives.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Path(u64);

/// Latencies differ by whole microseconds.
const STEP: u64 = 1_000;

/// The ports that are given to whoever asks for none in particular begin here.
const EPHEMERAL: u16 = 49_152;

impl Fabric {
    pub(crate) fn new(choices: Choices, latency: &RangeInclusive<Duration>) -> Self {
        let latency = (nanoseconds(*latency.start()), nanoseconds(*latency.end()));
        Fabric { now: 0, agenda: BinaryHeap::new(), sequence: 0, choices, latency, next_id: 0, next_port: EPHEMERAL }
    }

    /// Nanoseconds since the run began.
    pub(crate) fn now(&self) -> u64 {
        self.now
    }

    pub(crate) fn set_now(&mut self, now: u64) {
        debug_assert!(now >= self.now, "time does not go back");
        self.now = now;
    }

    /// When the next event happens.
    pub(crate) fn next_event(&self) -> Option<u64> {
        self.agenda.peek().map(|entry| entry.at)
    }

    /// Takes the next event that is due.
    pub(crate) fn take_due(&mut self) -> Option<Event> {
        if self.next_event()? > self.now {
            return None;
        }
        let Entry { at, event, .. } = self.agenda.pop()?;
        self.choices.trace.happened(&[at]);
        Some(event)
    }

    /// Sends a packet that may overtake others.
    pub(crate) fn send(&mut self, event: impl Into<Event>) {
        let delay = self.latency();
        self.after(delay, event);
    }

    /// Sends a packet that arrives after those that were sent on this path before.
    pub(crate) fn send_in_order(&mut self, path: &mut Path, event: impl Into<Event>) {
        let delay = self.latency();
        path.0 = path.0.max(self.now.saturating_add(delay));
        self.at(path.0, event.into());
    }

    /// Something that a socket tells itself: it happens when the driver is looked at next.
    pub(crate) fn at_once(&mut self, event: impl Into<Event>) {
        self.after(0, event);
    }

    /// Something that happens `delay` nanoseconds from now.
    pub(crate) fn after(&mut self, delay: u64, event: impl Into<Event>) {
        self.at(self.now.saturating_add(delay), event.into());
    }

    fn at(&mut self, at: u64, event: Event) {
        self.sequence += 1;
        self.agenda.push(Entry { at, sequence: self.sequence, event });
    }

    fn latency(&mut self) -> u64 {
        let (least, most) = self.latency;
        least + STEP * self.choices.choose(Kind::Network, (most - least) / STEP + 1)
    }

    /// A number for a new socket.
    pub(crate) fn next_id(&mut self) -> Id {
        self.next_id += 1;
        Id(self.next_id)
    }

    /// A port that nobody asked for in particular and that is not `taken`.
    ///
    /// # Errors
    /// When all are taken.
    pub(crate) fn ephemeral_port(&mut self, taken: impl Fn(u16) -> bool) -> io::Result<u16> {
        for _ in EPHEMERAL..=u16::MAX {
            let port = self.next_port;
            self.next_port = port.checked_add(1).unwrap_or(EPHEMERAL);
            if !taken(port) {
                return Ok(port);
            }
        }
        Err(io::Error::new(io::ErrorKind::AddrNotAvailable, "all ephemeral ports of the simulated host are taken"))
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    /// The heap's greatest is the one that happens first.
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (other.at, other.sequence).cmp(&(self.at, self.sequence))
    }
}

/// Nanoseconds of a duration; the longest that count are 500 years.
pub(crate) fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Where a packet for `address` goes: an address of IPv4 in the clothes of IPv6 is that address, and the unspecified one
/// is the loopback.
pub(crate) fn destination(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip().to_canonical() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

/// The address that packets to `destination` come from, when the sender is bound to `bound`.
pub(crate) fn source(bound: SocketAddr, destination: SocketAddr) -> SocketAddr {
    let ip = bound.ip().to_canonical();
    // The one host has the destination's address as well.
    SocketAddr::new(if ip.is_unspecified() { destination.ip() } else { ip }, bound.port())
}

/// Whether a packet to `destination` is for a socket that is bound to `bound`.
pub(crate) fn serves(bound: SocketAddr, destination: SocketAddr) -> bool {
    let ip = bound.ip().to_canonical();
    bound.port() == destination.port() && (ip == destination.ip() || wildcard_serves(ip, destination.ip()))
}

/// Whether two sockets can't be bound to these addresses at the same time: some packet would be for both.
pub(crate) fn collide(one: SocketAddr, other: SocketAddr) -> bool {
    let (a, b) = (one.ip().to_canonical(), other.ip().to_canonical());
    one.port() == other.port() && (a == b || wildcard_serves(a, b) || wildcard_serves(b, a))
}

/// The wildcard of IPv6 serves IPv4 too.
fn wildcard_serves(bound: IpAddr, ip: IpAddr) -> bool {
    bound.is_unspecified() && (bound.is_ipv6() || ip.is_ipv4())
}

/// `address` as a socket shows it that is bound to `bound`: one of IPv6 shows addresses of IPv4 in the clothes of IPv6.
pub(crate) fn shown(bound: SocketAddr, address: SocketAddr) -> SocketAddr {
    match (bound, address.ip()) {
        (SocketAddr::V6(_), IpAddr::V4(ip)) => SocketAddr::new(ip.to_ipv6_mapped().into(), address.port()),
        _ => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_wildcard_serves_its_own_family_and_that_of_ipv6_both() {
        let target = address("10.0.0.1:80");
        assert!(serves(address("10.0.0.1:80"), target));
        assert!(serves(address("0.0.0.0:80"), target));
        assert!(serves(address("[::]:80"), target));
        assert!(!serves(address("[::1]:80"), target));
        assert!(!serves(address("0.0.0.0:80"), address("[::1]:80")));
        assert!(!serves(address("10.0.0.1:81"), target));
    }

    #[test]
    fn wildcards_collide_with_what_they_serve() {
        assert!(collide(address("0.0.0.0:80"), address("127.0.0.1:80")));
        assert!(collide(address("127.0.0.1:80"), address("[::]:80")));
        assert!(!collide(address("0.0.0.0:80"), address("[::1]:80")));
        assert!(!collide(address("127.0.0.1:80"), address("127.0.0.2:80")));
        assert!(!collide(address("0.0.0.0:80"), address("0.0.0.0:81")));
    }

    #[test]
    fn a_packet_goes_to_a_real_address_and_comes_from_one() {
        assert_eq!(destination(address("0.0.0.0:80")), address("127.0.0.1:80"));
        assert_eq!(destination(address("[::ffff:10.0.0.1]:80")), address("10.0.0.1:80"));
        assert_eq!(source(address("0.0.0.0:7"), address("10.0.0.1:80")), address("10.0.0.1:7"));
        assert_eq!(source(address("127.0.0.1:7"), address("10.0.0.1:80")), address("127.0.0.1:7"));
        assert_eq!(shown(address("[::]:80"), address("10.0.0.1:7")), address("[::ffff:10.0.0.1]:7"));
        assert_eq!(shown(address("0.0.0.0:80"), address("10.0.0.1:7")), address("10.0.0.1:7"));
    }
}
