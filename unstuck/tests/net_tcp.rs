//! TCP over the loopback.

use std::io::{ErrorKind, IoSlice, IoSliceMut, Read, Write};
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd};
use std::pin::Pin;
use std::sync::Arc;

use unstuck::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt, Interest, ReadBuf, copy};
use unstuck::net::{TcpListener, TcpStream, lookup_host};
use unstuck::runtime::Builder;
use unstuck::task::JoinSet;
use unstuck::time::{Duration, timeout};

async fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// Both ends of a connection.
async fn pair() -> (TcpStream, TcpStream) {
    let (listener, address) = listener().await;
    let (client, server) = unstuck::join!(TcpStream::connect(address), listener.accept());
    (client.unwrap(), server.unwrap().0)
}

#[unstuck::test]
async fn what_one_end_writes_the_other_reads() {
    let (mut client, mut server) = pair().await;
    assert_eq!(client.peer_addr().unwrap(), server.local_addr().unwrap());
    assert_eq!(client.local_addr().unwrap(), server.peer_addr().unwrap());
    client.write_all(b"ping").await.unwrap();
    let mut buf = [0; 4];
    server.read_exact(&mut buf).await.unwrap();
    assert_eq!(&buf, b"ping");
    server.write_all(b"pong").await.unwrap();
    drop(server);
    let mut all = String::new();
    client.read_to_string(&mut all).await.unwrap();
    assert_eq!(all, "pong");
}

#[unstuck::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_echo_server_serves_many_at_a_time() {
    let (listener, address) = listener().await;
    let server = unstuck::spawn(async move {
        loop {
            let (connection, _) = listener.accept().await.unwrap();
            unstuck::spawn(async move {
                let (mut reader, mut writer) = connection.into_split();
                copy(&mut reader, &mut writer).await
            });
        }
    });
    let mut clients = JoinSet::new();
    for n in 0..32_u32 {
        clients.spawn(async move {
            let mut stream = TcpStream::connect(address).await.unwrap();
            for round in 0..20 {
                let message = format!("client {n}, round {round}");
                stream.write_all(message.as_bytes()).await.unwrap();
                let mut echo = vec![0; message.len()];
                stream.read_exact(&mut echo).await.unwrap();
                assert_eq!(echo, message.as_bytes());
            }
        });
    }
    clients.join_all().await;
    server.abort();
}

#[unstuck::test]
async fn more_than_the_sockets_hold_is_moved_piece_by_piece() {
    const LEN: usize = 8 << 20;
    let (mut client, mut server) = pair().await;
    let sent: Vec<u8> = (0..LEN).map(|n| (n / 7) as u8).collect();
    let expected = sent.clone();
    let (written, read) = unstuck::join!(
        async {
            client.write_all(&sent).await?;
            client.shutdown().await
        },
        async {
            let mut received = Vec::new();
            server.read_to_end(&mut received).await.map(|_| received)
        }
    );
    written.unwrap();
    assert!(read.unwrap() == expected);
}

#[unstuck::test]
async fn shutting_down_tells_the_peer_and_still_receives() {
    let (mut client, mut server) = pair().await;
    client.write_all(b"question").await.unwrap();
    client.shutdown().await.unwrap();
    client.shutdown().await.unwrap();
    let mut question = String::new();
    server.read_to_string(&mut question).await.unwrap();
    assert_eq!(question, "question");
    server.write_all(b"answer").await.unwrap();
    drop(server);
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.unwrap();
    assert_eq!(answer, "answer");
}

#[unstuck::test]
async fn a_refused_connection_is_an_error_and_the_next_address_is_tried() {
    let (gone, unused) = listener().await;
    drop(gone);
    assert_eq!(TcpStream::connect(unused).await.unwrap_err().kind(), ErrorKind::ConnectionRefused);

    let (listener, address) = listener().await;
    let stream = TcpStream::connect(&[unused, address][..]).await.unwrap();
    assert_eq!(stream.peer_addr().unwrap(), address);
    drop(listener);

    let nowhere: &[SocketAddr] = &[];
    assert_eq!(TcpStream::connect(nowhere).await.unwrap_err().kind(), ErrorKind::InvalidInput);
    assert_eq!(TcpStream::connect("no port").await.unwrap_err().kind(), ErrorKind::InvalidInput);
}

