//! The standard streams of the process.
//!
//! 1. There is one of each in a process, whatever runtimes it has: what a reader did not take waits for the next one, which
//!    may belong to another runtime.
//! 2. Reading never blocks and is not a runtime's work: it keeps neither a runtime nor the program from ending.
//! 3. Writing blocks, and is called on a thread that may. It shares the lock and the buffer of std's streams, so that lines
//!    of `println!` stay whole.
//!
//! `io` of the user-facing crate calls in; `os` implements.

use std::io;
use std::sync::Arc;
use std::task::{Context, Poll};

use unstuck_base::waker_cell::WakerCell;

/// Where output goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// The standard output.
    Stdout,
    /// The standard error.
    Stderr,
}

/// The standard streams; see the module's rules.
pub trait Stdio: Send + Sync {
    /// Gives `take` some bytes of the standard input, at least 1 and at most `room`, and returns how many; 0: the input has
    /// ended (that of a terminal may go on). Pending: there are none, and `waiter`, in which the waker of `cx` is now, is
    /// woken when there may be. A waiter belongs to one reader, and is forgotten when it is dropped.
    ///
    /// # Errors
    /// What the system says; if the thread that reads can't be started.
    ///
    /// # Panics
    /// If `room` is 0.
    fn poll_read(
        &self,
        waiter: &Arc<WakerCell>,
        cx: &Context<'_>,
        room: usize,
        take: &mut dyn FnMut(&[u8]),
    ) -> Poll<io::Result<usize>>;

    /// Writes all of `bytes`. This blocks.
    ///
    /// # Errors
    /// What the system says.
    fn write(&self, output: Output, bytes: &[u8]) -> io::Result<()>;

    /// Writes out what std keeps in its buffer. This blocks.
    ///
    /// # Errors
    /// What the system says.
    fn flush(&self, output: Output) -> io::Result<()>;
}
