//! Stopping in order.

use std::io::Write;
use std::thread;

use crate::common::{Client, Folder, Server, encode};

#[test]
fn a_signal_ends_an_idle_server() {
    for signal in ["INT", "TERM"] {
        let server = Server::start(&[]);
        let mut client = server.connect();
        assert_eq!(client.ask("PING"), "+PONG\r\n");
        server.signal(signal);
        assert_eq!(client.rest(), b"");
        let (status, stderr) = server.wait();
        assert!(status.success(), "SIG{signal}: {status} {stderr}");
    }
}

#[test]
fn what_was_run_is_answered_and_kept_when_a_pipeline_is_interrupted() {
    for fsync in ["always", "everysec", "no"] {
        let folder = Folder::new();
        let args = ["--appendonly", &folder.file("aof"), "--appendfsync", fsync];
        let server = Server::start(&args);
        let clients: Vec<Client> = (0..4).map(|_| server.connect()).collect();
        let pipelines: Vec<_> =
            (0..).zip(clients).map(|(number, client)| thread::spawn(move || pipeline(number, client))).collect();
        let mut observer = server.connect();
        crate::common::wait_for("the pipelines to run", || {
            let counts = observer.ask("MGET counter:0 counter:1 counter:2 counter:3");
            let started = |count: &str| count.parse::<u64>().is_ok_and(|count| count > 1_000);
            (counts.lines().filter(|line| started(line)).count() == 4).then_some(())
        });
        server.signal("TERM");
        let counts: Vec<u64> = pipelines.into_iter().map(|pipeline| pipeline.join().unwrap()).collect();
        let (status, stderr) = server.wait();
        assert!(status.success(), "{fsync}: {stderr}");
        let server = Server::start(&args);
        let mut client = server.connect();
        for (number, count) in (0..).zip(counts) {
            let count = count.to_string();
            let kept = client.ask(&format!("GET counter:{number}"));
            assert_eq!(kept, format!("${}\r\n{count}\r\n", count.len()), "{fsync}: replies and file differ");
        }
    }
}

/// Counts as fast as it can until the server closes; how far, by the replies. Panics at a reply that is cut.
fn pipeline(number: u32, mut client: Client) -> u64 {
    let mut stream = client.stream().try_clone().unwrap();
    let batch = encode(&[b"INCR", format!("counter:{number}").as_bytes()]).repeat(100);
    let sending = thread::spawn(move || while stream.write_all(&batch).is_ok() {});
    let mut count = 0;
    loop {
        match client.try_reply() {
            Ok(reply) => {
                count += 1;
                assert_eq!(reply, format!(":{count}\r\n").into_bytes());
            }
            Err(error) => {
                assert_eq!(error.to_string(), "end of stream");
                break;
            }
        }
    }
    client.stream().shutdown(std::net::Shutdown::Both).unwrap();
    sending.join().unwrap();
    count
}

#[test]
fn a_client_that_takes_no_replies_does_not_hold_up_the_stop_for_ever() {
    let server = Server::start(&["--drain-timeout", "1"]);
    let mut setter = server.connect();
    setter.send(&[b"SET", b"k", &vec![b'x'; 1_000_000]]);
    setter.reply();
    let mut stubborn = server.connect();
    stubborn.send_bytes(&encode(&[b"GET", b"k"]).repeat(100));
    crate::common::wait_for("the replies to be stuck", || setter.ask("CLIENT LIST").contains("cmd=get").then_some(()));
    server.signal("TERM");
    let (status, stderr) = server.wait();
    assert!(status.success());
    assert!(stderr.contains("did not take their replies in time"), "{stderr}");
}

#[test]
fn a_subscriber_is_closed_behind_its_messages() {
    let server = Server::start(&[]);
    let (mut subscriber, mut publisher) = (server.connect(), server.connect());
    subscriber.ask("SUBSCRIBE c");
    for _ in 0..100 {
        assert_eq!(publisher.ask("PUBLISH c m"), ":1\r\n");
    }
    for _ in 0..100 {
        subscriber.reply();
    }
    server.signal("TERM");
    assert!(subscriber.rest().is_empty());
    assert!(server.wait().0.success());
}
