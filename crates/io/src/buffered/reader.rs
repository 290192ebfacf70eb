//! A buffer in front of a reader.
//!
//! 1. `buf[start..end]` is what was read and not yet asked for; the reader stands behind it.
//! 2. The buffer is filled only when it is empty, by one read.
//! 3. A seek throws the buffer away when it succeeds, and only then: after an error the position is what it was.

use std::fmt;
use std::io::{self, IoSlice, SeekFrom};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use super::{DEFAULT_CAPACITY, Fill, Seeking};
use crate::{AsyncBufRead, AsyncRead, AsyncSeek, AsyncWrite, ReadBuf};

pin_project! {
    /// A reader with a buffer: few large reads instead of many small ones, and reading by lines.
    ///
    /// It helps where small pieces are read from a socket or a file; for what is in memory anyway, or for large reads,
    /// it does nothing. Bytes in the buffer are lost when it is dropped, so read from one `BufReader` per source.
    ///
    /// Seeking goes from where the user has read to, not from where the source stands, and empties the buffer: it is a
    /// call to the source every time. (If `SeekFrom::Current` less what is in the buffer is no `i64`, the source seeks
    /// twice. When the second of these fails, it stands where `SeekFrom::Current(0)` would have left it.)
    ///
    /// # Examples
    /// ```
    /// use unstuck_io::{AsyncBufReadExt, BufReader};
    /// # unstuck_base::parker::block_on(async {
    ///
    /// let mut reader = BufReader::new(&b"one\ntwo\n"[..]);
    /// let mut line = String::new();
    /// reader.read_line(&mut line).await?;
    /// assert_eq!(line, "one\n");
    /// assert_eq!(reader.buffer(), b"two\n");
    /// # Ok::<_, std::io::Error>(()) }).unwrap();
    /// ```
    pub struct BufReader<R> {
        #[pin]
        pub(super) reader: R,
        pub(super) buf: Box<[u8]>,
        pub(super) start: usize,
        pub(super) end: usize,
        pub(super) seeking: Seeking,
    }
}

impl<R: AsyncRead> BufReader<R> {
    /// A buffer of 8 KiB (which may change) around `inner`.
    ///
    /// # Examples
    /// ```
    /// use unstuck_io::{AsyncBufReadExt, BufReader};
    /// # unstuck_base::parker::block_on(async {
    ///
    /// let mut reader = BufReader::new(&b"one\ntwo\n"[..]);
    /// let mut line = String::new();
    /// reader.read_line(&mut line).await?;
    /// assert_eq!(line, "one\n");
    /// # Ok::<_, std::io::Error>(()) }).unwrap();
    /// ```
    pub fn new(inner: R) -> Self {
        Self::with_capacity(DEFAULT_CAPACITY, inner)
    }

    /// A buffer of `capacity` bytes around `inner`.
    ///
    /// # Panics
    /// If `capacity` is 0: an empty buffer could not be told from the end.
    ///
    /// # Examples
    /// ```
    /// use unstuck_io::{AsyncBufReadExt, BufReader};
    /// # unstuck_base::parker::block_on(async {
    ///
    /// let mut reader = BufReader::with_capacity(4, &b"hello"[..]);
    /// assert_eq!(reader.fill_buf().await?, b"hell");
    /// # Ok::<_, std::io::Error>(()) }).unwrap();
    /// ```
    #[track_caller]
    pub fn with_capacity(capacity: usize, inner: R) -> Self {
        assert!(capacity > 0, "a reader's buffer capacity must be greater than zero");
        let buf = vec![0; capacity].into_boxed_slice();
        BufReader { reader: inner, buf, start: 0, end: 0, seeking: Seeking::No }
    }

    /// The reader, to look at.
    ///
    /// # Examples
    /// ```
    /// use unstuck_io::BufReader;
    ///
    /// let reader = BufReader::new(&b"hello"[..]);
    /// assert_eq!(reader.get_ref().len(), 5); // nothing was read yet
    /// ```
    pub fn get_ref(&self) -> &R {
        &self.reader
    }

    /// The reader. What is read from it directly comes out of order.
    ///
    /// # Examples
    /// ```
    /// use unstuck_io::{AsyncReadExt, BufReader};
    /// # unstuck_base::parker::block_on(async {
    ///
    /// let mut reader = BufReader::new(&b"one"[..]);
    /// let mut text = String::new();
    /// reader.read_to_string(&mut text).await?;
    /// *reader.get_mut() = b" and two"; // the first one is at its end
    /// reader.read_to_string(&mut text).await?;
    /// assert_eq!(text, "one and two");
    /// # Ok::<_, std::io::Error>(()) }).unwrap();
    /// ```
    pub fn get_mut(&mut self) -> &mut R {
        &mut self.reader
    }

    /// The reader, pinned. What is read from it directly comes out of order.
    ///
    /// # Examples
    /// ```
    /// use std::pin::Pin;
    /// use unstuck_io::{AsyncReadExt, BufReader};
    /// # unstuck_base::parker::block_on(async {
    ///
    /// let mut reader = BufReader::new(&b"hello"[..]);
    /// let mut inner = Pin::new(&mut reader).get_pin_mut();
    /// let mut first = [0; 1];
    /// inner.read_exact(&mut first).await?;
    /// assert_eq!((&first, reader.get_ref()), (b"h", &&b"ello"[..]));
    /// # Ok::<_, std::io::Error>(()) }).unwrap();
    /// ```
    pub fn get_pin_mut(self: Pin<&mut Self>) -> Pin<&mut R> {
        self.project().reader
    }

