//! The trait of what has a position that can be moved, in two steps: start the move, then wait for it.
//!
//! 1. At most one move is under way. Whoever starts one has waited for the one before.

use std::io::{self, Cursor, SeekFrom};
use std::ops::DerefMut;
use std::pin::Pin;
use std::task::{Context, Poll};

/// A stream of bytes with a position that can be moved without blocking the thread.
///
/// Code that seeks uses the methods of [`AsyncSeekExt`](crate::AsyncSeekExt), which do the two steps in their order.
///
/// # Examples
/// ```
/// use std::io::{Cursor, Result, SeekFrom};
/// use unstuck_io::{AsyncSeek, AsyncSeekExt};
/// # unstuck_base::parker::block_on(async {
///
///
/// /// How long it is; the position stays what it was.
/// async fn length(mut stream: impl AsyncSeek + Unpin) -> Result<u64> {
///     let here = stream.stream_position().await?;
///     let length = stream.seek(SeekFrom::End(0)).await?;
///     stream.seek(SeekFrom::Start(here)).await?;
///     Ok(length)
/// }
///
/// assert_eq!(length(Cursor::new(b"hello")).await?, 5);
/// # Ok::<_, std::io::Error>(()) }).unwrap();
/// ```
pub trait AsyncSeek {
    /// Starts to move to `position`. It is done when [`poll_complete`](AsyncSeek::poll_complete) says so.
    ///
    /// Beyond the end is allowed; what it means is up to the implementation.
    ///
    /// # Errors
    /// If the position makes no sense, or another operation is still under way: call
    /// [`poll_complete`](AsyncSeek::poll_complete) until it is Ready first.
    ///
    /// # Examples
    /// ```
    /// use std::future::poll_fn;
    /// use std::io::{Cursor, SeekFrom};
    /// use std::pin::Pin;
    /// use unstuck_io::AsyncSeek;
    /// # unstuck_base::parker::block_on(async {
    ///
    /// let mut stream = Cursor::new(b"hello");
    /// Pin::new(&mut stream).start_seek(SeekFrom::End(-2))?;
    /// assert_eq!(poll_fn(|cx| Pin::new(&mut stream).poll_complete(cx)).await?, 3);
    /// # Ok::<_, std::io::Error>(()) }).unwrap();
    /// ```
    fn start_seek(self: Pin<&mut Self>, position: SeekFrom) -> io::Result<()>;

    /// Waits for the move to end, and returns the new position in bytes from the start.
    ///
    /// The position is reliable right after a [`start_seek`](AsyncSeek::start_seek) only: without one, or after a read
    /// or write, it may be anything.
    ///
    /// # Errors
    /// Those of the stream, a position before the start among them.
    ///
    /// # Examples
    /// ```
    /// use std::future::poll_fn;
    /// use std::io::{Cursor, SeekFrom};
    /// use std::pin::Pin;
    /// use unstuck_io::{AsyncReadExt, AsyncSeek};
    /// # unstuck_base::parker::block_on(async {
    ///
    /// let mut stream = Cursor::new(b"hello");
    /// Pin::new(&mut stream).start_seek(SeekFrom::Start(4))?;
    /// let position = poll_fn(|cx| Pin::new(&mut stream).poll_complete(cx)).await?;
    /// assert_eq!(position, 4);
    /// assert_eq!(stream.read_u8().await?, b'o');
    /// # Ok::<_, std::io::Error>(()) }).unwrap();
    /// ```
    fn poll_complete(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<u64>>;
}

impl<T: ?Sized + AsyncSeek + Unpin> AsyncSeek for Box<T> {
    fn start_seek(mut self: Pin<&mut Self>, position: SeekFrom) -> io::Result<()> {
        Pin::new(&mut **self).start_seek(position)
    }

    fn poll_complete(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<u64>> {
        Pin::new(&mut **self).poll_complete(cx)
    }
}

impl<T: ?Sized + AsyncSeek + Unpin> AsyncSeek for &mut T {
    fn start_seek(mut self: Pin<&mut Self>, position: SeekFrom) -> io::Result<()> {
        Pin::new(&mut **self).start_seek(position)
    }

    fn poll_complete(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<u64>> {
        Pin::new(&mut **self).poll_complete(cx)
    }
}

impl<P> AsyncSeek for Pin<P>
where
    P: DerefMut,
    P::Target: AsyncSeek,
{
    fn start_seek(self: Pin<&mut Self>, position: SeekFrom) -> io::Result<()> {
        self.as_deref_mut().start_seek(position)
    }

    fn poll_complete(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<u64>> {
        self.as_deref_mut().poll_complete(cx)
    }
}

impl<T: AsRef<[u8]> + Unpin> AsyncSeek for Cursor<T> {
    fn start_seek(mut self: Pin<&mut Self>, position: SeekFrom) -> io::Result<()> {
        io::Seek::seek(&mut *self, position).map(drop)
    }

    fn poll_complete(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<u64>> {
        Poll::Ready(Ok(self.position()))
    }
}
