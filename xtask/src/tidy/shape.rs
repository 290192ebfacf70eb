//! Files are short, and a library's open with their purpose: one idea per file, stated at the top.

use super::{Finding, tables};
use crate::tree::Tree;

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (file, source) in tree.rust() {
        let lines = file.text.lines().count();
        if lines > tables::LONGEST_FILE {
            let message =
                format!("{lines} lines; {} is the limit: which of its ideas can move out?", tables::LONGEST_FILE);
            findings.push(Finding::about(&file.path, message));
        }
        let library = file.path.starts_with("crates/") || file.path.starts_with("unstuck/src/");
        let first = (1..=lines).find(|&line| !source.comment(line).is_empty() || !source.line(line).trim().is_empty());
        let documented = first.is_some_and(|line| source.comment(line).starts_with("//!"));
        if library && !documented {
            findings.push(Finding::at(&file.path, 1, "does not open with a `//!` that says what the file is"));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::printed;
    use super::*;

    #[test]
    fn a_file_of_the_longest_length_is_fine_and_one_line_more_is_not() {
        let text = |lines: usize| format!("//! Long.\n{}", "fn a() {}\n".repeat(lines - 1));
        let longest = text(tables::LONGEST_FILE);
        assert!(check(&Tree::of(&[("crates/a/src/lib.rs", &longest)])).is_empty());
        let longer = text(tables::LONGEST_FILE + 1);
        assert_eq!(printed(check(&Tree::of(&[("bench/src/a.rs", &longer)]))).len(), 1);
    }

    #[test]
    fn a_library_file_opens_with_its_purpose() {
        assert_eq!(check(&Tree::of(&[("crates/a/src/lib.rs", "// Plain.\n//! Late.\n")])).len(), 1);
        assert_eq!(check(&Tree::of(&[("unstuck/src/lib.rs", "")])).len(), 1);
        assert!(check(&Tree::of(&[("unstuck/src/lib.rs", "\n//! First.\n")])).is_empty());
        assert!(check(&Tree::of(&[("examples/a/src/main.rs", "fn main() {}\n")])).is_empty());
    }
}
