//! Internal crate of unstuck, published in lockstep with it: which runtime is this thread in?
