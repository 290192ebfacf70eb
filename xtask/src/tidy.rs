//! The rules of the house that no compiler checks.
//!
//! 1. A check is a pure function from the repository's text to findings; its tests are repositories of a few lines.
//! 2. Whatever a check takes as given (the layers, the exceptions) is data in `tables.rs`, with its reason beside it.

mod atomics;
mod cfgs;
mod clocks;
mod dependencies;
mod layers;
mod shape;
mod tables;
mod unsafety;
mod words;

use std::fmt;
use std::path::Path;

use crate::tree::Tree;

pub(crate) use atomics::has_loom_tests;

/// One place that breaks a rule.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    path: String,
    /// From 1; 0 when the finding is about the file as a whole.
    line: usize,
    message: String,
}

impl Finding {
    fn at(path: &str, line: usize, message: impl Into<String>) -> Finding {
        Finding { path: path.to_owned(), line, message: message.into() }
    }

    fn about(path: &str, message: impl Into<String>) -> Finding {
        Finding::at(path, 0, message)
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.path, self.message),
            line => write!(f, "{}:{line}: {}", self.path, self.message),
        }
    }
}

/// Finds the places that break one rule.
type Check = fn(&Tree) -> Vec<Finding>;

/// Every check with the rule that it stands for.
const CHECKS: &[(&str, Check)] = &[
    ("layers import downward only", layers::imports),
    ("only the runtime module names schedulers and kernels", layers::runtime_alone),
    ("clocks and entropy are read by os and sim alone", clocks::check),
    ("a cfg gates a whole file", cfgs::check),
    ("unsafe says why it is sound", unsafety::check),
    ("atomics are modelled with loom", atomics::check),
    ("files are short and open with their purpose", shape::check),
    ("the text is about the project and finished", words::check),
    ("our crates move in lockstep", dependencies::lockstep),
    ("every dependency has its reason", dependencies::reasons),
];

/// Runs every check on the repository at `root` and prints what each found.
pub(crate) fn run(root: &Path) -> Result<(), String> {
    let tree = Tree::read(root)?;
    let mut total = 0;
    for (rule, check) in CHECKS {
        let mut findings = check(&tree);
        findings.sort();
        if findings.is_empty() {
            println!("tidy: {rule}: ok");
            continue;
        }
        println!("tidy: {rule}: {} to mend", findings.len());
        for finding in &findings {
            println!("  {finding}");
        }
        total += findings.len();
    }
    match total {
        0 => Ok(()),
        total => Err(format!("tidy found {total} places that break a rule; each line above names one")),
    }
}

/// What the tests of the checks compare: findings as they are printed.
#[cfg(test)]
fn printed(mut findings: Vec<Finding>) -> Vec<String> {
    findings.sort();
    findings.iter().map(Finding::to_string).collect()
}
