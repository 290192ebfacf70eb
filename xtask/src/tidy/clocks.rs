//! Only os and sim read clocks and entropy; all others ask `Kernel::now` and the seeded random state.
//!
//! 1. A clock read elsewhere would run in real time inside a simulation, and a random number would not come back with
//!    the seed: the run could not be replayed.
//! 2. unstuck has an `Instant` of its own. A file that imports or defines that one may call its `now`.

use super::Finding;
use crate::source::{self, Source};
use crate::tree::Tree;

/// Where the rule does not hold: the two that may, and what never runs inside a simulation.
const EXEMPT: &[&str] = &["crates/os/", "crates/sim/", "examples/", "bench/", "xtask/"];

/// Names that always reach the machine.
const SOURCES: &[&str] = &["SystemTime::now", "getrandom", "RandomState", "clock_gettime", "_rdtsc"];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (file, source) in tree.rust() {
        if EXEMPT.iter().any(|folder| file.path.starts_with(folder)) {
            continue;
        }
        let own_instant = has_own_instant(source);
        for (number, line) in source.lines() {
            if source.is_test(number) {
                continue;
            }
            let machine = SOURCES.iter().find(|name| source::has_word(line, name));
            let instant = reads_instant(line, own_instant).then_some(&"Instant::now");
            if let Some(name) = machine.or(instant) {
                let message = format!("`{name}` belongs to os and sim; ask the kernel or `base::local` instead");
                findings.push(Finding::at(&file.path, number, message));
            }
        }
    }
    findings
}

/// Whether `line` calls `now` of std's `Instant`; `own` says that a plain `Instant` in this file is unstuck's.
fn reads_instant(line: &str, own: bool) -> bool {
    let plain = source::words(line, "Instant::now").any(|at| {
        let path = line[..at].rsplit(|character: char| !is_path(character)).next().unwrap_or("");
        match path {
            "" => !own,
            path => path.starts_with("std::"),
        }
    });
    plain || source::has_word(line, "StdInstant::now")
}

fn is_path(character: char) -> bool {
    character.is_alphanumeric() || character == '_' || character == ':'
}

/// Whether the file's plain `Instant` is unstuck's own.
fn has_own_instant(source: &Source) -> bool {
    source.lines().any(|(_, line)| {
        let imports = ["use crate::", "use super::", "use unstuck::"].iter().any(|path| line.contains(path));
        source::has_word(line, "struct Instant") || imports && source::has_word(line, "Instant")
    })
}

#[cfg(test)]
mod tests {
    use super::super::printed;
    use super::*;

    fn found(path: &str, text: &str) -> usize {
        check(&Tree::of(&[(path, text)])).len()
    }

    #[test]
    fn a_clock_read_in_a_channel_is_found_with_its_line() {
        let tree = Tree::of(&[("crates/sync/src/mpsc.rs", "use std::time::Instant;\nlet a = Instant::now();\n")]);
        assert_eq!(
            printed(check(&tree)),
            ["crates/sync/src/mpsc.rs:2: `Instant::now` belongs to os and sim; ask the kernel or `base::local` \
                 instead"]
        );
        assert_eq!(found("crates/sync/src/mpsc.rs", "let a = std::time::SystemTime::now();"), 1);
        assert_eq!(found("crates/sync/src/mpsc.rs", "let map: HashMap<K, V, RandomState>;"), 1);
    }

    #[test]
    fn os_sim_examples_and_tests_may_read_clocks() {
        for path in ["crates/os/src/mio.rs", "crates/sim/src/world.rs", "examples/a/src/main.rs", "unstuck/tests/t.rs"]
        {
            assert_eq!(found(path, "let a = std::time::Instant::now();"), 0, "{path}");
        }
        let test_module = "#[cfg(test)]\nmod tests {\n    let a = Instant::now();\n}\n";
        assert_eq!(found("crates/sync/src/mpsc.rs", test_module), 0);
    }

    #[test]
    fn prose_and_strings_are_no_clock_reads() {
        assert_eq!(found("crates/sync/src/a.rs", "//! never calls Instant::now\nlet a = \"SystemTime::now\";"), 0);
    }

    #[test]
    fn the_own_instant_may_be_asked_but_not_std_behind_it() {
        assert_eq!(found("unstuck/src/time/sleep.rs", "use crate::time::Instant;\nlet a = Instant::now();"), 0);
        assert_eq!(found("unstuck/src/time/sleep.rs", "let a = crate::time::Instant::now();"), 0);
        let instant = "pub struct Instant;\nfn now() { std::time::Instant::now() }\n";
        assert_eq!(found("unstuck/src/time/instant.rs", instant), 1);
        assert_eq!(found("unstuck/src/time/sleep.rs", "use super::Instant;\nlet a = StdInstant::now();"), 1);
    }
}
