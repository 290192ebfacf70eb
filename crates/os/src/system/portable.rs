//! What Unix systems other than Linux do: two calls to accept, kqueue's own fine timeouts, a pipe for the signals.
//!
//! 1. A timeout is never so long that a system refuses it: the sleep then ends too early, which the trait allows.
//! 2. Nothing takes from the signals' pipe what a driver waits for: an edge, not the bytes.

use std::io;
use std::os::fd::{AsRawFd, IntoRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use mio::{Interest, Registry};
use socket2::{SockAddr, Socket};

pub(crate) const PRIORITY: Option<Interest> = None;

/// Some systems take no timeout of more than 10^8 seconds.
const LONGEST: Duration = Duration::from_secs(1 << 26);

/// The timeout of the system call is fine enough here.
#[derive(Debug)]
pub(crate) struct Alarm;

impl Alarm {
    pub(crate) fn new() -> Self {
        Alarm
    }

    pub(crate) fn has_fired(&mut self) {}

    pub(crate) fn set(&mut self, deadline: Option<Instant>, _registry: &Registry) -> Option<Duration> {
        deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()).min(LONGEST))
    }
}

/// Takes a connection, in non-blocking mode.
pub(crate) fn accept(listener: &Socket) -> io::Result<(Socket, SockAddr)> {
    let (socket, peer) = listener.accept()?;
    socket.set_nonblocking(true)?;
    Ok((socket, peer))
}

/// A new socket, in non-blocking mode.
pub(crate) fn socket(domain: socket2::Domain, kind: socket2::Type) -> io::Result<Socket> {
    let socket = Socket::new(domain, kind, None)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

pub(crate) fn quick_ack(_socket: &Socket) -> io::Result<bool> {
    Err(io::ErrorKind::Unsupported.into())
}

pub(crate) fn set_quick_ack(_socket: &Socket, _on: bool) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Restricts a socket to an interface: only Linux knows them by name here.
pub(crate) fn bind_device(_socket: &Socket, _interface: Option<&[u8]>) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// The interface to which a socket is restricted.
pub(crate) fn device(_socket: &Socket) -> io::Result<Option<Vec<u8>>> {
    Err(io::ErrorKind::Unsupported.into())
}

/// How far a stream is that other code made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// It was never connected. Registered like that, it would be told to be closed.
    Fresh,
    Connected,
    /// On its way, or over; or never connected, where the system tells nothing of such a socket.
    Other,
}

pub(crate) fn progress(stream: &Socket) -> io::Result<Progress> {
    if stream.peer_addr().is_ok() {
        return Ok(Progress::Connected);
    }
    let mut poll = libc::pollfd { fd: stream.as_raw_fd(), events: libc::POLLIN | libc::POLLOUT, revents: 0 };
    // SAFETY: the pointer is good for the call, and it is one.
    if unsafe { libc::poll(&mut poll, 1, 0) } == -1 {
        return Err(io::Error::last_os_error());
    }
    let hung_up = poll.revents & libc::POLLHUP != 0 && poll.revents & (libc::POLLIN | libc::POLLERR) == 0;
    Ok(if hung_up { Progress::Fresh } else { Progress::Other })
}

/// There is none: whoever asks listens to `SIGCHLD` instead.
pub(crate) fn child_descriptor(_pid: u32) -> io::Result<OwnedFd> {
    Err(io::ErrorKind::Unsupported.into())
}

/// What a signal handler writes to, and every driver waits for. One for the process, never closed.
#[derive(Debug)]
pub(crate) struct SignalPipe {
    writer: RawFd,
    reader: RawFd,
    written: AtomicUsize,
}

/// How many bytes are in the pipe at most, about.
const ROOM: usize = 1024;

impl SignalPipe {
    pub(crate) fn open() -> io::Result<SignalPipe> {
        let (writer, reader) = UnixStream::pair()?;
        writer.set_nonblocking(true)?;
        reader.set_nonblocking(true)?;
        Ok(SignalPipe { writer: writer.into_raw_fd(), reader: reader.into_raw_fd(), written: AtomicUsize::new(0) })
    }

    /// Tells every driver: each write is an event for all of them, and the drivers read nothing, so that none takes it
    /// from another. Nothing but reads and writes: a signal handler may call it.
    pub(crate) fn ring(&self) {
        if self.written.fetch_add(1, Ordering::Relaxed) % ROOM == ROOM - 1 {
            let mut bytes = [0u8; ROOM / 2];
            // SAFETY: the pointer is good for so many bytes.
            unsafe { libc::read(self.reader, bytes.as_mut_ptr().cast(), bytes.len()) };
            self.written.fetch_sub(ROOM / 2, Ordering::Relaxed);
        }
        // SAFETY: the pointer is good for one byte.
        unsafe { libc::write(self.writer, [1u8].as_ptr().cast(), 1) };
    }

    pub(crate) fn reader(&self) -> RawFd {
        self.reader
    }
}
