//! Internal crate of unstuck, published in lockstep with it: locks and channels that work on any executor.
