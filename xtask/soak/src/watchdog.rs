//! A thread that looks whether anything still happens.
//!
//! 1. No progress for [`PATIENCE`] is a finding: all that is known is printed, and the process aborts, so that there is a
//!    core to look at.
//! 2. A look that came late counts as one that came in time: the process may have been stopped, that is one of the
//!    scenarios.

use std::fs;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use crate::stage;

const LOOK: Duration = Duration::from_millis(500);
/// In looks.
const PATIENCE: u32 = 60;

static NOW: Mutex<String> = Mutex::new(String::new());

/// Says what goes on now.
pub(crate) fn note(what: String) {
    *NOW.lock().expect("nobody panics with it") = what;
    stage::step();
}

/// Starts it.
pub(crate) fn start() {
    let thread = thread::Builder::new().name("watchdog".to_owned());
    thread.spawn(watch).expect("a thread");
}

fn watch() {
    let (mut last, mut looks) = (stage::progress(), 0);
    loop {
        thread::sleep(LOOK);
        let now = stage::progress();
        looks = if now == last { looks + 1 } else { 0 };
        last = now;
        if looks >= PATIENCE {
            eprintln!("soak: FOUND: nothing happens any more\n{}", NOW.lock().expect("nobody panics with it"));
            print_threads();
            if std::env::var_os("UNSTUCK_SOAK_STAYS").is_some() {
                eprintln!("soak: process {} stays, to be looked at", std::process::id());
                loop {
                    thread::park();
                }
            }
            std::process::abort();
        }
    }
}

fn print_threads() {
    for thread in fs::read_dir("/proc/self/task").into_iter().flatten().flatten() {
        let read = |name: &str| fs::read_to_string(thread.path().join(name)).unwrap_or_default().trim().to_owned();
        eprintln!(
            "thread {} `{}`\n    stat {}\n    wchan {}\n    syscall {}",
            thread.file_name().display(),
            read("comm"),
            read("stat"),
            read("wchan"),
            read("syscall")
        );
    }
}
