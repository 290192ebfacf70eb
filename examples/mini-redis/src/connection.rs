//! One client's socket: reads commands, has them run, writes the replies.
//!
//! 1. All complete commands of one read run as one batch, and their replies go out in one write.
//! 2. While replies are not taken nothing more is read: a client can't make the server remember them without bound.
//! 3. What was run is answered in full, also while the server stops; only a client that does not take its replies
//!    for the whole drain timeout loses them.
//! 4. Whoever is closed against its will is told why, if it still reads.
//!
//! The server spawns it and tells it to drain; the keeper answers it.

use std::convert::Infallible;
use std::future::pending;
use std::io;
use std::pin::{Pin, pin};
use std::time::Duration;

use bytes::Bytes;
use unstuck::io::{AsyncReadExt, AsyncWriteExt};
use unstuck::net::TcpStream;
use unstuck::select;
use unstuck::sync::CancellationToken;
use unstuck::time::{Instant, Sleep, sleep, timeout};

use crate::exchange::{Exchange, Line};
use crate::notice::notice;
use crate::outbox::OutboxReader;
use crate::resp::ProtocolError;

#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    line: Line,
    inbox: OutboxReader,
    idle: IdleTimer,
    is_subscribed: bool,
    /// What is left of the write that an [`Ending`] interrupted; what follows must not begin in its middle.
    unsent: Vec<u8>,
}

/// Why a conversation is over.
#[derive(Debug)]
enum Ending {
    /// The client closed, or the network did.
    Gone,
    Quit,
    Malformed(ProtocolError),
    Idle,
    /// The client listens more slowly than others speak.
    Overrun,
    ServerStops,
    /// The keeper failed: there is no reply to give.
    Unanswered,
}

impl Connection {
    /// A connection that closes when nothing moved on it for `idle_limit`.
    pub(crate) fn new(stream: TcpStream, line: Line, inbox: OutboxReader, idle_limit: Option<Duration>) -> Connection {
        let idle = IdleTimer::new(idle_limit);
        Connection { stream, line, inbox, idle, is_subscribed: false, unsent: Vec::new() }
    }

    /// Serves the client until it leaves, is closed for a reason, or `drain` fires.
    pub(crate) async fn run(mut self, drain: CancellationToken) {
        let Err(ending) = self.converse(&drain).await;
        let last_words = match ending {
            Ending::Gone | Ending::Unanswered | Ending::Idle => return,
            Ending::Quit | Ending::ServerStops => String::new(),
            Ending::Malformed(error) => format!("-ERR {error}\r\n"),
            Ending::Overrun => return self.drop_subscriber().await,
        };
        let Connection { stream, line, mut inbox, .. } = self;
        // The keeper lets go of the queue, which thereby ends: everything that is in it can be sent.
        drop(line);
        let farewell = async {
            let mut rest = Vec::new();
            while let Some(message) = inbox.next().await {
                rest.extend_from_slice(&message);
            }
            rest.extend_from_slice(last_words.as_bytes());
            part(stream, &rest).await
        };
        // A client that takes nothing is not waited for.
        let _ = timeout(FAREWELL, farewell).await;
    }

    async fn drop_subscriber(self) {
        let Connection { stream, line, inbox, mut unsent, .. } = self;
        let peer = stream.peer_addr().map_or_else(|_| "?".to_owned(), |peer| peer.to_string());
        notice(format_args!("subscriber {peer} dropped: it reads more slowly than others publish"));
        // Before the farewell, which may take a while: the memory of the queue, and the place among the clients.
        drop((line, inbox));
        unsent.extend_from_slice(b"-ERR subscriber dropped: too many unread messages\r\n");
        let _ = timeout(FAREWELL, part(stream, &unsent)).await;
    }

    /// Only ends by an [`Ending`].
    async fn converse(&mut self, drain: &CancellationToken) -> Result<Infallible, Ending> {
        let overrun = self.inbox.overrun().clone();
        let mut overrun = pin!(overrun.cancelled());
        let mut drain = pin!(drain.cancelled());
        let mut exchange = Box::<Exchange>::default();
        loop {
            select! {
                biased;
                () = &mut overrun => return Err(Ending::Overrun),
                () = &mut drain => return Err(Ending::ServerStops),
                // Before the messages: however many come, UNSUBSCRIBE gets through.
                read = self.stream.read_buf(exchange.requests.buffer()) => match read {
                    Ok(0) | Err(_) => return Err(Ending::Gone),
                    Ok(_) => self.idle.touch(),
                },
                Some(message) = self.inbox.next() => {
                    self.pass_on(message).await?;
                    continue;
                }
                () = self.idle.elapsed(), if !self.is_subscribed => return Err(Ending::Idle),
            }
            let parsed = exchange.requests.parse();
            exchange = self.answer(exchange).await?;
            parsed.map_err(Ending::Malformed)?;
        }
    }

