//! A chat server in a hundred lines: an ordinary program for Tokio, which knows nothing of unstuck.
//!
//! ```text
//! accept --> guest (a task each) --- lines ---> room (broadcast) --- lines of the others ---> guest
//! ```
//!
//! 1. A guest says its name in its first line, within [`PATIENCE`], and is welcomed: from then on it hears all the others,
//!    and they hear each line of it.
//! 2. A guest that does not read is told how many lines it missed: it holds up nobody, and costs bounded memory.
//! 3. A line is at most [`LONGEST_LINE`] bytes: who sends more is shown out.
//! 4. When the server stops, every guest gets a goodbye before its connection ends.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream, ToSocketAddrs};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// How long a guest may take to say its name.
pub const PATIENCE: Duration = Duration::from_secs(30);
/// Bytes of a line, without its end.
pub const LONGEST_LINE: usize = 1024;
/// Lines that a guest may be behind.
const BACKLOG: usize = 256;
/// Running out of file descriptors ends by itself; until then nothing spins.
const PAUSE_AFTER_FAILED_ACCEPT: Duration = Duration::from_millis(50);

/// A server that listens.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
}

/// What everybody hears. The speaker does not hear itself.
#[derive(Clone, Debug)]
struct Line {
    speaker: SocketAddr,
    text: String,
}

impl Server {
    /// Listens on `address`.
    ///
    /// # Errors
    /// The address can't be bound.
    pub async fn bind(address: impl ToSocketAddrs) -> io::Result<Server> {
        Ok(Server { listener: TcpListener::bind(address).await? })
    }

    /// Where guests connect to.
    ///
    /// # Errors
    /// The system does not say.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `stop` completes, then says goodbye to everybody.
    ///
    /// # Cancel safety
    /// Dropping it ends every connection without a goodbye.
    pub async fn serve(self, stop: impl Future<Output = ()>) {
        let (room, _) = broadcast::channel(BACKLOG);
        let (closing, closed) = watch::channel(false);
        let mut guests = JoinSet::new();
        let mut stop = std::pin::pin!(stop);
        loop {
            tokio::select! {
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, address)) => {
                        let (room, closed) = (room.clone(), closed.clone());
                        guests.spawn(async move {
                            // A guest whose connection breaks is simply gone.
                            let _ = welcome(stream, address, room, closed).await;
                        });
                    }
                    Err(_) => sleep(PAUSE_AFTER_FAILED_ACCEPT).await,
                },
                Some(_) = guests.join_next() => {}
                () = &mut stop => break,
            }
        }
        closing.send_replace(true);
        while guests.join_next().await.is_some() {}
    }
}

/// Serves one guest.
async fn welcome(
    stream: TcpStream,
    address: SocketAddr,
    room: broadcast::Sender<Line>,
    mut closed: watch::Receiver<bool>,
) -> io::Result<()> {
    let (reader, mut writer) = stream.into_split();
    let mut reader = BufReader::new(reader);
    writer.write_all(b"who are you?\n").await?;
    let name = tokio::select! {
        name = timeout(PATIENCE, read_line(&mut reader)) => match name {
            Ok(Ok(Some(name))) => name,
            Ok(Ok(None)) => return Ok(()),
            Ok(Err(error)) => return writer.write_all(format!("{error}\n").as_bytes()).await,
            Err(_elapsed) => return writer.write_all(b"too slow\n").await,
        },
        () = closes(&mut closed) => return writer.write_all(b"goodbye\n").await,
    };
    let news = room.subscribe();
    say(&room, address, format!("* {name} is here"));
    let result = talk(reader, writer, address, &name, &room, news, closed).await;
    say(&room, address, format!("* {name} has left"));
    result
}

/// Welcomes the guest, and passes lines both ways until it leaves or the server closes.
async fn talk(
    mut reader: BufReader<OwnedReadHalf>,
    mut writer: OwnedWriteHalf,
    address: SocketAddr,
    name: &str,
    room: &broadcast::Sender<Line>,
    mut news: broadcast::Receiver<Line>,
    mut closed: watch::Receiver<bool>,
) -> io::Result<()> {
    writer.write_all(format!("welcome, {name}\n").as_bytes()).await?;
    // Reading a line is not cancel safe, so that it is one future for as long as the guest talks.
    let mut talking = std::pin::pin!(async {
        loop {
            match read_line(&mut reader).await {
                Ok(Some(text)) => say(room, address, format!("{name}: {text}")),
                Ok(None) => return None,
                Err(error) => return Some(error),
            }
        }
    });
    loop {
        tokio::select! {
            ended = &mut talking => return match ended {
                Some(error) => writer.write_all(format!("{error}\n").as_bytes()).await,
                None => Ok(()),
            },
            line = news.recv() => match line {
                Ok(line) if line.speaker == address => {}
                Ok(line) => writer.write_all(format!("{}\n", line.text).as_bytes()).await?,
                Err(RecvError::Lagged(missed)) => {
                    writer.write_all(format!("* you missed {missed} lines\n").as_bytes()).await?;
                }
                Err(RecvError::Closed) => return Ok(()),
            },
            () = closes(&mut closed) => return writer.write_all(b"goodbye\n").await,
        }
    }
}

/// The next line without its end; `None`: the guest says no more.
async fn read_line(reader: &mut BufReader<OwnedReadHalf>) -> io::Result<Option<String>> {
    let mut line = String::new();
    // One byte more than allowed tells a line that is too long from one that just fits.
    let read = reader.take(LONGEST_LINE as u64 + 1).read_line(&mut line).await?;
    if read == 0 {
        return Ok(None);
    }
    if read > LONGEST_LINE && !line.ends_with('\n') {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("at most {LONGEST_LINE} bytes a line, please")));
    }
    Ok(Some(line.trim_end().to_owned()))
}

/// Waits until the server closes.
async fn closes(closed: &mut watch::Receiver<bool>) {
    // The sender lives until all guests have gone.
    let _ = closed.wait_for(|closed| *closed).await;
}

fn say(room: &broadcast::Sender<Line>, speaker: SocketAddr, text: String) {
    // Nobody is there to hear it: that is no failure.
    let _ = room.send(Line { speaker, text });
}
