//! A reader of one reader, then another.
//!
//! 1. The second is not touched before the first is at its end; the first not after.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use crate::{AsyncBufRead, AsyncRead, ReadBuf};

pin_project! {
    /// A reader that goes on with a second one where the first ends; made by
    /// [`AsyncReadExt::chain`](crate::AsyncReadExt::chain).
    ///
    /// # Examples
    /// ```
    /// use unstuck_io::AsyncReadExt;
    /// # unstuck_base::parker::block_on(async {
    ///
    /// let mut whole = (&b"head "[..]).chain(&b"body"[..]);
    /// let mut text = String::new();
    /// whole.read_to_string(&mut text).await?;
    /// assert_eq!(text, "head body");
    /// # Ok::<_, std::io::Error>(()) }).unwrap();
    /// ```
    #[derive(Debug)]
    #[must_use = "readers do nothing unless they are read"]
    pub struct Chain<T, U> {
        #[pin]
        first: T,
        #[pin]
        second: U,
        first_ended: bool,
    }
}

impl<T, U> Chain<T, U> {
    pub(super) fn new(first: T, second: U) -> Self {
        Chain { first, second, first_ended: false }
    }
}

impl<T: AsyncRead, U: AsyncRead> Chain<T, U> {
    /// Both readers, to look at.
    ///
    /// # Examples
    /// ```
    /// use unstuck_io::AsyncReadExt;
    /// # unstuck_base::parker::block_on(async {
    ///
    /// let mut whole = AsyncReadExt::chain(&b"head "[..], &b"body"[..]);
    /// assert_eq!(whole.read_u8().await?, b'h');
    /// assert_eq!(whole.get_ref(), (&&b"ead "[..], &&b"body"[..]));
    /// # Ok::<_, std::io::Error>(()) }).unwrap();
    /// ```
    pub fn get_ref(&self) -> (&T, &U) {
        (&self.first, &self.second)
    }

    /// Both readers. What is read from them directly is missing here.
    ///
    /// # Examples
    /// ```
    /// use unstuck_io::AsyncReadExt;
    /// # unstuck_base::parker::block_on(async {
    ///
    /// let mut whole = AsyncReadExt::chain(&b"head "[..], &b"body"[..]);
    /// let (_, second) = whole.get_mut();
    /// *second = b"other body";
    /// let mut text = String::new();
    /// whole.read_to_string(&mut text).await?;
    /// assert_eq!(text, "head other body");
    /// # Ok::<_, std::io::Error>(()) }).unwrap();
    /// ```
    pub fn get_mut(&mut self) -> (&mut T, &mut U) {
        (&mut self.first, &mut self.second)
    }

    /// Both readers, pinned. What is read from them directly is missing here.
    ///
    /// # Examples
    /// ```
    /// use std::pin::Pin;
    /// use unstuck_io::AsyncReadExt;
    /// # unstuck_base::parker::block_on(async {
    ///
    /// let mut whole = AsyncReadExt::chain(&b"head "[..], &b"body"[..]);
    /// let (mut first, _) = Pin::new(&mut whole).get_pin_mut();
    /// assert_eq!(first.read_u8().await?, b'h');
    /// assert_eq!(whole.read_u8().await?, b'e');
    /// # Ok::<_, std::io::Error>(()) }).unwrap();
    /// ```
    pub fn get_pin_mut(self: Pin<&mut Self>) -> (Pin<&mut T>, Pin<&mut U>) {
        let me = self.project();
        (me.first, me.second)
    }

    /// Gives both readers back.
    ///
    /// # Examples
    /// ```
    /// use unstuck_io::AsyncReadExt;
    /// # unstuck_base::parker::block_on(async {
    ///
    /// let mut whole = AsyncReadExt::chain(&b"head "[..], &b"body"[..]);
    /// whole.read_exact(&mut [0; 6]).await?;
    /// assert_eq!(whole.into_inner(), (&b""[..], &b"ody"[..]));
    /// # Ok::<_, std::io::Error>(()) }).unwrap();
    /// ```
    pub fn into_inner(self) -> (T, U) {
        (self.first, self.second)
    }
}

impl<T: AsyncRead, U: AsyncRead> AsyncRead for Chain<T, U> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let me = self.project();
        if !*me.first_ended {
            let before = buf.remaining();
            ready!(me.first.poll_read(cx, buf))?;
            // Without room, nothing read does not mean the end.
            if buf.remaining() != before || before == 0 {
                return Poll::Ready(Ok(()));
            }
            *me.first_ended = true;
        }
        me.second.poll_read(cx, buf)
    }
}

impl<T: AsyncBufRead, U: AsyncBufRead> AsyncBufRead for Chain<T, U> {
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let me = self.project();
        if !*me.first_ended {
            match ready!(me.first.poll_fill_buf(cx))? {
                [] => *me.first_ended = true,
                lent => return Poll::Ready(Ok(lent)),
            }
        }
        me.second.poll_fill_buf(cx)
    }

    fn consume(self: Pin<&mut Self>, amt: usize) {
        let me = self.project();
        if *me.first_ended {
            me.second.consume(amt);
        } else {
            me.first.consume(amt);
        }
    }
}
