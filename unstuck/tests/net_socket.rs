//! Sockets in the making: `TcpSocket`.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, IntoRawFd, OwnedFd};
use std::time::Duration;

use unstuck::io::{AsyncReadExt, AsyncWriteExt};
use unstuck::net::{TcpListener, TcpSocket, TcpStream};
use unstuck::runtime::Builder;

fn loopback() -> SocketAddr {
    ([127, 0, 0, 1], 0).into()
}

fn new_v6() -> Option<TcpSocket> {
    // A machine may have no IPv6.
    TcpSocket::new_v6().ok().filter(|socket| socket.bind("[::1]:0".parse().unwrap()).is_ok())
}

/// A listener, its address, and a connection to it from a socket that was bound.
async fn bound_listens_and_connects() {
    let socket = TcpSocket::new_v4().unwrap();
    assert_eq!(socket.local_addr().unwrap(), "0.0.0.0:0".parse().unwrap());
    socket.set_reuseaddr(true).unwrap();
    socket.bind(loopback()).unwrap();
    let address = socket.local_addr().unwrap();
    assert_ne!(address.port(), 0);
    let listener = socket.listen(16).unwrap();
    assert_eq!(listener.local_addr().unwrap(), address);

    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(loopback()).unwrap();
    let from = socket.local_addr().unwrap();
    let (client, accepted) = unstuck::join!(socket.connect(address), listener.accept());
    let (mut client, (mut server, peer)) = (client.unwrap(), accepted.unwrap());
    assert_eq!(peer, from);
    client.write_all(b"hello").await.unwrap();
    drop(client);
    let mut all = String::new();
    server.read_to_string(&mut all).await.unwrap();
    assert_eq!(all, "hello");
}

#[unstuck::test]
async fn a_bound_socket_listens_or_connects() {
    bound_listens_and_connects().await;
}

#[unstuck::test]
async fn of_ipv6_as_well() {
    let Some(socket) = new_v6() else { return };
    let listener = socket.listen(16).unwrap();
    let client = TcpSocket::new_v6().unwrap().connect(listener.local_addr().unwrap()).await.unwrap();
    assert_eq!(listener.accept().await.unwrap().1, client.local_addr().unwrap());
}

#[unstuck::test]
async fn nobody_listens_is_an_error() {
    let unused = TcpSocket::new_v4().unwrap();
    unused.bind(loopback()).unwrap();
    let address = unused.local_addr().unwrap();
    let error = TcpSocket::new_v4().unwrap().connect(address).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    assert!(unused.take_error().unwrap().is_none());
    assert_eq!(unused.bind(loopback()).unwrap_err().kind(), ErrorKind::InvalidInput, "it has an address");
    let taken = TcpSocket::new_v4().unwrap().bind(address).unwrap_err();
    assert_eq!(taken.kind(), ErrorKind::AddrInUse);
}

#[test]
#[expect(deprecated, reason = "they are still there")]
fn options_are_what_was_set_also_outside_a_runtime() {
    let socket = TcpSocket::new_v4().unwrap();
    for on in [true, false] {
        socket.set_reuseaddr(on).unwrap();
        socket.set_reuseport(on).unwrap();
        socket.set_keepalive(on).unwrap();
        socket.set_nodelay(on).unwrap();
        let all = [socket.reuseaddr(), socket.reuseport(), socket.keepalive(), socket.nodelay()];
        assert!(all.into_iter().all(|set| set.unwrap() == on));
    }
    socket.set_send_buffer_size(8192).unwrap();
    socket.set_recv_buffer_size(16_384).unwrap();
    assert!(socket.send_buffer_size().unwrap() >= 8192);
    assert!(socket.recv_buffer_size().unwrap() >= 16_384);
    assert_eq!(socket.linger().unwrap(), None);
    socket.set_linger(Some(Duration::from_secs(3))).unwrap();
    assert_eq!(socket.linger().unwrap(), Some(Duration::from_secs(3)));
    socket.set_zero_linger().unwrap();
    assert_eq!(socket.linger().unwrap(), Some(Duration::ZERO));
    socket.set_tos_v4(96).unwrap();
    assert_eq!(socket.tos_v4().unwrap(), 96);
    socket.set_tos(0).unwrap();
    assert_eq!(socket.tos().unwrap(), 0);
    assert!(format!("{socket:?}").starts_with("TcpSocket"));
    if let Some(socket) = new_v6() {
        socket.set_tclass_v6(96).unwrap();
        assert_eq!(socket.tclass_v6().unwrap(), 96);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_device_that_is_not_there_is_refused() {
    let socket = TcpSocket::new_v4().unwrap();
    assert_eq!(socket.device().unwrap(), None);
    socket.bind_device(Some(b"not-a-device")).unwrap_err();
    assert_eq!(socket.device().unwrap(), None);
}

#[unstuck::test]
async fn a_connection_has_the_options_of_its_socket() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_nodelay(true).unwrap();
    let stream = socket.connect(listener.local_addr().unwrap()).await.unwrap();
    assert!(stream.nodelay().unwrap());
}

#[unstuck::test]
async fn sockets_of_others_are_taken_over() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();

    let made = TcpSocket::new_v4().unwrap();
    made.set_nodelay(true).unwrap();
    assert_eq!(made.as_fd().as_raw_fd(), made.as_raw_fd());
    let number = made.as_raw_fd();
    let fd = made.into_raw_fd();
    assert_eq!(fd, number);
    // SAFETY: it was given away just now.
    let socket = unsafe { TcpSocket::from_raw_fd(fd) };
    assert!(socket.nodelay().unwrap());
    // SAFETY: as above.
    let owned = unsafe { OwnedFd::from_raw_fd(socket.into_raw_fd()) };
    let socket = TcpSocket::from_std_stream(std::net::TcpStream::from(owned));
    let stream = socket.connect(address).await.unwrap();
    assert_eq!(stream.as_raw_fd(), number);
    assert_eq!(listener.accept().await.unwrap().1, stream.local_addr().unwrap());
}

