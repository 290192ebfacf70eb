//! Accepts connections, bounds their number, and stops in order.
//!
//! 1. At most `max_clients` connections are served; one more is told so and closed.
//! 2. Running out of file descriptors is survived: the next attempt is made after a pause, so nothing spins, and the
//!    connections that are open go on.
//! 3. Stopping goes from the outside to the inside: no new connections, then the connections finish, then the keeper,
//!    then the journal, which syncs.
//!
//! `main` starts it and says when to stop; it spawns the keeper and the connections.

use std::convert::Infallible;
use std::fmt;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use unstuck::net::{TcpListener, TcpStream};
use unstuck::select;
use unstuck::sync::{CancellationToken, Semaphore};
use unstuck::task::{self, JoinError, JoinSet};
use unstuck::time::{Instant, sleep_until, timeout};

use crate::aof::{self, Journal, OpenError, Torn};
use crate::cli::Options;
use crate::client::{Client, ClientId};
use crate::clock::Clock;
use crate::connection::Connection;
use crate::exchange::{Door, door};
use crate::keeper::{self, Keeper};
use crate::notice::notice;
use crate::outbox::outbox;
use crate::world::World;

/// A server that listens and has read its append-only file.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    options: Arc<Options>,
    keeper: Keeper,
}

impl Server {
    /// Binds the address and reads the append-only file. Clients may connect from now on; they are served by
    /// [`Server::serve`].
    ///
    /// # Errors
    ///
    /// The address can't be bound, or the file can't be used.
    ///
    /// # Cancel safety
    ///
    /// Dropping it gives the address back; reading the file goes on, on its thread, to the end.
    pub async fn start(mut options: Options) -> Result<Server, StartError> {
        let address = SocketAddr::new(options.bind, options.port);
        let fail = |source| StartError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(fail)?;
        options.port = listener.local_addr().map_err(fail)?.port();
        let options = Arc::new(options);
        let clock = Clock::start();
        let mut world = World::new(options.clone(), clock.now());
        let mut journal = None;
        if let Some(path) = options.appendonly.clone() {
            let (file, read) = task::spawn_blocking(move || {
                let mut reader = Client::new(ClientId(0), address, outbox(0).0, clock.now());
                let (file, torn) = aof::open(&path, |args| keeper::replay(&mut world, &mut reader, args))?;
                if let Some(Torn { offset, length }) = torn {
                    let path = path.display();
                    notice(format_args!(
                        "{path}: the last record, at offset {offset}, was torn: cut off its {length} bytes"
                    ));
                }
                Ok::<_, OpenError>((file, world))
            })
            .await
            .map_err(StartError::Panicked)??;
            world = read;
            journal = Some(Journal::start(file, options.appendfsync));
        }
        Ok(Server { listener, options, keeper: Keeper::new(world, clock, journal) })
    }

    /// The address that clients connect to.
    ///
    /// # Errors
    ///
    /// The system does not say.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `stop` completes; then no connection is accepted any more, what was asked for is answered, and the
    /// append-only file is synced.
    ///
    /// # Errors
    ///
    /// The append-only file could not be written.
    ///
    /// # Cancel safety
    ///
    /// Dropping it closes all connections at once; what was acknowledged is in the file.
    pub async fn serve(self, stop: impl Future<Output = ()>) -> io::Result<()> {
        let Server { listener, options, keeper } = self;
        let (door, messages) = door();
        let mut keeper = task::spawn(keeper.run(messages));
        let mut acceptor = Acceptor::new(listener, door, options.clone());
        let failed = select! {
            () = stop => None,
            ended = &mut keeper => Some(ended),
            never = acceptor.run() => match never {},
        };
        acceptor.drain(options.drain_timeout()).await;
        match failed {
            Some(ended) => ended?,
            None => keeper.await?,
        }
    }
}

