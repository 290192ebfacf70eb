//! A buffer in front of a writer.
//!
//! 1. `buf[written..]` is what was taken and not yet passed on; it is passed on before anything newer is.
//! 2. `buf` never grows beyond its capacity.
//! 3. Each attempt to pass on counts in `written` at once, so a dropped flush neither repeats nor loses a byte.

use std::fmt;
use std::io::{self, IoSlice, SeekFrom};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use super::{DEFAULT_CAPACITY, Fill, Seeking};
use crate::errors::{is_interrupted, write_zero};
use crate::{AsyncBufRead, AsyncRead, AsyncSeek, AsyncWrite, ReadBuf};

pin_project! {
    /// A writer with a buffer: few large writes instead of many small ones.
    ///
    /// It helps where small pieces are written to a socket or a file. What is in the buffer is **lost** when it is
    /// dropped, since dropping can't wait: call [`flush`](crate::AsyncWriteExt::flush) or
    /// [`shutdown`](crate::AsyncWriteExt::shutdown) before.
    ///
    /// Seeking passes on what is in the buffer first.
    ///
    /// # Examples
    /// ```
    /// use unstuck_io::{AsyncWriteExt, BufWriter};
    /// # unstuck_base::parker::block_on(async {
    ///
    /// let mut writer = BufWriter::new(Vec::new());
    /// for byte in b"hello" {
    ///     writer.write_u8(*byte).await?;
    /// }
    /// assert_eq!(writer.buffer(), b"hello");
    /// writer.flush().await?;
    /// assert_eq!(writer.into_inner(), b"hello");
    /// # Ok::<_, std::io::Error>(()) }).unwrap();
    /// ```
    pub struct BufWriter<W> {
        #[pin]
        pub(super) writer: W,
        pub(super) buf: Vec<u8>,
        pub(super) written: usize,
        pub(super) seeking: Seeking,
    }
}

impl<W: AsyncWrite> BufWriter<W> {
    /// A buffer of 8 KiB (which may change) around `inner`.
    ///
    /// # Examples
    /// ```
    /// use unstuck_io::{AsyncWriteExt, BufWriter};
    /// # unstuck_base::parker::block_on(async {
    ///
    /// let mut writer = BufWriter::new(Vec::new());
    /// writer.write_all(b"hel").await?;
    /// writer.write_all(b"lo").await?;
    /// writer.flush().await?;
    /// assert_eq!(writer.get_ref(), b"hello");
    /// # Ok::<_, std::io::Error>(()) }).unwrap();
    /// ```
    pub fn new(inner: W) -> Self {
        Self::with_capacity(DEFAULT_CAPACITY, inner)
    }

    /// A buffer of `cap` bytes around `inner`.
    ///
    /// # Examples
    /// ```
    /// use unstuck_io::{AsyncWriteExt, BufWriter};
    /// # unstuck_base::parker::block_on(async {
    ///
    /// let mut writer = BufWriter::with_capacity(4, Vec::new());
    /// writer.write_all(b"hello").await?; // too much for the buffer
    /// assert_eq!(writer.get_ref(), b"hello");
    /// # Ok::<_, std::io::Error>(()) }).unwrap();
    /// ```
    pub fn with_capacity(cap: usize, inner: W) -> Self {
        BufWriter { writer: inner, buf: Vec::with_capacity(cap), written: 0, seeking: Seeking::No }
    }

    /// The writer, to look at.
    ///
    /// # Examples
    /// ```
    /// use unstuck_io::{AsyncWriteExt, BufWriter};
    /// # unstuck_base::parker::block_on(async {
    ///
    /// let mut writer = BufWriter::new(Vec::new());
    /// writer.write_all(b"hello").await?;
    /// assert!(writer.get_ref().is_empty()); // it is still in the buffer
    /// writer.flush().await?;
    /// assert_eq!(writer.get_ref(), b"hello");
    /// # Ok::<_, std::io::Error>(()) }).unwrap();
    /// ```
    pub fn get_ref(&self) -> &W {
        &self.writer
    }

    /// The writer. What is written to it directly comes out of order.
    ///
    /// # Examples
    /// ```
    /// use unstuck_io::{AsyncWriteExt, BufWriter};
    /// # unstuck_base::parker::block_on(async {
    ///
    /// let mut writer = BufWriter::new(Vec::new());
    /// writer.write_all(b"hello").await?;
    /// writer.flush().await?; // what comes directly comes after it
    /// writer.get_mut().extend_from_slice(b" world");
    /// assert_eq!(writer.into_inner(), b"hello world");
    /// # Ok::<_, std::io::Error>(()) }).unwrap();
    /// ```
    pub fn get_mut(&mut self) -> &mut W {
        &mut self.writer
    }

    /// The writer, pinned. What is written to it directly comes out of order.
    ///
    /// # Examples
    /// ```
    /// use std::pin::Pin;
    /// use unstuck_io::{AsyncWriteExt, BufWriter};
    /// # unstuck_base::parker::block_on(async {
    ///
    /// let mut writer = BufWriter::new(Vec::new());
    /// writer.write_all(b" world").await?;
    /// Pin::new(&mut writer).get_pin_mut().write_all(b"hello").await?; // it overtakes what is buffered
    /// writer.flush().await?;
    /// assert_eq!(writer.into_inner(), b"hello world");
    /// # Ok::<_, std::io::Error>(()) }).unwrap();
    /// ```
    pub fn get_pin_mut(self: Pin<&mut Self>) -> Pin<&mut W> {
        self.project().writer
    }

