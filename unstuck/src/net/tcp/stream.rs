//! A TCP connection.
//!
//! 1. Reading goes into memory that need not be initialised. A read or write that moved less than was asked has emptied
//!    the socket, or filled it: its readiness is cleared at once, which spares the system call that would only say so. Not
//!    so `try_write`: who uses it may count on being ready until it says `WouldBlock`, as with Tokio.
//! 2. Readiness and single attempts are in `stream_ready`, the options in `stream_options`, the halves in `split` and `split_owned`.

use std::fmt;
use std::future::Future;
use std::io::{self, IoSlice};
use std::net::{self, Shutdown, SocketAddr};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use unstuck_base::interest::Interest;
use unstuck_driver::readiness::Direction;
use unstuck_driver::socket::Foreign;
use unstuck_driver::{Kernel, Socket};

use super::super::address::{ToSocketAddrs, no_address};
use super::super::buffer::{Peek, Recv, into_read_buf, into_slice};
use super::split::{ReadHalf, WriteHalf, split};
use super::split_owned::{OwnedReadHalf, OwnedWriteHalf, split_owned};
use crate::called_at::called_from;
use crate::io::{AsyncRead, AsyncWrite, ReadBuf};
use crate::kernel::{file_descriptor, kernel, kernel_at};

/// A TCP connection, made by [`connect`](TcpStream::connect) or accepted by a [`TcpListener`](crate::net::TcpListener).
///
/// It is read and written by the methods of [`AsyncReadExt`](crate::io::AsyncReadExt) and
/// [`AsyncWriteExt`](crate::io::AsyncWriteExt). To do both at the same time, in one task or in two, take it apart with
/// [`split`](TcpStream::split) or [`into_split`](TcpStream::into_split).
///
/// Dropping it closes the connection. To tell the peer that all is sent, and still receive,
/// [`shutdown`](crate::io::AsyncWriteExt::shutdown) it.
///
/// # Examples
///
/// ```no_run
/// use unstuck::io::{AsyncReadExt, AsyncWriteExt};
/// use unstuck::net::TcpStream;
///
/// #[unstuck::main]
/// async fn main() -> std::io::Result<()> {
///     let mut stream = TcpStream::connect("example.com:80").await?;
///     stream.write_all(b"GET / HTTP/1.0\r\nHost: example.com\r\n\r\n").await?;
///     let mut answer = Vec::new();
///     stream.read_to_end(&mut answer).await?;
///     println!("{}", String::from_utf8_lossy(&answer));
///     Ok(())
/// }
/// ```
pub struct TcpStream {
    pub(super) socket: Arc<dyn Socket>,
}

// No reference to what the socket is made of is given out.
impl UnwindSafe for TcpStream {}
impl RefUnwindSafe for TcpStream {}

impl TcpStream {
    pub(super) fn new(socket: Arc<dyn Socket>) -> TcpStream {
        TcpStream { socket }
    }

