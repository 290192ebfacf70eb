//! What a test program of Rust's own harness prints, as names and outcomes.

use std::collections::BTreeMap;

use regex_lite::Regex;

/// What became of one test.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Outcome {
    Passed,
    Failed,
    /// Its author says not to run it here.
    Ignored,
    /// It did not end in time, run alone.
    TimedOut,
    /// It took the whole program down.
    Crashed,
    /// The time of its file was over.
    NotRun,
}

impl Outcome {
    pub(super) fn word(self) -> &'static str {
        match self {
            Outcome::Passed => "ok",
            Outcome::Failed => "failed",
            Outcome::Ignored => "ignored",
            Outcome::TimedOut => "timed out",
            Outcome::Crashed => "crashed",
            Outcome::NotRun => "not run",
        }
    }

    /// Whether it counts against the tested package.
    pub(super) fn is_bad(self) -> bool {
        !matches!(self, Outcome::Passed | Outcome::Ignored)
    }
}

/// The names that `--list --format terse` prints.
pub(super) fn names(listed: &str) -> Vec<String> {
    listed.lines().filter_map(|line| line.strip_suffix(": test")).map(str::to_owned).collect()
}

/// The tests that reported. Output of the tests may stand before and after a report on the same line.
pub(super) fn outcomes(printed: &str) -> BTreeMap<String, Outcome> {
    let report = Regex::new(r"test (\S+)(?: - should panic)? \.\.\. (ok|FAILED|ignored)").expect("it is one");
    report.captures_iter(printed).map(|found| (found[1].to_owned(), outcome(&found[2]))).collect()
}

/// The examples that reported, by the file below `src` that they stand in.
pub(super) fn examples(printed: &str) -> BTreeMap<String, BTreeMap<String, Outcome>> {
    let report = r"test \S*/src/(\S+) - (.*?\(line \d+\)).*? \.\.\. (ok|FAILED|ignored)";
    let report = Regex::new(report).expect("it is one");
    let mut files: BTreeMap<String, BTreeMap<String, Outcome>> = BTreeMap::new();
    for found in report.captures_iter(printed) {
        files.entry(found[1].to_owned()).or_default().insert(found[2].to_owned(), outcome(&found[3]));
    }
    files
}

fn outcome(word: &str) -> Outcome {
    match word {
        "ok" => Outcome::Passed,
        "ignored" => Outcome::Ignored,
        _ => Outcome::Failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_are_found_among_other_output() {
        let printed = "running 4 tests\ntest a::b ... ok\nhellotest c - should panic ... ok\ntest d ... ignored, slow\n\
                       test e ... FAILED\ntest f has been running for over 60 seconds\n";
        let outcomes = outcomes(printed);
        assert_eq!(outcomes.len(), 4);
        assert_eq!((outcomes["a::b"], outcomes["c"]), (Outcome::Passed, Outcome::Passed));
        assert_eq!((outcomes["d"], outcomes["e"]), (Outcome::Ignored, Outcome::Failed));
    }

    #[test]
    fn a_list_holds_tests_and_no_benchmarks() {
        assert_eq!(names("a: test\nb::c: test\nd: benchmark\n"), ["a", "b::c"]);
    }

    #[test]
    fn examples_are_named_by_item_and_line() {
        let printed = "test /r/tokio-1.54.1/src/time/sleep.rs - time::sleep (line 9) - compile ... ok\n\
                       test /r/tokio-1.54.1/src/lib.rs - (line 3) ... FAILED\n";
        let files = examples(printed);
        assert_eq!(files["time/sleep.rs"]["time::sleep (line 9)"], Outcome::Passed);
        assert_eq!(files["lib.rs"]["(line 3)"], Outcome::Failed);
    }
}
