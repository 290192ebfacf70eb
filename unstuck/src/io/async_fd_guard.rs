//! What the waits of an [`AsyncFd`] end with: the readiness that was seen, to be cleared by whoever finds it untrue.
//!
//! 1. A guard clears what it has seen and nothing newer: an event that came after its wait is kept.
//! 2. Clearing keeps closed sides, which do not open again. An operation that says `WouldBlock` disproves those as well.

use std::fmt;
use std::io;
use std::os::fd::AsRawFd;

use unstuck_base::interest::Ready;
use unstuck_driver::readiness::ReadyEvent;

use super::async_fd::AsyncFd;
use super::async_fd_error::TryIoError;

/// Says that an [`AsyncFd`] was ready, and is where you say when it is not any more.
///
/// Readiness stays until it is cleared: [`try_io`](AsyncFdReadyGuard::try_io) does that when an operation turns out to have
/// to wait, [`clear_ready`](AsyncFdReadyGuard::clear_ready) does it on your word. Dropping the guard clears nothing.
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
/// let mut guard = socket.readable().await?;
/// let n = guard.try_io(|socket| socket.get_ref().read(&mut [0; 16])).unwrap()?;
/// assert_eq!(n, 5);
/// // Now there is nothing left, which the next attempt finds out.
/// assert!(guard.try_io(|socket| socket.get_ref().read(&mut [0; 16])).is_err());
/// # Ok(())
/// # }
/// ```
#[must_use = "decide whether the readiness is used up: call `try_io`, `clear_ready` or `retain_ready`"]
pub struct AsyncFdReadyGuard<'a, T: AsRawFd> {
    async_fd: &'a AsyncFd<T>,
    event: ReadyEvent,
}

