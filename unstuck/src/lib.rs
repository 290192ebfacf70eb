//! An asynchronous runtime for Rust, drop-in for Tokio: nothing gets stuck, you can see why, you can replay it.
//!
//! It runs futures as tasks, on one thread or on all CPUs, and has what they need: sockets, timers, signals, channels and
//! locks. Names and behaviour are those of Tokio 1: a program that was written for Tokio runs by changing the name in its
//! imports.
//!
//! ```
//! use unstuck as tokio;
//!
//! use tokio::io::{AsyncReadExt, AsyncWriteExt};
//! use tokio::net::{TcpListener, TcpStream};
//!
//! #[tokio::main(crate = "unstuck")]
//! async fn main() -> std::io::Result<()> {
//!     let listener = TcpListener::bind("127.0.0.1:0").await?;
//!     let address = listener.local_addr()?;
//!     tokio::spawn(async move {
//!         loop {
//!             let (mut connection, _) = listener.accept().await?;
//!             tokio::spawn(async move {
//!                 let mut buf = [0; 1024];
//!                 loop {
//!                     match connection.read(&mut buf).await {
//!                         Ok(0) | Err(_) => return,
//!                         Ok(n) if connection.write_all(&buf[..n]).await.is_err() => return,
//!                         Ok(_) => {}
//!                     }
//!                 }
//!             });
//!         }
//!         #[expect(unreachable_code, reason = "it tells the type")]
//!         std::io::Result::Ok(())
//!     });
//!
//!     let mut client = TcpStream::connect(address).await?;
//!     client.write_all(b"hello").await?;
//!     let mut echo = [0; 5];
//!     client.read_exact(&mut echo).await?;
//!     assert_eq!(&echo, b"hello");
//!     Ok(())
//! }
//! ```
//!
//! # Where to find what
//!
//! | module | has |
//! |---|---|
//! | [`runtime`] | the runtime itself; the macros [`main`](macro@main) and [`test`](macro@test) make one for you |
//! | [`task`] | tasks: [`spawn`], sets of them, blocking work, values that belong to a task |
//! | [`sync`] | channels, locks, semaphores, cancellation |
//! | [`time`] | sleeping, timeouts, intervals; a clock that tests can stop |
//! | [`net`] | TCP, UDP, Unix sockets, pipes |
//! | [`fs`] | files and folders |
//! | [`io`] | reading and writing: the traits, and what is built on them |
//! | [`process`] | child processes |
//! | [`signal`] | Ctrl-C and other signals |
//! | [`sim`] | a simulated world, in which a seed decides what happens |
//!
//! And the macros [`select!`], [`join!`], [`try_join!`], [`pin!`] and [`task_local!`].
//!
//! # Cargo features
//!
//! All of them are on by default. Each brings the module of its name and what that needs: `fs`, `io-std`, `io-util`,
//! `macros`, `net`, `process`, `rt` ([`runtime`] and [`task`]), `signal`, `sync`, `time`; `sim` brings the simulator. `full`
//! is all but that one; `rt-multi-thread` and `test-util`, known from Tokio, add nothing to `rt` and `time`. With `sync` alone,
//! say, neither the runtime nor any procedural macro is built.
//!
//! Rules of this crate: only [`runtime`] names a scheduler's or kernel's implementation; everything else reaches the world
//! through the traits of `unstuck-driver`, of the current runtime, and keeps the narrowest part of it that it needs.

#[cfg(feature = "rt")]
mod called_at;
#[cfg(feature = "fs")]
pub mod fs;
pub mod io;
#[cfg(feature = "net")]
mod kernel;
#[doc(hidden)]
pub mod macros;
#[cfg(feature = "net")]
pub mod net;
#[cfg(feature = "process")]
pub mod process;
#[cfg(feature = "net")]
mod ready;
#[cfg(feature = "rt")]
pub mod runtime;
#[cfg(feature = "signal")]
pub mod signal;
#[cfg(feature = "sim")]
pub mod sim;
#[cfg(feature = "sync")]
pub mod sync;
#[cfg(feature = "rt")]
pub mod task;
#[cfg(feature = "time")]
pub mod time;
#[cfg(feature = "net")]
mod watched;

#[cfg(all(feature = "macros", feature = "rt"))]
pub use macros::entry::{main, test};
#[cfg(feature = "rt")]
pub use task::spawn;
