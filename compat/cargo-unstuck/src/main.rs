//! `cargo unstuck doctor`: does everything that a workspace depends on run on unstuck?
//!
//! Cargo leaves a patch unused when a crate asks for a newer Tokio than the stand-in's version, and only warns. Then two
//! runtimes run side by side, and what belongs to the one panics in the other. This program looks before that happens.
//!
//! 1. It asks `cargo metadata`, and changes nothing but the lock file, as every command of Cargo may.
//! 2. Exit code 0: all is well. 1: something is wrong, and what to do is printed. 2: it could not look.

mod graph;
mod verdict;

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use clap::Parser;

use crate::graph::Graph;

/// Cargo runs `cargo-unstuck unstuck doctor` for `cargo unstuck doctor`.
#[derive(Parser)]
#[command(name = "cargo", bin_name = "cargo", version)]
enum Cargo {
    #[command(subcommand, about = "Looks after a workspace that runs on unstuck")]
    Unstuck(Task),
}

#[derive(clap::Subcommand)]
enum Task {
    /// Says whether everything that this workspace depends on runs on unstuck, and what to do if not
    Doctor(Options),
}

#[derive(clap::Args)]
struct Options {
    /// The manifest of the workspace; by default that of the current folder
    #[arg(long, value_name = "PATH")]
    manifest_path: Option<PathBuf>,

    /// Ask no registry
    #[arg(long)]
    offline: bool,

    /// Leave the lock file as it is
    #[arg(long)]
    locked: bool,
}

fn main() -> ExitCode {
    let Cargo::Unstuck(Task::Doctor(options)) = Cargo::parse();
    match metadata(&options).and_then(|json| Graph::read(&json)) {
        Ok(graph) => {
            let verdict = verdict::judge(&graph);
            // Who reads only the beginning, as `head` does, closes the pipe; the exit code says it all the same.
            let _ = writeln!(io::stdout(), "{verdict}");
            if verdict.is_well() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(why) => {
            eprintln!("cargo unstuck doctor: {why}");
            ExitCode::from(2)
        }
    }
}

/// What Cargo says of the workspace.
fn metadata(options: &Options) -> Result<String, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["metadata", "--format-version", "1"]);
    if let Some(path) = &options.manifest_path {
        command.arg("--manifest-path").arg(path);
    }
    for (wanted, flag) in [(options.offline, "--offline"), (options.locked, "--locked")] {
        if wanted {
            command.arg(flag);
        }
    }
    let output = command.output().map_err(|error| format!("`cargo` can't be run: {error}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("`cargo metadata` failed; correct this first:\n{}", said.trim_end()));
    }
    String::from_utf8(output.stdout).map_err(|_| "`cargo metadata` printed something that is not text".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        Cargo::command().debug_assert();
    }

    #[test]
    fn the_stand_in_says_that_it_is_one() {
        let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../tokio/Cargo.toml");
        let manifest = std::fs::read_to_string(manifest).unwrap();
        let table = manifest.split("[package.metadata.unstuck]").nth(1).expect("the table that the doctor looks for");
        assert_eq!(table.trim_start().lines().next(), Some("stands-in-for = \"tokio\""));
    }
}
