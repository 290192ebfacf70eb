//! What happens to the others when tasks block? Every scenario on tokio and on unstuck, in one run.
//!
//! 1. A scenario is written once (`scenarios/`) and compiled twice, against each runtime.
//! 2. Both sides run a scenario one right after the other, several times; what is shown is the worst of each, since a
//!    promise is about the worst. The noise floor is measured in the same way, with nobody blocking.
//! 3. A scenario that does not end is shown as such: it runs in a process of its own, which is killed after a while.

mod child;
mod lateness;
mod system;
mod tokio_side;
mod unstuck_side;

use std::process::ExitCode;

/// How often each scenario runs on each side.
const ROUNDS: usize = 3;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        // By `child`: one scenario, once.
        ["run", "tokio", name] => run(tokio_side::scenarios::ALL, name),
        ["run", "unstuck", name] => run(unstuck_side::scenarios::ALL, name),
        [] => all(""),
        ["--filter", filter] => all(filter),
        _ => {
            eprintln!("usage: stuck [--filter PART_OF_A_NAME]");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn run(scenarios: &[(&str, fn() -> String)], name: &str) {
    let (_, scenario) = scenarios.iter().find(|(other, _)| *other == name).expect("the parent takes it from the list");
    println!("{}", scenario());
}

fn all(filter: &str) {
    for (name, _) in unstuck_side::scenarios::ALL.iter().filter(|(name, _)| name.contains(filter)) {
        println!("{name}");
        for round in 0..ROUNDS {
            let mut sides = ["tokio", "unstuck"];
            sides.rotate_left(round % 2);
            for side in sides {
                println!("  {side:8} {}", child::run(side, name));
            }
        }
    }
}
