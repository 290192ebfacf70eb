//! Waiting for an [`AsyncFd`], and doing operations when it is ready.
//!
//! 1. The methods that hand out a guard clear nothing: that is the guard's. Those that are given an operation do.

use std::future::Future;
use std::io;
use std::os::fd::AsRawFd;
use std::task::{Context, Poll, ready};

use unstuck_base::interest::Interest;
use unstuck_driver::readiness::{Direction, ReadyEvent, shutdown_error};

use super::async_fd::AsyncFd;
use super::async_fd_guard::{AsyncFdReadyGuard, AsyncFdReadyMutGuard};
use crate::called_at::called_here;

/// Waiting.
impl<T: AsRawFd> AsyncFd<T> {
    /// Waits until the descriptor can be read, or its other end is closed. The guard says when it can't any more.
    ///
    /// # Errors
    ///
    /// When the runtime has shut down.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: readiness stays until it is cleared.
    ///
    /// # Examples
    ///
    /// See [`AsyncFdReadyGuard::try_io`].
    #[track_caller]
    pub fn readable<'a>(&'a self) -> impl Future<Output = io::Result<AsyncFdReadyGuard<'a, T>>> {
        self.ready(Interest::READABLE)
    }

    /// As [`readable`](AsyncFd::readable), with a guard that lets the object be changed.
    ///
    /// # Errors
    ///
    /// When the runtime has shut down.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: readiness stays until it is cleared.
    ///
    /// # Examples
    ///
    /// See [`AsyncFdReadyMutGuard::try_io`].
    #[track_caller]
    pub fn readable_mut<'a>(&'a mut self) -> impl Future<Output = io::Result<AsyncFdReadyMutGuard<'a, T>>> {
        self.ready_mut(Interest::READABLE)
    }

    /// Waits until the descriptor can be written, or its other end is closed. The guard says when it can't any more.
    ///
    /// # Errors
    ///
    /// When the runtime has shut down.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: readiness stays until it is cleared.
    #[track_caller]
    pub fn writable<'a>(&'a self) -> impl Future<Output = io::Result<AsyncFdReadyGuard<'a, T>>> {
        self.ready(Interest::WRITABLE)
    }

    /// As [`writable`](AsyncFd::writable), with a guard that lets the object be changed.
    ///
    /// # Errors
    ///
    /// When the runtime has shut down.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: readiness stays until it is cleared.
    #[track_caller]
    pub fn writable_mut<'a>(&'a mut self) -> impl Future<Output = io::Result<AsyncFdReadyMutGuard<'a, T>>> {
        self.ready_mut(Interest::WRITABLE)
    }

    /// Waits until the descriptor is ready for anything of `interest`; the guard tells for what.
    ///
    /// # Errors
    ///
    /// When the runtime has shut down.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: readiness stays until it is cleared.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::io::{Read, Write};
    /// use std::os::unix::net::UnixStream;
    /// use unstuck::io::unix::AsyncFd;
    /// use unstuck::io::{Interest, Ready};
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let (socket, _peer) = UnixStream::pair()?;
    /// socket.set_nonblocking(true)?;
    /// // SAFETY: a `UnixStream` keeps its descriptor, open, for as long as it lives.
    /// let socket = unsafe { AsyncFd::register(socket)? };
    ///
    /// let mut guard = socket.ready(Interest::READABLE | Interest::WRITABLE).await?;
    /// if guard.ready().is_readable() {
    ///     let mut buf = [0; 16];
    ///     match guard.get_inner().read(&mut buf) {
    ///         Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => guard.clear_ready_matching(Ready::READABLE),
    ///         result => println!("read {} bytes", result?),
    ///     }
    /// }
    /// if guard.ready().is_writable() {
    ///     match guard.get_inner().write(b"hello") {
    ///         Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => guard.clear_ready_matching(Ready::WRITABLE),
    ///         result => assert_eq!(result?, 5),
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn ready(&self, interest: Interest) -> impl Future<Output = io::Result<AsyncFdReadyGuard<'_, T>>> {
        called_here(async move {
            let event = unless_shut_down(self.readiness().ready(interest).await)?;
            Ok(AsyncFdReadyGuard::new(self, event))
        })
    }

    /// As [`ready`](AsyncFd::ready), with a guard that lets the object be changed.
    ///
    /// # Errors
    ///
    /// When the runtime has shut down.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: readiness stays until it is cleared.
    #[track_caller]
    pub fn ready_mut(&mut self, interest: Interest) -> impl Future<Output = io::Result<AsyncFdReadyMutGuard<'_, T>>> {
        called_here(async move {
            let event = unless_shut_down(self.readiness().ready(interest).await)?;
            Ok(AsyncFdReadyMutGuard::new(self, event))
        })
    }

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
    #[track_caller]
    pub fn poll_write_ready<'a>(&'a self, cx: &mut Context<'_>) -> Poll<io::Result<AsyncFdReadyGuard<'a, T>>> {
        self.poll_guard(Direction::Write, cx)
    }

    /// As [`poll_write_ready`](AsyncFd::poll_write_ready), with a guard that lets the object be changed.
    ///
    /// # Errors
    ///
    /// When the runtime has shut down.
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