impl<'a, Inner: AsRawFd> AsyncFdReadyGuard<'a, Inner> {
    pub(super) fn new(async_fd: &'a AsyncFd<Inner>, event: ReadyEvent) -> AsyncFdReadyGuard<'a, Inner> {
        AsyncFdReadyGuard { async_fd, event }
    }

    /// Says that the descriptor is not ready any more: the next wait is for a new event of the system.
    ///
    /// Call it only when an operation just said that it would have to wait. Of something that is still ready, no event
    /// comes, and a wait may last for ever. A side that was closed stays ready.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::io::{ErrorKind, Read};
    /// use std::os::unix::net::UnixStream;
    /// use unstuck::io::unix::AsyncFd;
    ///
    /// async fn read(socket: &AsyncFd<UnixStream>, buf: &mut [u8]) -> std::io::Result<usize> {
    ///     loop {
    ///         let mut guard = socket.readable().await?;
    ///         match socket.get_ref().read(buf) {
    ///             Err(error) if error.kind() == ErrorKind::WouldBlock => guard.clear_ready(),
    ///             result => return result,
    ///         }
    ///     }
    /// }
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// # use std::io::Write;
    /// # let (a, mut b) = UnixStream::pair()?;
    /// # a.set_nonblocking(true)?;
    /// # let a = unsafe { AsyncFd::register(a)? };
    /// # b.write_all(b"hello")?;
    /// # assert_eq!(read(&a, &mut [0; 16]).await?, 5);
    /// # Ok(())
    /// # }
    /// ```
    pub fn clear_ready(&mut self) {
        self.clear_ready_matching(Ready::ALL);
    }

    /// As [`clear_ready`](AsyncFdReadyGuard::clear_ready), of the kinds in `ready` alone. Right after waiting for more than
    /// one kind with [`AsyncFd::ready`].
    ///
    /// # Examples
    ///
    /// ```
    /// # use unstuck::io::unix::AsyncFd;
    /// use unstuck::io::{Interest, Ready};
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// # let (a, _b) = std::os::unix::net::UnixStream::pair()?;
    /// # a.set_nonblocking(true)?;
    /// # let socket = unsafe { AsyncFd::register(a)? };
    /// let mut guard = socket.ready(Interest::READABLE | Interest::WRITABLE).await?;
    /// assert_eq!(guard.ready(), Ready::WRITABLE);
    /// guard.clear_ready_matching(Ready::READABLE);
    /// assert_eq!(guard.ready(), Ready::WRITABLE);
    /// guard.clear_ready_matching(Ready::WRITABLE);
    /// assert!(guard.ready().is_empty());
    /// # Ok(())
    /// # }
    /// ```
    pub fn clear_ready_matching(&mut self, ready: Ready) {
        self.event = cleared(self.async_fd, self.event, ready);
    }

    /// Leaves the readiness as it is. It does nothing, but says so to readers and to the compiler.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::os::unix::net::UnixStream;
    /// use unstuck::io::unix::AsyncFd;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// # let (socket, _peer) = UnixStream::pair()?;
    /// # socket.set_nonblocking(true)?;
    /// # // SAFETY: a `UnixStream` keeps its descriptor, open, for as long as it lives.
    /// # let socket = unsafe { AsyncFd::register(socket)? };
    /// // Only to find out whether it can be written at all.
    /// socket.writable().await?.retain_ready();
    /// assert!(socket.writable().await?.ready().is_writable());
    /// # Ok(())
    /// # }
    /// ```
    pub fn retain_ready(&mut self) {}

    /// What the descriptor is ready for, as the wait found it, without what this guard has cleared.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::io::{Interest, Ready};
    /// use std::os::unix::net::UnixStream;
    /// use unstuck::io::unix::AsyncFd;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// # let (socket, peer) = UnixStream::pair()?;
    /// # socket.set_nonblocking(true)?;
    /// # // SAFETY: a `UnixStream` keeps its descriptor, open, for as long as it lives.
    /// # let socket = unsafe { AsyncFd::register(socket)? };
    /// let guard = socket.ready(Interest::READABLE | Interest::WRITABLE).await?;
    /// assert_eq!(guard.ready(), Ready::WRITABLE);
    /// drop(peer);
    /// assert!(socket.readable().await?.ready().is_read_closed());
    /// # Ok(())
    /// # }
    /// ```
    pub fn ready(&self) -> Ready {
        self.event.ready()
    }

    /// Calls `f`, which does something with the descriptor. If `f` says `WouldBlock`, the readiness is cleared.
    ///
    /// `f` must say `WouldBlock` only if the descriptor did. Otherwise a wait may last for ever.
    ///
    /// # Errors
    ///
    /// [`TryIoError`] when `f` said [`WouldBlock`](io::ErrorKind::WouldBlock): wait again. Every other result of `f` comes as
    /// `Ok(result)`.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::io::Read;
    /// use std::os::unix::net::UnixStream;
    /// use unstuck::io::unix::AsyncFd;
    ///
    /// async fn read(socket: &AsyncFd<UnixStream>, buf: &mut [u8]) -> std::io::Result<usize> {
    ///     loop {
    ///         let mut guard = socket.readable().await?;
    ///         if let Ok(result) = guard.try_io(|socket| socket.get_ref().read(buf)) {
    ///             return result;
    ///         }
    ///     }
    /// }
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// # use std::io::Write;
    /// # let (a, mut b) = UnixStream::pair()?;
    /// # a.set_nonblocking(true)?;
    /// # let a = unsafe { AsyncFd::register(a)? };
    /// # b.write_all(b"hello")?;
    /// # assert_eq!(read(&a, &mut [0; 16]).await?, 5);
    /// # Ok(())
    /// # }
    /// ```
    pub fn try_io<R>(
        &mut self,
        f: impl FnOnce(&'a AsyncFd<Inner>) -> io::Result<R>,
    ) -> Result<io::Result<R>, TryIoError> {
        let result = f(self.async_fd);
        unless_it_waits(result, || self.event = disproved(self.async_fd, self.event))
    }

    /// What was waited for.
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
    /// # let (socket, _peer) = UnixStream::pair()?;
    /// # socket.set_nonblocking(true)?;
    /// # // SAFETY: a `UnixStream` keeps its descriptor, open, for as long as it lives.
    /// # let socket = unsafe { AsyncFd::register(socket)? };
    /// let guard = socket.writable().await?;
    /// // It outlives the guard.
    /// let socket_again = guard.get_ref();
    /// drop(guard);
    /// assert!(socket_again.ready(Interest::WRITABLE).await?.ready().is_writable());
    /// # Ok(())
    /// # }
    /// ```
    pub fn get_ref(&self) -> &'a AsyncFd<Inner> {
        self.async_fd
    }

    /// The object with the descriptor.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::os::unix::net::UnixStream;
    /// use unstuck::io::unix::AsyncFd;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// # let (socket, _peer) = UnixStream::pair()?;
    /// # socket.set_nonblocking(true)?;
    /// # // SAFETY: a `UnixStream` keeps its descriptor, open, for as long as it lives.
    /// # let socket = unsafe { AsyncFd::register(socket)? };
    /// let guard = socket.writable().await?;
    /// assert!(guard.get_inner().peer_addr()?.is_unnamed());
    /// # Ok(())
    /// # }
    /// ```
    pub fn get_inner(&self) -> &'a Inner {
        self.async_fd.get_ref()
    }
}

/// Clears `ready` of what was seen; returns what is left of it.
pub(super) fn cleared<T: AsRawFd>(async_fd: &AsyncFd<T>, seen: ReadyEvent, ready: Ready) -> ReadyEvent {
    async_fd.readiness().clear(seen.narrowed(ready));
    seen.narrowed(seen.ready() - ready)
}

/// An operation had to wait, so nothing of what was seen is true; returns what is left of it.
pub(super) fn disproved<T: AsRawFd>(async_fd: &AsyncFd<T>, seen: ReadyEvent) -> ReadyEvent {
    async_fd.readiness().disprove(seen);
    seen.narrowed(Ready::EMPTY)
}

pub(super) fn unless_it_waits<R>(result: io::Result<R>, waits: impl FnOnce()) -> Result<io::Result<R>, TryIoError> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
            waits();
            Err(TryIoError(()))
        }
        result => Ok(result),
    }
}

impl<T: fmt::Debug + AsRawFd> fmt::Debug for AsyncFdReadyGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncFdReadyGuard").field("async_fd", self.async_fd).field("ready", &self.ready()).finish()
    }
}
