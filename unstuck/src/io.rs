#![doc = "Reading and writing without blocking."]
pub use unstuck_io::*;
