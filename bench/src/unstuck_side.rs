//! The cases on unstuck.

pub(crate) use ::unstuck as rt;

// Compiling the cases once for each side is the point.
#[expect(clippy::duplicate_mod)]
#[path = "cases/mod.rs"]
pub(crate) mod cases;
