//! The lines of a reader, one after the other.
//!
//! 1. A line that has begun to arrive stays in `line` over Pending, dropped futures and errors of the source.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use super::until::poll_read_until;
use crate::AsyncBufRead;
use crate::errors::not_utf8;

pin_project! {
    /// The lines of a reader, without the newline (`\n` or `\r\n`) at their end; made by
    /// [`AsyncBufReadExt::lines`](crate::AsyncBufReadExt::lines).
    ///
    /// # Examples
    /// ```
    /// use unstuck_io::AsyncBufReadExt;
    /// # unstuck_base::parker::block_on(async {
    ///
    /// let mut lines = (&b"one\ntwo\r\nthree"[..]).lines();
    /// let mut seen = Vec::new();
    /// while let Some(line) = lines.next_line().await? {
    ///     seen.push(line);
    /// }
    /// assert_eq!(seen, ["one", "two", "three"]);
    /// # Ok::<_, std::io::Error>(()) }).unwrap();
    /// ```
    #[must_use = "lines are not read unless you ask for them"]
    pub struct Lines<R> {
        #[pin]
        reader: R,
        line: Vec<u8>,
        read: usize,
    }
}

impl<R> Lines<R> {
    pub(super) fn new(reader: R) -> Self {
        Lines { reader, line: Vec::new(), read: 0 }
    }
}

impl<R: AsyncBufRead + Unpin> Lines<R> {
    /// The next line, or `None` at the end.
    ///
    /// # Errors
    /// [`InvalidData`](io::ErrorKind::InvalidData) if the line is no UTF-8, with a
    /// [`FromUtf8Error`](std::string::FromUtf8Error) inside that has its bytes: it counts as read, and the next call goes
    /// on behind it. Otherwise those of the source, but for [`Interrupted`](io::ErrorKind::Interrupted), which is
    /// retried: what was read of the line is kept for the next call.
    ///
    /// # Cancel safety
    /// Safe: what a dropped call has read is kept here for the next one.
    ///
    /// # Examples
    /// ```
    /// use unstuck_io::{AsyncBufReadExt, BufReader};
    /// # unstuck_base::parker::block_on(async {
    ///
    /// let mut lines = BufReader::new(&b"to be\nor not\n"[..]).lines();
    /// while let Some(line) = lines.next_line().await? {
    ///     println!("{line}");
    /// }
    /// # Ok::<_, std::io::Error>(()) }).unwrap();
    /// ```
    pub async fn next_line(&mut self) -> io::Result<Option<String>> {
        std::future::poll_fn(|cx| Pin::new(&mut *self).poll_next_line(cx)).await
    }

    /// The reader. What is read from it directly may be missing in the lines.
    ///
    /// # Examples
    /// ```
    /// use unstuck_io::{AsyncBufReadExt, BufReader};
    /// # unstuck_base::parker::block_on(async {
    ///
    /// let mut lines = BufReader::new(&b"one"[..]).lines();
    /// assert_eq!(lines.next_line().await?.as_deref(), Some("one"));
    /// *lines.get_mut().get_mut() = b"two"; // the first source is at its end
    /// assert_eq!(lines.next_line().await?.as_deref(), Some("two"));
    /// # Ok::<_, std::io::Error>(()) }).unwrap();
    /// ```
    pub fn get_mut(&mut self) -> &mut R {
        &mut self.reader
    }

    /// The reader, to look at.
    ///
    /// # Examples
    /// ```
    /// use unstuck_io::AsyncBufReadExt;
    /// # unstuck_base::parker::block_on(async {
    ///
    /// let mut lines = AsyncBufReadExt::lines(&b"one\ntwo\n"[..]);
    /// assert_eq!(lines.next_line().await?.as_deref(), Some("one"));
    /// assert_eq!(lines.get_ref(), b"two\n");
    /// # Ok::<_, std::io::Error>(()) }).unwrap();
    /// ```
    pub fn get_ref(&mut self) -> &R {
        &self.reader
    }

    /// Gives the reader back. The beginning of a line that was not complete is lost.
    ///
    /// # Examples
    /// ```
    /// use unstuck_io::AsyncBufReadExt;
    /// # unstuck_base::parker::block_on(async {
    ///
    /// let mut lines = AsyncBufReadExt::lines(&b"header\nbody"[..]);
    /// assert_eq!(lines.next_line().await?.as_deref(), Some("header"));
    /// assert_eq!(lines.into_inner(), b"body");
    /// # Ok::<_, std::io::Error>(()) }).unwrap();
    /// ```
    pub fn into_inner(self) -> R {
        self.reader
    }
}

impl<R: AsyncBufRead> Lines<R> {
    /// As [`next_line`](Lines::next_line), to be polled. The waker of the latest call is the one that is woken.
    ///
    /// # Errors
    /// As [`next_line`](Lines::next_line).
    ///
    /// # Examples
    /// ```
    /// use std::future::poll_fn;
    /// use std::pin::Pin;
    /// use unstuck_io::AsyncBufReadExt;
    /// # unstuck_base::parker::block_on(async {
    ///
    /// let mut lines = AsyncBufReadExt::lines(&b"one\ntwo\n"[..]);
    /// let first = poll_fn(|cx| Pin::new(&mut lines).poll_next_line(cx)).await?;
    /// assert_eq!(first.as_deref(), Some("one"));
    /// # Ok::<_, std::io::Error>(()) }).unwrap();
    /// ```
    pub fn poll_next_line(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<Option<String>>> {
        let me = self.project();
        let read = ready!(poll_read_until(me.reader, cx, b'\n', me.line, me.read))?;
        // Nothing read now, but something in `line`: the rest of a line that an error interrupted.
        if read == 0 && me.line.is_empty() {
            return Poll::Ready(Ok(None));
        }
        let mut line = std::mem::take(me.line);
        if line.last() == Some(&b'\n') {
            line.pop();
            if line.last() == Some(&b'\r') {
                line.pop();
            }
        }
        Poll::Ready(String::from_utf8(line).map(Some).map_err(not_utf8))
    }
}

impl<R: fmt::Debug> fmt::Debug for Lines<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lines").field("reader", &self.reader).field("line_so_far", &self.line.len()).finish()
    }
}
