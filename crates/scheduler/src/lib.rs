//! Internal crate of unstuck, published in lockstep with it: who runs next.
