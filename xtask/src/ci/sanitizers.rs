//! The tests under the sanitizers of the nightly compiler: every access to memory checked, then every one for data races.
//!
//! 1. Neither step needs std's source. The thread sanitizer would report what std orders without saying so to it, so
//!    `std_edges` tells it; the rest of that kind is listed in `xtask/sanitizers/races.txt`, each row with its reason.
//! 2. What is leaked on purpose is listed in `xtask/sanitizers/leaks.txt`, and no test turns the leak check off.
//!    Nor does the soak, which `cargo xtask soak --sanitizer address` builds as the tests are built.
//! 3. The sanitizer knows nothing of fences: code that relies on one needs an atomic operation beside it that says the
//!    same, or it is reported.

use std::path::{Path, PathBuf};

use super::std_edges::{self, StdEdges};
use super::{Action, Invocation, Step};

/// What both sanitizers are built for here: the target must be named, so that build scripts are left alone.
const TARGET: &str = "x86_64-unknown-linux-gnu";

/// All tests but those in documentation, with every access to memory checked, and what is left over at the end.
pub(super) fn address(root: &Path, target: &Path) -> Step {
    let (root, target) = (root.to_owned(), target.join("address-sanitizer"));
    prepared("address sanitizer", move || {
        sysroot(&root)?;
        Ok(tests("--workspace --exclude xtask --bins", ADDRESS, &target).with("LSAN_OPTIONS", leak_options(&root)))
    })
}

/// The soak with the same checks.
///
/// # Errors
/// If there is no nightly toolchain.
pub(crate) fn address_soak(root: &Path, target: &Path, arguments: &[&str]) -> Result<Invocation, String> {
    sysroot(root)?;
    let line = format!("cargo +nightly run --release --quiet --package soak --target {TARGET} --");
    let mut invocation = Invocation::new(&line)
        .with("RUSTFLAGS", ADDRESS)
        .with("CARGO_TARGET_DIR", target.join("address-sanitizer-soak").display().to_string())
        .with("LSAN_OPTIONS", leak_options(root));
    invocation.arguments.extend(arguments.iter().map(|argument| (*argument).to_owned()));
    Ok(invocation)
}

const ADDRESS: &str = "-Zsanitizer=address";

/// See rule 2.
fn leak_options(root: &Path) -> String {
    format!("suppressions={}:print_suppressions=0", root.join("xtask/sanitizers/leaks.txt").display())
}

/// Where threads meet: what the thread sanitizer is for. Programs on top of these give it nothing more to see, and their
/// tests limit time and file descriptors, of which it takes many times as much.
const SHARED: &str = "-p unstuck-base -p unstuck-task -p unstuck-driver -p unstuck-sync -p unstuck-scheduler";

/// The tests of the crates whose state threads share, with every access checked for data races.
pub(super) fn thread(root: &Path, target: &Path) -> Step {
    let (root, target) = (root.to_owned(), target.join("thread-sanitizer"));
    prepared("thread sanitizer", move || {
        let library = sysroot(&root)?.join("lib/rustlib").join(TARGET).join("lib");
        let edges = StdEdges::find(&library)?;
        let arguments = std_edges::build(&root, &edges, &target)?;
        let suppressions = root.join("xtask/sanitizers/races.txt");
        // std is not instrumented, and the compiler asks whether that is meant.
        let flags =
            format!("-Zsanitizer=thread -Cunsafe-allow-abi-mismatch=sanitizer -Clink-arg=@{}", arguments.display());
        Ok(tests(SHARED, &flags, &target).with("TSAN_OPTIONS", format!("suppressions={}", suppressions.display())))
    })
}

fn tests(packages: &str, flags: &str, target: &Path) -> Invocation {
    let line = format!("cargo +nightly test --no-fail-fast {packages} --lib --tests --target {TARGET}");
    Invocation::new(&line).with("RUSTFLAGS", flags).with("CARGO_TARGET_DIR", target.display().to_string())
}

fn prepared(name: &'static str, prepare: impl Fn() -> Result<Invocation, String> + 'static) -> Step {
    Step { name, action: Action::Prepared(Box::new(prepare)) }
}

/// Where the nightly toolchain is.
fn sysroot(root: &Path) -> Result<PathBuf, String> {
    let output = Invocation::new("rustc +nightly --print sysroot").command(root).output();
    match output {
        Ok(output) if output.status.success() => Ok(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim())),
        _ => Err("it needs the nightly toolchain: `rustup toolchain install nightly`".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_sanitizer_has_one_target_folder_and_its_list() {
        let line = tests(SHARED, "-Zsanitizer=address", Path::new("target/a")).to_string();
        assert!(
            line.starts_with("RUSTFLAGS=\"-Zsanitizer=address\" CARGO_TARGET_DIR=\"target/a\" cargo +nightly test")
        );
        assert!(line.ends_with("--target x86_64-unknown-linux-gnu"), "{line}");
    }

    #[test]
    fn every_suppression_stands_below_its_reason() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("sanitizers");
        for name in ["leaks.txt", "races.txt"] {
            let text = std::fs::read_to_string(folder.join(name)).unwrap();
            let mut reason = false;
            for line in text.lines() {
                match line {
                    "" => reason = false,
                    comment if comment.starts_with("# ") => reason = true,
                    row => assert!(reason && row.contains(':'), "{name}: `{row}` has no reason above it"),
                }
            }
        }
    }
}
