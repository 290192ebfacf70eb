//! Unix streams and listeners.

mod common;

use std::future::{Future, poll_fn};
use std::io::{self, ErrorKind, IoSlice, IoSliceMut, Read};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, IntoRawFd};
use std::os::unix::net as std_net;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use common::{both, current_thread};
use unstuck::io::{AsyncReadExt, AsyncWriteExt, Interest, ReadBuf};
use unstuck::net::unix::{OwnedWriteHalf, SocketAddr};
use unstuck::net::{UnixDatagram, UnixListener, UnixSocket, UnixStream};

/// A path that nobody has, and whose file goes away in the end.
struct TempPath(PathBuf);

impl TempPath {
    fn new() -> TempPath {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("unstuck-unix-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        TempPath(std::env::temp_dir().join(name))
    }
}

impl AsRef<Path> for TempPath {
    fn as_ref(&self) -> &Path {
        &self.0
    }
}

impl Drop for TempPath {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn would_block<T: std::fmt::Debug>(result: io::Result<T>) {
    assert_eq!(result.unwrap_err().kind(), ErrorKind::WouldBlock);
}

#[test]
fn a_server_answers_many_clients() {
    for runtime in both() {
        runtime.block_on(async {
            let path = TempPath::new();
            let listener = UnixListener::bind(&path).unwrap();
            let server = unstuck::spawn(async move {
                for _ in 0..10 {
                    let (mut connection, peer) = listener.accept().await.unwrap();
                    assert!(peer.is_unnamed());
                    unstuck::spawn(async move {
                        let (mut reader, mut writer) = connection.split();
                        unstuck::io::copy(&mut reader, &mut writer).await.unwrap();
                    });
                }
            });
            let mut clients = unstuck::task::JoinSet::new();
            for i in 0..10_u8 {
                let path = path.0.clone();
                clients.spawn(async move {
                    let mut stream = UnixStream::connect(path).await.unwrap();
                    stream.write_all(&[i; 100_000]).await.unwrap();
                    stream.shutdown().await.unwrap();
                    let mut echo = Vec::new();
                    stream.read_to_end(&mut echo).await.unwrap();
                    assert_eq!(echo, [i; 100_000]);
                });
            }
            // An echo of that size needs both directions at once.
            while let Some(done) = clients.join_next().await {
                done.unwrap();
            }
            server.await.unwrap();
        });
    }
}

#[test]
fn addresses_are_paths_abstract_names_or_nothing() {
    current_thread().block_on(async {
        let path = TempPath::new();
        let listener = UnixListener::bind(&path).unwrap();
        let client = UnixStream::connect(&path).await.unwrap();
        assert_eq!(listener.local_addr().unwrap().as_pathname(), Some(path.as_ref()));
        assert_eq!(client.peer_addr().unwrap().as_pathname(), Some(path.as_ref()));
        assert!(client.local_addr().unwrap().is_unnamed());

        let name = format!("unstuck-abstract-{}", std::process::id());
        let listener = UnixListener::bind(format!("\0{name}")).unwrap();
        let address = listener.local_addr().unwrap();
        assert_eq!(address.as_abstract_name(), Some(name.as_bytes()));
        assert_eq!((address.as_pathname(), address.is_unnamed()), (None, false));
        let (_by_path, _by_address) = (
            UnixStream::connect(format!("\0{name}")).await.unwrap(),
            UnixStream::connect_addr(&address).await.unwrap(),
        );

        let std_address: std_net::SocketAddr = address.clone().into();
        assert_eq!(format!("{:?}", SocketAddr::from(std_address)), format!("{address:?}"));

        let unnamed = SocketAddr::from(std_net::SocketAddr::from_pathname("").unwrap());
        let chosen = UnixListener::bind_addr(&unnamed).unwrap();
        assert!(chosen.local_addr().unwrap().as_abstract_name().is_some(), "the system chooses a name");
        assert!(UnixStream::connect_addr(&unnamed).await.is_err());
    });
}

#[test]
fn connecting_fails_where_nobody_listens() {
    current_thread().block_on(async {
        let path = TempPath::new();
        assert_eq!(UnixStream::connect(&path).await.unwrap_err().kind(), ErrorKind::NotFound);
        drop(UnixListener::bind(&path).unwrap());
        assert_eq!(UnixStream::connect(&path).await.unwrap_err().kind(), ErrorKind::ConnectionRefused);
        assert_eq!(UnixListener::bind(&path).unwrap_err().kind(), ErrorKind::AddrInUse);
        let long = "x".repeat(200);
        assert_eq!(UnixStream::connect(&long).await.unwrap_err().kind(), ErrorKind::InvalidInput);
        assert_eq!(UnixListener::bind(&long).unwrap_err().kind(), ErrorKind::InvalidInput);
    });
}

#[test]
fn a_listener_that_goes_away_resets_who_was_not_accepted() {
    current_thread().block_on(async {
        let path = TempPath::new();
        let listener = UnixListener::bind(&path).unwrap();
        let mut connect = pin!(UnixStream::connect(&path));
        assert!(connect.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        drop(listener);
        let kind = connect.await.unwrap_err().kind();
        assert!(matches!(kind, ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset), "{kind:?}");
    });
}

#[test]
fn a_full_backlog_is_told_at_once() {
    current_thread().block_on(async {
        let path = TempPath::new();
        let socket = UnixSocket::new_stream().unwrap();
        socket.bind(&path).unwrap();
        let listener = socket.listen(0).unwrap();
        let _first = UnixStream::connect(&path).await.unwrap();
        would_block(UnixStream::connect(&path).await);
        listener.accept().await.unwrap();
        UnixStream::connect(&path).await.unwrap();
    });
}

#[test]
fn accepting_goes_on_outside_the_runtime() {
    let runtime = current_thread();
    let path = TempPath::new();
    let listener = {
        let _inside = runtime.enter();
        UnixListener::bind(&path).unwrap()
    };
    let client = runtime.block_on(UnixStream::connect(&path)).unwrap();
    // The event has come, and here is no runtime: the connection belongs to the listener's.
    runtime.block_on(poll_fn(|cx| listener.poll_accept(cx).map(drop)));
    drop(client);
    let client = std_net::UnixStream::connect(&path).unwrap();
    let mut cx = Context::from_waker(Waker::noop());
    let Poll::Ready(accepted) = listener.poll_accept(&mut cx) else {
        panic!("a listener stays ready until it has to wait")
    };
    assert!(listener.poll_accept(&mut cx).is_pending());
    drop((accepted.unwrap(), client));
    assert!(listener.take_error().unwrap().is_none());
}

#[test]
fn a_pair_can_write_at_once_and_reads_what_comes() {
    current_thread().block_on(async {
        let (a, b) = UnixStream::pair().unwrap();
        assert_eq!(a.try_write(b"ab").unwrap(), 2, "without an event");
        assert_eq!(a.try_write_vectored(&[IoSlice::new(b"c"), IoSlice::new(b"def")]).unwrap(), 4);
        would_block(b.try_read(&mut [0; 8]));

        assert!(b.ready(Interest::READABLE).await.unwrap().is_readable());
        let (mut first, mut second) = ([0; 2], [0; 2]);
        let bufs = &mut [IoSliceMut::new(&mut first), IoSliceMut::new(&mut second)];
        assert_eq!(b.try_read_vectored(bufs).unwrap(), 4);
        assert_eq!((&first, &second), (b"ab", b"cd"));
        let mut vec = Vec::with_capacity(8);
        assert_eq!(b.try_read_buf(&mut vec).unwrap(), 2);
        assert_eq!(vec, b"ef");
        would_block(b.try_read(&mut [0; 8]));
        let mut cx = Context::from_waker(Waker::noop());
        assert!(b.poll_read_ready(&mut cx).is_pending());
        assert!(b.poll_write_ready(&mut cx).is_ready());

        drop(a);
        b.readable().await.unwrap();
        assert!(b.ready(Interest::READABLE).await.unwrap().is_read_closed());
        assert_eq!(b.try_read(&mut [0; 8]).unwrap(), 0);
        assert_eq!(b.try_write(b"late").unwrap_err().kind(), ErrorKind::BrokenPipe);
    });
}

#[test]
fn a_writer_waits_for_room() {
    for runtime in both() {
        runtime.block_on(async {
            let (mut a, mut b) = UnixStream::pair().unwrap();
            let writer = unstuck::spawn(async move {
                let bytes: Vec<_> = (0..3_000_000_u32).map(|i| i as u8).collect();
                let (head, tail) = bytes.split_at(1_000);
                let n = a.write_vectored(&[IoSlice::new(head), IoSlice::new(tail)]).await.unwrap();
                a.write_all(&bytes[n..]).await.unwrap();
            });
            let mut read = Vec::new();
            b.read_to_end(&mut read).await.unwrap();
            writer.await.unwrap();
            assert_eq!(read.len(), 3_000_000);
            assert!(read.iter().enumerate().all(|(i, byte)| *byte == i as u8));
        });
    }
}

#[test]
fn a_read_that_stops_at_sent_descriptors_finds_the_rest() {
    current_thread().block_on(async {
        let (a, mut b) = UnixStream::pair().unwrap();
        send_with_descriptor(&a, b"first");
        a.try_write(b"second").unwrap();
        let mut buf = [0; 64];
        // The system gives the bytes before and after the descriptor by themselves, and tells no event in between.
        let mut all = Vec::new();
        while all.len() < 11 {
            let n = b.read(&mut buf).await.unwrap();
            all.extend_from_slice(&buf[..n]);
        }
        assert_eq!(all, b"firstsecond");
    });
}

/// Sends bytes with a descriptor along.
fn send_with_descriptor(socket: &UnixStream, bytes: &[u8]) {
    use socket2::{MsgHdr, SockRef};
    let fd = io::stderr().as_raw_fd();
    // SAFETY: these only compute sizes, and write a header and a number into a buffer that has room for them.
    let control = unsafe {
        let mut control = vec![0_u64; (libc::CMSG_SPACE(4) as usize).div_ceil(8)];
        let header = control.as_mut_ptr().cast::<libc::cmsghdr>();
        (*header).cmsg_len = libc::CMSG_LEN(4) as _;
        (*header).cmsg_level = libc::SOL_SOCKET;
        (*header).cmsg_type = libc::SCM_RIGHTS;
        libc::CMSG_DATA(header).cast::<libc::c_int>().write_unaligned(fd);
        control
    };
    // SAFETY: the same memory, as bytes, of the length that the system wants.
    let control = unsafe { std::slice::from_raw_parts(control.as_ptr().cast::<u8>(), libc::CMSG_SPACE(4) as usize) };
    let bufs = [IoSlice::new(bytes)];
    let message = MsgHdr::new().with_buffers(&bufs).with_control(control);
    assert_eq!(SockRef::from(socket).sendmsg(&message, 0).unwrap(), bytes.len());
}

#[test]
fn the_credentials_of_the_peer_are_ours() {
    current_thread().block_on(async {
        let (a, b) = UnixStream::pair().unwrap();
        let peer = a.peer_cred().unwrap();
        assert_eq!(peer, b.peer_cred().unwrap());
        assert_eq!(peer.pid(), Some(std::process::id().cast_signed()));
        // SAFETY: these calls have no conditions.
        let ours = unsafe { (libc::geteuid(), libc::getegid()) };
        assert_eq!((peer.uid(), peer.gid()), ours);
    });
}

#[test]
fn dropping_the_writing_half_is_the_end_for_the_peer() {
    current_thread().block_on(async {
        let (a, mut b) = UnixStream::pair().unwrap();
        let (mut reader, mut writer) = a.into_split();
        writer.write_all(b"bye").await.unwrap();
        drop(writer);
        let mut all = String::new();
        b.read_to_string(&mut all).await.unwrap();
        assert_eq!(all, "bye");
        b.write_all(b"answer").await.unwrap();
        let mut answer = [0; 6];
        reader.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"answer");
    });
}

#[test]
fn a_forgotten_writing_half_keeps_the_stream_open() {
    current_thread().block_on(async {
        let (a, b) = UnixStream::pair().unwrap();
        let (reader, writer) = a.into_split();
        writer.forget();
        // An end would have been there at once.
        b.try_write(b"x").unwrap();
        reader.readable().await.unwrap();
        would_block(b.try_read(&mut [0; 1]));
        assert_eq!(reader.try_read(&mut [0; 1]).unwrap(), 1);
        drop(reader);
        b.readable().await.unwrap();
        assert_eq!(b.try_read(&mut [0; 1]).unwrap(), 0);
    });
}

#[test]
fn halves_reunite_with_each_other_only() {
    current_thread().block_on(async {
        let (a, mut b) = UnixStream::pair().unwrap();
        let ((a_read, a_write), (b_read, b_write)) = (a.into_split(), UnixStream::pair().unwrap().0.into_split());
        let error = a_read.reunite(b_write).unwrap_err();
        assert!(error.to_string().contains("not from the same socket"));
        let (a_read, b_write) = (error.0, error.1);
        let mut a = OwnedWriteHalf::reunite(a_write, a_read).unwrap();
        b_read.reunite(b_write).unwrap();
        a.write_all(b"still open").await.unwrap();
        let mut buf = [0; 10];
        b.read_exact(&mut buf).await.unwrap();
        assert_eq!(&buf, b"still open");
    });
}

#[test]
fn the_halves_do_what_the_stream_does() {
    current_thread().block_on(async {
        let (mut a, b) = UnixStream::pair().unwrap();
        {
            let (reader, mut writer) = a.split();
            assert!(reader.local_addr().unwrap().is_unnamed() && writer.peer_addr().unwrap().is_unnamed());
            writer.writable().await.unwrap();
            assert!(writer.ready(Interest::WRITABLE).await.unwrap().is_writable());
            writer.try_write(b"a").unwrap();
            writer.try_write_vectored(&[IoSlice::new(b"b")]).unwrap();
            writer.shutdown().await.unwrap();
            b.try_write(b"xyz").unwrap();
            reader.readable().await.unwrap();
            assert!(reader.ready(Interest::READABLE).await.unwrap().is_readable());
            let (mut x, mut y, mut z) = ([0; 1], [0; 1], Vec::with_capacity(1));
            reader.try_read(&mut x).unwrap();
            reader.try_read_vectored(&mut [IoSliceMut::new(&mut y)]).unwrap();
            reader.try_read_buf(&mut z).unwrap();
            assert_eq!((&x, &y, z.as_slice()), (b"x", b"y", &b"z"[..]));
            assert_eq!(reader.as_ref().as_raw_fd(), writer.as_ref().as_raw_fd());
        }
        let (reader, writer) = b.into_split();
        reader.readable().await.unwrap();
        writer.writable().await.unwrap();
        let mut buf = [0; 8];
        assert_eq!(reader.try_read(&mut buf).unwrap(), 2);
        assert_eq!(reader.try_read(&mut buf).unwrap(), 0);
        assert!(reader.peer_addr().unwrap().is_unnamed() && writer.local_addr().unwrap().is_unnamed());
        assert_eq!(reader.as_ref().as_raw_fd(), writer.as_ref().as_raw_fd());
    });
}

#[test]
fn shutting_down_twice_or_after_the_peer_is_no_error() {
    current_thread().block_on(async {
        let (mut a, b) = UnixStream::pair().unwrap();
        drop(b);
        a.shutdown().await.unwrap();
        a.shutdown().await.unwrap();
    });
}

#[test]
fn an_operation_of_the_user_uses_the_readiness_up() {
    current_thread().block_on(async {
        let (a, b) = UnixStream::pair().unwrap();
        a.try_io(Interest::WRITABLE, || io::Result::<()>::Err(ErrorKind::WouldBlock.into())).unwrap_err();
        would_block(a.try_write(b"x"));
        b.try_write(b"x").unwrap();
        let mut tries = 0;
        let mut byte = [0; 1];
        let read = || {
            tries += 1;
            (&*socket2::SockRef::from(&a)).read(&mut byte)
        };
        assert_eq!((a.async_io(Interest::READABLE, read).await.unwrap(), tries), (1, 1));
    });
}

#[test]
fn to_std_and_back() {
    current_thread().block_on(async {
        let (a, mut b) = UnixStream::pair().unwrap();
        let a = a.into_std().unwrap();
        let mut a = UnixStream::try_from(a).unwrap();
        a.write_all(b"x").await.unwrap();
        b.read_u8().await.unwrap();
        assert!(a.take_error().unwrap().is_none());

        let path = TempPath::new();
        let listener = UnixListener::bind(&path).unwrap().into_std().unwrap();
        let listener = UnixListener::try_from(listener).unwrap();
        let (accepted, connected) = unstuck::join!(listener.accept(), UnixStream::connect(&path));
        drop((accepted.unwrap(), connected.unwrap()));
    });
}

#[test]
fn a_socket_in_the_making_becomes_what_it_is_for() {
    current_thread().block_on(async {
        let path = TempPath::new();
        let datagram = UnixSocket::new_datagram().unwrap();
        datagram.bind(&path).unwrap();
        let datagram = datagram.datagram().unwrap();
        assert_eq!(datagram.local_addr().unwrap().as_pathname(), Some(path.as_ref()));

        let error = UnixSocket::new_datagram().unwrap().connect(&path).await.unwrap_err();
        assert_eq!(error.to_string(), "connect cannot be called on a datagram socket");
        let error = UnixSocket::new_datagram().unwrap().listen(1).unwrap_err();
        assert_eq!(error.to_string(), "listen cannot be called on a datagram socket");
        let error = UnixSocket::new_stream().unwrap().datagram().unwrap_err();
        assert_eq!(error.to_string(), "datagram cannot be called on a stream socket");

        let fd = UnixSocket::new_stream().unwrap().into_raw_fd();
        // SAFETY: the descriptor is open, and now nobody's.
        let socket = unsafe { UnixSocket::from_raw_fd(fd) };
        assert_eq!(socket.as_raw_fd(), fd);
        let path = TempPath::new();
        socket.bind(&path).unwrap();
        let _listener = socket.listen(u32::MAX).unwrap();
        UnixStream::connect(&path).await.unwrap();
    });
}

#[test]
fn waits_end_with_the_runtime() {
    let runtime = current_thread();
    let path = TempPath::new();
    let (listener, (a, mut b)) = {
        let _inside = runtime.enter();
        (UnixListener::bind(&path).unwrap(), UnixStream::pair().unwrap())
    };
    drop(runtime);
    let mut cx = Context::from_waker(Waker::noop());
    assert!(matches!(pin!(listener.accept()).poll(&mut cx), Poll::Ready(Err(_))));
    assert!(matches!(pin!(a.readable()).poll(&mut cx), Poll::Ready(Err(_))));
    assert!(matches!(a.poll_write_ready(&mut cx), Poll::Ready(Err(_))));
    let mut byte = [0; 1];
    let read = unstuck::io::AsyncRead::poll_read(pin!(&mut b), &mut cx, &mut ReadBuf::new(&mut byte));
    assert!(matches!(read, Poll::Ready(Err(_))));
}

#[test]
fn outside_a_runtime_nothing_is_made() {
    let path = TempPath::new();
    for make in [
        |path: &Path| drop(UnixListener::bind(path)),
        |path: &Path| drop(UnixDatagram::bind(path)),
        |_: &Path| drop(UnixStream::pair()),
    ] {
        std::panic::catch_unwind(|| make(path.as_ref())).unwrap_err();
        assert!(!path.0.exists(), "no file is left behind");
    }
}

#[test]
fn a_simulation_has_no_unix_sockets_and_touches_nothing_to_say_so() {
    let path = TempPath::new();
    let server = TempPath::new();
    let listener = std_net::UnixListener::bind(&server).unwrap();
    listener.set_nonblocking(true).unwrap();
    // Made where a real one could be, and then brought along.
    let [to_bind, to_connect] = [(); 2].map(|()| UnixSocket::new_stream().unwrap());
    let to_listen = UnixSocket::new_stream().unwrap();
    to_listen.bind(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    let still_open = to_listen.as_fd().try_clone_to_owned().unwrap();
    let address = SocketAddr::from(std_net::SocketAddr::from_pathname(&path).unwrap());
    let refused = unstuck::sim::run(1, || async {
        [
            UnixStream::pair().map(drop),
            UnixStream::connect(&server).await.map(drop),
            UnixStream::connect_addr(&SocketAddr::from(listener.local_addr().unwrap())).await.map(drop),
            UnixListener::bind(&path).map(drop),
            UnixListener::bind_addr(&address).map(drop),
            UnixDatagram::bind(&path).map(drop),
            UnixDatagram::unbound().map(drop),
            UnixDatagram::pair().map(drop),
            UnixSocket::new_stream().map(drop),
            UnixSocket::new_datagram().map(drop),
            to_bind.bind(&path),
            to_listen.listen(1).map(drop),
            to_connect.connect(&server).await.map(drop),
        ]
    });
    for refused in refused.output {
        let error = refused.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.to_string().contains("the simulator can't"), "{error}");
    }
    assert!(!path.0.exists(), "a file was made");
    assert_eq!(listener.accept().unwrap_err().kind(), ErrorKind::WouldBlock, "somebody has connected");
    assert!(!is_listening(&still_open));
}

/// Whether a socket waits for connections.
fn is_listening(socket: &impl AsRawFd) -> bool {
    let (mut listens, mut len) = (0_i32, size_of::<i32>() as libc::socklen_t);
    let value = (&raw mut listens).cast();
    // SAFETY: the pointers are good for the call, which writes a number of that size.
    let got =
        unsafe { libc::getsockopt(socket.as_raw_fd(), libc::SOL_SOCKET, libc::SO_ACCEPTCONN, value, &raw mut len) };
    assert_eq!(got, 0);
    listens != 0
}

#[test]
fn what_holds_a_descriptor_may_be_used_after_a_panic() {
    fn is<T: UnwindSafe + RefUnwindSafe + Send + Sync + Unpin>() {}
    is::<UnixStream>();
    is::<UnixListener>();
    is::<UnixDatagram>();
    is::<UnixSocket>();
    is::<OwnedWriteHalf>();
}
