//! Every file with atomics is modelled by a loom test of its crate, or has its reason why not.
//!
//! 1. A loom test counts for a file when its path, its code, or its opening line (`//! Loom: ..`) names that file's module.
//! 2. Atomics of std are invisible to loom, whatever the tests do, so only a file with a reason may import them.
//! 3. A reason that is no longer needed is a finding too, so that the list stays true.

use super::{Finding, tables};
use crate::source::{self, Source};
use crate::tree::{File, Tree};

/// What a file with atomics says, from whichever place it imports them.
const ATOMICS: &[&str] = &[
    "sync::atomic",
    "AtomicBool",
    "AtomicU8",
    "AtomicU16",
    "AtomicU32",
    "AtomicU64",
    "AtomicUsize",
    "AtomicI32",
    "AtomicI64",
    "AtomicIsize",
    "AtomicPtr",
];

/// What a file says that imports them from std.
const STD: &[&str] = &["std::sync::atomic", "core::sync::atomic"];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    judge(tree, tables::ATOMICS_WITHOUT_LOOM)
}

fn judge(tree: &Tree, excused: &[(&str, &str)]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (file, source) in tree.rust() {
        let Some(package) = package_folder(&file.path) else { continue };
        let has_excuse = excused.iter().any(|&(path, _)| path == file.path);
        let complaint = if names_atomics(source, STD) {
            Some("std's atomics, which loom can't see; import `unstuck_base::sync` or give a reason in tables.rs")
        } else if names_atomics(source, ATOMICS) && !is_modelled(tree, package, file) {
            Some("atomics without a loom test that names this module, or a reason in xtask/src/tidy/tables.rs")
        } else {
            None
        };
        match complaint {
            Some(message) if !has_excuse => findings.push(Finding::about(&file.path, message)),
            None if has_excuse => findings.push(Finding::about(&file.path, "needs no reason for its atomics any more")),
            _ => {}
        }
    }
    for (path, _) in excused {
        if tree.file(path).is_none() {
            findings.push(Finding::about(path, "has a reason for its atomics but does not exist"));
        }
    }
    findings
}

/// Whether `file` holds loom tests: a test function whose name begins with `loom_`.
pub(crate) fn has_loom_tests(file: &File) -> bool {
    file.source.as_ref().is_some_and(|source| source.code().contains("fn loom_"))
}

/// The folder, with its `/`, of the library that a source file belongs to; `None` for what the rule is not about.
fn package_folder(path: &str) -> Option<&str> {
    let library = path.starts_with("crates/") || path.starts_with("unstuck/");
    // `base::sync` is where loom's types come from: modelling it would test loom.
    let subject = library && !path.starts_with("crates/base/src/sync");
    path.find("/src/").filter(|_| subject).map(|at| &path[..=at])
}

/// Whether the code of `source`, tests apart, says one of `words`.
fn names_atomics(source: &Source, words: &[&str]) -> bool {
    source
        .lines()
        .any(|(number, line)| !source.is_test(number) && words.iter().any(|word| source::has_word(line, word)))
}

fn is_modelled(tree: &Tree, package: &str, file: &File) -> bool {
    let module = file.module();
    let mut loom_files = tree.files().filter(|test| test.path.starts_with(package) && has_loom_tests(test));
    loom_files.any(|test| {
        let inside = test.path[package.len()..].split('/').any(|part| part.trim_end_matches(".rs") == module);
        let code = test.source.as_ref().map_or("", Source::code);
        let opening = test.text.lines().next().filter(|line| line.starts_with("//! Loom:")).unwrap_or("");
        inside || test.path == file.path || source::has_word(code, module) || source::has_word(opening, module)
    })
}

#[cfg(test)]
mod tests {
    use super::super::printed;
    use super::*;

    const ATOMIC: &str = "use unstuck_base::sync::atomic::{AtomicUsize, Ordering};\n";

