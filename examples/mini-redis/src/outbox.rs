//! What the server has to say to a subscriber without having been asked.
//!
//! 1. A queue holds at most `limit` bytes. Whoever reads too slowly for that is cut off with a reason; the queue is
//!    dropped, so a subscriber that stopped reading costs no memory beyond the limit.
//! 2. Everything leaves in the order in which the keeper put it in. While a client is subscribed its replies go this
//!    way too, so that no message overtakes the reply to the command that asked for it, or comes after the reply to
//!    `UNSUBSCRIBE`.
//!
//! The keeper pushes and never waits; the connection's task takes out and writes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use unstuck::sync::CancellationToken;
use unstuck::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};

/// The keeper's end; clones share one queue.
#[derive(Clone, Debug)]
pub(crate) struct Outbox {
    queue: UnboundedSender<Bytes>,
    /// The queue's size in bytes. Relaxed throughout: it is a count, the channel hands over the data.
    queued: Arc<AtomicUsize>,
    limit: usize,
    overrun: CancellationToken,
}

/// The connection's end.
#[derive(Debug)]
pub(crate) struct OutboxReader {
    queue: UnboundedReceiver<Bytes>,
    queued: Arc<AtomicUsize>,
    overrun: CancellationToken,
}

/// A queue that takes `limit` bytes.
pub(crate) fn outbox(limit: usize) -> (Outbox, OutboxReader) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let queued = Arc::new(AtomicUsize::new(0));
    let overrun = CancellationToken::new();
    let reader = OutboxReader { queue: receiver, queued: queued.clone(), overrun: overrun.clone() };
    (Outbox { queue: sender, queued, limit, overrun }, reader)
}

impl Outbox {
    /// Queues `message`; false if the client is gone, or is cut off by this.
    pub(crate) fn push(&self, message: Bytes) -> bool {
        if self.overrun.is_cancelled() {
            return false;
        }
        let size = cost(&message);
        if self.queued.fetch_add(size, Ordering::Relaxed) + size > self.limit {
            self.overrun.cancel();
            return false;
        }
        self.queue.send(message).is_ok()
    }
}

impl OutboxReader {
    /// The next message.
    ///
    /// # Cancel safety
    ///
    /// A message is either returned or still queued.
    pub(crate) async fn next(&mut self) -> Option<Bytes> {
        let message = self.queue.recv().await?;
        self.queued.fetch_sub(cost(&message), Ordering::Relaxed);
        Some(message)
    }

    /// The next message if there is one already.
    pub(crate) fn try_next(&mut self) -> Option<Bytes> {
        let message = self.queue.try_recv().ok()?;
        self.queued.fetch_sub(cost(&message), Ordering::Relaxed);
        Some(message)
    }

    /// Fires when the queue was too small for what came.
    pub(crate) fn overrun(&self) -> &CancellationToken {
        &self.overrun
    }
}

/// What a queued message takes, its place in the queue included: empty messages fill memory too.
fn cost(message: &Bytes) -> usize {
    message.len() + 2 * size_of::<Bytes>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_reads_can_be_sent_more_than_the_limit() {
        let (outbox, mut reader) = outbox(1_000);
        for _ in 0..100 {
            assert!(outbox.push(Bytes::from_static(&[b'x'; 500])));
            assert_eq!(reader.try_next().map(|message| message.len()), Some(500));
        }
        assert!(!reader.overrun().is_cancelled());
    }

    #[test]
    fn whoever_does_not_read_is_cut_off_at_the_limit() {
        let (outbox, reader) = outbox(1_000);
        assert!(outbox.push(Bytes::from_static(&[b'x'; 500])));
        assert!(!reader.overrun().is_cancelled());
        assert!(!outbox.push(Bytes::from_static(&[b'x'; 500])));
        assert!(reader.overrun().is_cancelled());
        assert!(!outbox.push(Bytes::new()), "nothing is queued any more");
    }

    #[test]
    fn empty_messages_count_too() {
        let (outbox, reader) = outbox(1_000);
        let pushed = (0..1_000).take_while(|_| outbox.push(Bytes::new())).count();
        assert!(pushed < 100 && reader.overrun().is_cancelled());
    }

    #[test]
    fn a_reader_that_is_gone_takes_nothing() {
        let (outbox, reader) = outbox(1_000);
        drop(reader);
        assert!(!outbox.push(Bytes::new()));
    }
}
