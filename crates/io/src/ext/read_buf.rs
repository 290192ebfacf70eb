//! Reading into a `BufMut`: the bytes go straight into the room that it offers.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::BufMut;
use pin_project_lite::pin_project;

use crate::AsyncRead;

pin_project! {
    /// The future of [`AsyncReadExt::read_buf`](crate::AsyncReadExt::read_buf).
    ///
    /// # Examples
    /// ```
    /// use unstuck_io::AsyncReadExt;
    /// # unstuck_base::parker::block_on(async {
    ///
    /// let mut buf = b"so far: ".to_vec();
    /// let mut reader = &b"hello"[..];
    /// while reader.read_buf(&mut buf).await? > 0 {}
    /// assert_eq!(buf, b"so far: hello");
    /// # Ok::<_, std::io::Error>(()) }).unwrap();
    /// ```
    #[must_use = "futures do nothing unless you `.await` or poll them"]
    #[project(!Unpin)]
    pub struct ReadBuf<'a, R: ?Sized, B: ?Sized> {
        reader: &'a mut R,
        buf: &'a mut B,
    }
}

impl<'a, R: ?Sized, B: ?Sized> ReadBuf<'a, R, B> {
    pub(super) fn new(reader: &'a mut R, buf: &'a mut B) -> Self {
        ReadBuf { reader, buf }
    }
}

impl<R, B> Future for ReadBuf<'_, R, B>
where
    R: AsyncRead + Unpin + ?Sized,
    B: BufMut + ?Sized,
{
    type Output = io::Result<usize>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let me = self.project();
        if !me.buf.has_remaining_mut() {
            return Poll::Ready(Ok(0));
        }
        // SAFETY: the bytes are only handed to `ReadBuf`, which keeps what is initialised so (its rule 3).
        let room = unsafe { me.buf.chunk_mut().as_uninit_slice_mut() };
        let start = room.as_ptr();
        let mut buf = crate::ReadBuf::uninit(room);
        ready!(Pin::new(&mut **me.reader).poll_read(cx, &mut buf))?;
        assert!(std::ptr::eq(buf.filled().as_ptr(), start.cast()), "a reader exchanged the buffer it was given");
        let read = buf.filled().len();
        // SAFETY: it is the buffer that we lent (just checked), and its filled part is initialised (its rule 1).
        unsafe { me.buf.advance_mut(read) };
        Poll::Ready(Ok(read))
    }
}
