//! The pipes to a child, as users see them.
//!
//! 1. Each is one end of a pipe, and nothing more: dropping it closes that end, which is what the other end sees.

use std::fmt;
use std::io::{self, IoSlice};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::pin::Pin;
use std::process::{self, Stdio};
use std::task::{Context, Poll};

use unstuck_driver::readiness::Direction;

use super::pipe::Pipe;
use crate::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Writes to a child's standard input. Found in [`Child::stdin`](super::Child::stdin).
///
/// Dropping it closes the pipe, which is how the child sees the end of its input;
/// [`shutdown`](crate::io::AsyncWriteExt::shutdown) does nothing. What is written goes to the system at once, there is
/// nothing to flush. When the child has closed its end, writing fails: `BrokenPipe`.
///
/// # Examples
///
/// ```
/// use std::process::Stdio;
/// use unstuck::io::AsyncWriteExt;
/// use unstuck::process::Command;
///
/// # #[unstuck::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let mut child = Command::new("sort").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
/// let mut stdin = child.stdin.take().expect("stdin is a pipe");
/// stdin.write_all(b"pear\napple\n").await?;
/// drop(stdin); // the end of the input
/// assert_eq!(child.wait_with_output().await?.stdout, b"apple\npear\n");
/// # Ok(())
/// # }
/// ```
pub struct ChildStdin(Pipe);

/// Reads what a child writes to its standard output. Found in [`Child::stdout`](super::Child::stdout).
///
/// It ends when all writers have closed their ends: the child and whoever has inherited it from the child.
///
/// # Examples
///
/// ```
/// use std::process::Stdio;
/// use unstuck::io::AsyncReadExt;
/// use unstuck::process::Command;
///
/// # #[unstuck::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let mut child = Command::new("echo").arg("hello").stdout(Stdio::piped()).spawn()?;
/// let mut said = String::new();
/// child.stdout.take().expect("stdout is a pipe").read_to_string(&mut said).await?;
/// assert_eq!(said, "hello\n");
/// assert!(child.wait().await?.success());
/// # Ok(())
/// # }
/// ```
pub struct ChildStdout(Pipe);

/// Reads what a child writes to its standard error stream. Found in [`Child::stderr`](super::Child::stderr); otherwise as
/// [`ChildStdout`].
///
/// # Examples
///
/// ```
/// use std::process::Stdio;
/// use unstuck::io::AsyncReadExt;
/// use unstuck::process::Command;
///
/// # #[unstuck::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let mut child = Command::new("sh").args(["-c", "echo oops >&2"]).stderr(Stdio::piped()).spawn()?;
/// let mut said = String::new();
/// child.stderr.take().expect("stderr is a pipe").read_to_string(&mut said).await?;
/// assert_eq!(said, "oops\n");
/// # Ok(())
/// # }
/// ```
pub struct ChildStderr(Pipe);

impl ChildStdin {
    /// Takes over a pipe of std.
    ///
    /// # Errors
    ///
    /// What the system says when the pipe is put into non-blocking mode, or the runtime begins to wait for it. A simulation
    /// refuses.
    ///
    /// # Panics
    ///
    /// Outside a runtime, or in one that was built without [`enable_io`](crate::runtime::Builder::enable_io).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::process::{Command, Stdio};
    /// use unstuck::io::AsyncWriteExt;
    /// use unstuck::process::ChildStdin;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let mut child = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn()?;
    /// let mut stdin = ChildStdin::from_std(child.stdin.take().expect("stdin is a pipe"))?;
    /// stdin.write_all(b"hello").await?;
    /// drop(stdin);
    /// child.wait()?;
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn from_std(inner: process::ChildStdin) -> io::Result<ChildStdin> {
        Pipe::new(inner.into(), Direction::Write).map(ChildStdin)
    }

    /// Gives the descriptor, in blocking mode.
    ///
    /// # Errors
    ///
    /// What the system says when the mode is changed.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::io::Write;
    /// use std::process::Stdio;
    /// use unstuck::process::Command;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let mut child = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn()?;
    /// let stdin = child.stdin.take().expect("stdin is a pipe").into_owned_fd()?;
    /// std::fs::File::from(stdin).write_all(b"hello")?;
    /// assert!(child.wait().await?.success());
    /// # Ok(())
    /// # }
    /// ```
    pub fn into_owned_fd(self) -> io::Result<OwnedFd> {
        self.0.into_fd()
    }
}

