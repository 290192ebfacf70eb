//! How connections and the keeper talk.
//!
//! 1. A connection has at most one exchange under way. So the queue to the keeper, though unbounded, never holds more
//!    than a few messages per connection, and the connections are counted by the server's semaphore.
//! 2. All commands of one read make one exchange, answered through one oneshot. The exchange travels to the keeper
//!    and back, and its buffers are reused for the connection's life.
//! 3. Whoever joined leaves, also when the connection's task panics or is aborted: [`Line`] says so when it is dropped.
//!
//! Connections send; the keeper receives, and the journal answers in its place once a change is in the file.

use std::net::SocketAddr;

use unstuck::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use unstuck::sync::oneshot;

use crate::client::ClientId;
use crate::outbox::Outbox;
use crate::resp::{Replies, Requests};

/// The commands of one read and, on the way back, their replies.
#[derive(Debug, Default)]
pub(crate) struct Exchange {
    pub(crate) requests: Requests,
    pub(crate) replies: Replies,
    /// The client said `QUIT`: close after the replies.
    pub(crate) has_quit: bool,
    /// The client listens to something, and may be idle for ever.
    pub(crate) is_subscribed: bool,
}

/// What the keeper is told.
#[derive(Debug)]
pub(crate) enum Message {
    Join { client: ClientId, address: SocketAddr, outbox: Outbox },
    Run { client: ClientId, delivery: Delivery },
    Leave { client: ClientId },
}

/// An exchange and the way back to its connection.
#[derive(Debug)]
pub(crate) struct Delivery {
    pub(crate) exchange: Box<Exchange>,
    back: oneshot::Sender<Box<Exchange>>,
}

/// The server's end: lets clients in.
#[derive(Clone, Debug)]
pub(crate) struct Door {
    keeper: UnboundedSender<Message>,
}

/// One connection's line to the keeper.
#[derive(Debug)]
pub(crate) struct Line {
    client: ClientId,
    keeper: UnboundedSender<Message>,
}

/// The keeper ends when the door and all lines are gone.
pub(crate) fn door() -> (Door, UnboundedReceiver<Message>) {
    let (keeper, messages) = mpsc::unbounded_channel();
    (Door { keeper }, messages)
}

impl Door {
    /// Lets a client in. `client` was not used before.
    pub(crate) fn join(&self, client: ClientId, address: SocketAddr, outbox: Outbox) -> Line {
        // If the keeper is gone, the first exchange will find out.
        let _ = self.keeper.send(Message::Join { client, address, outbox });
        Line { client, keeper: self.keeper.clone() }
    }
}

impl Line {
    /// Has the keeper run commands of `exchange`: all, unless their replies become large. `None` if the keeper is gone.
    ///
    /// # Cancel safety
    ///
    /// None: once this was polled the commands may run, and dropping it loses the exchange with their replies.
    pub(crate) async fn run(&self, exchange: Box<Exchange>) -> Option<Box<Exchange>> {
        let (back, answered) = oneshot::channel();
        let delivery = Delivery { exchange, back };
        self.keeper.send(Message::Run { client: self.client, delivery }).ok()?;
        answered.await.ok()
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        // If the keeper is gone, so is its list of clients.
        let _ = self.keeper.send(Message::Leave { client: self.client });
    }
}

impl Delivery {
    /// Sends the exchange back.
    pub(crate) fn deliver(self) {
        // A connection that is gone needs no replies.
        let _ = self.back.send(self.exchange);
    }
}
