//! A Unix stream.
//!
//! 1. How bytes move is in [`bytes`](super::bytes), the readiness in `readiness`, the halves are in `split` and `split_owned`.

mod readiness;
pub(in super::super) mod split;
pub(in super::super) mod split_owned;

use std::fmt;
use std::future::Future;
use std::io::{self, IoSlice};
use std::net::Shutdown;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::os::unix::net;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll};

use socket2::SockAddr;
use unstuck_base::interest::{Interest, Ready};
use unstuck_driver::Kernel;

use self::split::{ReadHalf, WriteHalf, split};
use self::split_owned::{OwnedReadHalf, OwnedWriteHalf, split_owned};
use super::address::{named, to_system};
use super::credentials::credentials;
use super::socket::UnixSocket;
use super::{SocketAddr, UCred};
use crate::called_at::{Line, called_from};
use crate::io::{AsyncRead, AsyncWrite, ReadBuf};
use crate::kernel::{kernel_at, may_use_descriptors};
use crate::watched::Watched;

/// A connection between two Unix sockets, made by [`connect`](UnixStream::connect), accepted by a
/// [`UnixListener`](crate::net::UnixListener), or one of a [`pair`](UnixStream::pair).
///
/// It is read and written by the methods of [`AsyncReadExt`](crate::io::AsyncReadExt) and
/// [`AsyncWriteExt`](crate::io::AsyncWriteExt). To do both at the same time, in one task or in two, take it apart with
/// [`split`](UnixStream::split) or [`into_split`](UnixStream::into_split).
///
/// Dropping it closes the connection. To tell the peer that all is sent, and still receive,
/// [`shutdown`](crate::io::AsyncWriteExt::shutdown) it.
///
/// # Examples
///
/// ```no_run
/// use unstuck::io::{AsyncReadExt, AsyncWriteExt};
/// use unstuck::net::UnixStream;
///
/// #[unstuck::main]
/// async fn main() -> std::io::Result<()> {
///     let mut stream = UnixStream::connect("/run/service.sock").await?;
///     stream.write_all(b"status\n").await?;
///     let mut answer = String::new();
///     stream.read_to_string(&mut answer).await?;
///     println!("{answer}");
///     Ok(())
/// }
/// ```
pub struct UnixStream {
    stream: Watched<net::UnixStream>,
}

// No reference to what the stream is made of is given out.
impl UnwindSafe for UnixStream {}
impl RefUnwindSafe for UnixStream {}

/// Making one, and taking it apart.
impl UnixStream {
    /// Connects to the listener at `path`. On Linux, a path that begins with a NUL byte is an abstract name.
    ///
    /// # Errors
    ///
    /// What the system says, as when nobody listens there, or [`WouldBlock`](io::ErrorKind::WouldBlock) when as many
    /// connections as the listener allows wait to be accepted: try again later. When `path` is too long for an address.
    ///
    /// # Panics
    ///
    /// When polled outside a runtime, or in one that was built without
    /// [`enable_io`](crate::runtime::Builder::enable_io).
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: the connection is closed.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::io::{AsyncReadExt, AsyncWriteExt};
    /// use unstuck::net::{UnixListener, UnixStream};
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let path = std::env::temp_dir().join(format!("stream-connect-{}.sock", std::process::id()));
    /// let listener = UnixListener::bind(&path)?;
    /// let mut client = UnixStream::connect(&path).await?;
    /// let (mut server, _) = listener.accept().await?;
    /// client.write_all(b"hello").await?;
    /// let mut buf = [0; 5];
    /// server.read_exact(&mut buf).await?;
    /// assert_eq!(&buf, b"hello");
    /// # std::fs::remove_file(&path)?;
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn connect<P: AsRef<Path>>(path: P) -> impl Future<Output = io::Result<UnixStream>> {
        called_from(|at| async move { connect_to(at, &to_system(&named(path.as_ref())?)?).await })
    }

    /// As [`connect`](UnixStream::connect), to an address.
    ///
    /// # Errors
    ///
    /// As [`connect`](UnixStream::connect).
    ///
    /// # Panics
    ///
    /// As [`connect`](UnixStream::connect).
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: the connection is closed.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::net::{UnixListener, UnixStream};
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let path = std::env::temp_dir().join(format!("connect-address-{}.sock", std::process::id()));
    /// let listener = UnixListener::bind(&path)?;
    /// let address = listener.local_addr()?;
    /// let client = UnixStream::connect_addr(&address).await?;
    /// assert_eq!(client.peer_addr()?.as_pathname(), Some(path.as_path()));
    /// # std::fs::remove_file(&path)?;
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn connect_addr(socket_addr: &SocketAddr) -> impl Future<Output = io::Result<UnixStream>> {
        called_from(|at| async move { connect_to(at, &to_system(&socket_addr.clone().into())?).await })
    }