#[unstuck::test]
async fn names_are_looked_up() {
    let (listener, address) = listener().await;
    let found: Vec<_> = lookup_host(("localhost", address.port())).await.unwrap().collect();
    assert!(found.iter().all(|found| found.ip().is_loopback()) && !found.is_empty());
    let stream = TcpStream::connect(format!("localhost:{}", address.port())).await.unwrap();
    assert_eq!(stream.peer_addr().unwrap(), address);
    drop(listener);
}

#[unstuck::test]
async fn accepting_waits_for_a_connection_and_can_be_cancelled() {
    let (listener, address) = listener().await;
    assert!(timeout(Duration::from_millis(2), listener.accept()).await.is_err());
    let client = TcpStream::connect(address).await.unwrap();
    let (_server, peer) = listener.accept().await.unwrap();
    assert_eq!(peer, client.local_addr().unwrap());
}

#[unstuck::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_tasks_accept_from_one_listener() {
    let (listener, address) = listener().await;
    let listener = Arc::new(listener);
    let mut accepting = JoinSet::new();
    for _ in 0..4 {
        let listener = listener.clone();
        accepting.spawn(async move { listener.accept().await.unwrap().1 });
    }
    let mut clients = Vec::new();
    for _ in 0..4 {
        clients.push(TcpStream::connect(address).await.unwrap());
    }
    let mut peers = accepting.join_all().await;
    let mut expected: Vec<_> = clients.iter().map(|client| client.local_addr().unwrap()).collect();
    peers.sort();
    expected.sort();
    assert_eq!(peers, expected);
}

#[unstuck::test]
async fn a_listener_can_be_bound_again_at_once() {
    let (listener, address) = listener().await;
    let client = TcpStream::connect(address).await.unwrap();
    let (server, _) = listener.accept().await.unwrap();
    drop((server, client, listener));
    TcpListener::bind(address).await.unwrap();
}

#[unstuck::test]
async fn trying_says_when_it_would_have_to_wait() {
    let (client, server) = pair().await;
    let mut buf = [0; 16];
    assert_eq!(server.try_read(&mut buf).unwrap_err().kind(), ErrorKind::WouldBlock);

    client.writable().await.unwrap();
    assert_eq!(client.try_write(b"hello").unwrap(), 5);
    server.readable().await.unwrap();
    assert_eq!(server.try_read(&mut buf).unwrap(), 5);
    assert_eq!(&buf[..5], b"hello");
    assert_eq!(server.try_read(&mut buf).unwrap_err().kind(), ErrorKind::WouldBlock);

    let parts = [IoSlice::new(b"vec"), IoSlice::new(b"tored")];
    assert_eq!(client.try_write_vectored(&parts).unwrap(), 8);
    server.readable().await.unwrap();
    let (mut first, mut second) = ([0; 3], [0; 8]);
    let mut received = Vec::new();
    while received.len() < 8 {
        server.readable().await.unwrap();
        let mut parts = [IoSliceMut::new(&mut first), IoSliceMut::new(&mut second)];
        match server.try_read_vectored(&mut parts) {
            Ok(n) => {
                received.extend_from_slice(&first[..n.min(3)]);
                received.extend_from_slice(&second[..n.saturating_sub(3)]);
            }
            Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
        }
    }
    assert_eq!(received, b"vectored");

    client.try_write(b"appended").unwrap();
    server.readable().await.unwrap();
    let mut vec = b"is ".to_vec();
    vec.reserve(64);
    assert_eq!(server.try_read_buf(&mut vec).unwrap(), 8);
    assert_eq!(vec, b"is appended");
}

#[unstuck::test]
async fn a_full_socket_becomes_writable_when_the_peer_reads() {
    let (client, mut server) = pair().await;
    let chunk = vec![7; 1 << 16];
    let mut sent = 0;
    loop {
        match client.try_write(&chunk) {
            Ok(n) => sent += n,
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::WouldBlock);
                break;
            }
        }
    }
    assert!(timeout(Duration::from_millis(2), client.writable()).await.is_err());
    let mut received = vec![0; sent];
    let (writable, read) = unstuck::join!(client.writable(), server.read_exact(&mut received));
    writable.unwrap();
    read.unwrap();
    assert!(received.iter().all(|byte| *byte == 7));
}

