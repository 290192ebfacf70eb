//! Sockets: addresses that are none, families that do not fit, sockets in the wrong state.

use std::io::ErrorKind;
use std::net::{self, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::pin;
use std::task::{Context, Waker};

use unstuck::net::{TcpListener, TcpSocket, TcpStream, UdpSocket, lookup_host};
use unstuck::runtime::Builder;

use crate::blame::{refused, run};
use crate::common::{both, current_thread};

const NOWHERE: &[SocketAddr] = &[];

fn v4() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, 0).into()
}

fn v6() -> SocketAddr {
    (Ipv6Addr::LOCALHOST, 0).into()
}

#[test]
fn an_address_that_is_none_is_an_error() {
    for runtime in both() {
        run(&runtime, async {
            for text in ["", ":", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:http"] {
                assert_eq!(TcpListener::bind(text).await.unwrap_err().kind(), ErrorKind::InvalidInput, "{text:?}");
                assert_eq!(TcpStream::connect(text).await.unwrap_err().kind(), ErrorKind::InvalidInput, "{text:?}");
                assert_eq!(UdpSocket::bind(text).await.unwrap_err().kind(), ErrorKind::InvalidInput, "{text:?}");
                let looked_up = lookup_host(text).await.map(|_addresses| ());
                assert_eq!(looked_up.unwrap_err().kind(), ErrorKind::InvalidInput, "{text:?}");
            }
            assert_eq!(TcpListener::bind(NOWHERE).await.unwrap_err().kind(), ErrorKind::InvalidInput);
            assert_eq!(TcpStream::connect(NOWHERE).await.unwrap_err().kind(), ErrorKind::InvalidInput);
            assert_eq!(UdpSocket::bind(NOWHERE).await.unwrap_err().kind(), ErrorKind::InvalidInput);
            let socket = UdpSocket::bind(v4()).await.unwrap();
            assert_eq!(socket.connect(NOWHERE).await.unwrap_err().kind(), ErrorKind::InvalidInput);
            assert_eq!(socket.send_to(b"x", NOWHERE).await.unwrap_err().kind(), ErrorKind::InvalidInput);
            assert_eq!(lookup_host(NOWHERE).await.unwrap().count(), 0);
            assert!(lookup_host(("a\0b", 1)).await.is_err());
        });
    }
}

#[test]
fn an_address_of_others_can_not_be_bound() {
    run(&current_thread(), async {
        // For documentation only: no machine has it.
        let elsewhere: SocketAddr = "192.0.2.1:0".parse().unwrap();
        assert_eq!(TcpListener::bind(elsewhere).await.unwrap_err().kind(), ErrorKind::AddrNotAvailable);
        assert_eq!(UdpSocket::bind(elsewhere).await.unwrap_err().kind(), ErrorKind::AddrNotAvailable);
        let listener = TcpListener::bind(v4()).await.unwrap();
        let taken = listener.local_addr().unwrap();
        assert_eq!(TcpListener::bind(taken).await.unwrap_err().kind(), ErrorKind::AddrInUse);
        let socket = UdpSocket::bind(v4()).await.unwrap();
        let taken = socket.local_addr().unwrap();
        assert_eq!(UdpSocket::bind(taken).await.unwrap_err().kind(), ErrorKind::AddrInUse);
    });
}

#[test]
fn a_socket_is_of_one_family() {
    run(&current_thread(), async {
        TcpSocket::new_v4().unwrap().bind(v6()).unwrap_err();
        TcpSocket::new_v4().unwrap().connect("[::1]:1".parse().unwrap()).await.unwrap_err();
        let socket = UdpSocket::bind(v4()).await.unwrap();
        socket.connect("[::1]:1").await.unwrap_err();
        socket.send_to(b"x", "[::1]:1").await.unwrap_err();
        socket.set_multicast_loop_v6(true).unwrap_err();
        socket.join_multicast_v6(&Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0xfb), 0).unwrap_err();
        socket.leave_multicast_v6(&Ipv6Addr::LOCALHOST, 0).unwrap_err();
        socket.join_multicast_v4(Ipv4Addr::LOCALHOST, Ipv4Addr::LOCALHOST).unwrap_err();
        socket.leave_multicast_v4(Ipv4Addr::new(239, 7, 7, 7), Ipv4Addr::LOCALHOST).unwrap_err();
    });
}

#[test]
fn a_socket_is_bound_once_and_only_what_is_listens() {
    run(&current_thread(), async {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(v4()).unwrap();
        assert_eq!(socket.bind(v4()).unwrap_err().kind(), ErrorKind::InvalidInput);
        let listener = socket.listen(0).unwrap();
        // A queue of no length is as short as the system has it.
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        listener.accept().await.unwrap();
        drop(client);
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(v4()).unwrap();
        socket.listen(u32::MAX).unwrap();
    });
}

