//! Receiving into the buffers that users bring.
//!
//! 1. A socket writes into memory that need not be initialised, and says how much it has written ([`Socket`](unstuck_driver::Socket)'s promise):
//!    only here that is believed.

use std::io;
use std::mem::MaybeUninit;

use bytes::BufMut;

use crate::io::ReadBuf;

/// What a socket's `recv` and its like have in common.
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

/// Initialised memory as a socket wants it.
pub(super) fn uninit(buf: &mut [u8]) -> &mut [MaybeUninit<u8>] {
    // SAFETY: same layout. A socket only writes initialised bytes there, so the slice stays initialised.
    unsafe { &mut *(std::ptr::from_mut(buf) as *mut [MaybeUninit<u8>]) }
}

/// Receives into the unfilled part of `buf`.
pub(super) fn into_read_buf<R: Received>(
    buf: &mut ReadBuf<'_>,
    receive: impl FnOnce(&mut [MaybeUninit<u8>]) -> io::Result<R>,
) -> io::Result<R> {
    // SAFETY: a socket only writes initialised bytes there.
    let received = receive(unsafe { buf.unfilled_mut() })?;
    // SAFETY: rule 1: that many bytes were written.
    unsafe { buf.assume_init(received.len()) };
    buf.advance(received.len());
    Ok(received)
}

/// Receives into the next chunk of `buf`.
pub(super) fn into_buf_mut<B: BufMut + ?Sized, R: Received>(
    buf: &mut B,
    receive: impl FnOnce(&mut [MaybeUninit<u8>]) -> io::Result<R>,
) -> io::Result<R> {
    // SAFETY: a socket only writes initialised bytes there.
    let received = receive(unsafe { buf.chunk_mut().as_uninit_slice_mut() })?;
    // SAFETY: rule 1: that many bytes of the chunk were written.
    unsafe { buf.advance_mut(received.len()) };
    Ok(received)
}
