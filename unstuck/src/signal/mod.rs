//! Signals of the operating system: being told instead of being killed.
//!
//! | to do | use |
//! |---|---|
//! | end on Ctrl-C | [`ctrl_c`] |
//! | listen to any signal of Unix, as `SIGTERM` for a graceful end | [`unix::signal`] |
//! | give a signal back when nobody listens any more | [`unix::restore_when_unused`] |
//!
//! The first listener to a signal replaces what the system does about it by itself, for the rest of the process's life,
//! also when the listener is dropped: after that it takes another listener, or `SIGKILL`, to end it. Unless the program
//! wants the signal back: [`restore_when_unused`](unix::restore_when_unused).
//!
//! # Examples
//!
//! ```no_run
//! use unstuck::signal::unix::{SignalKind, signal};
//!
//! #[unstuck::main]
//! async fn main() -> std::io::Result<()> {
//!     let mut terminate = signal(SignalKind::terminate())?;
//!     unstuck::select! {
//!         result = unstuck::signal::ctrl_c() => result?,
//!         _ = terminate.recv() => {}
//!     }
//!     println!("stopping");
//!     Ok(())
//! }
//! ```
//!
//! Rules of this folder: the kernel catches signals and counts them; here is only who listens.

mod ctrl_c;
pub mod unix;

pub use ctrl_c::ctrl_c;
