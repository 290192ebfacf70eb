//! The half of a Unix stream that writes.

use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use unstuck_base::interest::{Interest, Ready};

use super::super::super::SocketAddr;
use super::super::UnixStream;
use super::{OwnedReadHalf, OwnedWriteHalf, ReuniteError, reunite};
use crate::io::AsyncWrite;

impl OwnedWriteHalf {
    /// Makes the two halves a stream again.
    ///
    /// # Errors
    ///
    /// When they are not of the same stream: the halves.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::io::{AsyncReadExt, AsyncWriteExt};
    /// use unstuck::net::UnixStream;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let (stream, mut peer) = UnixStream::pair()?;
    /// let (reader, writer) = stream.into_split();
    /// let mut stream = writer.reunite(reader).expect("they are of the same stream");
    /// stream.write_all(b"hello").await?;
    /// let mut buf = [0; 5];
    /// peer.read_exact(&mut buf).await?;
    /// assert_eq!(&buf, b"hello");
    /// # Ok(())
    /// # }
    /// ```
    pub fn reunite(self, other: OwnedReadHalf) -> Result<UnixStream, ReuniteError> {
        reunite(other, self)
    }

    /// Drops this half without telling the peer that all is sent: that happens when the other half is gone, too.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::io::ErrorKind;
    /// use unstuck::io::{AsyncReadExt, AsyncWriteExt};
    /// use unstuck::net::UnixStream;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let (stream, mut peer) = UnixStream::pair()?;
    /// let (mut reader, writer) = stream.into_split();
    /// writer.forget(); // the peer does not see an end
    /// assert_eq!(peer.try_read(&mut [0; 1]).unwrap_err().kind(), ErrorKind::WouldBlock);
    ///
    /// peer.write_all(b"hello").await?;
    /// let mut buf = [0; 5];
    /// reader.read_exact(&mut buf).await?;
    /// assert_eq!(&buf, b"hello");
    /// # Ok(())
    /// # }
    /// ```
    pub fn forget(mut self) {
        self.shut_down_on_drop = false;
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
    /// use unstuck::io::Interest;
    /// use unstuck::net::UnixStream;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let (stream, _peer) = UnixStream::pair()?;
    /// let (_reader, writer) = stream.into_split();
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
    /// use unstuck::net::UnixStream;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let (stream, _peer) = UnixStream::pair()?;
    /// let (_reader, writer) = stream.into_split();
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

    /// Writes what there is room for now; see [`UnixStream::try_write`].
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) when there is no room; what the system says.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::io::AsyncReadExt;
    /// use unstuck::net::UnixStream;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let (stream, mut peer) = UnixStream::pair()?;
    /// let (_reader, writer) = stream.into_split();
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

    /// As [`try_write`](OwnedWriteHalf::try_write), from several buffers at once.
    ///
    /// # Errors
    ///
    /// As [`try_write`](OwnedWriteHalf::try_write).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::io::IoSlice;
    /// use unstuck::io::AsyncReadExt;
    /// use unstuck::net::UnixStream;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let (stream, mut peer) = UnixStream::pair()?;
    /// let (_reader, writer) = stream.into_split();
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
    /// use unstuck::net::UnixStream;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let (stream, _peer) = UnixStream::pair()?;
    /// let (_reader, writer) = stream.into_split();
    /// assert!(writer.local_addr()?.is_unnamed());
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
    /// let (_reader, writer) = stream.into_split();
    /// assert!(writer.peer_addr()?.is_unnamed());
    /// # Ok(())
    /// # }
    /// ```
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.stream.peer_addr()
    }
}

impl AsyncWrite for OwnedWriteHalf {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.stream.stream.poll_write(cx, buf)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.stream.stream.poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    /// A socket has no buffer of ours.
    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = self.stream.shut_down_writing();
        if result.is_ok() {
            self.shut_down_on_drop = false;
        }
        Poll::Ready(result)
    }
}

impl Drop for OwnedWriteHalf {
    fn drop(&mut self) {
        if self.shut_down_on_drop {
            // Nobody is left to be told that it failed: the peer will find out when the stream is closed.
            let _ = self.stream.shut_down_writing();
        }
    }
}
