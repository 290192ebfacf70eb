//! Receiving into the buffers that users bring.
//!
//! 1. A [`Receive`] is given memory that need not be initialised, writes nothing else than initialised bytes there, and says
//!    how many it has written at the beginning: only here that is believed. Memory that was initialised stays so.

use std::io;
use std::mem::MaybeUninit;
use std::net::SocketAddr;

use bytes::BufMut;
use unstuck_driver::Socket;

use crate::io::ReadBuf;

/// One attempt to receive.
///
/// # Safety
/// Rule 1 of the file, for [`receive`](Receive::receive): when it returns `Ok`, as many bytes are written as
/// [`len`](Received::len) says, and they fit into the memory.
pub(super) unsafe trait Receive {
    type Received: Received;

    fn receive(self, memory: &mut [MaybeUninit<u8>]) -> io::Result<Self::Received>;
}

/// What a [`Receive`] returns.
pub(super) trait Received {
    /// How many bytes were received.
    fn len(&self) -> usize;
}

impl Received for usize {
    fn len(&self) -> usize {
        *self
    }
}

impl<A> Received for (usize, A) {
    fn len(&self) -> usize {
        self.0
    }
}

/// Receives into `buf`.
pub(super) fn into_slice<R: Receive>(buf: &mut [u8], receive: R) -> io::Result<R::Received> {
    // SAFETY: same layout. Rule 1: nothing else than initialised bytes is written there, so the slice stays initialised.
    receive.receive(unsafe { &mut *(std::ptr::from_mut(buf) as *mut [MaybeUninit<u8>]) })
}

/// Receives into the unfilled part of `buf`.
pub(super) fn into_read_buf<R: Receive>(buf: &mut ReadBuf<'_>, receive: R) -> io::Result<R::Received> {
    // SAFETY: rule 1: nothing else than initialised bytes is written there.
    let received = receive.receive(unsafe { buf.unfilled_mut() })?;
    // SAFETY: rule 1: that many bytes were written.
    unsafe { buf.assume_init(received.len()) };
    buf.advance(received.len());
    Ok(received)
}

/// Receives into the next chunk of `buf`.
pub(super) fn into_buf_mut<B: BufMut + ?Sized, R: Receive>(buf: &mut B, receive: R) -> io::Result<R::Received> {
    // SAFETY: rule 1: nothing else than initialised bytes is written there.
    let received = receive.receive(unsafe { buf.chunk_mut().as_uninit_slice_mut() })?;
    // SAFETY: rule 1: that many bytes of the chunk were written.
    unsafe { buf.advance_mut(received.len()) };
    Ok(received)
}

/// [`Socket::recv`].
pub(super) struct Recv<'a>(pub(super) &'a dyn Socket);

/// [`Socket::peek`].
pub(super) struct Peek<'a>(pub(super) &'a dyn Socket);

/// [`Socket::recv_from`].
pub(super) struct RecvFrom<'a>(pub(super) &'a dyn Socket);

/// [`Socket::peek_from`].
pub(super) struct PeekFrom<'a>(pub(super) &'a dyn Socket);

// SAFETY: every socket promises it.
unsafe impl Receive for Recv<'_> {
    type Received = usize;

    #[inline]
    fn receive(self, memory: &mut [MaybeUninit<u8>]) -> io::Result<usize> {
        self.0.recv(memory)
    }
}

// SAFETY: every socket promises it.
unsafe impl Receive for Peek<'_> {
    type Received = usize;

    fn receive(self, memory: &mut [MaybeUninit<u8>]) -> io::Result<usize> {
        self.0.peek(memory)
    }
}

// SAFETY: every socket promises it.
unsafe impl Receive for RecvFrom<'_> {
    type Received = (usize, SocketAddr);

    #[inline]
    fn receive(self, memory: &mut [MaybeUninit<u8>]) -> io::Result<(usize, SocketAddr)> {
        self.0.recv_from(memory)
    }
}

// SAFETY: every socket promises it.
unsafe impl Receive for PeekFrom<'_> {
    type Received = (usize, SocketAddr);

    fn receive(self, memory: &mut [MaybeUninit<u8>]) -> io::Result<(usize, SocketAddr)> {
        self.0.peek_from(memory)
    }
}