    /// Two sockets that are connected with each other, without an address.
    ///
    /// # Errors
    ///
    /// What the system says, as when too many files are open.
    ///
    /// # Panics
    ///
    /// Outside a runtime, or in one that was built without [`enable_io`](crate::runtime::Builder::enable_io).
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::io::{AsyncReadExt, AsyncWriteExt};
    /// use unstuck::net::UnixStream;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let (mut a, mut b) = UnixStream::pair()?;
    /// a.write_all(b"hello").await?;
    /// drop(a);
    /// let mut all = String::new();
    /// b.read_to_string(&mut all).await?;
    /// assert_eq!(all, "hello");
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn pair() -> io::Result<(UnixStream, UnixStream)> {
        may_use_descriptors()?;
        let (a, b) = net::UnixStream::pair()?;
        a.set_nonblocking(true)?;
        b.set_nonblocking(true)?;
        Ok((UnixStream::from_std(a)?.assumed(Ready::WRITABLE), UnixStream::from_std(b)?.assumed(Ready::WRITABLE)))
    }

    /// Takes over a stream of std, which must be in non-blocking mode: see
    /// [`set_nonblocking`](net::UnixStream::set_nonblocking).
    ///
    /// # Errors
    ///
    /// What the system says; a simulation refuses.
    ///
    /// # Panics
    ///
    /// As [`pair`](UnixStream::pair).
    ///
    /// # Examples
    ///
    /// ```
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let (a, _b) = std::os::unix::net::UnixStream::pair()?;
    /// a.set_nonblocking(true)?;
    /// let a = unstuck::net::UnixStream::from_std(a)?;
    /// # drop(a);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn from_std(stream: net::UnixStream) -> io::Result<UnixStream> {
        Ok(UnixStream { stream: Watched::both_ways(stream)? })
    }

    /// A connection that a listener of the runtime with this kernel has accepted. Its peer mostly speaks first, and has
    /// spoken already.
    pub(super) fn accepted(kernel: &dyn Kernel, stream: net::UnixStream) -> io::Result<UnixStream> {
        Ok(UnixStream::watching(kernel, stream)?.assumed(Ready::READABLE | Ready::WRITABLE))
    }

    fn watching(kernel: &dyn Kernel, stream: net::UnixStream) -> io::Result<UnixStream> {
        match Watched::by(kernel, stream, Interest::READABLE | Interest::WRITABLE) {
            Ok(stream) => Ok(UnixStream { stream }),
            Err((_stream, error)) => Err(error),
        }
    }

    fn assumed(self, ready: Ready) -> UnixStream {
        UnixStream { stream: self.stream.assumed(ready) }
    }

    /// Makes it a stream of std again, which is in non-blocking mode.
    ///
    /// # Errors
    ///
    /// None at present.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::io::Read;
    /// use unstuck::io::AsyncWriteExt;
    /// use unstuck::net::UnixStream;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let (mut a, b) = UnixStream::pair()?;
    /// a.write_all(b"hello").await?;
    /// let mut b = b.into_std()?;
    /// b.set_nonblocking(false)?;
    /// let mut buf = [0; 5];
    /// b.read_exact(&mut buf)?;
    /// assert_eq!(&buf, b"hello");
    /// # Ok(())
    /// # }
    /// ```
    pub fn into_std(self) -> io::Result<net::UnixStream> {
        Ok(self.stream.into_object())
    }

    /// Takes the stream apart into a half that reads and one that writes, which borrow it: for one task that does both at
    /// the same time.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::io::{AsyncReadExt, AsyncWriteExt};
    /// use unstuck::net::UnixStream;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let (mut stream, echo) = UnixStream::pair()?;
    /// unstuck::spawn(async move {
    ///     let (mut reader, mut writer) = echo.into_split();
    ///     unstuck::io::copy(&mut reader, &mut writer).await
    /// });
    /// let (mut reader, mut writer) = stream.split();
    /// let mut answer = [0; 5];
    /// unstuck::try_join!(writer.write_all(b"hello"), reader.read_exact(&mut answer))?;
    /// assert_eq!(&answer, b"hello");
    /// # Ok(())
    /// # }
    /// ```
    pub fn split<'a>(&'a mut self) -> (ReadHalf<'a>, WriteHalf<'a>) {
        split(self)
    }

    /// Takes the stream apart into a half that reads and one that writes, which may go to different tasks.
    ///
    /// Dropping the half that writes tells the peer that all is sent; the connection is closed when both are gone.
    /// [`reunite`](OwnedReadHalf::reunite) makes them a stream again.
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
    /// let (mut reader, mut writer) = stream.into_split();
    /// let question = unstuck::spawn(async move { writer.write_all(b"ping").await });
    /// let mut buf = [0; 4];
    /// peer.read_exact(&mut buf).await?;
    /// assert_eq!(&buf, b"ping");
    /// peer.write_all(b"pong").await?;
    /// reader.read_exact(&mut buf).await?;
    /// assert_eq!(&buf, b"pong");
    /// # question.await.unwrap()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn into_split(self) -> (OwnedReadHalf, OwnedWriteHalf) {
        split_owned(self)
    }
}

