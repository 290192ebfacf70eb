//! The standard output and the standard error.
//!
//! 1. A handle has one operation under way at a time, so what is written through it keeps its order.
//! 2. A write is under way when its caller has been told that it is done: it is promised, and its error is told once, by the
//!    next write or flush.
//! 3. The buffer goes along with the write and comes back with its result.

use std::fmt;
use std::future::Future;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use unstuck_context::current;
use unstuck_driver::stdio::Output;

use crate::fs::on_disk::{Trip, begin, not_done, promise};
use crate::io::AsyncWrite;

/// How much one write takes, at most: 2 MiB.
const MAX_BUF_SIZE: usize = 2 * 1024 * 1024;

/// A stream of output; see the module's rules.
struct Writer {
    output: Output,
    under_way: UnderWay,
    buffer: Vec<u8>,
    /// Whether something was written since std's buffer was flushed.
    unflushed: bool,
}

enum UnderWay {
    Nothing,
    Write(Trip<(Vec<u8>, io::Result<()>)>),
    Flush(Trip<io::Result<()>>),
}

impl Writer {
    fn new(output: Output) -> Writer {
        Writer { output, under_way: UnderWay::Nothing, buffer: Vec::new(), unflushed: false }
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_settle(cx))?;
        let count = bytes.len().min(MAX_BUF_SIZE);
        if count == 0 {
            return Poll::Ready(Ok(0));
        }
        let (output, mut buffer) = (self.output, std::mem::take(&mut self.buffer));
        buffer.clear();
        buffer.extend_from_slice(&bytes[..count]);
        self.under_way = UnderWay::Write(promise(move |kernel| {
            let written = kernel.stdio().and_then(|stdio| stdio.write(output, &buffer));
            (buffer, written)
        })?);
        self.unflushed = true;
        Poll::Ready(Ok(count))
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            ready!(self.poll_settle(cx))?;
            if !self.unflushed {
                return Poll::Ready(Ok(()));
            }
            let output = self.output;
            self.unflushed = false;
            self.under_way = UnderWay::Flush(begin(current(), move |kernel| kernel.stdio()?.flush(output)));
        }
    }

    /// Waits for what is under way.
    fn poll_settle(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let settled = match &mut self.under_way {
            UnderWay::Nothing => return Poll::Ready(Ok(())),
            UnderWay::Write(trip) => {
                let written = ready!(Pin::new(trip).poll(cx)).map_err(not_done);
                written.and_then(|(buffer, written)| {
                    self.buffer = buffer;
                    written
                })
            }
            UnderWay::Flush(trip) => ready!(Pin::new(trip).poll(cx)).map_err(not_done).flatten(),
        };
        self.under_way = UnderWay::Nothing;
        Poll::Ready(settled)
    }
}

/// A public name for one of the two streams.
macro_rules! stream {
    ($(#[$of_type:meta])* $name:ident = $output:ident, $fd:ident; $(#[$of_fn:meta])* $make:ident) => {
        $(#[$of_type])*
        pub struct $name(Writer);

        $(#[$of_fn])*
        pub fn $make() -> $name {
            $name(Writer::new(Output::$output))
        }

        impl AsyncWrite for $name {
            fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
                self.0.poll_write(cx, buf)
            }

            fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                self.0.poll_flush(cx)
            }

            fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                self.0.poll_flush(cx)
            }
        }

        impl AsFd for $name {
            fn as_fd(&self) -> BorrowedFd<'_> {
                // SAFETY: it is a standard stream of the process, and no one's to close.
                unsafe { BorrowedFd::borrow_raw(libc::$fd) }
            }
        }

        impl AsRawFd for $name {
            fn as_raw_fd(&self) -> RawFd {
                libc::$fd
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    };
}

stream! {
    /// The standard output of the process.
    ///
    /// A write is copied, handed to a thread that may block, and reported as done before it is; the next write waits for it.
    /// So flush before the end: dropping a handle waits for nothing, and the program may end before the thread has
    /// written. What was written before a runtime shuts down is written by it.
    ///
    /// What is written through one handle keeps its order. Of several handles, and of `println!`, each single write of up to
    /// 2 MiB stays whole, in no order; but a `write_all` may be several writes. To write a great deal, put a
    /// [`BufWriter`](crate::io::BufWriter) around one handle.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::io::{AsyncWriteExt, stdout};
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let mut stdout = stdout();
    /// stdout.write_all(b"Hello world!\n").await?;
    /// stdout.flush().await?;
    /// # Ok(())
    /// # }
    /// ```
    Stdout = Stdout, STDOUT_FILENO;

    /// A handle to the standard output of the process. See [`Stdout`].
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::io::AsyncWriteExt;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let mut stdout = unstuck::io::stdout();
    /// stdout.write_all(b"done\n").await?;
    /// stdout.flush().await?;
    /// # Ok(())
    /// # }
    /// ```
    stdout
}

stream! {
    /// The standard error of the process.
    ///
    /// As [`Stdout`], also in what it says about flushing and order.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::io::{AsyncWriteExt, stderr};
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let mut stderr = stderr();
    /// stderr.write_all(b"Something is wrong!\n").await?;
    /// stderr.flush().await?;
    /// # Ok(())
    /// # }
    /// ```
    Stderr = Stderr, STDERR_FILENO;

    /// A handle to the standard error of the process. See [`Stderr`].
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::io::AsyncWriteExt;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let mut stderr = unstuck::io::stderr();
    /// stderr.write_all(b"warning\n").await?;
    /// stderr.flush().await?;
    /// # Ok(())
    /// # }
    /// ```
    stderr
}
