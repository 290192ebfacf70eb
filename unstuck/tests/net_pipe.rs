//! Pipes and FIFOs.

mod common;

use std::fs::File;
use std::future::Future;
use std::io::{self, ErrorKind, IoSlice, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use common::{both, current_thread};
use unstuck::io::{AsyncReadExt, AsyncWriteExt, Interest};
use unstuck::net::unix::pipe::{OpenOptions, Receiver, Sender, pipe};

/// A FIFO, or some other file, that goes away in the end.
struct Temp(PathBuf);

impl Temp {
    fn path() -> Temp {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("unstuck-pipe-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        Temp(std::env::temp_dir().join(name))
    }

    fn fifo() -> Temp {
        let temp = Temp::path();
        let path = std::ffi::CString::new(temp.0.as_os_str().as_bytes()).unwrap();
        // SAFETY: the path ends with a NUL byte.
        assert_eq!(unsafe { libc::mkfifo(path.as_ptr(), 0o600) }, 0);
        temp
    }

    fn regular_file() -> Temp {
        let temp = Temp::path();
        File::create(&temp.0).unwrap();
        temp
    }
}

impl AsRef<Path> for Temp {
    fn as_ref(&self) -> &Path {
        &self.0
    }
}

impl Drop for Temp {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn is_nonblocking(fd: &impl AsFd) -> bool {
    // SAFETY: the call changes nothing.
    unsafe { libc::fcntl(fd.as_fd().as_raw_fd(), libc::F_GETFL) & libc::O_NONBLOCK != 0 }
}

fn would_block<T: std::fmt::Debug>(result: io::Result<T>) {
    assert_eq!(result.unwrap_err().kind(), ErrorKind::WouldBlock);
}

fn no_pipe<T: std::fmt::Debug>(result: io::Result<T>) {
    assert_eq!(result.unwrap_err().kind(), ErrorKind::InvalidInput);
}

#[test]
fn more_than_fits_goes_through() {
    for runtime in both() {
        runtime.block_on(async {
            let (mut sender, mut receiver) = pipe().unwrap();
            let sending = unstuck::spawn(async move {
                let bytes: Vec<_> = (0..1_000_000_u32).map(|i| i as u8).collect();
                let (head, tail) = bytes.split_at(10);
                let n = sender.write_vectored(&[IoSlice::new(head), IoSlice::new(tail)]).await.unwrap();
                assert!(n > 10);
                sender.write_all(&bytes[n..]).await.unwrap();
                sender.flush().await.unwrap();
                sender.shutdown().await.unwrap();
            });
            let mut all = Vec::new();
            receiver.read_to_end(&mut all).await.unwrap();
            sending.await.unwrap();
            assert_eq!(all.len(), 1_000_000);
            assert!(all.iter().enumerate().all(|(i, byte)| *byte == i as u8));
        });
    }
}

#[test]
fn trying_moves_what_can_be_moved_now() {
    current_thread().block_on(async {
        let (sender, receiver) = pipe().unwrap();
        would_block(receiver.try_read(&mut [0; 1]));
        assert_eq!(sender.try_write(b"ab").unwrap(), 2, "without an event");
        assert_eq!(sender.try_write_vectored(&[IoSlice::new(b"c"), IoSlice::new(b"def")]).unwrap(), 4);
        assert!(receiver.ready(Interest::READABLE).await.unwrap().is_readable());
        let (mut first, mut second) = ([0; 2], [0; 2]);
        receiver.try_read_vectored(&mut [IoSliceMut::new(&mut first), IoSliceMut::new(&mut second)]).unwrap();
        let mut vec = Vec::with_capacity(8);
        receiver.try_read_buf(&mut vec).unwrap();
        assert_eq!((&first, &second, &vec[..]), (b"ab", b"cd", &b"ef"[..]));
        would_block(receiver.try_read(&mut [0; 1]));

        let mut cx = Context::from_waker(Waker::noop());
        assert!(receiver.poll_read_ready(&mut cx).is_pending());
        assert!(sender.poll_write_ready(&mut cx).is_ready());
        while sender.try_write(&[0; 4096]).is_ok() {}
        assert!(sender.poll_write_ready(&mut cx).is_pending());
        receiver.readable().await.unwrap();
        while receiver.try_read(&mut [0; 65_536]).is_ok() {}
        sender.writable().await.unwrap();
        assert!(sender.ready(Interest::WRITABLE).await.unwrap().is_writable());
    });
}

#[test]
fn an_operation_of_the_user_uses_the_readiness_up() {
    current_thread().block_on(async {
        let (sender, receiver) = pipe().unwrap();
        let waits = || io::Result::<()>::Err(ErrorKind::WouldBlock.into());
        would_block(receiver.try_io(|| -> io::Result<()> { panic!("not ready, so not tried") }));
        sender.try_io(|| Ok(())).unwrap();
        would_block(sender.try_io(waits));
        would_block(sender.try_write(b"x"));
    });
}

#[test]
fn each_end_learns_that_the_other_is_gone() {
    current_thread().block_on(async {
        let (sender, receiver) = pipe().unwrap();
        drop(sender);
        receiver.readable().await.unwrap();
        assert_eq!(receiver.try_read(&mut [0; 1]).unwrap(), 0);

        let (sender, receiver) = pipe().unwrap();
        while sender.try_write(&[0; 4096]).is_ok() {}
        drop(receiver);
        sender.writable().await.unwrap();
        assert_eq!(sender.try_write(b"x").unwrap_err().kind(), ErrorKind::BrokenPipe);
    });
}

#[test]
fn a_fifo_ends_with_its_senders_and_goes_on_with_the_next() {
    current_thread().block_on(async {
        let fifo = Temp::fifo();
        let error = OpenOptions::new().open_sender(&fifo).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::ENXIO), "nobody reads");
        let mut receiver = OpenOptions::new().open_receiver(&fifo).unwrap();
        for _ in 0..3 {
            let mut sender = OpenOptions::new().open_sender(&fifo).unwrap();
            sender.write_all(b"hello").await.unwrap();
            drop(sender);
            let mut all = String::new();
            receiver.read_to_string(&mut all).await.unwrap();
            assert_eq!(all, "hello");
        }
        // A sender that came after the end: the end is not true any more, and the wait is a wait.
        let mut sender = OpenOptions::new().open_sender(&fifo).unwrap();
        let mut byte = [0; 1];
        let mut reading = pin!(receiver.read_exact(&mut byte));
        assert!(reading.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        sender.write_all(b"x").await.unwrap();
        reading.await.unwrap();
    });
}

#[test]
fn a_receiver_for_both_directions_never_ends() {
    current_thread().block_on(async {
        let fifo = Temp::fifo();
        let mut early = OpenOptions::new().read_write(true).open_sender(&fifo).unwrap();
        early.write_all(b"early").await.unwrap();
        let mut receiver = OpenOptions::new().read_write(true).open_receiver(&fifo).unwrap();
        drop(early);
        let mut buf = [0; 5];
        receiver.read_exact(&mut buf).await.unwrap();
        assert_eq!(&buf, b"early");
        assert!(!receiver.ready(Interest::READABLE | Interest::ERROR).await.unwrap().is_read_closed());
        would_block(receiver.try_read(&mut buf));
    });
}

#[test]
fn only_pipes_of_the_right_direction_are_taken() {
    current_thread().block_on(async {
        let file = Temp::regular_file();
        no_pipe(OpenOptions::new().open_sender(&file));
        no_pipe(OpenOptions::new().open_receiver(&file));
        no_pipe(Receiver::from_file(File::open(&file).unwrap()));
        no_pipe(Sender::from_file(File::options().write(true).open(&file).unwrap()));
        // Not checked, so the system says that nobody can wait for it.
        let error = OpenOptions::new().unchecked(true).open_receiver(&file).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PermissionDenied);

        let (reader, writer) = io::pipe().unwrap();
        no_pipe(Sender::from_owned_fd(reader.into()));
        no_pipe(Receiver::from_owned_fd(writer.into()));
    });
}

#[test]
fn a_pipe_of_others_is_set_to_non_blocking_and_back() {
    current_thread().block_on(async {
        let (reader, writer) = io::pipe().unwrap();
        assert!(!is_nonblocking(&reader));
        let receiver = Receiver::from_file(File::from(OwnedFd::from(reader))).unwrap();
        let mut sender = Sender::from_owned_fd(writer.into()).unwrap();
        assert!(is_nonblocking(&receiver) && is_nonblocking(&sender));
        sender.write_all(b"x").await.unwrap();

        let sender = Sender::from_owned_fd_unchecked(sender.into_nonblocking_fd().unwrap()).unwrap();
        let fd = receiver.into_nonblocking_fd().unwrap();
        assert!(is_nonblocking(&fd));
        let mut receiver = Receiver::from_owned_fd_unchecked(fd).unwrap();
        receiver.read_u8().await.unwrap();
        assert!(!is_nonblocking(&receiver.into_blocking_fd().unwrap()));
        assert!(!is_nonblocking(&sender.into_blocking_fd().unwrap()));
    });
}

#[test]
fn unchecked_takes_what_is_opened_right() {
    current_thread().block_on(async {
        let fifo = Temp::fifo();
        let open = |options: &mut std::fs::OpenOptions| options.custom_flags(libc::O_NONBLOCK).open(&fifo).unwrap();
        let mut receiver = Receiver::from_file_unchecked(open(File::options().read(true))).unwrap();
        let mut sender = Sender::from_file_unchecked(open(File::options().write(true))).unwrap();
        sender.write_all(b"x").await.unwrap();
        receiver.read_u8().await.unwrap();
        assert!(receiver.as_raw_fd() != sender.as_raw_fd());
    });
}

#[test]
fn packets_of_a_pipe_are_all_read() {
    current_thread().block_on(async {
        let mut fds = [0; 2];
        // SAFETY: there is room for two descriptors.
        assert_eq!(unsafe { libc::pipe2(fds.as_mut_ptr(), libc::O_CLOEXEC | libc::O_DIRECT) }, 0);
        // SAFETY: the call has made them, and they are nobody else's.
        let [reader, writer] = fds.map(|fd| unsafe { <OwnedFd as std::os::fd::FromRawFd>::from_raw_fd(fd) });
        let (mut receiver, mut sender) =
            (Receiver::from_owned_fd(reader).unwrap(), Sender::from_owned_fd(writer).unwrap());
        for packet in [&b"one"[..], b"two", b"three"] {
            sender.write_all(packet).await.unwrap();
        }
        let mut buf = [0; 64];
        for len in [3, 3, 5] {
            assert_eq!(receiver.read(&mut buf).await.unwrap(), len, "less than asked is not the last");
        }
    });
}

#[test]
fn waits_end_with_the_runtime() {
    let runtime = current_thread();
    let (sender, receiver) = {
        let _inside = runtime.enter();
        pipe().unwrap()
    };
    drop(runtime);
    let mut cx = Context::from_waker(Waker::noop());
    assert!(matches!(pin!(receiver.readable()).poll(&mut cx), Poll::Ready(Err(_))));
    assert!(matches!(sender.poll_write_ready(&mut cx), Poll::Ready(Err(_))));
}

#[test]
fn a_simulation_has_no_pipes_and_touches_nothing_to_say_so() {
    let fifo = Temp::fifo();
    let reader = std::fs::OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(&fifo.0).unwrap();
    let (theirs, _writer) = io::pipe().unwrap();
    let ours = OwnedFd::from(theirs.try_clone().unwrap());
    let missing = Temp::path();
    let refused = unstuck::sim::run(1, || async {
        let options = OpenOptions::new();
        [
            pipe().map(drop),
            options.open_receiver(&fifo.0).map(drop),
            options.open_sender(&fifo.0).map(drop),
            options.open_receiver(&missing.0).map(drop),
            options.open_sender(&missing.0).map(drop),
            Receiver::from_owned_fd(ours).map(drop),
        ]
    });
    for refused in refused.output {
        let error = refused.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.to_string().contains("the simulator can't"), "{error}");
    }
    // The end of a FIFO that somebody has opened and closed again would be hung up.
    let mut poll = libc::pollfd { fd: reader.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    // SAFETY: the pointer is good for the call.
    assert_eq!(unsafe { libc::poll(&raw mut poll, 1, 0) }, 0, "somebody has opened it");
    // SAFETY: the call takes numbers.
    let flags = unsafe { libc::fcntl(theirs.as_raw_fd(), libc::F_GETFL) };
    assert_eq!(flags & libc::O_NONBLOCK, 0, "the pipe's mode was changed");
}
