//! The trait of everything that can be written to, and its implementations for vectors, cursors and pointers.
//!
//! 1. Ready with `n` means: the first `n` bytes were taken, the rest was not looked at.
//! 2. Pending means: nothing was taken, and the task's waker is woken when trying again is worth it.
//! 3. A vectored write is one write: it takes as if its slices were one, and never takes some and then fails.
//! 4. Memory is always ready and charges no budget: what it can take is bounded by what there is to write.

use std::io::{self, Cursor, IoSlice};
use std::ops::DerefMut;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Something that bytes can be written to without blocking the thread.
///
/// Writing code rarely calls these methods: it uses those of [`AsyncWriteExt`](crate::AsyncWriteExt).
///
/// # Examples
/// ```
/// use std::io::Result;
/// use std::pin::Pin;
/// use std::task::{Context, Poll};
/// use unstuck_io::{AsyncWrite, AsyncWriteExt};
/// # unstuck_base::parker::block_on(async {
///
///
/// /// Counts what passes on its way to `inner`.
/// struct Counted<W> {
///     inner: W,
///     bytes: usize,
/// }
///
/// impl<W: AsyncWrite + Unpin> AsyncWrite for Counted<W> {
///     fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<Result<usize>> {
///         let written = Pin::new(&mut self.inner).poll_write(cx, buf);
///         if let Poll::Ready(Ok(n)) = &written {
///             self.bytes += n;
///         }
///         written
///     }
///
///     fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
///         Pin::new(&mut self.inner).poll_flush(cx)
///     }
///
///     fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
///         Pin::new(&mut self.inner).poll_shutdown(cx)
///     }
/// }
///
/// let mut counted = Counted { inner: Vec::new(), bytes: 0 };
/// counted.write_all(b"hello").await?;
/// assert_eq!((counted.bytes, &counted.inner[..]), (5, &b"hello"[..]));
/// # Ok::<_, std::io::Error>(()) }).unwrap();
/// ```
pub trait AsyncWrite {
    /// Takes bytes from the front of `buf`, and returns how many: at most all of them.
    ///
    /// 0 means that `buf` is empty, or that this writer will take no more. Pending means that nothing was taken, and
    /// that the waker of `cx` (the one of the latest call) is woken once there is room, or the other side has closed.
    ///
    /// # Errors
    /// Those of the destination. Nothing was taken by a call that fails.
    ///
    /// # Examples
    /// ```
    /// use std::future::poll_fn;
    /// use std::pin::Pin;
    /// use unstuck_io::AsyncWrite;
    /// # unstuck_base::parker::block_on(async {
    ///
    /// let mut writer = Vec::new();
    /// let n = poll_fn(|cx| Pin::new(&mut writer).poll_write(cx, b"hello")).await?;
    /// assert_eq!((n, &writer[..]), (5, &b"hello"[..]));
    /// # Ok::<_, std::io::Error>(()) }).unwrap();
    /// ```
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>>;

