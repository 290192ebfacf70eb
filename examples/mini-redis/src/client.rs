//! One client as the keeper knows it.
//!
//! 1. While a batch of the client runs, the keeper's list does not hold it: the commands have it.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;

use crate::clock::UnixMillis;
use crate::outbox::Outbox;
use crate::pubsub::Topic;
use crate::random::Set;

/// Counts up from 1 for the life of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ClientId(pub(crate) u64);

/// All clients but the one that is being served.
pub(crate) type Clients = BTreeMap<ClientId, Client>;

#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) id: ClientId,
    pub(crate) address: SocketAddr,
    pub(crate) outbox: Outbox,
    pub(crate) connected_at: UnixMillis,
    pub(crate) active_at: UnixMillis,
    pub(crate) name: Vec<u8>,
    /// The database that `SELECT` chose.
    pub(crate) db: usize,
    pub(crate) channels: Set<Box<[u8]>>,
    pub(crate) patterns: Set<Box<[u8]>>,
    pub(crate) last_command: &'static str,
    /// Set by `QUIT`: what is left of the batch is not executed, and the connection closes after its replies.
    pub(crate) has_quit: bool,
}

impl Client {
    pub(crate) fn new(id: ClientId, address: SocketAddr, outbox: Outbox, now: UnixMillis) -> Client {
        Client {
            id,
            address,
            outbox,
            connected_at: now,
            active_at: now,
            name: Vec::new(),
            db: 0,
            channels: Set::default(),
            patterns: Set::default(),
            last_command: "NULL",
            has_quit: false,
        }
    }

    pub(crate) fn subscriptions(&self) -> usize {
        self.channels.len() + self.patterns.len()
    }

    pub(crate) fn is_subscribed(&self) -> bool {
        self.subscriptions() > 0
    }

    pub(crate) fn topics(&mut self, topic: Topic) -> &mut Set<Box<[u8]>> {
        match topic {
            Topic::Channel => &mut self.channels,
            Topic::Pattern => &mut self.patterns,
        }
    }

    /// The client's line in `CLIENT LIST`.
    pub(crate) fn describe(&self, now: UnixMillis) -> impl fmt::Display {
        format!(
            "id={} addr={} name={} age={} idle={} flags={} db={} sub={} psub={} cmd={}\n",
            self.id.0,
            self.address,
            String::from_utf8_lossy(&self.name),
            (now.0 - self.connected_at.0) / 1000,
            (now.0 - self.active_at.0) / 1000,
            if self.is_subscribed() { "P" } else { "N" },
            self.db,
            self.channels.len(),
            self.patterns.len(),
            self.last_command,
        )
    }
}
