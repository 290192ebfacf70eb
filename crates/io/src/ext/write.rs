//! The methods of everything that can be written to.
//!
//! 1. `write`, `write_vectored` and `write_buf` make one attempt; the others go on until all is written, or an error.
//! 2. A writer that takes nothing of something takes no more: `WriteZero`.

use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Buf;
use pin_project_lite::pin_project;

use super::integers::*;
use super::write_buf::{WriteAllBuf, WriteBuf};
use crate::AsyncWrite;
use crate::errors::{is_interrupted, write_zero};

/// Writing: the methods that every [`AsyncWrite`] has.
///
/// # Examples
/// ```
/// use unstuck_io::AsyncWriteExt;
/// # unstuck_base::parker::block_on(async {
///
/// let mut message = Vec::new();
/// message.write_u16(5).await?;
/// message.write_all(b"hello").await?;
/// assert_eq!(message, b"\x00\x05hello");
/// # Ok::<_, std::io::Error>(()) }).unwrap();
/// ```
pub trait AsyncWriteExt: AsyncWrite {
    /// Writes bytes from the front of `src`, waiting until some can be taken, and returns how many were.
    ///
    /// 0 means that `src` is empty, or that this writer takes no more. Fewer than all is no error: use
    /// [`write_all`](AsyncWriteExt::write_all) to write all.
    ///
    /// # Errors
    /// Those of the destination; nothing was written by a call that fails.
    ///
    /// # Cancel safety
    /// Safe: a call that is dropped before it returned has written nothing.
    ///
    /// # Examples
    /// ```
    /// use unstuck_io::{AsyncWriteExt, duplex};
    /// # unstuck_base::parker::block_on(async {
    ///
    /// let (mut writer, _reader) = duplex(4);
    /// assert_eq!(writer.write(b"hello").await?, 4);
    /// # Ok::<_, std::io::Error>(()) }).unwrap();
    /// ```
    fn write<'a>(&'a mut self, src: &'a [u8]) -> Write<'a, Self>
    where
        Self: Unpin,
    {
        Write { writer: self, src }
    }

