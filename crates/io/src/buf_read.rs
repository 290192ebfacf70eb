//! The trait of readers that have their bytes in memory before they are asked for.
//!
//! 1. What [`poll_fill_buf`](AsyncBufRead::poll_fill_buf) lends is not yet read: [`consume`](AsyncBufRead::consume)
//!    reads it.
//! 2. An empty slice lent means the end, never "not now".

use std::io::{self, Cursor};
use std::ops::DerefMut;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::AsyncRead;

/// A reader with a buffer that can be looked into: what makes reading by lines possible.
///
/// [`BufReader`](crate::BufReader) makes one out of any reader. Reading code uses the methods of
/// [`AsyncBufReadExt`](crate::AsyncBufReadExt).
///
/// # Examples
/// ```
/// use std::io::Result;
/// use unstuck_io::{AsyncBufRead, AsyncBufReadExt};
/// # unstuck_base::parker::block_on(async {
///
///
/// /// Counts the bytes that are not zero, without copying any.
/// async fn count(mut reader: impl AsyncBufRead + Unpin) -> Result<usize> {
///     let mut count = 0;
///     loop {
///         let bytes = reader.fill_buf().await?;
///         if bytes.is_empty() {
///             return Ok(count);
///         }
///         count += bytes.iter().filter(|byte| **byte != 0).count();
///         let used = bytes.len();
///         reader.consume(used);
///     }
/// }
///
/// assert_eq!(count(&b"a\0bc\0"[..]).await?, 3);
/// # Ok::<_, std::io::Error>(()) }).unwrap();
/// ```
pub trait AsyncBufRead: AsyncRead {
    /// Lends the bytes that are buffered; if there are none, tries to read some first.
    ///
    /// The same bytes are lent again until [`consume`](AsyncBufRead::consume) says how many were used. An empty slice
    /// means that the end is reached. Pending means as for [`AsyncRead::poll_read`].
    ///
    /// # Errors
    /// Those of the source.
    ///
    /// # Examples
    /// ```
    /// use std::future::poll_fn;
    /// use std::pin::Pin;
    /// use unstuck_io::AsyncBufRead;
    /// # unstuck_base::parker::block_on(async {
    ///
    /// let mut reader: &[u8] = b"hello";
    /// let lent = poll_fn(|cx| Pin::new(&mut reader).poll_fill_buf(cx).map_ok(<[u8]>::to_vec)).await?;
    /// assert_eq!(lent, b"hello");
    /// assert_eq!(reader, b"hello"); // nothing was used yet
    /// # Ok::<_, std::io::Error>(()) }).unwrap();
    /// ```
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>>;

    /// Takes the first `amt` bytes out of the buffer: they were used.
    ///
    /// `amt` is at most the length of what [`poll_fill_buf`](AsyncBufRead::poll_fill_buf) lent last. What happens
    /// otherwise is up to the implementation, which may panic.
    ///
    /// # Examples
    /// ```
    /// use std::pin::Pin;
    /// use unstuck_io::AsyncBufRead;
    ///
    /// let mut reader: &[u8] = b"hello";
    /// Pin::new(&mut reader).consume(2);
    /// assert_eq!(reader, b"llo");
    /// ```
    fn consume(self: Pin<&mut Self>, amt: usize);
}

impl<T: ?Sized + AsyncBufRead + Unpin> AsyncBufRead for Box<T> {
    #[inline]
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        Pin::new(&mut **self.get_mut()).poll_fill_buf(cx)
    }

    #[inline]
    fn consume(mut self: Pin<&mut Self>, amt: usize) {
        Pin::new(&mut **self).consume(amt);
    }
}

impl<T: ?Sized + AsyncBufRead + Unpin> AsyncBufRead for &mut T {
    #[inline]
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        Pin::new(&mut **self.get_mut()).poll_fill_buf(cx)
    }

    #[inline]
    fn consume(mut self: Pin<&mut Self>, amt: usize) {
        Pin::new(&mut **self).consume(amt);
    }
}

impl<P> AsyncBufRead for Pin<P>
where
    P: DerefMut,
    P::Target: AsyncBufRead,
{
    #[inline]
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        self.as_deref_mut().poll_fill_buf(cx)
    }

    #[inline]
    fn consume(self: Pin<&mut Self>, amt: usize) {
        self.as_deref_mut().consume(amt);
    }
}

impl AsyncBufRead for &[u8] {
    #[inline]
    fn poll_fill_buf(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        Poll::Ready(Ok(*self))
    }

    #[inline]
    fn consume(mut self: Pin<&mut Self>, amt: usize) {
        *self = &self[amt..];
    }
}

impl<T: AsRef<[u8]> + Unpin> AsyncBufRead for Cursor<T> {
    #[inline]
    fn poll_fill_buf(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        Poll::Ready(io::BufRead::fill_buf(self.get_mut()))
    }

    #[inline]
    fn consume(mut self: Pin<&mut Self>, amt: usize) {
        io::BufRead::consume(&mut *self, amt);
    }
}
