//! The readiness of a TCP connection, and attempts that don't wait.
//!
//! 1. A read that got less than was asked has emptied the socket, so its readiness is cleared at once. A write is not judged
//!    like that: see rule 1 of `stream`.

use std::future::Future;
use std::io::{self, IoSlice, IoSliceMut};
use std::task::{Context, Poll};

use bytes::BufMut;
use unstuck_base::interest::{Interest, Ready};
use unstuck_driver::readiness::Direction;

use super::super::buffer::{Recv, into_buf_mut, into_slice};
use super::TcpStream;
use crate::ready::{poll_ready, ready};

impl TcpStream {
    /// Waits until the stream is ready for anything of `interest`, and tells for what.
    ///
    /// Together with [`try_read`](TcpStream::try_read) and [`try_write`](TcpStream::try_write) one task can serve both
    /// directions without splitting. Readiness is a hint: the attempt may still say that it would have to wait.
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
    /// # use unstuck::net::{TcpListener, TcpStream};
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// # let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// # let stream = TcpStream::connect(listener.local_addr()?).await?;
    /// let ready = stream.ready(Interest::READABLE | Interest::WRITABLE).await?;
    /// if ready.is_writable() {
    ///     assert_eq!(stream.try_write(b"hello")?, 5);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn ready(&self, interest: Interest) -> impl Future<Output = io::Result<Ready>> {
        ready(self.socket.readiness(), interest)
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
    /// # use unstuck::io::AsyncWriteExt;
    /// # use unstuck::net::{TcpListener, TcpStream};
    /// use std::io::ErrorKind;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// # let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// # let stream = TcpStream::connect(listener.local_addr()?).await?;
    /// # listener.accept().await?.0.write_all(b"hello").await?;
    /// let mut buf = [0; 16];
    /// let n = loop {
    ///     stream.readable().await?;
    ///     match stream.try_read(&mut buf) {
    ///         Err(error) if error.kind() == ErrorKind::WouldBlock => continue,
    ///         result => break result?,
    ///     }
    /// };
    /// assert_eq!(&buf[..n], b"hello");
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn readable(&self) -> impl Future<Output = io::Result<()>> {
        ready(self.socket.readiness(), Interest::READABLE).without_details()
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
    /// let stream = TcpStream::connect(listener.local_addr()?).await?;
    /// let (_peer, _) = listener.accept().await?;
    /// let message = b"hello";
    /// let mut sent = 0;
    /// while sent < message.len() {
    ///     stream.writable().await?;
    ///     match stream.try_write(&message[sent..]) {
    ///         Err(error) if error.kind() == ErrorKind::WouldBlock => continue,
    ///         result => sent += result?,
    ///     }
    /// }
    /// assert_eq!(sent, 5);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn writable(&self) -> impl Future<Output = io::Result<()>> {
        ready(self.socket.readiness(), Interest::WRITABLE).without_details()
    }

