//! What `cargo xtask conformance` was asked to do.

use std::path::PathBuf;
use std::time::Duration;

use regex_lite::Regex;

/// One set of tests: the files of a package's tests folder, or the examples in its documentation.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Suite {
    pub(super) name: &'static str,
    pub(super) package: &'static str,
    /// The examples of the documentation, rather than the tests folder.
    pub(super) examples: bool,
    /// The features that the tests are written for.
    pub(super) features: &'static [&'static str],
    /// Those in addition with `--unstable`.
    pub(super) unstable_features: &'static [&'static str],
}

pub(super) const SUITES: &[Suite] = &[
    suite("tokio", "tokio", &["full", "test-util"], &["tracing"]),
    Suite { examples: true, ..suite("doc", "tokio", &["full", "test-util"], &["tracing"]) },
    suite("util", "tokio-util", &["full"], &["tracing"]),
    suite("stream", "tokio-stream", &["full"], &[]),
    suite("test", "tokio-test", &[], &[]),
];

const fn suite(
    name: &'static str,
    package: &'static str,
    features: &'static [&'static str],
    unstable_features: &'static [&'static str],
) -> Suite {
    Suite { name, package, examples: false, features, unstable_features }
}

/// What `--quick` runs of suite `tokio`: files that need little time and fail first when something basic is wrong.
const QUICK: &str = "^(sync_(mpsc|oneshot|watch|notify|mutex|semaphore)|time_(sleep|timeout|interval|pause)|\
                     rt_(basic|common|handle)|task_(abort|join_set|local_set)|tcp_(accept|connect|echo|split)|udp|\
                     macros_(join|select)|io_(copy|split|read_line))$";

/// The command's flags, each with its default.
#[derive(Debug)]
pub(super) struct Options {
    pub(super) suites: Vec<&'static Suite>,
    /// Only the files whose name matches.
    pub(super) files: Option<Regex>,
    /// With `--cfg tokio_unstable`.
    pub(super) unstable: bool,
    /// On Tokio itself, in place of `compat/tokio`.
    pub(super) real: bool,
    /// How long a file may run before its tests are run one by one.
    pub(super) limit: Duration,
    /// Where the results go as JSON.
    pub(super) out: Option<PathBuf>,
}

impl Options {
    pub(super) fn parse(arguments: &[&str]) -> Result<Options, String> {
        let mut options = Options {
            suites: vec![&SUITES[0]],
            files: None,
            unstable: false,
            real: false,
            limit: Duration::from_secs(60),
            out: None,
        };
        let mut arguments = arguments.iter();
        while let Some(&flag) = arguments.next() {
            let mut value = || arguments.next().copied().ok_or_else(|| format!("`{flag}` needs a value"));
            match flag {
                "--unstable" => options.unstable = true,
                "--real" => options.real = true,
                "--quick" => options.files = Some(regex(QUICK)?),
                "--suite" => options.suites = suites(value()?)?,
                "--files" => options.files = Some(regex(value()?)?),
                "--limit" => options.limit = seconds(value()?)?,
                "--out" => options.out = Some(value()?.into()),
                _ => return Err(format!("`conformance {flag}` is no flag; see `cargo xtask help`")),
            }
        }
        Ok(options)
    }

    pub(super) fn wants(&self, file: &str) -> bool {
        self.files.as_ref().is_none_or(|files| files.is_match(file))
    }
}

fn suites(name: &str) -> Result<Vec<&'static Suite>, String> {
    let found: Vec<_> = SUITES.iter().filter(|suite| name == "all" || suite.name == name).collect();
    match found.is_empty() {
        false => Ok(found),
        true => {
            Err(format!("there is no suite `{name}`; there are tokio, doc, util, stream, test, and all of them: all"))
        }
    }
}

fn regex(text: &str) -> Result<Regex, String> {
    Regex::new(text).map_err(|error| format!("`{text}` is no regular expression: {error}"))
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().filter(|seconds| *seconds > 0);
    seconds.map(Duration::from_secs).ok_or_else(|| format!("`--limit {text}`: it takes whole seconds, at least 1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_flags_it_is_the_suite_of_tokio_on_unstuck() {
        let options = Options::parse(&[]).unwrap();
        assert_eq!(options.suites[0].name, "tokio");
        assert!(options.suites.len() == 1 && !options.real && !options.unstable && options.wants("anything"));
    }

    #[test]
    fn flags_take_their_values() {
        let flags = ["--suite", "all", "--files", "^sync_", "--limit", "5", "--out", "a.json", "--real", "--unstable"];
        let options = Options::parse(&flags).unwrap();
        assert_eq!(options.suites.len(), SUITES.len());
        assert!(options.wants("sync_mpsc") && !options.wants("time_sync_"));
        assert_eq!((options.limit.as_secs(), options.out.unwrap().to_str()), (5, Some("a.json")));
        assert!(options.real && options.unstable);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let error = |flags: &[&str]| Options::parse(flags).unwrap_err();
        assert!(error(&["--fast"]).contains("`conformance --fast`"));
        assert!(error(&["--suite"]).contains("`--suite` needs a value"));
        assert!(error(&["--suite", "tokyo"]).contains("no suite `tokyo`"));
        assert!(error(&["--files", "("]).contains("no regular expression"));
        assert!(error(&["--limit", "0"]).contains("whole seconds"));
    }

    #[test]
    fn the_quick_files_are_whole_names() {
        let options = Options::parse(&["--quick"]).unwrap();
        assert!(options.wants("rt_basic") && options.wants("udp") && !options.wants("rt_basic_more"));
    }
}
