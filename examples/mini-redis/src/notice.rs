//! What the operator should know, on stderr.

use std::fmt::Display;
use std::io::{Write, stderr};

/// Prints one line. A terminal that went away must not take the server along, as `eprintln!` would.
pub(crate) fn notice(text: impl Display) {
    let _ = writeln!(stderr(), "mini-redis: {text}");
}
