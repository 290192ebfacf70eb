//! Connections and listeners.

use std::io::{self, IoSlice, IoSliceMut};
use std::net::Shutdown;
use std::sync::Arc;

use unstuck_base::interest::Interest;

use super::{Buffer, Count, LOOPBACK, Test, World, is_would_block};
use crate::Socket;
use crate::readiness::Direction;
use crate::socket::{Family, OptionName, SocketOption, Unconnected};

pub(super) const TESTS: &[(&str, Test)] = &[
    ("a connection is made and both ends agree on addresses", addresses_agree),
    ("a refused connection says so", refused),
    ("accepting waits for a connection", accept_waits),
    ("one event for several connections loses none", several_connections),
    ("bytes that came before anybody waited are found", event_before_the_wait),
    ("bytes that come later wake", event_after_the_wait),
    ("each waiter of a direction is woken", every_waiter),
    ("readiness that was taken back too late stays", stale_clear),
    ("after a short read the next bytes wake", short_read),
    ("the end of a stream is readiness, again and again", end_of_stream),
    ("closing one direction leaves the other", half_close),
    ("a closed end refuses to send", send_after_shutdown),
    ("peeking leaves the bytes", peek),
    ("several buffers are sent in order", vectored),
    ("several buffers are filled in order", vectored_receiving),
    ("an accepted connection is tried at once", accepted_is_tried),
    ("a full connection waits until its peer reads", back_pressure),
    ("an address that is taken is refused", address_in_use),
    ("options keep their values", options),
    ("a socket is bound, then listens or connects", unconnected),
    ("an unconnected socket has an address once", bound_twice),
    ("accepted connections have their listener's options", inherited_options),
];

fn addresses_agree(world: &mut World) {
    let (listener, address) = world.listen();
    assert_ne!(address.port(), 0);
    let connecting = world.connect(address);
    let accept = listener.readiness().async_io(Interest::READABLE, || listener.accept());
    let (accepted, peer) = world.block_on("a connection is accepted", accept).unwrap();
    assert_eq!(connecting.peer_addr().unwrap(), address);
    assert_eq!(connecting.local_addr().unwrap(), peer);
    assert_eq!(accepted.peer_addr().unwrap(), peer);
    assert_eq!(accepted.local_addr().unwrap(), address);
    assert_eq!(listener.peer_addr().unwrap_err().kind(), io::ErrorKind::NotConnected);
}

fn refused(world: &mut World) {
    // On a real machine another process may listen there by now: then try elsewhere.
    let error = (0..10).find_map(|_| refusal(world)).expect("an address where nobody listens refuses");
    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
}

fn refusal(world: &mut World) -> Option<io::Error> {
    let (listener, address) = world.listen();
    drop(listener);
    match world.kernel.tcp_connect(address) {
        Err(error) => Some(error),
        Ok(socket) => {
            world.block_on("the attempt ends", socket.readiness().ready(Interest::WRITABLE));
            socket.take_error().unwrap()
        }
    }
}

fn accept_waits(world: &mut World) {
    let (listener, address) = world.listen();
    assert!(is_would_block(&listener.accept()));
    let (count, waker) = Count::new();
    assert!(!world.poll_ready(&listener, Direction::Read, &waker));
    let _connecting = world.connect(address);
    world.until("the listener is woken", || count.get() == 1);
    assert!(world.poll_ready(&listener, Direction::Read, &waker));
    assert!(listener.accept().is_ok());
    assert!(is_would_block(&listener.accept()));
}

fn several_connections(world: &mut World) {
    let (listener, address) = world.listen();
    let connecting: Vec<_> = (0..5).map(|_| world.connect(address)).collect();
    let accepted: Vec<_> = (0..5).map(|_| world.accept(&listener)).collect();
    for end in &connecting {
        let ours = end.local_addr().unwrap();
        assert_eq!(accepted.iter().filter(|end| end.peer_addr().unwrap() == ours).count(), 1);
    }
}

