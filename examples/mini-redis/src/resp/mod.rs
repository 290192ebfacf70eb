//! The wire format, RESP2: requests are parsed, replies are encoded; nothing here reads a socket.
//!
//! 1. [`parse`] accepts any split of the bytes and gives the same commands.
//! 2. [`encode`] appends to one buffer, which is written to the socket as it is.
//!
//! `connection` parses, the commands encode.

pub(crate) mod encode;
mod inline;
pub(crate) mod int;
pub(crate) mod parse;

pub(crate) use encode::Replies;
pub(crate) use parse::{Args, ProtocolError, Requests};
