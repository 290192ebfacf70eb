//! The reader that is at its end, the one that never ends, the writers that keep nothing.
//!
//! 1. All of them are always ready, so each operation charges the budget: a loop over one can't keep the other tasks
//!    waiting.

use std::fmt;
use std::io::{self, IoSlice, SeekFrom};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::BufMut;
use unstuck_base::local::poll_budget;

use crate::{AsyncBufRead, AsyncRead, AsyncSeek, AsyncWrite, ReadBuf};

/// A reader that is at its end, and a writer that takes everything; made by [`empty`].
///
/// # Examples
/// ```
/// use unstuck_io::AsyncReadExt;
/// use unstuck_io::{Empty, empty};
/// # unstuck_base::parker::block_on(async {
///
/// /// What a request without a body has for one.
/// fn no_body() -> Empty {
///     empty()
/// }
///
/// let mut body = Vec::new();
/// assert_eq!(no_body().read_to_end(&mut body).await?, 0);
/// # Ok::<_, std::io::Error>(()) }).unwrap();
/// ```
pub struct Empty {
    _private: (),
}

/// A reader that is at its end, and a writer that takes everything and keeps nothing.
///
/// # Examples
/// ```
/// use unstuck_io::{AsyncReadExt, empty};
/// # unstuck_base::parker::block_on(async {
///
/// assert_eq!(empty().read(&mut [0; 8]).await?, 0);
/// # Ok::<_, std::io::Error>(()) }).unwrap();
/// ```
pub fn empty() -> Empty {
    Empty { _private: () }
}

/// A writer that takes everything; made by [`sink`].
///
/// # Examples
/// ```
/// use unstuck_io::{Sink, copy, sink};
/// # unstuck_base::parker::block_on(async {
///
/// let mut nowhere: Sink = sink();
/// assert_eq!(copy(&mut &b"hello"[..], &mut nowhere).await?, 5);
/// # Ok::<_, std::io::Error>(()) }).unwrap();
/// ```
pub struct Sink {
    _private: (),
}

/// A writer that takes everything and keeps nothing.
///
/// # Examples
/// ```
/// use unstuck_io::{copy, sink};
/// # unstuck_base::parker::block_on(async {
///
/// let mut body: &[u8] = b"nobody wants to know";
/// assert_eq!(copy(&mut body, &mut sink()).await?, 20);
/// # Ok::<_, std::io::Error>(()) }).unwrap();
/// ```
pub fn sink() -> Sink {
    Sink { _private: () }
}

/// A reader of one byte over and over; made by [`repeat`].
///
/// # Examples
/// ```
/// use unstuck_io::AsyncReadExt;
/// use unstuck_io::{Repeat, repeat};
/// # unstuck_base::parker::block_on(async {
///
/// let mut dashes: Repeat = repeat(b'-');
/// let mut line = [0; 8];
/// dashes.read_exact(&mut line).await?;
/// assert_eq!(&line, b"--------");
/// # Ok::<_, std::io::Error>(()) }).unwrap();
/// ```
pub struct Repeat {
    byte: u8,
}

/// A reader of `byte` over and over, without end.
///
/// # Examples
/// ```
/// use unstuck_io::{AsyncReadExt, repeat};
/// # unstuck_base::parker::block_on(async {
///
/// let mut zeros = Vec::new();
/// repeat(0).take(3).read_to_end(&mut zeros).await?;
/// assert_eq!(zeros, [0; 3]);
/// # Ok::<_, std::io::Error>(()) }).unwrap();
/// ```
pub fn repeat(byte: u8) -> Repeat {
    Repeat { byte }
}

/// Charges the budget for an operation that is ready with `value`.
#[inline]
fn charged<T>(cx: &mut Context<'_>, value: T) -> Poll<io::Result<T>> {
    ready!(poll_budget(cx)).made_progress();
    Poll::Ready(Ok(value))
}

impl AsyncRead for Empty {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        charged(cx, ())
    }
}

impl AsyncBufRead for Empty {
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        charged(cx, &[])
    }

    fn consume(self: Pin<&mut Self>, _: usize) {}
}

/// Every position is 0.
impl AsyncSeek for Empty {
    fn start_seek(self: Pin<&mut Self>, _: SeekFrom) -> io::Result<()> {
        Ok(())
    }

    fn poll_complete(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<u64>> {
        charged(cx, 0)
    }
}

/// The methods of a writer that takes everything.
macro_rules! take_everything {
    () => {
        fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
            charged(cx, buf.len())
        }

        fn poll_write_vectored(
            self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            bufs: &[IoSlice<'_>],
        ) -> Poll<io::Result<usize>> {
            charged(cx, bufs.iter().map(|buf| buf.len()).sum())
        }

        fn is_write_vectored(&self) -> bool {
            true
        }

        fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            charged(cx, ())
        }

        fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            charged(cx, ())
        }
    };
}

impl AsyncWrite for Empty {
    take_everything!();
}

impl AsyncWrite for Sink {
    take_everything!();
}

impl AsyncRead for Repeat {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        ready!(poll_budget(cx)).made_progress();
        buf.put_bytes(self.byte, buf.remaining());
        Poll::Ready(Ok(()))
    }
}

impl fmt::Debug for Empty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Empty").finish_non_exhaustive()
    }
}

impl fmt::Debug for Sink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sink").finish_non_exhaustive()
    }
}

impl fmt::Debug for Repeat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Repeat").finish_non_exhaustive()
    }
}
