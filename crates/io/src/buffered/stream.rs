//! Buffers in both directions: a `BufReader` around a `BufWriter`.

use std::io::{self, IoSlice, SeekFrom};
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::{BufReader, BufWriter, Seeking};
use crate::{AsyncBufRead, AsyncRead, AsyncSeek, AsyncWrite, ReadBuf};

pin_project! {
    /// A stream with a buffer in each direction: [`BufReader`] and [`BufWriter`] in one, with what is said there.
    ///
    /// # Examples
    /// ```
    /// use unstuck_io::{AsyncBufReadExt, AsyncWriteExt, BufStream, duplex};
    /// # unstuck_base::parker::block_on(async {
    ///
    /// let (client, server) = duplex(64);
    /// let (mut client, mut server) = (BufStream::new(client), BufStream::new(server));
    /// client.write_all(b"hello\n").await?;
    /// client.flush().await?;
    ///
    /// let mut line = String::new();
    /// server.read_line(&mut line).await?;
    /// assert_eq!(line, "hello\n");
    /// # Ok::<_, std::io::Error>(()) }).unwrap();
    /// ```
    #[derive(Debug)]
    pub struct BufStream<RW> {
        #[pin]
        inner: BufReader<BufWriter<RW>>,
    }
}

impl<RW: AsyncRead + AsyncWrite> BufStream<RW> {
    /// Buffers of 8 KiB each (which may change) around `stream`.
    ///
    /// # Examples
    /// ```
    /// use unstuck_io::{AsyncReadExt, AsyncWriteExt, BufStream};
    /// # unstuck_base::parker::block_on(async {
    ///
    /// let (client, mut server) = unstuck_io::duplex(64);
    /// let mut client = BufStream::new(client);
    /// client.write_all(b"hello\n").await?;
    /// client.flush().await?;
    /// let mut buf = [0; 6];
    /// server.read_exact(&mut buf).await?;
    /// assert_eq!(&buf, b"hello\n");
    /// # Ok::<_, std::io::Error>(()) }).unwrap();
    /// ```
    pub fn new(stream: RW) -> BufStream<RW> {
        BufStream { inner: BufReader::new(BufWriter::new(stream)) }
    }

    /// Buffers of `reader_capacity` and `writer_capacity` bytes around `stream`.
    ///
    /// # Panics
    /// If `reader_capacity` is 0.
    ///
    /// # Examples
    /// ```
    /// use unstuck_io::{AsyncBufReadExt, AsyncWriteExt, BufStream};
    /// # unstuck_base::parker::block_on(async {
    ///
    /// let (client, mut server) = unstuck_io::duplex(64);
    /// let mut client = BufStream::with_capacity(4, 1024, client);
    /// server.write_all(b"hello").await?;
    /// assert_eq!(client.fill_buf().await?, b"hell");
    /// # Ok::<_, std::io::Error>(()) }).unwrap();
    /// ```
    #[track_caller]
    pub fn with_capacity(reader_capacity: usize, writer_capacity: usize, stream: RW) -> BufStream<RW> {
        let inner = BufReader::with_capacity(reader_capacity, BufWriter::with_capacity(writer_capacity, stream));
        BufStream { inner }
    }

    /// The stream, to look at.
    ///
    /// # Examples
    /// ```
    /// use unstuck_io::BufStream;
    ///
    /// let (client, _server) = unstuck_io::duplex(64);
    /// let stream = BufStream::new(unstuck_io::join(&b"hello"[..], client));
    /// assert_eq!(stream.get_ref().reader(), b"hello");
    /// ```
    pub fn get_ref(&self) -> &RW {
        self.inner.get_ref().get_ref()
    }

