//! `cargo xtask soak`: builds the program in `xtask/soak` and runs it.
//!
//! 1. It is optimised, as what is fast finds more, and has its assertions, as those find more too. So it has a target folder
//!    of its own.
//! 2. What comes after `soak` is the program's: it knows which flags there are. Only `--sanitizer` decides how it is built
//!    as well.

use std::path::Path;
use std::process::Command;

use crate::ci::sanitizers::address_soak;
use crate::target_folder;

/// Builds and runs it with `arguments`.
pub(crate) fn run(root: &Path, arguments: &[&str]) -> Result<(), String> {
    let mut command = match sanitizer(arguments)? {
        None => command(root, arguments),
        Some(Sanitizer::Address) => address_soak(root, &target_folder(root), arguments)?.command(root),
    };
    let status = tune(&mut command).status().map_err(|error| format!("cannot start Cargo: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("the soak ended with {status}")) }
}

/// What looks on.
#[derive(Debug, PartialEq)]
enum Sanitizer {
    Address,
}

fn sanitizer(arguments: &[&str]) -> Result<Option<Sanitizer>, String> {
    let Some(at) = arguments.iter().position(|argument| *argument == "--sanitizer") else { return Ok(None) };
    match arguments.get(at + 1) {
        Some(&"address") => Ok(Some(Sanitizer::Address)),
        other => Err(format!("`--sanitizer {}`: there is `address`", other.unwrap_or(&""))),
    }
}

fn command(root: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("cargo");
    command.args(["run", "--release", "--quiet", "--package", "soak", "--"]).args(arguments).current_dir(root);
    command.env("CARGO_TARGET_DIR", target_folder(root).join("soak"));
    command
}

/// See rule 1.
fn tune(command: &mut Command) -> &mut Command {
    command.env("CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS", "true");
    // Names in the report of a panic; lines would need five times the disk.
    command.env("CARGO_PROFILE_RELEASE_STRIP", "none");
    // Link-time optimisation takes a minute, and finds nothing.
    command.env("CARGO_PROFILE_RELEASE_LTO", "off").env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_is_optimised_and_keeps_its_assertions() {
        let mut command = command(Path::new("."), &["--minutes", "1"]);
        tune(&mut command);
        let arguments: Vec<_> = command.get_args().map(|argument| argument.to_str().unwrap()).collect();
        assert_eq!(arguments.join(" "), "run --release --quiet --package soak -- --minutes 1");
        let asserts = ("CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS".as_ref(), Some("true".as_ref()));
        assert!(command.get_envs().any(|variable| variable == asserts));
    }

    #[test]
    fn the_sanitizer_is_named_and_the_program_is_told() {
        let arguments = ["--minutes", "1", "--sanitizer", "address"];
        assert_eq!(sanitizer(&arguments), Ok(Some(Sanitizer::Address)));
        assert_eq!(sanitizer(&arguments[..2]), Ok(None));
        for unknown in [&["--sanitizer"][..], &["--sanitizer", "thread"]] {
            assert!(sanitizer(unknown).is_err_and(|message| message.ends_with("there is `address`")), "{unknown:?}");
        }
        // Whoever has no nightly toolchain is told so.
        match address_soak(Path::new("."), Path::new("target"), &arguments) {
            Ok(invocation) => assert!(invocation.to_string().ends_with("-- --minutes 1 --sanitizer address")),
            Err(message) => assert!(message.contains("rustup toolchain install nightly"), "{message}"),
        }
    }
}
