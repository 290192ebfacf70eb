//! A reader of the next so many bytes of another one.
//!
//! 1. No more than `limit` bytes are ever asked of the reader, so it is left exactly behind them.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use crate::{AsyncBufRead, AsyncRead, ReadBuf};

pin_project! {
    /// A reader that is at its end after a number of bytes; made by [`AsyncReadExt::take`](crate::AsyncReadExt::take).
    ///
    /// # Examples
    /// ```
    /// use unstuck_io::AsyncReadExt;
    /// # unstuck_base::parker::block_on(async {
    ///
    /// let mut some = AsyncReadExt::take(&b"hello world"[..], 5);
    /// let mut text = String::new();
    /// some.read_to_string(&mut text).await?;
    /// assert_eq!(text, "hello");
    /// # Ok::<_, std::io::Error>(()) }).unwrap();
    /// ```
    #[derive(Debug)]
    #[must_use = "readers do nothing unless they are read"]
    pub struct Take<R> {
        #[pin]
        reader: R,
        limit: u64,
    }
}

impl<R> Take<R> {
    pub(super) fn new(reader: R, limit: u64) -> Self {
        Take { reader, limit }
    }
}

impl<R: AsyncRead> Take<R> {
    /// How many bytes are left to read here. The reader may end before.
    ///
    /// # Examples
    /// ```
    /// use unstuck_io::AsyncReadExt;
    /// # unstuck_base::parker::block_on(async {
    ///
    /// let mut some = AsyncReadExt::take(&b"hello world"[..], 5);
    /// assert_eq!(some.read_u8().await?, b'h');
    /// assert_eq!(some.limit(), 4);
    /// # Ok::<_, std::io::Error>(()) }).unwrap();
    /// ```
    pub fn limit(&self) -> u64 {
        self.limit
    }

    /// Sets how many bytes are left to read here, whatever was read before.
    ///
    /// # Examples
    /// ```
    /// use unstuck_io::AsyncReadExt;
    /// # unstuck_base::parker::block_on(async {
    ///
    /// let mut records = AsyncReadExt::take(&b"onetwo"[..], 3);
    /// let mut text = String::new();
    /// records.read_to_string(&mut text).await?;
    /// assert_eq!(text, "one");
    /// records.set_limit(3); // the next record
    /// records.read_to_string(&mut text).await?;
    /// assert_eq!(text, "onetwo");
    /// # Ok::<_, std::io::Error>(()) }).unwrap();
    /// ```
    pub fn set_limit(&mut self, limit: u64) {
        self.limit = limit;
    }

    /// The reader, to look at.
    ///
    /// # Examples
    /// ```
    /// use unstuck_io::AsyncReadExt;
    /// # unstuck_base::parker::block_on(async {
    ///
    /// let mut some = AsyncReadExt::take(&b"hello world"[..], 5);
    /// assert_eq!(some.read_u8().await?, b'h');
    /// assert_eq!(some.get_ref(), b"ello world");
    /// # Ok::<_, std::io::Error>(()) }).unwrap();
    /// ```
    pub fn get_ref(&self) -> &R {
        &self.reader
    }

    /// The reader. What is read from it directly does not count here.
    ///
    /// # Examples
    /// ```
    /// use unstuck_io::AsyncReadExt;
    /// # unstuck_base::parker::block_on(async {
    ///
    /// let mut some = AsyncReadExt::take(&b"hello world"[..], 5);
    /// assert_eq!(some.get_mut().read_u8().await?, b'h');
    /// assert_eq!(some.limit(), 5); // that one did not count
    /// # Ok::<_, std::io::Error>(()) }).unwrap();
    /// ```
    pub fn get_mut(&mut self) -> &mut R {
        &mut self.reader
    }

    /// The reader, pinned. What is read from it directly does not count here.
    ///
    /// # Examples
    /// ```
    /// use std::pin::Pin;
    /// use unstuck_io::AsyncReadExt;
    /// # unstuck_base::parker::block_on(async {
    ///
    /// let mut some = AsyncReadExt::take(&b"hello world"[..], 5);
    /// let mut inner = Pin::new(&mut some).get_pin_mut();
    /// assert_eq!(inner.read_u8().await?, b'h');
    /// assert_eq!(some.limit(), 5); // that one did not count
    /// # Ok::<_, std::io::Error>(()) }).unwrap();
    /// ```
    pub fn get_pin_mut(self: Pin<&mut Self>) -> Pin<&mut R> {
        self.project().reader
    }

    /// Gives the reader back.
    ///
    /// # Examples
    /// ```
    /// use unstuck_io::AsyncReadExt;
    /// # unstuck_base::parker::block_on(async {
    ///
    /// let mut some = AsyncReadExt::take(&b"hello world"[..], 6);
    /// some.read_exact(&mut [0; 6]).await?;
    /// assert_eq!(some.into_inner(), b"world");
    /// # Ok::<_, std::io::Error>(()) }).unwrap();
    /// ```
    pub fn into_inner(self) -> R {
        self.reader
    }
}

impl<R: AsyncRead> AsyncRead for Take<R> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let me = self.project();
        if *me.limit == 0 {
            return Poll::Ready(Ok(()));
        }
        let mut part = buf.take(usize::try_from(*me.limit).unwrap_or(usize::MAX));
        let start = part.filled().as_ptr();
        ready!(me.reader.poll_read(cx, &mut part))?;
        assert!(std::ptr::eq(part.filled().as_ptr(), start), "a reader exchanged the buffer it was given");
        let (filled, initialized) = (part.filled().len(), part.initialized().len());
        // SAFETY: `part` is the next part of `buf` (just checked), and that much of it is initialised.
        unsafe { buf.assume_init(initialized) };
        buf.advance(filled);
        *me.limit -= filled as u64;
        Poll::Ready(Ok(()))
    }
}

impl<R: AsyncBufRead> AsyncBufRead for Take<R> {
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let me = self.project();
        if *me.limit == 0 {
            return Poll::Ready(Ok(&[]));
        }
        let lent = ready!(me.reader.poll_fill_buf(cx))?;
        Poll::Ready(Ok(&lent[..at_most(lent.len(), *me.limit)]))
    }

    fn consume(self: Pin<&mut Self>, amt: usize) {
        let me = self.project();
        let amt = at_most(amt, *me.limit);
        *me.limit -= amt as u64;
        me.reader.consume(amt);
    }
}

fn at_most(len: usize, limit: u64) -> usize {
    usize::try_from(limit).map_or(len, |limit| len.min(limit))
}
