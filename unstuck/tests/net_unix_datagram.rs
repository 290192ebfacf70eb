//! Unix datagrams.

use std::future::poll_fn;
use std::io::{self, ErrorKind};
use std::net::Shutdown;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Waker};

use unstuck::io::{Interest, ReadBuf};
use unstuck::net::UnixDatagram;

/// An address that nobody has, and that is no file.
fn address() -> PathBuf {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    format!("\0unstuck-datagram-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed)).into()
}

fn would_block<T: std::fmt::Debug>(result: io::Result<T>) {
    assert_eq!(result.unwrap_err().kind(), ErrorKind::WouldBlock);
}

#[unstuck::test]
async fn datagrams_name_their_sender() {
    let (a_address, b_address) = (address(), address());
    let (a, b) = (UnixDatagram::bind(&a_address).unwrap(), UnixDatagram::bind(&b_address).unwrap());
    assert_eq!(a.send_to(b"hello", &b_address).await.unwrap(), 5);
    let mut buf = [0; 16];
    let (len, sender) = b.recv_from(&mut buf).await.unwrap();
    assert_eq!(&buf[..len], b"hello");
    let name = sender.as_abstract_name().unwrap();
    assert_eq!(name, &a_address.as_os_str().as_encoded_bytes()[1..]);

    UnixDatagram::unbound().unwrap().send_to(b"", &b_address).await.unwrap();
    let (len, sender) = b.recv_from(&mut buf).await.unwrap();
    assert!(len == 0 && sender.is_unnamed(), "an empty datagram is one, too");
}

#[unstuck::test]
async fn a_path_is_a_file_that_stays() {
    let path = std::env::temp_dir().join(format!("unstuck-datagram-{}", std::process::id()));
    let socket = UnixDatagram::bind(&path).unwrap();
    assert_eq!(socket.local_addr().unwrap().as_pathname(), Some(path.as_path()));
    assert_eq!(UnixDatagram::bind(&path).unwrap_err().kind(), ErrorKind::AddrInUse);
    drop(socket);
    let error = UnixDatagram::unbound().unwrap().send_to(b"x", &path).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    std::fs::remove_file(path).unwrap();
}

#[unstuck::test]
async fn a_connected_socket_names_its_peer_once() {
    let server_address = address();
    let server = UnixDatagram::bind(&server_address).unwrap();
    let client = UnixDatagram::unbound().unwrap();
    assert_eq!(client.peer_addr().unwrap_err().kind(), ErrorKind::NotConnected);
    assert_eq!(client.connect(address()).unwrap_err().kind(), ErrorKind::ConnectionRefused);
    client.connect(&server_address).unwrap();
    assert!(client.peer_addr().unwrap().as_abstract_name().is_some());
    client.send(b"one").await.unwrap();
    client.try_send(b"two").unwrap();
    poll_fn(|cx| client.poll_send(cx, b"three")).await.unwrap();
    for expected in [&b"one"[..], b"two", b"three"] {
        let mut buf = Vec::with_capacity(8);
        server.recv_buf(&mut buf).await.unwrap();
        assert_eq!(buf, expected);
    }
    assert!(client.take_error().unwrap().is_none());
}

#[unstuck::test]
async fn every_way_to_receive() {
    let target = address();
    let receiver = UnixDatagram::bind(&target).unwrap();
    let sender = UnixDatagram::unbound().unwrap();
    would_block(receiver.try_recv(&mut [0; 8]));
    for _ in 0..4 {
        sender.try_send_to(b"a long one", &target).unwrap();
        poll_fn(|cx| sender.poll_send_to(cx, b"short", &target)).await.unwrap();
    }
    let mut buf = [0; 6];
    receiver.readable().await.unwrap();
    assert_eq!(receiver.try_recv(&mut buf).unwrap(), 6, "the rest is lost");
    assert_eq!(receiver.recv(&mut buf).await.unwrap(), 5);
    assert!(receiver.try_recv_from(&mut buf).unwrap().1.is_unnamed());
    assert_eq!(&buf, b"a long");

    let mut vec = Vec::with_capacity(16);
    receiver.try_recv_buf(&mut vec).unwrap();
    receiver.recv_buf_from(&mut vec).await.unwrap();
    assert_eq!(vec, b"shorta long one");
    vec.clear();
    receiver.try_recv_buf_from(&mut vec).unwrap();
    assert_eq!(vec, b"short");

    let mut memory = [0; 16];
    let mut read = ReadBuf::new(&mut memory);
    poll_fn(|cx| receiver.poll_recv(cx, &mut read)).await.unwrap();
    poll_fn(|cx| receiver.poll_recv_from(cx, &mut read)).await.unwrap();
    assert_eq!(read.filled(), b"a long oneshort");

    would_block(receiver.try_recv_from(&mut buf));
    assert!(receiver.poll_recv_ready(&mut Context::from_waker(Waker::noop())).is_pending());
}

#[unstuck::test]
async fn a_sender_waits_until_the_receiver_has_room() {
    let (a, b) = UnixDatagram::pair().unwrap();
    let mut sent = 0_u32;
    while a.try_send(&sent.to_le_bytes()).is_ok() {
        sent += 1;
    }
    assert!(a.poll_send_ready(&mut Context::from_waker(Waker::noop())).is_pending());
    let a = Arc::new(a);
    let more = unstuck::spawn({
        let a = a.clone();
        async move { a.send(&sent.to_le_bytes()).await }
    });
    for expected in 0..=sent {
        let mut buf = [0; 4];
        b.recv(&mut buf).await.unwrap();
        assert_eq!(u32::from_le_bytes(buf), expected);
    }
    more.await.unwrap().unwrap();
    a.writable().await.unwrap();
}

#[unstuck::test]
async fn a_pair_can_send_at_once() {
    let (a, b) = UnixDatagram::pair().unwrap();
    assert!(a.poll_send_ready(&mut Context::from_waker(Waker::noop())).is_ready(), "without an event");
    a.try_send(b"x").unwrap();
    assert!(b.ready(Interest::READABLE).await.unwrap().is_readable());
    let mut tries = 0;
    b.async_io(Interest::READABLE, || {
        tries += 1;
        if tries == 1 { Ok(()) } else { Err(ErrorKind::WouldBlock.into()) }
    })
    .await
    .unwrap();
    b.try_io(Interest::READABLE, || io::Result::<()>::Err(ErrorKind::WouldBlock.into())).unwrap_err();
    would_block(b.try_recv(&mut [0; 1]));
}

#[unstuck::test]
async fn a_shutdown_ends_the_waits() {
    let (a, _b) = UnixDatagram::pair().unwrap();
    let a = Arc::new(a);
    let waiting = unstuck::spawn({
        let a = a.clone();
        async move { a.recv(&mut [0; 1]).await }
    });
    unstuck::task::yield_now().await;
    a.shutdown(Shutdown::Read).unwrap();
    assert_eq!(waiting.await.unwrap().unwrap(), 0);
    let (len, sender) = a.recv_from(&mut [0; 1]).await.unwrap();
    assert!(len == 0 && sender.is_unnamed());
}

#[unstuck::test]
async fn to_std_and_back() {
    let (a, b) = UnixDatagram::pair().unwrap();
    let a = UnixDatagram::try_from(a.into_std().unwrap()).unwrap();
    a.send(b"x").await.unwrap();
    assert_eq!(b.recv(&mut [0; 4]).await.unwrap(), 1);
}
