//! The scenarios on unstuck.

pub(crate) use ::unstuck as rt;

// Compiling the scenarios once for each side is the point.
#[expect(clippy::duplicate_mod)]
#[path = "scenarios/mod.rs"]
pub(crate) mod scenarios;
