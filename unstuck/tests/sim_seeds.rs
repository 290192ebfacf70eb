//! A small real service in the simulator, on many seeds: a store behind TCP, with clients that lose patience and retry, a
//! server that drops idle connections, and a graceful shutdown.
//!
//! `UNSTUCK_SEEDS` says how many seeds (20 without it); `UNSTUCK_SEED` runs that one.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use unstuck::io::{AsyncReadExt, AsyncWriteExt};
use unstuck::net::{TcpListener, TcpStream};
use unstuck::sim::Builder;
use unstuck::sync::cancel::CancellationToken;
use unstuck::sync::{mpsc, oneshot};
use unstuck::task::{JoinHandle, JoinSet};
use unstuck::time::{sleep, timeout};

const CLIENTS: u64 = 5;
const REQUESTS: u64 = 8;
/// Less than some round trips take: those requests are sent again.
const PATIENCE: Duration = Duration::from_millis(4);
const IDLE: Duration = Duration::from_millis(15);

/// Add this to the counter, once: a request that comes again gets the answer of the first time.
struct Request {
    id: u64,
    add: u64,
    answer: oneshot::Sender<u64>,
}

/// What the store has done.
#[derive(Debug, Default, PartialEq)]
struct Ledger {
    counter: u64,
    /// What was answered to each request.
    answers: BTreeMap<u64, u64>,
    /// Requests that came again.
    repeated: u64,
}

async fn store(mut requests: mpsc::Receiver<Request>) -> Ledger {
    let mut ledger = Ledger::default();
    while let Some(Request { id, add, answer }) = requests.recv().await {
        if let Some(known) = ledger.answers.get(&id) {
            ledger.repeated += 1;
            let _gone = answer.send(*known);
            continue;
        }
        ledger.counter += add;
        ledger.answers.insert(id, ledger.counter);
        // The connection may be gone: its client comes again.
        let _gone = answer.send(ledger.counter);
    }
    ledger
}

/// Accepts until it is told to stop, then waits for its connections.
async fn serve(listener: TcpListener, store: mpsc::Sender<Request>, stop: CancellationToken) -> usize {
    let mut connections = JoinSet::new();
    loop {
        unstuck::select! {
            accepted = listener.accept() => {
                let (stream, _) = accepted.expect("accepting works");
                connections.spawn(connection(stream, store.clone(), stop.clone()));
            }
            () = stop.cancelled() => break,
        }
    }
    drop(listener);
    let mut served = 0;
    while let Some(ended) = connections.join_next().await {
        // A connection that broke is the client's choice; one that panicked is a bug.
        let _broken = ended.expect("no connection panics");
        served += 1;
    }
    served
}

async fn connection(mut stream: TcpStream, store: mpsc::Sender<Request>, stop: CancellationToken) -> io::Result<()> {
    loop {
        let mut request = [0; 16];
        unstuck::select! {
            read = timeout(IDLE, stream.read_exact(&mut request)) => match read {
                Ok(read) => drop(read?),
                Err(_idle) => return Ok(()),
            },
            () = stop.cancelled() => return Ok(()),
        }
        let (id, add) = (number(&request[..8]), number(&request[8..]));
        let (answer, answered) = oneshot::channel();
        store.send(Request { id, add, answer }).await.expect("the store outlives the connections");
        let value = answered.await.expect("the store answers");
        stream.write_all(&id.to_be_bytes()).await?;
        stream.write_all(&value.to_be_bytes()).await?;
    }
}

/// Makes its requests one after another, each until it is answered; returns the answers.
async fn client(at: SocketAddr, number: u64) -> Vec<(u64, u64)> {
    let mut answers = Vec::new();
    let mut stream = None;
    for n in 0..REQUESTS {
        let id = number * REQUESTS + n;
        let value = loop {
            match timeout(PATIENCE, request(&mut stream, at, id)).await {
                Ok(Ok(value)) => break value,
                // A late answer must not be taken for that of the next request.
                Ok(Err(_)) | Err(_) => stream = None,
            }
        };
        answers.push((id, value));
        sleep(Duration::from_millis((number * 7 + n * 5) % 20)).await;
    }
    answers
}