/// Who it connects.
impl UnixStream {
    /// The address of this end: mostly unnamed at a client.
    ///
    /// # Errors
    ///
    /// What the system says.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::net::{UnixListener, UnixStream};
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let path = std::env::temp_dir().join(format!("stream-local-{}.sock", std::process::id()));
    /// let listener = UnixListener::bind(&path)?;
    /// let client = UnixStream::connect(&path).await?;
    /// let (server, _) = listener.accept().await?;
    /// assert_eq!(server.local_addr()?.as_pathname(), Some(path.as_path()));
    /// assert!(client.local_addr()?.is_unnamed());
    /// # std::fs::remove_file(&path)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.stream.get().local_addr().map(SocketAddr::from)
    }

    /// The address of the other end: mostly unnamed at a server.
    ///
    /// # Errors
    ///
    /// What the system says.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::net::{UnixListener, UnixStream};
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let path = std::env::temp_dir().join(format!("stream-peer-{}.sock", std::process::id()));
    /// let listener = UnixListener::bind(&path)?;
    /// let client = UnixStream::connect(&path).await?;
    /// let (server, _) = listener.accept().await?;
    /// assert_eq!(client.peer_addr()?.as_pathname(), Some(path.as_path()));
    /// assert!(server.peer_addr()?.is_unnamed());
    /// # std::fs::remove_file(&path)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.stream.get().peer_addr().map(SocketAddr::from)
    }

    /// The process at the other end, and whose it is, when the connection was made.
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
    /// let (a, _b) = UnixStream::pair()?;
    /// let peer = a.peer_cred()?;
    /// println!("process {:?} of user {} and group {}", peer.pid(), peer.uid(), peer.gid());
    /// # assert_eq!(peer.pid(), Some(std::process::id().cast_signed()));
    /// # Ok(())
    /// # }
    /// ```
    pub fn peer_cred(&self) -> io::Result<UCred> {
        credentials(self.as_fd())
    }

    /// Takes the error that the system keeps for this socket.
    ///
    /// # Errors
    ///
    /// When the error itself can't be read.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::net::UnixStream;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let (stream, _peer) = UnixStream::pair()?;
    /// assert!(stream.take_error()?.is_none());
    /// # Ok(())
    /// # }
    /// ```
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.stream.get().take_error()
    }
}

/// Waiting, and trying.
impl UnixStream {
    /// Tells the peer that all is sent. That the connection is gone already is no error: all is said.
    fn shut_down_writing(&self) -> io::Result<()> {
        match self.stream.get().shutdown(Shutdown::Write) {
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(()),
            result => result,
        }
    }
}

async fn connect_to(at: Line, peer: &SockAddr) -> io::Result<UnixStream> {
    UnixSocket::new_stream()?.connect_to(at, peer).await
}

/// Waits until an attempt to connect has ended: the socket is writable then, and the error, if any, tells how.
pub(super) async fn connected(at: Line, stream: net::UnixStream) -> io::Result<UnixStream> {
    let stream = UnixStream::watching(&*kernel_at(at), stream)?;
    stream.writable().await?;
    match stream.take_error()? {
        Some(error) => Err(error),
        None => Ok(stream),
    }
}

impl AsyncRead for UnixStream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.stream.poll_read(cx, buf)
    }
}

impl AsyncWrite for UnixStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.stream.poll_write(cx, buf)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.stream.poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    /// A socket has no buffer of ours.
    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.shut_down_writing())
    }
}

impl AsRef<UnixStream> for UnixStream {
    fn as_ref(&self) -> &UnixStream {
        self
    }
}

impl TryFrom<net::UnixStream> for UnixStream {
    type Error = io::Error;

    /// As [`from_std`](UnixStream::from_std).
    fn try_from(stream: net::UnixStream) -> io::Result<UnixStream> {
        UnixStream::from_std(stream)
    }
}

impl AsFd for UnixStream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.get().as_fd()
    }
}

impl AsRawFd for UnixStream {
    fn as_raw_fd(&self) -> RawFd {
        self.as_fd().as_raw_fd()
    }
}

impl fmt::Debug for UnixStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("UnixStream").field(&self.stream).finish()
    }
}
