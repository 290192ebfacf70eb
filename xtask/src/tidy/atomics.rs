//! Every file with atomics is modelled by a loom test of its crate, or says why not.
//!
//! 1. A loom test counts for a file when it is below the file's module or its code names that module.
//! 2. An exception that is no longer needed is a finding too, so that the list stays true.

use super::{Finding, tables};
use crate::source::{self, Source};
use crate::tree::{File, Tree};

/// std's atomic types, under whichever path they are imported.
const ATOMICS: &[&str] = &[
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

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    judge(tree, tables::ATOMICS_WITHOUT_LOOM)
}

fn judge(tree: &Tree, excused: &[(&str, &str)]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (file, source) in tree.rust() {
        let Some(package) = package_folder(&file.path) else { continue };
        let has_excuse = excused.iter().any(|&(path, _)| path == file.path);
        let covered = !uses_atomics(source) || is_modelled(tree, package, file);
        match (covered, has_excuse) {
            (false, false) => findings.push(Finding::about(
                &file.path,
                "atomics without a loom test that names this module, or a reason in xtask/src/tidy/tables.rs",
            )),
            (true, true) => findings.push(Finding::about(&file.path, "needs no excuse for its atomics any more")),
            _ => {}
        }
    }
    for (path, _) in excused {
        if tree.file(path).is_none() {
            findings.push(Finding::about(path, "is excused for its atomics but does not exist"));
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

fn uses_atomics(source: &Source) -> bool {
    source.lines().any(|(number, line)| {
        let names_one = ATOMICS.iter().any(|name| source::has_word(line, name)) || line.contains("sync::atomic");
        names_one && !source.is_test(number)
    })
}

fn is_modelled(tree: &Tree, package: &str, file: &File) -> bool {
    let module = file.module();
    let mut loom_files = tree.files().filter(|test| test.path.starts_with(package) && has_loom_tests(test));
    loom_files.any(|test| {
        let inside = test.path[package.len()..].split('/').any(|part| part == module);
        let code = test.source.as_ref().map_or("", Source::code);
        inside || test.path == file.path || source::has_word(code, module)
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
            ("crates/sync/src/once.rs", "use std::sync::atomic::AtomicU8;\nmod m { fn loom_race() {} }\n"),
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
    fn an_excuse_counts_until_it_is_stale() {
        let tree = Tree::of(&[("crates/task/src/id.rs", ATOMIC)]);
        assert!(judge(&tree, &[("crates/task/src/id.rs", "One counter that orders nothing.")]).is_empty());
        let tree = Tree::of(&[("crates/task/src/id.rs", "")]);
        assert_eq!(judge(&tree, &[("crates/task/src/id.rs", "One counter that orders nothing.")]).len(), 1);
        assert_eq!(judge(&Tree::of(&[]), &[("crates/gone.rs", "It is gone by now.")]).len(), 1);
    }
}