#[test]
fn a_socket_belongs_to_the_runtime_in_which_it_connects() {
    let runtime = || Builder::new_current_thread().enable_all().build().unwrap();
    let (first, second) = (runtime(), runtime());
    let (listener, socket) = first.block_on(async {
        let listener = TcpSocket::new_v4().unwrap();
        listener.bind(loopback()).unwrap();
        (listener, TcpSocket::new_v4().unwrap())
    });
    drop(first);
    second.block_on(async {
        let listener = listener.listen(16).unwrap();
        let (client, server) = unstuck::join!(socket.connect(listener.local_addr().unwrap()), listener.accept());
        client.unwrap().write_all(b"x").await.unwrap();
        server.unwrap().0.read_u8().await.unwrap();
    });
}

#[test]
#[should_panic(expected = "there is no reactor running")]
fn listening_outside_a_runtime_tells_what_to_do() {
    let _ = TcpSocket::new_v4().unwrap().listen(1);
}

#[test]
fn futures_and_sockets_cross_threads_and_panics() {
    fn check<T: Send + Sync + Unpin + std::panic::UnwindSafe + std::panic::RefUnwindSafe>() {}
    fn check_future<T: Send + Sync>(_: &T) {}
    check::<TcpSocket>();
    check_future(&TcpSocket::new_v4().unwrap().connect(loopback()));
}

#[cfg(feature = "sim")]
mod simulated {
    use super::*;
    use unstuck::sim;

    #[test]
    fn all_of_it_works_on_every_seed() {
        for seed in 0..20 {
            sim::run(seed, bound_listens_and_connects);
        }
    }

    #[test]
    fn taken_addresses_and_other_families_are_refused() {
        sim::run(1, || async {
            let address: SocketAddr = "10.0.0.1:80".parse().unwrap();
            let (one, other) = (TcpSocket::new_v4().unwrap(), TcpSocket::new_v4().unwrap());
            one.bind(address).unwrap();
            assert_eq!(other.bind(address).unwrap_err().kind(), ErrorKind::AddrInUse);
            assert_eq!(TcpListener::bind(address).await.unwrap_err().kind(), ErrorKind::AddrInUse);
            one.set_reuseaddr(true).unwrap();
            other.set_reuseaddr(true).unwrap();
            other.bind(address).unwrap();
            let _listener = one.listen(1).unwrap();
            assert_eq!(other.listen(1).unwrap_err().kind(), ErrorKind::AddrInUse);

            let other = TcpSocket::new_v4().unwrap();
            assert_eq!(other.bind("[::1]:0".parse().unwrap()).unwrap_err().kind(), ErrorKind::InvalidInput);
            let connecting = other.connect("[::1]:80".parse().unwrap());
            assert_eq!(connecting.await.unwrap_err().kind(), ErrorKind::InvalidInput);
            let clothed = TcpSocket::new_v6().unwrap().connect("[::ffff:10.0.0.1]:80".parse().unwrap());
            assert_eq!(clothed.await.unwrap().peer_addr().unwrap(), "[::ffff:10.0.0.1]:80".parse().unwrap());
        });
    }

    #[test]
    fn what_makes_no_sense_says_so() {
        sim::run(1, || async {
            let socket = TcpSocket::new_v4().unwrap();
            assert_eq!(socket.bind_device(Some(b"eth0")).unwrap_err().kind(), ErrorKind::Unsupported);
            socket.bind_device(None).unwrap();
            assert_eq!(socket.device().unwrap(), None);
            socket.set_tos_v4(96).unwrap();
            assert_eq!(socket.tos_v4().unwrap(), 96);
        });
    }

    #[test]
    #[should_panic(expected = "a simulated socket has no file descriptor")]
    fn there_is_no_descriptor() {
        sim::run(1, || async { TcpSocket::new_v4().unwrap().into_raw_fd() });
    }

    #[test]
    fn a_real_socket_becomes_a_simulated_one() {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_nodelay(true).unwrap();
        sim::run(1, || async {
            let listener = TcpListener::bind("10.0.0.1:80").await.unwrap();
            let stream: TcpStream = socket.connect("10.0.0.1:80".parse().unwrap()).await.unwrap();
            assert!(stream.nodelay().unwrap());
            assert_eq!(listener.accept().await.unwrap().1, stream.local_addr().unwrap());
        });
    }
}