    /// The stream. What is read from and written to it directly comes out of order.
    ///
    /// # Examples
    /// ```
    /// use unstuck_io::{AsyncWriteExt, BufStream};
    /// # unstuck_base::parker::block_on(async {
    ///
    /// let mut stream = BufStream::new(unstuck_io::join(&b""[..], Vec::new()));
    /// stream.write_all(b"hello").await?;
    /// stream.flush().await?; // what comes directly comes after it
    /// stream.get_mut().writer_mut().extend_from_slice(b" world");
    /// assert_eq!(stream.get_ref().writer(), b"hello world");
    /// # Ok::<_, std::io::Error>(()) }).unwrap();
    /// ```
    pub fn get_mut(&mut self) -> &mut RW {
        self.inner.get_mut().get_mut()
    }

    /// The stream, pinned. What is read from and written to it directly comes out of order.
    ///
    /// # Examples
    /// ```
    /// use std::pin::Pin;
    /// use unstuck_io::{AsyncReadExt, BufStream};
    /// # unstuck_base::parker::block_on(async {
    ///
    /// let mut stream = BufStream::new(unstuck_io::join(&b"hello"[..], Vec::new()));
    /// let mut inner = Pin::new(&mut stream).get_pin_mut();
    /// assert_eq!(inner.read_u8().await?, b'h');
    /// # Ok::<_, std::io::Error>(()) }).unwrap();
    /// ```
    pub fn get_pin_mut(self: Pin<&mut Self>) -> Pin<&mut RW> {
        self.project().inner.get_pin_mut().get_pin_mut()
    }

    /// Gives the stream back. What is in the buffers is lost.
    ///
    /// # Examples
    /// ```
    /// use unstuck_io::{AsyncWriteExt, BufStream};
    /// # unstuck_base::parker::block_on(async {
    ///
    /// let mut stream = BufStream::new(unstuck_io::join(&b""[..], Vec::new()));
    /// stream.write_all(b"hello").await?;
    /// stream.flush().await?; // or it would be lost
    /// let (_, written) = stream.into_inner().into_inner();
    /// assert_eq!(written, b"hello");
    /// # Ok::<_, std::io::Error>(()) }).unwrap();
    /// ```
    pub fn into_inner(self) -> RW {
        self.inner.into_inner().into_inner()
    }
}

impl<RW> From<BufReader<BufWriter<RW>>> for BufStream<RW> {
    fn from(inner: BufReader<BufWriter<RW>>) -> Self {
        BufStream { inner }
    }
}

impl<RW> From<BufWriter<BufReader<RW>>> for BufStream<RW> {
    fn from(outer: BufWriter<BufReader<RW>>) -> Self {
        let BufWriter { writer: reader, buf: out, written, seeking: asked } = outer;
        let BufReader { reader: stream, buf, start, end, seeking } = reader;
        // A seek that began is the reader's, which stays with its buffer; one that the writer only noted becomes its.
        let seeking = match (seeking, asked) {
            (Seeking::No, Seeking::Asked(position)) => Seeking::Asked(position),
            (seeking, _) => seeking,
        };
        let writer = BufWriter { writer: stream, buf: out, written, seeking: Seeking::No };
        BufStream { inner: BufReader { reader: writer, buf, start, end, seeking } }
    }
}

impl<RW: AsyncRead + AsyncWrite> AsyncRead for BufStream<RW> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.project().inner.poll_read(cx, buf)
    }
}

impl<RW: AsyncRead + AsyncWrite> AsyncBufRead for BufStream<RW> {
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        self.project().inner.poll_fill_buf(cx)
    }

    fn consume(self: Pin<&mut Self>, amt: usize) {
        self.project().inner.consume(amt);
    }
}

/// As [`BufReader`] and [`BufWriter`] seek: what is to be written is passed on, what was read is thrown away.
impl<RW: AsyncRead + AsyncWrite + AsyncSeek> AsyncSeek for BufStream<RW> {
    fn start_seek(self: Pin<&mut Self>, position: SeekFrom) -> io::Result<()> {
        self.project().inner.start_seek(position)
    }

    fn poll_complete(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<u64>> {
        self.project().inner.poll_complete(cx)
    }
}

impl<RW: AsyncRead + AsyncWrite> AsyncWrite for BufStream<RW> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.project().inner.poll_write(cx, buf)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.project().inner.poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.project().inner.poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.project().inner.poll_shutdown(cx)
    }
}
