//! An asynchronous runtime for Rust, drop-in for Tokio: nothing gets stuck, you can see why, you can replay it.
