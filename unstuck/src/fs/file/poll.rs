//! A file as something that is read, written and moved.

use std::io::{self, IoSlice, SeekFrom};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use super::File;
use crate::io::{AsyncRead, AsyncSeek, AsyncWrite, ReadBuf};

impl AsyncRead for File {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let File { std, work, max_buf_size } = &mut *self;
        let work = work.get_mut();
        if buf.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        let ahead = ready!(work.poll_ahead(cx, std, buf.remaining().min(*max_buf_size)))?;
        let count = ahead.len().min(buf.remaining());
        buf.put_slice(&ahead[..count]);
        work.take(count);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for File {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(buf)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let File { std, work, max_buf_size } = &mut *self;
        let work = work.get_mut();
        let buffer = ready!(work.poll_writable(cx))?;
        for buf in bufs {
            let room = *max_buf_size - buffer.len();
            buffer.extend_from_slice(&buf[..buf.len().min(room)]);
        }
        let count = buffer.len();
        if count > 0 {
            work.begin_write(std.clone())?;
        }
        Poll::Ready(Ok(count))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.work.get_mut().poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(cx)
    }
}

impl AsyncSeek for File {
    fn start_seek(mut self: Pin<&mut Self>, position: SeekFrom) -> io::Result<()> {
        let File { std, work, .. } = &mut *self;
        work.get_mut().start_seek(std.clone(), position)
    }

    fn poll_complete(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<u64>> {
        self.work.get_mut().poll_position(cx)
    }
}
