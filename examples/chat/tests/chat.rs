//! Guests in the room.

use std::time::Duration;

use chat::{LONGEST_LINE, Server};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

struct Running {
    address: std::net::SocketAddr,
    stop: oneshot::Sender<()>,
    served: JoinHandle<()>,
}

async fn start() -> Running {
    let server = Server::bind("127.0.0.1:0").await.unwrap();
    let address = server.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    Running { address, stop, served: tokio::spawn(server.serve(async { drop(stopped.await) })) }
}

struct Guest(BufReader<TcpStream>);

impl Guest {
    /// Connects, and waits for the welcome: whoever comes later is heard of.
    async fn new(running: &Running, name: &str) -> Guest {
        let mut guest = Guest(BufReader::new(TcpStream::connect(running.address).await.unwrap()));
        assert_eq!(guest.hear().await, "who are you?");
        guest.say(name).await;
        assert_eq!(guest.hear().await, format!("welcome, {name}"));
        guest
    }

    async fn say(&mut self, line: &str) {
        self.0.write_all(format!("{line}\n").as_bytes()).await.unwrap();
    }

    /// The next line, which must come; empty when the server has hung up.
    async fn hear(&mut self) -> String {
        let mut line = String::new();
        timeout(Duration::from_secs(60), self.0.read_line(&mut line)).await.expect("nothing is heard").unwrap();
        line.trim_end().to_owned()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_goes_to_all_others_and_comings_and_goings_are_told() {
    let running = start().await;
    let mut anna = Guest::new(&running, "anna").await;
    let mut ben = Guest::new(&running, "ben").await;
    assert_eq!(anna.hear().await, "* ben is here");
    ben.say("hello").await;
    assert_eq!(anna.hear().await, "ben: hello");
    anna.say("hello ben").await;
    assert_eq!(ben.hear().await, "anna: hello ben");
    drop(ben);
    assert_eq!(anna.hear().await, "* ben has left");
    running.stop.send(()).unwrap();
    assert_eq!(anna.hear().await, "goodbye");
    assert_eq!(anna.hear().await, "");
    running.served.await.unwrap();
}

#[tokio::test]
async fn a_line_that_is_too_long_ends_only_its_own_connection() {
    let running = start().await;
    let mut anna = Guest::new(&running, "anna").await;
    let mut ben = Guest::new(&running, "ben").await;
    assert_eq!(anna.hear().await, "* ben is here");
    ben.say(&"x".repeat(LONGEST_LINE - 1)).await;
    assert_eq!(anna.hear().await.len(), "ben: ".len() + LONGEST_LINE - 1);
    ben.say(&"x".repeat(LONGEST_LINE + 1)).await;
    assert_eq!(ben.hear().await, "at most 1024 bytes a line, please");
    assert_eq!(anna.hear().await, "* ben has left");
    running.stop.send(()).unwrap();
    running.served.await.unwrap();
}

#[tokio::test]
async fn a_guest_without_a_name_gets_a_goodbye_too() {
    let running = start().await;
    let mut nobody = Guest(BufReader::new(TcpStream::connect(running.address).await.unwrap()));
    assert_eq!(nobody.hear().await, "who are you?");
    running.stop.send(()).unwrap();
    assert_eq!(nobody.hear().await, "goodbye");
    running.served.await.unwrap();
}
