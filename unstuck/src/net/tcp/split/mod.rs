//! The halves of a TCP connection, borrowed from it: for one task.

mod read;
mod write;

use super::TcpStream;

/// The half of a [`TcpStream`] that reads, borrowed from it. Made by [`TcpStream::split`].
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
/// let mut stream = TcpStream::connect(listener.local_addr()?).await?;
/// let (mut peer, _) = listener.accept().await?;
/// let (mut reader, _writer) = stream.split();
/// peer.write_all(b"hello").await?;
/// peer.shutdown().await?;
/// let mut text = String::new();
/// reader.read_to_string(&mut text).await?;
/// assert_eq!(text, "hello");
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct ReadHalf<'a> {
    stream: &'a TcpStream,
}

/// The half of a [`TcpStream`] that writes, borrowed from it. Made by [`TcpStream::split`].
///
/// [Shutting it down](crate::io::AsyncWriteExt::shutdown) tells the peer that all is sent; dropping it does nothing.
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
/// let mut stream = TcpStream::connect(listener.local_addr()?).await?;
/// let (mut peer, _) = listener.accept().await?;
/// let (_reader, mut writer) = stream.split();
/// writer.write_all(b"hello").await?;
/// writer.shutdown().await?; // tells the peer that all is sent
/// let mut text = String::new();
/// peer.read_to_string(&mut text).await?;
/// assert_eq!(text, "hello");
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct WriteHalf<'a> {
    stream: &'a TcpStream,
}

pub(super) fn split(stream: &mut TcpStream) -> (ReadHalf<'_>, WriteHalf<'_>) {
    (ReadHalf { stream }, WriteHalf { stream })
}

impl AsRef<TcpStream> for ReadHalf<'_> {
    fn as_ref(&self) -> &TcpStream {
        self.stream
    }
}

impl AsRef<TcpStream> for WriteHalf<'_> {
    fn as_ref(&self) -> &TcpStream {
        self.stream
    }
}