fn event_before_the_wait(world: &mut World) {
    let (a, b) = world.pair();
    world.send(&a, b"early");
    world.until("the bytes are told", || b.readiness().now(Interest::READABLE).ready().is_readable());
    assert_eq!(world.recv_all(&b, 5), b"early");
}

fn event_after_the_wait(world: &mut World) {
    let (a, b) = world.pair();
    let (count, waker) = Count::new();
    for round in 1..=3 {
        world.drain(&b);
        assert!(!world.poll_ready(&b, Direction::Read, &waker));
        world.send(&a, b"late");
        world.until("the reader is woken", || count.get() == round);
        assert_eq!(world.recv_all(&b, 4), b"late");
    }
}

fn every_waiter(world: &mut World) {
    let (a, b) = world.pair();
    world.drain(&b);
    let (slot, slot_waker) = Count::new();
    assert!(!world.poll_ready(&b, Direction::Read, &slot_waker));
    let mut futures: Vec<_> = (0..3).map(|_| Box::pin(b.readiness().ready(Interest::READABLE))).collect();
    let counts: Vec<_> = futures
        .iter_mut()
        .map(|future| {
            let (count, waker) = Count::new();
            assert!(future.as_mut().poll(&mut std::task::Context::from_waker(&waker)).is_pending());
            count
        })
        .collect();
    drop(futures.pop());
    world.send(&a, b"x");
    world.until("the readers are woken", || slot.get() == 1 && counts[0].get() == 1 && counts[1].get() == 1);
    assert_eq!(counts[2].get(), 0, "the dropped one is not");
}

fn stale_clear(world: &mut World) {
    let (a, b) = world.pair();
    world.drain(&b);
    world.send(&a, b"1");
    let seen = world.block_on("the first byte", b.readiness().ready(Interest::READABLE));
    let mut buffer = Buffer::new(16);
    assert_eq!(b.recv(&mut buffer.0).unwrap(), 1);
    world.send(&a, b"2");
    world.until("the second byte is told", || b.readiness().now(Interest::READABLE) != seen);
    b.readiness().disprove(seen);
    assert!(b.readiness().now(Interest::READABLE).ready().is_readable());
    assert_eq!(world.recv_all(&b, 1), b"2");
}

fn short_read(world: &mut World) {
    let (a, b) = world.pair();
    for _ in 0..3 {
        world.send(&a, b"short");
        let mut read = 0;
        while read < 5 {
            let mut buffer = Buffer::new(100);
            read += world
                .block_on(
                    "bytes arrive",
                    std::future::poll_fn(|cx| {
                        b.readiness().poll_stream(Direction::Read, cx, 100, || b.recv(&mut buffer.0))
                    }),
                )
                .unwrap();
        }
        assert!(!b.readiness().now(Interest::READABLE).ready().is_readable(), "cleared without another try");
        assert!(is_would_block(&b.recv(&mut Buffer::new(1).0)));
    }
}

fn end_of_stream(world: &mut World) {
    let (a, b) = world.pair();
    world.send(&a, b"last");
    drop(a);
    assert_eq!(world.recv_all(&b, 4), b"last");
    for _ in 0..3 {
        assert!(world.recv(&b, 8).unwrap().is_empty());
    }
    world.until("the close is told", || b.readiness().now(Interest::READABLE).ready().is_read_closed());
    b.readiness().clear(b.readiness().now(Interest::READABLE));
    assert!(world.recv(&b, 8).unwrap().is_empty(), "a clear does not open it again");
}

fn half_close(world: &mut World) {
    let (a, b) = world.pair();
    a.shutdown(Shutdown::Write).unwrap();
    assert!(world.recv(&b, 8).unwrap().is_empty());
    world.send(&b, b"still there");
    assert_eq!(world.recv_all(&a, 11), b"still there");
}

fn send_after_shutdown(world: &mut World) {
    let (a, _b) = world.pair();
    a.shutdown(Shutdown::Write).unwrap();
    assert_eq!(a.send(b"x").unwrap_err().kind(), io::ErrorKind::BrokenPipe);
}

