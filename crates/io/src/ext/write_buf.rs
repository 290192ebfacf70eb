//! Writing out of a `Buf`: its pieces go to a vectored writer together, to another one by one.

use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Buf;
use pin_project_lite::pin_project;

use crate::AsyncWrite;
use crate::errors::{is_interrupted, write_zero};

/// How many pieces are handed to the writer at a time.
const PIECES: usize = 64;

pin_project! {
    /// The future of [`AsyncWriteExt::write_buf`](crate::AsyncWriteExt::write_buf).
    ///
    /// # Examples
    /// ```
    /// use std::io::Cursor;
    /// use unstuck_io::AsyncWriteExt;
    /// # unstuck_base::parker::block_on(async {
    ///
    /// let mut room = [0; 3];
    /// let mut writer = Cursor::new(&mut room[..]);
    /// let mut src = &b"hello"[..];
    /// assert_eq!(writer.write_buf(&mut src).await?, 3);
    /// assert_eq!(src, b"lo"); // what is left
    /// # Ok::<_, std::io::Error>(()) }).unwrap();
    /// ```
    #[must_use = "futures do nothing unless you `.await` or poll them"]
    #[project(!Unpin)]
    pub struct WriteBuf<'a, W, B> {
        writer: &'a mut W,
        src: &'a mut B,
    }
}

impl<'a, W, B> WriteBuf<'a, W, B> {
    pub(super) fn new(writer: &'a mut W, src: &'a mut B) -> Self {
        WriteBuf { writer, src }
    }
}

impl<W: AsyncWrite + Unpin, B: Buf> Future for WriteBuf<'_, W, B> {
    type Output = io::Result<usize>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let me = self.project();
        if !me.src.has_remaining() {
            return Poll::Ready(Ok(0));
        }
        poll_write_from(Pin::new(&mut **me.writer), cx, &mut **me.src)
    }
}

pin_project! {
    /// The future of [`AsyncWriteExt::write_all_buf`](crate::AsyncWriteExt::write_all_buf).
    ///
    /// # Examples
    /// ```
    /// use std::io::Cursor;
    /// use unstuck_io::AsyncWriteExt;
    /// # unstuck_base::parker::block_on(async {
    ///
    /// let mut room = [0; 3];
    /// let mut writer = Cursor::new(&mut room[..]);
    /// let mut src = &b"hello"[..];
    /// assert!(writer.write_all_buf(&mut src).await.is_err());
    /// assert_eq!(src, b"lo"); // this was not written
    /// # Ok::<_, std::io::Error>(()) }).unwrap();
    /// ```
    #[must_use = "futures do nothing unless you `.await` or poll them"]
    #[project(!Unpin)]
    pub struct WriteAllBuf<'a, W, B> {
        writer: &'a mut W,
        src: &'a mut B,
    }
}

impl<'a, W, B> WriteAllBuf<'a, W, B> {
    pub(super) fn new(writer: &'a mut W, src: &'a mut B) -> Self {
        WriteAllBuf { writer, src }
    }
}

impl<W: AsyncWrite + Unpin, B: Buf> Future for WriteAllBuf<'_, W, B> {
    type Output = io::Result<()>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let me = self.project();
        while me.src.has_remaining() {
            match ready!(poll_write_from(Pin::new(&mut **me.writer), cx, &mut **me.src)) {
                Ok(0) => return Poll::Ready(Err(write_zero())),
                Err(error) if !is_interrupted(&error) => return Poll::Ready(Err(error)),
                _ => {}
            }
        }
        Poll::Ready(Ok(()))
    }
}

/// One attempt to write what is left of `src`; moves its cursor.
fn poll_write_from<W: AsyncWrite, B: Buf>(
    writer: Pin<&mut W>,
    cx: &mut Context<'_>,
    src: &mut B,
) -> Poll<io::Result<usize>> {
    let polled = if writer.is_write_vectored() {
        let mut pieces = [IoSlice::new(&[]); PIECES];
        let count = src.chunks_vectored(&mut pieces);
        writer.poll_write_vectored(cx, &pieces[..count])
    } else {
        writer.poll_write(cx, src.chunk())
    };
    let written = ready!(polled)?;
    src.advance(written);
    Poll::Ready(Ok(written))
}
