//! Reading and writing without blocking.
//!
//! [`AsyncRead`], [`AsyncWrite`], [`AsyncSeek`] and [`AsyncBufRead`] are what types implement. What programs call are the
//! methods of [`AsyncReadExt`], [`AsyncWriteExt`], [`AsyncSeekExt`] and [`AsyncBufReadExt`], which all of these types have.
//!
//! | to do | use |
//! |---|---|
//! | read by lines, or up to a byte | [`AsyncBufReadExt`] on a [`BufReader`] |
//! | read or write many small pieces | a [`BufReader`] or [`BufWriter`], flushed in the end |
//! | read at most so much of an untrusted source | [`AsyncReadExt::take`] |
//! | move everything from here to there | [`copy`](copy()), or [`copy_buf`] with a buffer of your size |
//! | be a proxy | [`copy_bidirectional`] |
//! | read in one task and write in another | [`split`]; a socket's own `into_split` where there is one |
//! | treat a reader and a writer as one stream | [`join`](join()) |
//! | test without sockets | [`duplex`] |
//! | wait for a file descriptor of your own | [`unix::AsyncFd`] |
//! | throw away, or read nothing | [`sink`], [`empty`] |
//! | talk to who started the program | [`stdin`], [`stdout`], [`stderr`] |
//!
//! # Examples
//!
//! ```
//! use unstuck::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, duplex};
//!
//! # #[unstuck::main(flavor = "current_thread")]
//! # async fn main() -> unstuck::io::Result<()> {
//! let (mut client, server) = duplex(64);
//! client.write_all(b"first\nsecond\n").await?;
//! drop(client);
//!
//! let mut lines = BufReader::new(server).lines();
//! assert_eq!(lines.next_line().await?.as_deref(), Some("first"));
//! assert_eq!(lines.next_line().await?.as_deref(), Some("second"));
//! assert_eq!(lines.next_line().await?, None);
//! # Ok(())
//! # }
//! ```

#[cfg(feature = "net")]
mod async_fd;
#[cfg(feature = "net")]
mod async_fd_error;
#[cfg(feature = "net")]
mod async_fd_guard;
#[cfg(feature = "net")]
mod async_fd_mut_guard;
#[cfg(feature = "net")]
mod async_fd_polls;
#[cfg(feature = "net")]
mod async_fd_waits;
#[cfg(feature = "io-std")]
mod stdio;
#[cfg(feature = "net")]
pub mod unix;

#[cfg(feature = "io-std")]
pub use stdio::{Stderr, Stdin, Stdout, stderr, stdin, stdout};

pub use unstuck_io::{
    AsyncBufRead, AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncSeek, AsyncSeekExt, AsyncWrite, AsyncWriteExt,
    BufReader, BufStream, BufWriter, Chain, DuplexStream, Empty, Interest, Join, Lines, ReadBuf, ReadHalf, Ready,
    Repeat, SimplexStream, Sink, Split, Take, WriteHalf, copy, copy_bidirectional, copy_bidirectional_with_sizes,
    copy_buf, duplex, empty, join, repeat, simplex, sink, split,
};

#[doc(no_inline)]
pub use std::io::{Error, ErrorKind, Result, SeekFrom};