    /// Sends on what was taken but is still held back in a buffer.
    ///
    /// Pending means that some of it is still here, and that the waker of `cx` is woken when trying again is worth it.
    ///
    /// # Errors
    /// Those of the destination.
    ///
    /// # Examples
    /// ```
    /// use std::future::poll_fn;
    /// use std::pin::Pin;
    /// use unstuck_io::{AsyncWrite, AsyncWriteExt, BufWriter};
    /// # unstuck_base::parker::block_on(async {
    ///
    /// let mut writer = BufWriter::new(Vec::new());
    /// writer.write_all(b"hello").await?;
    /// poll_fn(|cx| Pin::new(&mut writer).poll_flush(cx)).await?;
    /// assert_eq!(writer.get_ref(), b"hello");
    /// # Ok::<_, std::io::Error>(()) }).unwrap();
    /// ```
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Ends the writing in an orderly way: flushes, says goodbye as the protocol demands (a TLS close, a half-closed
    /// TCP connection), and is Ready when that is done.
    ///
    /// A writer around another one ends the other too, after itself. Where there is nothing to say, this is a flush.
    /// Pending means that it has begun and is to be called again; after Ready, nothing more should be written.
    ///
    /// # Errors
    /// Those of the destination. The writer is then of no further use.
    ///
    /// # Examples
    /// ```
    /// use std::future::poll_fn;
    /// use std::pin::Pin;
    /// use unstuck_io::{AsyncReadExt, AsyncWrite};
    /// # unstuck_base::parker::block_on(async {
    ///
    /// let (mut client, mut server) = unstuck_io::duplex(64);
    /// poll_fn(|cx| Pin::new(&mut client).poll_shutdown(cx)).await?;
    /// assert_eq!(server.read(&mut [0; 16]).await?, 0); // the end
    /// # Ok::<_, std::io::Error>(()) }).unwrap();
    /// ```
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// As [`poll_write`](AsyncWrite::poll_write), for several slices: takes as if they were one, in their order.
    ///
    /// The default takes from the first slice that is not empty, and from no other.
    ///
    /// # Errors
    /// As [`poll_write`](AsyncWrite::poll_write).
    ///
    /// # Examples
    /// ```
    /// use std::future::poll_fn;
    /// use std::io::IoSlice;
    /// use std::pin::Pin;
    /// use unstuck_io::AsyncWrite;
    /// # unstuck_base::parker::block_on(async {
    ///
    /// let mut writer = Vec::new();
    /// let parts = [IoSlice::new(b"hel"), IoSlice::new(b"lo")];
    /// let n = poll_fn(|cx| Pin::new(&mut writer).poll_write_vectored(cx, &parts)).await?;
    /// assert_eq!((n, &writer[..]), (5, &b"hello"[..]));
    /// # Ok::<_, std::io::Error>(()) }).unwrap();
    /// ```
    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let first = bufs.iter().find(|buf| !buf.is_empty());
        self.poll_write(cx, first.map_or(&[][..], |buf| buf))
    }

    /// Whether [`poll_write_vectored`](AsyncWrite::poll_write_vectored) takes from more than one slice. If it does not
    /// (the default), gathering small pieces into one buffer first is the better way.
    ///
    /// # Examples
    /// ```
    /// use unstuck_io::AsyncWrite;
    ///
    /// assert!(Vec::new().is_write_vectored());
    /// ```
    fn is_write_vectored(&self) -> bool {
        false
    }
}

/// The five methods of a pointer to a writer: pass the call on.
macro_rules! write_through {
    (|$this:ident| $pinned:expr) => {
        #[inline]
        fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
            let $this = self;
            $pinned.poll_write(cx, buf)
        }

        #[inline]
        fn poll_write_vectored(
            self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            bufs: &[IoSlice<'_>],
        ) -> Poll<io::Result<usize>> {
            let $this = self;
            $pinned.poll_write_vectored(cx, bufs)
        }

        #[inline]
        fn is_write_vectored(&self) -> bool {
            (**self).is_write_vectored()
        }

        #[inline]
        fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            let $this = self;
            $pinned.poll_flush(cx)
        }

        #[inline]
        fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            let $this = self;
            $pinned.poll_shutdown(cx)
        }
    };
}

impl<T: ?Sized + AsyncWrite + Unpin> AsyncWrite for Box<T> {
    write_through!(|this| Pin::new(&mut **this.get_mut()));
}

impl<T: ?Sized + AsyncWrite + Unpin> AsyncWrite for &mut T {
    write_through!(|this| Pin::new(&mut **this.get_mut()));
}

impl<P> AsyncWrite for Pin<P>
where
    P: DerefMut,
    P::Target: AsyncWrite,
{
    write_through!(|this| this.as_deref_mut());
}

/// The methods of a writer into memory: std's, which never wait.
macro_rules! write_to_memory {
    () => {
        #[inline]
        fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
            Poll::Ready(io::Write::write(self.get_mut(), buf))
        }

        #[inline]
        fn poll_write_vectored(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            bufs: &[IoSlice<'_>],
        ) -> Poll<io::Result<usize>> {
            Poll::Ready(io::Write::write_vectored(self.get_mut(), bufs))
        }

        #[inline]
        fn is_write_vectored(&self) -> bool {
            true
        }

        #[inline]
        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        #[inline]
        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    };
}

impl AsyncWrite for Vec<u8> {
    write_to_memory!();
}

impl AsyncWrite for Cursor<&mut [u8]> {
    write_to_memory!();
}

impl AsyncWrite for Cursor<&mut Vec<u8>> {
    write_to_memory!();
}

impl AsyncWrite for Cursor<Vec<u8>> {
    write_to_memory!();
}

impl AsyncWrite for Cursor<Box<[u8]>> {
    write_to_memory!();
}
