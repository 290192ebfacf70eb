//! One stream as two values: a half that reads and a half that writes.
//!
//! 1. The halves share the stream through a `Gate`: one operation at a time, and no thread waits for the other.
//! 2. A shared half (`&ReadHalf`) never touches the stream.

use std::fmt;
use std::io::{self, IoSlice};
use std::panic::{Location, RefUnwindSafe, UnwindSafe};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use unstuck_base::sync::Arc;

use crate::gate::Gate;
use crate::{AsyncRead, AsyncWrite, ReadBuf};

/// Makes two values out of `stream`: one that reads from it and one that writes to it, for two tasks.
///
/// While one task is in the middle of an operation (not while it waits for one), the other waits for it.
/// [`unsplit`](ReadHalf::unsplit) makes one stream of them again. Dropping one half does nothing to the stream; it is
/// dropped with the second.
///
/// # Examples
/// ```
/// use unstuck_io::{AsyncReadExt, AsyncWriteExt, duplex, split};
/// # unstuck_base::parker::block_on(async {
///
/// let (stream, mut other) = duplex(64);
/// let (mut reader, mut writer) = split(stream);
/// writer.write_all(b"ping").await?;
/// other.write_all(b"pong").await?;
/// let mut buf = [0; 4];
/// reader.read_exact(&mut buf).await?;
/// assert_eq!(&buf, b"pong");
/// # Ok::<_, std::io::Error>(()) }).unwrap();
/// ```
#[track_caller]
pub fn split<T>(stream: T) -> (ReadHalf<T>, WriteHalf<T>)
where
    T: AsyncRead + AsyncWrite,
{
    let is_write_vectored = stream.is_write_vectored();
    let gate = Gate::new(stream, Location::caller());
    (ReadHalf { gate: gate.clone() }, WriteHalf { gate, is_write_vectored })
}

/// The half of a stream that reads; made by [`split`].
///
/// # Examples
/// ```
/// use unstuck_io::{AsyncReadExt, AsyncWriteExt};
/// use unstuck_io::{DuplexStream, ReadHalf, WriteHalf, split};
/// # unstuck_base::parker::block_on(async {
///
/// let (client, mut server) = unstuck_io::duplex(64);
/// let (mut reader, _writer): (ReadHalf<DuplexStream>, WriteHalf<DuplexStream>) = split(client);
/// server.write_all(b"hello").await?;
/// let mut buf = [0; 5];
/// reader.read_exact(&mut buf).await?;
/// assert_eq!(&buf, b"hello");
/// # Ok::<_, std::io::Error>(()) }).unwrap();
/// ```
pub struct ReadHalf<T> {
    gate: Arc<Gate<T>>,
}

/// The half of a stream that writes; made by [`split`].
///
/// # Examples
/// ```
/// use unstuck_io::{AsyncReadExt, AsyncWriteExt};
/// # unstuck_base::parker::block_on(async {
///
/// let (client, mut server) = unstuck_io::duplex(64);
/// let (reader, mut writer) = unstuck_io::split(client);
/// writer.write_all(b"hello").await?;
/// let mut buf = [0; 5];
/// server.read_exact(&mut buf).await?;
/// assert_eq!(&buf, b"hello");
/// let _client = reader.unsplit(writer);
/// # Ok::<_, std::io::Error>(()) }).unwrap();
/// ```
pub struct WriteHalf<T> {
    gate: Arc<Gate<T>>,
    is_write_vectored: bool,
}

impl<T> ReadHalf<T> {
    /// Whether `other` is the other half of the same stream.
    ///
    /// # Examples
    /// ```
    /// let (client, server) = unstuck_io::duplex(64);
    /// let ((reader, writer), (_, other)) = (unstuck_io::split(client), unstuck_io::split(server));
    /// assert!(reader.is_pair_of(&writer));
    /// assert!(!reader.is_pair_of(&other));
    /// ```
    pub fn is_pair_of(&self, other: &WriteHalf<T>) -> bool {
        other.is_pair_of(self)
    }

    /// Makes one stream of the two halves again.
    ///
    /// # Panics
    /// If `wr` is not the other half of the same stream; [`is_pair_of`](ReadHalf::is_pair_of) says so before.
    ///
    /// # Examples
    /// ```
    /// use unstuck_io::{duplex, split};
    ///
    /// let (stream, _other) = duplex(64);
    /// let (reader, writer) = split(stream);
    /// let stream = reader.unsplit(writer);
    /// # drop(stream);
    /// ```
    #[track_caller]
    pub fn unsplit(self, wr: WriteHalf<T>) -> T
    where
        T: Unpin,
    {
        assert!(self.is_pair_of(&wr), "unsplit called with halves of two streams; is_pair_of tells them apart");
        drop(wr);
        Gate::into_inner(self.gate).expect("a stream has two halves, and both are here")
    }
}

impl<T> WriteHalf<T> {
    /// Whether `other` is the other half of the same stream.
    ///
    /// # Examples
    /// ```
    /// let (client, server) = unstuck_io::duplex(64);
    /// let ((reader, writer), (other, _)) = (unstuck_io::split(client), unstuck_io::split(server));
    /// assert!(writer.is_pair_of(&reader));
    /// assert!(!writer.is_pair_of(&other));
    /// ```
    pub fn is_pair_of(&self, other: &ReadHalf<T>) -> bool {
        Arc::ptr_eq(&self.gate, &other.gate)
    }
}

impl<T: AsyncRead> AsyncRead for ReadHalf<T> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        ready!(self.gate.enter(cx)).with(|stream| stream.poll_read(cx, buf))
    }
}

impl<T: AsyncWrite> AsyncWrite for WriteHalf<T> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.gate.enter(cx)).with(|stream| stream.poll_write(cx, buf))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.gate.enter(cx)).with(|stream| stream.poll_write_vectored(cx, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        self.is_write_vectored
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.gate.enter(cx)).with(|stream| stream.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.gate.enter(cx)).with(|stream| stream.poll_shutdown(cx))
    }
}

// SAFETY: rule 2: sharing a half shares nothing of the stream.
unsafe impl<T: Sync> Sync for ReadHalf<T> {}
// SAFETY: as above.
unsafe impl<T: Sync> Sync for WriteHalf<T> {}

// A panic of the stream in one half is none of the other's: it finds the stream as a caught panic leaves any value.
impl<T> UnwindSafe for ReadHalf<T> {}
impl<T> UnwindSafe for WriteHalf<T> {}
impl<T> RefUnwindSafe for ReadHalf<T> {}
impl<T> RefUnwindSafe for WriteHalf<T> {}

impl<T: fmt::Debug> fmt::Debug for ReadHalf<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadHalf").finish_non_exhaustive()
    }
}

impl<T: fmt::Debug> fmt::Debug for WriteHalf<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WriteHalf").finish_non_exhaustive()
    }
}
