//! Unmodified crates that were written for Tokio, running on unstuck: see the tests.
