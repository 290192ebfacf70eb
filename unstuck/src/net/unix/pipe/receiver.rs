//! The end of a pipe that reads.

use std::fs::File;
use std::future::Future;
use std::io::{self, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::BufMut;
use unstuck_base::interest::{Interest, Ready};
use unstuck_driver::readiness::Direction;

use super::descriptor::{Access, check_access, check_pipe, set_nonblocking};
use crate::io::{AsyncRead, ReadBuf};
use crate::kernel::may_use_descriptors;
use crate::ready::{poll_ready, ready};
use crate::watched::Watched;

/// The end of a pipe that reads. From [`pipe`](super::pipe()),
/// [`OpenOptions::open_receiver`](super::OpenOptions::open_receiver), or what you have.
///
/// It is read by the methods of [`AsyncReadExt`](crate::io::AsyncReadExt). It is at its end when all senders are gone; of a
/// FIFO, another sender may come later.
///
/// # Examples
///
/// ```
/// use unstuck::io::{AsyncReadExt, AsyncWriteExt};
/// use unstuck::net::unix::pipe;
///
/// # #[unstuck::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let (mut sender, mut receiver) = pipe::pipe()?;
/// sender.write_all(b"hello").await?;
/// drop(sender);
/// let mut all = String::new();
/// receiver.read_to_string(&mut all).await?;
/// assert_eq!(all, "hello");
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Receiver {
    pipe: Watched<File>,
}

// No reference to what the pipe is made of is given out.
impl UnwindSafe for Receiver {}
impl RefUnwindSafe for Receiver {}

impl Receiver {
    /// Takes over the reading end of a pipe, and sets it to non-blocking mode, which all who share the descriptor see.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) when it is no pipe, or not open for reading; what the system says.
    ///
    /// # Panics
    ///
    /// Outside a runtime, or in one that was built without [`enable_io`](crate::runtime::Builder::enable_io).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::fs::File;
    /// use std::io::Write;
    /// use std::os::fd::OwnedFd;
    /// use unstuck::io::{AsyncReadExt, AsyncWriteExt};
    /// use unstuck::net::unix::pipe;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let (reader, mut writer) = std::io::pipe()?;
    /// let mut receiver = pipe::Receiver::from_file(File::from(OwnedFd::from(reader)))?;
    /// writer.write_all(b"hello")?;
    /// let mut buf = [0; 5];
    /// receiver.read_exact(&mut buf).await?;
    /// assert_eq!(&buf, b"hello");
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn from_file(file: File) -> io::Result<Receiver> {
        may_use_descriptors()?;
        check_pipe(&file)?;
        check_access(&file, Access::Read)?;
        set_nonblocking(&file, true)?;
        Receiver::from_file_unchecked(file)
    }

    /// As [`from_file`](Receiver::from_file), from a descriptor.
    ///
    /// # Errors
    ///
    /// As [`from_file`](Receiver::from_file).
    ///
    /// # Panics
    ///
    /// As [`from_file`](Receiver::from_file).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::io::Write;
    /// use unstuck::io::AsyncReadExt;
    /// use unstuck::net::unix::pipe;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let (reader, mut writer) = std::io::pipe()?;
    /// let mut receiver = pipe::Receiver::from_owned_fd(reader.into())?;
    /// writer.write_all(b"hello")?;
    /// let mut buf = [0; 5];
    /// receiver.read_exact(&mut buf).await?;
    /// assert_eq!(&buf, b"hello");
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn from_owned_fd(owned_fd: OwnedFd) -> io::Result<Receiver> {
        Receiver::from_file(File::from(owned_fd))
    }

    /// As [`from_file`](Receiver::from_file), without a check: it must be open for reading, must be in non-blocking mode, and
    /// must be a pipe or behave like one.
    ///
    /// # Errors
    ///
    /// What the system says, as when it can't be polled.
    ///
    /// # Panics
    ///
    /// As [`from_file`](Receiver::from_file).
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
    /// let (mut sender, receiver) = pipe::pipe()?;
    /// let file = File::from(receiver.into_nonblocking_fd()?);
    /// let mut receiver = pipe::Receiver::from_file_unchecked(file)?;
    /// sender.write_all(b"hello").await?;
    /// let mut buf = [0; 5];
    /// receiver.read_exact(&mut buf).await?;
    /// assert_eq!(&buf, b"hello");
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn from_file_unchecked(file: File) -> io::Result<Receiver> {
        let pipe = Watched::new(file, Interest::READABLE).map_err(|(_file, error)| error)?;
        Ok(Receiver { pipe })
    }

    /// As [`from_file_unchecked`](Receiver::from_file_unchecked), from a descriptor.
    ///
    /// # Errors
    ///
    /// As [`from_file_unchecked`](Receiver::from_file_unchecked).
    ///
    /// # Panics
    ///
    /// As [`from_file`](Receiver::from_file).
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::io::{AsyncReadExt, AsyncWriteExt};
    /// use unstuck::net::unix::pipe;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let (mut sender, receiver) = pipe::pipe()?;
    /// let descriptor = receiver.into_nonblocking_fd()?;
    /// let mut receiver = pipe::Receiver::from_owned_fd_unchecked(descriptor)?;
    /// sender.write_all(b"hello").await?;
    /// let mut buf = [0; 5];
    /// receiver.read_exact(&mut buf).await?;
    /// assert_eq!(&buf, b"hello");
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn from_owned_fd_unchecked(owned_fd: OwnedFd) -> io::Result<Receiver> {
        Receiver::from_file_unchecked(File::from(owned_fd))
    }

    /// Takes over an end of a pipe that was just made.
    #[track_caller]
    pub(super) fn fresh(fd: OwnedFd) -> io::Result<Receiver> {
        set_nonblocking(&fd, true)?;
        Receiver::from_owned_fd_unchecked(fd)
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
    /// use std::process::{Command, Stdio};
    /// use unstuck::io::AsyncWriteExt;
    /// use unstuck::net::unix::pipe;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let (mut sender, receiver) = pipe::pipe()?;
    /// let child = Command::new("cat")
    ///     .stdin(Stdio::from(receiver.into_blocking_fd()?))
    ///     .stdout(Stdio::piped())
    ///     .spawn()?;
    /// sender.write_all(b"hello").await?;
    /// drop(sender);
    /// assert_eq!(child.wait_with_output()?.stdout, b"hello");
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
    /// use std::io::{ErrorKind, Read};
    /// use unstuck::net::unix::pipe;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let (_sender, receiver) = pipe::pipe()?;
    /// let mut file = File::from(receiver.into_nonblocking_fd()?);
    /// assert_eq!(file.read(&mut [0; 16]).unwrap_err().kind(), ErrorKind::WouldBlock);
    /// # Ok(())
    /// # }
    /// ```
    pub fn into_nonblocking_fd(self) -> io::Result<OwnedFd> {
        Ok(self.pipe.into_object().into())
    }

    /// Waits until the pipe is ready for anything of `interest`, and tells for what. Readiness is a hint: an attempt may
    /// still say that it would have to wait. A receiver is never ready for writing.
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
    /// use unstuck::io::{AsyncWriteExt, Interest};
    /// use unstuck::net::unix::pipe;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let (mut sender, receiver) = pipe::pipe()?;
    /// sender.write_all(b"hello").await?;
    /// let ready = receiver.ready(Interest::READABLE).await?;
    /// assert!(ready.is_readable());
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn ready(&self, interest: Interest) -> impl Future<Output = io::Result<Ready>> {
        ready(self.pipe.readiness(), interest)
    }

    /// Waits until there is something to read, or all senders are gone.
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
    /// use unstuck::io::AsyncWriteExt;
    /// use unstuck::net::unix::pipe;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let (mut sender, receiver) = pipe::pipe()?;
    /// sender.write_all(b"hello").await?;
    /// receiver.readable().await?;
    /// let mut buf = Vec::with_capacity(16);
    /// receiver.try_read_buf(&mut buf)?;
    /// assert_eq!(buf, b"hello");
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn readable(&self) -> impl Future<Output = io::Result<()>> {
        ready(self.pipe.readiness(), Interest::READABLE).without_details()
    }

    /// As [`readable`](Receiver::readable). Of several tasks that poll, the last one is woken.
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
    /// use unstuck::net::unix::pipe;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let (mut sender, receiver) = pipe::pipe()?;
    /// sender.write_all(b"hello").await?;
    /// poll_fn(|cx| receiver.poll_read_ready(cx)).await?;
    /// assert_eq!(receiver.try_read(&mut [0; 16])?, 5);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        poll_ready(self.pipe.readiness(), Direction::Read, cx)
    }

    /// Reads what is there now into `buf`, and returns how many bytes. `Ok(0)`: all senders are gone (or `buf` is empty).
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) when nothing is there, or no event has told yet that there is; what the system
    /// says.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::io::ErrorKind;
    /// use unstuck::io::AsyncWriteExt;
    /// use unstuck::net::unix::pipe;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let (mut sender, receiver) = pipe::pipe()?;
    /// let mut buf = [0; 16];
    /// assert_eq!(receiver.try_read(&mut buf).unwrap_err().kind(), ErrorKind::WouldBlock);
    ///
    /// sender.write_all(b"hello").await?;
    /// receiver.readable().await?;
    /// assert_eq!(receiver.try_read(&mut buf)?, 5);
    /// # Ok(())
    /// # }
    /// ```
    pub fn try_read(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.pipe.try_read(buf)
    }

    /// As [`try_read`](Receiver::try_read), into several buffers, one after the other.
    ///
    /// # Errors
    ///
    /// As [`try_read`](Receiver::try_read).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::io::IoSliceMut;
    /// use unstuck::io::AsyncWriteExt;
    /// use unstuck::net::unix::pipe;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let (mut sender, receiver) = pipe::pipe()?;
    /// sender.write_all(b"hello").await?;
    /// receiver.readable().await?;
    /// let (mut head, mut tail) = ([0; 1], [0; 16]);
    /// let n = receiver.try_read_vectored(&mut [IoSliceMut::new(&mut head), IoSliceMut::new(&mut tail)])?;
    /// assert_eq!((n, &head, &tail[..4]), (5, b"h", &b"ello"[..]));
    /// # Ok(())
    /// # }
    /// ```
    pub fn try_read_vectored(&self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        self.pipe.try_read_vectored(bufs)
    }

    /// As [`try_read`](Receiver::try_read), appending to a buffer that grows, or has spare room.
    ///
    /// # Errors
    ///
    /// As [`try_read`](Receiver::try_read).
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::io::AsyncWriteExt;
    /// use unstuck::net::unix::pipe;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let (mut sender, receiver) = pipe::pipe()?;
    /// sender.write_all(b"hello").await?;
    /// receiver.readable().await?;
    /// let mut received = Vec::with_capacity(16);
    /// assert_eq!(receiver.try_read_buf(&mut received)?, 5);
    /// assert_eq!(received, b"hello");
    /// # Ok(())
    /// # }
    /// ```
    pub fn try_read_buf<B: BufMut>(&self, buf: &mut B) -> io::Result<usize> {
        self.pipe.try_read_buf(buf)
    }

    /// Calls `f`, which does something of its own with the pipe, if it is ready for reading. If `f` says that it would have
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
    /// use std::io::Read;
    /// use std::os::fd::AsFd;
    /// use unstuck::io::{AsyncReadExt, AsyncWriteExt};
    /// use unstuck::net::unix::pipe;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let (mut sender, receiver) = pipe::pipe()?;
    /// sender.write_all(b"hello").await?;
    /// receiver.readable().await?;
    /// let mut buf = [0; 16];
    /// // A second descriptor of the same pipe, for code that knows std alone.
    /// let n = receiver.try_io(|| File::from(receiver.as_fd().try_clone_to_owned()?).read(&mut buf))?;
    /// assert_eq!(&buf[..n], b"hello");
    /// # Ok(())
    /// # }
    /// ```
    pub fn try_io<R>(&self, f: impl FnOnce() -> io::Result<R>) -> io::Result<R> {
        self.pipe.readiness().try_io(Interest::READABLE, f)
    }
}

impl AsyncRead for Receiver {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.pipe.poll_read(cx, buf)
    }
}

impl AsFd for Receiver {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pipe.get().as_fd()
    }
}

impl AsRawFd for Receiver {
    fn as_raw_fd(&self) -> RawFd {
        self.as_fd().as_raw_fd()
    }
}
