//! Copying through a buffer of our own.
//!
//! 1. `buf[start..end]` is what was read and not yet written.
//! 2. While the writer can't go on, the reader still does, until the buffer is full: so one of them is hardly ever idle
//!    for want of the other.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use unstuck_base::local::poll_budget;

use super::DEFAULT_BUFFER;
use crate::errors::{is_interrupted, write_zero};
use crate::{AsyncRead, AsyncWrite, ReadBuf};

/// Copies everything from `reader` to `writer`, up to the end of the reader; flushes, and returns how many bytes that
/// was.
///
/// The bytes go through a buffer of 8 KiB on the heap. For another size, or if the reader has a buffer anyway, use
/// [`copy_buf`](crate::copy_buf) with a [`BufReader`](crate::BufReader).
///
/// # Errors
/// The first error of the reader or the writer, but for [`Interrupted`](io::ErrorKind::Interrupted), which is retried;
/// the first error of a flush; [`WriteZero`](io::ErrorKind::WriteZero) if the writer takes no more.
///
/// # Cancel safety
/// Not safe: a call that is dropped before it returned may have read bytes that it did not write, and does not say how
/// many it copied.
///
/// # Examples
/// ```
/// use unstuck_io::copy;
/// # unstuck_base::parker::block_on(async {
///
/// let mut reader: &[u8] = b"hello";
/// let mut writer = Vec::new();
/// assert_eq!(copy(&mut reader, &mut writer).await?, 5);
/// assert_eq!(writer, b"hello");
/// # Ok::<_, std::io::Error>(()) }).unwrap();
/// ```
pub async fn copy<'a, R, W>(reader: &'a mut R, writer: &'a mut W) -> io::Result<u64>
where
    R: AsyncRead + Unpin + ?Sized,
    W: AsyncWrite + Unpin + ?Sized,
{
    let mut transfer = Transfer::new(DEFAULT_BUFFER);
    std::future::poll_fn(|cx| transfer.poll_copy(cx, Pin::new(&mut *reader), Pin::new(&mut *writer))).await
}

/// One direction of copying.
#[derive(Debug)]
pub(super) struct Transfer {
    buf: Box<[u8]>,
    start: usize,
    end: usize,
    copied: u64,
    reader_ended: bool,
    unflushed: bool,
}

impl Transfer {
    pub(super) fn new(buffer: usize) -> Self {
        let buf = vec![0; buffer].into_boxed_slice();
        Transfer { buf, start: 0, end: 0, copied: 0, reader_ended: false, unflushed: false }
    }

    /// Copies until the reader ends, and flushes. Ready with the number of bytes copied in all.
    pub(super) fn poll_copy<R, W>(
        &mut self,
        cx: &mut Context<'_>,
        mut reader: Pin<&mut R>,
        mut writer: Pin<&mut W>,
    ) -> Poll<io::Result<u64>>
    where
        R: AsyncRead + ?Sized,
        W: AsyncWrite + ?Sized,
    {
        let mut writer_waits = false;
        loop {
            let charge = ready!(poll_budget(cx));
            let read = self.poll_read(cx, reader.as_mut())?;
            if !writer_waits {
                writer_waits = self.poll_write(cx, writer.as_mut())?.is_pending();
            }
            let all_written = self.start == self.end;
            if all_written && self.reader_ended {
                ready!(writer.poll_flush(cx))?;
                charge.made_progress();
                return Poll::Ready(Ok(self.copied));
            }
            if all_written && read.is_pending() {
                if self.unflushed {
                    ready!(writer.poll_flush(cx))?;
                    self.unflushed = false;
                }
                return Poll::Pending;
            }
            if writer_waits && read != Poll::Ready(true) {
                return Poll::Pending;
            }
            charge.made_progress();
        }
    }

    /// Reads once into the room behind `end`. Ready says whether there was anything to be done.
    fn poll_read<R: AsyncRead + ?Sized>(
        &mut self,
        cx: &mut Context<'_>,
        reader: Pin<&mut R>,
    ) -> io::Result<Poll<bool>> {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        }
        if self.reader_ended || self.end == self.buf.len() {
            return Ok(Poll::Ready(false));
        }
        let mut buf = ReadBuf::new(&mut self.buf[self.end..]);
        match reader.poll_read(cx, &mut buf) {
            Poll::Pending => return Ok(Poll::Pending),
            Poll::Ready(Err(error)) if is_interrupted(&error) => return Ok(Poll::Ready(true)),
            Poll::Ready(result) => result?,
        }
        let read = buf.filled().len();
        assert!(read <= self.buf.len() - self.end, "a reader exchanged the buffer it was given");
        self.end += read;
        self.reader_ended = read == 0;
        Ok(Poll::Ready(true))
    }

    /// Writes once, if there is anything to write. Pending says that the writer can't take it.
    fn poll_write<W: AsyncWrite + ?Sized>(
        &mut self,
        cx: &mut Context<'_>,
        writer: Pin<&mut W>,
    ) -> io::Result<Poll<()>> {
        if self.start == self.end {
            return Ok(Poll::Ready(()));
        }
        match writer.poll_write(cx, &self.buf[self.start..self.end]) {
            Poll::Pending => return Ok(Poll::Pending),
            Poll::Ready(Err(error)) if is_interrupted(&error) => {}
            Poll::Ready(Err(error)) => return Err(error),
            Poll::Ready(Ok(0)) => return Err(write_zero()),
            Poll::Ready(Ok(n)) => {
                assert!(n <= self.end - self.start, "a writer took more bytes than it was given");
                self.start += n;
                self.copied += n as u64;
                self.unflushed = true;
            }
        }
        Ok(Poll::Ready(()))
    }
}
