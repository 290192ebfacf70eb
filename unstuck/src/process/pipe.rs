//! Our end of a pipe to a child: a non-blocking descriptor whose events the runtime waits for.
//!
//! 1. It is in non-blocking mode as long as it is here, and leaves in blocking mode, which the programs expect that it is
//!    given to.
//! 2. A system call that a signal interrupts is made again.

use std::io::{self, IoSlice};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::task::{Context, Poll};

use unstuck_driver::readiness::Direction;

use crate::io::ReadBuf;
use crate::kernel::may_use_descriptors;
use crate::watched::Watched;

/// See the rules of the file.
#[derive(Debug)]
pub(super) struct Pipe(Watched<OwnedFd>);

impl Pipe {
    /// Takes over an end that is read, or written.
    ///
    /// # Errors
    /// What the system says. The descriptor is closed then.
    #[track_caller]
    pub(super) fn new(fd: OwnedFd, direction: Direction) -> io::Result<Pipe> {
        may_use_descriptors()?;
        set_nonblocking(&fd, true)?;
        Watched::new(fd, direction.interest()).map(Pipe).map_err(|(_fd, error)| error)
    }

    /// Gives the descriptor back.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn into_fd(self) -> io::Result<OwnedFd> {
        let fd = self.0.into_object();
        set_nonblocking(&fd, false)?;
        Ok(fd)
    }

    #[track_caller]
    pub(super) fn poll_read(&self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let fd = self.0.get().as_raw_fd();
        let room = buf.remaining();
        self.0
            .readiness()
            .poll_stream(Direction::Read, cx, room, || {
                // SAFETY: nothing but initialised bytes is written there.
                let unfilled = unsafe { buf.unfilled_mut() };
                // SAFETY: the pointer is good for that many bytes.
                let read = retried(|| unsafe { libc::read(fd, unfilled.as_mut_ptr().cast(), unfilled.len()) })?;
                // SAFETY: the system has written so many bytes.
                unsafe { buf.assume_init(read) };
                buf.advance(read);
                Ok(read)
            })
            .map_ok(drop)
    }

    #[track_caller]
    pub(super) fn poll_write(&self, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let fd = self.0.get().as_raw_fd();
        self.0.readiness().poll_stream(Direction::Write, cx, buf.len(), || {
            // SAFETY: the pointer is good for that many bytes.
            retried(|| unsafe { libc::write(fd, buf.as_ptr().cast(), buf.len()) })
        })
    }

    #[track_caller]
    pub(super) fn poll_write_vectored(&self, cx: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let fd = self.0.get().as_raw_fd();
        let bufs = &bufs[..bufs.len().min(MOST_BUFFERS)];
        let len = bufs.iter().map(|buf| buf.len()).sum();
        self.0.readiness().poll_stream(Direction::Write, cx, len, || {
            // SAFETY: an IoSlice is an iovec, the pointer is good for so many, and there are few.
            retried(|| unsafe { libc::writev(fd, bufs.as_ptr().cast(), bufs.len() as libc::c_int) })
        })
    }
}

impl AsFd for Pipe {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.get().as_fd()
    }
}

/// As many as every system takes in one call.
const MOST_BUFFERS: usize = 1024;

fn set_nonblocking(fd: &OwnedFd, nonblocking: bool) -> io::Result<()> {
    let fd = fd.as_raw_fd();
    // SAFETY: the call takes numbers.
    let flags = retried(|| unsafe { libc::fcntl(fd, libc::F_GETFL) } as isize)? as libc::c_int;
    let wanted = if nonblocking { flags | libc::O_NONBLOCK } else { flags & !libc::O_NONBLOCK };
    if wanted != flags {
        // SAFETY: the call takes numbers.
        retried(|| unsafe { libc::fcntl(fd, libc::F_SETFL, wanted) } as isize)?;
    }
    Ok(())
}

/// Makes a system call until no signal interrupts it (rule 2).
fn retried(mut call: impl FnMut() -> isize) -> io::Result<usize> {
    loop {
        if let Ok(done) = usize::try_from(call()) {
            return Ok(done);
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}
