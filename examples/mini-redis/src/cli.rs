//! The command line.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};

/// An in-memory Redis server on unstuck.
#[derive(Clone, Debug, Parser)]
#[command(version)]
pub struct Options {
    /// TCP port; 0 lets the system choose one, which is printed
    #[arg(long, default_value_t = 6379)]
    pub port: u16,

    /// Address to listen on
    #[arg(long, default_value = "127.0.0.1")]
    pub bind: IpAddr,

    /// Connections served at a time; the next one is told so and closed
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub max_clients: u32,

    /// Keep every change in FILE, and start with what it holds
    #[arg(long, value_name = "FILE")]
    pub appendonly: Option<PathBuf>,

    /// When changes reach the disk, not only the system's cache
    #[arg(long, value_enum, default_value_t = Fsync::Everysec)]
    pub appendfsync: Fsync,

    /// Close a client that was idle so many seconds; 0 never does, and subscribers may listen for ever
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    pub idle_timeout: u64,

    /// Unread messages a subscriber may have, in bytes, before it is cut off
    #[arg(long, value_name = "BYTES", default_value_t = 32 * 1024 * 1024)]
    pub pubsub_buffer: usize,

    /// Wait so many seconds for clients to take their replies when the server is stopped
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    pub drain_timeout: u64,
}

/// When the append-only file is synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Fsync {
    /// Before a change is acknowledged: nothing acknowledged is ever lost
    Always,
    /// Once a second: a crash of the machine loses about a second, one of the server alone nothing
    Everysec,
    /// When the system likes
    No,
}

impl fmt::Display for Fsync {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Fsync::Always => "always",
            Fsync::Everysec => "everysec",
            Fsync::No => "no",
        })
    }
}

impl Options {
    pub(crate) fn idle_timeout(&self) -> Option<Duration> {
        (self.idle_timeout > 0).then(|| Duration::from_secs(self.idle_timeout))
    }

    pub(crate) fn drain_timeout(&self) -> Duration {
        Duration::from_secs(self.drain_timeout)
    }
}
