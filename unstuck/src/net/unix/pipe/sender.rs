//! The end of a pipe that writes.

use std::fs::File;
use std::future::Future;
use std::io::{self, IoSlice};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::pin::Pin;
use std::task::{Context, Poll};

use unstuck_base::interest::{Interest, Ready};
use unstuck_driver::readiness::Direction;

use super::descriptor::{Access, check_access, check_pipe, set_nonblocking};
use crate::io::AsyncWrite;
use crate::kernel::may_use_descriptors;
use crate::ready::{poll_ready, ready};
use crate::watched::Watched;

/// The end of a pipe that writes. From [`pipe`](super::pipe()), [`OpenOptions::open_sender`](super::OpenOptions::open_sender), or
/// what you have.
///
/// It is written by the methods of [`AsyncWriteExt`](crate::io::AsyncWriteExt). Up to `PIPE_BUF` bytes (4096 on Linux) are
/// written together or not at all; more may be mixed with what others write. Dropping the last sender tells the receiver
/// that all is sent.
///
/// # Examples
///
/// ```
/// use std::io::ErrorKind;
/// use unstuck::io::{AsyncReadExt, AsyncWriteExt};
/// use unstuck::net::unix::pipe;
///
/// # #[unstuck::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let (mut sender, mut receiver) = pipe::pipe()?;
/// sender.write_all(b"hello").await?;
/// let mut buf = [0; 5];
/// receiver.read_exact(&mut buf).await?;
/// assert_eq!(&buf, b"hello");
/// drop(receiver);
/// assert_eq!(sender.write_all(b"hello").await.unwrap_err().kind(), ErrorKind::BrokenPipe);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Sender {
    pipe: Watched<File>,
}

// No reference to what the pipe is made of is given out.
impl UnwindSafe for Sender {}
impl RefUnwindSafe for Sender {}

impl Sender {
    /// Takes over the writing end of a pipe, and sets it to non-blocking mode, which all who share the descriptor see.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) when it is no pipe, or not open for writing; what the system says.
    ///
    /// # Panics
    ///
    /// Outside a runtime, or in one that was built without [`enable_io`](crate::runtime::Builder::enable_io).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::fs::File;
    /// use std::io::Read;
    /// use std::os::fd::OwnedFd;
    /// use unstuck::io::{AsyncReadExt, AsyncWriteExt};
    /// use unstuck::net::unix::pipe;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let (mut reader, writer) = std::io::pipe()?;
    /// let mut sender = pipe::Sender::from_file(File::from(OwnedFd::from(writer)))?;
    /// sender.write_all(b"hello").await?;
    /// drop(sender);
    /// let mut all = String::new();
    /// reader.read_to_string(&mut all)?;
    /// assert_eq!(all, "hello");
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn from_file(file: File) -> io::Result<Sender> {
        may_use_descriptors()?;
        check_pipe(&file)?;
        check_access(&file, Access::Write)?;
        set_nonblocking(&file, true)?;
        Sender::from_file_unchecked(file)
    }

    /// As [`from_file`](Sender::from_file), from a descriptor.
    ///
    /// # Errors
    ///
    /// As [`from_file`](Sender::from_file).
    ///
    /// # Panics
    ///
    /// As [`from_file`](Sender::from_file).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::io::Read;
    /// use unstuck::io::AsyncWriteExt;
    /// use unstuck::net::unix::pipe;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let (mut reader, writer) = std::io::pipe()?;
    /// let mut sender = pipe::Sender::from_owned_fd(writer.into())?;
    /// sender.write_all(b"hello").await?;
    /// let mut buf = [0; 5];
    /// reader.read_exact(&mut buf)?;
    /// assert_eq!(&buf, b"hello");
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn from_owned_fd(owned_fd: OwnedFd) -> io::Result<Sender> {
        Sender::from_file(File::from(owned_fd))
    }

