//! Everything that a command may look at or change.
//!
//! 1. No command waits, reads a clock or touches a socket or a file: time comes in, replies and effects come out.
//!    So the same code serves clients and reads the append-only file back.
//!
//! The keeper owns it.

use std::sync::Arc;

use crate::cli::Options;
use crate::client::Clients;
use crate::clock::UnixMillis;
use crate::pubsub::Channels;
use crate::random::Dice;
use crate::store::Store;

#[derive(Debug)]
pub(crate) struct World {
    pub(crate) store: Store,
    pub(crate) clients: Clients,
    pub(crate) channels: Channels,
    pub(crate) counters: Counters,
    pub(crate) dice: Dice,
    pub(crate) options: Arc<Options>,
    pub(crate) started_at: UnixMillis,
}

/// What `INFO` counts since the start.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) connections: u64,
    pub(crate) commands: u64,
    pub(crate) expired_keys: u64,
}

impl World {
    pub(crate) fn new(options: Arc<Options>, now: UnixMillis) -> World {
        World {
            store: Store::default(),
            clients: Clients::new(),
            channels: Channels::default(),
            counters: Counters::default(),
            dice: Dice::new(),
            options,
            started_at: now,
        }
    }
}
