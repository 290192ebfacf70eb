//! Internal crate of unstuck, published in lockstep with it: the seam between tasks and the outside world.
