//! Loom: cancellation tokens.

mod node;
mod waiting;
