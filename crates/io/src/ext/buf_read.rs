//! The methods of readers with a buffer.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use super::lines::Lines;
use super::segments::Split;
use super::until::poll_read_until;
use crate::AsyncBufRead;
use crate::errors::not_utf8;

/// Reading by lines and segments: the methods that every [`AsyncBufRead`] has.
///
/// # Examples
/// ```
/// use unstuck_io::AsyncBufReadExt;
/// # unstuck_base::parker::block_on(async {
///
/// let mut lines = (&b"one\ntwo\n"[..]).lines();
/// assert_eq!(lines.next_line().await?.as_deref(), Some("one"));
/// assert_eq!(lines.next_line().await?.as_deref(), Some("two"));
/// assert_eq!(lines.next_line().await?, None);
/// # Ok::<_, std::io::Error>(()) }).unwrap();
/// ```
pub trait AsyncBufReadExt: AsyncBufRead {
    /// Appends to `buf` up to and including the next `byte`, or up to the end, and returns how many bytes that was.
    ///
    /// 0 means that the end is reached. At the end, what is appended does not end with `byte`.
    ///
    /// # Errors
    /// Those of the source, but for [`Interrupted`](io::ErrorKind::Interrupted), which is retried. What was read before
    /// the error is in `buf`.
    ///
    /// # Cancel safety
    /// What a dropped call has read is in `buf`, and another call with the same `buf` goes on from there; only the count
    /// begins anew.
    ///
    /// # Examples
    /// ```
    /// use unstuck_io::AsyncBufReadExt;
    /// # unstuck_base::parker::block_on(async {
    ///
    /// let mut reader: &[u8] = b"key=value";
    /// let mut key = Vec::new();
    /// reader.read_until(b'=', &mut key).await?;
    /// assert_eq!(key, b"key=");
    /// # Ok::<_, std::io::Error>(()) }).unwrap();
    /// ```
    fn read_until<'a>(&'a mut self, byte: u8, buf: &'a mut Vec<u8>) -> ReadUntil<'a, Self>
    where
        Self: Unpin,
    {
        ReadUntil { reader: self, delimiter: byte, buf, read: 0 }
    }

    /// Appends to `buf` up to and including the next newline (`\n`), or up to the end, and returns how many bytes that
    /// was.
    ///
    /// 0 means that the end is reached.
    ///
    /// # Errors
    /// [`InvalidData`](io::ErrorKind::InvalidData) (with a [`Utf8Error`](std::str::Utf8Error) inside) if the line is no
    /// UTF-8: it is read, but `buf` is what it was before the call. Otherwise as
    /// [`read_until`](AsyncBufReadExt::read_until): what was read before the error is in `buf`, if it is UTF-8.
    ///
    /// # Cancel safety
    /// Not safe: what a dropped call has read is lost, and `buf` is left empty. [`Lines`] keeps what it has, and so does
    /// [`read_until`](AsyncBufReadExt::read_until).
    ///
    /// # Examples
    /// ```
    /// use unstuck_io::AsyncBufReadExt;
    /// # unstuck_base::parker::block_on(async {
    ///
    /// let mut reader: &[u8] = b"one\ntwo";
    /// let mut line = String::new();
    /// assert_eq!(reader.read_line(&mut line).await?, 4);
    /// assert_eq!(line, "one\n");
    /// # Ok::<_, std::io::Error>(()) }).unwrap();
    /// ```
    fn read_line<'a>(&'a mut self, buf: &'a mut String) -> ReadLine<'a, Self>
    where
        Self: Unpin,
    {
        let line = std::mem::take(buf).into_bytes();
        ReadLine { reader: self, dst: buf, before: line.len(), line, read: 0 }
    }

    /// The segments between one `byte` and the next, without it.
    ///
    /// # Examples
    /// ```
    /// use std::io::Cursor;
    /// use unstuck_io::AsyncBufReadExt;
    /// # unstuck_base::parker::block_on(async {
    ///
    /// let mut fields = Cursor::new("a,b").split(b',');
    /// assert_eq!(fields.next_segment().await?.as_deref(), Some(&b"a"[..]));
    /// assert_eq!(fields.next_segment().await?.as_deref(), Some(&b"b"[..]));
    /// assert_eq!(fields.next_segment().await?, None);
    /// # Ok::<_, std::io::Error>(()) }).unwrap();
    /// ```
    fn split(self, byte: u8) -> Split<Self>
    where
        Self: Sized + Unpin,
    {
        Split::new(self, byte)
    }

