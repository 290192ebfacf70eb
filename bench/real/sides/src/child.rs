//! Runs a scenario in a process of its own, so that one that hangs can be ended.

use std::io::Read;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

pub(crate) fn run(side: &str, name: &str, limit: Duration) -> String {
    let this = std::env::current_exe().expect("the system knows which program this is");
    let mut command = Command::new(this);
    // Its standard input stays open, and nothing ever comes.
    command.args(["run", side, name]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("a process can be started");
    let end = Instant::now() + limit;
    let ended = loop {
        if let Some(status) = child.try_wait().expect("it is our child") {
            break Some(status);
        }
        if Instant::now() >= end {
            child.kill().expect("it is our child");
            child.wait().expect("it is our child");
            break None;
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    let mut text = String::new();
    child.stdout.take().expect("it is piped").read_to_string(&mut text).expect("it prints text");
    let text = text.trim_end().replace('\n', "; ");
    match ended {
        Some(status) if status.success() => text,
        Some(status) => format!("{text} (ended by {status})"),
        None => format!("{text} HANGS: killed after {limit:?}").trim_start().to_owned(),
    }
}
