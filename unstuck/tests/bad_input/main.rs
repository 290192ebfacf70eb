//! Impossible arguments and calls in the wrong place: each gives the panic or the error that is documented, a panic blames
//! the line of the user, and nothing hangs.

mod blame;
#[path = "../common/mod.rs"]
mod common;
mod fs;
mod io;
mod net;
mod process;
mod runtime;
mod signal;
mod sync;
mod task;
mod time;
#[cfg(unix)]
mod unix;
