//! Internal crate of unstuck, published in lockstep with it: asynchronous read and write traits and their tools.
