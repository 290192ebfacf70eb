//! Tokio's API on unstuck.
