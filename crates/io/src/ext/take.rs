//! A reader of the next so many bytes of another one.
//!
//! 1. No more than `limit` bytes are ever asked of the reader, so it is left exactly behind them.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use crate::{AsyncBufRead, AsyncRead, ReadBuf};

pin_project! {
    /// A reader that is at its end after a number of bytes; made by [`AsyncReadExt::take`](crate::AsyncReadExt::take).
    #[derive(Debug)]
    #[must_use = "readers do nothing unless they are read"]
    pub struct Take<R> {
        #[pin]
        reader: R,
        limit: u64,
    }
}

impl<R> Take<R> {
    pub(super) fn new(reader: R, limit: u64) -> Self {
        Take { reader, limit }
    }
}

impl<R: AsyncRead> Take<R> {
    /// How many bytes are left to read here. The reader may end before.
    pub fn limit(&self) -> u64 {
        self.limit
    }

    /// Sets how many bytes are left to read here, whatever was read before.
    pub fn set_limit(&mut self, limit: u64) {
        self.limit = limit;
    }

    /// The reader, to look at.
    pub fn get_ref(&self) -> &R {
        &self.reader
    }

    /// The reader. What is read from it directly does not count here.
    pub fn get_mut(&mut self) -> &mut R {
        &mut self.reader
    }

    /// The reader, pinned. What is read from it directly does not count here.
    pub fn get_pin_mut(self: Pin<&mut Self>) -> Pin<&mut R> {
        self.project().reader
    }

    /// Gives the reader back.
    pub fn into_inner(self) -> R {
        self.reader
    }
}

impl<R: AsyncRead> AsyncRead for Take<R> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let me = self.project();
        if *me.limit == 0 {
            return Poll::Ready(Ok(()));
        }
        let mut part = buf.take(usize::try_from(*me.limit).unwrap_or(usize::MAX));
        let start = part.filled().as_ptr();
        ready!(me.reader.poll_read(cx, &mut part))?;
        assert!(std::ptr::eq(part.filled().as_ptr(), start), "a reader exchanged the buffer it was given");
        let (filled, initialized) = (part.filled().len(), part.initialized().len());
        // SAFETY: `part` is the next part of `buf` (just checked), and that much of it is initialised.
        unsafe { buf.assume_init(initialized) };
        buf.advance(filled);
        *me.limit -= filled as u64;
        Poll::Ready(Ok(()))
    }
}

impl<R: AsyncBufRead> AsyncBufRead for Take<R> {
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let me = self.project();
        if *me.limit == 0 {
            return Poll::Ready(Ok(&[]));
        }
        let lent = ready!(me.reader.poll_fill_buf(cx))?;
        Poll::Ready(Ok(&lent[..at_most(lent.len(), *me.limit)]))
    }

    fn consume(self: Pin<&mut Self>, amt: usize) {
        let me = self.project();
        let amt = at_most(amt, *me.limit);
        *me.limit -= amt as u64;
        me.reader.consume(amt);
    }
}

fn at_most(len: usize, limit: u64) -> usize {
    usize::try_from(limit).map_or(len, |limit| len.min(limit))
}