    /// Lends the bytes that are buffered; if there are none, waits for some. Nothing lent means that the end is reached.
    ///
    /// What is lent is not read yet: say how much of it you used with [`consume`](AsyncBufReadExt::consume).
    ///
    /// # Errors
    /// Those of the source.
    ///
    /// # Cancel safety
    /// Safe: what a dropped call has read is in the buffer.
    ///
    /// # Examples
    /// ```
    /// use unstuck_io::{AsyncBufReadExt, BufReader};
    /// # unstuck_base::parker::block_on(async {
    ///
    /// let mut reader = BufReader::with_capacity(4, &b"0123456789"[..]);
    /// assert_eq!(reader.fill_buf().await?, b"0123");
    /// reader.consume(3);
    /// assert_eq!(reader.fill_buf().await?, b"3");
    /// # Ok::<_, std::io::Error>(()) }).unwrap();
    /// ```
    fn fill_buf(&mut self) -> FillBuf<'_, Self>
    where
        Self: Unpin,
    {
        FillBuf { reader: Some(self) }
    }

    /// Takes the first `amt` bytes out of the buffer: they were used. `amt` is at most the length of what
    /// [`fill_buf`](AsyncBufReadExt::fill_buf) lent last.
    ///
    /// # Examples
    /// ```
    /// use unstuck_io::AsyncBufReadExt;
    /// # unstuck_base::parker::block_on(async {
    ///
    /// let mut reader: &[u8] = b"0123";
    /// assert_eq!(reader.fill_buf().await?[0], b'0');
    /// AsyncBufReadExt::consume(&mut reader, 1);
    /// assert_eq!(reader.fill_buf().await?[0], b'1');
    /// # Ok::<_, std::io::Error>(()) }).unwrap();
    /// ```
    fn consume(&mut self, amt: usize)
    where
        Self: Unpin,
    {
        Pin::new(self).consume(amt);
    }

    /// The lines, without the newline (`\n` or `\r\n`) at their end.
    ///
    /// # Examples
    /// ```
    /// use unstuck_io::AsyncBufReadExt;
    /// # unstuck_base::parker::block_on(async {
    ///
    /// let mut lines = (&b"one\r\ntwo"[..]).lines();
    /// while let Some(line) = lines.next_line().await? {
    ///     assert_eq!(line.len(), 3);
    /// }
    /// # Ok::<_, std::io::Error>(()) }).unwrap();
    /// ```
    fn lines(self) -> Lines<Self>
    where
        Self: Sized,
    {
        Lines::new(self)
    }
}

impl<R: AsyncBufRead + ?Sized> AsyncBufReadExt for R {}

pin_project! {
    /// The future of [`AsyncBufReadExt::read_until`].
    ///
    /// # Examples
    /// ```
    /// use unstuck_io::{AsyncBufReadExt, BufReader, duplex};
    /// # unstuck_base::parker::block_on(async {
    ///
    /// let (mut client, server) = duplex(64);
    /// let mut server = BufReader::new(server);
    /// # use unstuck_io::AsyncWriteExt;
    /// client.write_all(b"half of").await?;
    ///
    /// let mut buf = Vec::new();
    /// let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    /// // Dropping the future leaves in `buf` what it has read; the next one goes on from there.
    /// assert!(std::pin::pin!(server.read_until(b'.', &mut buf)).poll(&mut cx).is_pending());
    /// assert_eq!(buf, b"half of");
    /// client.write_all(b" it.").await?;
    /// server.read_until(b'.', &mut buf).await?;
    /// assert_eq!(buf, b"half of it.");
    /// # Ok::<_, std::io::Error>(()) }).unwrap();
    /// ```
    #[must_use = "futures do nothing unless you `.await` or poll them"]
    #[project(!Unpin)]
    pub struct ReadUntil<'a, R: ?Sized> {
        reader: &'a mut R,
        delimiter: u8,
        buf: &'a mut Vec<u8>,
        read: usize,
    }
}

