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
pub trait AsyncWrite {
    /// Takes bytes from the front of `buf`, and returns how many: at most all of them.
    ///
    /// 0 means that `buf` is empty, or that this writer will take no more. Pending means that nothing was taken, and
    /// that the waker of `cx` (the one of the latest call) is woken once there is room, or the other side has closed.
    ///
    /// # Errors
    /// Those of the destination. Nothing was taken by a call that fails.
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>>;

    /// Sends on what was taken but is still held back in a buffer.
    ///
    /// Pending means that some of it is still here, and that the waker of `cx` is woken when trying again is worth it.
    ///
    /// # Errors
    /// Those of the destination.
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Ends the writing in an orderly way: flushes, says goodbye as the protocol demands (a TLS close, a half-closed
    /// TCP connection), and is Ready when that is done.
    ///
    /// A writer around another one ends the other too, after itself. Where there is nothing to say, this is a flush.
    /// Pending means that it has begun and is to be called again; after Ready, nothing more should be written.
    ///
    /// # Errors
    /// Those of the destination. The writer is then of no further use.
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// As [`poll_write`](AsyncWrite::poll_write), for several slices: takes as if they were one, in their order.
    ///
    /// The default takes from the first slice that is not empty, and from no other.
    ///
    /// # Errors
    /// As [`poll_write`](AsyncWrite::poll_write).
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
