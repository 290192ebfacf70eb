//! What can go wrong with an [`AsyncFd`](super::unix::AsyncFd).

use std::error::Error;
use std::fmt;
use std::io;

/// The operation would have had to wait, so the readiness was cleared: wait for it again.
///
/// The error of [`AsyncFdReadyGuard::try_io`](super::unix::AsyncFdReadyGuard::try_io) and
/// [`AsyncFdReadyMutGuard::try_io`](super::unix::AsyncFdReadyMutGuard::try_io).
///
/// # Examples
///
/// ```
/// use std::io::Read;
/// use std::os::unix::net::UnixStream;
/// use unstuck::io::unix::{AsyncFd, TryIoError};
///
/// # #[unstuck::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// # let (socket, _peer) = UnixStream::pair()?;
/// # socket.set_nonblocking(true)?;
/// # // SAFETY: a `UnixStream` keeps its descriptor, open, for as long as it lives.
/// # let socket = unsafe { AsyncFd::register(socket)? };
/// let mut guard = socket.writable().await?;
/// // Nobody has sent anything, so this would have to wait.
/// let result: Result<_, TryIoError> = guard.try_io(|socket| socket.get_ref().read(&mut [0; 16]));
/// assert!(result.is_err());
/// assert!(guard.ready().is_empty());
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct TryIoError(pub(super) ());

/// A descriptor could not be registered. It gives the object back.
///
/// The error of [`AsyncFd::register`](super::unix::AsyncFd::register) and its like.
///
/// # Examples
///
/// A regular file is always ready, so the system lets no one wait for it:
///
/// ```
/// use unstuck::io::unix::AsyncFd;
///
/// # #[unstuck::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let file = std::fs::File::open(std::env::current_exe()?)?;
/// // SAFETY: the file stays open as long as it is registered.
/// let error = unsafe { AsyncFd::register(file) }.unwrap_err();
/// let (file, cause) = error.into_parts();
/// assert_eq!(cause.kind(), std::io::ErrorKind::PermissionDenied);
/// assert!(file.metadata()?.is_file());
/// # Ok(())
/// # }
/// ```
pub struct AsyncFdRegisterError<T> {
    object: T,
    cause: io::Error,
}

impl<T> AsyncFdRegisterError<T> {
    pub(super) fn new(object: T, cause: io::Error) -> AsyncFdRegisterError<T> {
        AsyncFdRegisterError { object, cause }
    }

    /// The object, and why it could not be registered.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::io::ErrorKind;
    /// use unstuck::io::unix::AsyncFd;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let file = std::fs::File::open(std::env::current_exe()?)?;
    /// // SAFETY: the file stays open as long as it is registered.
    /// let Err(error) = (unsafe { AsyncFd::register(file) }) else { panic!("a regular file can't be polled") };
    /// let (file, cause) = error.into_parts();
    /// assert_eq!(cause.kind(), ErrorKind::PermissionDenied);
    /// assert!(file.metadata()?.len() > 0);
    /// # Ok(())
    /// # }
    /// ```
    pub fn into_parts(self) -> (T, io::Error) {
        (self.object, self.cause)
    }
}

impl<T> fmt::Display for AsyncFdRegisterError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.cause.fmt(f)
    }
}

// Whatever the object is: it needs no format of its own.
impl<T> fmt::Debug for AsyncFdRegisterError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncFdRegisterError").field("cause", &self.cause).finish_non_exhaustive()
    }
}

impl<T> Error for AsyncFdRegisterError<T> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.cause)
    }
}

impl<T> From<AsyncFdRegisterError<T>> for io::Error {
    /// Why it could not be registered; the object is dropped.
    fn from(error: AsyncFdRegisterError<T>) -> io::Error {
        error.cause
    }
}
