//! A connection in memory: two pipes, two ends.
//!
//! 1. Each pipe is behind a lock of its own, held for one copy of bytes. There are no atomics here: the lock is all.
//! 2. No waker is woken or dropped with a lock held (rule 2 of `pipe`).
//! 3. An end that is dropped closes both pipes: its reader finds the end, its writer `BrokenPipe`.
//!
//! Each end wakes the task that waits at the other one.

use std::fmt;
use std::io::{self, IoSlice};
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use unstuck_base::WakeBatch;
use unstuck_base::local::{self, WaitKind};
use unstuck_base::sync::Mutex;

use crate::pipe::Pipe;
use crate::{AsyncRead, AsyncWrite, ReadBuf};

/// Makes a connection in memory and returns its two ends: what is written to one is read from the other.
///
/// Each direction holds at most `max_buf_size` bytes that were written and not yet read; a write to a full direction
/// waits for a read at the other end. Memory is taken as it is needed.
///
/// # Panics
/// If `max_buf_size` is 0.
///
/// # Examples
/// ```
/// use unstuck_io::{AsyncReadExt, AsyncWriteExt, duplex};
/// # unstuck_base::parker::block_on(async {
///
/// let (mut client, mut server) = duplex(64);
/// client.write_all(b"ping").await?;
/// let mut buf = [0; 4];
/// server.read_exact(&mut buf).await?;
/// server.write_all(b"pong").await?;
/// client.read_exact(&mut buf).await?;
/// assert_eq!(&buf, b"pong");
/// # Ok::<_, std::io::Error>(()) }).unwrap();
/// ```
#[track_caller]
pub fn duplex(max_buf_size: usize) -> (DuplexStream, DuplexStream) {
    let pipes = [Mutex::new(Pipe::new(max_buf_size)), Mutex::new(Pipe::new(max_buf_size))];
    let connection = Arc::new(Connection { pipes, made_at: Location::caller() });
    (DuplexStream { connection: connection.clone(), side: 0 }, DuplexStream { connection, side: 1 })
}

/// One end of a connection in memory; made by [`duplex`].
///
/// When an end is dropped, the other reads what was written before, then the end; its writes, also one that waits, fail
/// with [`BrokenPipe`](io::ErrorKind::BrokenPipe). After [`shutdown`](crate::AsyncWriteExt::shutdown) only that
/// direction is closed.
///
/// # Examples
/// ```
/// use std::io::ErrorKind;
/// use unstuck_io::{AsyncReadExt, AsyncWriteExt};
/// use unstuck_io::{DuplexStream, duplex};
/// # unstuck_base::parker::block_on(async {
///
/// let (mut client, mut server): (DuplexStream, DuplexStream) = duplex(64);
/// client.write_all(b"hello").await?;
/// drop(client);
/// let mut text = String::new();
/// server.read_to_string(&mut text).await?; // what was written before, then the end
/// assert_eq!(text, "hello");
/// assert_eq!(server.write_all(b"hi").await.unwrap_err().kind(), ErrorKind::BrokenPipe);
/// # Ok::<_, std::io::Error>(()) }).unwrap();
/// ```
pub struct DuplexStream {
    connection: Arc<Connection>,
    side: usize,
}

struct Connection {
    /// Read by the side of their index, written by the other.
    pipes: [Mutex<Pipe>; 2],
    /// What a task that waits for one of them is said to wait for.
    made_at: &'static Location<'static>,
}

impl DuplexStream {
    fn incoming(&self) -> &Mutex<Pipe> {
        &self.connection.pipes[self.side]
    }

    fn outgoing(&self) -> &Mutex<Pipe> {
        &self.connection.pipes[1 - self.side]
    }

    fn wait_for(&self, pipe: &Mutex<Pipe>) {
        local::wait_for(WaitKind::Io, key(pipe), self.connection.made_at);
    }
}

fn key(pipe: &Mutex<Pipe>) -> usize {
    std::ptr::from_ref(pipe).addr()
}

impl AsyncRead for DuplexStream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let charge = ready!(local::poll_budget(cx));
        let pipe = self.incoming();
        let (polled, news) = pipe.lock().read(cx.waker(), buf);
        match polled {
            Poll::Ready(()) => charge.made_progress(),
            Poll::Pending => self.wait_for(pipe),
        }
        news.deliver();
        polled.map(Ok)
    }
}

impl AsyncWrite for DuplexStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(buf)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let charge = ready!(local::poll_budget(cx));
        let pipe = self.outgoing();
        let (polled, news) = pipe.lock().write(cx.waker(), bufs);
        match polled {
            Poll::Ready(_) => charge.made_progress(),
            Poll::Pending => self.wait_for(pipe),
        }
        news.deliver();
        polled
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut wake = WakeBatch::new();
        self.outgoing().lock().close(&mut wake);
        wake.wake_all();
        Poll::Ready(Ok(()))
    }
}

impl Drop for DuplexStream {
    fn drop(&mut self) {
        // Dropped last, and woken then.
        let mut wake = WakeBatch::new();
        self.outgoing().lock().close(&mut wake);
        self.incoming().lock().abandon(&mut wake);
        for pipe in [self.incoming(), self.outgoing()] {
            local::forget_wait(WaitKind::Io, key(pipe));
        }
    }
}

impl fmt::Debug for DuplexStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DuplexStream").finish_non_exhaustive()
    }
}
