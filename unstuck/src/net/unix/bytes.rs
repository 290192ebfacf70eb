//! Byte streams over a descriptor: what Unix sockets, pipes and the streams of child processes have in common.
//!
//! 1. Reading goes into memory that need not be initialised: only here that is believed which `read` says.
//! 2. A read that gave less than was asked does not clear the readiness: it may have stopped at descriptors that were sent
//!    along, or between the packets of a pipe, and for what is left no event comes.
//! 3. A write that took less than was asked has filled the buffer: `poll_write*` clear the readiness at once. Not so
//!    `try_write`: who uses it may count on being ready until it says `WouldBlock`.

use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::task::{Context, Poll};

use bytes::BufMut;
use unstuck_base::interest::Interest;
use unstuck_driver::readiness::Direction;

use super::super::buffer::{Receive, into_buf_mut, into_read_buf, into_slice};
use crate::io::ReadBuf;
use crate::watched::Watched;

/// Reading.
impl<T: AsFd> Watched<T> {
    #[track_caller]
    pub(crate) fn poll_read(&self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let receive = || into_read_buf(buf, FromDescriptor(self.get().as_fd()));
        self.readiness().poll_io(Direction::Read, cx, receive).map_ok(drop)
    }

    pub(crate) fn try_read(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.readiness().try_io(Interest::READABLE, || into_slice(buf, FromDescriptor(self.get().as_fd())))
    }

    pub(crate) fn try_read_buf<B: BufMut>(&self, buf: &mut B) -> io::Result<usize> {
        let receive = || into_buf_mut(buf, FromDescriptor(self.get().as_fd()));
        self.readiness().try_io(Interest::READABLE, receive)
    }

    pub(crate) fn try_read_vectored(&self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize>
    where
        for<'a> &'a T: Read,
    {
        self.readiness().try_io(Interest::READABLE, || self.get().read_vectored(bufs))
    }
}

/// Writing.
impl<T> Watched<T>
where
    for<'a> &'a T: Write,
{
    #[track_caller]
    pub(crate) fn poll_write(&self, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.readiness().poll_stream(Direction::Write, cx, buf.len(), || self.get().write(buf))
    }

    #[track_caller]
    pub(crate) fn poll_write_vectored(&self, cx: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let len = bufs.iter().map(|buf| buf.len()).fold(0, usize::saturating_add);
        self.readiness().poll_stream(Direction::Write, cx, len, || self.get().write_vectored(bufs))
    }

    pub(crate) fn try_write(&self, buf: &[u8]) -> io::Result<usize> {
        self.readiness().try_io(Interest::WRITABLE, || self.get().write(buf))
    }

    pub(crate) fn try_write_vectored(&self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        self.readiness().try_io(Interest::WRITABLE, || self.get().write_vectored(bufs))
    }
}

/// Reads from a descriptor.
struct FromDescriptor<'a>(BorrowedFd<'a>);

// SAFETY: `read` writes bytes at the beginning, as many as it says and at most as many as it is told.
unsafe impl Receive for FromDescriptor<'_> {
    type Received = usize;

    fn receive(self, memory: &mut [MaybeUninit<u8>]) -> io::Result<usize> {
        // SAFETY: the memory is writable for `len` bytes, and `read` writes nothing else.
        let n = unsafe { libc::read(self.0.as_raw_fd(), memory.as_mut_ptr().cast(), memory.len()) };
        // Only an error is negative.
        usize::try_from(n).map_err(|_| io::Error::last_os_error())
    }
}
