//! What travels between the ends of connections.
//!
//! 1. A packet names ends by their numbers: what it finds when it arrives may have gone meanwhile.
//! 2. Whatever arrives becomes part of the run's digest.
//!
//! [`Tcp`](super::Tcp) sends them over the fabric, and gets them back when they are due.

use crate::net::Id;
use crate::net::fabric::Fabric;

/// What travels between ends.
#[derive(Debug)]
pub(crate) enum Packet {
    /// `client` asks to connect to its remote address.
    Connect { client: Id, tries: u32 },
    /// The answer to that: `server` is its other end.
    Accepted { client: Id, server: Id },
    /// The client has got the answer.
    Confirmed { server: Id },
    /// A segment.
    Bytes { to: Id, from: Id, bytes: Vec<u8> },
    /// The sender will send no more.
    End { to: Id },
    /// There is no connection (any more).
    Reset { to: Id },
    /// The peer has read so many bytes.
    Room { to: Id, bytes: usize },
    /// A request was sent for the last time, and is given up.
    GivenUp { client: Id },
    /// An end tells itself that it closed a direction.
    Closed { end: Id },
}

impl Packet {
    /// Adds it to the digest.
    pub(super) fn record(&self, fabric: &mut Fabric) {
        let trace = &mut fabric.choices.trace;
        match self {
            Packet::Connect { client, tries } => trace.happened(&[1, client.0, u64::from(*tries)]),
            Packet::Accepted { client, server } => trace.happened(&[2, client.0, server.0]),
            Packet::Confirmed { server } => trace.happened(&[3, server.0]),
            Packet::Bytes { to, bytes, .. } => {
                trace.happened(&[4, to.0]);
                trace.carried(bytes);
            }
            Packet::End { to } => trace.happened(&[5, to.0]),
            Packet::Reset { to } => trace.happened(&[6, to.0]),
            Packet::Room { to, bytes } => trace.happened(&[7, to.0, *bytes as u64]),
            Packet::GivenUp { client } => trace.happened(&[8, client.0]),
            Packet::Closed { end } => trace.happened(&[9, end.0]),
        }
    }
}