/// Operations of yours.
impl<T: AsRawFd> AsyncFd<T> {
    /// Waits until the descriptor is ready for `interest` and calls `f`, again and again until `f` does not say `WouldBlock`.
    ///
    /// `f` must not wait, and must say `WouldBlock` only if the descriptor did: that clears the readiness.
    ///
    /// # Errors
    ///
    /// What `f` says but `WouldBlock`; that the runtime has shut down.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: `f` is called only in a poll that then returns what it did, or clears the readiness.
    ///
    /// # Examples
    ///
    /// See [`AsyncFd`].
    #[track_caller]
    pub fn async_io<R>(
        &self,
        interest: Interest,
        mut f: impl FnMut(&T) -> io::Result<R>,
    ) -> impl Future<Output = io::Result<R>> {
        self.readiness().async_io(interest, move || f(self.get_ref()))
    }

    /// As [`async_io`](AsyncFd::async_io), with an operation that may change the object.
    ///
    /// # Errors
    ///
    /// What `f` says but `WouldBlock`; that the runtime has shut down.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: `f` is called only in a poll that then returns what it did, or clears the readiness.
    #[track_caller]
    pub fn async_io_mut<R>(
        &mut self,
        interest: Interest,
        mut f: impl FnMut(&mut T) -> io::Result<R>,
    ) -> impl Future<Output = io::Result<R>> {
        let (readiness, object) = self.parts_mut();
        readiness.async_io(interest, move || f(object))
    }

    /// Calls `f` if the descriptor is ready for `interest`, without waiting. If `f` says `WouldBlock`, the readiness is cleared.
    ///
    /// `f` must not wait, and must say `WouldBlock` only if the descriptor did.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) when it is not ready; what `f` says; that the runtime has shut down.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::io::{ErrorKind, Read};
    /// use std::os::unix::net::UnixStream;
    /// use unstuck::io::Interest;
    /// use unstuck::io::unix::AsyncFd;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let (socket, _peer) = UnixStream::pair()?;
    /// socket.set_nonblocking(true)?;
    /// // SAFETY: a `UnixStream` keeps its descriptor, open, for as long as it lives.
    /// let socket = unsafe { AsyncFd::register(socket)? };
    /// let error = socket.try_io(Interest::READABLE, |mut socket| socket.read(&mut [0; 16])).unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::WouldBlock);
    /// # Ok(())
    /// # }
    /// ```
    pub fn try_io<R>(&self, interest: Interest, f: impl FnOnce(&T) -> io::Result<R>) -> io::Result<R> {
        self.readiness().try_io(interest, || f(self.get_ref()))
    }

    /// As [`try_io`](AsyncFd::try_io), with an operation that may change the object.
    ///
    /// # Errors
    ///
    /// As [`try_io`](AsyncFd::try_io).
    pub fn try_io_mut<R>(&mut self, interest: Interest, f: impl FnOnce(&mut T) -> io::Result<R>) -> io::Result<R> {
        let (readiness, object) = self.parts_mut();
        readiness.try_io(interest, || f(object))
    }
}

fn unless_shut_down(event: ReadyEvent) -> io::Result<ReadyEvent> {
    if event.is_shutdown() { Err(shutdown_error()) } else { Ok(event) }
}