    /// As [`readable`](TcpStream::readable). Of several tasks that poll for reading, the last one is woken.
    ///
    /// # Errors
    ///
    /// When the runtime has shut down.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::future::poll_fn;
    /// use unstuck::io::AsyncWriteExt;
    /// use unstuck::net::{TcpListener, TcpStream};
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// let stream = TcpStream::connect(listener.local_addr()?).await?;
    /// let (mut peer, _) = listener.accept().await?;
    /// peer.write_all(b"hello").await?;
    /// poll_fn(|cx| stream.poll_read_ready(cx)).await?;
    /// assert_eq!(stream.try_read(&mut [0; 16])?, 5);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        poll_ready(self.socket.readiness(), Direction::Read, cx)
    }

    /// As [`writable`](TcpStream::writable). Of several tasks that poll for writing, the last one is woken.
    ///
    /// # Errors
    ///
    /// When the runtime has shut down.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::future::poll_fn;
    /// use unstuck::net::{TcpListener, TcpStream};
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// let stream = TcpStream::connect(listener.local_addr()?).await?;
    /// let (_peer, _) = listener.accept().await?;
    /// poll_fn(|cx| stream.poll_write_ready(cx)).await?;
    /// assert_eq!(stream.try_write(b"hello")?, 5);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        poll_ready(self.socket.readiness(), Direction::Write, cx)
    }

    /// Reads what is there now into `buf`, and returns how many bytes. `Ok(0)`: the peer will send no more (or `buf` is
    /// empty).
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
    /// let stream = TcpStream::connect(listener.local_addr()?).await?;
    /// let (mut peer, _) = listener.accept().await?;
    /// let mut buf = [0; 16];
    /// assert_eq!(stream.try_read(&mut buf).unwrap_err().kind(), ErrorKind::WouldBlock);
    ///
    /// peer.write_all(b"hello").await?;
    /// peer.shutdown().await?;
    /// stream.readable().await?;
    /// assert_eq!(stream.try_read(&mut buf)?, 5);
    /// stream.readable().await?;
    /// assert_eq!(stream.try_read(&mut buf)?, 0); // that was all
    /// # Ok(())
    /// # }
    /// ```
    pub fn try_read(&self, buf: &mut [u8]) -> io::Result<usize> {
        let socket = &*self.socket;
        socket.readiness().try_stream(Interest::READABLE, buf.len(), || into_slice(buf, Recv(socket)))
    }

    /// As [`try_read`](TcpStream::try_read), into several buffers: each is filled before the next one is begun.
    ///
    /// # Errors
    ///
    /// As [`try_read`](TcpStream::try_read).
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
    /// let stream = TcpStream::connect(listener.local_addr()?).await?;
    /// let (mut peer, _) = listener.accept().await?;
    /// peer.write_all(b"hello").await?;
    /// stream.readable().await?;
    /// let (mut head, mut tail) = ([0; 1], [0; 16]);
    /// let n = stream.try_read_vectored(&mut [IoSliceMut::new(&mut head), IoSliceMut::new(&mut tail)])?;
    /// assert_eq!((n, &head, &tail[..4]), (5, b"h", &b"ello"[..]));
    /// # Ok(())
    /// # }
    /// ```
    pub fn try_read_vectored(&self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        let socket = &self.socket;
        let len = bufs.iter().map(|buf| buf.len()).fold(0, usize::saturating_add);
        socket.readiness().try_stream(Interest::READABLE, len, || socket.recv_vectored(bufs))
    }

    /// As [`try_read`](TcpStream::try_read), appending to a buffer that grows, or has spare room.
    ///
    /// # Errors
    ///
    /// As [`try_read`](TcpStream::try_read).
    ///
    /// # Examples
    ///
    /// ```
    /// # use unstuck::io::AsyncWriteExt;
    /// # use unstuck::net::{TcpListener, TcpStream};
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// # let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// # let stream = TcpStream::connect(listener.local_addr()?).await?;
    /// # listener.accept().await?.0.write_all(b"hello").await?;
    /// let mut buf = Vec::with_capacity(1024);
    /// stream.readable().await?;
    /// stream.try_read_buf(&mut buf)?;
    /// assert_eq!(buf, b"hello");
    /// # Ok(())
    /// # }
    /// ```
    pub fn try_read_buf<B: BufMut>(&self, buf: &mut B) -> io::Result<usize> {
        let socket = &*self.socket;
        let len = buf.chunk_mut().len();
        socket.readiness().try_stream(Interest::READABLE, len, || into_buf_mut(buf, Recv(socket)))
    }

    /// Writes what there is room for now, and returns how many bytes.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) when there is no room; what the system says.
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
    /// let stream = TcpStream::connect(listener.local_addr()?).await?;
    /// let (_peer, _) = listener.accept().await?;
    /// stream.writable().await?;
    /// let chunk = [0; 4096];
    /// let mut sent = 0;
    /// let full = loop {
    ///     match stream.try_write(&chunk) {
    ///         Ok(n) => sent += n,
    ///         Err(error) => break error,
    ///     }
    /// };
    /// assert_eq!(full.kind(), ErrorKind::WouldBlock); // the peer does not read
    /// assert!(sent > 0);
    /// # Ok(())
    /// # }
    /// ```
    pub fn try_write(&self, buf: &[u8]) -> io::Result<usize> {
        let socket = &self.socket;
        socket.readiness().try_io(Interest::WRITABLE, || socket.send(buf))
    }

    /// As [`try_write`](TcpStream::try_write), from several buffers at once.
    ///
    /// # Errors
    ///
    /// As [`try_write`](TcpStream::try_write).
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
    /// let stream = TcpStream::connect(listener.local_addr()?).await?;
    /// let (mut peer, _) = listener.accept().await?;
    /// stream.writable().await?;
    /// assert_eq!(stream.try_write_vectored(&[IoSlice::new(b"hel"), IoSlice::new(b"lo")])?, 5);
    /// let mut buf = [0; 5];
    /// peer.read_exact(&mut buf).await?;
    /// assert_eq!(&buf, b"hello");
    /// # Ok(())
    /// # }
    /// ```
    pub fn try_write_vectored(&self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        let socket = &self.socket;
        socket.readiness().try_io(Interest::WRITABLE, || socket.send_vectored(bufs))
    }

    /// Calls `f`, which does something of its own with the socket, if the stream is ready for `interest`. If `f` says that
    /// it would have to wait, the readiness is used up.
    ///
    /// `f` must use this socket, must not wait, and must say `WouldBlock` only when the socket did.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) when the stream is not ready; what `f` says.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::io::Write;
    /// use std::os::fd::AsFd;
    /// use unstuck::io::{AsyncReadExt, AsyncWriteExt, Interest};
    /// use unstuck::net::{TcpListener, TcpStream};
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// let stream = TcpStream::connect(listener.local_addr()?).await?;
    /// let (mut peer, _) = listener.accept().await?;
    /// stream.writable().await?;
    /// let n = stream.try_io(Interest::WRITABLE, || {
    ///     // A second descriptor of the same socket, for code that knows std alone.
    ///     std::fs::File::from(stream.as_fd().try_clone_to_owned()?).write(b"hello")
    /// })?;
    /// assert_eq!(n, 5);
    /// # let mut buf = [0; 5];
    /// # peer.read_exact(&mut buf).await?;
    /// # assert_eq!(&buf, b"hello");
    /// # Ok(())
    /// # }
    /// ```
    pub fn try_io<R>(&self, interest: Interest, f: impl FnOnce() -> io::Result<R>) -> io::Result<R> {
        self.socket.readiness().try_io(interest, f)
    }

    /// As [`try_io`](TcpStream::try_io), again and again until `f` does not have to wait.
    ///
    /// # Errors
    ///
    /// What `f` says but `WouldBlock`; that the runtime has shut down.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: `f` is called only in a poll that then returns what it did, or uses up the readiness.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::io::Read;
    /// use std::os::fd::AsFd;
    /// use unstuck::io::{AsyncReadExt, AsyncWriteExt, Interest};
    /// use unstuck::net::{TcpListener, TcpStream};
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// let stream = TcpStream::connect(listener.local_addr()?).await?;
    /// let (mut peer, _) = listener.accept().await?;
    /// peer.write_all(b"hello").await?;
    /// // A second descriptor of the same socket, for code that knows std alone.
    /// let mut second = std::fs::File::from(stream.as_fd().try_clone_to_owned()?);
    /// let mut buf = [0; 16];
    /// let n = stream.async_io(Interest::READABLE, || second.read(&mut buf)).await?;
    /// assert_eq!(&buf[..n], b"hello");
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn async_io<R>(
        &self,
        interest: Interest,
        f: impl FnMut() -> io::Result<R>,
    ) -> impl Future<Output = io::Result<R>> {
        self.socket.readiness().async_io(interest, f)
    }
}
