//! Internal crate of unstuck, published in lockstep with it: the simulated world.
