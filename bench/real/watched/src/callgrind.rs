//! Counts the instructions of a child, thread by thread, with valgrind's callgrind.
//!
//! 1. Each thread's count stands in a file of its own, named for its number. No thread of a runtime ends while it lives, so
//!    the numbers are those of the threads in the order in which they were started.
//! 2. The files are removed when the count is known, or when there is none.
//!
//! Only `instructions` calls in.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::child::{Answer, Task};

/// The instructions of one child.
pub(crate) struct Counted {
    /// Of all threads but the monitor.
    pub(crate) others: u64,
    pub(crate) monitor: u64,
}

/// Whether there is a valgrind.
pub(crate) fn is_installed() -> bool {
    let mut valgrind = Command::new("valgrind");
    valgrind.arg("--version").stdout(Stdio::null()).status().is_ok_and(|status| status.success())
}

/// Lets a child do `task` and counts.
///
/// # Panics
/// If valgrind fails, or writes what we can't read.
pub(crate) fn count(task: &Task) -> Counted {
    let folder = Folder::new();
    let mut valgrind = Command::new("valgrind");
    // Without fair scheduling, who spins keeps the others from running.
    valgrind.args(["--tool=callgrind", "--separate-threads=yes", "--fair-sched=try"]);
    valgrind.arg(format!("--callgrind-out-file={}", folder.0.join("out").display()));
    valgrind.arg(std::env::current_exe().expect("the system knows which program this is")).args(task.arguments());
    let monitor = Answer::of(valgrind).monitor_thread;
    let mut counted = Counted { others: 0, monitor: 0 };
    for (thread, file) in of_threads(&folder.0) {
        let total = total(&fs::read_to_string(file).expect("valgrind has written it"));
        *if Some(thread) == monitor { &mut counted.monitor } else { &mut counted.others } += total;
    }
    counted
}

/// A folder of our own, as long as this lives (rule 2).
struct Folder(PathBuf);

impl Folder {
    fn new() -> Folder {
        let path = std::env::temp_dir().join(format!("watched-{}", std::process::id()));
        fs::create_dir_all(&path).expect("there is room for the counts");
        Folder(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What can't be removed stays; the counts are not wrong for it.
        drop(fs::remove_dir_all(&self.0));
    }
}

/// The files `out-01`, `out-02` and so on. What is called `out` alone is about no thread.
fn of_threads(folder: &Path) -> Vec<(usize, PathBuf)> {
    let files = fs::read_dir(folder).expect("it was just made").map(|file| file.expect("nobody else is here").path());
    let thread = |path: &Path| path.file_name()?.to_str()?.strip_prefix("out-")?.parse().ok();
    files.filter_map(|path| Some((thread(&path)?, path))).collect()
}

/// What the line `totals: N` says.
fn total(text: &str) -> u64 {
    let line =
        text.lines().find_map(|line| line.strip_prefix("totals:")).expect("callgrind ends a file with its total");
    line.trim().parse().expect("one kind of event is counted")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_total_is_found_among_the_rest() {
        assert_eq!(total("events: Ir\nsummary: 1\n\nfn=(1)\n3 4\n\ntotals: 123456\n"), 123_456);
    }
}
