//! The halves of a TCP connection, each with a share of it: for two tasks.
//!
//! 1. The half that writes shuts its direction down when it is dropped, unless that was done or it is to be forgotten.

mod read;
mod write;

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use super::TcpStream;

/// The half of a [`TcpStream`] that reads. Made by [`TcpStream::into_split`].
///
/// The connection is closed when both halves are gone.
///
/// # Examples
///
/// ```
/// use unstuck::io::{AsyncReadExt, AsyncWriteExt};
/// use unstuck::net::{TcpListener, TcpStream};
///
/// # #[unstuck::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let listener = TcpListener::bind("127.0.0.1:0").await?;
/// let stream = TcpStream::connect(listener.local_addr()?).await?;
/// let (mut peer, _) = listener.accept().await?;
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
    stream: Arc<TcpStream>,
}

/// The half of a [`TcpStream`] that writes. Made by [`TcpStream::into_split`].
///
/// Dropping it, or [shutting it down](crate::io::AsyncWriteExt::shutdown), tells the peer that all is sent. The connection
/// is closed when both halves are gone.
///
/// # Examples
///
/// ```
/// use unstuck::io::{AsyncReadExt, AsyncWriteExt};
/// use unstuck::net::{TcpListener, TcpStream};
///
/// # #[unstuck::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let listener = TcpListener::bind("127.0.0.1:0").await?;
/// let stream = TcpStream::connect(listener.local_addr()?).await?;
/// let (mut peer, _) = listener.accept().await?;
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
    stream: Arc<TcpStream>,
    shut_down_on_drop: bool,
}

/// The halves are not of the same stream. It gives them back.
///
/// # Examples
///
/// ```
/// use unstuck::net::tcp::ReuniteError;
/// use unstuck::net::{TcpListener, TcpStream};
///
/// # #[unstuck::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let listener = TcpListener::bind("127.0.0.1:0").await?;
/// let a = TcpStream::connect(listener.local_addr()?).await?;
/// let (b, _) = listener.accept().await?;
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

pub(super) fn split_owned(stream: TcpStream) -> (OwnedReadHalf, OwnedWriteHalf) {
    let stream = Arc::new(stream);
    (OwnedReadHalf { stream: stream.clone() }, OwnedWriteHalf { stream, shut_down_on_drop: true })
}

fn reunite(read: OwnedReadHalf, write: OwnedWriteHalf) -> Result<TcpStream, ReuniteError> {
    if !Arc::ptr_eq(&read.stream, &write.stream) {
        return Err(ReuniteError(read, write));
    }
    write.forget();
    Ok(Arc::into_inner(read.stream).expect("a stream has two halves, and one is gone"))
}

impl AsRef<TcpStream> for OwnedReadHalf {
    fn as_ref(&self) -> &TcpStream {
        &self.stream
    }
}

impl AsRef<TcpStream> for OwnedWriteHalf {
    fn as_ref(&self) -> &TcpStream {
        &self.stream
    }
}

impl fmt::Display for ReuniteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("tried to reunite halves that are not from the same socket")
    }
}

impl Error for ReuniteError {}