    /// As [`from_file`](Sender::from_file), without a check: it must be open for writing, must be in non-blocking mode, and
    /// must be a pipe or behave like one.
    ///
    /// # Errors
    ///
    /// What the system says, as when it can't be polled.
    ///
    /// # Panics
    ///
    /// As [`from_file`](Sender::from_file).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::fs::File;
    /// use unstuck::io::{AsyncReadExt, AsyncWriteExt};
    /// use unstuck::net::unix::pipe;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let (sender, mut receiver) = pipe::pipe()?;
    /// let file = File::from(sender.into_nonblocking_fd()?);
    /// let mut sender = pipe::Sender::from_file_unchecked(file)?;
    /// sender.write_all(b"hello").await?;
    /// let mut buf = [0; 5];
    /// receiver.read_exact(&mut buf).await?;
    /// assert_eq!(&buf, b"hello");
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn from_file_unchecked(file: File) -> io::Result<Sender> {
        let pipe = Watched::new(file, Interest::WRITABLE).map_err(|(_file, error)| error)?;
        Ok(Sender { pipe })
    }

    /// As [`from_file_unchecked`](Sender::from_file_unchecked), from a descriptor.
    ///
    /// # Errors
    ///
    /// As [`from_file_unchecked`](Sender::from_file_unchecked).
    ///
    /// # Panics
    ///
    /// As [`from_file`](Sender::from_file).
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::io::{AsyncReadExt, AsyncWriteExt};
    /// use unstuck::net::unix::pipe;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let (sender, mut receiver) = pipe::pipe()?;
    /// let descriptor = sender.into_nonblocking_fd()?;
    /// let mut sender = pipe::Sender::from_owned_fd_unchecked(descriptor)?;
    /// sender.write_all(b"hello").await?;
    /// let mut buf = [0; 5];
    /// receiver.read_exact(&mut buf).await?;
    /// assert_eq!(&buf, b"hello");
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn from_owned_fd_unchecked(owned_fd: OwnedFd) -> io::Result<Sender> {
        Sender::from_file_unchecked(File::from(owned_fd))
    }

    /// Takes over an end of a pipe that was just made: it has room.
    #[track_caller]
    pub(super) fn fresh(fd: OwnedFd) -> io::Result<Sender> {
        set_nonblocking(&fd, true)?;
        let Sender { pipe } = Sender::from_owned_fd_unchecked(fd)?;
        Ok(Sender { pipe: pipe.assumed(Ready::WRITABLE) })
    }

    /// Its descriptor, in blocking mode: what other processes mostly expect.
    ///
    /// # Errors
    ///
    /// What the system says; the pipe is closed then.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::fs::File;
    /// use std::io::Write;
    /// use unstuck::io::{AsyncReadExt, AsyncWriteExt};
    /// use unstuck::net::unix::pipe;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let (sender, mut receiver) = pipe::pipe()?;
    /// let mut file = File::from(sender.into_blocking_fd()?);
    /// file.write_all(b"hello")?;
    /// let mut buf = [0; 5];
    /// receiver.read_exact(&mut buf).await?;
    /// assert_eq!(&buf, b"hello");
    /// # Ok(())
    /// # }
    /// ```
    pub fn into_blocking_fd(self) -> io::Result<OwnedFd> {
        let fd = self.into_nonblocking_fd()?;
        set_nonblocking(&fd, false)?;
        Ok(fd)
    }

    /// Its descriptor, in non-blocking mode.
    ///
    /// # Errors
    ///
    /// None at present.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::fs::File;
    /// use std::io::{ErrorKind, Write};
    /// use unstuck::net::unix::pipe;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let (sender, _receiver) = pipe::pipe()?;
    /// let mut file = File::from(sender.into_nonblocking_fd()?);
    /// while file.write(&[0; 4096]).is_ok() {} // until it is full
    /// assert_eq!(file.write(&[0; 4096]).unwrap_err().kind(), ErrorKind::WouldBlock);
    /// # Ok(())
    /// # }
    /// ```
    pub fn into_nonblocking_fd(self) -> io::Result<OwnedFd> {
        Ok(self.pipe.into_object().into())
    }

    /// Waits until the pipe is ready for anything of `interest`, and tells for what. Readiness is a hint: an attempt may
    /// still say that it would have to wait. A sender is never ready for reading.
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
    /// use unstuck::net::unix::pipe;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let (sender, receiver) = pipe::pipe()?;
    /// assert!(sender.ready(Interest::WRITABLE).await?.is_writable());
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn ready(&self, interest: Interest) -> impl Future<Output = io::Result<Ready>> {
        ready(self.pipe.readiness(), interest)
    }

