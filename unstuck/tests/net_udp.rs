//! UDP over the loopback.

use std::future::poll_fn;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::os::fd::{AsFd, AsRawFd};
use std::sync::Arc;

use unstuck::io::{Interest, ReadBuf};
use unstuck::net::UdpSocket;
use unstuck::time::{Duration, timeout};

async fn socket() -> UdpSocket {
    UdpSocket::bind("127.0.0.1:0").await.unwrap()
}

/// Two sockets that are connected to each other.
async fn pair() -> (UdpSocket, UdpSocket) {
    let (a, b) = (socket().await, socket().await);
    a.connect(b.local_addr().unwrap()).await.unwrap();
    b.connect(a.local_addr().unwrap()).await.unwrap();
    (a, b)
}

#[unstuck::test]
async fn datagrams_name_their_sender() {
    let (a, b) = (socket().await, socket().await);
    assert_eq!(a.send_to(b"hello", b.local_addr().unwrap()).await.unwrap(), 5);
    let mut buf = [0; 16];
    let (len, sender) = b.recv_from(&mut buf).await.unwrap();
    assert_eq!((&buf[..len], sender), (&b"hello"[..], a.local_addr().unwrap()));
    assert_eq!(b.send_to(b"", sender).await.unwrap(), 0);
    assert_eq!(a.recv_from(&mut buf).await.unwrap().0, 0, "an empty datagram is one, too");
}

#[unstuck::test]
async fn a_connected_socket_talks_to_its_peer_alone() {
    let (a, b) = pair().await;
    let stranger = socket().await;
    stranger.send_to(b"psst", a.local_addr().unwrap()).await.unwrap();
    b.send(b"hello").await.unwrap();
    let mut buf = [0; 16];
    assert_eq!(a.recv(&mut buf).await.unwrap(), 5);
    assert_eq!(a.try_recv(&mut buf).unwrap_err().kind(), ErrorKind::WouldBlock);
    assert_eq!(a.peer_addr().unwrap(), b.local_addr().unwrap());
    assert_eq!(stranger.peer_addr().unwrap_err().kind(), ErrorKind::NotConnected);
}

#[unstuck::test]
async fn a_datagram_that_does_not_fit_loses_its_end() {
    let (a, b) = pair().await;
    a.send(b"a long one").await.unwrap();
    a.send(b"next").await.unwrap();
    let mut buf = [0; 6];
    assert_eq!(b.recv(&mut buf).await.unwrap(), 6);
    assert_eq!(&buf, b"a long");
    assert_eq!(b.recv(&mut buf).await.unwrap(), 4);
}

#[unstuck::test]
async fn receiving_into_buffers_that_have_room() {
    let (a, b) = pair().await;
    let mut buf = b"> ".to_vec();
    buf.reserve(32);
    a.send(b"one").await.unwrap();
    assert_eq!(b.recv_buf(&mut buf).await.unwrap(), 3);
    a.send(b"two").await.unwrap();
    assert_eq!(b.recv_buf_from(&mut buf).await.unwrap(), (3, a.local_addr().unwrap()));
    a.send(b"three").await.unwrap();
    b.readable().await.unwrap();
    assert_eq!(b.try_recv_buf(&mut buf).unwrap(), 5);
    a.send(b"four").await.unwrap();
    b.readable().await.unwrap();
    assert_eq!(b.try_recv_buf_from(&mut buf).unwrap(), (4, a.local_addr().unwrap()));
    assert_eq!(buf, b"> onetwothreefour");
}

#[unstuck::test]
async fn peeking_leaves_the_datagram() {
    let (a, b) = pair().await;
    let from_a = a.local_addr().unwrap();
    a.send(b"peek").await.unwrap();
    let mut buf = [0; 8];
    assert_eq!(b.peek(&mut buf).await.unwrap(), 4);
    assert_eq!(b.peek_from(&mut buf).await.unwrap(), (4, from_a));
    assert_eq!(b.peek_sender().await.unwrap(), from_a);
    assert_eq!(b.try_peek(&mut buf).unwrap(), 4);
    assert_eq!(b.try_peek_from(&mut buf).unwrap(), (4, from_a));
    assert_eq!(b.try_peek_sender().unwrap(), from_a);
    assert_eq!(poll_fn(|cx| b.poll_peek_sender(cx)).await.unwrap(), from_a);
    let mut filled = ReadBuf::new(&mut buf);
    poll_fn(|cx| b.poll_peek(cx, &mut filled)).await.unwrap();
    assert_eq!(poll_fn(|cx| b.poll_peek_from(cx, &mut filled)).await.unwrap(), from_a);
    assert_eq!(filled.filled(), b"peekpeek");
    assert_eq!(b.recv(&mut [0; 8]).await.unwrap(), 4);
    assert_eq!(b.try_peek_sender().unwrap_err().kind(), ErrorKind::WouldBlock);
}

