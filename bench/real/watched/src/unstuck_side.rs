//! The operations on unstuck.

pub(crate) use ::unstuck as rt;

// Compiling the operations once for each side is the point.
#[expect(clippy::duplicate_mod)]
#[path = "operations/mod.rs"]
pub(crate) mod operations;
