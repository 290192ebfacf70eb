//! What only Unix has: names of sockets, pipes, descriptors.

use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::os::fd::{AsRawFd, RawFd};
use std::path::PathBuf;

use unstuck::io::Interest;
use unstuck::io::unix::AsyncFd;
use unstuck::net::unix::{SocketAddr, pipe};
use unstuck::net::{UnixDatagram, UnixListener, UnixSocket, UnixStream};
use unstuck::runtime::Builder;

use crate::blame::{refused, run};
use crate::common::{both, current_thread};

#[test]
fn a_name_that_no_socket_can_have_is_an_error() {
    let long = "x".repeat(200);
    for runtime in both() {
        run(&runtime, async {
            for name in ["a\0b", long.as_str()] {
                let bound = UnixListener::bind(name);
                assert_eq!(bound.unwrap_err().kind(), ErrorKind::InvalidInput, "{name:?}");
                let connected = UnixStream::connect(name).await;
                assert_eq!(connected.unwrap_err().kind(), ErrorKind::InvalidInput, "{name:?}");
                assert_eq!(UnixDatagram::bind(name).unwrap_err().kind(), ErrorKind::InvalidInput, "{name:?}");
                let datagrams = UnixDatagram::unbound().unwrap();
                assert_eq!(datagrams.connect(name).unwrap_err().kind(), ErrorKind::InvalidInput, "{name:?}");
                let sent = datagrams.send_to(b"x", name).await;
                assert_eq!(sent.unwrap_err().kind(), ErrorKind::InvalidInput, "{name:?}");
                let socket = UnixSocket::new_stream().unwrap();
                assert_eq!(socket.bind(name).unwrap_err().kind(), ErrorKind::InvalidInput, "{name:?}");
            }
            assert_eq!(UnixStream::connect("/no/such/socket").await.unwrap_err().kind(), ErrorKind::NotFound);
            UnixListener::bind("/no/such/folder/socket").unwrap_err();
            UnixListener::bind("/dev/null").unwrap_err();
            UnixStream::connect("/dev/null").await.unwrap_err();
        });
    }
}

#[cfg(target_os = "linux")]
#[test]
fn an_abstract_name_is_a_name_and_may_be_taken() {
    let name = format!("\0unstuck-bad-input-{}", std::process::id());
    run(&current_thread(), async {
        let listener = UnixListener::bind(&name).unwrap();
        assert_eq!(listener.local_addr().unwrap().as_abstract_name(), Some(&name.as_bytes()[1..]));
        assert_eq!(UnixListener::bind(&name).unwrap_err().kind(), ErrorKind::AddrInUse);
        UnixStream::connect(&name).await.unwrap();
        drop(listener);
        assert_eq!(UnixStream::connect(&name).await.unwrap_err().kind(), ErrorKind::ConnectionRefused);
        let too_long = "\0".to_owned() + &"x".repeat(200);
        assert_eq!(UnixListener::bind(too_long).unwrap_err().kind(), ErrorKind::InvalidInput);
    });
}

#[test]
fn a_socket_for_datagrams_neither_listens_nor_becomes_a_stream() {
    run(&current_thread(), async {
        let address = SocketAddr::from(std::os::unix::net::SocketAddr::from_pathname("/no/such/socket").unwrap());
        let path = address.as_pathname().unwrap();
        assert!(UnixSocket::new_datagram().unwrap().listen(1).is_err());
        assert!(UnixSocket::new_datagram().unwrap().connect(path).await.is_err());
        assert!(UnixSocket::new_stream().unwrap().datagram().is_err());
    });
}

/// A descriptor that is not owned.
struct Number(RawFd);

impl AsRawFd for Number {
    fn as_raw_fd(&self) -> RawFd {
        self.0
    }
}

#[test]
fn a_descriptor_that_can_not_be_waited_for_is_an_error() {
    let file = std::fs::File::open("Cargo.toml").unwrap();
    for runtime in both() {
        let _guard = runtime.enter();
        // SAFETY: nothing is registered: it is refused.
        let refused = |number: RawFd| unsafe { AsyncFd::register(Number(number)) }.map(drop).unwrap_err().into_parts();
        let (given_back, error) = refused(-1);
        assert_eq!((given_back.0, error.raw_os_error()), (-1, Some(libc::EBADF)));
        assert_eq!(refused(i32::MAX).1.raw_os_error(), Some(libc::EBADF));
        assert_eq!(refused(file.as_raw_fd()).1.kind(), ErrorKind::PermissionDenied, "a file is always ready");
    }
}

