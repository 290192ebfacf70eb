//! The half of a Unix stream that reads.

use std::future::Future;
use std::io::{self, IoSliceMut};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::BufMut;
use unstuck_base::interest::{Interest, Ready};

use super::super::super::SocketAddr;
use super::super::UnixStream;
use super::{OwnedReadHalf, OwnedWriteHalf, ReuniteError, reunite};
use crate::io::{AsyncRead, ReadBuf};

impl OwnedReadHalf {
    /// Makes the two halves a stream again.
    ///
    /// # Errors
    ///
    /// When they are not of the same stream: the halves.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::net::UnixStream;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let (stream, _peer) = UnixStream::pair()?;
    /// let address = stream.local_addr()?;
    /// let (reader, writer) = stream.into_split();
    /// let stream = reader.reunite(writer).expect("they are of the same stream");
    /// assert_eq!(stream.local_addr()?.is_unnamed(), address.is_unnamed());
    /// # Ok(())
    /// # }
    /// ```
    pub fn reunite(self, other: OwnedWriteHalf) -> Result<UnixStream, ReuniteError> {
        reunite(self, other)
    }

    /// Waits until the stream is ready for anything of `interest`; see [`UnixStream::ready`].
    ///
    /// # Errors
    ///
    /// When the runtime has shut down.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: readiness stays until an attempt uses it up.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::io::{AsyncWriteExt, Interest};
    /// use unstuck::net::UnixStream;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let (stream, mut peer) = UnixStream::pair()?;
    /// let (reader, _writer) = stream.into_split();
    /// peer.write_all(b"hello").await?;
    /// let ready = reader.ready(Interest::READABLE).await?;
    /// assert!(ready.is_readable());
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn ready(&self, interest: Interest) -> impl Future<Output = io::Result<Ready>> {
        self.stream.ready(interest)
    }

    /// Waits until there is something to read, or the peer will send no more.
    ///
    /// # Errors
    ///
    /// When the runtime has shut down.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: readiness stays until an attempt uses it up.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::io::ErrorKind;
    /// use unstuck::io::AsyncWriteExt;
    /// use unstuck::net::UnixStream;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let (stream, mut peer) = UnixStream::pair()?;
    /// let (reader, _writer) = stream.into_split();
    /// peer.write_all(b"hello").await?;
    /// let mut buf = [0; 16];
    /// let n = loop {
    ///     reader.readable().await?;
    ///     match reader.try_read(&mut buf) {
    ///         Err(error) if error.kind() == ErrorKind::WouldBlock => continue,
    ///         result => break result?,
    ///     }
    /// };
    /// assert_eq!(&b"hello"[..n], &buf[..n]);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn readable(&self) -> impl Future<Output = io::Result<()>> {
        self.stream.readable()
    }

    /// Reads what is there now; see [`UnixStream::try_read`].
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) when nothing is there; what the system says.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::io::ErrorKind;
    /// use unstuck::io::AsyncWriteExt;
    /// use unstuck::net::UnixStream;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let (stream, mut peer) = UnixStream::pair()?;
    /// let (reader, _writer) = stream.into_split();
    /// let mut buf = [0; 16];
    /// assert_eq!(reader.try_read(&mut buf).unwrap_err().kind(), ErrorKind::WouldBlock);
    ///
    /// peer.write_all(b"hello").await?;
    /// reader.readable().await?;
    /// assert_eq!(reader.try_read(&mut buf)?, 5);
    /// # Ok(())
    /// # }
    /// ```
    pub fn try_read(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.stream.try_read(buf)
    }

    /// As [`try_read`](OwnedReadHalf::try_read), appending to a buffer; see [`UnixStream::try_read_buf`].
    ///
    /// # Errors
    ///
    /// As [`try_read`](OwnedReadHalf::try_read).
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::io::AsyncWriteExt;
    /// use unstuck::net::UnixStream;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let (stream, mut peer) = UnixStream::pair()?;
    /// let (reader, _writer) = stream.into_split();
    /// peer.write_all(b"hello").await?;
    /// reader.readable().await?;
    /// let mut received = Vec::with_capacity(16);
    /// assert_eq!(reader.try_read_buf(&mut received)?, 5);
    /// assert_eq!(received, b"hello");
    /// # Ok(())
    /// # }
    /// ```
    pub fn try_read_buf<B: BufMut>(&self, buf: &mut B) -> io::Result<usize> {
        self.stream.try_read_buf(buf)
    }

    /// As [`try_read`](OwnedReadHalf::try_read), into several buffers; see [`UnixStream::try_read_vectored`].
    ///
    /// # Errors
    ///
    /// As [`try_read`](OwnedReadHalf::try_read).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::io::IoSliceMut;
    /// use unstuck::io::AsyncWriteExt;
    /// use unstuck::net::UnixStream;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let (stream, mut peer) = UnixStream::pair()?;
    /// let (reader, _writer) = stream.into_split();
    /// peer.write_all(b"hello").await?;
    /// reader.readable().await?;
    /// let (mut head, mut tail) = ([0; 1], [0; 16]);
    /// let n = reader.try_read_vectored(&mut [IoSliceMut::new(&mut head), IoSliceMut::new(&mut tail)])?;
    /// assert_eq!((n, &head, &tail[..4]), (5, b"h", &b"ello"[..]));
    /// # Ok(())
    /// # }
    /// ```
    pub fn try_read_vectored(&self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        self.stream.try_read_vectored(bufs)
    }

    /// The address of this end.
    ///
    /// # Errors
    ///
    /// What the system says.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::net::UnixStream;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let (stream, _peer) = UnixStream::pair()?;
    /// let (reader, _writer) = stream.into_split();
    /// assert!(reader.local_addr()?.is_unnamed());
    /// # Ok(())
    /// # }
    /// ```
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.stream.local_addr()
    }

    /// The address of the other end.
    ///
    /// # Errors
    ///
    /// What the system says.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::net::UnixStream;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let (stream, _peer) = UnixStream::pair()?;
    /// let (reader, _writer) = stream.into_split();
    /// assert!(reader.peer_addr()?.is_unnamed());
    /// # Ok(())
    /// # }
    /// ```
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.stream.peer_addr()
    }
}

impl AsyncRead for OwnedReadHalf {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.stream.stream.poll_read(cx, buf)
    }
}