    /// Has the complete commands run and writes their replies. Those of a subscribed client come with its messages.
    async fn answer(&mut self, mut exchange: Box<Exchange>) -> Result<Box<Exchange>, Ending> {
        while exchange.requests.is_pending() {
            exchange = self.line.run(exchange).await.ok_or(Ending::Unanswered)?;
            self.is_subscribed = exchange.is_subscribed;
            if !self.is_subscribed {
                // Nothing is queued any more; what was queued before comes first.
                while let Some(message) = self.inbox.try_next() {
                    self.pass_on(message).await?;
                }
                self.write(exchange.replies.as_bytes()).await?;
                exchange.replies.clear();
            }
            if exchange.has_quit {
                return Err(Ending::Quit);
            }
        }
        exchange.requests.recycle();
        Ok(exchange)
    }

    /// Writes `first` and the messages behind it, up to some size, in one write.
    async fn pass_on(&mut self, first: Bytes) -> Result<(), Ending> {
        let mut gathered = Vec::from(first);
        while gathered.len() < GATHERED
            && let Some(message) = self.inbox.try_next()
        {
            gathered.extend_from_slice(&message);
        }
        self.write(&gathered).await
    }

    async fn write(&mut self, mut bytes: &[u8]) -> Result<(), Ending> {
        while !bytes.is_empty() {
            // Nearly always the socket takes everything at once.
            match self.stream.try_write(bytes) {
                Ok(written) => {
                    bytes = &bytes[written..];
                    self.idle.touch();
                    continue;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => return Err(Ending::Gone),
            }
            select! {
                biased;
                () = self.inbox.overrun().cancelled() => {
                    self.unsent = bytes.to_vec();
                    return Err(Ending::Overrun);
                }
                writable = self.stream.writable() => writable.map_err(|_| Ending::Gone)?,
                () = self.idle.elapsed(), if !self.is_subscribed => return Err(Ending::Idle),
            }
        }
        Ok(())
    }
}

/// Sends the last words and closes so that they arrive: a socket closed with unread input resets the connection, and
/// the client's system may then throw away replies that the client has not read yet. So what the client still sends is
/// read until it closes too, or falls silent.
async fn part(mut stream: TcpStream, last_words: &[u8]) -> io::Result<()> {
    stream.write_all(last_words).await?;
    stream.shutdown().await?;
    let mut ignored = [0; 4096];
    while let Ok(Ok(1..)) = timeout(SILENCE, stream.read(&mut ignored)).await {}
    Ok(())
}

/// Fires when nothing happened for a while.
///
/// The timer is set at most once per `limit` and not at every touch: when it fires too early it is set again.
#[derive(Debug)]
struct IdleTimer {
    limit: Option<Duration>,
    active_at: Instant,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl IdleTimer {
    fn new(limit: Option<Duration>) -> IdleTimer {
        IdleTimer { limit, active_at: Instant::now(), sleep: limit.map(|limit| Box::pin(sleep(limit))) }
    }

    fn touch(&mut self) {
        if self.limit.is_some() {
            self.active_at = Instant::now();
        }
    }

    /// Returns when nothing was touched for the limit; never if there is none.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    async fn elapsed(&mut self) {
        let (Some(limit), Some(sleep)) = (self.limit, &mut self.sleep) else { return pending().await };
        loop {
            sleep.as_mut().await;
            let deadline = self.active_at + limit;
            if deadline <= Instant::now() {
                return;
            }
            sleep.as_mut().reset(deadline);
        }
    }
}

/// How much of waiting messages one write takes, in bytes.
const GATHERED: usize = 64 * 1024;
/// How long a client may take for the last words.
const FAREWELL: Duration = Duration::from_secs(10);
/// After so long without a byte a client that was told to leave is taken to be silent.
const SILENCE: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[unstuck::test(start_paused = true)]
    async fn a_client_is_idle_after_the_limit_since_its_last_byte() {
        let started = Instant::now();
        let mut idle = IdleTimer::new(Some(Duration::from_secs(10)));
        for _ in 0..5 {
            assert!(timeout(Duration::from_secs(9), idle.elapsed()).await.is_err());
            idle.touch();
        }
        idle.elapsed().await;
        assert_eq!(started.elapsed(), Duration::from_secs(5 * 9 + 10));
    }

    #[unstuck::test(start_paused = true)]
    async fn without_a_limit_nobody_is_idle() {
        let mut idle = IdleTimer::new(None);
        assert!(timeout(Duration::from_secs(1_000_000), idle.elapsed()).await.is_err());
    }
}