#[unstuck::test]
async fn an_accepted_connection_is_tried_before_any_event() {
    let (listener, address) = listener().await;
    let mut client = std::net::TcpStream::connect(address).unwrap();
    client.write_all(b"first").unwrap();
    let (server, _) = listener.accept().await.unwrap();
    // The system may need a moment, but not the runtime: it is not asked in between.
    let mut buf = [0; 8];
    while socket2::SockRef::from(&server).peek(&mut [std::mem::MaybeUninit::uninit(); 8]).is_err() {
        std::thread::yield_now();
    }
    assert_eq!(server.try_read(&mut buf).unwrap(), 5);
    assert_eq!(server.try_write(b"answer").unwrap(), 6);
    assert_eq!(server.try_read(&mut buf).unwrap_err().kind(), ErrorKind::WouldBlock);
    client.write_all(b"more").unwrap();
    server.readable().await.unwrap();
    assert_eq!(server.try_read(&mut buf).unwrap(), 4);
}

#[unstuck::test]
async fn readiness_tells_for_what() {
    let (client, server) = pair().await;
    assert!(!client.ready(Interest::READABLE | Interest::WRITABLE).await.unwrap().is_readable());
    let assumed = server.ready(Interest::READABLE | Interest::WRITABLE).await.unwrap();
    assert!(assumed.is_writable() && assumed.is_readable());
    assert_eq!(server.try_read(&mut [0; 8]).unwrap_err().kind(), ErrorKind::WouldBlock);
    let ready = server.ready(Interest::READABLE | Interest::WRITABLE).await.unwrap();
    assert!(ready.is_writable() && !ready.is_readable());
    client.writable().await.unwrap();
    client.try_write(b"x").unwrap();
    assert!(server.ready(Interest::READABLE).await.unwrap().is_readable());
    drop(client);
    let mut buf = [0; 8];
    loop {
        let ready = server.ready(Interest::READABLE).await.unwrap();
        match server.try_read(&mut buf) {
            Ok(0) => break assert!(ready.is_readable()),
            Ok(_) => {}
            Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
        }
    }
}

#[unstuck::test]
async fn own_operations_follow_the_readiness() {
    let (client, server) = pair().await;
    assert_eq!(server.try_io(Interest::READABLE, || Ok("assumed")).unwrap(), "assumed");
    let nothing = server.try_io(Interest::READABLE, || Err::<(), _>(ErrorKind::WouldBlock.into()));
    assert_eq!(nothing.unwrap_err().kind(), ErrorKind::WouldBlock);
    let untouched = server.try_io(Interest::READABLE, || -> std::io::Result<()> { panic!("it is not ready") });
    assert_eq!(untouched.unwrap_err().kind(), ErrorKind::WouldBlock);
    client.try_io(Interest::WRITABLE, || Ok(())).unwrap();
    let mut calls = 0;
    let done = client.async_io(Interest::WRITABLE, || {
        calls += 1;
        Ok("done")
    });
    assert_eq!(done.await.unwrap(), "done");
    assert_eq!(calls, 1);
}

#[unstuck::test]
async fn peeking_leaves_the_data() {
    let (mut client, mut server) = pair().await;
    client.write_all(b"peek").await.unwrap();
    let mut buf = [0; 4];
    for _ in 0..2 {
        assert_eq!(server.peek(&mut buf[..2]).await.unwrap(), 2);
    }
    let mut first = [0; 2];
    let mut read_buf = ReadBuf::new(&mut first);
    std::future::poll_fn(|cx| server.poll_peek(cx, &mut read_buf)).await.unwrap();
    assert_eq!(read_buf.filled(), b"pe");
    server.read_exact(&mut buf).await.unwrap();
    assert_eq!(&buf, b"peek");
}

