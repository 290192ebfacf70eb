//! The halves of a Unix stream, each with a share of it: for two tasks.
//!
//! 1. The half that writes shuts its direction down when it is dropped, unless that was done or it is to be forgotten.

mod read;
mod write;

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use super::UnixStream;

/// The half of a [`UnixStream`] that reads. Made by [`UnixStream::into_split`].
///
/// The connection is closed when both halves are gone.
///
/// # Examples
///
/// ```
/// use unstuck::io::{AsyncReadExt, AsyncWriteExt};
/// use unstuck::net::UnixStream;
///
/// # #[unstuck::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let (stream, mut peer) = UnixStream::pair()?;
/// let (mut reader, _writer) = stream.into_split();
/// peer.write_all(b"hello").await?;
/// peer.shutdown().await?;
/// let mut text = String::new();
/// reader.read_to_string(&mut text).await?;
/// assert_eq!(text, "hello");
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct OwnedReadHalf {
    stream: Arc<UnixStream>,
}

/// The half of a [`UnixStream`] that writes. Made by [`UnixStream::into_split`].
///
/// Dropping it, or [shutting it down](crate::io::AsyncWriteExt::shutdown), tells the peer that all is sent. The connection
/// is closed when both halves are gone.
///
/// # Examples
///
/// ```
/// use unstuck::io::{AsyncReadExt, AsyncWriteExt};
/// use unstuck::net::UnixStream;
///
/// # #[unstuck::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let (stream, mut peer) = UnixStream::pair()?;
/// let (_reader, mut writer) = stream.into_split();
/// writer.write_all(b"hello").await?;
/// drop(writer); // tells the peer that all is sent
/// let mut text = String::new();
/// peer.read_to_string(&mut text).await?;
/// assert_eq!(text, "hello");
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct OwnedWriteHalf {
    stream: Arc<UnixStream>,
    shut_down_on_drop: bool,
}

/// The halves are not of the same stream. It gives them back.
///
/// # Examples
///
/// ```
/// use unstuck::net::UnixStream;
/// use unstuck::net::unix::ReuniteError;
///
/// # #[unstuck::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let (a, b) = UnixStream::pair()?;
/// let (reader, writer) = a.into_split();
/// let (other_reader, _other_writer) = b.into_split();
/// let error = other_reader.reunite(writer).unwrap_err();
/// let ReuniteError(_, writer) = error; // nothing is lost
/// assert!(reader.reunite(writer).is_ok());
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct ReuniteError(pub OwnedReadHalf, pub OwnedWriteHalf);

pub(super) fn split_owned(stream: UnixStream) -> (OwnedReadHalf, OwnedWriteHalf) {
    let stream = Arc::new(stream);
    (OwnedReadHalf { stream: stream.clone() }, OwnedWriteHalf { stream, shut_down_on_drop: true })
}

fn reunite(read: OwnedReadHalf, write: OwnedWriteHalf) -> Result<UnixStream, ReuniteError> {
    if !Arc::ptr_eq(&read.stream, &write.stream) {
        return Err(ReuniteError(read, write));
    }
    write.forget();
    Ok(Arc::into_inner(read.stream).expect("a stream has two halves, and one is gone"))
}

impl AsRef<UnixStream> for OwnedReadHalf {
    fn as_ref(&self) -> &UnixStream {
        &self.stream
    }
}

impl AsRef<UnixStream> for OwnedWriteHalf {
    fn as_ref(&self) -> &UnixStream {
        &self.stream
    }
}

impl fmt::Display for ReuniteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("tried to reunite halves that are not from the same socket")
    }
}

impl Error for ReuniteError {}
