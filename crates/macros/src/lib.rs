//! Internal crate of unstuck, published in lockstep with it: the attribute and function-like macros.