#[unstuck::test]
async fn a_vectored_read_fills_one_buffer_after_the_other() {
    let (mut client, server) = pair().await;
    client.write_all(b"one two three").await.unwrap();
    client.shutdown().await.unwrap();
    let mut received = Vec::new();
    loop {
        let (mut first, mut second, mut third) = ([0; 4], [0; 4], [0; 50]);
        let mut parts = [&mut first[..], &mut [], &mut second, &mut third].map(IoSliceMut::new);
        server.readable().await.unwrap();
        match server.try_read_vectored(&mut parts) {
            Ok(0) => break,
            Ok(n) => received.extend_from_slice(&[&first[..], &second, &third].concat()[..n]),
            Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
        }
    }
    assert_eq!(received, b"one two three");
}

#[unstuck::test]
#[expect(deprecated, reason = "`set_linger` is still there")]
async fn options_are_what_was_set() {
    let (listener, address) = listener().await;
    let client = TcpStream::connect(address).await.unwrap();
    for on in [true, false] {
        client.set_nodelay(on).unwrap();
        assert_eq!(client.nodelay().unwrap(), on);
    }
    client.set_quickack(true).unwrap();
    client.quickack().unwrap();
    client.set_ttl(33).unwrap();
    assert_eq!(client.ttl().unwrap(), 33);
    listener.set_ttl(34).unwrap();
    assert_eq!(listener.ttl().unwrap(), 34);
    assert_eq!(client.linger().unwrap(), None);
    client.set_zero_linger().unwrap();
    assert_eq!(client.linger().unwrap(), Some(Duration::ZERO));
    client.set_linger(None).unwrap();
    assert_eq!(client.linger().unwrap(), None);
    assert!(client.take_error().unwrap().is_none());
    assert_eq!(client.as_fd().as_raw_fd(), client.as_raw_fd());
    assert!(listener.as_raw_fd() != client.as_raw_fd());
}

#[unstuck::test]
async fn zero_linger_resets_the_connection() {
    let (client, mut server) = pair().await;
    client.set_zero_linger().unwrap();
    drop(client);
    assert_eq!(server.read(&mut [0; 1]).await.unwrap_err().kind(), ErrorKind::ConnectionReset);
}

#[unstuck::test]
async fn borrowed_halves_read_and_write_at_the_same_time() {
    let (mut client, mut server) = pair().await;
    let (mut reader, mut writer) = client.split();
    let echo = async {
        let mut buf = [0; 5];
        server.read_exact(&mut buf).await.unwrap();
        server.write_all(&buf).await.unwrap();
    };
    let mut buf = [0; 5];
    let ((), written, read) = unstuck::join!(echo, writer.write_all(b"split"), reader.read_exact(&mut buf));
    written.unwrap();
    read.unwrap();
    assert_eq!(&buf, b"split");
    assert_eq!(reader.local_addr().unwrap(), writer.local_addr().unwrap());
    assert_eq!(reader.peer_addr().unwrap(), writer.peer_addr().unwrap());
    writer.writable().await.unwrap();
    assert!(writer.ready(Interest::WRITABLE).await.unwrap().is_writable());
    assert_eq!(reader.try_read(&mut buf).unwrap_err().kind(), ErrorKind::WouldBlock);
    assert!(std::ptr::eq::<TcpStream>(reader.as_ref(), writer.as_ref()));
}

#[unstuck::test]
async fn owned_halves_go_to_different_tasks_and_come_back() {
    let (client, mut server) = pair().await;
    let (mut reader, mut writer) = client.into_split();
    let writing = unstuck::spawn(async move {
        writer.write_all(b"from another task").await.unwrap();
        writer
    });
    let mut buf = [0; 17];
    server.read_exact(&mut buf).await.unwrap();
    assert_eq!(&buf, b"from another task");
    server.write_all(b"x").await.unwrap();
    reader.readable().await.unwrap();
    assert_eq!(reader.read(&mut buf).await.unwrap(), 1);
    let writer = writing.await.unwrap();

    let (other, _) = pair().await;
    let (other_reader, other_writer) = other.into_split();
    let error = reader.reunite(other_writer).unwrap_err();
    assert!(error.to_string().contains("not from the same socket"));
    let (reader, other_writer) = (error.0, error.1);
    assert!(writer.reunite(other_reader).is_err());
    drop(other_writer);

    let (client, _server) = pair().await;
    let (reader_of_two, writer_of_two) = client.into_split();
    let mut client = writer_of_two.reunite(reader_of_two).unwrap();
    client.write_all(b"whole again").await.unwrap();
    drop(reader);
}

