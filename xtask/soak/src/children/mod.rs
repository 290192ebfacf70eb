//! What this program does as a child process of itself.

mod descriptors;
mod forks;
mod freeze;
mod threads;

use std::io::{Read, Write};
use std::process::{Command, ExitCode};

/// The program, to be run with these.
pub(crate) fn command(arguments: &[&str]) -> Command {
    // Also when its file was replaced meanwhile.
    let mut command = Command::new("/proc/self/exe");
    command.arg("child").args(arguments);
    command
}

pub(crate) fn run(words: &[&str]) -> ExitCode {
    let number = |word: &str| word.parse().unwrap_or(0);
    match *words {
        ["exit", code] => ExitCode::from(number(code) as u8),
        ["echo"] => echo(),
        ["wait"] => wait(),
        ["descriptors", seed] => descriptors::run(number(seed)),
        ["forks", seed] => forks::run(number(seed)),
        ["freeze", process, millis] => freeze::run(number(process), number(millis)),
        ["threads", seed] => threads::run(number(seed)),
        _ => ExitCode::from(2),
    }
}

/// Standard input to standard output.
fn echo() -> ExitCode {
    match std::io::copy(&mut std::io::stdin().lock(), &mut std::io::stdout().lock()) {
        Ok(_) if std::io::stdout().flush().is_ok() => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

/// Until standard input is closed; so it ends with its parent, at the latest.
fn wait() -> ExitCode {
    let _error = std::io::stdin().read_to_end(&mut Vec::new());
    ExitCode::SUCCESS
}
