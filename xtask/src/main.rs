//! The project's developer commands: `cargo xtask help` lists them.
//!
//! 1. Nothing here depends on another crate, ours or others', so a broken crate never takes the commands down with it.
//! 2. A command either did all of what it says or ends with an error that names what failed; it never skips in silence.

mod ci;
mod manifest;
mod source;
mod tidy;
mod tree;

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("xtask: {message}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result<(), String> {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["ci"] => ci::run(root()?, ci::Extent::EveryMerge),
        ["ci", "--full"] => ci::run(root()?, ci::Extent::Full),
        ["tidy"] => tidy::run(root()?),
        [] | ["help" | "--help" | "-h"] => {
            print!("{HELP}");
            Ok(())
        }
        _ => Err(format!("`{}` is no command of this project\n\n{HELP}", words.join(" "))),
    }
}

/// The repository's root: the folder above this package.
fn root() -> Result<&'static Path, String> {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().ok_or_else(|| format!("{} has no parent folder", package.display()))
}

const HELP: &str = "\
Developer commands of unstuck

  cargo xtask ci          what must pass before a merge: the README's tests, format, lints, documentation,
                          loom, tidy and 100 simulator seeds; prints the minutes of each step
  cargo xtask ci --full   the same, then 1000 simulator seeds and the tests under the address and the thread
                          sanitizer (these need the nightly toolchain, the second also its rust-src)
  cargo xtask tidy        the rules of the house that no compiler checks: layers, clocks, cfg, unsafe, loom
                          tests, file length, module docs, forbidden words, dependencies
  cargo xtask help        this text
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_command_is_named_and_answered_with_the_help() {
        let error = run(&["tidyy".to_owned()]).unwrap_err();
        assert!(error.starts_with("`tidyy` is no command"));
        assert!(error.contains("cargo xtask tidy"));
    }

    #[test]
    fn an_unknown_flag_of_a_known_command_is_an_error() {
        let error = run(&["ci".to_owned(), "--ful".to_owned()]).unwrap_err();
        assert!(error.starts_with("`ci --ful` is no command"));
    }
}