fn peek(world: &mut World) {
    let (a, b) = world.pair();
    assert!(is_would_block(&b.peek(&mut Buffer::new(8).0)));
    world.send(&a, b"twice");
    for _ in 0..2 {
        let mut buffer = Buffer::new(1);
        let peek = b.readiness().async_io(Interest::READABLE, || b.peek(&mut buffer.0));
        assert_eq!(world.block_on("bytes arrive", peek).unwrap(), 1);
        assert_eq!(buffer.filled(1), b"t");
    }
    assert_eq!(world.recv_all(&b, 5), b"twice");
}

fn vectored(world: &mut World) {
    let (a, b) = world.pair();
    let parts = [IoSlice::new(b"one "), IoSlice::new(b""), IoSlice::new(b"two")];
    let send = a.readiness().async_io(Interest::WRITABLE, || a.send_vectored(&parts));
    assert_eq!(world.block_on("bytes are sent", send).unwrap(), 7);
    assert_eq!(world.recv_all(&b, 7), b"one two");
}

fn vectored_receiving(world: &mut World) {
    let (a, b) = world.pair();
    world.send(&a, b"one two");
    let mut received = Vec::new();
    while received.len() < 7 {
        let (mut first, mut empty, mut second) = ([0; 2], [0; 0], [0; 9]);
        let receive = b.readiness().async_io(Interest::READABLE, || {
            let bufs = &mut [IoSliceMut::new(&mut first), IoSliceMut::new(&mut empty), IoSliceMut::new(&mut second)];
            b.recv_vectored(bufs)
        });
        let n = world.block_on("bytes arrive", receive).unwrap();
        assert_ne!(n, 0);
        received.extend_from_slice(&first[..n.min(2)]);
        received.extend_from_slice(&second[..n.saturating_sub(2)]);
    }
    assert_eq!(received, b"one two");
    let error = b.recv_vectored(&mut [IoSliceMut::new(&mut [0; 1])]).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
}

fn accepted_is_tried(world: &mut World) {
    let (listener, address) = world.listen();
    let connected = world.connect(address);
    assert!(!connected.readiness().now(Interest::READABLE).ready().is_readable(), "who connects speaks first, mostly");
    let accepted = world.accept(&listener);
    let ready = accepted.readiness().now(Interest::READABLE | Interest::WRITABLE).ready();
    assert!(ready.is_readable() && ready.is_writable());
    world.drain(&accepted);
    assert!(!accepted.readiness().now(Interest::READABLE).ready().is_readable(), "and taken back");
}

fn unconnected(world: &mut World) {
    let (server, client) = (fresh(world), fresh(world));
    server.set_option(SocketOption::ReuseAddress(true)).unwrap();
    assert_eq!(server.option(OptionName::ReuseAddress).unwrap(), SocketOption::ReuseAddress(true));
    assert_eq!(server.local_addr().unwrap().port(), 0);
    server.bind(LOOPBACK).unwrap();
    let address = server.local_addr().unwrap();
    let listener = server.listen(&*world.kernel, 16).unwrap();
    assert_eq!(listener.local_addr().unwrap(), address);

    client.bind(LOOPBACK).unwrap();
    let from = client.local_addr().unwrap();
    assert!(client.take_error().unwrap().is_none());
    let connected = client.connect(&*world.kernel, address).unwrap();
    world.block_on("the connection is made", connected.readiness().ready(Interest::WRITABLE));
    assert!(connected.take_error().unwrap().is_none());
    let accepted = world.accept(&listener);
    assert_eq!(accepted.peer_addr().unwrap(), from);
    world.send(&connected, b"hello");
    assert_eq!(world.recv_all(&accepted, 5), b"hello");

    let anywhere = fresh(world).listen(&*world.kernel, 1).unwrap();
    assert_ne!(anywhere.local_addr().unwrap().port(), 0, "an address is chosen");
}

