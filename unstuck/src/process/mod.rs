//! Child processes: starting programs, talking to them through pipes, waiting for their end.
//!
//! | to do | use |
//! |---|---|
//! | run a program and see how it ended | [`Command::status`] |
//! | run a program and collect what it prints | [`Command::output`] |
//! | start a program, talk to it, wait for it, kill it | [`Command::spawn`], [`Child`] |
//!
//! A [`Command`] is configured as std's, and starts the program on the calling thread; only waiting is different.
//!
//! # Examples
//!
//! ```
//! use unstuck::process::Command;
//!
//! # #[unstuck::main(flavor = "current_thread")]
//! # async fn main() -> std::io::Result<()> {
//! let output = Command::new("echo").arg("hello").output().await?;
//! assert!(output.status.success());
//! assert_eq!(output.stdout, b"hello\n");
//! # Ok(())
//! # }
//! ```
//!
//! A conversation:
//!
//! ```
//! use std::process::Stdio;
//! use unstuck::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
//! use unstuck::process::Command;
//!
//! # #[unstuck::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut child = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
//! let mut stdin = child.stdin.take().ok_or("stdin is a pipe")?;
//! let mut lines = BufReader::new(child.stdout.take().ok_or("stdout is a pipe")?).lines();
//!
//! for word in ["one", "two"] {
//!     stdin.write_all(format!("{word}\n").as_bytes()).await?;
//!     assert_eq!(lines.next_line().await?.as_deref(), Some(word));
//! }
//! drop(stdin); // cat ends when its input does
//! assert!(child.wait().await?.success());
//! # Ok(())
//! # }
//! ```
//!
//! # What happens to a child whose handle is dropped
//!
//! It goes on running, as with std, unless [`kill_on_drop`](Command::kill_on_drop) says that it is to be killed. Either way
//! it leaves no zombie behind: when it ends, the runtime that started it takes note of that, without a task; if the runtime
//! ends first, a thread waits for the child.
//!
//! # In a simulation
//!
//! Starting a program is refused, since the seed can't decide what the program does.
//!
//! Rules of this folder:
//!
//! 1. A child's process id is used only as long as nobody has collected the child's end: before that the system gives the
//!    id to nobody else.
//! 2. There is no handler for `SIGCHLD` as long as the system has descriptors for processes, and nobody looks at children
//!    that have no news (`running.rs`).
//! 3. A child that was started is collected, by its [`Child`] or as an orphan (`orphan.rs`).
//! 4. A start that fails leaves no program running.
//! 5. No descriptor of ours is inherited by a child but those that it was given.

mod child;
mod command;
mod orphan;
mod pipe;
mod running;
mod streams;

pub use child::Child;
pub use command::Command;
pub use streams::{ChildStderr, ChildStdin, ChildStdout};