    /// Connects to `addr`. If there are several addresses, they are tried one after the other until one works.
    ///
    /// The system decides how long an attempt takes; see [`timeout`](crate::time::timeout()).
    ///
    /// # Errors
    ///
    /// When no address works: the error of the last one. When there is no address.
    ///
    /// # Panics
    ///
    /// When polled outside a runtime.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: an attempt that is under way is given up.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::net::{TcpListener, TcpStream};
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// let stream = TcpStream::connect(listener.local_addr()?).await?;
    /// assert_eq!(stream.peer_addr()?, listener.local_addr()?);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn connect<A: ToSocketAddrs>(addr: A) -> impl Future<Output = io::Result<TcpStream>> {
        called_from(|at| async move {
            let kernel = kernel_at(at);
            let mut failure = None;
            for address in addr.resolve().addresses(at).await? {
                match connect_to(&*kernel, address).await {
                    Ok(stream) => return Ok(stream),
                    Err(error) => failure = Some(error),
                }
            }
            Err(failure.unwrap_or_else(no_address))
        })
    }

    /// Takes over a stream of std, which must be connected and in non-blocking mode: see
    /// [`set_nonblocking`](net::TcpStream::set_nonblocking).
    ///
    /// # Errors
    ///
    /// What the system says; a simulation refuses a connection to the real world.
    ///
    /// # Panics
    ///
    /// Outside a runtime.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::net::TcpStream;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// # let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    /// # let address = listener.local_addr()?;
    /// let stream = std::net::TcpStream::connect(address)?;
    /// stream.set_nonblocking(true)?;
    /// let stream = TcpStream::from_std(stream)?;
    /// # drop(stream);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn from_std(stream: net::TcpStream) -> io::Result<TcpStream> {
        kernel().adopt(Foreign::Stream(stream)).map(TcpStream::new)
    }

    /// Makes it a stream of std again, which is in non-blocking mode.
    ///
    /// # Errors
    ///
    /// What the system says; a simulated connection is none of std's.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::io::Write;
    /// use unstuck::io::{AsyncReadExt, AsyncWriteExt};
    /// use unstuck::net::{TcpListener, TcpStream};
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// let stream = TcpStream::connect(listener.local_addr()?).await?;
    /// let (mut peer, _) = listener.accept().await?;
    /// let mut stream = stream.into_std()?;
    /// stream.set_nonblocking(false)?;
    /// stream.write_all(b"hello")?;
    /// drop(stream);
    /// let mut text = String::new();
    /// peer.read_to_string(&mut text).await?;
    /// assert_eq!(text, "hello");
    /// # Ok(())
    /// # }
    /// ```
    pub fn into_std(self) -> io::Result<net::TcpStream> {
        self.socket.detach().map(net::TcpStream::from)
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
    /// let stream = TcpStream::connect(listener.local_addr()?).await?;
    /// let (peer, _) = listener.accept().await?;
    /// assert_eq!(stream.local_addr()?, peer.peer_addr()?);
    /// # Ok(())
    /// # }
    /// ```
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
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
    /// let stream = TcpStream::connect(listener.local_addr()?).await?;
    /// let (_peer, _) = listener.accept().await?;
    /// assert_eq!(stream.peer_addr()?, listener.local_addr()?);
    /// # Ok(())
    /// # }
    /// ```
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.socket.peer_addr()
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
    /// use unstuck::net::{TcpListener, TcpStream};
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// let stream = TcpStream::connect(listener.local_addr()?).await?;
    /// let (_peer, _) = listener.accept().await?;
    /// assert!(stream.take_error()?.is_none());
    /// # Ok(())
    /// # }
    /// ```
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.socket.take_error()
    }

    /// Waits for data and copies it into `buf`, leaving it to be read again. Returns how many bytes were copied; 0: the peer
    /// will send no more (or `buf` is empty).
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
    /// # use unstuck::io::{AsyncReadExt, AsyncWriteExt};
    /// # use unstuck::net::{TcpListener, TcpStream};
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// # let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// # let mut stream = TcpStream::connect(listener.local_addr()?).await?;
    /// # listener.accept().await?.0.write_all(b"hello").await?;
    /// let mut first = [0; 1];
    /// stream.peek(&mut first).await?;
    /// let mut all = [0; 5];
    /// stream.read_exact(&mut all).await?;
    /// assert_eq!((&first, &all), (b"h", b"hello"));
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn peek(&self, buf: &mut [u8]) -> impl Future<Output = io::Result<usize>> {
        self.socket.readiness().async_io(Interest::READABLE, || into_slice(buf, Peek(&*self.socket)))
    }

    /// As [`peek`](TcpStream::peek), into the unfilled part of `buf`. Of several tasks that poll for reading, the last one
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
    /// use unstuck::io::{AsyncReadExt, AsyncWriteExt, ReadBuf};
    /// use unstuck::net::{TcpListener, TcpStream};
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// let mut stream = TcpStream::connect(listener.local_addr()?).await?;
    /// let (mut peer, _) = listener.accept().await?;
    /// peer.write_all(b"hello").await?;
    /// let mut storage = [0; 1];
    /// let mut first = ReadBuf::new(&mut storage);
    /// assert_eq!(poll_fn(|cx| stream.poll_peek(cx, &mut first)).await?, 1);
    /// assert_eq!(first.filled(), b"h");
    /// let mut word = [0; 5];
    /// stream.read_exact(&mut word).await?;
    /// assert_eq!(&word, b"hello");
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn poll_peek(&self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<usize>> {
        let socket = &*self.socket;
        socket.readiness().poll_io(Direction::Read, cx, || into_read_buf(buf, Peek(socket)))
    }

    /// Takes the stream apart into a half that reads and one that writes, which borrow it: for one task that does both at
    /// the same time.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::io::{AsyncReadExt, AsyncWriteExt};
    /// # use unstuck::net::{TcpListener, TcpStream};
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// # let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// # let address = listener.local_addr()?;
    /// # unstuck::spawn(async move {
    /// #     let (mut reader, mut writer) = listener.accept().await.unwrap().0.into_split();
    /// #     unstuck::io::copy(&mut reader, &mut writer).await
    /// # });
    /// let mut stream = TcpStream::connect(address).await?;
    /// let (mut reader, mut writer) = stream.split();
    /// let mut echo = [0; 5];
    /// unstuck::try_join!(writer.write_all(b"hello"), reader.read_exact(&mut echo))?;
    /// assert_eq!(&echo, b"hello");
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
    /// # use unstuck::net::{TcpListener, TcpStream};
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// # let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// # let address = listener.local_addr()?;
    /// # unstuck::spawn(async move {
    /// #     let (mut reader, mut writer) = listener.accept().await.unwrap().0.into_split();
    /// #     unstuck::io::copy(&mut reader, &mut writer).await
    /// # });
    /// let stream = TcpStream::connect(address).await?;
    /// let (mut reader, mut writer) = stream.into_split();
    /// unstuck::spawn(async move { writer.write_all(b"hello").await });
    /// let mut echo = String::new();
    /// reader.read_to_string(&mut echo).await?;
    /// assert_eq!(echo, "hello");
    /// # Ok(())
    /// # }
    /// ```
    pub fn into_split(self) -> (OwnedReadHalf, OwnedWriteHalf) {
        split_owned(self)
    }

    pub(super) fn poll_read_shared(&self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let socket = &*self.socket;
        let len = buf.remaining();
        let receive = || into_read_buf(buf, Recv(socket));
        socket.readiness().poll_stream(Direction::Read, cx, len, receive).map_ok(drop)
    }

    pub(super) fn poll_write_shared(&self, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let socket = &self.socket;
        socket.readiness().poll_stream(Direction::Write, cx, buf.len(), || socket.send(buf))
    }

    pub(super) fn poll_write_vectored_shared(
        &self,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let socket = &self.socket;
        socket.readiness().poll_stream(Direction::Write, cx, total_len(bufs), || socket.send_vectored(bufs))
    }

    /// Tells the peer that all is sent. That the connection is gone already is no error: all is said.
    pub(super) fn shut_down_writing(&self) -> io::Result<()> {
        match self.socket.shutdown(Shutdown::Write) {
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(()),
            result => result,
        }
    }
}