#[test]
#[allow(deprecated, reason = "they are there as long as Tokio has them")]
fn a_descriptor_needs_a_runtime_with_io() {
    let says = "there is no reactor running";
    // SAFETY: nothing is registered: there is no runtime.
    refused(says, || drop(unsafe { AsyncFd::register(Number(0)) }));
    // SAFETY: as above.
    refused(says, || drop(unsafe { AsyncFd::register_with_interest(Number(0), Interest::READABLE) }));
    refused(says, || drop(AsyncFd::new(Number(0))));
    refused(says, || drop(AsyncFd::with_interest(Number(0), Interest::READABLE)));
    refused(says, || drop(AsyncFd::try_new(Number(0))));
    refused(says, || drop(AsyncFd::try_with_interest(Number(0), Interest::READABLE)));
}

#[test]
fn without_io_every_socket_says_how_to_have_it() {
    let says = "`enable_io`";
    let runtime = Builder::new_current_thread().enable_time().build().unwrap();
    let _guard = runtime.enter();
    refused(says, || drop(UnixStream::pair()));
    refused(says, || drop(UnixDatagram::pair()));
    refused(says, || drop(UnixDatagram::unbound()));
    refused(says, || drop(UnixListener::bind("/no/such/folder/socket")));
    refused(says, || drop(pipe::pipe()));
    let (near, _far) = std::os::unix::net::UnixStream::pair().unwrap();
    near.set_nonblocking(true).unwrap();
    refused(says, || drop(UnixStream::from_std(near)));
    let (near, _far) = std::os::unix::net::UnixDatagram::pair().unwrap();
    near.set_nonblocking(true).unwrap();
    refused(says, || drop(UnixDatagram::from_std(near)));
    // SAFETY: nothing is registered: the runtime has no driver.
    refused(says, || drop(unsafe { AsyncFd::register(Number(0)) }));
}

#[test]
fn outside_a_runtime_no_socket_is_made() {
    let says = "there is no reactor running";
    refused(says, || drop(UnixStream::pair()));
    refused(says, || drop(UnixDatagram::pair()));
    refused(says, || drop(UnixDatagram::unbound()));
    refused(says, || drop(UnixListener::bind("/no/such/folder/socket")));
    refused(says, || drop(pipe::pipe()));
}

#[test]
fn what_is_no_pipe_or_goes_the_other_way_is_an_error() {
    let fifo = Fifo::new();
    let file = PathBuf::from("Cargo.toml");
    for runtime in both() {
        run(&runtime, async {
            let kind = |error: std::io::Error| error.kind();
            let options = pipe::OpenOptions::new();
            assert_eq!(kind(options.open_receiver(&file).unwrap_err()), ErrorKind::InvalidInput);
            assert_eq!(kind(options.open_receiver("/dev/null").unwrap_err()), ErrorKind::InvalidInput);
            assert_eq!(kind(options.open_sender("/dev/null").unwrap_err()), ErrorKind::InvalidInput);
            assert_eq!(kind(options.open_receiver("/no/such/pipe").unwrap_err()), ErrorKind::NotFound);
            assert_eq!(kind(options.open_receiver("a\0b").unwrap_err()), ErrorKind::InvalidInput);
            // Nobody would read it.
            assert_eq!(options.open_sender(&fifo.0).unwrap_err().raw_os_error(), Some(libc::ENXIO));
            let opened = || std::fs::File::open(&file).unwrap();
            assert_eq!(kind(pipe::Receiver::from_file(opened()).unwrap_err()), ErrorKind::InvalidInput);
            assert_eq!(kind(pipe::Sender::from_file(opened()).unwrap_err()), ErrorKind::InvalidInput);
            let receiver = options.open_receiver(&fifo.0).unwrap();
            let write_only = || OpenOptions::new().write(true).open(&fifo.0).unwrap();
            assert_eq!(kind(pipe::Receiver::from_file(write_only()).unwrap_err()), ErrorKind::InvalidInput);
            let _sender = pipe::Sender::from_file(write_only()).unwrap();
            let read_only = OpenOptions::new().read(true).open(&fifo.0).unwrap();
            assert_eq!(kind(pipe::Sender::from_file(read_only).unwrap_err()), ErrorKind::InvalidInput);
            drop(receiver);
        });
    }
}

/// A named pipe, removed in the end.
struct Fifo(PathBuf);

impl Fifo {
    fn new() -> Fifo {
        use std::os::unix::ffi::OsStrExt;
        let path = std::env::temp_dir().join(format!("unstuck-bad-input-fifo-{}", std::process::id()));
        let name = std::ffi::CString::new(path.as_os_str().as_bytes()).unwrap();
        // SAFETY: the name is a C string that lives during the call.
        assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o600) }, 0);
        Fifo(path)
    }
}

impl Drop for Fifo {
    fn drop(&mut self) {
        _ = std::fs::remove_file(&self.0);
    }
}
