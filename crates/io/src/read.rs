//! The trait of everything that can be read from, and its implementations for slices, cursors and pointers.
//!
//! 1. Ready means: bytes were put into the buffer, or (if it had room and got none) the end is reached for now.
//! 2. Pending means: nothing was put into the buffer, and the task's waker is woken when trying again is worth it.
//! 3. What is in memory already is always ready and charges no budget: its length bounds the work.

use std::io::{self, Cursor};
use std::ops::DerefMut;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::ReadBuf;

/// Something that bytes can be read from without blocking the thread.
///
/// Reading code rarely calls [`poll_read`](AsyncRead::poll_read): it uses the methods of
/// [`AsyncReadExt`](crate::AsyncReadExt), which every implementation has.
///
/// # Examples
/// A reader that counts what passes through it:
/// ```
/// use std::pin::Pin;
/// use std::task::{Context, Poll, ready};
/// use unstuck_io::{AsyncRead, AsyncReadExt, ReadBuf};
///
/// struct Counted<R> {
///     reader: R,
///     bytes: usize,
/// }
///
/// impl<R: AsyncRead + Unpin> AsyncRead for Counted<R> {
///     fn poll_read(
///         mut self: Pin<&mut Self>,
///         cx: &mut Context<'_>,
///         buf: &mut ReadBuf<'_>,
///     ) -> Poll<std::io::Result<()>> {
///         let before = buf.filled().len();
///         ready!(Pin::new(&mut self.reader).poll_read(cx, buf))?;
///         self.bytes += buf.filled().len() - before;
///         Poll::Ready(Ok(()))
///     }
/// }
/// # unstuck_base::parker::block_on(async {
///
/// let mut counted = Counted { reader: &b"four"[..], bytes: 0 };
/// counted.read_to_end(&mut Vec::new()).await?;
/// assert_eq!(counted.bytes, 4);
/// # Ok::<_, std::io::Error>(()) }).unwrap();
/// ```
pub trait AsyncRead {
    /// Puts what can be read now into the unfilled part of `buf`.
    ///
    /// Ready without a byte means that the end is reached, unless `buf` had no room. Pending means that nothing was
    /// read, and that the waker of `cx` (the one of the latest call) is woken once there is something to read, or the
    /// other side has closed.
    ///
    /// # Errors
    /// Those of the source. Nothing was read by a call that fails.
    ///
    /// # Examples
    /// ```
    /// use std::future::poll_fn;
    /// use std::pin::Pin;
    /// use unstuck_io::{AsyncRead, ReadBuf};
    /// # unstuck_base::parker::block_on(async {
    ///
    /// let mut reader: &[u8] = b"hello";
    /// let mut storage = [0; 16];
    /// let mut buf = ReadBuf::new(&mut storage);
    /// poll_fn(|cx| Pin::new(&mut reader).poll_read(cx, &mut buf)).await?;
    /// assert_eq!(buf.filled(), b"hello");
    /// # Ok::<_, std::io::Error>(()) }).unwrap();
    /// ```
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>>;
}

impl<T: ?Sized + AsyncRead + Unpin> AsyncRead for Box<T> {
    #[inline]
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut **self).poll_read(cx, buf)
    }
}

impl<T: ?Sized + AsyncRead + Unpin> AsyncRead for &mut T {
    #[inline]
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut **self).poll_read(cx, buf)
    }
}

impl<P> AsyncRead for Pin<P>
where
    P: DerefMut,
    P::Target: AsyncRead,
{
    #[inline]
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.as_deref_mut().poll_read(cx, buf)
    }
}

impl AsyncRead for &[u8] {
    #[inline]
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let (read, rest) = self.split_at(self.len().min(buf.remaining()));
        buf.put_slice(read);
        *self = rest;
        Poll::Ready(Ok(()))
    }
}

impl<T: AsRef<[u8]> + Unpin> AsyncRead for Cursor<T> {
    #[inline]
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let unread = io::BufRead::fill_buf(&mut *self)?;
        let read = unread.len().min(buf.remaining());
        buf.put_slice(&unread[..read]);
        io::BufRead::consume(&mut *self, read);
        Poll::Ready(Ok(()))
    }
}
