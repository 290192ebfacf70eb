//! What the repository never says: places of one developer's machine, unfinished code, packages from elsewhere.
//!
//! 1. This file is the only one that spells the words out, so it is the only one that is not searched.
//! 2. Unfinished code is looked for in code, never in prose: a rule may name what it forbids.

use super::Finding;
use crate::tree::{File, Tree};

/// Folders that exist on one machine only.
const PLACES: &[&str] = &["/work", "/tmp/target", "/root", "/home"];

/// Code that promises to come later, or hides that it is not used.
const UNFINISHED: &[&str] = &["todo!", "unimplemented!", "#[ignore", "allow(dead_code"];

/// The registry that a lock file may name, and no other.
const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// How a configuration or a document would lead Cargo to another registry.
const ELSEWHERE: &[&str] =
    &["[source.", "[registries", "replace-with", "index.crates.io", "static.crates.io", "sparse+"];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.files().filter(|file| file.path != "xtask/src/tidy/words.rs") {
        for (index, line) in file.text.lines().enumerate() {
            if let Some(message) = judge(file, index + 1, line) {
                findings.push(Finding::at(&file.path, index + 1, message));
            }
        }
    }
    findings
}

fn judge(file: &File, number: usize, line: &str) -> Option<String> {
    if let Some(place) = PLACES.iter().find(|place| names_place(line, place)) {
        return Some(format!("`{place}` is a folder of one machine"));
    }
    if let Some(word) = ELSEWHERE.iter().find(|word| line.contains(**word)) {
        return Some(format!("`{word}` leads to another registry"));
    }
    if file.path.ends_with("Cargo.lock") && line.starts_with("source = ") && !line.contains(REGISTRY) {
        return Some("a package that does not come from crates.io".to_owned());
    }
    let code = file.source.as_ref()?.line(number);
    let dense: String = code.chars().filter(|character| !character.is_whitespace()).collect();
    let word = UNFINISHED.iter().find(|word| dense.contains(**word))?;
    Some(format!("`{word}`: finish it or leave it out"))
}

/// Whether `line` names `place` or something below it, rather than a longer path that merely contains it.
fn names_place(line: &str, place: &str) -> bool {
    line.match_indices(place).any(|(at, _)| {
        let joins = |character: char| character.is_alphanumeric() || "_-./}>~*".contains(character);
        let before = line[..at].chars().next_back().is_some_and(joins);
        let after = line[at + place.len()..].chars().next();
        let continues = after.is_some_and(|character| character.is_alphanumeric() || character == '_');
        !before && (!continues || place.starts_with("/tmp"))
    })
}

#[cfg(test)]
mod tests {
    use super::super::printed;
    use super::*;

    fn found(path: &str, text: &str) -> Vec<String> {
        printed(check(&Tree::of(&[(path, text)])))
    }

    #[test]
    fn a_place_of_one_machine_is_found_wherever_it_stands() {
        assert_eq!(found("README.md", "see /work/notes.md\n"), ["README.md:1: `/work` is a folder of one machine"]);
        assert_eq!(found("a.toml", "target-dir = \"/tmp/target-a\"\n").len(), 1);
        assert_eq!(found("crates/a/src/lib.rs", "// in /root/.cargo\n").len(), 1);
    }

    #[test]
    fn a_path_that_only_contains_the_word_is_fine() {
        assert_eq!(found("a.md", "crates/scheduler/src/pool/worker.rs, docs/work, ~/work, /workspace\n"), [""; 0]);
        assert_eq!(found("a.md", "a socket at /tmp/echo.sock\n"), [""; 0]);
    }

    #[test]
    fn unfinished_code_is_found_but_prose_may_name_it() {
        assert_eq!(found("a.rs", "fn a() { todo!() }\n").len(), 1);
        assert_eq!(found("a.rs", "#[test]\n#[ignore = \"slow\"]\n").len(), 1);
        assert_eq!(found("a.rs", "#![allow(dead_code)]\n").len(), 1);
        assert_eq!(found("a.rs", "// no todo!() here\nlet a = \"unimplemented!\";\n"), [""; 0]);
        assert_eq!(found("CONTRIBUTING.md", "No `todo!()`.\n"), [""; 0]);
    }

    #[test]
    fn packages_come_from_one_registry() {
        assert_eq!(found("Cargo.lock", &format!("source = \"{REGISTRY}\"\n")), [""; 0]);
        assert_eq!(found("Cargo.lock", "source = \"git+https://example.org/a\"\n").len(), 1);
        assert_eq!(found(".cargo/config.toml", "[source.mirror]\n").len(), 1);
    }
}
