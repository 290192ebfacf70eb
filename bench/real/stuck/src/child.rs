//! Runs a scenario in a process of its own, so that one that hangs can be ended.

use std::io::Read;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(30);

pub(crate) fn run(side: &str, name: &str) -> String {
    let this = std::env::current_exe().expect("the system knows which program this is");
    let mut child =
        Command::new(this).args(["run", side, name]).stdout(Stdio::piped()).spawn().expect("a process can be started");
    let end = Instant::now() + LIMIT;
    while child.try_wait().expect("it is our child").is_none() {
        if Instant::now() >= end {
            child.kill().expect("it is our child");
            child.wait().expect("it is our child");
            return format!("hangs: killed after {LIMIT:?}");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let mut text = String::new();
    child.stdout.take().expect("it is piped").read_to_string(&mut text).expect("it prints text");
    text.trim_end().to_owned()
}
