//! Receiving into the buffers that users bring.
//!
//! 1. A socket writes into memory that need not be initialised, and says how much it has written ([`Socket`]'s promise):
//!    only here that is believed.

use std::io::{self, IoSliceMut};
use std::mem::MaybeUninit;

use bytes::BufMut;
#[cfg(doc)]
use unstuck_driver::Socket;

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

/// Receives into `bufs` one after the other, until one is not filled. An error after the first bytes is left for the next
/// call to find again.
pub(super) fn into_slices(
    bufs: &mut [IoSliceMut<'_>],
    mut receive: impl FnMut(&mut [MaybeUninit<u8>]) -> io::Result<usize>,
) -> io::Result<usize> {
    let mut total = 0;
    for buf in bufs.iter_mut().filter(|buf| !buf.is_empty()) {
        match receive(uninit(buf)) {
            Ok(n) => {
                total += n;
                if n < buf.len() {
                    break;
                }
            }
            Err(error) if total == 0 => return Err(error),
            Err(_) => break,
        }
    }
    Ok(total)
}
