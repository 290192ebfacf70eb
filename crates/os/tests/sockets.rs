//! What is the real kernel's own: registrations, adopted sockets, descriptors of others, unparks.

#![cfg(not(unstuck_loom))]

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::{Duration, Instant};

use socket2::{Domain, Type};
use unstuck_base::WakeBatch;
use unstuck_base::interest::Interest;
use unstuck_driver::clock::pausable;
use unstuck_driver::readiness::{Direction, ReadyEvent};
use unstuck_driver::socket::Foreign;
use unstuck_driver::{Driver, Kernel, Lookup, Readiness};
use unstuck_os::{OsDriver, OsKernel, open};

const LIMIT: Duration = Duration::from_secs(20);

fn loopback() -> SocketAddr {
    ([127, 0, 0, 1], 0).into()
}

/// Parks until there is readiness of `interest`.
fn wait(driver: &mut OsDriver, readiness: &Readiness, interest: Interest) -> ReadyEvent {
    let limit = Instant::now() + LIMIT;
    loop {
        let event = readiness.now(interest);
        if !event.ready().is_empty() {
            return event;
        }
        assert!(Instant::now() < limit, "nothing happened");
        driver.park(Some(limit), &mut WakeBatch::new()).unwrap();
    }
}

fn look(driver: &mut OsDriver) {
    driver.poll(&mut WakeBatch::new()).unwrap();
}

fn world() -> (Arc<OsKernel>, OsDriver) {
    open().unwrap()
}

#[test]
fn unparks_while_nobody_sleeps_end_one_park_only() {
    let (kernel, mut driver) = world();
    for _ in 0..1_000 {
        kernel.unpark();
    }
    driver.park(None, &mut WakeBatch::new()).unwrap();
    let deadline = Instant::now() + Duration::from_millis(3);
    driver.park(Some(deadline), &mut WakeBatch::new()).unwrap();
    assert!(Instant::now() >= deadline, "the second park was ended, too");
}

#[test]
fn a_thousand_sockets_come_go_and_come_again() {
    let (kernel, mut driver) = world();
    for _ in 0..5 {
        let mut sockets: Vec<_> = (0..200).map(|_| kernel.udp_bind(loopback()).unwrap()).collect();
        for socket in &sockets {
            socket.send_to(b"x", socket.local_addr().unwrap()).unwrap();
        }
        // Some go before their events were read, some after.
        sockets.truncate(100);
        look(&mut driver);
        for socket in &sockets {
            wait(&mut driver, socket.readiness(), Interest::READABLE);
        }
    }
    for _ in 0..1_000 {
        drop(kernel.udp_bind(loopback()).unwrap());
    }
    look(&mut driver);
    let fresh = kernel.udp_bind(loopback()).unwrap();
    look(&mut driver);
    assert!(fresh.readiness().now(Interest::READABLE).ready().is_empty());
}

/// A stream in non-blocking mode, not connected yet.
fn unconnected() -> socket2::Socket {
    let socket = socket2::Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_nonblocking(true).unwrap();
    socket
}

#[test]
fn a_stream_that_is_adopted_before_it_connects_is_not_closed() {
    let (kernel, mut driver) = world();
    let listener = TcpListener::bind(loopback()).unwrap();
    let raw = unconnected();
    let stream = kernel.adopt(Foreign::Stream(raw.into())).unwrap();
    look(&mut driver);
    let both = Interest::READABLE | Interest::WRITABLE;
    assert!(stream.readiness().now(both).ready().is_empty());
    stream.connect(listener.local_addr().unwrap()).unwrap();
    let event = wait(&mut driver, stream.readiness(), both);
    assert!(event.ready().is_writable() && !event.ready().is_read_closed() && !event.ready().is_write_closed());
    assert!(stream.take_error().unwrap().is_none());
    let (mut peer, _) = listener.accept().unwrap();
    stream.send(b"hello").unwrap();
    let mut buffer = [0; 5];
    peer.read_exact(&mut buffer).unwrap();
    assert_eq!(&buffer, b"hello");
}

#[test]
fn a_stream_that_is_adopted_while_it_connects_or_after_works() {
    let (kernel, mut driver) = world();
    let listener = TcpListener::bind(loopback()).unwrap();
    let address = listener.local_addr().unwrap();
    let connecting = unconnected();
    let begun = connecting.connect(&address.into());
    assert!(begun.is_ok() || begun.unwrap_err().raw_os_error() == Some(libc::EINPROGRESS));
    let connected = TcpStream::connect(address).unwrap();
    connected.set_nonblocking(true).unwrap();
    for stream in [connecting.into(), connected] {
        let stream = kernel.adopt(Foreign::Stream(stream)).unwrap();
        wait(&mut driver, stream.readiness(), Interest::WRITABLE);
        assert!(stream.take_error().unwrap().is_none());
        let (mut peer, _) = listener.accept().unwrap();
        peer.write_all(b"x").unwrap();
        wait(&mut driver, stream.readiness(), Interest::READABLE);
        assert!(!stream.readiness().now(Interest::READABLE).ready().is_read_closed());
    }
}

#[test]
fn an_attempt_that_failed_before_the_adoption_is_told() {
    let (kernel, mut driver) = world();
    // Bound, so that nobody else listens there, and not listening.
    let silent = socket2::Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    silent.bind(&loopback().into()).unwrap();
    let address = silent.local_addr().unwrap().as_socket().unwrap();
    let raw = unconnected();
    let begun = raw.connect(&address.into()).unwrap_err();
    if begun.raw_os_error() == Some(libc::EINPROGRESS) {
        let stream = kernel.adopt(Foreign::Stream(raw.into())).unwrap();
        wait(&mut driver, stream.readiness(), Interest::WRITABLE);
        let error = stream.take_error().unwrap().unwrap();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    }
}

