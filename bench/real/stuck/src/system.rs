//! What the system says of this process and its threads.

use std::fs;
use std::time::Duration;

/// One thread of this process.
pub(crate) struct Thread {
    pub(crate) name: String,
    /// How much CPU it has used.
    pub(crate) used: Duration,
    /// How often it went to sleep.
    pub(crate) sleeps: u64,
}

/// All threads of this process that live now.
pub(crate) fn threads() -> Vec<Thread> {
    let tasks = fs::read_dir("/proc/self/task").expect("this is Linux");
    tasks.filter_map(|task| read(&task.ok()?.path())).collect()
}

/// How many threads this process has.
pub(crate) fn thread_count() -> usize {
    threads().len()
}

/// The CPU time of all threads that live now.
pub(crate) fn cpu() -> Duration {
    threads().iter().map(|thread| thread.used).sum()
}

fn read(path: &std::path::Path) -> Option<Thread> {
    let name = fs::read_to_string(path.join("comm")).ok()?.trim_end().to_owned();
    // Nanoseconds on a core come first.
    let schedule = fs::read_to_string(path.join("schedstat")).ok()?;
    let used = Duration::from_nanos(schedule.split_whitespace().next()?.parse().ok()?);
    let status = fs::read_to_string(path.join("status")).ok()?;
    let sleeps = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))?.trim().parse().ok()?;
    Some(Thread { name, used, sleeps })
}
