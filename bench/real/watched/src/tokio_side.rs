//! The operations on the real tokio.

pub(crate) use ::tokio as rt;

#[path = "operations/mod.rs"]
pub(crate) mod operations;