fn bound_twice(world: &mut World) {
    let (_listener, address) = world.listen();
    let socket = fresh(world);
    assert_eq!(socket.bind(address).unwrap_err().kind(), io::ErrorKind::AddrInUse);
    socket.bind(LOOPBACK).unwrap();
    assert_eq!(socket.bind(LOOPBACK).unwrap_err().kind(), io::ErrorKind::InvalidInput);
    let taken = socket.local_addr().unwrap();
    assert_eq!(fresh(world).bind(taken).unwrap_err().kind(), io::ErrorKind::AddrInUse);
    drop(socket);
    fresh(world).bind(taken).unwrap();
}

fn inherited_options(world: &mut World) {
    let socket = fresh(world);
    socket.set_option(SocketOption::NoDelay(true)).unwrap();
    socket.bind(LOOPBACK).unwrap();
    let address = socket.local_addr().unwrap();
    let listener = socket.listen(&*world.kernel, 16).unwrap();
    let _connected = world.connect(address);
    let accepted = world.accept(&listener);
    assert_eq!(accepted.option(OptionName::NoDelay).unwrap(), SocketOption::NoDelay(true));
}

fn fresh(world: &World) -> Box<dyn Unconnected> {
    world.kernel.tcp_socket(Family::V4).expect("a socket can be made")
}

fn back_pressure(world: &mut World) {
    let (a, b) = world.pair();
    let (mut sent, mut received) = (0usize, 0usize);
    let chunk = |at: usize| (at..at + 10_000).map(|n| (n % 251) as u8).collect::<Vec<u8>>();
    fill(world, &a, &mut sent, chunk);
    let (count, waker) = Count::new();
    assert!(!world.poll_ready(&a, Direction::Write, &waker));
    while received < sent {
        let bytes = world.recv(&b, 65_536).unwrap();
        assert!(bytes.iter().enumerate().all(|(at, byte)| *byte == ((received + at) % 251) as u8));
        received += bytes.len();
    }
    world.until("the sender is woken", || count.get() >= 1);
    assert!(world.poll_ready(&a, Direction::Write, &waker));
    assert!(a.send(&chunk(sent)).is_ok());
}

/// Sends until the connection is full, also after the driver has had its time.
fn fill(world: &mut World, socket: &Arc<dyn Socket>, sent: &mut usize, chunk: impl Fn(usize) -> Vec<u8>) {
    loop {
        let before = *sent;
        while let Ok(n) = socket.readiness().try_io(Interest::WRITABLE, || socket.send(&chunk(*sent))) {
            *sent += n;
            assert!(*sent < 1 << 30, "a connection that nobody reads from takes everything");
        }
        world.settle();
        let full = socket.readiness().now(Interest::WRITABLE).ready().is_empty();
        if full && before == *sent {
            return;
        }
    }
}

fn address_in_use(world: &mut World) {
    let (_listener, address) = world.listen();
    let Err(error) = world.kernel.tcp_listen(address, 1) else { panic!("two listeners on one address") };
    assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
}

fn options(world: &mut World) {
    let (a, _b) = world.pair();
    for (name, values) in [
        (OptionName::NoDelay, [SocketOption::NoDelay(true), SocketOption::NoDelay(false)]),
        (OptionName::KeepAlive, [SocketOption::KeepAlive(true), SocketOption::KeepAlive(false)]),
        (OptionName::TypeOfService, [SocketOption::TypeOfService(96), SocketOption::TypeOfService(0)]),
        (OptionName::Ttl, [SocketOption::Ttl(30), SocketOption::Ttl(64)]),
        (
            OptionName::Linger,
            [SocketOption::Linger(Some(std::time::Duration::from_secs(2))), SocketOption::Linger(None)],
        ),
    ] {
        for value in values {
            match a.set_option(value) {
                Ok(()) => assert_eq!(a.option(name).unwrap(), value),
                Err(error) => assert_eq!(error.kind(), io::ErrorKind::Unsupported, "{name:?}"),
            }
        }
    }
}
