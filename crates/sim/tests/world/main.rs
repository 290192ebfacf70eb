//! The simulated world, seen from programs in it.

mod ends;
mod network;
mod replay;
mod tools;