impl ChildStdout {
    /// Takes over a pipe of std.
    ///
    /// # Errors
    ///
    /// As [`ChildStdin::from_std`].
    ///
    /// # Panics
    ///
    /// As [`ChildStdin::from_std`].
    ///
    /// # Examples
    ///
    /// ```
    /// use std::process::{Command, Stdio};
    /// use unstuck::io::AsyncReadExt;
    /// use unstuck::process::ChildStdout;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let mut child = Command::new("echo").arg("hello").stdout(Stdio::piped()).spawn()?;
    /// let mut stdout = ChildStdout::from_std(child.stdout.take().expect("stdout is a pipe"))?;
    /// let mut said = String::new();
    /// stdout.read_to_string(&mut said).await?;
    /// assert_eq!(said, "hello\n");
    /// child.wait()?;
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn from_std(inner: process::ChildStdout) -> io::Result<ChildStdout> {
        Pipe::new(inner.into(), Direction::Read).map(ChildStdout)
    }

    /// Gives the descriptor, in blocking mode.
    ///
    /// # Errors
    ///
    /// What the system says when the mode is changed.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::io::Read;
    /// use std::process::Stdio;
    /// use unstuck::process::Command;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let mut child = Command::new("echo").arg("hello").stdout(Stdio::piped()).spawn()?;
    /// let stdout = child.stdout.take().expect("stdout is a pipe").into_owned_fd()?;
    /// let mut said = String::new();
    /// std::fs::File::from(stdout).read_to_string(&mut said)?;
    /// assert_eq!(said, "hello\n");
    /// # Ok(())
    /// # }
    /// ```
    pub fn into_owned_fd(self) -> io::Result<OwnedFd> {
        self.0.into_fd()
    }
}

impl ChildStderr {
    /// Takes over a pipe of std.
    ///
    /// # Errors
    ///
    /// As [`ChildStdin::from_std`].
    ///
    /// # Panics
    ///
    /// As [`ChildStdin::from_std`].
    ///
    /// # Examples
    ///
    /// ```
    /// use std::process::{Command, Stdio};
    /// use unstuck::io::AsyncReadExt;
    /// use unstuck::process::ChildStderr;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let mut child = Command::new("sh").args(["-c", "echo oops >&2"]).stderr(Stdio::piped()).spawn()?;
    /// let mut stderr = ChildStderr::from_std(child.stderr.take().expect("stderr is a pipe"))?;
    /// let mut said = String::new();
    /// stderr.read_to_string(&mut said).await?;
    /// assert_eq!(said, "oops\n");
    /// child.wait()?;
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn from_std(inner: process::ChildStderr) -> io::Result<ChildStderr> {
        Pipe::new(inner.into(), Direction::Read).map(ChildStderr)
    }

    /// Gives the descriptor, in blocking mode.
    ///
    /// # Errors
    ///
    /// What the system says when the mode is changed.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::process::Stdio;
    /// use unstuck::process::Command;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let mut child = Command::new("true").stderr(Stdio::piped()).spawn()?;
    /// let stderr = child.stderr.take().expect("stderr is a pipe").into_owned_fd()?;
    /// assert_eq!(std::io::read_to_string(std::fs::File::from(stderr))?, "");
    /// # Ok(())
    /// # }
    /// ```
    pub fn into_owned_fd(self) -> io::Result<OwnedFd> {
        self.0.into_fd()
    }
}

impl AsyncWrite for ChildStdin {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.0.poll_write(cx, buf)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.0.poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    /// A pipe has no buffer of ours.
    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    /// A pipe is closed by dropping it.
    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for ChildStdout {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.0.poll_read(cx, buf)
    }
}

impl AsyncRead for ChildStderr {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.0.poll_read(cx, buf)
    }
}

/// What the three have in common beside their direction.
macro_rules! descriptor {
    ($($stream:ident)*) => {$(
        // No reference to what the pipe is made of is given out.
        impl UnwindSafe for $stream {}
        impl RefUnwindSafe for $stream {}

        impl TryInto<Stdio> for $stream {
            type Error = io::Error;

            /// For another child, in blocking mode.
            fn try_into(self) -> io::Result<Stdio> {
                self.into_owned_fd().map(Stdio::from)
            }
        }

        impl AsFd for $stream {
            fn as_fd(&self) -> BorrowedFd<'_> {
                self.0.as_fd()
            }
        }

        impl AsRawFd for $stream {
            fn as_raw_fd(&self) -> RawFd {
                self.as_fd().as_raw_fd()
            }
        }

        impl fmt::Debug for $stream {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($stream)).field("fd", &self.as_raw_fd()).finish_non_exhaustive()
            }
        }
    )*};
}
descriptor! { ChildStdin ChildStdout ChildStderr }
