//! What the waits of an [`AsyncFd`] that is lent to one alone end with. The rules are those of `async_fd_guard`.

use std::fmt;
use std::io;
use std::os::fd::AsRawFd;

use unstuck_base::interest::Ready;
use unstuck_driver::readiness::ReadyEvent;

use super::async_fd::AsyncFd;
use super::async_fd_error::TryIoError;
use super::async_fd_guard::{cleared, disproved, unless_it_waits};

/// As [`AsyncFdReadyGuard`](super::unix::AsyncFdReadyGuard), with the object for you alone.
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
/// # let mut socket = unsafe { AsyncFd::register(socket)? };
/// let mut guard = socket.writable_mut().await?;
/// let n = guard.try_io(|socket| socket.get_mut().write(b"hello")).unwrap()?;
/// assert_eq!(n, 5);
/// # use std::io::Read;
/// # assert_eq!(peer.read(&mut [0; 16])?, 5);
/// # Ok(())
/// # }
/// ```
#[must_use = "decide whether the readiness is used up: call `try_io`, `clear_ready` or `retain_ready`"]
pub struct AsyncFdReadyMutGuard<'a, T: AsRawFd> {
    async_fd: &'a mut AsyncFd<T>,
    event: ReadyEvent,
}

impl<'a, Inner: AsRawFd> AsyncFdReadyMutGuard<'a, Inner> {
    pub(super) fn new(async_fd: &'a mut AsyncFd<Inner>, event: ReadyEvent) -> AsyncFdReadyMutGuard<'a, Inner> {
        AsyncFdReadyMutGuard { async_fd, event }
    }

    /// Says that the descriptor is not ready any more; see
    /// [`AsyncFdReadyGuard::clear_ready`](super::unix::AsyncFdReadyGuard::clear_ready).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::io::{ErrorKind, Write};
    /// use std::os::unix::net::UnixStream;
    /// use unstuck::io::unix::AsyncFd;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// # let (socket, peer) = UnixStream::pair()?;
    /// # socket.set_nonblocking(true)?;
    /// # // SAFETY: a `UnixStream` keeps its descriptor, open, for as long as it lives.
    /// # let mut socket = unsafe { AsyncFd::register(socket)? };
    /// // Until the buffers of the system are full.
    /// loop {
    ///     let mut guard = socket.writable_mut().await?;
    ///     match guard.get_inner_mut().write(&[0; 65536]) {
    ///         Err(error) if error.kind() == ErrorKind::WouldBlock => {
    ///             guard.clear_ready();
    ///             break;
    ///         }
    ///         result => assert!(result? > 0),
    ///     }
    /// }
    /// # let mut wait = std::pin::pin!(socket.writable());
    /// # let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    /// # assert!(wait.as_mut().poll(&mut cx).is_pending());
    /// # drop(peer);
    /// # Ok(())
    /// # }
    /// ```
    pub fn clear_ready(&mut self) {
        self.clear_ready_matching(Ready::ALL);
    }

    /// As [`clear_ready`](AsyncFdReadyMutGuard::clear_ready), of the kinds in `ready` alone; see
    /// [`AsyncFdReadyGuard::clear_ready_matching`](super::unix::AsyncFdReadyGuard::clear_ready_matching).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::io::Read;
    /// use unstuck::io::{Interest, Ready};
    /// use std::os::unix::net::UnixStream;
    /// use unstuck::io::unix::AsyncFd;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// # let (socket, _peer) = UnixStream::pair()?;
    /// # socket.set_nonblocking(true)?;
    /// # // SAFETY: a `UnixStream` keeps its descriptor, open, for as long as it lives.
    /// # let mut socket = unsafe { AsyncFd::register(socket)? };
    /// let mut guard = socket.ready_mut(Interest::READABLE | Interest::WRITABLE).await?;
    /// if guard.get_inner_mut().read(&mut [0; 16]).is_err() {
    ///     guard.clear_ready_matching(Ready::READABLE);
    /// }
    /// assert_eq!(guard.ready(), Ready::WRITABLE); // that is still true
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
    /// # let mut socket = unsafe { AsyncFd::register(socket)? };
    /// socket.writable_mut().await?.retain_ready();
    /// socket.writable_mut().await?.retain_ready(); // so this need not wait
    /// # Ok(())
    /// # }
    /// ```
    pub fn retain_ready(&mut self) {}

    /// What the descriptor is ready for, as the wait found it, without what this guard has cleared.
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
    /// # let mut socket = unsafe { AsyncFd::register(socket)? };
    /// peer.write_all(b"hello")?;
    /// assert!(socket.readable_mut().await?.ready().is_readable());
    /// # Ok(())
    /// # }
    /// ```
    pub fn ready(&self) -> Ready {
        self.event.ready()
    }

    /// Calls `f`, which does something with the descriptor. If `f` says `WouldBlock`, the readiness is cleared; see
    /// [`AsyncFdReadyGuard::try_io`](super::unix::AsyncFdReadyGuard::try_io).
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
    /// async fn read(socket: &mut AsyncFd<UnixStream>, buf: &mut [u8]) -> std::io::Result<usize> {
    ///     loop {
    ///         let mut guard = socket.readable_mut().await?;
    ///         if let Ok(result) = guard.try_io(|socket| socket.get_mut().read(buf)) {
    ///             return result;
    ///         }
    ///     }
    /// }
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// # use std::io::Write;
    /// # let (a, mut b) = UnixStream::pair()?;
    /// # a.set_nonblocking(true)?;
    /// # let mut a = unsafe { AsyncFd::register(a)? };
    /// # b.write_all(b"hello")?;
    /// # assert_eq!(read(&mut a, &mut [0; 16]).await?, 5);
    /// # Ok(())
    /// # }
    /// ```
    pub fn try_io<R>(
        &mut self,
        f: impl FnOnce(&mut AsyncFd<Inner>) -> io::Result<R>,
    ) -> Result<io::Result<R>, TryIoError> {
        let result = f(self.async_fd);
        unless_it_waits(result, || self.event = disproved(self.async_fd, self.event))
    }

    /// What was waited for.
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
    /// # let mut socket = unsafe { AsyncFd::register(socket)? };
    /// let guard = socket.writable_mut().await?;
    /// assert!(guard.get_ref().get_ref().take_error()?.is_none());
    /// # Ok(())
    /// # }
    /// ```
    pub fn get_ref(&self) -> &AsyncFd<Inner> {
        self.async_fd
    }

    /// What was waited for, to change it.
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
    /// assert_eq!(guard.get_mut().get_mut().write(b"hello")?, 5);
    /// # Ok(())
    /// # }
    /// ```
    pub fn get_mut(&mut self) -> &mut AsyncFd<Inner> {
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
    /// # let mut socket = unsafe { AsyncFd::register(socket)? };
    /// let guard = socket.writable_mut().await?;
    /// assert!(guard.get_inner().take_error()?.is_none());
    /// # Ok(())
    /// # }
    /// ```
    pub fn get_inner(&self) -> &Inner {
        self.async_fd.get_ref()
    }

    /// The object with the descriptor, to change it; see [`AsyncFd::get_mut`].
    ///
    /// # Examples
    ///
    /// ```
    /// use std::io::Read;
    /// use std::os::unix::net::UnixStream;
    /// use unstuck::io::unix::AsyncFd;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// # let (socket, mut peer) = UnixStream::pair()?;
    /// # socket.set_nonblocking(true)?;
    /// # // SAFETY: a `UnixStream` keeps its descriptor, open, for as long as it lives.
    /// # let mut socket = unsafe { AsyncFd::register(socket)? };
    /// # use std::io::Write;
    /// peer.write_all(b"hello")?;
    /// let mut guard = socket.readable_mut().await?;
    /// let mut buf = [0; 16];
    /// let n = guard.get_inner_mut().read(&mut buf)?;
    /// assert_eq!(&buf[..n], b"hello");
    /// # Ok(())
    /// # }
    /// ```
    pub fn get_inner_mut(&mut self) -> &mut Inner {
        self.async_fd.get_mut()
    }
}

impl<T: fmt::Debug + AsRawFd> fmt::Debug for AsyncFdReadyMutGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncFdReadyMutGuard").field("async_fd", self.async_fd).field("ready", &self.ready()).finish()
    }
}