#[test]
fn options_out_of_range_are_errors() {
    run(&current_thread(), async {
        let listener = TcpListener::bind(v4()).await.unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        for ttl in [0, 256] {
            assert_eq!(listener.set_ttl(ttl).unwrap_err().kind(), ErrorKind::InvalidInput, "{ttl}");
            assert_eq!(stream.set_ttl(ttl).unwrap_err().kind(), ErrorKind::InvalidInput, "{ttl}");
        }
        let socket = UdpSocket::bind(v4()).await.unwrap();
        assert_eq!(socket.set_ttl(256).unwrap_err().kind(), ErrorKind::InvalidInput);
        assert_eq!(socket.set_multicast_ttl_v4(256).unwrap_err().kind(), ErrorKind::InvalidInput);
        #[cfg(target_os = "linux")]
        {
            socket.bind_device(Some(b"no-such-device")).unwrap_err();
            socket.bind_device(Some(&[b'x'; 100])).unwrap_err();
            TcpSocket::new_v4().unwrap().bind_device(Some(b"no-such-device")).unwrap_err();
        }
        // The system takes the nearest that it can.
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_send_buffer_size(0).unwrap();
        assert!(socket.send_buffer_size().unwrap() > 0);
        socket.set_recv_buffer_size(0).unwrap();
        assert!(socket.recv_buffer_size().unwrap() > 0);
    });
}

#[test]
fn a_datagram_needs_a_receiver_and_fits_its_size() {
    run(&current_thread(), async {
        let socket = UdpSocket::bind(v4()).await.unwrap();
        socket.send(b"x").await.unwrap_err();
        socket.try_send(b"x").unwrap_err();
        assert_eq!(socket.peer_addr().unwrap_err().kind(), ErrorKind::NotConnected);
        let peer = UdpSocket::bind(v4()).await.unwrap();
        socket.send_to(&[0; 70_000], peer.local_addr().unwrap()).await.unwrap_err();
        // One of nothing is one.
        assert_eq!(socket.send_to(b"", peer.local_addr().unwrap()).await.unwrap(), 0);
        assert_eq!(peer.recv_from(&mut [0; 1]).await.unwrap(), (0, socket.local_addr().unwrap()));
    });
}

#[test]
fn halves_of_two_streams_do_not_become_one() {
    run(&current_thread(), async {
        let listener = TcpListener::bind(v4()).await.unwrap();
        let address = listener.local_addr().unwrap();
        let one = TcpStream::connect(address).await.unwrap();
        let other = TcpStream::connect(address).await.unwrap();
        let ((read, _write), (_read, write)) = (one.into_split(), other.into_split());
        let error = read.reunite(write).unwrap_err();
        assert!(error.to_string().contains("not from the same socket"), "{error}");
    });
}

#[test]
fn a_socket_of_std_needs_a_runtime_with_io() {
    adopting_is_refused("there is no reactor running");
    let runtime = Builder::new_current_thread().enable_time().build().unwrap();
    let _guard = runtime.enter();
    adopting_is_refused("`enable_io`");
}

fn adopting_is_refused(says: &str) {
    let listener = non_blocking_listener();
    let stream = net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    stream.set_nonblocking(true).unwrap();
    refused(says, || drop(TcpStream::from_std(stream)));
    refused(says, || drop(TcpListener::from_std(listener)));
    refused(says, || drop(UdpSocket::from_std(non_blocking_datagrams())));
}

fn non_blocking_listener() -> net::TcpListener {
    let listener = net::TcpListener::bind(v4()).unwrap();
    listener.set_nonblocking(true).unwrap();
    listener
}

fn non_blocking_datagrams() -> net::UdpSocket {
    let socket = net::UdpSocket::bind(v4()).unwrap();
    socket.set_nonblocking(true).unwrap();
    socket
}

#[test]
fn listening_outside_a_runtime_is_refused_at_the_users_line() {
    let says = "there is no reactor running";
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(v4()).unwrap();
    refused(says, || drop(socket.listen(1)));
    let mut cx = Context::from_waker(Waker::noop());
    refused(says, || _ = pin!(TcpSocket::new_v4().unwrap().connect(v4())).poll(&mut cx));
    refused(says, || _ = pin!(TcpListener::bind(v4())).poll(&mut cx));
    refused(says, || _ = pin!(TcpStream::connect(v4())).poll(&mut cx));
    refused(says, || _ = pin!(UdpSocket::bind(v4())).poll(&mut cx));
    refused(says, || _ = pin!(TcpStream::connect("localhost:1")).poll(&mut cx));
    refused(says, || drop(pin!(lookup_host("localhost:1")).poll(&mut cx)));
}
