//! The methods of everything that has a position.

use std::future::Future;
use std::io::{self, SeekFrom};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use crate::AsyncSeek;

/// Moving the position: the methods that every [`AsyncSeek`] has.
///
/// # Examples
/// ```
/// use std::io::Cursor;
/// use unstuck_io::{AsyncReadExt, AsyncSeekExt, SeekFrom};
/// # unstuck_base::parker::block_on(async {
///
/// let mut file = Cursor::new(b"0123456789");
/// file.seek(SeekFrom::End(-2)).await?;
/// assert_eq!(file.read_u8().await?, b'8');
/// # Ok::<_, std::io::Error>(()) }).unwrap();
/// ```
pub trait AsyncSeekExt: AsyncSeek {
    /// Moves the position to `pos`, and returns it in bytes from the start. Operations that are under way are waited
    /// for first.
    ///
    /// # Errors
    /// If the position makes no sense, or the stream fails.
    ///
    /// # Cancel safety
    /// A call that is dropped before it returned may have moved the position, may have left it, or may leave the move
    /// to the next operation. It is safe to seek again.
    ///
    /// # Examples
    /// ```
    /// use std::io::Cursor;
    /// use unstuck_io::{AsyncSeekExt, SeekFrom};
    /// # unstuck_base::parker::block_on(async {
    ///
    /// let mut file = Cursor::new(b"0123456789");
    /// assert_eq!(file.seek(SeekFrom::Start(3)).await?, 3);
    /// assert_eq!(file.seek(SeekFrom::Current(2)).await?, 5);
    /// assert!(file.seek(SeekFrom::Current(-6)).await.is_err());
    /// # Ok::<_, std::io::Error>(()) }).unwrap();
    /// ```
    fn seek(&mut self, pos: SeekFrom) -> Seek<'_, Self>
    where
        Self: Unpin,
    {
        Seek { seek: self, to: Some(pos) }
    }

    /// Moves the position to the start: `seek(SeekFrom::Start(0))`.
    ///
    /// # Errors
    /// As [`seek`](AsyncSeekExt::seek).
    ///
    /// # Cancel safety
    /// As [`seek`](AsyncSeekExt::seek).
    ///
    /// # Examples
    /// ```
    /// use std::io::Cursor;
    /// use unstuck_io::{AsyncReadExt, AsyncSeekExt};
    /// # unstuck_base::parker::block_on(async {
    ///
    /// let mut file = Cursor::new(b"once more");
    /// let (mut first, mut second) = (String::new(), String::new());
    /// file.read_to_string(&mut first).await?;
    /// file.rewind().await?;
    /// file.read_to_string(&mut second).await?;
    /// assert_eq!(first, second);
    /// # Ok::<_, std::io::Error>(()) }).unwrap();
    /// ```
    fn rewind(&mut self) -> Seek<'_, Self>
    where
        Self: Unpin,
    {
        self.seek(SeekFrom::Start(0))
    }

    /// The position in bytes from the start: `seek(SeekFrom::Current(0))`, with what that does to buffers.
    ///
    /// # Errors
    /// As [`seek`](AsyncSeekExt::seek).
    ///
    /// # Cancel safety
    /// As [`seek`](AsyncSeekExt::seek).
    ///
    /// # Examples
    /// ```
    /// use std::io::Cursor;
    /// use unstuck_io::{AsyncReadExt, AsyncSeekExt};
    /// # unstuck_base::parker::block_on(async {
    ///
    /// let mut file = Cursor::new(b"0123456789");
    /// file.read_u32().await?;
    /// assert_eq!(file.stream_position().await?, 4);
    /// # Ok::<_, std::io::Error>(()) }).unwrap();
    /// ```
    fn stream_position(&mut self) -> Seek<'_, Self>
    where
        Self: Unpin,
    {
        self.seek(SeekFrom::Current(0))
    }
}

impl<S: AsyncSeek + ?Sized> AsyncSeekExt for S {}

pin_project! {
    /// The future of [`AsyncSeekExt::seek`].
    ///
    /// # Examples
    /// ```
    /// use std::io::{Cursor, SeekFrom};
    /// use unstuck_io::AsyncSeekExt;
    /// # unstuck_base::parker::block_on(async {
    ///
    /// let mut file = Cursor::new([0; 10]);
    /// assert_eq!(file.seek(SeekFrom::End(-3)).await?, 7);
    /// assert!(file.seek(SeekFrom::Current(-8)).await.is_err()); // that is before the beginning
    /// assert_eq!(file.stream_position().await?, 7);
    /// # Ok::<_, std::io::Error>(()) }).unwrap();
    /// ```
    #[must_use = "futures do nothing unless you `.await` or poll them"]
    #[project(!Unpin)]
    pub struct Seek<'a, S: ?Sized> {
        seek: &'a mut S,
        // Taken when the move is started.
        to: Option<SeekFrom>,
    }
}

impl<S: AsyncSeek + Unpin + ?Sized> Future for Seek<'_, S> {
    type Output = io::Result<u64>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<u64>> {
        let me = self.project();
        if let Some(to) = *me.to {
            ready!(Pin::new(&mut **me.seek).poll_complete(cx))?;
            Pin::new(&mut **me.seek).start_seek(to)?;
            *me.to = None;
        }
        Pin::new(&mut **me.seek).poll_complete(cx)
    }
}
