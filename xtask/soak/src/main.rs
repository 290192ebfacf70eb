//! The soak: everything that unstuck does, mixed at random, for as many minutes as one likes.
//!
//! 1. A round builds a runtime of random shape, runs a few scenarios on it, and ends it: when they are done, or in their
//!    middle. Then every oracle is asked, and threads, file descriptors, child processes and memory must be back.
//! 2. A seed decides the same again: which scenarios, their parameters, the runtime's shape and its end. What threads do in
//!    between is theirs, so what was found may take several attempts: `--round N` repeats one round.
//! 3. The first finding ends the run, with the command that repeats its round.
//!
//! `cargo xtask soak` builds and runs this.

mod children;
mod findings;
mod heap;
mod options;
mod oracle;
mod resources;
mod rng;
mod round;
mod scenarios;
mod shape;
mod slow_drops;
mod stage;
mod told;
mod watchdog;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use options::Options;
use resources::Resources;
use round::Report;

/// In the first rounds each scenario has its turn twice: to its end, and cut short.
const WARM_UP: u64 = 2 * scenarios::ALL.len() as u64;
/// From one line of output to the next.
const LINE: Duration = Duration::from_secs(10);

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    if let ["child", ref rest @ ..] = words[..] {
        return children::run(rest);
    }
    let _folder = stage::Scratch(stage::folder());
    match Options::parse(&words).and_then(|options| soak(&options)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("soak: {message}");
            ExitCode::FAILURE
        }
    }
}

fn soak(options: &Options) -> Result<(), String> {
    let seed = options.seed.unwrap_or_else(seed_of_the_day);
    println!("soak: seed {seed}");
    std::fs::create_dir_all(stage::folder()).map_err(|error| format!("no folder for its files: {error}"))?;
    findings::watch_panics();
    watchdog::start();
    let begin = Instant::now();
    let mut resources = Resources::default();
    let (mut rounds, mut begun, mut line) = (0, 0, begin);
    while begin.elapsed() < options.limit {
        if rounds == WARM_UP {
            resources.begin();
        }
        let number = options.round.unwrap_or(rounds);
        let report = round::run(seed, number, options);
        begun += report.begun;
        let checked = resources.check();
        if findings::count() > 0 || checked.is_err() {
            return Err(failure(&report, checked));
        }
        rounds += 1;
        if line.elapsed() > LINE {
            line = Instant::now();
            println!("soak: {}", progress(begin, rounds, begun, &resources));
        }
    }
    println!("soak: nothing found: {}", progress(begin, rounds, begun, &resources));
    Ok(())
}

fn progress(begin: Instant, rounds: u64, begun: usize, resources: &Resources) -> String {
    let minutes = begin.elapsed().as_secs_f64() / 60.0;
    format!("{minutes:.1} minutes, {rounds} rounds, {begun} lives, {}", resources.describe())
}

fn failure(report: &Report, checked: Result<(), String>) -> String {
    let resources = checked.err().map_or(String::new(), |text| format!("\nresources: {text}"));
    let count = findings::count();
    format!("{count} findings{resources}\n{}", report.text)
}

/// Another one each time.
fn seed_of_the_day() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    rng::Rng::new(since.as_nanos() as u64 ^ u64::from(std::process::id())).pick(0..=999_999)
}