    /// As [`write`](AsyncWriteExt::write), for several slices: writes as if they were one.
    ///
    /// A writer that is not [vectored](AsyncWrite::is_write_vectored) takes from the first slice that is not empty.
    ///
    /// # Errors
    /// As [`write`](AsyncWriteExt::write).
    ///
    /// # Cancel safety
    /// Safe: a call that is dropped before it returned has written nothing.
    ///
    /// # Examples
    /// ```
    /// use std::io::IoSlice;
    /// use unstuck_io::AsyncWriteExt;
    /// # unstuck_base::parker::block_on(async {
    ///
    /// let mut message = Vec::new();
    /// let slices = [IoSlice::new(b"head "), IoSlice::new(b"body")];
    /// assert_eq!(message.write_vectored(&slices).await?, 9);
    /// assert_eq!(message, b"head body");
    /// # Ok::<_, std::io::Error>(()) }).unwrap();
    /// ```
    fn write_vectored<'a, 'b>(&'a mut self, bufs: &'a [IoSlice<'b>]) -> WriteVectored<'a, 'b, Self>
    where
        Self: Unpin,
    {
        WriteVectored { writer: self, bufs }
    }

    /// Writes bytes from the front of `src`, waiting until some can be taken; moves its cursor and returns how many.
    ///
    /// If `src` is in several pieces and the writer [can](AsyncWrite::is_write_vectored), they are written as one.
    ///
    /// # Errors
    /// As [`write`](AsyncWriteExt::write).
    ///
    /// # Cancel safety
    /// Safe: a call that is dropped before it returned has written nothing.
    ///
    /// # Examples
    /// ```
    /// use bytes::Buf;
    /// use unstuck_io::{AsyncWriteExt, duplex};
    /// # unstuck_base::parker::block_on(async {
    ///
    /// let (mut writer, _reader) = duplex(4);
    /// let mut src = &b"hello"[..];
    /// writer.write_buf(&mut src).await?;
    /// assert_eq!(src.remaining(), 1);
    /// # Ok::<_, std::io::Error>(()) }).unwrap();
    /// ```
    fn write_buf<'a, B>(&'a mut self, src: &'a mut B) -> WriteBuf<'a, Self, B>
    where
        Self: Sized + Unpin,
        B: Buf,
    {
        WriteBuf::new(self, src)
    }

    /// Writes all of `src`, moving its cursor as it goes.
    ///
    /// # Errors
    /// As [`write_all`](AsyncWriteExt::write_all). The cursor stands where the writing ended.
    ///
    /// # Cancel safety
    /// A call that is dropped before it returned may have written some of it. The cursor of `src` says how much, so
    /// another call with the same `src` goes on from there.
    ///
    /// # Examples
    /// ```
    /// use bytes::{Buf, Bytes};
    /// use unstuck_io::AsyncWriteExt;
    /// # unstuck_base::parker::block_on(async {
    ///
    /// let mut message = Vec::new();
    /// let mut src = Bytes::from("head ").chain(Bytes::from("body"));
    /// message.write_all_buf(&mut src).await?;
    /// assert_eq!(message, b"head body");
    /// # Ok::<_, std::io::Error>(()) }).unwrap();
    /// ```
    fn write_all_buf<'a, B>(&'a mut self, src: &'a mut B) -> WriteAllBuf<'a, Self, B>
    where
        Self: Sized + Unpin,
        B: Buf,
    {
        WriteAllBuf::new(self, src)
    }

    /// Writes all of `src`.
    ///
    /// # Errors
    /// [`WriteZero`](io::ErrorKind::WriteZero) if the writer takes no more; otherwise those of the destination, but for
    /// [`Interrupted`](io::ErrorKind::Interrupted), which is retried. Some of `src` may have been written.
    ///
    /// # Cancel safety
    /// Not safe: a call that is dropped before it returned may have written some of `src`, and does not say how much.
    /// [`write_all_buf`](AsyncWriteExt::write_all_buf) does.
    ///
    /// # Examples
    /// ```
    /// use std::io::Cursor;
    /// use unstuck_io::{AsyncWriteExt, ErrorKind};
    /// # unstuck_base::parker::block_on(async {
    ///
    /// let mut room = [0; 8];
    /// let mut writer = Cursor::new(&mut room[..]);
    /// writer.write_all(b"hello").await?;
    ///
    /// let error = writer.write_all(b"world").await.unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::WriteZero);
    /// assert_eq!(&room, b"hellowor");
    /// # Ok::<_, std::io::Error>(()) }).unwrap();
    /// ```
    fn write_all<'a>(&'a mut self, src: &'a [u8]) -> WriteAll<'a, Self>
    where
        Self: Unpin,
    {
        WriteAll { writer: self, src }
    }

    write_number_methods! {
        write_u8, WriteU8, u8, "an unsigned 8-bit integer", to_be_bytes;
        write_i8, WriteI8, i8, "a signed 8-bit integer", to_be_bytes;
        write_u16, WriteU16, u16, "an unsigned 16-bit integer in big-endian order", to_be_bytes;
        write_i16, WriteI16, i16, "a signed 16-bit integer in big-endian order", to_be_bytes;
        write_u32, WriteU32, u32, "an unsigned 32-bit integer in big-endian order", to_be_bytes;
        write_i32, WriteI32, i32, "a signed 32-bit integer in big-endian order", to_be_bytes;
        write_u64, WriteU64, u64, "an unsigned 64-bit integer in big-endian order", to_be_bytes;
        write_i64, WriteI64, i64, "a signed 64-bit integer in big-endian order", to_be_bytes;
        write_u128, WriteU128, u128, "an unsigned 128-bit integer in big-endian order", to_be_bytes;
        write_i128, WriteI128, i128, "a signed 128-bit integer in big-endian order", to_be_bytes;
        write_f32, WriteF32, f32, "a 32-bit floating point number in big-endian order", to_be_bytes;
        write_f64, WriteF64, f64, "a 64-bit floating point number in big-endian order", to_be_bytes;
        write_u16_le, WriteU16Le, u16, "an unsigned 16-bit integer in little-endian order", to_le_bytes;
        write_i16_le, WriteI16Le, i16, "a signed 16-bit integer in little-endian order", to_le_bytes;
        write_u32_le, WriteU32Le, u32, "an unsigned 32-bit integer in little-endian order", to_le_bytes;
        write_i32_le, WriteI32Le, i32, "a signed 32-bit integer in little-endian order", to_le_bytes;
        write_u64_le, WriteU64Le, u64, "an unsigned 64-bit integer in little-endian order", to_le_bytes;
        write_i64_le, WriteI64Le, i64, "a signed 64-bit integer in little-endian order", to_le_bytes;
        write_u128_le, WriteU128Le, u128, "an unsigned 128-bit integer in little-endian order", to_le_bytes;
        write_i128_le, WriteI128Le, i128, "a signed 128-bit integer in little-endian order", to_le_bytes;
        write_f32_le, WriteF32Le, f32, "a 32-bit floating point number in little-endian order", to_le_bytes;
        write_f64_le, WriteF64Le, f64, "a 64-bit floating point number in little-endian order", to_le_bytes;
    }

    /// Sends on what was written but is still held back in a buffer, and waits until it is gone.
    ///
    /// # Errors
    /// Those of the destination.
    ///
    /// # Cancel safety
    /// Safe: a call that is dropped before it returned may have sent some of it; the rest is still there for the next
    /// one.
    ///
    /// # Examples
    /// ```
    /// use unstuck_io::{AsyncWriteExt, BufWriter};
    /// # unstuck_base::parker::block_on(async {
    ///
    /// let mut writer = BufWriter::new(Vec::new());
    /// writer.write_all(b"hello").await?;
    /// assert_eq!(writer.get_ref(), b"");
    /// writer.flush().await?;
    /// assert_eq!(writer.get_ref(), b"hello");
    /// # Ok::<_, std::io::Error>(()) }).unwrap();
    /// ```
    fn flush(&mut self) -> Flush<'_, Self>
    where
        Self: Unpin,
    {
        Flush { writer: self }
    }

    /// Flushes, ends the writing in an orderly way, and waits until that is done. A TCP stream sends its end here; what
    /// it receives can still be read.
    ///
    /// # Errors
    /// Those of the destination.
    ///
    /// # Cancel safety
    /// A call that is dropped before it returned may have begun: nothing should be written any more, and another call
    /// goes on with it.
    ///
    /// # Examples
    /// ```
    /// use unstuck_io::{AsyncReadExt, AsyncWriteExt, duplex};
    /// # unstuck_base::parker::block_on(async {
    ///
    /// let (mut client, mut server) = duplex(64);
    /// client.write_all(b"bye").await?;
    /// client.shutdown().await?;
    ///
    /// let mut all = String::new();
    /// server.read_to_string(&mut all).await?;
    /// assert_eq!(all, "bye");
    /// # Ok::<_, std::io::Error>(()) }).unwrap();
    /// ```
    fn shutdown(&mut self) -> Shutdown<'_, Self>
    where
        Self: Unpin,
    {
        Shutdown { writer: self }
    }
}

impl<W: AsyncWrite + ?Sized> AsyncWriteExt for W {}

pin_project! {
    /// The future of [`AsyncWriteExt::write`].
    ///
    /// # Examples
    /// ```
    /// use unstuck_io::{AsyncWriteExt, duplex};
    /// # unstuck_base::parker::block_on(async {
    ///
    /// let (mut client, _server) = duplex(3);
    /// assert_eq!(client.write(b"hello").await?, 3); // there is room for that
    /// let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    /// assert!(std::pin::pin!(client.write(b"lo")).poll(&mut cx).is_pending());
    /// # Ok::<_, std::io::Error>(()) }).unwrap();
    /// ```
    #[must_use = "futures do nothing unless you `.await` or poll them"]
    #[project(!Unpin)]
    pub struct Write<'a, W: ?Sized> {
        writer: &'a mut W,
        src: &'a [u8],
    }
}

impl<W: AsyncWrite + Unpin + ?Sized> Future for Write<'_, W> {
    type Output = io::Result<usize>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let me = self.project();
        Pin::new(&mut **me.writer).poll_write(cx, me.src)
    }
}

