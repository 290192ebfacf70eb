//! A reader and a writer as one stream.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::{AsyncBufRead, AsyncRead, AsyncWrite, ReadBuf};

/// Makes one stream that reads from `reader` and writes to `writer`.
///
/// # Examples
/// ```
/// use unstuck_io::{AsyncReadExt, AsyncWriteExt, join};
/// # unstuck_base::parker::block_on(async {
///
/// let mut stream = join(&b"in"[..], Vec::new());
/// stream.write_all(b"out").await?;
/// let mut input = String::new();
/// stream.read_to_string(&mut input).await?;
/// assert_eq!(input, "in");
/// assert_eq!(stream.writer(), b"out");
/// # Ok::<_, std::io::Error>(()) }).unwrap();
/// ```
pub fn join<R, W>(reader: R, writer: W) -> Join<R, W>
where
    R: AsyncRead,
    W: AsyncWrite,
{
    Join { reader, writer }
}

pin_project! {
    /// A reader and a writer as one stream; made by [`join`].
    ///
    /// # Examples
    /// ```
    /// use unstuck_io::{AsyncReadExt, AsyncWriteExt};
    /// # unstuck_base::parker::block_on(async {
    ///
    /// let mut stream = unstuck_io::join(&b"ping"[..], Vec::new());
    /// let mut buf = [0; 4];
    /// stream.read_exact(&mut buf).await?;
    /// stream.write_all(b"pong").await?;
    /// assert_eq!((&buf, &stream.writer()[..]), (b"ping", &b"pong"[..]));
    /// # Ok::<_, std::io::Error>(()) }).unwrap();
    /// ```
    #[derive(Debug)]
    pub struct Join<R, W> {
        #[pin]
        reader: R,
        #[pin]
        writer: W,
    }
}

impl<R: AsyncRead, W: AsyncWrite> Join<R, W> {
    /// Gives both back.
    ///
    /// # Examples
    /// ```
    /// use unstuck_io::AsyncWriteExt;
    /// # unstuck_base::parker::block_on(async {
    ///
    /// let mut stream = unstuck_io::join(&b"ping"[..], Vec::new());
    /// stream.write_all(b"pong").await?;
    /// assert_eq!(stream.into_inner(), (&b"ping"[..], b"pong".to_vec()));
    /// # Ok::<_, std::io::Error>(()) }).unwrap();
    /// ```
    pub fn into_inner(self) -> (R, W) {
        (self.reader, self.writer)
    }

    /// The reader, to look at.
    ///
    /// # Examples
    /// ```
    /// use unstuck_io::AsyncReadExt;
    /// # unstuck_base::parker::block_on(async {
    ///
    /// let mut stream = unstuck_io::join(&b"ping"[..], Vec::new());
    /// assert_eq!(stream.read_u8().await?, b'p');
    /// assert_eq!(stream.reader(), b"ing");
    /// # Ok::<_, std::io::Error>(()) }).unwrap();
    /// ```
    pub fn reader(&self) -> &R {
        &self.reader
    }

    /// The writer, to look at.
    ///
    /// # Examples
    /// ```
    /// use unstuck_io::AsyncWriteExt;
    /// # unstuck_base::parker::block_on(async {
    ///
    /// let mut stream = unstuck_io::join(&b"ping"[..], Vec::new());
    /// stream.write_all(b"pong").await?;
    /// assert_eq!(stream.writer(), b"pong");
    /// # Ok::<_, std::io::Error>(()) }).unwrap();
    /// ```
    pub fn writer(&self) -> &W {
        &self.writer
    }

    /// The reader.
    ///
    /// # Examples
    /// ```
    /// use unstuck_io::AsyncReadExt;
    /// # unstuck_base::parker::block_on(async {
    ///
    /// let mut stream = unstuck_io::join(&b"ping"[..], Vec::new());
    /// *stream.reader_mut() = b"other";
    /// assert_eq!(stream.read_u8().await?, b'o');
    /// # Ok::<_, std::io::Error>(()) }).unwrap();
    /// ```
    pub fn reader_mut(&mut self) -> &mut R {
        &mut self.reader
    }

    /// The writer.
    ///
    /// # Examples
    /// ```
    /// use unstuck_io::AsyncWriteExt;
    /// # unstuck_base::parker::block_on(async {
    ///
    /// let mut stream = unstuck_io::join(&b"ping"[..], Vec::new());
    /// stream.write_all(b"pong").await?;
    /// assert_eq!(std::mem::take(stream.writer_mut()), b"pong");
    /// assert!(stream.writer().is_empty());
    /// # Ok::<_, std::io::Error>(()) }).unwrap();
    /// ```
    pub fn writer_mut(&mut self) -> &mut W {
        &mut self.writer
    }

    /// The reader, pinned.
    ///
    /// # Examples
    /// ```
    /// use std::pin::Pin;
    /// use unstuck_io::AsyncReadExt;
    /// # unstuck_base::parker::block_on(async {
    ///
    /// let mut stream = unstuck_io::join(&b"ping"[..], Vec::new());
    /// let mut reader = Pin::new(&mut stream).reader_pin_mut();
    /// assert_eq!(reader.read_u8().await?, b'p');
    /// # Ok::<_, std::io::Error>(()) }).unwrap();
    /// ```
    pub fn reader_pin_mut(self: Pin<&mut Self>) -> Pin<&mut R> {
        self.project().reader
    }

    /// The writer, pinned.
    ///
    /// # Examples
    /// ```
    /// use std::pin::Pin;
    /// use unstuck_io::AsyncWriteExt;
    /// # unstuck_base::parker::block_on(async {
    ///
    /// let mut stream = unstuck_io::join(&b"ping"[..], Vec::new());
    /// let mut writer = Pin::new(&mut stream).writer_pin_mut();
    /// writer.write_all(b"pong").await?;
    /// assert_eq!(stream.writer(), b"pong");
    /// # Ok::<_, std::io::Error>(()) }).unwrap();
    /// ```
    pub fn writer_pin_mut(self: Pin<&mut Self>) -> Pin<&mut W> {
        self.project().writer
    }
}

impl<R: AsyncRead, W> AsyncRead for Join<R, W> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.project().reader.poll_read(cx, buf)
    }
}

impl<R: AsyncBufRead, W> AsyncBufRead for Join<R, W> {
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        self.project().reader.poll_fill_buf(cx)
    }

    fn consume(self: Pin<&mut Self>, amt: usize) {
        self.project().reader.consume(amt);
    }
}

impl<R, W: AsyncWrite> AsyncWrite for Join<R, W> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.project().writer.poll_write(cx, buf)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.project().writer.poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.writer.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.project().writer.poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.project().writer.poll_shutdown(cx)
    }
}
