//! What does it cost that unstuck's monitor watches the workers? The same operations with it and without it, and on tokio.
//!
//! 1. An operation is written once (`operations/`) and compiled twice, against each runtime.
//! 2. Each measurement is a process of its own (`child`): this program with other arguments.
//! 3. CPU time is the whole process's, monitor included (`seconds`). Instructions are those that the operations pay, without
//!    the monitor's own thread (`instructions`).
//! 4. What serves others than the monitor as well is in both: each poll counts itself, for the metrics, and the monitor
//!    reads that count.

mod arguments;
mod callgrind;
mod child;
mod instructions;
mod operation;
mod seconds;
mod spread;
mod system;
mod tokio_side;
mod unstuck_side;

use std::process::ExitCode;

use arguments::Arguments;
use child::Task;

fn main() -> ExitCode {
    let words: Vec<_> = std::env::args().skip(1).collect();
    let result = match words.first().map(String::as_str) {
        // By the parent.
        Some("run") => Task::parse(&words[1..]).map(|task| task.run().print()).ok_or("no such task".to_owned()),
        Some("--help" | "-h") => {
            print!("{}", arguments::HELP);
            Ok(())
        }
        _ => measure(words),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("watched: {message}");
            ExitCode::FAILURE
        }
    }
}

fn measure(words: Vec<String>) -> Result<(), String> {
    let arguments = Arguments::parse(words).map_err(|message| format!("{message}\n\n{}", arguments::HELP))?;
    if arguments.instructions {
        return instructions::show(&arguments);
    }
    seconds::show(&arguments);
    Ok(())
}
