//! A file descriptor of the user's, with the readiness to wait for. The waits are in `async_fd_waits`, what they end with in
//! `async_fd_guard`.
//!
//! 1. The object is the user's: nothing here reads, writes, closes or configures its descriptor.
//! 2. The registration ends before the object is dropped or given back ([`Watched`]'s promise).

use std::fmt;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};

use unstuck_base::interest::Interest;
use unstuck_driver::Readiness;

use super::async_fd_error::AsyncFdRegisterError;
use crate::watched::Watched;

const BOTH: Interest = Interest::READABLE.add(Interest::WRITABLE);

/// An object with a file descriptor, whose readiness tasks can wait for.
///
/// It waits; reading and writing stay yours. The descriptor must be in non-blocking mode, must be of a kind that can be
/// polled (no regular file), and must stay open as long as it is registered, which is as long as this exists.
///
/// | to | use |
/// |---|---|
/// | do an operation as soon as it need not wait | [`async_io`](AsyncFd::async_io) |
/// | wait, and then decide | [`readable`](AsyncFd::readable), [`writable`](AsyncFd::writable), [`ready`](AsyncFd::ready), and the guard that they give |
/// | try once without waiting | [`try_io`](AsyncFd::try_io) |
/// | implement [`AsyncRead`](crate::io::AsyncRead) and [`AsyncWrite`](crate::io::AsyncWrite) | [`poll_read_ready`](AsyncFd::poll_read_ready), [`poll_write_ready`](AsyncFd::poll_write_ready) |
///
/// Readiness is remembered: once an event came, waits end at once, until somebody finds that an operation would have to
/// wait and clears it. The methods that take your operation do that by themselves. Any number of tasks may wait at the same
/// time; of those that use the `poll_*` methods, the last one of each direction is woken.
///
/// Dropping it drops the object, which mostly closes the descriptor; [`into_inner`](AsyncFd::into_inner) gives it back.
///
/// # Examples
///
/// A socket of std, read by a task:
///
/// ```
/// use std::io::{Read, Write};
/// use std::os::unix::net::UnixStream;
/// use unstuck::io::Interest;
/// use unstuck::io::unix::AsyncFd;
///
/// # #[unstuck::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let (socket, mut peer) = UnixStream::pair()?;
/// socket.set_nonblocking(true)?;
/// // SAFETY: a `UnixStream` keeps its descriptor, open, for as long as it lives.
/// let socket = unsafe { AsyncFd::register(socket)? };
///
/// peer.write_all(b"hello")?;
/// let mut buf = [0; 16];
/// let n = socket.async_io(Interest::READABLE, |mut socket| socket.read(&mut buf)).await?;
/// assert_eq!(&buf[..n], b"hello");
/// # Ok(())
/// # }
/// ```
pub struct AsyncFd<T: AsRawFd> {
    watched: Watched<T>,
}

impl<T: AsRawFd> AsyncFd<T> {
    /// Registers the descriptor of `inner` with the current runtime, for reading and writing.
    ///
    /// # Safety
    ///
    /// [`as_raw_fd`](AsRawFd::as_raw_fd) of `inner` must give the same open descriptor for as long as this lives, also after
    /// changes through [`get_mut`](AsyncFd::get_mut), and nobody may close it meanwhile.
    ///
    /// # Errors
    ///
    /// What the system says, as when the descriptor can't be polled or is registered already; when the runtime has shut down;
    /// in a simulation, always. The error gives `inner` back.
    ///
    /// # Panics
    ///
    /// Outside a runtime, or in one that was built without [`enable_io`](crate::runtime::Builder::enable_io).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::os::unix::net::UnixStream;
    /// use unstuck::io::unix::AsyncFd;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let (socket, _peer) = UnixStream::pair()?;
    /// socket.set_nonblocking(true)?;
    /// // SAFETY: a `UnixStream` keeps its descriptor, open, for as long as it lives.
    /// let socket = unsafe { AsyncFd::register(socket)? };
    /// socket.writable().await?.retain_ready();
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub unsafe fn register(inner: T) -> Result<Self, AsyncFdRegisterError<T>> {
        AsyncFd::watching(inner, BOTH)
    }

