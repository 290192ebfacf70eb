//! Copying out of the reader's own buffer.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use unstuck_base::local::poll_budget;

use crate::errors::{is_interrupted, write_zero};
use crate::{AsyncBufRead, AsyncWrite};

/// Copies everything from `reader` to `writer` without a buffer in between, up to the end of the reader; flushes, and
/// returns how many bytes that was.
///
/// Around a reader without a buffer put a [`BufReader`](crate::BufReader) of the size that you like.
///
/// # Errors
/// The first error of the reader or the writer, but for [`Interrupted`](io::ErrorKind::Interrupted), which is retried;
/// the first error of a flush; [`WriteZero`](io::ErrorKind::WriteZero) if the writer takes no more.
///
/// # Cancel safety
/// A call that is dropped before it returned has consumed exactly what it wrote, so another call goes on from there. The
/// count begins anew, and the last bytes may not be flushed.
///
/// # Examples
/// ```
/// use unstuck_io::{BufReader, copy_buf};
/// # unstuck_base::parker::block_on(async {
///
/// let mut reader = BufReader::with_capacity(64 * 1024, &b"hello"[..]);
/// let mut writer = Vec::new();
/// assert_eq!(copy_buf(&mut reader, &mut writer).await?, 5);
/// assert_eq!(writer, b"hello");
/// # Ok::<_, std::io::Error>(()) }).unwrap();
/// ```
pub async fn copy_buf<'a, R, W>(reader: &'a mut R, writer: &'a mut W) -> io::Result<u64>
where
    R: AsyncBufRead + Unpin + ?Sized,
    W: AsyncWrite + Unpin + ?Sized,
{
    let mut progress = Progress { copied: 0, unflushed: false };
    std::future::poll_fn(|cx| progress.poll_copy(cx, Pin::new(&mut *reader), Pin::new(&mut *writer))).await
}

struct Progress {
    copied: u64,
    unflushed: bool,
}

impl Progress {
    fn poll_copy<R, W>(
        &mut self,
        cx: &mut Context<'_>,
        mut reader: Pin<&mut R>,
        mut writer: Pin<&mut W>,
    ) -> Poll<io::Result<u64>>
    where
        R: AsyncBufRead + ?Sized,
        W: AsyncWrite + ?Sized,
    {
        loop {
            let charge = ready!(poll_budget(cx));
            match reader.as_mut().poll_fill_buf(cx) {
                Poll::Pending => {
                    if self.unflushed {
                        ready!(writer.poll_flush(cx))?;
                        self.unflushed = false;
                    }
                    return Poll::Pending;
                }
                Poll::Ready(Ok([])) => {
                    ready!(writer.poll_flush(cx))?;
                    charge.made_progress();
                    return Poll::Ready(Ok(self.copied));
                }
                Poll::Ready(Ok(bytes)) => match ready!(writer.as_mut().poll_write(cx, bytes)) {
                    Ok(0) => return Poll::Ready(Err(write_zero())),
                    Ok(n) => {
                        assert!(n <= bytes.len(), "a writer took more bytes than it was given");
                        self.copied += n as u64;
                        self.unflushed = true;
                        reader.as_mut().consume(n);
                    }
                    Err(error) if is_interrupted(&error) => {}
                    Err(error) => return Poll::Ready(Err(error)),
                },
                Poll::Ready(Err(error)) if is_interrupted(&error) => {}
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
            }
            charge.made_progress();
        }
    }
}