    /// Waits until there is room to write, or the receiver is gone.
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
    /// use unstuck::net::unix::pipe;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let (sender, _receiver) = pipe::pipe()?;
    /// sender.writable().await?;
    /// assert_eq!(sender.try_write(b"hello")?, 5);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn writable(&self) -> impl Future<Output = io::Result<()>> {
        ready(self.pipe.readiness(), Interest::WRITABLE).without_details()
    }

    /// As [`writable`](Sender::writable). Of several tasks that poll, the last one is woken.
    ///
    /// # Errors
    ///
    /// When the runtime has shut down.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::future::poll_fn;
    /// use unstuck::net::unix::pipe;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let (sender, _receiver) = pipe::pipe()?;
    /// poll_fn(|cx| sender.poll_write_ready(cx)).await?;
    /// assert_eq!(sender.try_write(b"hello")?, 5);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        poll_ready(self.pipe.readiness(), Direction::Write, cx)
    }

    /// Writes what there is room for now, and returns how many bytes.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) when there is no room, or no event has told yet that there is;
    /// [`BrokenPipe`](io::ErrorKind::BrokenPipe) when the receiver is gone; what the system says.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::io::AsyncReadExt;
    /// use unstuck::net::unix::pipe;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let (sender, mut receiver) = pipe::pipe()?;
    /// sender.writable().await?;
    /// assert_eq!(sender.try_write(b"hello")?, 5);
    /// let mut buf = [0; 5];
    /// receiver.read_exact(&mut buf).await?;
    /// assert_eq!(&buf, b"hello");
    /// # Ok(())
    /// # }
    /// ```
    pub fn try_write(&self, buf: &[u8]) -> io::Result<usize> {
        self.pipe.try_write(buf)
    }

    /// As [`try_write`](Sender::try_write), from several buffers at once.
    ///
    /// # Errors
    ///
    /// As [`try_write`](Sender::try_write).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::io::IoSlice;
    /// use unstuck::io::AsyncReadExt;
    /// use unstuck::net::unix::pipe;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let (sender, mut receiver) = pipe::pipe()?;
    /// sender.writable().await?;
    /// assert_eq!(sender.try_write_vectored(&[IoSlice::new(b"hel"), IoSlice::new(b"lo")])?, 5);
    /// let mut buf = [0; 5];
    /// receiver.read_exact(&mut buf).await?;
    /// assert_eq!(&buf, b"hello");
    /// # Ok(())
    /// # }
    /// ```
    pub fn try_write_vectored(&self, buf: &[IoSlice<'_>]) -> io::Result<usize> {
        self.pipe.try_write_vectored(buf)
    }

    /// Calls `f`, which does something of its own with the pipe, if it is ready for writing. If `f` says that it would have
    /// to wait, the readiness is used up.
    ///
    /// `f` must use this pipe, must not wait, and must say `WouldBlock` only when the pipe did.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) when the pipe is not ready; what `f` says.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::fs::File;
    /// use std::io::Write;
    /// use std::os::fd::AsFd;
    /// use unstuck::io::{AsyncReadExt, AsyncWriteExt};
    /// use unstuck::net::unix::pipe;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let (sender, mut receiver) = pipe::pipe()?;
    /// sender.writable().await?;
    /// // A second descriptor of the same pipe, for code that knows std alone.
    /// let n = sender.try_io(|| File::from(sender.as_fd().try_clone_to_owned()?).write(b"hello"))?;
    /// assert_eq!(n, 5);
    /// let mut buf = [0; 5];
    /// receiver.read_exact(&mut buf).await?;
    /// assert_eq!(&buf, b"hello");
    /// # Ok(())
    /// # }
    /// ```
    pub fn try_io<R>(&self, f: impl FnOnce() -> io::Result<R>) -> io::Result<R> {
        self.pipe.readiness().try_io(Interest::WRITABLE, f)
    }
}

impl AsyncWrite for Sender {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.pipe.poll_write(cx, buf)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.pipe.poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    /// A pipe has no buffer of ours.
    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    /// A pipe ends when its senders are dropped; there is nothing else to shut down.
    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl AsFd for Sender {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pipe.get().as_fd()
    }
}

impl AsRawFd for Sender {
    fn as_raw_fd(&self) -> RawFd {
        self.as_fd().as_raw_fd()
    }
}
