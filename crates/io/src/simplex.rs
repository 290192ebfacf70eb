//! A pipe in memory: what goes in at one end comes out at the other.
//!
//! 1. The stream is both ends in one value, so whoever calls has it alone and no lock is needed; [`simplex`] makes two
//!    values of it with [`split`].

use std::fmt;
use std::io::{self, IoSlice};
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use unstuck_base::WakeBatch;
use unstuck_base::local::{self, WaitKind};

use crate::pipe::{News, Pipe};
use crate::split::split;
use crate::{AsyncRead, AsyncWrite, ReadBuf, ReadHalf, WriteHalf};

/// Makes a pipe in memory and returns its two ends: what is written to the second is read from the first.
///
/// It holds at most `max_buf_size` bytes that were written and not yet read; a write to a full pipe waits for a read.
/// The reader finds the end after a [`shutdown`](crate::AsyncWriteExt::shutdown) of the writer. Dropping an end is not
/// seen by the other one; where it should be, use [`duplex`](crate::duplex).
///
/// # Panics
/// If `max_buf_size` is 0.
///
/// # Examples
/// ```
/// use unstuck_io::{AsyncReadExt, AsyncWriteExt, simplex};
/// # unstuck_base::parker::block_on(async {
///
/// let (mut reader, mut writer) = simplex(64);
/// writer.write_all(b"hello").await?;
/// writer.shutdown().await?;
///
/// let mut all = String::new();
/// reader.read_to_string(&mut all).await?;
/// assert_eq!(all, "hello");
/// # Ok::<_, std::io::Error>(()) }).unwrap();
/// ```
#[track_caller]
pub fn simplex(max_buf_size: usize) -> (ReadHalf<SimplexStream>, WriteHalf<SimplexStream>) {
    split(SimplexStream::new_unsplit(max_buf_size))
}

/// Both ends of a pipe in memory; made by [`simplex`] (which splits it) or [`new_unsplit`](SimplexStream::new_unsplit).
///
/// # Examples
/// ```
/// use unstuck_io::{AsyncReadExt, AsyncWriteExt, SimplexStream};
/// # unstuck_base::parker::block_on(async {
///
/// let mut queue = SimplexStream::new_unsplit(64);
/// queue.write_all(b"hello").await?;
/// let mut buf = [0; 5];
/// queue.read_exact(&mut buf).await?;
/// assert_eq!(&buf, b"hello");
/// # Ok::<_, std::io::Error>(()) }).unwrap();
/// ```
pub struct SimplexStream {
    pipe: Pipe,
    /// What a task that waits for it is said to wait for.
    made_at: &'static Location<'static>,
}

impl SimplexStream {
    /// A pipe for at most `max_buf_size` bytes, with both ends in one value.
    ///
    /// # Panics
    /// If `max_buf_size` is 0.
    ///
    /// # Examples
    /// ```
    /// use unstuck_io::{AsyncReadExt, AsyncWriteExt, SimplexStream};
    /// # unstuck_base::parker::block_on(async {
    ///
    /// let mut pipe = SimplexStream::new_unsplit(64);
    /// pipe.write_all(b"hello").await?;
    /// let mut buf = [0; 5];
    /// pipe.read_exact(&mut buf).await?;
    /// assert_eq!(&buf, b"hello");
    /// # Ok::<_, std::io::Error>(()) }).unwrap();
    /// ```
    #[track_caller]
    pub fn new_unsplit(max_buf_size: usize) -> SimplexStream {
        SimplexStream { pipe: Pipe::new(max_buf_size), made_at: Location::caller() }
    }

    /// What every read and write does to the task: charges it, notes what it waits for, delivers the news.
    fn poll_with<T>(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        operate: impl FnOnce(&mut Pipe, &mut Context<'_>) -> (Poll<T>, News),
    ) -> Poll<T> {
        let charge = ready!(local::poll_budget(cx));
        let me = self.get_mut();
        let (polled, news) = operate(&mut me.pipe, cx);
        match polled {
            Poll::Ready(_) => charge.made_progress(),
            Poll::Pending => local::wait_for(WaitKind::Io, std::ptr::from_ref(me).addr(), me.made_at),
        }
        news.deliver();
        polled
    }
}

impl AsyncRead for SimplexStream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.poll_with(cx, |pipe, cx| pipe.read(cx.waker(), buf)).map(Ok)
    }
}

impl AsyncWrite for SimplexStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(buf)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_with(cx, |pipe, cx| pipe.write(cx.waker(), bufs))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut wake = WakeBatch::new();
        self.pipe.close(&mut wake);
        wake.wake_all();
        Poll::Ready(Ok(()))
    }
}

impl fmt::Debug for SimplexStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimplexStream").finish_non_exhaustive()
    }
}
