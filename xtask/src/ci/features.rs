//! Each Cargo feature of the stand-in builds alone, and brings no more than it must.
//!
//! A crate that asks for `tokio = { features = ["sync"] }` gets locks and channels: neither a runtime nor a procedural macro
//! is built for it. Only Cargo can tell, so Cargo is asked.

use std::path::Path;
use std::process::Command;

/// The features that bring items, and the empty set.
const ALONE: &[&str] = &[
    "",
    "fs",
    "full",
    "io-std",
    "io-util",
    "macros",
    "net",
    "process",
    "rt",
    "rt-multi-thread",
    "signal",
    "sync",
    "test-util",
    "time",
];

/// What must not be built for a feature.
const SPARED: &[(&str, &[&str])] =
    &[("sync", &["mio", "socket2", "syn", "unstuck-os", "unstuck-scheduler"]), ("macros", &["mio", "socket2"])];

/// Builds each of [`ALONE`], and looks at what [`SPARED`] says.
pub(super) fn check(root: &Path) -> Result<(), String> {
    for feature in ALONE {
        cargo(root, &["check", "--quiet", "-p", "tokio", "--no-default-features", "--features", feature])?;
    }
    for (feature, spared) in SPARED {
        let arguments =
            ["tree", "-p", "tokio", "--no-default-features", "--features", feature, "--edges", "normal,build"];
        let tree = cargo(root, &[&arguments[..], &["--prefix", "none"]].concat())?;
        if let Some(package) = spared.iter().find(|package| names(&tree, package)) {
            return Err(format!(
                "`tokio` with the feature `{feature}` alone builds `{package}`; see `cargo {}`",
                arguments.join(" ")
            ));
        }
    }
    Ok(())
}

/// Whether a tree printed without prefixes has that package.
fn names(tree: &str, package: &str) -> bool {
    tree.lines().any(|line| line.split(' ').next() == Some(package))
}

fn cargo(root: &Path, arguments: &[&str]) -> Result<String, String> {
    let line = || format!("cargo {}", arguments.join(" "));
    let output = Command::new("cargo").args(arguments).current_dir(root).output();
    let output = output.map_err(|error| format!("`{}` can't be run: {error}", line()))?;
    let said = String::from_utf8_lossy(&output.stderr);
    // What another feature would use, and this one leaves unused, is a warning only.
    if !output.status.success() || said.contains("warning:") {
        return Err(format!("`{}` does not build without a complaint:\n{said}", line()));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_is_known_by_its_whole_name() {
        let tree = "tokio v1.54.1 (/a)\nunstuck-sync v0.1.0 (/b)\nsyn v3.0.0\n";
        assert!(names(tree, "syn"));
        assert!(names(tree, "unstuck-sync"));
        assert!(!names(tree, "unstuck"));
        assert!(!names(tree, "v3.0.0"));
    }
}
