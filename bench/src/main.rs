//! unstuck beside tokio: every case runs on both in turn, and the table shows the median of the rounds.
//!
//! 1. A case is written once (`cases/`) and compiled twice, against each runtime: neither gets a better text.
//! 2. Within a round both sides run the same case, one right after the other, and take turns at going first; so what
//!    else the machine does falls on both. The ratio is the median of the ratios of the rounds.
//! 3. Only the time between the two clock reads inside a case counts: starting a runtime and warming it up do not.

mod arguments;
mod compare;
mod measure;
mod tokio_side;
mod unstuck_side;

use std::process::ExitCode;

use arguments::Arguments;
use measure::Flavor;

fn main() -> ExitCode {
    match Arguments::parse(std::env::args().skip(1)) {
        Ok(arguments) if arguments.help => print!("{}", arguments::HELP),
        Ok(arguments) if arguments.list => compare::names().for_each(|name| println!("{name}")),
        Ok(arguments) => run(&arguments),
        Err(message) => {
            eprintln!("bench: {message}\n\n{}", arguments::HELP);
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

/// Prints one row per flavor and case, each as soon as it is measured.
fn run(arguments: &Arguments) {
    println!("{}", compare::HEADER);
    for flavor in [Flavor::MultiThread, Flavor::CurrentThread] {
        for row in compare::rows(flavor, arguments) {
            println!("{row}");
        }
    }
}
