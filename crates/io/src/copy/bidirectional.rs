//! Copying between two streams in both directions at once: what a proxy does.
//!
//! | direction \ event | its reader ends        | its writer is shut down | error of any |
//! |-------------------|------------------------|-------------------------|--------------|
//! | Copying           | Ending, shut it down   | -                       | over         |
//! | Ending            | -                      | Ended                   | over         |
//! | Ended             | -                      | -                       | over         |
//!
//! 1. One direction ending leaves the other alone: half-closed connections work through it.
//! 2. Both are polled each time, so neither waits for the other.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use super::DEFAULT_BUFFER;
use super::copy::Transfer;
use crate::{AsyncRead, AsyncWrite};

/// Copies from `a` to `b` and from `b` to `a` at once, until both have ended; returns how many bytes went from `a` to
/// `b`, and from `b` to `a`.
///
/// When one of them ends, the other is [shut down](crate::AsyncWriteExt::shutdown) for writing, and copying goes on in
/// the other direction. Each direction has a buffer of 8 KiB on the heap.
///
/// # Errors
/// The first error of either stream in reading, writing, flushing or shutting down, but for
/// [`Interrupted`](io::ErrorKind::Interrupted) reads and writes, which are retried. Bytes that were read may not have
/// been written then.
///
/// # Cancel safety
/// Not safe: a call that is dropped before it returned may have read bytes that it did not write, and does not say how
/// many it copied.
///
/// # Examples
/// ```
/// use unstuck_io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional, duplex};
/// # unstuck_base::parker::block_on(async {
///
/// let (mut client, mut a) = duplex(64);
/// let (mut b, mut server) = duplex(64);
/// client.write_all(b"ask").await?;
/// client.shutdown().await?;
/// server.write_all(b"answer").await?;
/// server.shutdown().await?;
///
/// assert_eq!(copy_bidirectional(&mut a, &mut b).await?, (3, 6));
/// let mut answer = String::new();
/// client.read_to_string(&mut answer).await?;
/// assert_eq!(answer, "answer");
/// # Ok::<_, std::io::Error>(()) }).unwrap();
/// ```
pub async fn copy_bidirectional<A, B>(a: &mut A, b: &mut B) -> io::Result<(u64, u64)>
where
    A: AsyncRead + AsyncWrite + Unpin + ?Sized,
    B: AsyncRead + AsyncWrite + Unpin + ?Sized,
{
    copy_both(a, b, Transfer::new(DEFAULT_BUFFER), Transfer::new(DEFAULT_BUFFER)).await
}

/// As [`copy_bidirectional`], with buffers of `a_to_b_buf_size` and `b_to_a_buf_size` bytes.
///
/// # Errors
/// As [`copy_bidirectional`].
///
/// # Panics
/// If one of the sizes is 0.
///
/// # Cancel safety
/// As [`copy_bidirectional`].
///
/// # Examples
/// ```
/// use unstuck_io::{copy_bidirectional_with_sizes, empty, join};
/// # unstuck_base::parker::block_on(async {
///
/// let mut a = join(&b"upload"[..], Vec::new());
/// let mut b = empty();
/// assert_eq!(copy_bidirectional_with_sizes(&mut a, &mut b, 64 * 1024, 1024).await?, (6, 0));
/// # Ok::<_, std::io::Error>(()) }).unwrap();
/// ```
pub async fn copy_bidirectional_with_sizes<A, B>(
    a: &mut A,
    b: &mut B,
    a_to_b_buf_size: usize,
    b_to_a_buf_size: usize,
) -> io::Result<(u64, u64)>
where
    A: AsyncRead + AsyncWrite + Unpin + ?Sized,
    B: AsyncRead + AsyncWrite + Unpin + ?Sized,
{
    assert!(a_to_b_buf_size > 0, "`a_to_b_buf_size` must be greater than 0");
    assert!(b_to_a_buf_size > 0, "`b_to_a_buf_size` must be greater than 0");
    copy_both(a, b, Transfer::new(a_to_b_buf_size), Transfer::new(b_to_a_buf_size)).await
}

async fn copy_both<A, B>(a: &mut A, b: &mut B, there: Transfer, back: Transfer) -> io::Result<(u64, u64)>
where
    A: AsyncRead + AsyncWrite + Unpin + ?Sized,
    B: AsyncRead + AsyncWrite + Unpin + ?Sized,
{
    let (mut there, mut back) = (Direction::Copying(there), Direction::Copying(back));
    std::future::poll_fn(|cx| {
        let a_to_b = there.poll_end(cx, Pin::new(&mut *a), Pin::new(&mut *b))?;
        let b_to_a = back.poll_end(cx, Pin::new(&mut *b), Pin::new(&mut *a))?;
        Poll::Ready(Ok((ready!(a_to_b), ready!(b_to_a))))
    })
    .await
}

/// See the table.
enum Direction {
    Copying(Transfer),
    Ending(u64),
    Ended(u64),
}

impl Direction {
    fn poll_end<R, W>(
        &mut self,
        cx: &mut Context<'_>,
        mut reader: Pin<&mut R>,
        mut writer: Pin<&mut W>,
    ) -> Poll<io::Result<u64>>
    where
        R: AsyncRead + ?Sized,
        W: AsyncWrite + ?Sized,
    {
        loop {
            *self = match self {
                Direction::Copying(transfer) => {
                    Direction::Ending(ready!(transfer.poll_copy(cx, reader.as_mut(), writer.as_mut()))?)
                }
                Direction::Ending(copied) => {
                    ready!(writer.as_mut().poll_shutdown(cx))?;
                    Direction::Ended(*copied)
                }
                Direction::Ended(copied) => return Poll::Ready(Ok(*copied)),
            };
        }
    }
}
