//! Numbers in a fixed number of bytes: one future for each width, sign and order, all made by two macros.
//!
//! 1. A future holds the bytes that it has read or not yet written. That is why reading more than one byte is not
//!    cancel safe.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use super::read::poll_fill;
use crate::errors::{is_interrupted, write_zero};
use crate::{AsyncRead, AsyncWrite, ReadBuf};

/// The methods of `AsyncReadExt` that read a number: `name, future, type, what, how the example makes its bytes;`
macro_rules! read_number_methods {
    ($($read:ident, $Future:ident, $Number:ident, $what:literal, $to_bytes:ident;)*) => { $(
        #[doc = concat!("Reads ", $what, ".")]
        ///
        /// Where many small things are read from a socket or a file, read from a [`BufReader`](crate::BufReader) around
        /// it: each call asks the source.
        ///
        /// # Errors
        /// As [`read_exact`](AsyncReadExt::read_exact).
        ///
        /// # Cancel safety
        #[doc = $crate::ext::integers::read_cancel_safety!($Number)]
        ///
        /// # Examples
        /// ```
        /// use unstuck_io::AsyncReadExt;
        /// # unstuck_base::parker::block_on(async {
        ///
        #[doc = concat!("let bytes = (7 as ", stringify!($Number), ").", stringify!($to_bytes), "();")]
        #[doc = concat!("assert_eq!((&bytes[..]).", stringify!($read), "().await?, 7 as ", stringify!($Number), ");")]
        /// # Ok::<_, std::io::Error>(()) }).unwrap();
        /// ```
        fn $read(&mut self) -> $Future<&mut Self>
        where
            Self: Unpin,
        {
            $Future::new(self)
        }
    )* };
}

macro_rules! read_cancel_safety {
    (u8) => {
        "Safe: a call that is dropped before it returned has read nothing."
    };
    (i8) => {
        "Safe: a call that is dropped before it returned has read nothing."
    };
    ($_:ident) => {
        "Not safe: a call that is dropped before it returned may have read some of the bytes, which are lost."
    };
}

/// The methods of `AsyncWriteExt` that write a number: `name, future, type, what, how the example makes its bytes;`
macro_rules! write_number_methods {
    ($($write:ident, $Future:ident, $Number:ident, $what:literal, $to_bytes:ident;)*) => { $(
        #[doc = concat!("Writes ", $what, ".")]
        ///
        /// Where many small things are written to a socket or a file, write to a [`BufWriter`](crate::BufWriter) around
        /// it: each call asks the destination.
        ///
        /// # Errors
        /// As [`write_all`](AsyncWriteExt::write_all).
        ///
        /// # Cancel safety
        #[doc = $crate::ext::integers::write_cancel_safety!($Number)]
        ///
        /// # Examples
        /// ```
        /// use unstuck_io::AsyncWriteExt;
        /// # unstuck_base::parker::block_on(async {
        ///
        /// let mut bytes = Vec::new();
        #[doc = concat!("bytes.", stringify!($write), "(7 as ", stringify!($Number), ").await?;")]
        #[doc = concat!("assert_eq!(bytes, (7 as ", stringify!($Number), ").", stringify!($to_bytes), "());")]
        /// # Ok::<_, std::io::Error>(()) }).unwrap();
        /// ```
        fn $write(&mut self, n: $Number) -> $Future<&mut Self>
        where
            Self: Unpin,
        {
            $Future::new(self, n)
        }
    )* };
}

macro_rules! write_cancel_safety {
    (u8) => {
        "Safe: a call that is dropped before it returned has written nothing."
    };
    (i8) => {
        "Safe: a call that is dropped before it returned has written nothing."
    };
    ($_:ident) => {
        "Not safe: a call that is dropped before it returned may have written some of the bytes."
    };
}

pub(super) use {read_number_methods, write_number_methods};
// Only the two macros above say these, by their path.
pub(crate) use {read_cancel_safety, write_cancel_safety};