#[unstuck::test]
async fn dropping_the_owned_write_half_tells_the_peer_unless_it_is_forgotten() {
    let (client, mut server) = pair().await;
    let (mut reader, writer) = client.into_split();
    drop(writer);
    assert_eq!(server.read(&mut [0; 1]).await.unwrap(), 0);
    server.write_all(b"still there").await.unwrap();
    let mut buf = [0; 11];
    reader.read_exact(&mut buf).await.unwrap();

    let (client, mut server) = pair().await;
    let (reader, writer) = client.into_split();
    writer.forget();
    assert!(timeout(Duration::from_millis(2), server.read(&mut [0; 1])).await.is_err());
    drop(reader);
    assert_eq!(server.read(&mut [0; 1]).await.unwrap(), 0);
}

#[unstuck::test]
async fn sockets_of_std_come_in_and_go_out() {
    let std_listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = std_listener.local_addr().unwrap();
    std_listener.set_nonblocking(true).unwrap();
    let listener = TcpListener::from_std(std_listener).unwrap();
    let std_stream = std::net::TcpStream::connect(address).unwrap();
    std_stream.set_nonblocking(true).unwrap();
    let mut client = TcpStream::try_from(std_stream).unwrap();
    let (server, _) = listener.accept().await.unwrap();
    client.write_all(b"in").await.unwrap();

    let mut server = server.into_std().unwrap();
    let mut client = client.into_std().unwrap();
    unstuck::task::spawn_blocking(move || {
        server.set_nonblocking(false).unwrap();
        client.set_nonblocking(false).unwrap();
        let mut buf = [0; 2];
        server.read_exact(&mut buf).unwrap();
        assert_eq!(&buf, b"in");
        client.write_all(b"out").unwrap();
    })
    .await
    .unwrap();
    assert_eq!(listener.into_std().unwrap().local_addr().unwrap(), address);
}

#[unstuck::test]
async fn vectored_writes_take_all_parts() {
    let (mut client, mut server) = pair().await;
    assert!(client.is_write_vectored());
    let parts = [IoSlice::new(b"one "), IoSlice::new(b"two "), IoSlice::new(b"three")];
    let n = std::future::poll_fn(|cx| Pin::new(&mut client).poll_write_vectored(cx, &parts)).await.unwrap();
    client.flush().await.unwrap();
    assert_eq!(n, 13);
    let mut buf = [0; 13];
    server.read_exact(&mut buf).await.unwrap();
    assert_eq!(&buf, b"one two three");
}

#[test]
fn a_socket_outlives_its_runtime_and_says_so() {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let (client, server) = runtime.block_on(pair());
    drop(runtime);
    let other = Builder::new_current_thread().enable_all().build().unwrap();
    for _ in 0..2 {
        let error = other.block_on(server.readable()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Other);
    }
    // What need not be waited for still works; what would have to be never will.
    assert_eq!(server.try_read(&mut [0; 1]).unwrap_err().kind(), ErrorKind::WouldBlock);
    assert_eq!(server.try_read(&mut [0; 1]).unwrap_err().kind(), ErrorKind::Other);
    drop((client, server));
}

#[test]
#[should_panic(expected = "there is no reactor running")]
fn adopting_outside_a_runtime_tells_what_to_do() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let _ = TcpListener::from_std(listener);
}

#[test]
fn streams_cross_threads_and_panics() {
    fn check<T: Send + Sync + Unpin + std::panic::UnwindSafe + std::panic::RefUnwindSafe>() {}
    check::<TcpStream>();
    check::<TcpListener>();
    check::<unstuck::net::UdpSocket>();
    check::<unstuck::net::tcp::ReadHalf<'_>>();
    check::<unstuck::net::tcp::WriteHalf<'_>>();
    check::<unstuck::net::tcp::OwnedReadHalf>();
    check::<unstuck::net::tcp::OwnedWriteHalf>();
}
