//! The scenarios on the real tokio.

pub(crate) use ::tokio as rt;

#[path = "scenarios/mod.rs"]
pub(crate) mod scenarios;
