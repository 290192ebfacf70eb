//! Reading up to the end into a vector or a string.
//!
//! 1. A vector that was made large enough does not grow: when little room is left, the end is looked for with a read
//!    into a few bytes of the stack.
//! 2. What a reader initialised without filling it stays known as initialised for the next read, as long as the vector
//!    does not move.
//! 3. A reader that fills all it is given probably has more: then the vector grows in larger steps, for fewer reads.

use std::future::Future;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use super::buf_read::text_after;
use crate::errors::is_interrupted;
use crate::{AsyncRead, ReadBuf};

/// With less room than this, the vector grows (or rule 1 applies).
const LITTLE: usize = 32;
/// How much room there is at least after a reader filled all it was given.
const MUCH: usize = 4096;

/// What is known about the vector between two reads; it is always the same vector.
struct Growth {
    capacity_at_start: usize,
    /// How many bytes behind its length are initialised.
    initialized: usize,
    has_more: bool,
    read: usize,
}

impl Growth {
    fn of(vec: &Vec<u8>) -> Self {
        Growth { capacity_at_start: vec.capacity(), initialized: 0, has_more: false, read: 0 }
    }

    fn poll_read_to_end<R: AsyncRead + ?Sized>(
        &mut self,
        mut reader: Pin<&mut R>,
        cx: &mut Context<'_>,
        vec: &mut Vec<u8>,
    ) -> Poll<io::Result<usize>> {
        loop {
            let polled = if vec.capacity() - vec.len() >= LITTLE {
                self.poll_read_once(reader.as_mut(), cx, vec)
            } else if vec.capacity() == self.capacity_at_start {
                self.poll_probe(reader.as_mut(), cx, vec)
            } else {
                self.initialized = 0;
                vec.reserve(if self.has_more { MUCH } else { LITTLE });
                continue;
            };
            match ready!(polled) {
                Ok(0) => return Poll::Ready(Ok(self.read)),
                Ok(n) => self.read += n,
                Err(error) if is_interrupted(&error) => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }

    /// Reads once into the room behind the vector's length.
    fn poll_read_once<R: AsyncRead + ?Sized>(
        &mut self,
        reader: Pin<&mut R>,
        cx: &mut Context<'_>,
        vec: &mut Vec<u8>,
    ) -> Poll<io::Result<usize>> {
        let room = vec.spare_capacity_mut();
        let start = room.as_ptr();
        let mut buf = ReadBuf::uninit(room);
        // SAFETY: rule 2: these bytes were initialised by an earlier read, and the vector has not moved since.
        unsafe { buf.assume_init(self.initialized) };
        let polled = reader.poll_read(cx, &mut buf);
        assert!(std::ptr::eq(buf.filled().as_ptr(), start.cast()), "a reader exchanged the buffer it was given");
        let read = match polled {
            Poll::Ready(Ok(())) => buf.filled().len(),
            _ => 0,
        };
        self.has_more = read == buf.capacity();
        self.initialized = buf.initialized().len() - read;
        // SAFETY: it is the vector's own room (just checked), and the filled part of a `ReadBuf` is initialised.
        unsafe { vec.set_len(vec.len() + read) };
        polled.map_ok(|()| read)
    }

    /// Reads once into the stack, to see whether the end is reached (rule 1).
    fn poll_probe<R: AsyncRead + ?Sized>(
        &mut self,
        reader: Pin<&mut R>,
        cx: &mut Context<'_>,
        vec: &mut Vec<u8>,
    ) -> Poll<io::Result<usize>> {
        let mut stack = [MaybeUninit::uninit(); LITTLE];
        let mut buf = ReadBuf::uninit(&mut stack);
        ready!(reader.poll_read(cx, &mut buf))?;
        self.has_more = buf.remaining() == 0;
        self.initialized = 0;
        vec.extend_from_slice(buf.filled());
        Poll::Ready(Ok(buf.filled().len()))
    }
}

pin_project! {
    /// The future of [`AsyncReadExt::read_to_end`](crate::AsyncReadExt::read_to_end).
    ///
    /// # Examples
    /// ```
    /// use unstuck_io::AsyncReadExt;
    /// # unstuck_base::parker::block_on(async {
    ///
    /// let mut all = vec![0];
    /// let mut reader = (&[1, 2][..]).chain(&[3][..]);
    /// assert_eq!(reader.read_to_end(&mut all).await?, 3);
    /// assert_eq!(all, [0, 1, 2, 3]);
    /// # Ok::<_, std::io::Error>(()) }).unwrap();
    /// ```
    #[must_use = "futures do nothing unless you `.await` or poll them"]
    #[project(!Unpin)]
    pub struct ReadToEnd<'a, R: ?Sized> {
        reader: &'a mut R,
        vec: &'a mut Vec<u8>,
        growth: Growth,
    }
}

impl<'a, R: ?Sized> ReadToEnd<'a, R> {
    pub(super) fn new(reader: &'a mut R, vec: &'a mut Vec<u8>) -> Self {
        let growth = Growth::of(vec);
        ReadToEnd { reader, vec, growth }
    }
}

impl<R: AsyncRead + Unpin + ?Sized> Future for ReadToEnd<'_, R> {
    type Output = io::Result<usize>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let me = self.project();
        me.growth.poll_read_to_end(Pin::new(&mut **me.reader), cx, me.vec)
    }
}

pin_project! {
    /// The future of [`AsyncReadExt::read_to_string`](crate::AsyncReadExt::read_to_string).
    ///
    /// # Examples
    /// ```
    /// use unstuck_io::{AsyncReadExt, ErrorKind};
    /// # unstuck_base::parker::block_on(async {
    ///
    /// let mut text = String::from("kept");
    /// let mut reader = &b"not text: \xff"[..];
    /// let error = reader.read_to_string(&mut text).await.unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::InvalidData);
    /// assert_eq!(text, "kept");
    /// # Ok::<_, std::io::Error>(()) }).unwrap();
    /// ```
    #[must_use = "futures do nothing unless you `.await` or poll them"]
    #[project(!Unpin)]
    pub struct ReadToString<'a, R: ?Sized> {
        reader: &'a mut R,
        // Empty while the future lives: its text is the first `before` bytes of `bytes`.
        dst: &'a mut String,
        before: usize,
        bytes: Vec<u8>,
        growth: Growth,
    }
}

impl<'a, R: ?Sized> ReadToString<'a, R> {
    pub(super) fn new(reader: &'a mut R, dst: &'a mut String) -> Self {
        let bytes = std::mem::take(dst).into_bytes();
        let growth = Growth::of(&bytes);
        ReadToString { reader, dst, before: bytes.len(), bytes, growth }
    }
}

impl<R: AsyncRead + Unpin + ?Sized> Future for ReadToString<'_, R> {
    type Output = io::Result<usize>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let me = self.project();
        let polled = ready!(me.growth.poll_read_to_end(Pin::new(&mut **me.reader), cx, me.bytes));
        let mut bytes = std::mem::take(me.bytes);
        if polled.is_err() {
            bytes.truncate(*me.before);
        }
        let (text, valid) = text_after(bytes, *me.before);
        **me.dst = text;
        Poll::Ready(polled.and_then(|read| valid.map(|()| read)))
    }
}
