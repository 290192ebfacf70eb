//! Runs test programs with a limit of time, and finds the test that made one hang or end early.
//!
//! 1. A program runs in a process group of its own, which is killed at the end: nothing that a test started stays.
//! 2. Output goes to a file, not a pipe, so that a child of a test which lives on can't hold us up.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::libtest::{self, Outcome};

/// Tests at once within a file.
const THREADS: &str = "--test-threads=4";

/// How long a test may take that is run alone.
const ALONE: Duration = Duration::from_secs(15);

/// How a program ended.
struct Ended {
    output: String,
    in_time: bool,
}

/// Runs the tests of one program in `folder`: all together, then those that did not report one by one, for at most
/// `limit` each time. `log` gets what they print.
pub(super) fn tests(
    program: &Path,
    folder: &Path,
    log: &Path,
    limit: Duration,
) -> Result<BTreeMap<String, Outcome>, String> {
    let start = |arguments: &[&str], limit| {
        let mut command = Command::new(program);
        run(command.args(arguments).current_dir(folder), log, limit)
    };
    let names = libtest::names(&start(&["--list", "--format", "terse"], limit)?.output);
    let mut outcomes = match names.is_empty() {
        true => BTreeMap::new(),
        false => libtest::outcomes(&start(&[THREADS], limit)?.output),
    };
    let end = Instant::now() + limit;
    for name in names.iter().filter(|name| !outcomes.contains_key(*name)).cloned().collect::<Vec<_>>() {
        let left = ALONE.min(end.saturating_duration_since(Instant::now()));
        let outcome = if left.is_zero() {
            Outcome::NotRun
        } else {
            let ended = start(&["--exact", &name, THREADS], left)?;
            let lost = if ended.in_time { Outcome::Crashed } else { Outcome::TimedOut };
            libtest::outcomes(&ended.output).get(&name).copied().unwrap_or(lost)
        };
        outcomes.insert(name, outcome);
    }
    outcomes.retain(|name, _| names.contains(name));
    Ok(outcomes)
}

/// Runs the examples of a documentation by `rustdoc`; what it prints, as far as it came.
pub(super) fn examples(rustdoc: &mut Command, log: &Path, limit: Duration) -> Result<String, String> {
    Ok(run(rustdoc.arg("--test-args").arg(THREADS), log, limit)?.output)
}

fn run(command: &mut Command, log: &Path, limit: Duration) -> Result<Ended, String> {
    let failed = |error: std::io::Error| format!("cannot run {}: {error}", command.get_program().display());
    let output = File::create(log).map_err(failed)?;
    let errors = output.try_clone().map_err(failed)?;
    let failed = |error: std::io::Error| format!("cannot run a test program: {error}");
    command.stdin(Stdio::null()).stdout(output).stderr(errors).process_group(0);
    let mut child = command.spawn().map_err(failed)?;
    let begin = Instant::now();
    let mut in_time = true;
    while in_time && child.try_wait().map_err(failed)?.is_none() {
        thread::sleep(Duration::from_millis(10));
        in_time = begin.elapsed() < limit;
    }
    // Rule 1. That the group is empty already is the usual case, and the program's only complaint.
    let group = format!("-{}", child.id());
    Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status().map_err(failed)?;
    child.wait().map_err(failed)?;
    let output = String::from_utf8_lossy(&fs::read(log).map_err(failed)?).into_owned();
    Ok(Ended { output, in_time })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, limit: Duration) -> Ended {
        let log = std::env::temp_dir().join(format!("unstuck-xtask-{}-{:p}", std::process::id(), &script));
        let ended = run(Command::new("sh").args(["-c", script]), &log, limit).unwrap();
        fs::remove_file(log).unwrap();
        ended
    }

    #[test]
    fn what_ends_in_time_leaves_its_output() {
        let ended = shell("echo out; echo err >&2", Duration::from_secs(60));
        assert!(ended.in_time);
        assert!(ended.output.contains("out") && ended.output.contains("err"));
    }

    #[test]
    fn what_does_not_end_is_killed_with_its_children() {
        let ended = shell("echo begun; sleep 1000 & sleep 1000", Duration::from_millis(200));
        assert!(!ended.in_time);
    }
}