    #[test]
    fn atomics_without_a_model_are_found() {
        let tree = Tree::of(&[("crates/task/src/state.rs", ATOMIC), ("crates/task/src/run.rs", "fn run() {}\n")]);
        let findings = printed(judge(&tree, &[]));
        assert_eq!(findings.len(), 1);
        assert!(findings[0].starts_with("crates/task/src/state.rs: atomics without a loom test"));
    }

    #[test]
    fn a_model_that_opens_with_the_module_is_enough() {
        let tree = |opening: &str| {
            let model = format!("{opening}\nfn loom_two_senders() {{}}\n");
            Tree::of(&[("crates/sync/src/mpsc/tail.rs", ATOMIC), ("crates/sync/src/loom_tests/mpsc.rs", &model)])
        };
        assert!(judge(&tree("//! Loom: mpsc, with its blocks and tail."), &[]).is_empty());
        assert_eq!(judge(&tree("//! Loom: mpsc."), &[]).len(), 1);
        assert_eq!(judge(&tree("// A tail of events."), &[]).len(), 1);
    }

    #[test]
    fn a_model_that_names_the_module_is_enough() {
        let tree = Tree::of(&[
            ("crates/task/src/state.rs", ATOMIC),
            ("crates/task/src/loom_tests.rs", "use crate::state::State;\nfn loom_two_wakes_submit_once() {}\n"),
        ]);
        assert!(judge(&tree, &[]).is_empty());
    }

    #[test]
    fn a_model_of_another_crate_or_in_prose_is_not() {
        let tree = Tree::of(&[
            ("crates/task/src/state.rs", ATOMIC),
            ("crates/task/src/loom_tests.rs", "// about state\nfn loom_x() {}\n"),
            ("crates/sync/src/loom_tests.rs", "use state::X;\nfn loom_x() {}\n"),
        ]);
        assert_eq!(judge(&tree, &[]).len(), 1);
    }

    #[test]
    fn a_model_inside_the_module_or_the_file_is_enough() {
        let tree = Tree::of(&[
            ("crates/scheduler/src/pool/ring.rs", ATOMIC),
            ("crates/scheduler/src/pool/ring/loom_tests.rs", "fn loom_steal() {}\n"),
            ("crates/sync/src/once.rs", "use unstuck_base::sync::atomic::AtomicU8;\nmod m { fn loom_race() {} }\n"),
            ("crates/task/src/state.rs", ATOMIC),
            ("crates/task/src/loom_tests/state.rs", "fn loom_two_wakes_submit_once() {}\n"),
        ]);
        assert!(judge(&tree, &[]).is_empty());
    }

    #[test]
    fn atomics_in_tests_and_in_sync_itself_need_no_model() {
        let tree = Tree::of(&[
            ("crates/base/src/sync/native.rs", ATOMIC),
            ("crates/task/src/a.rs", "#[cfg(test)]\nmod tests {\n    use std::sync::atomic::AtomicBool;\n}\n"),
            ("crates/task/tests/b.rs", ATOMIC),
        ]);
        assert!(judge(&tree, &[]).is_empty());
    }

    #[test]
    fn a_model_does_not_help_where_loom_sees_nothing() {
        let tree = Tree::of(&[
            ("crates/sync/src/once.rs", "use std::sync::atomic::AtomicU8;\n"),
            ("crates/sync/src/once/loom_tests.rs", "fn loom_race() {}\n"),
        ]);
        assert!(printed(judge(&tree, &[]))[0].contains("loom can't see"));
        assert!(judge(&tree, &[("crates/sync/src/once.rs", "It only counts, and orders nothing.")]).is_empty());
    }

    #[test]
    fn a_reason_counts_until_it_is_stale() {
        let tree = Tree::of(&[("crates/task/src/id.rs", ATOMIC)]);
        assert!(judge(&tree, &[("crates/task/src/id.rs", "One counter that orders nothing.")]).is_empty());
        let tree = Tree::of(&[("crates/task/src/id.rs", "")]);
        assert_eq!(judge(&tree, &[("crates/task/src/id.rs", "One counter that orders nothing.")]).len(), 1);
        assert_eq!(judge(&Tree::of(&[]), &[("crates/gone.rs", "It is gone by now.")]).len(), 1);
    }
}