    /// Gives the reader back. What is in the buffer is lost.
    ///
    /// # Examples
    /// ```
    /// use unstuck_io::{AsyncBufReadExt, BufReader};
    /// # unstuck_base::parker::block_on(async {
    ///
    /// let mut reader = BufReader::with_capacity(4, &b"one two"[..]);
    /// assert_eq!(reader.fill_buf().await?, b"one ");
    /// assert_eq!(reader.into_inner(), b"two"); // what was buffered is lost
    /// # Ok::<_, std::io::Error>(()) }).unwrap();
    /// ```
    pub fn into_inner(self) -> R {
        self.reader
    }

    /// What was read and not yet asked for. Never reads.
    ///
    /// # Examples
    /// ```
    /// use unstuck_io::{AsyncReadExt, BufReader};
    /// # unstuck_base::parker::block_on(async {
    ///
    /// let mut reader = BufReader::new(&b"hello"[..]);
    /// assert!(reader.buffer().is_empty());
    /// assert_eq!(reader.read_u8().await?, b'h');
    /// assert_eq!(reader.buffer(), b"ello");
    /// # Ok::<_, std::io::Error>(()) }).unwrap();
    /// ```
    pub fn buffer(&self) -> &[u8] {
        &self.buf[self.start..self.end]
    }
}

impl<R: AsyncRead> AsyncRead for BufReader<R> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.start == self.end && buf.remaining() >= self.buf.len() {
            return self.project().reader.poll_read(cx, buf);
        }
        let lent = ready!(self.as_mut().poll_fill_buf(cx))?;
        let read = lent.len().min(buf.remaining());
        buf.put_slice(&lent[..read]);
        self.consume(read);
        Poll::Ready(Ok(()))
    }
}

impl<R: AsyncRead> AsyncBufRead for BufReader<R> {
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let me = self.project();
        if *me.start == *me.end {
            let mut buf = ReadBuf::new(me.buf);
            ready!(me.reader.poll_read(cx, &mut buf))?;
            let read = buf.filled().len();
            assert!(read <= me.buf.len(), "a reader exchanged the buffer it was given");
            (*me.start, *me.end) = (0, read);
        }
        Poll::Ready(Ok(&me.buf[*me.start..*me.end]))
    }

    fn consume(self: Pin<&mut Self>, amt: usize) {
        let me = self.project();
        *me.start = me.start.saturating_add(amt).min(*me.end);
    }
}

impl<R: AsyncRead + AsyncSeek> AsyncSeek for BufReader<R> {
    /// Only notes the position: the moves are made by `poll_complete`, which can wait between them.
    fn start_seek(self: Pin<&mut Self>, position: SeekFrom) -> io::Result<()> {
        let seeking = self.project().seeking;
        if let Seeking::Rewinding(_) | Seeking::Moving = seeking {
            return Err(io::Error::other("another seek is under way: wait for poll_complete first"));
        }
        *seeking = Seeking::Asked(position);
        Ok(())
    }

    fn poll_complete(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<u64>> {
        let mut me = self.project();
        loop {
            // After an error no seek is under way, so it is taken out and put back only to go on.
            let seeking = std::mem::replace(me.seeking, Seeking::No);
            let Poll::Ready(completed) = me.reader.as_mut().poll_complete(cx) else {
                *me.seeking = seeking;
                return Poll::Pending;
            };
            let at = completed?;
            match seeking {
                Seeking::No => return Poll::Ready(Ok(at)),
                Seeking::Asked(position) => {
                    let (first, then) = moves(position, *me.end - *me.start);
                    me.reader.as_mut().start_seek(first)?;
                    *me.seeking = then;
                }
                Seeking::Rewinding(offset) => {
                    (*me.start, *me.end) = (0, 0);
                    me.reader.as_mut().start_seek(SeekFrom::Current(offset))?;
                    *me.seeking = Seeking::Moving;
                }
                Seeking::Moving => {
                    (*me.start, *me.end) = (0, 0);
                    return Poll::Ready(Ok(at));
                }
            }
        }
    }
}

/// The first move of the source that is `buffered` bytes ahead of the user, and what is under way then.
fn moves(position: SeekFrom, buffered: usize) -> (SeekFrom, Seeking) {
    let SeekFrom::Current(offset) = position else { return (position, Seeking::Moving) };
    let ahead = buffered as i64;
    match offset.checked_sub(ahead) {
        Some(offset) => (SeekFrom::Current(offset), Seeking::Moving),
        None => (SeekFrom::Current(-ahead), Seeking::Rewinding(offset)),
    }
}

impl<R: AsyncRead + AsyncWrite> AsyncWrite for BufReader<R> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.project().reader.poll_write(cx, buf)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.project().reader.poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.reader.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.project().reader.poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.project().reader.poll_shutdown(cx)
    }
}

impl<R: fmt::Debug> fmt::Debug for BufReader<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BufReader")
            .field("reader", &self.reader)
            .field("buffer", &Fill(self.end - self.start, self.buf.len()))
            .finish()
    }
}