#[unstuck::test]
async fn polling_receives_and_sends() {
    let (a, b) = pair().await;
    let target = b.local_addr().unwrap();
    poll_fn(|cx| a.poll_send_ready(cx)).await.unwrap();
    assert_eq!(poll_fn(|cx| a.poll_send(cx, b"one")).await.unwrap(), 3);
    let mut buf = [0; 16];
    let mut filled = ReadBuf::new(&mut buf);
    poll_fn(|cx| b.poll_recv_ready(cx)).await.unwrap();
    poll_fn(|cx| b.poll_recv(cx, &mut filled)).await.unwrap();
    let c = socket().await;
    let stranger = socket().await;
    assert_eq!(poll_fn(|cx| stranger.poll_send_to(cx, b"two", c.local_addr().unwrap())).await.unwrap(), 3);
    assert_eq!(poll_fn(|cx| c.poll_recv_from(cx, &mut filled)).await.unwrap(), stranger.local_addr().unwrap());
    assert_eq!(filled.filled(), b"onetwo");
    assert_eq!(a.peer_addr().unwrap(), target);
}

#[unstuck::test]
async fn trying_says_when_it_would_have_to_wait() {
    let (a, b) = pair().await;
    let mut buf = [0; 16];
    assert_eq!(b.try_recv_from(&mut buf).unwrap_err().kind(), ErrorKind::WouldBlock);
    a.writable().await.unwrap();
    assert_eq!(a.try_send(b"now").unwrap(), 3);
    b.readable().await.unwrap();
    assert_eq!(b.try_recv(&mut buf).unwrap(), 3);

    let (c, d) = (socket().await, socket().await);
    c.writable().await.unwrap();
    assert_eq!(c.try_send_to(b"to you", d.local_addr().unwrap()).unwrap(), 6);
    assert!(d.ready(Interest::READABLE).await.unwrap().is_readable());
    assert_eq!(d.try_recv_from(&mut buf).unwrap(), (6, c.local_addr().unwrap()));

    let untouched = d.try_io(Interest::READABLE, || Err::<(), _>(ErrorKind::WouldBlock.into()));
    assert_eq!(untouched.unwrap_err().kind(), ErrorKind::WouldBlock);
    assert_eq!(d.async_io(Interest::WRITABLE, || Ok(5)).await.unwrap(), 5);
}

#[unstuck::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_socket_serves_several_tasks() {
    let (a, b) = pair().await;
    let (a, b) = (Arc::new(a), Arc::new(b));
    let echo = unstuck::spawn(async move {
        let mut buf = [0; 16];
        loop {
            let len = b.recv(&mut buf).await.unwrap();
            b.send(&buf[..len]).await.unwrap();
        }
    });
    let sending = unstuck::spawn({
        let a = a.clone();
        async move {
            for n in 0..50_u8 {
                a.send(&[n]).await.unwrap();
                unstuck::task::yield_now().await;
            }
        }
    });
    let mut buf = [0; 16];
    for n in 0..50 {
        assert_eq!(a.recv(&mut buf).await.unwrap(), 1);
        assert_eq!(buf[0], n, "the loopback keeps the order");
    }
    sending.await.unwrap();
    echo.abort();
}

#[unstuck::test]
async fn cancelled_receiving_loses_no_datagram() {
    let (a, b) = pair().await;
    let mut buf = [0; 16];
    assert!(timeout(Duration::from_millis(2), b.recv(&mut buf)).await.is_err());
    a.send(b"late").await.unwrap();
    assert_eq!(b.recv(&mut buf).await.unwrap(), 4);
}

