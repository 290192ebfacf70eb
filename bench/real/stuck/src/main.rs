//! What happens to the others when tasks block? Every scenario on tokio and on unstuck, in one run.
//!
//! 1. A scenario is written once (`scenarios/`) and compiled twice, against each runtime.
//! 2. Both sides run a scenario one right after the other, several times; what is shown is the worst of each, since a
//!    promise is about the worst. The noise floor is measured in the same way, with nobody blocking.
//! 3. A scenario that does not end is shown as such: it runs in a process of its own (`sides`), which is killed.

mod lateness;
mod system;
mod tokio_side;
mod unstuck_side;

use std::process::ExitCode;
use std::time::Duration;

fn main() -> ExitCode {
    let program = sides::Program {
        tokio: tokio_side::scenarios::ALL,
        unstuck: unstuck_side::scenarios::ALL,
        rounds: 3,
        limit: Duration::from_secs(30),
    };
    program.main()
}
