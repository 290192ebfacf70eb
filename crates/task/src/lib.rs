//! Internal crate of unstuck, published in lockstep with it: one spawned future.