#[unstuck::test]
async fn options_are_what_was_set() {
    let a = socket().await;
    assert!(!a.broadcast().unwrap());
    a.set_broadcast(true).unwrap();
    assert!(a.broadcast().unwrap());
    a.set_ttl(44).unwrap();
    assert_eq!(a.ttl().unwrap(), 44);
    assert!(a.take_error().unwrap().is_none());
    assert_eq!(a.as_fd().as_raw_fd(), a.as_raw_fd());
    a.set_tos_v4(96).unwrap();
    assert_eq!(a.tos_v4().unwrap(), 96);
    #[expect(deprecated, reason = "they are still there")]
    {
        a.set_tos(0).unwrap();
        assert_eq!(a.tos().unwrap(), 0);
    }
    // A machine may have no IPv6.
    if let Ok(b) = UdpSocket::bind("[::1]:0").await {
        b.set_tclass_v6(96).unwrap();
        assert_eq!(b.tclass_v6().unwrap(), 96);
        assert!(b.multicast_loop_v6().unwrap());
        b.set_multicast_loop_v6(false).unwrap();
        assert!(!b.multicast_loop_v6().unwrap());
    }
}

#[cfg(target_os = "linux")]
#[unstuck::test]
async fn a_device_that_is_not_there_is_refused() {
    let a = socket().await;
    assert_eq!(a.device().unwrap(), None);
    a.bind_device(Some(b"not-a-device")).unwrap_err();
    a.bind_device(None).unwrap();
}

#[unstuck::test]
async fn who_joins_a_group_hears_what_is_sent_to_it() {
    let (group, interface) = (Ipv4Addr::new(239, 255, 7, 9), Ipv4Addr::LOCALHOST);
    let listening = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).await.unwrap();
    // A machine may have no multicast on its loopback.
    let Ok(()) = listening.join_multicast_v4(group, interface) else { return };
    let port = listening.local_addr().unwrap().port();
    let speaking = socket().await;
    assert!(speaking.multicast_loop_v4().unwrap());
    assert_eq!(speaking.multicast_ttl_v4().unwrap(), 1);
    speaking.set_multicast_ttl_v4(0).unwrap();
    assert_eq!(speaking.multicast_ttl_v4().unwrap(), 0, "it does not leave the machine");
    if speaking.send_to(b"to all", (group, port)).await.is_ok() {
        let mut buf = [0; 16];
        let (len, sender) = listening.recv_from(&mut buf).await.unwrap();
        assert_eq!((&buf[..len], sender), (&b"to all"[..], speaking.local_addr().unwrap()));
    }
    speaking.set_multicast_loop_v4(false).unwrap();
    assert!(!speaking.multicast_loop_v4().unwrap());
    listening.leave_multicast_v4(group, interface).unwrap();
    listening.leave_multicast_v4(group, interface).unwrap_err();
    listening.join_multicast_v4(Ipv4Addr::LOCALHOST, interface).unwrap_err();
    listening.join_multicast_v6(&Ipv6Addr::LOCALHOST, 0).unwrap_err();
    listening.leave_multicast_v6(&Ipv6Addr::LOCALHOST, 0).unwrap_err();
}

#[unstuck::test]
async fn a_new_socket_sends_before_any_event() {
    let (a, b) = pair().await;
    assert_eq!(a.try_send(b"now").unwrap(), 3);
    assert_eq!(b.recv(&mut [0; 8]).await.unwrap(), 3);
}

#[cfg(feature = "sim")]
#[test]
fn a_simulated_socket_has_options_and_no_multicast() {
    unstuck::sim::run(1, || async {
        let a = UdpSocket::bind("10.0.0.1:7").await.unwrap();
        a.set_multicast_ttl_v4(3).unwrap();
        assert_eq!(a.multicast_ttl_v4().unwrap(), 3);
        let error = a.join_multicast_v4(Ipv4Addr::new(239, 1, 1, 1), Ipv4Addr::UNSPECIFIED).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
    });
}

#[unstuck::test]
async fn sockets_of_std_come_in_and_go_out() {
    let std_socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    std_socket.set_nonblocking(true).unwrap();
    let address = std_socket.local_addr().unwrap();
    let a = UdpSocket::from_std(std_socket).unwrap();
    let b = socket().await;
    b.send_to(b"x", address).await.unwrap();
    assert_eq!(a.recv(&mut [0; 1]).await.unwrap(), 1);
    assert_eq!(a.into_std().unwrap().local_addr().unwrap(), address);
}

#[unstuck::test]
async fn a_target_without_an_address_is_refused() {
    let nowhere: &[std::net::SocketAddr] = &[];
    let a = socket().await;
    assert_eq!(a.send_to(b"x", nowhere).await.unwrap_err().kind(), ErrorKind::InvalidInput);
    assert_eq!(a.connect(nowhere).await.unwrap_err().kind(), ErrorKind::InvalidInput);
}
