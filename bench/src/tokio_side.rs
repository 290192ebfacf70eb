//! The cases on the real tokio.

pub(crate) use ::tokio as rt;

#[path = "cases/mod.rs"]
pub(crate) mod cases;
