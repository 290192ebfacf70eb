//! Forked children: a new runtime works there, one of the parent says that it does not, and the parent notices nothing.

#[path = "../common/mod.rs"]
mod common;

mod child;
mod inside;
mod new_runtime;
mod opt_ins;
mod parents;
mod works;
