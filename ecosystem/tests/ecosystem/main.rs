//! Crates that were written for Tokio run on unstuck, unmodified: a file a crate.
//!
//! 1. Nothing here names unstuck: these are ordinary programs for Tokio, and one line of the manifest patches it.
//! 2. Every server listens on loopback, on a port that the system chooses, and every test ends its servers.
//! 3. A test that hangs fails: see [`limit`].

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

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

/// Ends the process, with the name of the test, if this still lives in two minutes. A thread sees to it: where the runtime is
/// what is broken, its timers can't be relied on.
fn limit() -> Sender<()> {
    let test = thread::current().name().unwrap_or_default().to_owned();
    let (alive, ended) = channel();
    thread::spawn(move || {
        if ended.recv_timeout(Duration::from_secs(120)) == Err(RecvTimeoutError::Timeout) {
            eprintln!("{test} hangs");
            std::process::abort();
        }
    });
    alive
}
