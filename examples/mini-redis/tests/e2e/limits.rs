//! Too many clients, silent clients, and too few file descriptors.

use std::io::Read;
use std::net::TcpStream;

use crate::common::{Client, Server, wait_for};

#[test]
fn one_client_too_many_is_told_so_until_there_is_a_place() {
    let server = Server::start(&["--max-clients", "2"]);
    let (mut first, mut second) = (server.connect(), server.connect());
    assert_eq!(first.ask("PING"), "+PONG\r\n");
    assert_eq!(second.ask("PING"), "+PONG\r\n");
    assert_eq!(server.connect().rest(), b"-ERR max number of clients reached\r\n");
    drop(first);
    let mut third = wait_for("a place", || {
        let mut client = server.connect();
        client.stream().set_read_timeout(Some(crate::common::PATIENCE)).unwrap();
        client.send_bytes(b"PING\r\n");
        (client.try_reply().ok()? == b"+PONG\r\n").then_some(client)
    });
    assert_eq!(third.ask("PING"), "+PONG\r\n");
    assert_eq!(second.ask("PING"), "+PONG\r\n");
}

#[test]
fn an_idle_client_is_closed_and_a_subscriber_is_not() {
    let server = Server::start(&["--idle-timeout", "1"]);
    let mut subscriber = server.connect();
    subscriber.ask("SUBSCRIBE c");
    let (mut never_spoke, mut fell_silent, mut mid_command) = (server.connect(), server.connect(), server.connect());
    assert_eq!(fell_silent.ask("PING"), "+PONG\r\n");
    mid_command.send_bytes(b"*1\r\n$4\r\nPI");
    for client in [&mut never_spoke, &mut fell_silent, &mut mid_command] {
        assert_eq!(client.rest(), b"");
    }
    assert_eq!(server.connect().ask("PUBLISH c m"), ":1\r\n");
    assert!(subscriber.reply().contains("message"));
}

#[test]
fn running_out_of_file_descriptors_is_survived_without_spinning() {
    let server = Server::start_after("ulimit -n 64", &[]);
    let mut early = server.connect();
    assert_eq!(early.ask("PING"), "+PONG\r\n");
    // More than there are descriptors; those that can't be accepted wait in the system's queue.
    let mut crowd: Vec<TcpStream> = (0..100).map(|_| TcpStream::connect(server.address).unwrap()).collect();
    let mut late = server.connect();
    late.send_bytes(b"PING\r\n");
    assert_eq!(early.ask("PING"), "+PONG\r\n", "the clients that are there go on");
    let before = processor_time(&server);
    late.stream().set_read_timeout(Some(std::time::Duration::from_millis(1_500))).unwrap();
    assert!(late.stream().read(&mut [0]).is_err(), "there was a descriptor left for the last client");
    let spent = processor_time(&server) - before;
    assert!(spent < 15, "{spent} of 150 ticks were spent on accepting in vain");
    crowd.clear();
    late.stream().set_read_timeout(Some(crate::common::PATIENCE)).unwrap();
    assert_eq!(late.reply(), "+PONG\r\n", "the last client is served when descriptors are free again");
    let mut another: Client = server.connect();
    assert_eq!(another.ask("PING"), "+PONG\r\n");
    server.signal("TERM");
    let (status, stderr) = server.wait();
    assert!(status.success());
    assert_eq!(stderr.matches("can't accept connections for now").count(), 1, "said once: {stderr}");
}

/// What the server has used of the processor, in ticks of 10 ms; 0 where the system does not say.
fn processor_time(server: &Server) -> u64 {
    let Ok(stat) = std::fs::read_to_string(format!("/proc/{}/stat", server.id())) else { return 0 };
    let fields: Vec<_> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}
