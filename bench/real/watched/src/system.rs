//! What the system says of this process and its threads.

use std::fs;
use std::mem::MaybeUninit;
use std::path::Path;
use std::time::Duration;

/// The CPU time of this process: of all threads that live or have lived, in the program and in the system.
pub(crate) fn cpu() -> Duration {
    let mut usage = MaybeUninit::<libc::rusage>::uninit();
    // SAFETY: there is room for what the system writes.
    let result = unsafe { libc::getrusage(libc::RUSAGE_SELF, usage.as_mut_ptr()) };
    assert_eq!(result, 0, "it fails only for other arguments");
    // SAFETY: it succeeded, so all of it is written.
    let usage = unsafe { usage.assume_init() };
    duration(usage.ru_utime) + duration(usage.ru_stime)
}

fn duration(time: libc::timeval) -> Duration {
    let part = |value| u64::try_from(value).expect("no time is negative");
    Duration::from_secs(part(time.tv_sec)) + Duration::from_micros(part(time.tv_usec))
}

/// One thread of this process.
pub(crate) struct Thread {
    pub(crate) name: String,
    /// How much CPU it has used.
    pub(crate) used: Duration,
}

/// All threads of this process that live now, in the order in which they were started.
pub(crate) fn threads() -> Vec<Thread> {
    let tasks = fs::read_dir("/proc/self/task").expect("this is Linux");
    let id = |name: std::ffi::OsString| name.to_str().and_then(|name| name.parse::<u32>().ok());
    let mut ids: Vec<_> = tasks.filter_map(|task| id(task.ok()?.file_name())).collect();
    ids.sort_unstable();
    ids.into_iter().filter_map(|id| read(&Path::new("/proc/self/task").join(id.to_string()))).collect()
}

fn read(path: &Path) -> Option<Thread> {
    let name = fs::read_to_string(path.join("comm")).ok()?.trim_end().to_owned();
    // Nanoseconds on a core come first.
    let schedule = fs::read_to_string(path.join("schedstat")).ok()?;
    let used = Duration::from_nanos(schedule.split_whitespace().next()?.parse().ok()?);
    Some(Thread { name, used })
}
