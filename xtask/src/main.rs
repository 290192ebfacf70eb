//! The project's developer commands: `cargo xtask help` lists them.
//!
//! 1. Nothing here depends on a crate of ours, so a broken one never takes the commands down with it; of others' only what
//!    reads JSON and matches patterns.
//! 2. A command either did all of what it says or ends with an error that names what failed; it never skips in silence.

mod api;
mod ci;
mod conformance;
mod manifest;
mod packages;
mod soak;
mod source;
mod tidy;
mod tree;

use std::path::{Path, PathBuf};
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
        ["ci", ref rest @ ..] => ci::run(root()?, rest),
        ["api", ref rest @ ..] => api::run(root()?, rest),
        ["conformance", ref rest @ ..] => conformance::run(root()?, rest),
        ["soak", ref rest @ ..] => soak::run(root()?, rest),
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

/// Where Cargo puts what it builds: its own choice, or `target` in the repository.
fn target_folder(root: &Path) -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |folder| root.join(folder))
}

const HELP: &str = "\
Developer commands of unstuck

  cargo xtask ci          what must pass before a merge: the README's tests, format, lints, documentation,
                          loom, tidy, 100 simulator seeds, each feature alone, the ecosystem's crates, the
                          quick part of conformance and 2 minutes of soak; prints the minutes of each step
  cargo xtask ci --full   the same, then 1000 simulator seeds, a build that aborts on panic, the API, all of
                          conformance, 10 minutes of soak, the tests under the address and the thread
                          sanitizer, and 2 minutes of soak under the first (the API and the sanitizers need
                          the nightly toolchain)
  cargo xtask ci --only \"STEP\"
                          one step of the full run, by its name: cargo xtask ci --only \"thread sanitizer\"
  cargo xtask conformance [FLAGS]
                          runs the tests that Tokio ships in its own packages on unstuck
      --suite NAME        tokio (the default), doc (the examples of Tokio's documentation), util, stream,
                          test (its companions), or all
      --files REGEX       only the files whose name matches
      --quick             only files that are quick and tell much; what `cargo xtask ci` runs
      --unstable          with `--cfg tokio_unstable`
      --real              on Tokio itself, which also leaves the names for counting what does not compile
      --limit SECONDS     for a file, before its tests are run one by one (60)
      --out FILE          writes every test's outcome there, as JSON
  cargo xtask api [--unstable]
                          our public API beside Tokio's, item by item, and whether each item has a text, an
                          example, and what else it needs; needs the nightly toolchain
  cargo xtask soak [FLAGS]
                          everything that unstuck does, mixed at random, with an oracle for each part of it; ends
                          with the first finding
      --minutes N         for so long (2)
      --seed S            decides as it did before
      --round N           repeats this round of the seed
      --only NAMES        only these scenarios, with commas between them
      --sanitizer address with every access to memory checked, and what is left over at the end; needs the
                          nightly toolchain
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
        assert!(error.starts_with("`ci --ful`: it takes"));
    }
}
