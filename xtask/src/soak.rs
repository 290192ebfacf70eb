//! `cargo xtask soak`: builds the program in `xtask/soak` and runs it.
//!
//! 1. It is optimised, as what is fast finds more, and has its assertions, as those find more too. So it has a target folder
//!    of its own.
//! 2. What comes after `soak` is the program's: it knows which flags there are.

use std::path::Path;
use std::process::Command;

use crate::target_folder;

/// Builds and runs it with `arguments`.
pub(crate) fn run(root: &Path, arguments: &[&str]) -> Result<(), String> {
    let status = command(root, arguments).status().map_err(|error| format!("cannot start Cargo: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("the soak ended with {status}")) }
}

fn command(root: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("cargo");
    command.args(["run", "--release", "--quiet", "--package", "soak", "--"]).args(arguments).current_dir(root);
    command.env("CARGO_TARGET_DIR", target_folder(root).join("soak"));
    command.env("CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS", "true");
    // Names in the report of a panic; lines would need five times the disk.
    command.env("CARGO_PROFILE_RELEASE_STRIP", "none");
    // Link-time optimisation takes a minute, and finds nothing.
    command.env("CARGO_PROFILE_RELEASE_LTO", "off").env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16");
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_is_optimised_and_keeps_its_assertions() {
        let command = command(Path::new("."), &["--minutes", "1"]);
        let arguments: Vec<_> = command.get_args().map(|argument| argument.to_str().unwrap()).collect();
        assert_eq!(arguments.join(" "), "run --release --quiet --package soak -- --minutes 1");
        let asserts = ("CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS".as_ref(), Some("true".as_ref()));
        assert!(command.get_envs().any(|variable| variable == asserts));
    }
}
