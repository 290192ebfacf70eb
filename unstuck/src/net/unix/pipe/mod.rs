//! Pipes: bytes in one direction, between the processes of one machine.
//!
//! | to do | use |
//! |---|---|
//! | make a pipe, mostly to give one end to another process | [`pipe`](pipe()) |
//! | open a FIFO, which is a pipe with a path | [`OpenOptions`] |
//! | use a pipe that you have | [`Receiver::from_file`], [`Sender::from_owned_fd`] and their like |
//!
//! # Examples
//!
//! ```
//! use unstuck::io::{AsyncReadExt, AsyncWriteExt};
//! use unstuck::net::unix::pipe;
//!
//! # #[unstuck::main(flavor = "current_thread")]
//! # async fn main() -> std::io::Result<()> {
//! let (mut sender, mut receiver) = pipe::pipe()?;
//! sender.write_all(b"hello").await?;
//! drop(sender);
//! let mut all = String::new();
//! receiver.read_to_string(&mut all).await?;
//! assert_eq!(all, "hello");
//! # Ok(())
//! # }
//! ```

use std::io;
use std::os::fd::OwnedFd;

mod descriptor;
mod options;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod read_write;
mod receiver;
mod sender;

pub use options::OpenOptions;
pub use receiver::Receiver;
pub use sender::Sender;

use crate::kernel::may_use_descriptors;

/// Makes a pipe: what is written to the sender can be read from the receiver.
///
/// To give an end to another process, take its descriptor with [`Sender::into_blocking_fd`] or
/// [`Receiver::into_blocking_fd`].
///
/// # Errors
///
/// What the system says, as when too many files are open; in a simulation, always.
///
/// # Panics
///
/// Outside a runtime, or in one that was built without [`enable_io`](crate::runtime::Builder::enable_io).
///
/// # Examples
///
/// ```
/// use std::process::{Command, Stdio};
/// use unstuck::io::AsyncReadExt;
/// use unstuck::net::unix::pipe;
///
/// # #[unstuck::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let (sender, mut receiver) = pipe::pipe()?;
/// let mut child = Command::new("echo").arg("hello").stdout(Stdio::from(sender.into_blocking_fd()?)).spawn()?;
/// let mut said = String::new();
/// receiver.read_to_string(&mut said).await?;
/// assert_eq!(said, "hello\n");
/// # child.wait()?;
/// # Ok(())
/// # }
/// ```
#[track_caller]
pub fn pipe() -> io::Result<(Sender, Receiver)> {
    may_use_descriptors()?;
    let (reader, writer) = io::pipe()?;
    Ok((Sender::fresh(OwnedFd::from(writer))?, Receiver::fresh(OwnedFd::from(reader))?))
}
