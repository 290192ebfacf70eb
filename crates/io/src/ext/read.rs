//! The methods of everything that can be read from.
//!
//! 1. `read` and `read_buf` make one attempt; all others go on until they have what they promise, or an error.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::BufMut;
use pin_project_lite::pin_project;

use super::chain::Chain;
use super::integers::*;
use super::read_buf;
use super::read_to_end::{ReadToEnd, ReadToString};
use super::take::Take;
use crate::errors::{early_eof, is_interrupted};
use crate::{AsyncRead, ReadBuf};

/// Reading: the methods that every [`AsyncRead`] has.
///
/// # Examples
/// ```
/// use unstuck_io::AsyncReadExt;
/// # unstuck_base::parker::block_on(async {
///
/// let mut reader: &[u8] = b"\x00\x05hello, and more";
/// let len = reader.read_u16().await?;
/// let mut word = vec![0; len.into()];
/// reader.read_exact(&mut word).await?;
/// assert_eq!(word, b"hello");
/// # Ok::<_, std::io::Error>(()) }).unwrap();
/// ```
pub trait AsyncReadExt: AsyncRead {
    /// A reader of everything in this one, then everything in `next`.
    ///
    /// # Examples
    /// ```
    /// use unstuck_io::AsyncReadExt;
    /// # unstuck_base::parker::block_on(async {
    ///
    /// let (head, body) = (&b"head "[..], &b"body"[..]);
    /// let mut whole = String::new();
    /// head.chain(body).read_to_string(&mut whole).await?;
    /// assert_eq!(whole, "head body");
    /// # Ok::<_, std::io::Error>(()) }).unwrap();
    /// ```
    fn chain<R>(self, next: R) -> Chain<Self, R>
    where
        Self: Sized,
        R: AsyncRead,
    {
        Chain::new(self, next)
    }

    /// Reads some bytes into `buf`, waiting until there are any, and returns how many.
    ///
    /// 0 means that the end is reached, or that `buf` is empty. Fewer than fit is no sign of the end.
    ///
    /// # Errors
    /// Those of the source; nothing was read by a call that fails.
    ///
    /// # Cancel safety
    /// Safe: a call that is dropped before it returned has read nothing.
    ///
    /// # Examples
    /// ```
    /// use unstuck_io::AsyncReadExt;
    /// # unstuck_base::parker::block_on(async {
    ///
    /// let mut reader: &[u8] = b"hello";
    /// let mut buf = [0; 16];
    /// let n = reader.read(&mut buf).await?;
    /// assert_eq!(&buf[..n], b"hello");
    /// assert_eq!(reader.read(&mut buf).await?, 0);
    /// # Ok::<_, std::io::Error>(()) }).unwrap();
    /// ```
    fn read<'a>(&'a mut self, buf: &'a mut [u8]) -> Read<'a, Self>
    where
        Self: Unpin,
    {
        Read { reader: self, buf }
    }

    /// Reads some bytes into the room that `buf` offers next, waiting until there are any; moves its cursor and
    /// returns how many.
    ///
    /// 0 means that the end is reached, or that `buf` has no room. Whether a growing buffer (a `Vec`, a `BytesMut`)
    /// grows is up to the buffer: it usually does only when it is full.
    ///
    /// # Errors
    /// Those of the source; nothing was read by a call that fails.
    ///
    /// # Panics
    /// If the reader breaks its contract and puts another buffer into the place of the one it was given.
    ///
    /// # Cancel safety
    /// Safe: a call that is dropped before it returned has read nothing.
    ///
    /// # Examples
    /// ```
    /// use bytes::BytesMut;
    /// use unstuck_io::AsyncReadExt;
    /// # unstuck_base::parker::block_on(async {
    ///
    /// let mut reader: &[u8] = b"hello";
    /// let mut buf = BytesMut::with_capacity(16);
    /// while reader.read_buf(&mut buf).await? > 0 {}
    /// assert_eq!(&buf[..], b"hello");
    /// # Ok::<_, std::io::Error>(()) }).unwrap();
    /// ```
    fn read_buf<'a, B>(&'a mut self, buf: &'a mut B) -> read_buf::ReadBuf<'a, Self, B>
    where
        Self: Unpin,
        B: BufMut + ?Sized,
    {
        read_buf::ReadBuf::new(self, buf)
    }

