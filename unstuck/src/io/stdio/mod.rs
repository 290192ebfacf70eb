//! The standard streams of the process.
//!
//! 1. Input is waited for like a socket: no thread of a runtime sits in a read, and what nobody took is kept for the next
//!    reader, whatever its runtime.
//! 2. Output goes to threads that may block, through std's own streams; what was reported as written is written, also when
//!    the runtime shuts down.

mod input;
mod output;

pub use input::{Stdin, stdin};
pub use output::{Stderr, Stdout, stderr, stdout};