impl<R: AsyncBufRead + Unpin + ?Sized> Future for ReadUntil<'_, R> {
    type Output = io::Result<usize>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let me = self.project();
        poll_read_until(Pin::new(&mut **me.reader), cx, *me.delimiter, me.buf, me.read)
    }
}

pin_project! {
    /// The future of [`AsyncBufReadExt::read_line`].
    ///
    /// # Examples
    /// ```
    /// use unstuck_io::AsyncBufReadExt;
    /// # unstuck_base::parker::block_on(async {
    ///
    /// let mut line = String::from("> ");
    /// let mut reader = &b"hello\n"[..];
    /// let future = reader.read_line(&mut line);
    /// assert_eq!(future.await?, 6);
    /// assert_eq!(line, "> hello\n"); // it appends
    /// # Ok::<_, std::io::Error>(()) }).unwrap();
    /// ```
    #[must_use = "futures do nothing unless you `.await` or poll them"]
    #[project(!Unpin)]
    pub struct ReadLine<'a, R: ?Sized> {
        reader: &'a mut R,
        // Empty while the future lives: its text is the first `before` bytes of `line`.
        dst: &'a mut String,
        before: usize,
        line: Vec<u8>,
        read: usize,
    }
}

impl<R: AsyncBufRead + Unpin + ?Sized> Future for ReadLine<'_, R> {
    type Output = io::Result<usize>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let me = self.project();
        let polled = ready!(poll_read_until(Pin::new(&mut **me.reader), cx, b'\n', me.line, me.read));
        let (text, valid) = text_after(std::mem::take(me.line), *me.before);
        **me.dst = text;
        // The source's error is the one to report: it explains why the bytes stop where they do.
        Poll::Ready(polled.and_then(|read| valid.map(|()| read)))
    }
}

/// Makes `bytes`, of which the first `before` are a string's, a string again. If the rest is no UTF-8, it is cut off
/// and the error says where in the whole.
pub(super) fn text_after(mut bytes: Vec<u8>, before: usize) -> (String, io::Result<()>) {
    let valid = match std::str::from_utf8(&bytes[before..]) {
        Ok(_) => Ok(()),
        Err(_) => {
            let why = std::str::from_utf8(&bytes).expect_err("a valid part and an invalid one");
            bytes.truncate(before);
            Err(not_utf8(why))
        }
    };
    // SAFETY: the first `before` bytes came out of a String, the others (if any are left) were just checked. So the text
    // in front is not checked again for each line that is appended to it.
    (unsafe { String::from_utf8_unchecked(bytes) }, valid)
}

pin_project! {
    /// The future of [`AsyncBufReadExt::fill_buf`].
    ///
    /// # Examples
    /// ```
    /// use unstuck_io::{AsyncBufReadExt, BufReader};
    /// # unstuck_base::parker::block_on(async {
    ///
    /// let mut reader = BufReader::new(&b"key=value"[..]);
    /// let lent = reader.fill_buf().await?;
    /// let key = lent.split(|byte| *byte == b'=').next().unwrap().len();
    /// reader.consume(key + 1);
    /// assert_eq!(reader.fill_buf().await?, b"value");
    /// # Ok::<_, std::io::Error>(()) }).unwrap();
    /// ```
    #[must_use = "futures do nothing unless you `.await` or poll them"]
    #[project(!Unpin)]
    pub struct FillBuf<'a, R: ?Sized> {
        // Taken when the bytes are lent.
        reader: Option<&'a mut R>,
    }
}

impl<'a, R: AsyncBufRead + Unpin + ?Sized> Future for FillBuf<'a, R> {
    type Output = io::Result<&'a [u8]>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&'a [u8]>> {
        let me = self.project();
        let reader = me.reader.take().expect("fill_buf polled after it returned");
        match Pin::new(&mut *reader).poll_fill_buf(cx) {
            Poll::Ready(Ok(lent)) => {
                // SAFETY: `lent` borrows the reader, which we have for 'a and gave up just above: nobody touches it
                // again while the bytes are lent. The borrow checker does not see it, since in the other arm we keep it.
                Poll::Ready(Ok(unsafe { std::slice::from_raw_parts(lent.as_ptr(), lent.len()) }))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => {
                *me.reader = Some(reader);
                Poll::Pending
            }
        }
    }
}
