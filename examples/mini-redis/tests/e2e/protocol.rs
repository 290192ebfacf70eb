//! Malformed, split and enormous input.

use std::io::Write;
use std::net::Shutdown;

use crate::common::{Redis, Server, encode, has_redis_tools};

/// Malformed input behind a good command, and what it must be answered with.
fn malformed() -> Vec<(Vec<u8>, &'static str)> {
    let long = vec![b'1'; 70_000];
    vec![
        (b"*x\r\n".to_vec(), "invalid multibulk length"),
        (b"*2147483648\r\n".to_vec(), "invalid multibulk length"),
        (b"*01\r\n".to_vec(), "invalid multibulk length"),
        ([b"*", &long[..]].concat(), "too big mbulk count string"),
        (b"*1\r\nPING\r\n".to_vec(), "expected '$', got 'P'"),
        (b"*2\r\n$4\r\nECHO\r\n:1\r\n".to_vec(), "expected '$', got ':'"),
        (b"*1\r\n$-1\r\n".to_vec(), "invalid bulk length"),
        (b"*1\r\n$abc\r\n".to_vec(), "invalid bulk length"),
        (b"*1\r\n$536870913\r\n".to_vec(), "invalid bulk length"),
        ([b"*1\r\n$", &long[..]].concat(), "too big bulk count string"),
        (b"SET k \"unbalanced\r\n".to_vec(), "unbalanced quotes in request"),
        (b"SET k 'quotes'x\r\n".to_vec(), "unbalanced quotes in request"),
        (long, "too big inline request"),
    ]
}

#[test]
fn malformed_input_closes_this_connection_and_no_other() {
    let server = Server::start(&[]);
    let mut bystander = server.connect();
    for (bytes, reason) in malformed() {
        let mut client = server.connect();
        client.send(&[b"SET", b"k", b"v"]);
        client.send_bytes(&bytes);
        let answer = String::from_utf8(client.rest()).unwrap();
        assert_eq!(answer, format!("+OK\r\n-ERR Protocol error: {reason}\r\n"));
        assert_eq!(bystander.ask("GET k"), "$1\r\nv\r\n", "after: {reason}");
    }
}

#[test]
fn malformed_input_is_answered_as_redis_does() {
    if !has_redis_tools() {
        return;
    }
    let (ours, redis) = (Server::start(&[]), Redis::start());
    for (bytes, _) in malformed() {
        let answer = |mut client: crate::common::Client| {
            client.send_bytes(&bytes);
            // Redis closes with input unread, which may reset the connection: one line is all that can be relied on.
            client.reply()
        };
        assert_eq!(answer(ours.connect()), answer(redis.connect()));
    }
}

#[test]
fn inline_commands_are_answered_as_redis_does() {
    if !has_redis_tools() {
        return;
    }
    let (ours, redis) = (Server::start(&[]), Redis::start());
    let (mut ours, mut redis) = (ours.connect(), redis.connect());
    let lines: [&[u8]; 9] = [
        b"PING\r\n",
        b"PING\n",
        b"  SET  k   v  \r\n",
        b"GET k\r\n",
        b"SET q \"two words\"\r\n",
        b"SET q 'single \\' quote'\r\n",
        b"GET q\r\n",
        b"\r\n\r\nECHO \"\\x41\\n\\t\\\\\"\r\n",
        b"*0\r\n*-1\r\nECHO after\r\n",
    ];
    for line in lines {
        ours.send_bytes(line);
        redis.send_bytes(line);
        assert_eq!(ours.reply(), redis.reply(), "{}", String::from_utf8_lossy(line));
    }
}

#[test]
fn a_command_in_single_bytes_is_understood() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    for byte in encode(&[b"ECHO", b"slowly"]) {
        client.send_bytes(&[byte]);
    }
    assert_eq!(client.reply(), "$6\r\nslowly\r\n");
}

#[test]
fn a_large_value_goes_in_and_comes_out() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    let value: Vec<u8> = (0..20_000_000_u32).map(|index| (index % 251) as u8).collect();
    client.send(&[b"SET", b"big", &value]);
    assert_eq!(client.reply(), "+OK\r\n");
    client.send(&[b"GET", b"big"]);
    let reply = client.try_reply().unwrap();
    assert!(reply == [b"$20000000\r\n", &value[..], b"\r\n"].concat(), "the value changed");
}

#[test]
fn a_pipeline_is_answered_in_order() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    let mut pipeline = Vec::new();
    for number in 0..20_000 {
        pipeline.extend_from_slice(&encode(&[b"ECHO", number.to_string().as_bytes()]));
    }
    let mut stream = client.stream().try_clone().unwrap();
    let sending = std::thread::spawn(move || stream.write_all(&pipeline));
    for number in 0..20_000 {
        let number = number.to_string();
        assert_eq!(client.reply(), format!("${}\r\n{number}\r\n", number.len()));
    }
    sending.join().unwrap().unwrap();
}

#[test]
fn a_pipeline_of_large_replies_is_answered_in_full() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    client.send(&[b"SET", b"k", &vec![b'x'; 100_000]]);
    client.reply();
    // 200 MB of replies to one read: far beyond what the server holds at a time.
    client.send_bytes(&encode(&[b"GET", b"k"]).repeat(2_000));
    for _ in 0..2_000 {
        assert_eq!(client.try_reply().unwrap().len(), 100_000 + "$100000\r\n\r\n".len());
    }
    assert_eq!(client.ask("PING"), "+PONG\r\n");
}

#[test]
fn quit_is_answered_and_ends_the_batch() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    client.send_bytes(b"PING\r\nQUIT\r\nSET k v\r\n");
    assert_eq!(client.rest(), b"+PONG\r\n+OK\r\n");
    assert_eq!(server.connect().ask("EXISTS k"), ":0\r\n");
}

#[test]
fn a_client_that_closes_its_half_gets_its_replies() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    client.send_bytes(&encode(&[b"PING"]).repeat(1_000));
    client.stream().shutdown(Shutdown::Write).unwrap();
    assert_eq!(client.rest(), b"+PONG\r\n".repeat(1_000));
}
