//! Publishing and listening.

use std::io::Write;

use bytes::Bytes;

use crate::common::{Client, Redis, Server, has_redis_tools, wait_for};

/// What a subscriber sees of a conversation with a publisher, on either server.
fn conversation(mut subscriber: Client, mut publisher: Client) -> Vec<String> {
    let mut seen = vec![subscriber.ask("SUBSCRIBE news")];
    seen.push(subscriber.ask("PSUBSCRIBE n*"));
    seen.push(publisher.ask("PUBLISH news hello"));
    seen.extend([subscriber.reply(), subscriber.reply()]);
    seen.push(publisher.ask("PUBLISH other hello"));
    seen.push(subscriber.ask("PING"));
    seen.push(subscriber.ask("PING text"));
    seen.push(subscriber.ask("GET k"));
    seen.push(subscriber.ask("PUBLISH news me"));
    seen.push(subscriber.ask("NONSENSE"));
    seen.push(subscriber.ask("GET"));
    seen.push(subscriber.ask("SUBSCRIBE news"));
    seen.push(subscriber.ask("UNSUBSCRIBE news"));
    seen.push(publisher.ask("PUBLISH news again"));
    seen.push(subscriber.reply());
    seen.push(subscriber.ask("PUNSUBSCRIBE"));
    seen.push(publisher.ask("PUBLISH news nobody"));
    seen.push(subscriber.ask("GET k"));
    subscriber.send_bytes(b"SUBSCRIBE a b\r\nUNSUBSCRIBE\r\n");
    seen.extend((0..2).map(|_| subscriber.reply()));
    let mut last = [subscriber.reply(), subscriber.reply()];
    // Which of its two channels goes first is Redis's secret.
    last.sort();
    seen.push(last.concat().replace(":0", ":n").replace(":1", ":n"));
    seen.push(subscriber.ask("SUBSCRIBE last"));
    seen.push(subscriber.ask("QUIT"));
    seen.push(String::from_utf8(subscriber.rest()).unwrap());
    seen
}

#[test]
fn a_subscriber_sees_what_it_sees_on_redis() {
    if !has_redis_tools() {
        return;
    }
    let (ours, redis) = (Server::start(&[]), Redis::start());
    let ours = conversation(ours.connect(), ours.connect());
    let redis = conversation(redis.connect(), redis.connect());
    assert_eq!(ours, redis);
}

#[test]
fn no_message_overtakes_the_reply_to_subscribe_or_follows_that_to_unsubscribe() {
    let server = Server::start(&[]);
    let mut publisher = server.connect();
    let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let stopped = stop.clone();
    let publishing = std::thread::spawn(move || {
        while !stopped.load(std::sync::atomic::Ordering::Relaxed) {
            publisher.ask("PUBLISH c m");
        }
    });
    let mut subscriber = server.connect();
    for _ in 0..500 {
        subscriber.send(&[b"SUBSCRIBE", b"c"]);
        assert!(subscriber.reply().contains("subscribe"), "a message came first");
        subscriber.send(&[b"UNSUBSCRIBE", b"c"]);
        while !subscriber.reply().contains("unsubscribe") {}
        assert_eq!(subscriber.ask("ECHO done"), "$4\r\ndone\r\n", "a message came late");
    }
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    publishing.join().unwrap();
}

#[test]
fn a_subscriber_gets_every_reply_before_it_is_closed() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    client.send_bytes(b"SUBSCRIBE c\r\nPING\r\nQUIT\r\n");
    assert_eq!(client.rest(), b"*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n*2\r\n$4\r\npong\r\n$0\r\n\r\n+OK\r\n");
    let mut client = server.connect();
    client.send_bytes(b"SUBSCRIBE c\r\n*x\r\n");
    let reason = "-ERR Protocol error: invalid multibulk length\r\n";
    assert_eq!(client.rest(), format!("*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n{reason}").as_bytes());
}

#[test]
fn a_flood_of_messages_does_not_keep_a_subscriber_from_unsubscribing() {
    let server = Server::start(&[]);
    let mut subscriber = server.connect();
    subscriber.ask("SUBSCRIBE c");
    let mut publisher = server.connect();
    let mut stream = publisher.stream().try_clone().unwrap();
    let flood = b"PUBLISH c message\r\n".repeat(1_000);
    let flooding = std::thread::spawn(move || while stream.write_all(&flood).is_ok() {});
    let counting = std::thread::spawn(move || while publisher.try_reply().is_ok_and(|reply| reply != b":0\r\n") {});
    assert!(subscriber.reply().contains("message"));
    subscriber.send(&[b"UNSUBSCRIBE", b"c"]);
    while !subscriber.reply().contains("unsubscribe") {}
    counting.join().unwrap();
    drop(server);
    flooding.join().unwrap();
}

#[test]
fn a_slow_subscriber_is_dropped_with_a_reason_and_nobody_else_suffers() {
    let server = Server::start(&["--pubsub-buffer", "1000000"]);
    let (mut slow, mut fast, mut publisher) = (server.connect(), server.connect(), server.connect());
    slow.ask("SUBSCRIBE c");
    fast.ask("SUBSCRIBE c");
    let message = Bytes::from(vec![b'm'; 100_000]);
    let mut published = 0;
    // The system's buffers take some first.
    loop {
        publisher.send(&[b"PUBLISH", b"c", &message]);
        let receivers = publisher.reply();
        published += 1;
        assert!(published < 10_000, "the slow subscriber is never dropped");
        assert!(fast.try_reply().unwrap().len() > message.len());
        if receivers == ":1\r\n" {
            break;
        }
    }
    let mut received = 0;
    let last = loop {
        let reply = slow.try_reply().expect("whole messages up to the reason");
        if reply.starts_with(b"-") {
            break String::from_utf8(reply).unwrap();
        }
        assert!(reply.len() > message.len() && reply.len() < message.len() + 100, "a message was cut");
        received += 1;
    };
    assert_eq!(last, "-ERR subscriber dropped: too many unread messages\r\n");
    assert!(slow.rest().is_empty());
    assert!(received < published);
    assert_eq!(publisher.ask("PUBLISH c m"), ":1\r\n");
    fast.reply();
    let clients = || publisher.ask("CLIENT LIST").matches("sub=1").count();
    wait_for_one_subscriber(clients);
    server.signal("TERM");
    let (status, stderr) = server.wait();
    assert!(status.success());
    assert!(stderr.contains("dropped: it reads more slowly than others publish"), "{stderr}");
}

fn wait_for_one_subscriber(mut count: impl FnMut() -> usize) {
    wait_for("the dropped subscriber to leave", || (count() == 1).then_some(()));
}