async fn request(stream: &mut Option<TcpStream>, at: SocketAddr, id: u64) -> io::Result<u64> {
    let stream = match stream {
        Some(stream) => stream,
        None => stream.insert(TcpStream::connect(at).await?),
    };
    stream.write_all(&id.to_be_bytes()).await?;
    stream.write_all(&add_of(id).to_be_bytes()).await?;
    let mut answer = [0; 16];
    stream.read_exact(&mut answer).await?;
    assert_eq!(number(&answer[..8]), id, "an answer to another request");
    Ok(number(&answer[8..]))
}

fn add_of(id: u64) -> u64 {
    id * id + 1
}

fn number(bytes: &[u8]) -> u64 {
    u64::from_be_bytes(bytes.try_into().expect("eight bytes"))
}

/// What one run of the service came to.
#[derive(Debug, PartialEq)]
struct Outcome {
    ledger: Ledger,
    answers: Vec<(u64, u64)>,
    connections: usize,
}

async fn service() -> Outcome {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    let (requests, received) = mpsc::channel(2);
    let store = unstuck::spawn(store(received));
    let server = unstuck::spawn(serve(listener, requests, stop.clone()));
    let clients: Vec<JoinHandle<_>> = (0..CLIENTS).map(|number| unstuck::spawn(client(at, number))).collect();
    let mut answers = Vec::new();
    for client in clients {
        answers.extend(client.await.expect("no client panics"));
    }
    // Somebody is in the middle of a request when the service stops, and somebody idles.
    let _idle = TcpStream::connect(at).await;
    let mut busy = TcpStream::connect(at).await.ok();
    if let Some(busy) = &mut busy {
        let _sent = busy.write_all(&[0; 7]).await;
    }
    stop.cancel();
    let connections = timeout(Duration::from_secs(5), server).await.expect("the server stops").unwrap();
    let ledger = timeout(Duration::from_secs(5), store).await.expect("then the store has nothing to wait for").unwrap();
    assert!(TcpStream::connect(at).await.is_err(), "nobody listens any more");
    Outcome { ledger, answers, connections }
}

/// What must hold, whatever the seed.
fn check(outcome: &Outcome) {
    let Outcome { ledger, answers, connections } = outcome;
    let all = 0..CLIENTS * REQUESTS;
    assert!(ledger.answers.keys().copied().eq(all.clone()), "every request is counted exactly once");
    assert_eq!(ledger.counter, all.map(add_of).sum::<u64>());
    assert_eq!(answers.len() as u64, CLIENTS * REQUESTS);
    for (id, value) in answers {
        assert_eq!(ledger.answers[id], *value, "the client was told what the store did");
    }
    assert!(*connections as u64 >= CLIENTS);
}

/// Says how to bring a failure back.
struct Replay(u64);

impl Drop for Replay {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("to replay: UNSTUCK_SEED={} cargo test -p unstuck --features sim --test sim_seeds", self.0);
        }
    }
}

fn seeds() -> Vec<u64> {
    let variable = |name| std::env::var(name).ok().map(|value| value.parse().expect("a number"));
    match variable("UNSTUCK_SEED") {
        Some(seed) => vec![seed],
        None => (0..variable("UNSTUCK_SEEDS").unwrap_or(20)).collect(),
    }
}

#[test]
fn the_service_keeps_its_promises_on_every_seed() {
    let world = Builder::new().step_limit(1_000_000);
    let mut repeated = 0;
    let seeds = seeds();
    for &seed in &seeds {
        let _replay = Replay(seed);
        let run = world.run_twice(seed, service);
        check(&run.output);
        repeated += run.output.ledger.repeated;
    }
    assert!(seeds.len() < 10 || repeated > 0, "no request was ever sent again: the test tests less than it should");
}
