//! Waiting for an [`AsyncFd`], and doing operations when it is ready.
//!
//! 1. The methods that hand out a guard clear nothing: that is the guard's. Those that are given an operation do.

use std::future::Future;
use std::io;
use std::os::fd::AsRawFd;

use unstuck_base::interest::Interest;
use unstuck_driver::readiness::{ReadyEvent, shutdown_error};

use super::async_fd::AsyncFd;
use super::async_fd_guard::AsyncFdReadyGuard;
use super::async_fd_mut_guard::AsyncFdReadyMutGuard;
use crate::called_at::called_from;

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
    /// ```
    /// use std::io::{Read, Write};
    /// use std::os::unix::net::UnixStream;
    /// use unstuck::io::unix::AsyncFd;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// # let (socket, mut peer) = UnixStream::pair()?;
    /// # socket.set_nonblocking(true)?;
    /// # // SAFETY: a `UnixStream` keeps its descriptor, open, for as long as it lives.
    /// # let socket = unsafe { AsyncFd::register(socket)? };
    /// peer.write_all(b"hello")?;
    /// loop {
    ///     let mut guard = socket.readable().await?;
    ///     // `Err`: somebody else was faster. Wait again.
    ///     if let Ok(read) = guard.try_io(|socket| socket.get_ref().read(&mut [0; 16])) {
    ///         assert_eq!(read?, 5);
    ///         break;
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
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
    /// ```
    /// use std::io::{BufRead, BufReader, Write};
    /// use std::os::fd::{AsRawFd, RawFd};
    /// use std::os::unix::net::UnixStream;
    /// use unstuck::io::unix::AsyncFd;
    ///
    /// /// It is changed by reading.
    /// struct Reader(BufReader<UnixStream>);
    ///
    /// impl AsRawFd for Reader {
    ///     fn as_raw_fd(&self) -> RawFd {
    ///         self.0.get_ref().as_raw_fd()
    ///     }
    /// }
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// # let (socket, mut peer) = UnixStream::pair()?;
    /// # socket.set_nonblocking(true)?;
    /// // SAFETY: neither the reader nor the stream in it ever changes its descriptor.
    /// let mut reader = unsafe { AsyncFd::register(Reader(BufReader::new(socket)))? };
    /// peer.write_all(b"a line\n")?;
    /// let mut guard = reader.readable_mut().await?;
    /// let mut line = String::new();
    /// guard.try_io(|reader| reader.get_mut().0.read_line(&mut line)).unwrap()?;
    /// assert_eq!(line, "a line\n");
    /// # Ok(())
    /// # }
    /// ```
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
    ///
    /// # Examples
    ///
    /// ```
    /// use std::io::Write;
    /// use std::os::unix::net::UnixStream;
    /// use unstuck::io::unix::AsyncFd;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// # let (socket, mut peer) = UnixStream::pair()?;
    /// # socket.set_nonblocking(true)?;
    /// # // SAFETY: a `UnixStream` keeps its descriptor, open, for as long as it lives.
    /// # let socket = unsafe { AsyncFd::register(socket)? };
    /// let mut guard = socket.writable().await?;
    /// assert_eq!(guard.try_io(|socket| socket.get_ref().write(b"hello")).unwrap()?, 5);
    /// # use std::io::Read;
    /// # assert_eq!(peer.read(&mut [0; 16])?, 5);
    /// # Ok(())
    /// # }
    /// ```
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
    ///
    /// # Examples
    ///
    /// ```
    /// use std::io::Write;
    /// use std::os::unix::net::UnixStream;
    /// use unstuck::io::unix::AsyncFd;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// # let (socket, _peer) = UnixStream::pair()?;
    /// # socket.set_nonblocking(true)?;
    /// # // SAFETY: a `UnixStream` keeps its descriptor, open, for as long as it lives.
    /// # let mut socket = unsafe { AsyncFd::register(socket)? };
    /// let mut guard = socket.writable_mut().await?;
    /// let written = guard.try_io(|socket| socket.get_mut().write_vectored(&[]));
    /// assert_eq!(written.unwrap()?, 0);
    /// # Ok(())
    /// # }
    /// ```
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
        called_from(|_at| async move {
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
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::io::Interest;
    /// use std::os::unix::net::UnixStream;
    /// use unstuck::io::unix::AsyncFd;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// # let (socket, peer) = UnixStream::pair()?;
    /// # socket.set_nonblocking(true)?;
    /// # // SAFETY: a `UnixStream` keeps its descriptor, open, for as long as it lives.
    /// # let mut socket = unsafe { AsyncFd::register(socket)? };
    /// drop(peer);
    /// let guard = socket.ready_mut(Interest::READABLE | Interest::WRITABLE).await?;
    /// assert!(guard.ready().is_read_closed() && guard.ready().is_write_closed());
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn ready_mut(&mut self, interest: Interest) -> impl Future<Output = io::Result<AsyncFdReadyMutGuard<'_, T>>> {
        called_from(|_at| async move {
            let event = unless_shut_down(self.readiness().ready(interest).await)?;
            Ok(AsyncFdReadyMutGuard::new(self, event))
        })
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
    /// ```
    /// use std::io::{Read, Write};
    /// use unstuck::io::Interest;
    /// use std::os::unix::net::UnixStream;
    /// use unstuck::io::unix::AsyncFd;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// # let (socket, mut peer) = UnixStream::pair()?;
    /// # socket.set_nonblocking(true)?;
    /// # // SAFETY: a `UnixStream` keeps its descriptor, open, for as long as it lives.
    /// # let socket = unsafe { AsyncFd::register(socket)? };
    /// let mut buf = [0; 16];
    /// let receive = socket.async_io(Interest::READABLE, |mut socket| socket.read(&mut buf));
    /// let send = async { peer.write_all(b"hello") };
    /// let (received, sent) = unstuck::join!(receive, send);
    /// sent?;
    /// assert_eq!(received?, 5);
    /// # Ok(())
    /// # }
    /// ```
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
    ///
    /// # Examples
    ///
    /// ```
    /// use std::io::Write;
    /// use unstuck::io::Interest;
    /// use std::os::unix::net::UnixStream;
    /// use unstuck::io::unix::AsyncFd;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// # let (socket, mut peer) = UnixStream::pair()?;
    /// # socket.set_nonblocking(true)?;
    /// # // SAFETY: a `UnixStream` keeps its descriptor, open, for as long as it lives.
    /// # let mut socket = unsafe { AsyncFd::register(socket)? };
    /// let sent = socket.async_io_mut(Interest::WRITABLE, |socket| socket.write(b"hello")).await?;
    /// assert_eq!(sent, 5);
    /// # use std::io::Read;
    /// # assert_eq!(peer.read(&mut [0; 16])?, 5);
    /// # Ok(())
    /// # }
    /// ```
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
    ///
    /// # Examples
    ///
    /// ```
    /// use std::io::{ErrorKind, Read, Write};
    /// use unstuck::io::Interest;
    /// use std::os::unix::net::UnixStream;
    /// use unstuck::io::unix::AsyncFd;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// # let (socket, mut peer) = UnixStream::pair()?;
    /// # socket.set_nonblocking(true)?;
    /// # // SAFETY: a `UnixStream` keeps its descriptor, open, for as long as it lives.
    /// # let mut socket = unsafe { AsyncFd::register(socket)? };
    /// let mut buf = [0; 16];
    /// let error = socket.try_io_mut(Interest::READABLE, |socket| socket.read(&mut buf)).unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::WouldBlock);
    ///
    /// peer.write_all(b"hello")?;
    /// socket.readable().await?.retain_ready();
    /// assert_eq!(socket.try_io_mut(Interest::READABLE, |socket| socket.read(&mut buf))?, 5);
    /// # Ok(())
    /// # }
    /// ```
    pub fn try_io_mut<R>(&mut self, interest: Interest, f: impl FnOnce(&mut T) -> io::Result<R>) -> io::Result<R> {
        let (readiness, object) = self.parts_mut();
        readiness.try_io(interest, || f(object))
    }
}

pub(super) fn unless_shut_down(event: ReadyEvent) -> io::Result<ReadyEvent> {
    if event.is_shutdown() { Err(shutdown_error()) } else { Ok(event) }
}