/// Connects to one address.
async fn connect_to(kernel: &dyn Kernel, address: SocketAddr) -> io::Result<TcpStream> {
    connected(kernel.tcp_connect(address)?).await
}

/// The stream that `socket` becomes, which has begun to connect.
pub(super) async fn connected(socket: Arc<dyn Socket>) -> io::Result<TcpStream> {
    let stream = TcpStream::new(socket);
    // The attempt has ended when the socket is writable; the error, if any, tells how.
    stream.writable().await?;
    match stream.take_error()? {
        Some(error) => Err(error),
        None => Ok(stream),
    }
}

fn total_len(bufs: &[IoSlice<'_>]) -> usize {
    bufs.iter().map(|buf| buf.len()).fold(0, usize::saturating_add)
}

impl AsyncRead for TcpStream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.poll_read_shared(cx, buf)
    }
}

impl AsyncWrite for TcpStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_shared(cx, buf)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored_shared(cx, bufs)
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

impl AsRef<TcpStream> for TcpStream {
    fn as_ref(&self) -> &TcpStream {
        self
    }
}

impl TryFrom<net::TcpStream> for TcpStream {
    type Error = io::Error;

    /// As [`from_std`](TcpStream::from_std).
    fn try_from(stream: net::TcpStream) -> io::Result<TcpStream> {
        TcpStream::from_std(stream)
    }
}

impl AsFd for TcpStream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        file_descriptor(&*self.socket)
    }
}

impl AsRawFd for TcpStream {
    fn as_raw_fd(&self) -> RawFd {
        self.as_fd().as_raw_fd()
    }
}

impl fmt::Debug for TcpStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TcpStream")
            .field("addr", &self.local_addr().ok())
            .field("peer", &self.peer_addr().ok())
            .finish_non_exhaustive()
    }
}
