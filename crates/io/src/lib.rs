//! Internal crate of unstuck, published in lockstep with it: asynchronous read and write traits and their tools.
//!
//! 1. No type here knows a runtime, a socket or a clock: everything works on any executor.
//! 2. Ready means done, Pending means nothing was moved and the waker of the latest call will be woken. A method that
//!    may be dropped halfway says under `# Cancel safety` what becomes of the bytes.
//! 3. What can be ready for ever (pipes in memory, copies, the trivial readers and writers) charges the task's budget;
//!    slices, cursors and vectors, which are as long as they are, do not.
//! 4. `unsafe` is in `read_buf` (bytes that may not be initialised), in `gate` (one user at a time), and where a method
//!    hands such bytes to a reader.
//!
//! Users call in through `unstuck::io`. The only tasks that are woken from here wait at the other end of a pipe
//! ([`duplex`], [`simplex`]) or for the other half of a stream ([`split`]).
//!
//! # Reading and writing
//!
//! The traits [`AsyncRead`], [`AsyncWrite`], [`AsyncSeek`] and [`AsyncBufRead`] are what types implement. What programs
//! call are the methods of [`AsyncReadExt`], [`AsyncWriteExt`], [`AsyncSeekExt`] and [`AsyncBufReadExt`], which all of
//! these types have. Whatever reads or writes small pieces goes through a [`BufReader`] or [`BufWriter`], and a writer
//! with a buffer is flushed before it is dropped.
//!
//! ```
//! use unstuck_io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader, Result};
//!
//! /// Answers each line with its length, until a line says "quit".
//! async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin) -> Result<()> {
//!     let mut stream = BufReader::new(stream);
//!     let mut line = String::new();
//!     while stream.read_line(&mut line).await? > 0 && line != "quit\n" {
//!         stream.write_all(format!("{}\n", line.trim_end().len()).as_bytes()).await?;
//!         line.clear();
//!     }
//!     stream.shutdown().await
//! }
//! # unstuck_base::parker::block_on(async {
//!
//! // A connection in memory is as good as a socket, and tests need no port.
//! let (mut client, server) = unstuck_io::duplex(1024);
//! client.write_all(b"hello\nworlds\nquit\n").await?;
//! serve(server).await?;
//! let mut answers = String::new();
//! client.read_to_string(&mut answers).await?;
//! assert_eq!(answers, "5\n6\n");
//! # Ok::<_, std::io::Error>(()) }).unwrap();
//! ```
//!
//! # Which tool
//!
//! | to do | use |
//! |---|---|
//! | read by lines, or up to a byte | [`AsyncBufReadExt`] on a [`BufReader`] |
//! | read at most so much of an untrusted source | [`AsyncReadExt::take`] |
//! | move everything from here to there | [`copy`], or [`copy_buf`] with a buffer of your size |
//! | be a proxy | [`copy_bidirectional`] |
//! | read in one task and write in another | [`split`]; a socket's own `into_split` where there is one |
//! | treat a reader and a writer as one stream | [`join`] |
//! | test without sockets | [`duplex`] |
//! | throw away, or read nothing | [`sink`], [`empty`] |
//!
//! # In a `select!`
//!
//! A branch that loses is dropped. [`read`](AsyncReadExt::read), [`write`](AsyncWriteExt::write),
//! [`fill_buf`](AsyncBufReadExt::fill_buf) and [`Lines::next_line`] lose nothing then. `read_exact`, `write_all`,
//! `read_line` and the copies may have moved bytes: keep such a future outside and poll `&mut future` in the branch, or
//! use a form that keeps its place ([`read_buf`](AsyncReadExt::read_buf), [`write_all_buf`](AsyncWriteExt::write_all_buf),
//! [`read_until`](AsyncBufReadExt::read_until)).

mod buf_read;
mod buffered;
mod copy;
mod duplex;
mod errors;
mod ext;
mod gate;
mod join;
#[cfg(all(test, unstuck_loom))]
mod loom_tests;
mod pipe;
mod read;
mod read_buf;
mod seek;
mod simplex;
mod split;
mod trivial;
mod write;

pub use buf_read::AsyncBufRead;
pub use buffered::{BufReader, BufStream, BufWriter};
pub use copy::{copy, copy_bidirectional, copy_bidirectional_with_sizes, copy_buf};
pub use duplex::{DuplexStream, duplex};
pub use ext::{AsyncBufReadExt, AsyncReadExt, AsyncSeekExt, AsyncWriteExt, Chain, Lines, Split, Take};
pub use join::{Join, join};
pub use read::AsyncRead;
pub use read_buf::ReadBuf;
pub use seek::AsyncSeek;
pub use simplex::{SimplexStream, simplex};
pub use split::{ReadHalf, WriteHalf, split};
pub use trivial::{Empty, Repeat, Sink, empty, repeat, sink};
pub use write::AsyncWrite;

pub use std::io::{Error, ErrorKind, Result, SeekFrom};
pub use unstuck_base::interest::{Interest, Ready};
