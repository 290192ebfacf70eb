//! Datagrams.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use unstuck_base::interest::Interest;

use super::{Buffer, Count, LOOPBACK, Test, World, is_would_block};
use crate::Socket;
use crate::readiness::Direction;
use crate::socket::{OptionName, SocketOption};

pub(super) const TESTS: &[(&str, Test)] = &[
    ("a datagram arrives whole, with its sender", send_and_receive),
    ("a datagram that is too long is cut, and its rest is gone", truncation),
    ("peeking leaves the datagram", peek),
    ("a connected socket talks to its peer only", connected),
    ("datagrams wake, each time", wakes),
    ("options keep their values", options),
];

fn bind(world: &World) -> (Arc<dyn Socket>, SocketAddr) {
    let socket = world.kernel.udp_bind(LOOPBACK).expect("a socket can be made");
    let address = socket.local_addr().unwrap();
    assert_ne!(address.port(), 0);
    (socket, address)
}

fn send_to(world: &mut World, socket: &Arc<dyn Socket>, bytes: &[u8], target: SocketAddr) {
    let send = socket.readiness().async_io(Interest::WRITABLE, || socket.send_to(bytes, target));
    assert_eq!(world.block_on("a datagram is sent", send).unwrap(), bytes.len());
}

fn recv_from(world: &mut World, socket: &Arc<dyn Socket>, len: usize) -> (Vec<u8>, SocketAddr) {
    let mut buffer = Buffer::new(len);
    let recv = socket.readiness().async_io(Interest::READABLE, || socket.recv_from(&mut buffer.0));
    let (n, from) = world.block_on("a datagram arrives", recv).unwrap();
    (buffer.filled(n), from)
}

fn send_and_receive(world: &mut World) {
    let ((a, at_a), (b, at_b)) = (bind(world), bind(world));
    assert!(is_would_block(&b.recv_from(&mut Buffer::new(8).0)));
    for message in [&b"one"[..], b"", b"three"] {
        send_to(world, &a, message, at_b);
        assert_eq!(recv_from(world, &b, 100), (message.to_vec(), at_a));
    }
    send_to(world, &b, b"back", at_a);
    assert_eq!(recv_from(world, &a, 100), (b"back".to_vec(), at_b));
}

fn truncation(world: &mut World) {
    let ((a, at_a), (b, at_b)) = (bind(world), bind(world));
    send_to(world, &a, b"too long", at_b);
    assert_eq!(recv_from(world, &b, 3), (b"too".to_vec(), at_a));
    send_to(world, &a, b"next", at_b);
    assert_eq!(recv_from(world, &b, 100), (b"next".to_vec(), at_a));
}

fn peek(world: &mut World) {
    let ((a, at_a), (b, at_b)) = (bind(world), bind(world));
    send_to(world, &a, b"twice", at_b);
    for _ in 0..2 {
        let mut buffer = Buffer::new(100);
        let peek = b.readiness().async_io(Interest::READABLE, || b.peek_from(&mut buffer.0));
        let (n, from) = world.block_on("a datagram arrives", peek).unwrap();
        assert_eq!((buffer.filled(n), from), (b"twice".to_vec(), at_a));
    }
    assert_eq!(recv_from(world, &b, 100), (b"twice".to_vec(), at_a));
    assert!(is_would_block(&b.recv_from(&mut Buffer::new(8).0)));
}

fn connected(world: &mut World) {
    let ((a, at_a), (b, at_b), (stranger, _)) = (bind(world), bind(world), bind(world));
    assert_eq!(b.peer_addr().unwrap_err().kind(), io::ErrorKind::NotConnected);
    b.connect(at_a).unwrap();
    assert_eq!(b.peer_addr().unwrap(), at_a);
    send_to(world, &stranger, b"ignored", at_b);
    send_to(world, &a, b"question", at_b);
    assert_eq!(world.recv(&b, 100).unwrap(), b"question");
    world.send(&b, b"answer");
    assert_eq!(recv_from(world, &a, 100), (b"answer".to_vec(), at_b));
}

fn wakes(world: &mut World) {
    let ((a, _), (b, at_b)) = (bind(world), bind(world));
    let (count, waker) = Count::new();
    for round in 1..=3 {
        world.drain(&b);
        assert!(!world.poll_ready(&b, Direction::Read, &waker));
        send_to(world, &a, b"x", at_b);
        world.until("the reader is woken", || count.get() == round);
        assert_eq!(recv_from(world, &b, 8).0, b"x");
    }
}

fn options(world: &mut World) {
    let (socket, _) = bind(world);
    for (name, values) in [
        (OptionName::Broadcast, [SocketOption::Broadcast(true), SocketOption::Broadcast(false)]),
        (OptionName::Ttl, [SocketOption::Ttl(30), SocketOption::Ttl(64)]),
        (OptionName::TypeOfService, [SocketOption::TypeOfService(96), SocketOption::TypeOfService(0)]),
        (OptionName::MulticastLoopV4, [SocketOption::MulticastLoopV4(false), SocketOption::MulticastLoopV4(true)]),
        (OptionName::MulticastTtlV4, [SocketOption::MulticastTtlV4(7), SocketOption::MulticastTtlV4(1)]),
    ] {
        for value in values {
            socket.set_option(value).unwrap();
            assert_eq!(socket.option(name).unwrap(), value);
        }
    }
    assert_eq!(socket.device().unwrap_or_default(), None);
}