    /// Fills `buf` to its end, and returns its length.
    ///
    /// # Errors
    /// [`UnexpectedEof`](io::ErrorKind::UnexpectedEof) if the source ends first; otherwise those of the source, but for
    /// [`Interrupted`](io::ErrorKind::Interrupted), which is retried. What `buf` holds then, and how much was read, is
    /// not said; it is never more than the length of `buf`.
    ///
    /// # Cancel safety
    /// Not safe: a call that is dropped before it returned may have read some of the bytes into `buf`, and does not say
    /// how many.
    ///
    /// # Examples
    /// ```
    /// use unstuck_io::{AsyncReadExt, ErrorKind};
    /// # unstuck_base::parker::block_on(async {
    ///
    /// let mut reader: &[u8] = b"hello";
    /// let mut buf = [0; 3];
    /// reader.read_exact(&mut buf).await?;
    /// assert_eq!(&buf, b"hel");
    ///
    /// let error = reader.read_exact(&mut buf).await.unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
    /// # Ok::<_, std::io::Error>(()) }).unwrap();
    /// ```
    fn read_exact<'a>(&'a mut self, buf: &'a mut [u8]) -> ReadExact<'a, Self>
    where
        Self: Unpin,
    {
        ReadExact { reader: self, buf: ReadBuf::new(buf) }
    }

    read_number_methods! {
        read_u8, ReadU8, u8, "an unsigned 8-bit integer", to_be_bytes;
        read_i8, ReadI8, i8, "a signed 8-bit integer", to_be_bytes;
        read_u16, ReadU16, u16, "an unsigned 16-bit integer in big-endian order", to_be_bytes;
        read_i16, ReadI16, i16, "a signed 16-bit integer in big-endian order", to_be_bytes;
        read_u32, ReadU32, u32, "an unsigned 32-bit integer in big-endian order", to_be_bytes;
        read_i32, ReadI32, i32, "a signed 32-bit integer in big-endian order", to_be_bytes;
        read_u64, ReadU64, u64, "an unsigned 64-bit integer in big-endian order", to_be_bytes;
        read_i64, ReadI64, i64, "a signed 64-bit integer in big-endian order", to_be_bytes;
        read_u128, ReadU128, u128, "an unsigned 128-bit integer in big-endian order", to_be_bytes;
        read_i128, ReadI128, i128, "a signed 128-bit integer in big-endian order", to_be_bytes;
        read_f32, ReadF32, f32, "a 32-bit floating point number in big-endian order", to_be_bytes;
        read_f64, ReadF64, f64, "a 64-bit floating point number in big-endian order", to_be_bytes;
        read_u16_le, ReadU16Le, u16, "an unsigned 16-bit integer in little-endian order", to_le_bytes;
        read_i16_le, ReadI16Le, i16, "a signed 16-bit integer in little-endian order", to_le_bytes;
        read_u32_le, ReadU32Le, u32, "an unsigned 32-bit integer in little-endian order", to_le_bytes;
        read_i32_le, ReadI32Le, i32, "a signed 32-bit integer in little-endian order", to_le_bytes;
        read_u64_le, ReadU64Le, u64, "an unsigned 64-bit integer in little-endian order", to_le_bytes;
        read_i64_le, ReadI64Le, i64, "a signed 64-bit integer in little-endian order", to_le_bytes;
        read_u128_le, ReadU128Le, u128, "an unsigned 128-bit integer in little-endian order", to_le_bytes;
        read_i128_le, ReadI128Le, i128, "a signed 128-bit integer in little-endian order", to_le_bytes;
        read_f32_le, ReadF32Le, f32, "a 32-bit floating point number in little-endian order", to_le_bytes;
        read_f64_le, ReadF64Le, f64, "a 64-bit floating point number in little-endian order", to_le_bytes;
    }

    /// Reads everything up to the end, appends it to `buf`, and returns how many bytes that was.
    ///
    /// Room that `buf` has already is used before it grows.
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
    /// use unstuck_io::AsyncReadExt;
    /// # unstuck_base::parker::block_on(async {
    ///
    /// let mut reader: &[u8] = b"world";
    /// let mut all = b"hello ".to_vec();
    /// assert_eq!(reader.read_to_end(&mut all).await?, 5);
    /// assert_eq!(all, b"hello world");
    /// # Ok::<_, std::io::Error>(()) }).unwrap();
    /// ```
    fn read_to_end<'a>(&'a mut self, buf: &'a mut Vec<u8>) -> ReadToEnd<'a, Self>
    where
        Self: Unpin,
    {
        ReadToEnd::new(self, buf)
    }

