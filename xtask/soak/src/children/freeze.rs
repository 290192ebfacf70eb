//! Stops a process for a while.

use std::process::ExitCode;
use std::thread::sleep;
use std::time::Duration;

pub(super) fn run(process: u64, millis: u64) -> ExitCode {
    let Ok(process) = libc::pid_t::try_from(process) else { return ExitCode::FAILURE };
    // SAFETY: both only send a signal.
    let stopped = unsafe { libc::kill(process, libc::SIGSTOP) };
    sleep(Duration::from_millis(millis));
    // SAFETY: as above.
    let goes_on = unsafe { libc::kill(process, libc::SIGCONT) };
    if stopped == 0 && goes_on == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