    /// Gives the writer back. What is in the buffer is lost.
    ///
    /// # Examples
    /// ```
    /// use unstuck_io::{AsyncWriteExt, BufWriter};
    /// # unstuck_base::parker::block_on(async {
    ///
    /// let mut writer = BufWriter::new(Vec::new());
    /// writer.write_all(b"hello").await?;
    /// writer.flush().await?; // or it would be lost
    /// assert_eq!(writer.into_inner(), b"hello");
    /// # Ok::<_, std::io::Error>(()) }).unwrap();
    /// ```
    pub fn into_inner(self) -> W {
        self.writer
    }

    /// What was taken and not yet passed on.
    ///
    /// # Examples
    /// ```
    /// use unstuck_io::{AsyncWriteExt, BufWriter};
    /// # unstuck_base::parker::block_on(async {
    ///
    /// let mut writer = BufWriter::new(Vec::new());
    /// writer.write_all(b"hello").await?;
    /// assert_eq!(writer.buffer(), b"hello");
    /// writer.flush().await?;
    /// assert!(writer.buffer().is_empty());
    /// # Ok::<_, std::io::Error>(()) }).unwrap();
    /// ```
    pub fn buffer(&self) -> &[u8] {
        &self.buf[self.written..]
    }

    /// Passes on everything in the buffer.
    fn poll_flush_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut me = self.project();
        while *me.written < me.buf.len() {
            match ready!(me.writer.as_mut().poll_write(cx, &me.buf[*me.written..])) {
                Ok(0) => return Poll::Ready(Err(write_zero())),
                Ok(n) => *me.written += n,
                Err(error) if is_interrupted(&error) => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        me.buf.clear();
        *me.written = 0;
        Poll::Ready(Ok(()))
    }

    /// Makes room for `len` bytes; if they can't have that much, at least the buffer is empty then.
    fn poll_make_room(self: Pin<&mut Self>, cx: &mut Context<'_>, len: usize) -> Poll<io::Result<()>> {
        if len > self.buf.capacity() - self.buf.len() { self.poll_flush_buf(cx) } else { Poll::Ready(Ok(())) }
    }
}

impl<W: AsyncWrite> AsyncWrite for BufWriter<W> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.as_mut().poll_make_room(cx, buf.len()))?;
        let me = self.project();
        if buf.len() >= me.buf.capacity() {
            // The buffer is empty: had it anything in it, there would not have been room.
            return me.writer.poll_write(cx, buf);
        }
        me.buf.extend_from_slice(buf);
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.writer.is_write_vectored() {
            let len = bufs.iter().fold(0_usize, |sum, buf| sum.saturating_add(buf.len()));
            ready!(self.as_mut().poll_make_room(cx, len))?;
            let me = self.project();
            if len >= me.buf.capacity() {
                return me.writer.poll_write_vectored(cx, bufs);
            }
            bufs.iter().for_each(|buf| me.buf.extend_from_slice(buf));
            return Poll::Ready(Ok(len));
        }

        let mut bufs = bufs.iter().skip_while(|buf| buf.is_empty());
        let Some(first) = bufs.next() else { return Poll::Ready(Ok(0)) };
        let mut taken = ready!(self.as_mut().poll_write(cx, first))?;
        // What went past the buffer may have been taken in part: then nothing behind it may be taken now.
        if taken == first.len() {
            let me = self.project();
            for buf in bufs {
                if buf.len() > me.buf.capacity() - me.buf.len() {
                    break;
                }
                me.buf.extend_from_slice(buf);
                taken += buf.len();
            }
        }
        Poll::Ready(Ok(taken))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.as_mut().poll_flush_buf(cx))?;
        self.project().writer.poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.as_mut().poll_flush_buf(cx))?;
        self.project().writer.poll_shutdown(cx)
    }
}

impl<W: AsyncWrite + AsyncSeek> AsyncSeek for BufWriter<W> {
    /// Only notes the position: what is in the buffer must be passed on first, which can wait.
    fn start_seek(self: Pin<&mut Self>, position: SeekFrom) -> io::Result<()> {
        let seeking = self.project().seeking;
        if let Seeking::Moving = seeking {
            return Err(io::Error::other("another seek is under way: wait for poll_complete first"));
        }
        *seeking = Seeking::Asked(position);
        Ok(())
    }

    fn poll_complete(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<u64>> {
        if let Seeking::Asked(position) = self.seeking {
            if let Err(error) = ready!(self.as_mut().poll_flush_buf(cx)) {
                *self.project().seeking = Seeking::No;
                return Poll::Ready(Err(error));
            }
            let mut me = self.as_mut().project();
            let completed = ready!(me.writer.as_mut().poll_complete(cx));
            *me.seeking = Seeking::No;
            completed?;
            me.writer.start_seek(position)?;
            *me.seeking = Seeking::Moving;
        }
        let me = self.project();
        let completed = ready!(me.writer.poll_complete(cx));
        *me.seeking = Seeking::No;
        Poll::Ready(completed)
    }
}

impl<W: AsyncWrite + AsyncRead> AsyncRead for BufWriter<W> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.project().writer.poll_read(cx, buf)
    }
}

impl<W: AsyncWrite + AsyncBufRead> AsyncBufRead for BufWriter<W> {
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        self.project().writer.poll_fill_buf(cx)
    }

    fn consume(self: Pin<&mut Self>, amt: usize) {
        self.project().writer.consume(amt);
    }
}

impl<W: fmt::Debug> fmt::Debug for BufWriter<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BufWriter")
            .field("writer", &self.writer)
            .field("buffer", &Fill(self.buf.len() - self.written, self.buf.capacity()))
            .finish()
    }
}
