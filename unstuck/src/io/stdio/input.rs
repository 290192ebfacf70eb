//! The standard input.

use std::fmt;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::panic::{Location, RefUnwindSafe, UnwindSafe};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use unstuck_base::local::{self, WaitKind};
use unstuck_base::waker_cell::WakerCell;

use crate::io::{AsyncRead, ReadBuf};
use crate::kernel::kernel;

/// The standard input of the process.
///
/// All handles read from one stream: two that read at the same time get different parts of it. For lines, put a
/// [`BufReader`](crate::io::BufReader) around one handle, and keep it: what it has buffered is lost when it is dropped.
///
/// A read that waits for input keeps nothing from ending, neither the runtime nor the program. Input that comes for a read
/// that was given up, by dropping its future or its runtime, is kept for the next one. (The first read starts a thread
/// that belongs to no runtime and reads only when asked.) It shares the buffer of [`std::io::stdin`], and holds its lock
/// while it waits.
///
/// # Examples
///
/// The lines of the input, in upper case:
///
/// ```
/// use unstuck::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
///
/// # #[unstuck::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let mut lines = BufReader::new(unstuck::io::stdin()).lines();
/// let mut stdout = unstuck::io::stdout();
/// while let Some(line) = lines.next_line().await? {
///     stdout.write_all(line.to_uppercase().as_bytes()).await?;
///     stdout.write_all(b"\n").await?;
///     stdout.flush().await?;
/// }
/// # Ok(())
/// # }
/// ```
pub struct Stdin {
    /// Where the waker is, when this waits.
    waiter: Arc<WakerCell>,
}

// No reference to what is inside is given out.
impl UnwindSafe for Stdin {}
impl RefUnwindSafe for Stdin {}

/// A handle to the standard input of the process. See [`Stdin`].
///
/// # Examples
///
/// ```
/// use unstuck::io::AsyncReadExt;
///
/// # #[unstuck::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let mut all = String::new();
/// unstuck::io::stdin().read_to_string(&mut all).await?;
/// # Ok(())
/// # }
/// ```
pub fn stdin() -> Stdin {
    Stdin { waiter: Arc::new(WakerCell::new()) }
}

impl AsyncRead for Stdin {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let room = buf.remaining();
        if room == 0 {
            return Poll::Ready(Ok(()));
        }
        let charge = ready!(local::poll_budget(cx));
        let read = kernel().stdio()?.poll_read(&self.waiter, cx, room, &mut |bytes| buf.put_slice(bytes));
        if read.is_pending() {
            local::wait_for(WaitKind::Io, Arc::as_ptr(&self.waiter).addr(), Location::caller());
            return Poll::Pending;
        }
        charge.made_progress();
        read.map_ok(drop)
    }
}

impl AsFd for Stdin {
    fn as_fd(&self) -> BorrowedFd<'_> {
        // SAFETY: it is the process's standard input, and no one's to close.
        unsafe { BorrowedFd::borrow_raw(libc::STDIN_FILENO) }
    }
}

impl AsRawFd for Stdin {
    fn as_raw_fd(&self) -> RawFd {
        libc::STDIN_FILENO
    }
}

impl fmt::Debug for Stdin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stdin").finish_non_exhaustive()
    }
}