    /// As [`register`](AsyncFd::register), for `interest` alone: other waits never end. A descriptor that is only read need not
    /// wake the runtime when it can be written.
    ///
    /// # Safety
    ///
    /// As [`register`](AsyncFd::register).
    ///
    /// # Errors
    ///
    /// As [`register`](AsyncFd::register).
    ///
    /// # Panics
    ///
    /// As [`register`](AsyncFd::register).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::io::Write;
    /// use std::os::unix::net::UnixStream;
    /// use unstuck::io::Interest;
    /// use unstuck::io::unix::AsyncFd;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let (socket, mut peer) = UnixStream::pair()?;
    /// socket.set_nonblocking(true)?;
    /// // SAFETY: a `UnixStream` keeps its descriptor, open, for as long as it lives.
    /// let socket = unsafe { AsyncFd::register_with_interest(socket, Interest::READABLE)? };
    ///
    /// // It can be written all the time, but nobody is told.
    /// let guard = socket.ready(Interest::READABLE | Interest::WRITABLE);
    /// # let mut guard = std::pin::pin!(guard);
    /// # let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    /// # assert!(guard.as_mut().poll(&mut cx).is_pending());
    /// peer.write_all(b"hello")?;
    /// assert!(!guard.await?.ready().is_writable());
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub unsafe fn register_with_interest(inner: T, interest: Interest) -> Result<Self, AsyncFdRegisterError<T>> {
        AsyncFd::watching(inner, interest)
    }

    /// Registers the descriptor of `inner` with the current runtime, for reading and writing. It asks for the same as
    /// [`register`](AsyncFd::register), without saying so.
    ///
    /// # Errors
    ///
    /// As [`register`](AsyncFd::register); `inner` is dropped.
    ///
    /// # Panics
    ///
    /// As [`register`](AsyncFd::register).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::os::unix::net::UnixStream;
    /// use unstuck::io::unix::AsyncFd;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let (a, b) = UnixStream::pair()?;
    /// a.set_nonblocking(true)?;
    /// #[expect(deprecated)]
    /// let a = AsyncFd::new(a)?;
    /// a.writable().await?.retain_ready();
    /// # drop(b);
    /// # Ok(())
    /// # }
    /// ```
    #[deprecated = "use `AsyncFd::register`, which says what the descriptor must keep to"]
    #[track_caller]
    pub fn new(inner: T) -> io::Result<Self> {
        Ok(AsyncFd::watching(inner, BOTH)?)
    }

    /// As [`new`](AsyncFd::new), for `interest` alone.
    ///
    /// # Errors
    ///
    /// As [`register`](AsyncFd::register); `inner` is dropped.
    ///
    /// # Panics
    ///
    /// As [`register`](AsyncFd::register).
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
    /// let (a, b) = UnixStream::pair()?;
    /// a.set_nonblocking(true)?;
    /// #[expect(deprecated)]
    /// let a = AsyncFd::with_interest(a, Interest::READABLE)?;
    /// drop(b);
    /// assert!(a.readable().await?.ready().is_read_closed());
    /// # Ok(())
    /// # }
    /// ```
    #[deprecated = "use `AsyncFd::register_with_interest`, which says what the descriptor must keep to"]
    #[track_caller]
    pub fn with_interest(inner: T, interest: Interest) -> io::Result<Self> {
        Ok(AsyncFd::watching(inner, interest)?)
    }

