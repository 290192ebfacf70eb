//! The half of a TCP connection that writes.

use std::future::Future;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use unstuck_base::interest::{Interest, Ready};

use super::WriteHalf;
use crate::io::AsyncWrite;

impl WriteHalf<'_> {
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
    /// use unstuck::io::Interest;
    /// use unstuck::net::{TcpListener, TcpStream};
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// let mut stream = TcpStream::connect(listener.local_addr()?).await?;
    /// let (_peer, _) = listener.accept().await?;
    /// let (_reader, writer) = stream.split();
    /// let ready = writer.ready(Interest::WRITABLE).await?;
    /// assert!(ready.is_writable());
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn ready(&self, interest: Interest) -> impl Future<Output = io::Result<Ready>> {
        self.stream.ready(interest)
    }

    /// Waits until there is room to write, or the peer will receive no more.
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
    /// use unstuck::net::{TcpListener, TcpStream};
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// let mut stream = TcpStream::connect(listener.local_addr()?).await?;
    /// let (_peer, _) = listener.accept().await?;
    /// let (_reader, writer) = stream.split();
    /// let message = b"hello";
    /// let mut sent = 0;
    /// while sent < message.len() {
    ///     writer.writable().await?;
    ///     match writer.try_write(&message[sent..]) {
    ///         Err(error) if error.kind() == ErrorKind::WouldBlock => continue,
    ///         result => sent += result?,
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn writable(&self) -> impl Future<Output = io::Result<()>> {
        self.stream.writable()
    }

    /// Writes what there is room for now; see [`TcpStream::try_write`](crate::net::TcpStream::try_write).
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) when there is no room; what the system says.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::io::AsyncReadExt;
    /// use unstuck::net::{TcpListener, TcpStream};
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// let mut stream = TcpStream::connect(listener.local_addr()?).await?;
    /// let (mut peer, _) = listener.accept().await?;
    /// let (_reader, writer) = stream.split();
    /// writer.writable().await?;
    /// assert_eq!(writer.try_write(b"hello")?, 5);
    /// let mut buf = [0; 5];
    /// peer.read_exact(&mut buf).await?;
    /// assert_eq!(&buf, b"hello");
    /// # Ok(())
    /// # }
    /// ```
    pub fn try_write(&self, buf: &[u8]) -> io::Result<usize> {
        self.stream.try_write(buf)
    }

    /// As [`try_write`](WriteHalf::try_write), from several buffers at once.
    ///
    /// # Errors
    ///
    /// As [`try_write`](WriteHalf::try_write).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::io::IoSlice;
    /// use unstuck::io::AsyncReadExt;
    /// use unstuck::net::{TcpListener, TcpStream};
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// let mut stream = TcpStream::connect(listener.local_addr()?).await?;
    /// let (mut peer, _) = listener.accept().await?;
    /// let (_reader, writer) = stream.split();
    /// writer.writable().await?;
    /// assert_eq!(writer.try_write_vectored(&[IoSlice::new(b"hel"), IoSlice::new(b"lo")])?, 5);
    /// let mut buf = [0; 5];
    /// peer.read_exact(&mut buf).await?;
    /// assert_eq!(&buf, b"hello");
    /// # Ok(())
    /// # }
    /// ```
    pub fn try_write_vectored(&self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        self.stream.try_write_vectored(bufs)
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
    /// let (_reader, writer) = stream.split();
    /// assert_eq!(writer.local_addr()?, peer.peer_addr()?);
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
    /// let (_reader, writer) = stream.split();
    /// assert_eq!(writer.peer_addr()?, listener.local_addr()?);
    /// # Ok(())
    /// # }
    /// ```
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.stream.peer_addr()
    }
}

impl AsyncWrite for WriteHalf<'_> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.stream.poll_write_shared(cx, buf)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.stream.poll_write_vectored_shared(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    /// A socket has no buffer of ours.
    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.stream.shut_down_writing())
    }
}
