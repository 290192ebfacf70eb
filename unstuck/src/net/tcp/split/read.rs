//! The half of a TCP connection that reads.

use std::future::Future;
use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::BufMut;
use unstuck_base::interest::{Interest, Ready};

use super::ReadHalf;
use crate::io::{AsyncRead, ReadBuf};

impl ReadHalf<'_> {
    /// Waits for data and copies it into `buf`, leaving it to be read again; see
    /// [`TcpStream::peek`](crate::net::TcpStream::peek).
    ///
    /// # Errors
    ///
    /// What the system says.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: the data stays anyway.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::io::{AsyncReadExt, AsyncWriteExt};
    /// use unstuck::net::{TcpListener, TcpStream};
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// let mut stream = TcpStream::connect(listener.local_addr()?).await?;
    /// let (mut peer, _) = listener.accept().await?;
    /// let (mut reader, _writer) = stream.split();
    /// peer.write_all(b"hello").await?;
    /// let mut first = [0; 1];
    /// assert_eq!(reader.peek(&mut first).await?, 1);
    /// let mut word = [0; 5];
    /// reader.read_exact(&mut word).await?;
    /// assert_eq!((&first, &word), (b"h", b"hello"));
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn peek(&mut self, buf: &mut [u8]) -> impl Future<Output = io::Result<usize>> {
        self.stream.peek(buf)
    }

    /// As [`peek`](ReadHalf::peek), into the unfilled part of `buf`. Of several tasks that poll for reading, the last one
    /// is woken.
    ///
    /// # Errors
    ///
    /// What the system says.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::future::poll_fn;
    /// use unstuck::io::{AsyncWriteExt, ReadBuf};
    /// use unstuck::net::{TcpListener, TcpStream};
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// let mut stream = TcpStream::connect(listener.local_addr()?).await?;
    /// let (mut peer, _) = listener.accept().await?;
    /// let (mut reader, _writer) = stream.split();
    /// peer.write_all(b"hello").await?;
    /// let mut storage = [0; 16];
    /// let mut buf = ReadBuf::new(&mut storage);
    /// let n = poll_fn(|cx| reader.poll_peek(cx, &mut buf)).await?;
    /// assert_eq!(&b"hello"[..n], buf.filled());
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn poll_peek(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<usize>> {
        self.stream.poll_peek(cx, buf)
    }

    /// Waits until the stream is ready for anything of `interest`; see
    /// [`TcpStream::ready`](crate::net::TcpStream::ready).
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
    /// use unstuck::net::{TcpListener, TcpStream};
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// let mut stream = TcpStream::connect(listener.local_addr()?).await?;
    /// let (mut peer, _) = listener.accept().await?;
    /// let (reader, _writer) = stream.split();
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
    /// use unstuck::net::{TcpListener, TcpStream};
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// let mut stream = TcpStream::connect(listener.local_addr()?).await?;
    /// let (mut peer, _) = listener.accept().await?;
    /// let (reader, _writer) = stream.split();
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

    /// Reads what is there now; see [`TcpStream::try_read`](crate::net::TcpStream::try_read).
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
    /// use unstuck::net::{TcpListener, TcpStream};
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// let mut stream = TcpStream::connect(listener.local_addr()?).await?;
    /// let (mut peer, _) = listener.accept().await?;
    /// let (reader, _writer) = stream.split();
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

    /// As [`try_read`](ReadHalf::try_read), appending to a buffer; see
    /// [`TcpStream::try_read_buf`](crate::net::TcpStream::try_read_buf).
    ///
    /// # Errors
    ///
    /// As [`try_read`](ReadHalf::try_read).
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::io::AsyncWriteExt;
    /// use unstuck::net::{TcpListener, TcpStream};
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// let mut stream = TcpStream::connect(listener.local_addr()?).await?;
    /// let (mut peer, _) = listener.accept().await?;
    /// let (reader, _writer) = stream.split();
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

    /// As [`try_read`](ReadHalf::try_read), into several buffers; see
    /// [`TcpStream::try_read_vectored`](crate::net::TcpStream::try_read_vectored).
    ///
    /// # Errors
    ///
    /// As [`try_read`](ReadHalf::try_read).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::io::IoSliceMut;
    /// use unstuck::io::AsyncWriteExt;
    /// use unstuck::net::{TcpListener, TcpStream};
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// let mut stream = TcpStream::connect(listener.local_addr()?).await?;
    /// let (mut peer, _) = listener.accept().await?;
    /// let (reader, _writer) = stream.split();
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
    /// use unstuck::net::{TcpListener, TcpStream};
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// let mut stream = TcpStream::connect(listener.local_addr()?).await?;
    /// let (peer, _) = listener.accept().await?;
    /// let (reader, _writer) = stream.split();
    /// assert_eq!(reader.local_addr()?, peer.peer_addr()?);
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
    /// What the system says, as when the connection is closed.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::net::{TcpListener, TcpStream};
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// let mut stream = TcpStream::connect(listener.local_addr()?).await?;
    /// let (_peer, _) = listener.accept().await?;
    /// let (reader, _writer) = stream.split();
    /// assert_eq!(reader.peer_addr()?, listener.local_addr()?);
    /// # Ok(())
    /// # }
    /// ```
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.stream.peer_addr()
    }
}

impl AsyncRead for ReadHalf<'_> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.stream.poll_read_shared(cx, buf)
    }
}
