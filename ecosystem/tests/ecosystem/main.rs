//! Crates that were written for Tokio run on unstuck, unmodified: a file a crate.
//!
//! 1. Nothing here names unstuck: these are ordinary programs for Tokio, and one line of the manifest patches it.
//! 2. Every server listens on loopback, on a port that the system chooses, and every test ends its servers.

mod axum_service;
mod h2_streams;
mod hyper_http1;
mod hyper_util_graceful;
mod redis_client;
mod reqwest_client;
mod rustls_echo;
mod tokio_util_tools;
mod tonic_grpc;
mod tower_http_layers;
mod tungstenite_chat;
mod which_tokio;
