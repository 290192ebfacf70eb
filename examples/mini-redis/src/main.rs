//! An in-memory Redis server on unstuck.

fn main() {}
