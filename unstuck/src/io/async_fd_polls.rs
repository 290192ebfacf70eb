//! Polling for the readiness of an [`AsyncFd`]: for those who write futures and streams by hand.

use std::io;
use std::os::fd::AsRawFd;
use std::task::{Context, Poll, ready};

use unstuck_driver::readiness::Direction;

use super::async_fd::AsyncFd;
use super::async_fd_guard::AsyncFdReadyGuard;
use super::async_fd_mut_guard::AsyncFdReadyMutGuard;
use super::async_fd_waits::unless_shut_down;

impl<T: AsRawFd> AsyncFd<T> {
    /// As [`readable`](AsyncFd::readable). Of several tasks that poll for reading, the last one is woken.
    ///
    /// # Errors
    ///
    /// When the runtime has shut down.
    ///
    /// # Examples
    ///
    /// A reader on top of it:
    ///
    /// ```
    /// use std::io::Read;
    /// use std::os::unix::net::UnixStream;
    /// use std::pin::Pin;
    /// use std::task::{Context, Poll, ready};
    /// use unstuck::io::unix::AsyncFd;
    /// use unstuck::io::{AsyncRead, AsyncReadExt, ReadBuf};
    ///
    /// struct Reader(AsyncFd<UnixStream>);
    ///
    /// impl AsyncRead for Reader {
    ///     fn poll_read(
    ///         self: Pin<&mut Self>,
    ///         cx: &mut Context<'_>,
    ///         buf: &mut ReadBuf<'_>,
    ///     ) -> Poll<std::io::Result<()>> {
    ///         loop {
    ///             let mut guard = ready!(self.0.poll_read_ready(cx))?;
    ///             let unfilled = buf.initialize_unfilled();
    ///             if let Ok(result) = guard.try_io(|socket| socket.get_ref().read(unfilled)) {
    ///                 return Poll::Ready(result.map(|n| buf.advance(n)));
    ///             }
    ///         }
    ///     }
    /// }
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// # let (a, mut b) = UnixStream::pair()?;
    /// # a.set_nonblocking(true)?;
    /// # let mut reader = Reader(unsafe { AsyncFd::register(a)? });
    /// # std::io::Write::write_all(&mut b, b"hello")?;
    /// # drop(b);
    /// let mut all = String::new();
    /// reader.read_to_string(&mut all).await?;
    /// # assert_eq!(all, "hello");
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn poll_read_ready<'a>(&'a self, cx: &mut Context<'_>) -> Poll<io::Result<AsyncFdReadyGuard<'a, T>>> {
        self.poll_guard(Direction::Read, cx)
    }

    /// As [`poll_read_ready`](AsyncFd::poll_read_ready), with a guard that lets the object be changed.
    ///
    /// # Errors
    ///
    /// When the runtime has shut down.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::future::poll_fn;
    /// use std::io::{Read, Write};
    /// use std::task::{Poll, ready};
    /// use std::os::unix::net::UnixStream;
    /// use unstuck::io::unix::AsyncFd;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// # let (socket, mut peer) = UnixStream::pair()?;
    /// # socket.set_nonblocking(true)?;
    /// # // SAFETY: a `UnixStream` keeps its descriptor, open, for as long as it lives.
    /// # let mut socket = unsafe { AsyncFd::register(socket)? };
    /// peer.write_all(b"hello")?;
    /// let read = poll_fn(|cx| {
    ///     loop {
    ///         let mut guard = ready!(socket.poll_read_ready_mut(cx))?;
    ///         if let Ok(result) = guard.try_io(|socket| socket.get_mut().read(&mut [0; 16])) {
    ///             return Poll::Ready(result);
    ///         }
    ///     }
    /// });
    /// assert_eq!(read.await?, 5);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn poll_read_ready_mut<'a>(
        &'a mut self,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<AsyncFdReadyMutGuard<'a, T>>> {
        self.poll_guard_mut(Direction::Read, cx)
    }

    /// As [`writable`](AsyncFd::writable). Of several tasks that poll for writing, the last one is woken.
    ///
    /// # Errors
    ///
    /// When the runtime has shut down.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::future::poll_fn;
    /// use std::io::Write;
    /// use std::task::{Poll, ready};
    /// use std::os::unix::net::UnixStream;
    /// use unstuck::io::unix::AsyncFd;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// # let (socket, mut peer) = UnixStream::pair()?;
    /// # socket.set_nonblocking(true)?;
    /// # // SAFETY: a `UnixStream` keeps its descriptor, open, for as long as it lives.
    /// # let socket = unsafe { AsyncFd::register(socket)? };
    /// let write = poll_fn(|cx| {
    ///     loop {
    ///         let mut guard = ready!(socket.poll_write_ready(cx))?;
    ///         if let Ok(result) = guard.try_io(|socket| socket.get_ref().write(b"hello")) {
    ///             return Poll::Ready(result);
    ///         }
    ///     }
    /// });
    /// assert_eq!(write.await?, 5);
    /// # use std::io::Read;
    /// # assert_eq!(peer.read(&mut [0; 16])?, 5);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn poll_write_ready<'a>(&'a self, cx: &mut Context<'_>) -> Poll<io::Result<AsyncFdReadyGuard<'a, T>>> {
        self.poll_guard(Direction::Write, cx)
    }

    /// As [`poll_write_ready`](AsyncFd::poll_write_ready), with a guard that lets the object be changed.
    ///
    /// # Errors
    ///
    /// When the runtime has shut down.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::future::poll_fn;
    /// use std::task::Poll;
    /// use std::os::unix::net::UnixStream;
    /// use unstuck::io::unix::AsyncFd;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// # let (socket, _peer) = UnixStream::pair()?;
    /// # socket.set_nonblocking(true)?;
    /// # // SAFETY: a `UnixStream` keeps its descriptor, open, for as long as it lives.
    /// # let mut socket = unsafe { AsyncFd::register(socket)? };
    /// let ready = poll_fn(|cx| match socket.poll_write_ready_mut(cx) {
    ///     Poll::Ready(guard) => Poll::Ready(guard.map(|guard| guard.ready())),
    ///     Poll::Pending => Poll::Pending,
    /// });
    /// assert!(ready.await?.is_writable());
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn poll_write_ready_mut<'a>(
        &'a mut self,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<AsyncFdReadyMutGuard<'a, T>>> {
        self.poll_guard_mut(Direction::Write, cx)
    }

    #[track_caller]
    fn poll_guard<'a>(
        &'a self,
        direction: Direction,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<AsyncFdReadyGuard<'a, T>>> {
        let event = unless_shut_down(ready!(self.readiness().poll_ready(direction, cx)))?;
        Poll::Ready(Ok(AsyncFdReadyGuard::new(self, event)))
    }

    #[track_caller]
    fn poll_guard_mut<'a>(
        &'a mut self,
        direction: Direction,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<AsyncFdReadyMutGuard<'a, T>>> {
        let event = unless_shut_down(ready!(self.readiness().poll_ready(direction, cx)))?;
        Poll::Ready(Ok(AsyncFdReadyMutGuard::new(self, event)))
    }
}
