//! What a run found, for people as a table and for programs as JSON.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::known::List;
use super::libtest::Outcome;

/// What became of one file of tests.
#[derive(Default)]
pub(super) struct FileResult {
    pub(super) tests: BTreeMap<String, Outcome>,
    /// Why it did not compile; empty when it did.
    pub(super) errors: Vec<String>,
}

/// What became of a suite.
pub(super) struct SuiteResult {
    pub(super) suite: &'static str,
    pub(super) files: BTreeMap<String, FileResult>,
}

impl FileResult {
    fn count(&self, counts: impl Fn(Outcome) -> bool) -> usize {
        self.tests.values().filter(|outcome| counts(**outcome)).count()
    }

    /// One line of the table, with the names of what failed.
    pub(super) fn row(&self, file: &str) -> String {
        let bad = |(name, outcome): (&String, &Outcome)| match outcome {
            Outcome::Failed => name.clone(),
            outcome => format!("{name} ({})", outcome.word()),
        };
        let bad: Vec<_> = self.tests.iter().filter(|(_, outcome)| outcome.is_bad()).map(bad).collect();
        let more = if bad.len() > NAMED { ", .." } else { "" };
        let note = match self.errors.first() {
            Some(error) => format!("does not compile: {error}"),
            None => format!("{}{more}", bad[..bad.len().min(NAMED)].join(", ")),
        };
        let passed = self.count(|outcome| outcome == Outcome::Passed);
        let ignored = self.count(|outcome| outcome == Outcome::Ignored);
        format!("{file:44} {passed:6} {:6} {ignored:7}  {note}", bad.len()).trim_end().to_owned()
    }
}

/// The line above the rows.
pub(super) fn head(suite: &str) -> String {
    format!("{suite:44} {:>6} {:>6} {:>7}", "passed", "failed", "ignored")
}

/// How many failed tests a row names.
const NAMED: usize = 3;

impl SuiteResult {
    /// `N of M`: of the tests that are run here and that Tokio passes. `names` are those of the files that do not compile,
    /// when a run on Tokio itself has left them.
    pub(super) fn total(&self, machine: &List, names: &BTreeMap<String, Vec<String>>) -> (usize, usize) {
        let (mut passed, mut all) = (0, 0);
        for (file, result) in &self.files {
            let counts = |test: &&String| !machine.has(self.suite, file, test);
            if result.errors.is_empty() {
                let tests = result.tests.iter().filter(|(test, outcome)| counts(test) && **outcome != Outcome::Ignored);
                all += tests.clone().count();
                passed += tests.filter(|(_, outcome)| **outcome == Outcome::Passed).count();
            } else {
                all += names.get(file).into_iter().flatten().filter(counts).count();
            }
        }
        (passed, all)
    }

    /// The last lines of a suite.
    pub(super) fn summary(&self, (passed, all): (usize, usize), names_known: bool) -> String {
        let broken = self.files.values().filter(|file| !file.errors.is_empty()).count();
        let mut text = format!("{}: {passed} of {all} tests pass", self.suite);
        if broken > 0 {
            text += &format!("; {broken} of {} files do not compile", self.files.len());
            if !names_known {
                text += ", whose tests are not counted: a run with `--real` leaves their names";
            }
        }
        text
    }

    pub(super) fn json(&self) -> Value {
        let file = |(name, result): (&String, &FileResult)| {
            let tests = result.tests.iter().map(|(test, outcome)| (test.clone(), outcome.word().into()));
            (name.clone(), json!({ "errors": result.errors, "tests": tests.collect::<serde_json::Map<_, _>>() }))
        };
        Value::Object(self.files.iter().map(file).collect())
    }
}

/// The names of the tests in each file that passed, from what [`SuiteResult::json`] wrote.
pub(super) fn passed_names(suite: &Value) -> BTreeMap<String, Vec<String>> {
    let file = |(name, result): (&String, &Value)| {
        let tests = result["tests"].as_object().into_iter().flatten();
        let passed = tests.filter(|(_, outcome)| **outcome == Outcome::Passed.word());
        (name.clone(), passed.map(|(test, _)| test.clone()).collect())
    };
    suite.as_object().into_iter().flatten().map(file).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(tests: &[(&str, Outcome)], errors: &[&str]) -> FileResult {
        let tests = tests.iter().map(|(name, outcome)| ((*name).to_owned(), *outcome)).collect();
        FileResult { tests, errors: errors.iter().map(|error| (*error).to_owned()).collect() }
    }

    fn result() -> SuiteResult {
        let udp = file(&[("a", Outcome::Passed), ("b", Outcome::TimedOut), ("c", Outcome::Ignored)], &[]);
        let files = [("udp".to_owned(), udp), ("dump".to_owned(), file(&[], &["no `Dump`"]))];
        SuiteResult { suite: "tokio", files: files.into() }
    }

    #[test]
    fn a_row_counts_and_names_what_failed() {
        let result = result();
        let words = |file: &str| result.files[file].row(file).split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(words("udp"), "udp 1 1 1 b (timed out)");
        assert_eq!(words("dump"), "dump 0 0 0 does not compile: no `Dump`");
        assert_eq!(head("tokio").find("passed"), head("a").find("passed"));
    }

    #[test]
    fn what_does_not_compile_counts_by_the_names_of_a_run_on_tokio() {
        let real = SuiteResult {
            suite: "tokio",
            files: [("dump".to_owned(), file(&[("x", Outcome::Passed), ("y", Outcome::Failed)], &[]))].into(),
        };
        let names = passed_names(&real.json());
        assert_eq!(result().total(&List::default(), &names), (1, 3));
        assert_eq!(result().total(&List::default(), &BTreeMap::new()), (1, 2));
        let text = result().summary((1, 2), false);
        assert!(text.starts_with("tokio: 1 of 2 tests pass; 1 of 2 files do not compile, whose tests"), "{text}");
    }
}
