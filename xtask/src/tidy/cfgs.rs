//! A cfg gates a whole file, on its `mod` line, or the `pub use` that shows what such a file has; inside a file only tests
//! are conditional.
//!
//! 1. A difference between platforms or features is another file behind one trait, so that every file reads the same
//!    for everybody.
//! 2. `unstuck_loom` is `base::sync`'s word, `target_os` that of os's `lib.rs` and of the few files that a table names. Tests may name both, and an assertion
//!    about layout (`const _: () = assert!(..)`) may leave out loom, whose types have a layout of their own.
//! 3. `cfg_attr` and `cfg!` hide a condition inside an item, so they count as a cfg that gates no file.

use super::{Finding, tables};
use crate::source::{self, Attribute, Source};
use crate::tree::Tree;

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (file, source) in tree.rust() {
        let home = Home::of(&file.path);
        if home == Home::Elsewhere {
            continue;
        }
        for attribute in source.attributes() {
            if source.is_test(attribute.line) {
                continue;
            }
            if let Some(message) = judge(home, source, &attribute) {
                findings.push(Finding::at(&file.path, attribute.line, message));
            }
        }
        for (number, line) in source.lines() {
            if line.contains("cfg!(") && home != Home::Sync && !source.is_test(number) {
                findings.push(Finding::at(&file.path, number, "`cfg!` inside code; put the difference into a file"));
            }
        }
    }
    findings
}

/// Which exception a file falls under.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Home {
    /// `base::sync`, which chooses between std and loom.
    Sync,
    /// The file of os that picks the back-end, or one that a table names.
    BackEnd,
    /// Any other source file of a library.
    Library,
    /// Tests, examples, developer commands: the rule is not about them.
    Elsewhere,
}

impl Home {
    fn of(path: &str) -> Home {
        let library = path.starts_with("crates/") || path.starts_with("unstuck/") || path.starts_with("compat/");
        if path.starts_with("crates/base/src/sync") {
            Home::Sync
        } else if path == "crates/os/src/lib.rs" || tables::CHOOSE_BY_SYSTEM.iter().any(|(file, _)| *file == path) {
            Home::BackEnd
        } else if library && path.contains("/src/") {
            Home::Library
        } else {
            Home::Elsewhere
        }
    }
}

/// What is wrong with a cfg, if anything.
fn judge(home: Home, source: &Source, attribute: &Attribute<'_>) -> Option<&'static str> {
    let text = attribute.text;
    if !text.starts_with("cfg(") && !text.starts_with("cfg_attr(") || source::names_test(text) || home == Home::Sync {
        return None;
    }
    if source::has_word(text, "unstuck_loom") {
        if source.item_after(attribute).starts_with("const _: () = assert!") {
            return None;
        }
        return Some("only `base::sync` and tests choose by `unstuck_loom`");
    }
    if source::has_word(text, "target_os") && home != Home::BackEnd {
        return Some("only os's `lib.rs` chooses by `target_os`");
    }
    if text.starts_with("cfg_attr(") {
        return Some("`cfg_attr` makes an item differ between builds; put the difference into a file");
    }
    if attribute.inner || !is_module_or_export(source.item_after(attribute)) {
        return Some("a cfg gates a whole file: put it on the `mod` line, or on the `pub use` of what is in there");
    }
    None
}

/// Whether an item is a module or shows what is in one, whatever its visibility.
fn is_module_or_export(item: &str) -> bool {
    let (is_public, item) = match item.strip_prefix("pub") {
        Some(after) if after.starts_with('(') => (true, after.split_once(')').map_or("", |(_, rest)| rest)),
        Some(after) => (true, after),
        None => (false, item),
    };
    let item = item.trim_start();
    item.starts_with("mod ") || is_public && item.starts_with("use ")
}

#[cfg(test)]
mod tests {
    use super::super::printed;
    use super::*;

    fn found(path: &str, text: &str) -> Vec<String> {
        printed(check(&Tree::of(&[(path, text)])))
    }

    const PLAIN: &str = "crates/task/src/run.rs";

    #[test]
    fn a_cfg_on_a_mod_line_is_fine() {
        assert_eq!(found("unstuck/src/net/mod.rs", "#[cfg(unix)]\npub mod unix;\n"), [""; 0]);
        assert_eq!(found("unstuck/src/lib.rs", "#[cfg(feature = \"sim\")]\npub(crate) mod sim;\n"), [""; 0]);
        assert_eq!(found("unstuck/src/lib.rs", "#[cfg(feature = \"sim\")]\npub mod sim { use a; }\n"), [""; 0]);
        assert_eq!(found("unstuck/src/lib.rs", "#[cfg(feature = \"rt\")]\npub use task::spawn;\n"), [""; 0]);
    }

    #[test]
    fn a_cfg_on_a_function_is_found() {
        assert_eq!(found(PLAIN, "fn a() {}\n#[cfg(unix)]\nfn b() {}\n").len(), 1);
        assert_eq!(found(PLAIN, "#[cfg_attr(unix, inline)]\nfn b() {}\n").len(), 1);
        assert_eq!(found(PLAIN, "#![cfg(unix)]\nfn b() {}\n").len(), 1);
        assert_eq!(found(PLAIN, "#[cfg(unix)]\nuse std::os::unix;\n").len(), 1);
        assert_eq!(found(PLAIN, "fn b() { if cfg!(unix) {} }\n").len(), 1);
    }

    #[test]
    fn tests_may_be_conditional() {
        assert_eq!(found(PLAIN, "#[cfg(test)]\nmod tests {\n#[cfg(unix)]\nfn b() {}\n}\n"), [""; 0]);
        assert_eq!(found(PLAIN, "#[cfg(all(test, unstuck_loom))]\nmod loom_tests;\n"), [""; 0]);
        assert_eq!(found("crates/os/tests/a.rs", "#![cfg(target_os = \"linux\")]\n"), [""; 0]);
    }

    #[test]
    fn only_sync_and_tests_speak_of_loom() {
        let text = "#[cfg(unstuck_loom)]\nmod model;\n";
        assert_eq!(found("crates/base/src/sync/mod.rs", text), [""; 0]);
        assert!(found(PLAIN, text)[0].contains("`base::sync`"));
        assert!(found(PLAIN, "#[cfg(not(unstuck_loom))]\nmod real;\n")[0].contains("`base::sync`"));
        assert_eq!(found(PLAIN, "#[cfg(not(unstuck_loom))]\nconst _: () = assert!(size() == 8);\n"), [""; 0]);
    }

    #[test]
    fn only_the_lib_of_os_speaks_of_target_os() {
        let text = "#[cfg(target_os = \"linux\")]\nmod uring;\n";
        assert_eq!(found("crates/os/src/lib.rs", text), [""; 0]);
        assert!(found("crates/os/src/child.rs", text)[0].contains("`lib.rs`"));
        assert_eq!(found("crates/os/src/lib.rs", "#[cfg(target_os = \"linux\")]\nfn a() {}\n").len(), 1);
    }
}
