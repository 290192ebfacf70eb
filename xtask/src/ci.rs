//! `cargo xtask ci`: everything that must hold before a merge, one step after the other.
//!
//! 1. The first step that fails ends the run; its message holds the line that runs this step alone.
//! 2. Whatever happened, the last thing printed is how many minutes each step took.
//! 3. Steps share one target folder and leave out debug info and incremental data, so that a clean clone fits into the
//!    time and disk of a small machine. What needs other compiler flags has a folder of its own below it.

mod features;
pub(crate) mod sanitizers;
mod std_edges;
mod steps;

use std::fmt;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// How much is checked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Extent {
    /// What every merge must pass.
    EveryMerge,
    /// That and what takes too long for every merge.
    Full,
}

/// One thing that must hold.
struct Step {
    name: &'static str,
    action: Action,
}

enum Action {
    /// A command that succeeds.
    Run(Invocation),
    /// A check inside this program.
    Check(fn(&Path) -> Result<(), String>),
    /// A command that is known only when its turn comes, since it depends on this machine.
    Prepared(Box<dyn Fn() -> Result<Invocation, String>>),
    /// The step can't be run, for this reason. It fails when its turn comes, so that what comes before it is reported.
    Impossible(String),
}

/// A command line, program first, with the environment that it needs beyond the common one.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Invocation {
    arguments: Vec<String>,
    environment: Vec<(&'static str, String)>,
}

/// Set for every step: see rule 3.
const PROFILE: &[(&str, &str)] =
    &[("CARGO_PROFILE_DEV_DEBUG", "0"), ("CARGO_PROFILE_TEST_DEBUG", "0"), ("CARGO_INCREMENTAL", "0")];

/// Runs the steps that `arguments` ask for on the repository at `root`.
pub(crate) fn run(root: &Path, arguments: &[&str]) -> Result<(), String> {
    let steps = match arguments {
        [] => steps::all(root, Extent::EveryMerge)?,
        ["--full"] => steps::all(root, Extent::Full)?,
        ["--only", name] => vec![only(steps::all(root, Extent::Full)?, name)?],
        _ => return Err(format!("`ci {}`: it takes nothing, `--full`, or `--only \"STEP\"`", arguments.join(" "))),
    };
    let mut times = Vec::new();
    let mut outcome = Ok(());
    for step in &steps {
        println!("\n==> {}", step.name);
        let begin = Instant::now();
        let result = step.action.perform(root);
        times.push((step.name, begin.elapsed()));
        if let Err(message) = result {
            outcome = Err(format!("step `{}` failed: {message}", step.name));
            break;
        }
    }
    print!("\n{}", table(&times, steps.len()));
    outcome
}

/// The step of that name.
fn only(steps: Vec<Step>, name: &str) -> Result<Step, String> {
    let names: Vec<_> = steps.iter().map(|step| step.name).collect();
    let unknown = format!("no step is called `{name}`; there are: {}", names.join(", "));
    steps.into_iter().find(|step| step.name == name).ok_or(unknown)
}

impl Action {
    fn perform(&self, root: &Path) -> Result<(), String> {
        match self {
            Action::Check(check) => check(root),
            Action::Impossible(reason) => Err(reason.clone()),
            Action::Prepared(prepare) => prepare()?.perform(root),
            Action::Run(invocation) => invocation.perform(root),
        }
    }
}

impl Invocation {
    /// A command line whose words hold no blanks.
    fn new(line: &str) -> Invocation {
        Invocation { arguments: line.split_whitespace().map(str::to_owned).collect(), environment: Vec::new() }
    }

    fn with(mut self, name: &'static str, value: impl Into<String>) -> Invocation {
        self.environment.push((name, value.into()));
        self
    }

    fn perform(&self, root: &Path) -> Result<(), String> {
        println!("    {self}");
        let status = self.command(root).status();
        let status = status.map_err(|error| format!("cannot start `{}`: {error}", self.arguments[0]))?;
        match status.success() {
            true => Ok(()),
            false => Err(format!("{status}; run it alone with\n  {self}")),
        }
    }

    pub(crate) fn command(&self, root: &Path) -> Command {
        let mut command = Command::new(&self.arguments[0]);
        command.args(&self.arguments[1..]).current_dir(root).envs(PROFILE.iter().copied());
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }
}

/// As a shell takes it, so that a failed step can be copied and run alone.
impl fmt::Display for Invocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in &self.environment {
            write!(f, "{name}=\"{value}\" ")?;
        }
        f.write_str(&self.arguments.join(" "))
    }
}

fn table(times: &[(&str, Duration)], planned: usize) -> String {
    let minutes = |time: Duration| time.as_secs_f64() / 60.0;
    let mut text = String::from("minutes  step\n");
    for (name, time) in times {
        text += &format!("{:7.1}  {name}\n", minutes(*time));
    }
    let total = times.iter().map(|(_, time)| *time).sum();
    text + &format!("{:7.1}  in all, {} of {planned} steps\n", minutes(total), times.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Action {
        let arguments = ["sh", "-c", script].map(str::to_owned).to_vec();
        Action::Run(Invocation { arguments, environment: vec![("UNSTUCK_X", "1".to_owned())] })
    }

    #[test]
    fn a_step_sees_its_environment_and_the_profile() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        assert_eq!(shell("test \"$UNSTUCK_X$CARGO_INCREMENTAL\" = 10").perform(root), Ok(()));
    }

    #[test]
    fn a_failed_step_says_how_to_run_it_alone() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let message = shell("exit 3").perform(root).unwrap_err();
        assert!(message.contains("exit status: 3"));
        assert!(message.ends_with("UNSTUCK_X=\"1\" sh -c exit 3"));
    }

    #[test]
    fn a_program_that_is_missing_is_named() {
        let arguments = vec!["no-such-program".to_owned()];
        let action = Action::Run(Invocation { arguments, environment: Vec::new() });
        let message = action.perform(Path::new(".")).unwrap_err();
        assert!(message.starts_with("cannot start `no-such-program`"));
    }

    #[test]
    fn a_step_can_be_run_alone_by_its_name() {
        let steps = || vec![Step { name: "one", action: shell("true") }, Step { name: "two", action: shell("true") }];
        assert_eq!(only(steps(), "two").map(|step| step.name), Ok("two"));
        let message = only(steps(), "three").map(|step| step.name).unwrap_err();
        assert_eq!(message, "no step is called `three`; there are: one, two");
    }

    #[test]
    fn a_step_that_is_prepared_late_can_still_fail() {
        let missing = Action::Prepared(Box::new(|| Err("no toolchain".to_owned())));
        assert_eq!(missing.perform(Path::new(".")), Err("no toolchain".to_owned()));
        let there = Action::Prepared(Box::new(|| Ok(Invocation::new("true"))));
        assert_eq!(there.perform(Path::new(".")), Ok(()));
    }

    #[test]
    fn the_table_sums_up_what_ran() {
        let times = [("tests", Duration::from_secs(90)), ("format", Duration::from_secs(6))];
        assert_eq!(table(&times, 5), "minutes  step\n    1.5  tests\n    0.1  format\n    1.6  in all, 2 of 5 steps\n");
    }
}
