//! The keeper's task in virtual time, spoken to as connections do.

use std::sync::Arc;
use std::time::Duration;

use clap::Parser as _;
use unstuck::task::{self, JoinHandle};
use unstuck::time::sleep;

use super::*;
use crate::cli::Options;
use crate::client::ClientId;
use crate::exchange::{Door, Exchange, Line, door};
use crate::outbox::{OutboxReader, outbox};

fn keeper() -> (Door, JoinHandle<io::Result<()>>) {
    let clock = Clock::start();
    let world = World::new(Arc::new(Options::parse_from(["mini-redis"])), clock.now());
    let (door, messages) = door();
    (door, task::spawn(Keeper::new(world, clock, None).run(messages)))
}

fn join(door: &Door, client: u64) -> (Line, OutboxReader) {
    let (outbox, inbox) = outbox(1_000);
    (door.join(ClientId(client), "127.0.0.1:1".parse().unwrap(), outbox), inbox)
}

fn exchange(lines: &str) -> Box<Exchange> {
    let mut exchange = Box::<Exchange>::default();
    exchange.requests.buffer().extend_from_slice(lines.as_bytes());
    exchange.requests.parse().unwrap();
    exchange
}

async fn ask(line: &Line, lines: &str) -> String {
    let exchange = line.run(exchange(lines)).await.expect("the keeper lives");
    String::from_utf8(exchange.replies.as_bytes().to_vec()).unwrap()
}

#[unstuck::test(start_paused = true)]
async fn keys_lapse_as_the_runtimes_clock_moves() {
    let (door, _task) = keeper();
    let (line, _inbox) = join(&door, 1);
    assert_eq!(ask(&line, "SET k v PX 1000\r\nSET later v EX 3600\r\n").await, "+OK\r\n+OK\r\n");
    sleep(Duration::from_millis(999)).await;
    assert_eq!(ask(&line, "EXISTS k\r\n").await, ":1\r\n");
    sleep(Duration::from_millis(1)).await;
    assert_eq!(ask(&line, "EXISTS k\r\nDBSIZE\r\n").await, ":0\r\n:1\r\n");
    sleep(Duration::from_secs(3599)).await;
    assert_eq!(ask(&line, "DBSIZE\r\n").await, ":0\r\n");
}

#[unstuck::test(start_paused = true)]
async fn a_batch_with_large_replies_comes_back_in_parts() {
    let (door, _task) = keeper();
    let (line, _inbox) = join(&door, 1);
    ask(&line, &format!("SET k {}\r\n", "x".repeat(60_000))).await;
    let mut exchange = exchange(&"GET k\r\n".repeat(100));
    let (mut parts, mut total) = (0, 0);
    while exchange.requests.is_pending() {
        exchange = line.run(exchange).await.unwrap();
        assert!(exchange.replies.len() < MAX_REPLIES + 70_000);
        total += exchange.replies.len();
        exchange.replies.clear();
        parts += 1;
    }
    assert_eq!(total, 100 * "$60000\r\n\r\n".len() + 100 * 60_000);
    assert_eq!(parts, 20);
}

#[unstuck::test(start_paused = true)]
async fn whoever_drops_its_line_leaves_the_channels() {
    let (door, _task) = keeper();
    let (subscriber, mut inbox) = join(&door, 1);
    let (publisher, _inbox) = join(&door, 2);
    assert_eq!(ask(&subscriber, "SUBSCRIBE c\r\n").await, "", "the reply is in the outbox");
    assert!(inbox.try_next().is_some_and(|reply| reply.starts_with(b"*3\r\n$9\r\nsubscribe")));
    assert_eq!(ask(&publisher, "PUBLISH c m\r\n").await, ":1\r\n");
    drop(subscriber);
    assert_eq!(ask(&publisher, "PUBLISH c m\r\n").await, ":0\r\n");
    assert!(inbox.next().await.is_some_and(|message| message.ends_with(b"m\r\n")));
    assert_eq!(inbox.next().await, None, "the queue ends with the client");
}

#[unstuck::test(start_paused = true)]
async fn the_keeper_ends_when_nobody_can_ask() {
    let (door, task) = keeper();
    let (line, _inbox) = join(&door, 1);
    drop(door);
    assert_eq!(ask(&line, "PING\r\n").await, "+PONG\r\n");
    drop(line);
    assert!(task.await.unwrap().is_ok());
}