    /// As [`new`](AsyncFd::new), with an error that gives `inner` back.
    ///
    /// # Errors
    ///
    /// As [`register`](AsyncFd::register).
    ///
    /// # Panics
    ///
    /// As [`register`](AsyncFd::register).
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::io::unix::AsyncFd;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let file = std::fs::File::open("/etc/hostname").or_else(|_| std::fs::File::open(std::env::current_exe()?))?;
    /// #[expect(deprecated)]
    /// let error = AsyncFd::try_new(file).unwrap_err();
    /// let (file, _cause) = error.into_parts();
    /// assert!(file.metadata()?.is_file()); // here it is again
    /// # Ok(())
    /// # }
    /// ```
    #[deprecated = "use `AsyncFd::register`, which says what the descriptor must keep to"]
    #[track_caller]
    pub fn try_new(inner: T) -> Result<Self, AsyncFdRegisterError<T>> {
        AsyncFd::watching(inner, BOTH)
    }

    /// As [`try_new`](AsyncFd::try_new), for `interest` alone.
    ///
    /// # Errors
    ///
    /// As [`register`](AsyncFd::register).
    ///
    /// # Panics
    ///
    /// As [`register`](AsyncFd::register).
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
    /// let (a, b) = UnixStream::pair()?;
    /// a.set_nonblocking(true)?;
    /// #[expect(deprecated)]
    /// let a = AsyncFd::try_with_interest(a, Interest::WRITABLE)?;
    /// assert!(a.writable().await?.ready().is_writable());
    /// # drop(b);
    /// # Ok(())
    /// # }
    /// ```
    #[deprecated = "use `AsyncFd::register_with_interest`, which says what the descriptor must keep to"]
    #[track_caller]
    pub fn try_with_interest(inner: T, interest: Interest) -> Result<Self, AsyncFdRegisterError<T>> {
        AsyncFd::watching(inner, interest)
    }

    #[track_caller]
    fn watching(inner: T, interest: Interest) -> Result<Self, AsyncFdRegisterError<T>> {
        match Watched::new(inner, interest) {
            Ok(watched) => Ok(AsyncFd { watched }),
            Err((inner, cause)) => Err(AsyncFdRegisterError::new(inner, cause)),
        }
    }

    /// The object.
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
    /// socket.get_ref().set_write_timeout(None)?;
    /// assert_eq!(socket.get_ref().local_addr()?.as_pathname(), None);
    /// # Ok(())
    /// # }
    /// ```
    #[inline]
    pub fn get_ref(&self) -> &T {
        self.watched.get()
    }

    /// The object, to change it. Its descriptor must stay the same: see [`register`](AsyncFd::register).
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
    /// assert_eq!(socket.get_mut().write(b"hello")?, 5);
    /// # use std::io::Read;
    /// # assert_eq!(peer.read(&mut [0; 16])?, 5);
    /// # Ok(())
    /// # }
    /// ```
    #[inline]
    pub fn get_mut(&mut self) -> &mut T {
        self.watched.get_mut()
    }

    /// Ends the registration and gives the object back.
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
    /// # let socket = unsafe { AsyncFd::register(socket)? };
    /// let mut socket = socket.into_inner();
    /// socket.set_nonblocking(false)?;
    /// # use std::io::Write;
    /// # peer.write_all(b"hello")?;
    /// assert_eq!(socket.read(&mut [0; 16])?, 5); // as any socket of std
    /// # Ok(())
    /// # }
    /// ```
    pub fn into_inner(self) -> T {
        self.watched.into_object()
    }

    pub(super) fn readiness(&self) -> &Readiness {
        self.watched.readiness()
    }

    pub(super) fn parts_mut(&mut self) -> (&Readiness, &mut T) {
        self.watched.parts_mut()
    }
}

impl<T: AsRawFd> AsRawFd for AsyncFd<T> {
    fn as_raw_fd(&self) -> RawFd {
        self.get_ref().as_raw_fd()
    }
}

impl<T: AsRawFd> AsFd for AsyncFd<T> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        // SAFETY: whoever registered it promised that the descriptor stays open as long as this lives; see `register`.
        unsafe { BorrowedFd::borrow_raw(self.as_raw_fd()) }
    }
}

impl<T: fmt::Debug + AsRawFd> fmt::Debug for AsyncFd<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncFd").field("inner", self.get_ref()).finish()
    }
}