    /// Reads everything up to the end, appends it to `dst` as text, and returns how many bytes that was.
    ///
    /// # Errors
    /// [`InvalidData`](io::ErrorKind::InvalidData) (with a [`Utf8Error`](std::str::Utf8Error) inside) if it is no UTF-8;
    /// otherwise as [`read_to_end`](AsyncReadExt::read_to_end). After any error `dst` is what it was before the call.
    ///
    /// # Cancel safety
    /// Not safe: what a dropped call has read is lost, and `dst` is left empty.
    ///
    /// # Examples
    /// ```
    /// use unstuck_io::AsyncReadExt;
    /// # unstuck_base::parker::block_on(async {
    ///
    /// let mut reader: &[u8] = "grüß dich".as_bytes();
    /// let mut text = String::new();
    /// reader.read_to_string(&mut text).await?;
    /// assert_eq!(text, "grüß dich");
    /// # Ok::<_, std::io::Error>(()) }).unwrap();
    /// ```
    fn read_to_string<'a>(&'a mut self, dst: &'a mut String) -> ReadToString<'a, Self>
    where
        Self: Unpin,
    {
        ReadToString::new(self, dst)
    }

    /// A reader of the next `limit` bytes of this one, which then is at its end.
    ///
    /// # Examples
    /// ```
    /// use unstuck_io::AsyncReadExt;
    /// # unstuck_base::parker::block_on(async {
    ///
    /// let mut reader: &[u8] = b"hello world";
    /// let mut word = String::new();
    /// (&mut reader).take(5).read_to_string(&mut word).await?;
    /// assert_eq!(word, "hello");
    /// assert_eq!(reader, b" world");
    /// # Ok::<_, std::io::Error>(()) }).unwrap();
    /// ```
    fn take(self, limit: u64) -> Take<Self>
    where
        Self: Sized,
    {
        Take::new(self, limit)
    }
}

impl<R: AsyncRead + ?Sized> AsyncReadExt for R {}

pin_project! {
    /// The future of [`AsyncReadExt::read`].
    ///
    /// # Examples
    /// ```
    /// use unstuck_io::{AsyncReadExt, AsyncWriteExt, duplex};
    /// # unstuck_base::parker::block_on(async {
    ///
    /// let (mut client, mut server) = duplex(64);
    /// let mut buf = [0; 8];
    /// let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    /// // Nothing is there, and nothing is lost by giving up.
    /// assert!(std::pin::pin!(server.read(&mut buf)).poll(&mut cx).is_pending());
    /// client.write_all(b"hello").await?;
    /// assert_eq!(server.read(&mut buf).await?, 5);
    /// # Ok::<_, std::io::Error>(()) }).unwrap();
    /// ```
    #[must_use = "futures do nothing unless you `.await` or poll them"]
    #[project(!Unpin)]
    pub struct Read<'a, R: ?Sized> {
        reader: &'a mut R,
        buf: &'a mut [u8],
    }
}

impl<R: AsyncRead + Unpin + ?Sized> Future for Read<'_, R> {
    type Output = io::Result<usize>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let me = self.project();
        let mut buf = ReadBuf::new(me.buf);
        ready!(Pin::new(&mut **me.reader).poll_read(cx, &mut buf))?;
        Poll::Ready(Ok(buf.filled().len()))
    }
}

pin_project! {
    /// The future of [`AsyncReadExt::read_exact`].
    ///
    /// # Examples
    /// ```
    /// use unstuck_io::{AsyncReadExt, ErrorKind};
    /// # unstuck_base::parker::block_on(async {
    ///
    /// let mut reader = &b"12345"[..];
    /// let mut four = [0; 4];
    /// assert_eq!(reader.read_exact(&mut four).await?, 4);
    /// assert_eq!(&four, b"1234");
    /// let error = reader.read_exact(&mut four).await.unwrap_err(); // one is left
    /// assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
    /// # Ok::<_, std::io::Error>(()) }).unwrap();
    /// ```
    #[must_use = "futures do nothing unless you `.await` or poll them"]
    #[project(!Unpin)]
    pub struct ReadExact<'a, R: ?Sized> {
        reader: &'a mut R,
        buf: ReadBuf<'a>,
    }
}

impl<R: AsyncRead + Unpin + ?Sized> Future for ReadExact<'_, R> {
    type Output = io::Result<usize>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let me = self.project();
        ready!(poll_fill(Pin::new(&mut **me.reader), cx, me.buf))?;
        Poll::Ready(Ok(me.buf.capacity()))
    }
}

/// Reads until nothing of `buf` remains to be filled.
#[inline]
pub(super) fn poll_fill<R: AsyncRead + ?Sized>(
    mut reader: Pin<&mut R>,
    cx: &mut Context<'_>,
    buf: &mut ReadBuf<'_>,
) -> Poll<io::Result<()>> {
    while buf.remaining() > 0 {
        let before = buf.remaining();
        match ready!(reader.as_mut().poll_read(cx, buf)) {
            Ok(()) if buf.remaining() == before => return Poll::Ready(Err(early_eof())),
            Err(error) if !is_interrupted(&error) => return Poll::Ready(Err(error)),
            _ => {}
        }
    }
    Poll::Ready(Ok(()))
}