pin_project! {
    /// The future of [`AsyncWriteExt::write_vectored`].
    ///
    /// # Examples
    /// ```
    /// use std::io::IoSlice;
    /// use unstuck_io::AsyncWriteExt;
    /// # unstuck_base::parker::block_on(async {
    ///
    /// let mut message = Vec::new();
    /// let parts = [IoSlice::new(b"head"), IoSlice::new(b": "), IoSlice::new(b"body")];
    /// assert_eq!(message.write_vectored(&parts).await?, 10);
    /// assert_eq!(message, b"head: body");
    /// # Ok::<_, std::io::Error>(()) }).unwrap();
    /// ```
    #[must_use = "futures do nothing unless you `.await` or poll them"]
    #[project(!Unpin)]
    pub struct WriteVectored<'a, 'b, W: ?Sized> {
        writer: &'a mut W,
        bufs: &'a [IoSlice<'b>],
    }
}

impl<W: AsyncWrite + Unpin + ?Sized> Future for WriteVectored<'_, '_, W> {
    type Output = io::Result<usize>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let me = self.project();
        Pin::new(&mut **me.writer).poll_write_vectored(cx, me.bufs)
    }
}

pin_project! {
    /// The future of [`AsyncWriteExt::write_all`].
    ///
    /// # Examples
    /// ```
    /// use unstuck_io::{AsyncReadExt, AsyncWriteExt, duplex};
    /// # unstuck_base::parker::block_on(async {
    ///
    /// let (mut client, mut server) = duplex(3);
    /// let mut writing = std::pin::pin!(client.write_all(b"hello"));
    /// let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    /// assert!(writing.as_mut().poll(&mut cx).is_pending()); // "lo" does not fit
    /// server.read_exact(&mut [0; 3]).await?;
    /// writing.await?;
    /// assert_eq!(server.read(&mut [0; 16]).await?, 2);
    /// # Ok::<_, std::io::Error>(()) }).unwrap();
    /// ```
    #[must_use = "futures do nothing unless you `.await` or poll them"]
    #[project(!Unpin)]
    pub struct WriteAll<'a, W: ?Sized> {
        writer: &'a mut W,
        src: &'a [u8],
    }
}

