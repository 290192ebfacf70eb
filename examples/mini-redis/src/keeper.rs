//! The one task that owns the store.
//!
//! 1. Commands run one after another, each batch as a whole, at one moment in time per turn.
//! 2. Keys lapse by timer: the task sleeps until the first deadline, also when no client asks for anything.
//! 3. No reply to a change leaves before the change is in the append-only file, if there is one.
//! 4. It never waits for a client or a disk: replies go to oneshots and outboxes, changes to the journal's queue.
//!
//! Connections wake it with exchanges; it wakes connections with replies, and the journal with changes.

use std::future::pending;
use std::io;

use bytes::Bytes;
use unstuck::select;
use unstuck::sync::mpsc::UnboundedReceiver;
use unstuck::time::{Instant, sleep_until};

use crate::aof::{Journal, Records};
use crate::client::Client;
use crate::clock::{Clock, UnixMillis};
use crate::command::{self, Effect};
use crate::exchange::{Delivery, Message};
use crate::resp::{Args, Replies};
use crate::store::DATABASES;
use crate::world::World;

#[derive(Debug)]
pub(crate) struct Keeper {
    world: World,
    clock: Clock,
    journal: Option<Journal>,
    /// This turn's changes, and who waits for them to be in the file.
    records: Records,
    waiting: Vec<Delivery>,
}

impl Keeper {
    /// A keeper of `world`, which writes changes to `journal`.
    pub(crate) fn new(world: World, clock: Clock, journal: Option<Journal>) -> Keeper {
        Keeper { world, clock, journal, records: Records::default(), waiting: Vec::new() }
    }

    /// Serves until nobody can send messages any more, or the journal fails.
    ///
    /// # Errors
    ///
    /// The append-only file could not be written. Changes that were not acknowledged may be missing in it.
    pub(crate) async fn run(mut self, mut messages: UnboundedReceiver<Message>) -> io::Result<()> {
        let mut turn = Vec::with_capacity(TURN);
        loop {
            let deadline = self.world.store.first_deadline().map(|deadline| self.clock.instant(deadline));
            select! {
                biased;
                () = journal_failed(self.journal.as_ref()) => break,
                received = messages.recv_many(&mut turn, TURN) => if received == 0 { break },
                () = reached(deadline) => {}
            }
            let now = self.clock.now();
            self.expire(now);
            for message in turn.drain(..) {
                self.handle(message, now);
            }
            self.commit();
        }
        match self.journal {
            Some(journal) => journal.finish().await,
            None => Ok(()),
        }
    }

    fn handle(&mut self, message: Message, now: UnixMillis) {
        match message {
            Message::Join { client, address, outbox } => {
                self.world.counters.connections += 1;
                self.world.clients.insert(client, Client::new(client, address, outbox, now));
            }
            Message::Leave { client } => {
                if let Some(mut client) = self.world.clients.remove(&client) {
                    command::leave(&mut self.world.channels, &mut client);
                }
            }
            Message::Run { client, delivery } => {
                let client = self.world.clients.remove(&client).expect("a line joins before it runs anything");
                self.serve(client, delivery, now);
            }
        }
    }

    fn serve(&mut self, mut client: Client, mut delivery: Delivery, now: UnixMillis) {
        let changes_before = self.records.len();
        let was_subscribed = client.is_subscribed();
        let exchange = &mut *delivery.exchange;
        // One batch may ask for more than memory holds; what is left runs once the client has taken these replies.
        while exchange.replies.len() < MAX_REPLIES && !client.has_quit {
            let Some(args) = exchange.requests.next() else { break };
            self.execute(&mut client, args, now, &mut exchange.replies);
        }
        client.active_at = now;
        exchange.has_quit = client.has_quit;
        exchange.is_subscribed = client.is_subscribed();
        if was_subscribed || client.is_subscribed() {
            // In line with the messages; if the outbox refuses, the connection is being cut off anyway.
            client.outbox.push(Bytes::from(exchange.replies.take()));
        }
        self.world.clients.insert(client.id, client);
        if self.records.len() > changes_before {
            self.waiting.push(delivery);
        } else {
            delivery.deliver();
        }
    }

    fn execute(&mut self, client: &mut Client, args: Args<'_>, now: UnixMillis, replies: &mut Replies) {
        let before = replies.len();
        let outcome = command::execute(&mut self.world, client, args, now, replies);
        self.note_lapsed(client.db);
        match outcome {
            Ok(Effect::Nothing) => {}
            Ok(_) if self.journal.is_none() => {}
            Ok(Effect::Changed) => self.records.push(client.db, args.from(0)),
            Ok(Effect::ChangedAs(words)) => self.records.push(client.db, words.iter().map(Vec::as_slice)),
            Err(error) => {
                replies.truncate(before);
                replies.error(&error);
            }
        }
    }

    fn expire(&mut self, now: UnixMillis) {
        if self.world.store.expire_due(now, MAX_EXPIRED) > 0 {
            (0..DATABASES).for_each(|db| self.note_lapsed(db));
        }
    }

    /// A key that lapsed is deleted in the file too, where it happened: reading the file must not depend on the time.
    fn note_lapsed(&mut self, db: usize) {
        for key in self.world.store.take_lapsed(db) {
            self.world.counters.expired_keys += 1;
            if self.journal.is_some() {
                self.records.push(db, [&b"DEL"[..], &key].into_iter());
            }
        }
    }

    fn commit(&mut self) {
        if let Some(journal) = &self.journal
            && !self.records.is_empty()
        {
            journal.write(self.records.take(), std::mem::take(&mut self.waiting));
        }
    }
}

/// Builds the world that the append-only file describes: applies one of its commands.
///
/// # Errors
///
/// Why the command can't be part of such a file.
pub(crate) fn replay(world: &mut World, client: &mut Client, args: Args<'_>) -> Result<(), String> {
    let mut replies = Replies::default();
    // At the beginning of time nothing lapses: that, too, is written in the file.
    match command::execute(world, client, args, UnixMillis::MIN, &mut replies) {
        Ok(_) => Ok(()),
        Err(error) => Err(error.to_string()),
    }
}

async fn reached(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => pending().await,
    }
}

async fn journal_failed(journal: Option<&Journal>) {
    match journal {
        Some(journal) => journal.failed().await,
        None => pending().await,
    }
}

/// Messages per turn: one look at the clock, and one write to the append-only file, for all of them.
const TURN: usize = 128;
/// Replies, in bytes, after which a batch goes back to its connection.
const MAX_REPLIES: usize = 256 * 1024;
/// Keys that lapse per turn.
const MAX_EXPIRED: usize = 1_000;

#[cfg(test)]
mod tests;
