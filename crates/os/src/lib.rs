//! Internal crate of unstuck, published in lockstep with it: the real kernel.