macro_rules! number_futures {
    ($($read:ident, $Read:ident, $write:ident, $Write:ident, $Number:ident, $from_bytes:ident, $to_bytes:ident;)*) => { $(
        pin_project! {
            #[doc = concat!("The future of [`", stringify!($read), "`](crate::AsyncReadExt::", stringify!($read), ").")]
            ///
            /// # Examples
            /// ```
            /// use unstuck_io::AsyncReadExt;
            /// # unstuck_base::parker::block_on(async {
            ///
            #[doc = concat!("let bytes = (7 as ", stringify!($Number), ").", stringify!($to_bytes), "();")]
            /// // It waits until the last byte is there, in however many pieces they come.
            /// let mut reader = bytes[..1].chain(&bytes[1..]);
            #[doc = concat!("assert_eq!(reader.", stringify!($read), "().await?, 7 as ", stringify!($Number), ");")]
            #[doc = concat!("assert!(reader.", stringify!($read), "().await.is_err()); // that was all")]
            /// # Ok::<_, std::io::Error>(()) }).unwrap();
            /// ```
            #[must_use = "futures do nothing unless you `.await` or poll them"]
            #[project(!Unpin)]
            pub struct $Read<R> {
                #[pin]
                reader: R,
                bytes: [u8; size_of::<$Number>()],
                read: u8,
            }
        }

        impl<R> $Read<R> {
            pub(super) fn new(reader: R) -> Self {
                $Read { reader, bytes: [0; size_of::<$Number>()], read: 0 }
            }
        }

        impl<R: AsyncRead> Future for $Read<R> {
            type Output = io::Result<$Number>;

            #[inline]
            fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<$Number>> {
                let me = self.project();
                ready!(poll_read_bytes(me.reader, cx, me.bytes, me.read))?;
                Poll::Ready(Ok($Number::$from_bytes(*me.bytes)))
            }
        }

        pin_project! {
            #[doc = concat!("The future of [`", stringify!($write), "`](crate::AsyncWriteExt::", stringify!($write), ").")]
            ///
            /// # Examples
            /// ```
            /// use std::io::Cursor;
            /// use unstuck_io::AsyncWriteExt;
            /// # unstuck_base::parker::block_on(async {
            ///
            #[doc = concat!("let number = 7 as ", stringify!($Number), ";")]
            #[doc = concat!("let mut room = [0; size_of::<", stringify!($Number), ">()];")]
            /// let mut writer = Cursor::new(&mut room[..]);
            #[doc = concat!("writer.", stringify!($write), "(number).await?;")]
            #[doc = concat!("assert!(writer.", stringify!($write), "(number).await.is_err()); // no room for two")]
            #[doc = concat!("assert_eq!(room, number.", stringify!($to_bytes), "());")]
            /// # Ok::<_, std::io::Error>(()) }).unwrap();
            /// ```
            #[must_use = "futures do nothing unless you `.await` or poll them"]
            #[project(!Unpin)]
            pub struct $Write<W> {
                #[pin]
                writer: W,
                bytes: [u8; size_of::<$Number>()],
                written: u8,
            }
        }

        impl<W> $Write<W> {
            pub(super) fn new(writer: W, number: $Number) -> Self {
                $Write { writer, bytes: number.$to_bytes(), written: 0 }
            }
        }

        impl<W: AsyncWrite> Future for $Write<W> {
            type Output = io::Result<()>;

            #[inline]
            fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                let me = self.project();
                poll_write_bytes(me.writer, cx, me.bytes, me.written)
            }
        }
    )* };
}

number_futures! {
    read_u8, ReadU8, write_u8, WriteU8, u8, from_be_bytes, to_be_bytes;
    read_i8, ReadI8, write_i8, WriteI8, i8, from_be_bytes, to_be_bytes;
    read_u16, ReadU16, write_u16, WriteU16, u16, from_be_bytes, to_be_bytes;
    read_i16, ReadI16, write_i16, WriteI16, i16, from_be_bytes, to_be_bytes;
    read_u32, ReadU32, write_u32, WriteU32, u32, from_be_bytes, to_be_bytes;
    read_i32, ReadI32, write_i32, WriteI32, i32, from_be_bytes, to_be_bytes;
    read_u64, ReadU64, write_u64, WriteU64, u64, from_be_bytes, to_be_bytes;
    read_i64, ReadI64, write_i64, WriteI64, i64, from_be_bytes, to_be_bytes;
    read_u128, ReadU128, write_u128, WriteU128, u128, from_be_bytes, to_be_bytes;
    read_i128, ReadI128, write_i128, WriteI128, i128, from_be_bytes, to_be_bytes;
    read_f32, ReadF32, write_f32, WriteF32, f32, from_be_bytes, to_be_bytes;
    read_f64, ReadF64, write_f64, WriteF64, f64, from_be_bytes, to_be_bytes;
    read_u16_le, ReadU16Le, write_u16_le, WriteU16Le, u16, from_le_bytes, to_le_bytes;
    read_i16_le, ReadI16Le, write_i16_le, WriteI16Le, i16, from_le_bytes, to_le_bytes;
    read_u32_le, ReadU32Le, write_u32_le, WriteU32Le, u32, from_le_bytes, to_le_bytes;
    read_i32_le, ReadI32Le, write_i32_le, WriteI32Le, i32, from_le_bytes, to_le_bytes;
    read_u64_le, ReadU64Le, write_u64_le, WriteU64Le, u64, from_le_bytes, to_le_bytes;
    read_i64_le, ReadI64Le, write_i64_le, WriteI64Le, i64, from_le_bytes, to_le_bytes;
    read_u128_le, ReadU128Le, write_u128_le, WriteU128Le, u128, from_le_bytes, to_le_bytes;
    read_i128_le, ReadI128Le, write_i128_le, WriteI128Le, i128, from_le_bytes, to_le_bytes;
    read_f32_le, ReadF32Le, write_f32_le, WriteF32Le, f32, from_le_bytes, to_le_bytes;
    read_f64_le, ReadF64Le, write_f64_le, WriteF64Le, f64, from_le_bytes, to_le_bytes;
}

/// Reads until all of `bytes` are read; `read` counts them from one poll to the next.
#[inline]
fn poll_read_bytes<R: AsyncRead + ?Sized>(
    reader: Pin<&mut R>,
    cx: &mut Context<'_>,
    bytes: &mut [u8],
    read: &mut u8,
) -> Poll<io::Result<()>> {
    let mut buf = ReadBuf::new(&mut bytes[usize::from(*read)..]);
    let polled = poll_fill(reader, cx, &mut buf);
    *read += buf.filled().len() as u8;
    polled
}

/// Writes until all of `bytes` are written; `written` counts them from one poll to the next.
#[inline]
fn poll_write_bytes<W: AsyncWrite + ?Sized>(
    mut writer: Pin<&mut W>,
    cx: &mut Context<'_>,
    bytes: &[u8],
    written: &mut u8,
) -> Poll<io::Result<()>> {
    while usize::from(*written) < bytes.len() {
        match ready!(writer.as_mut().poll_write(cx, &bytes[usize::from(*written)..])) {
            Ok(0) => return Poll::Ready(Err(write_zero())),
            Ok(n) => *written += n as u8,
            Err(error) if is_interrupted(&error) => {}
            Err(error) => return Poll::Ready(Err(error)),
        }
    }
    Poll::Ready(Ok(()))
}