impl<W: AsyncWrite + Unpin + ?Sized> Future for WriteAll<'_, W> {
    type Output = io::Result<()>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let me = self.project();
        while !me.src.is_empty() {
            match ready!(Pin::new(&mut **me.writer).poll_write(cx, me.src)) {
                Ok(0) => return Poll::Ready(Err(write_zero())),
                Ok(n) => *me.src = &me.src[n..],
                Err(error) if is_interrupted(&error) => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        Poll::Ready(Ok(()))
    }
}

pin_project! {
    /// The future of [`AsyncWriteExt::flush`].
    ///
    /// # Examples
    /// ```
    /// use unstuck_io::{AsyncReadExt, AsyncWriteExt, BufWriter, duplex};
    /// # unstuck_base::parker::block_on(async {
    ///
    /// let (client, mut server) = duplex(64);
    /// let mut client = BufWriter::new(client);
    /// client.write_all(b"question").await?;
    /// client.flush().await?; // else nobody would answer
    /// assert_eq!(server.read(&mut [0; 16]).await?, 8);
    /// # Ok::<_, std::io::Error>(()) }).unwrap();
    /// ```
    #[must_use = "futures do nothing unless you `.await` or poll them"]
    #[project(!Unpin)]
    pub struct Flush<'a, W: ?Sized> {
        writer: &'a mut W,
    }
}

impl<W: AsyncWrite + Unpin + ?Sized> Future for Flush<'_, W> {
    type Output = io::Result<()>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut **self.project().writer).poll_flush(cx)
    }
}

pin_project! {
    /// The future of [`AsyncWriteExt::shutdown`].
    ///
    /// # Examples
    /// ```
    /// use unstuck_io::{AsyncReadExt, AsyncWriteExt, duplex};
    /// # unstuck_base::parker::block_on(async {
    ///
    /// let (mut client, mut server) = duplex(64);
    /// client.shutdown().await?;
    /// assert_eq!(server.read(&mut [0; 16]).await?, 0); // the end
    /// server.write_all(b"goodbye").await?;
    /// assert_eq!(client.read(&mut [0; 16]).await?, 7); // of one direction only
    /// # Ok::<_, std::io::Error>(()) }).unwrap();
    /// ```
    #[must_use = "futures do nothing unless you `.await` or poll them"]
    #[project(!Unpin)]
    pub struct Shutdown<'a, W: ?Sized> {
        writer: &'a mut W,
    }
}

impl<W: AsyncWrite + Unpin + ?Sized> Future for Shutdown<'_, W> {
    type Output = io::Result<()>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut **self.project().writer).poll_shutdown(cx)
    }
}
