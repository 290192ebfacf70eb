//! The lists in `conformance/`: tests that may fail, each with its reason, and whether a run agrees with them.
//!
//! 1. `known.toml` lists what unstuck fails on purpose. A test there that passes is an error: the list must shrink.
//! 2. `machine.toml` lists what Tokio itself does not pass on some machines. Such a test counts neither way.
//! 3. Everything else must pass.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::libtest::Outcome;
use super::report::{FileResult, SuiteResult};
use crate::manifest;

/// Tests with reasons, by suite, file and name.
#[derive(Default)]
pub(super) struct List(BTreeMap<(String, String, String), String>);

/// Both lists.
pub(super) struct Lists {
    pub(super) known: List,
    pub(super) machine: List,
}

impl Lists {
    /// Reads them from the repository at `root`.
    pub(super) fn read(root: &Path) -> Result<Lists, String> {
        let list = |name: &str| {
            let path = root.join("conformance").join(name);
            let text = fs::read_to_string(&path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
            List::parse(&text).map_err(|error| format!("{}: {error}", path.display()))
        };
        Ok(Lists { known: list("known.toml")?, machine: list("machine.toml")? })
    }

    /// What is wrong with a run, each with what to do about it. `real` is a run on Tokio itself.
    pub(super) fn judge(&self, result: &SuiteResult, real: bool) -> Vec<String> {
        let mut wrong = Vec::new();
        for (file, FileResult { tests, errors, .. }) in &result.files {
            if !errors.is_empty() {
                wrong.push(format!("{}/{file} does not compile: {}", result.suite, errors[0]));
            }
            for (test, outcome) in tests {
                let name = format!("{}/{file}: {test}", result.suite);
                if self.machine.has(result.suite, file, test) {
                    continue;
                }
                match (self.known.has(result.suite, file, test) && !real, outcome) {
                    (true, Outcome::Passed) => {
                        wrong.push(format!("{name} passes now: take it out of conformance/known.toml"));
                    }
                    (false, outcome) if outcome.is_bad() => {
                        let cure = if real { "conformance/machine.toml" } else { "unstuck, or conformance/known.toml" };
                        let done = if real { "say in" } else { "see to" };
                        wrong.push(format!("{name} {}: {done} {cure}", outcome.word()));
                    }
                    _ => {}
                }
            }
        }
        for (list, file_name) in [(&self.known, "known.toml"), (&self.machine, "machine.toml")] {
            for (suite, file, test) in list.0.keys().filter(|(suite, ..)| suite == result.suite) {
                let run = result.files.get(file).filter(|found| found.errors.is_empty() && !found.tests.is_empty());
                if run.is_some_and(|found| !found.tests.contains_key(test)) {
                    wrong.push(format!("conformance/{file_name} lists {suite}/{file}: {test}, which does not exist"));
                }
            }
        }
        wrong
    }
}

impl List {
    /// Reads tables `[suite.file]` of lines `test = "reason"`.
    fn parse(text: &str) -> Result<List, String> {
        let mut list = List::default();
        for entry in manifest::entries(text) {
            let Some((suite, file)) = entry.table.split_once('.') else {
                return Err(format!("line {}: a table is called [suite.file]", entry.line));
            };
            let reason = entry.value.trim_matches('"');
            if !reason.ends_with('.') || reason.split(' ').count() < 4 {
                return Err(format!("line {}: the reason is not a sentence", entry.line));
            }
            let key = (suite.to_owned(), file.trim_matches('"').to_owned(), entry.key.trim_matches('"').to_owned());
            list.0.insert(key, reason.to_owned());
        }
        Ok(list)
    }

    pub(super) fn has(&self, suite: &str, file: &str, test: &str) -> bool {
        self.0.contains_key(&(suite.to_owned(), file.to_owned(), test.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &str = "# Why.\n[tokio.rt]\nhangs = \"It asserts that the runtime hangs.\"\n";
    const MACHINE: &str = "[tokio.\"net\"]\n\"mod::dns\" = \"It asks the real network for a name.\"\n";

    fn lists() -> Lists {
        Lists { known: List::parse(KNOWN).unwrap(), machine: List::parse(MACHINE).unwrap() }
    }

    fn judged(file: &str, tests: &[(&str, Outcome)], real: bool) -> Vec<String> {
        let tests = tests.iter().map(|(name, outcome)| ((*name).to_owned(), *outcome)).collect();
        let file_result = FileResult { tests, ..FileResult::default() };
        lists().judge(&SuiteResult { suite: "tokio", files: [(file.to_owned(), file_result)].into() }, real)
    }

    #[test]
    fn a_listed_test_may_fail_and_an_unlisted_one_may_not() {
        assert_eq!(judged("rt", &[("hangs", Outcome::TimedOut), ("runs", Outcome::Passed)], false), [""; 0]);
        let wrong = judged("rt", &[("hangs", Outcome::Failed), ("runs", Outcome::Crashed)], false);
        assert_eq!(wrong, ["tokio/rt: runs crashed: see to unstuck, or conformance/known.toml"]);
    }

    #[test]
    fn a_listed_test_that_passes_is_wrong_but_not_on_tokio_itself() {
        let wrong = judged("rt", &[("hangs", Outcome::Passed)], false);
        assert_eq!(wrong, ["tokio/rt: hangs passes now: take it out of conformance/known.toml"]);
        assert_eq!(judged("rt", &[("hangs", Outcome::Passed)], true), [""; 0]);
        assert_eq!(judged("rt", &[("hangs", Outcome::Failed)], true).len(), 1);
    }

    #[test]
    fn what_the_machine_decides_counts_neither_way() {
        for outcome in [Outcome::Passed, Outcome::Failed] {
            assert_eq!(judged("net", &[("mod::dns", outcome)], false), [""; 0]);
        }
    }

    #[test]
    fn a_row_for_a_test_that_does_not_exist_is_wrong() {
        let wrong = judged("net", &[("other", Outcome::Passed)], false);
        assert_eq!(wrong, ["conformance/machine.toml lists tokio/net: mod::dns, which does not exist"]);
    }

    #[test]
    fn every_row_has_a_reason() {
        assert!(List::parse("[tokio.rt]\nhangs = \"\"\n").is_err());
        assert!(List::parse("[tokio]\nhangs = \"It asserts that it hangs.\"\n").is_err());
        assert!(Lists::read(Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()).is_ok());
    }
}
