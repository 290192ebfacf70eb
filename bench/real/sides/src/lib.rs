//! Runs scenarios that were compiled once for each side, and shows what they say beside each other.
//!
//! 1. A scenario runs in a process of its own, so that one that hangs can be ended. What it had printed is shown then.
//! 2. Both sides run a scenario one right after the other.
//!
//! The programs `stuck` and `traps` call [`Program::main`]; neither runtime is known here.

mod child;

use std::process::ExitCode;
use std::time::Duration;

/// A name, and what it says in the end.
pub type Scenario = (&'static str, fn() -> String);

/// A program with scenarios.
pub struct Program {
    /// Its scenarios on tokio.
    pub tokio: &'static [Scenario],
    /// The same ones, in the same order, on unstuck.
    pub unstuck: &'static [Scenario],
    /// How often each scenario runs on each side.
    pub rounds: usize,
    /// After which time a scenario counts as one that hangs.
    pub limit: Duration,
}

impl Program {
    /// The program's `main`. Without arguments it runs all scenarios; `--filter` takes a part of a name.
    pub fn main(&self) -> ExitCode {
        let arguments: Vec<_> = std::env::args().skip(1).collect();
        match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            // By `child`: one scenario, once.
            ["run", "tokio", name] => run(self.tokio, name),
            ["run", "unstuck", name] => run(self.unstuck, name),
            [] => self.all(""),
            ["--filter", filter] => self.all(filter),
            _ => {
                eprintln!("usage: [--filter PART_OF_A_NAME]");
                return ExitCode::FAILURE;
            }
        }
        ExitCode::SUCCESS
    }

    fn all(&self, filter: &str) {
        for (name, _) in self.unstuck.iter().filter(|(name, _)| name.contains(filter)) {
            println!("{name}");
            for round in 0..self.rounds {
                let mut sides = ["tokio", "unstuck"];
                sides.rotate_left(round % 2);
                for side in sides {
                    println!("  {side:8} {}", child::run(side, name, self.limit));
                }
            }
        }
    }
}

fn run(scenarios: &[Scenario], name: &str) {
    let (_, scenario) = scenarios.iter().find(|(other, _)| *other == name).expect("the parent takes it from the list");
    println!("{}", scenario());
}
