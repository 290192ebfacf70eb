//! The server as a program: starts, says where it listens, and stops on Ctrl-C or SIGTERM.

#[cfg(unix)]
#[path = "stop_unix.rs"]
mod stop;
#[cfg(not(unix))]
#[path = "stop_other.rs"]
mod stop;

use std::error::Error;
use std::process::ExitCode;

use clap::Parser;
use mini_redis::{Options, Server};

#[unstuck::main]
async fn main() -> ExitCode {
    match run(Options::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("mini-redis: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(options: Options) -> Result<(), Box<dyn Error>> {
    let stop = stop::requested()?;
    let server = Server::start(options).await?;
    println!("listening on {}", server.local_addr()?);
    server.serve(stop).await?;
    Ok(())
}
