//! The segments of a reader between one delimiter and the next.
//!
//! 1. A segment that has begun to arrive stays in `segment` over Pending, dropped futures and errors of the source.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use super::until::poll_read_until;
use crate::AsyncBufRead;

pin_project! {
    /// The segments of a reader, without the byte between them; made by
    /// [`AsyncBufReadExt::split`](crate::AsyncBufReadExt::split).
    ///
    /// # Examples
    /// ```
    /// use unstuck_io::AsyncBufReadExt;
    /// # unstuck_base::parker::block_on(async {
    ///
    /// let mut segments = AsyncBufReadExt::split(&b"a,b"[..], b',');
    /// assert_eq!(segments.next_segment().await?.as_deref(), Some(&b"a"[..]));
    /// assert_eq!(segments.next_segment().await?.as_deref(), Some(&b"b"[..]));
    /// assert_eq!(segments.next_segment().await?, None);
    /// # Ok::<_, std::io::Error>(()) }).unwrap();
    /// ```
    #[must_use = "segments are not read unless you ask for them"]
    pub struct Split<R> {
        #[pin]
        reader: R,
        delimiter: u8,
        segment: Vec<u8>,
        read: usize,
    }
}

impl<R> Split<R> {
    pub(super) fn new(reader: R, delimiter: u8) -> Self {
        Split { reader, delimiter, segment: Vec::new(), read: 0 }
    }
}

impl<R: AsyncBufRead + Unpin> Split<R> {
    /// The next segment, or `None` at the end.
    ///
    /// # Errors
    /// Those of the source, but for [`Interrupted`](io::ErrorKind::Interrupted), which is retried. What was read of the
    /// segment is kept for the next call.
    ///
    /// # Cancel safety
    /// Safe: what a dropped call has read is kept here for the next one.
    ///
    /// # Examples
    /// ```
    /// use std::io::Cursor;
    /// use unstuck_io::AsyncBufReadExt;
    /// # unstuck_base::parker::block_on(async {
    ///
    /// let mut words = Cursor::new("to be or not").split(b' ');
    /// let mut count = 0;
    /// while words.next_segment().await?.is_some() {
    ///     count += 1;
    /// }
    /// assert_eq!(count, 4);
    /// # Ok::<_, std::io::Error>(()) }).unwrap();
    /// ```
    pub async fn next_segment(&mut self) -> io::Result<Option<Vec<u8>>> {
        std::future::poll_fn(|cx| Pin::new(&mut *self).poll_next_segment(cx)).await
    }
}

impl<R: AsyncBufRead> Split<R> {
    /// As [`next_segment`](Split::next_segment), to be polled. The waker of the latest call is the one that is woken.
    ///
    /// # Errors
    /// As [`next_segment`](Split::next_segment).
    ///
    /// # Examples
    /// ```
    /// use std::future::poll_fn;
    /// use std::pin::Pin;
    /// use unstuck_io::AsyncBufReadExt;
    /// # unstuck_base::parker::block_on(async {
    ///
    /// let mut segments = AsyncBufReadExt::split(&b"a,b"[..], b',');
    /// let first = poll_fn(|cx| Pin::new(&mut segments).poll_next_segment(cx)).await?;
    /// assert_eq!(first.as_deref(), Some(&b"a"[..]));
    /// # Ok::<_, std::io::Error>(()) }).unwrap();
    /// ```
    pub fn poll_next_segment(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<Option<Vec<u8>>>> {
        let me = self.project();
        let read = ready!(poll_read_until(me.reader, cx, *me.delimiter, me.segment, me.read))?;
        // Nothing read now, but something in `segment`: the rest of a segment that an error interrupted.
        if read == 0 && me.segment.is_empty() {
            return Poll::Ready(Ok(None));
        }
        if me.segment.last() == Some(me.delimiter) {
            me.segment.pop();
        }
        Poll::Ready(Ok(Some(std::mem::take(me.segment))))
    }
}

impl<R: fmt::Debug> fmt::Debug for Split<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Split")
            .field("reader", &self.reader)
            .field("delimiter", &self.delimiter)
            .field("segment_so_far", &self.segment.len())
            .finish()
    }
}
