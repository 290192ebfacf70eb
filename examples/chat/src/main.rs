//! The chat server as a program: `chat [ADDRESS]`, until Ctrl-C or SIGTERM.

use std::process::ExitCode;

use chat::Server;
use tokio::signal::unix::{SignalKind, signal};

const DEFAULT_ADDRESS: &str = "127.0.0.1:6667";

#[tokio::main]
async fn main() -> ExitCode {
    let address = match std::env::args().nth(1).as_deref() {
        None => DEFAULT_ADDRESS.to_owned(),
        Some("-h" | "--help") => {
            println!("usage: chat [ADDRESS]    (default: {DEFAULT_ADDRESS}; talk to it with `nc`)");
            return ExitCode::SUCCESS;
        }
        Some(address) => address.to_owned(),
    };
    match run(&address).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("chat: {address}: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(address: &str) -> std::io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let server = Server::bind(address).await?;
    println!("listening on {}", server.local_addr()?);
    let stop = async move {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        }
    };
    server.serve(stop).await;
    Ok(())
}