#[test]
fn a_new_connection_can_be_sent_to_at_once() {
    let (kernel, mut driver) = world();
    let listener = kernel.tcp_listen(loopback(), 8).unwrap();
    let _client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    wait(&mut driver, listener.readiness(), Interest::READABLE);
    let (accepted, _) = listener.accept().unwrap();
    let mut cx = Context::from_waker(Waker::noop());
    let sent = accepted.readiness().poll_io(Direction::Write, &mut cx, || accepted.send(b"hello"));
    assert!(matches!(sent, Poll::Ready(Ok(5))));
}

#[test]
fn an_answer_to_a_datagram_that_nobody_wanted_wakes_the_reader_and_closes_nothing() {
    let (kernel, mut driver) = world();
    // A socket that has another peer takes nothing from us, and keeps its port from others.
    let elsewhere = UdpSocket::bind(loopback()).unwrap();
    elsewhere.connect(elsewhere.local_addr().unwrap()).unwrap();
    let gone = elsewhere.local_addr().unwrap();
    let socket = kernel.udp_bind(loopback()).unwrap();
    socket.connect(gone).unwrap();
    socket.send(b"x").unwrap();
    let event = wait(&mut driver, socket.readiness(), Interest::READABLE);
    assert!(!event.ready().is_read_closed());
    let error = socket.recv(&mut [std::mem::MaybeUninit::uninit(); 8]).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    assert!(!socket.readiness().now(Interest::WRITABLE).ready().is_write_closed());
}

#[test]
fn a_detached_descriptor_wakes_nobody() {
    let (kernel, mut driver) = world();
    let socket = kernel.udp_bind(loopback()).unwrap();
    let address = socket.local_addr().unwrap();
    let std: UdpSocket = socket.detach().unwrap().into();
    std.send_to(b"x", address).unwrap();
    look(&mut driver);
    let again = kernel.adopt(Foreign::Datagram(std)).unwrap();
    wait(&mut driver, again.readiness(), Interest::READABLE);
}

#[test]
fn the_descriptor_of_other_code_is_watched_until_told_otherwise() {
    let (kernel, mut driver) = world();
    let (mut ours, mut theirs) = UnixStream::pair().unwrap();
    let watch = kernel.watch(ours.as_raw_fd(), Interest::READABLE).unwrap();
    look(&mut driver);
    assert!(watch.readiness().now(Interest::READABLE).ready().is_empty());
    assert!(kernel.watch(ours.as_raw_fd(), Interest::READABLE).is_err(), "watched already");
    theirs.write_all(b"x").unwrap();
    wait(&mut driver, watch.readiness(), Interest::READABLE);
    ours.read_exact(&mut [0]).unwrap();
    drop(watch);
    let watch = kernel.watch(ours.as_raw_fd(), Interest::READABLE).unwrap();
    drop(theirs);
    let event = wait(&mut driver, watch.readiness(), Interest::READABLE);
    assert!(event.ready().is_read_closed());
    let file = std::fs::File::open(std::env::current_exe().unwrap()).unwrap();
    assert!(kernel.watch(file.as_raw_fd(), Interest::READABLE).is_err(), "a regular file");
}

#[test]
fn events_of_a_registration_that_nobody_can_remove_reach_nobody() {
    let (kernel, mut driver) = world();
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    let duplicate = ours.try_clone().unwrap();
    let watch = kernel.watch(ours.as_raw_fd(), Interest::READABLE).unwrap();
    // The duplicate keeps the registration alive, and its number is gone.
    drop(ours);
    drop(watch);
    look(&mut driver);
    let others: Vec<_> = (0..4).map(|_| kernel.udp_bind(loopback()).unwrap()).collect();
    theirs.write_all(b"x").unwrap();
    for _ in 0..3 {
        look(&mut driver);
    }
    for socket in &others {
        assert!(socket.readiness().now(Interest::READABLE).ready().is_empty());
    }
    drop(duplicate);
}

/// Waits for the addresses of a name.
fn found(lookup: Lookup) -> Vec<SocketAddr> {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut lookup = pin!(lookup);
    loop {
        match lookup.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(found) => return found.unwrap(),
            Poll::Pending => std::thread::park(),
        }
    }
}

#[test]
fn entropy_differs_and_names_are_found() {
    let (kernel, _driver) = world();
    assert_ne!(kernel.entropy(), kernel.entropy());
    assert_eq!(found(kernel.lookup_host("127.0.0.1", 80)), [([127, 0, 0, 1], 80).into()]);
    assert!(kernel.now() <= kernel.real_now());
}

#[test]
fn a_paused_clock_jumps_over_a_real_driver_and_sees_its_events() {
    let (kernel, driver) = world();
    let (kernel, mut driver) = pausable(kernel, driver);
    kernel.clock().pause();
    let start = kernel.now();
    let hour = Duration::from_secs(3_600);
    let park = |driver: &mut dyn Driver| driver.park(Some(start + hour), &mut WakeBatch::new()).unwrap();
    park(&mut driver);
    park(&mut driver);
    assert_eq!(kernel.now(), start + hour);
    let socket = kernel.udp_bind(loopback()).unwrap();
    socket.send_to(b"x", socket.local_addr().unwrap()).unwrap();
    park(&mut driver);
    assert!(socket.readiness().now(Interest::READABLE).ready().is_readable());
}