/// Owns the listener and everything that came out of it.
struct Acceptor {
    listener: TcpListener,
    door: Door,
    options: Arc<Options>,
    places: Arc<Semaphore>,
    connections: JoinSet<()>,
    drain: CancellationToken,
    last_client: u64,
    /// After a failed attempt: how long to wait with the next one, and until when.
    pause: Option<(Duration, Instant)>,
}

impl Acceptor {
    fn new(listener: TcpListener, door: Door, options: Arc<Options>) -> Acceptor {
        Acceptor {
            listener,
            door,
            places: Arc::new(Semaphore::new(options.max_clients as usize)),
            options,
            connections: JoinSet::new(),
            drain: CancellationToken::new(),
            last_client: 0,
            pause: None,
        }
    }

    async fn run(&mut self) -> Infallible {
        loop {
            select! {
                biased;
                Some(ended) = self.connections.join_next() => report(ended),
                accepted = accept(&self.listener, self.pause.map(|(_, end)| end)) => match accepted {
                    Ok((stream, address)) => {
                        self.pause = None;
                        self.admit(stream, address);
                    }
                    Err(error) => self.hold(&error),
                },
            }
        }
    }

    fn admit(&mut self, stream: TcpStream, address: SocketAddr) {
        let Ok(place) = self.places.clone().try_acquire_owned() else { return refuse(stream) };
        // Replies are whole when they are written; waiting for more would only delay them.
        let _ = stream.set_nodelay(true);
        self.last_client += 1;
        let (outbox, inbox) = outbox(self.options.pubsub_buffer);
        let line = self.door.join(ClientId(self.last_client), address, outbox);
        let connection = Connection::new(stream, line, inbox, self.options.idle_timeout());
        let drain = self.drain.clone();
        self.connections.spawn(async move {
            connection.run(drain).await;
            drop(place);
        });
    }

    /// Before the next attempt after one that failed.
    fn hold(&mut self, error: &io::Error) {
        if is_about_one_connection(error) {
            return;
        }
        let pause = match self.pause {
            Some((pause, _)) => (pause * 2).min(LONGEST_PAUSE),
            None => {
                notice(format_args!("can't accept connections for now: {error}"));
                FIRST_PAUSE
            }
        };
        self.pause = Some((pause, Instant::now() + pause));
    }

    /// Lets the connections finish, `limit` long, and then ends them.
    async fn drain(mut self, limit: Duration) {
        drop(self.listener);
        self.drain.cancel();
        let finished = async {
            while let Some(ended) = self.connections.join_next().await {
                report(ended);
            }
        };
        if timeout(limit, finished).await.is_err() {
            notice(format_args!("{} clients did not take their replies in time", self.connections.len()));
            self.connections.shutdown().await;
        }
    }
}

async fn accept(listener: &TcpListener, not_before: Option<Instant>) -> io::Result<(TcpStream, SocketAddr)> {
    if let Some(not_before) = not_before {
        sleep_until(not_before).await;
    }
    listener.accept().await
}

/// The peer gave up before it was accepted; that says nothing about the next one.
fn is_about_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// Tells a client that there is no place for it. Never waits: the few bytes fit, or the client is gone.
fn refuse(stream: TcpStream) {
    if let Ok(mut stream) = stream.into_std() {
        let _ = stream.write_all(b"-ERR max number of clients reached\r\n");
    }
}

fn report(ended: Result<(), JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        notice(format_args!("a connection's task panicked: {error}"));
    }
}

/// Why a server could not start.
#[derive(Debug)]
pub enum StartError {
    /// The address can't be listened on.
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// The append-only file can't be used.
    AppendOnly(OpenError),
    /// Reading the append-only file panicked.
    Panicked(JoinError),
}

impl From<OpenError> for StartError {
    fn from(error: OpenError) -> StartError {
        StartError::AppendOnly(error)
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StartError::Listen { address, source } => write!(f, "can't listen on {address}: {source}"),
            StartError::AppendOnly(error) => error.fmt(f),
            StartError::Panicked(error) => write!(f, "reading the append-only file: {error}"),
        }
    }
}

impl std::error::Error for StartError {}

const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
