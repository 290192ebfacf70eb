//! What a thread does, by its CPU clock and by what the system says of it in `/proc`.

use std::time::Duration;

use unstuck_driver::{Activity, ThreadKey};

/// The calling thread: its id and the id of its CPU clock.
pub(crate) fn this_thread() -> Option<ThreadKey> {
    let mut clock: libc::clockid_t = 0;
    // SAFETY: the pointer is good for the call, and the calling thread lives.
    if unsafe { libc::pthread_getcpuclockid(libc::pthread_self(), &mut clock) } != 0 {
        return None;
    }
    // SAFETY: the call has no preconditions.
    let id = unsafe { libc::gettid() };
    Some(ThreadKey(u64::from(id as u32) << 32 | u64::from(clock as u32)))
}

/// What the thread does; `None` when it has ended.
pub(crate) fn activity(thread: ThreadKey) -> Option<Activity> {
    let (id, clock) = ((thread.0 >> 32) as u32, thread.0 as u32 as libc::clockid_t);
    let mut used = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is good for the call; a clock of a thread that has ended is refused.
    if unsafe { libc::clock_gettime(clock, &mut used) } != 0 {
        return None;
    }
    let used = Duration::new(used.tv_sec as u64, used.tv_nsec as u32);
    let sleeps = std::fs::read_to_string(format!("/proc/self/task/{id}/stat")).ok();
    Some(Activity { used, sleeps: sleeps.as_deref().and_then(sleeps_by) })
}

/// Whether a thread sleeps, by its line in `stat`: number, name in parentheses, and then its state. A name may have
/// parentheses of its own.
fn sleeps_by(stat: &str) -> Option<bool> {
    let state = stat.rsplit_once(')')?.1.trim_start().chars().next()?;
    Some(state != 'R')
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::{Arc, mpsc};
    use std::time::Instant;

    #[test]
    fn the_state_comes_after_the_last_parenthesis() {
        assert_eq!(sleeps_by("7 (a) R b) S 1 7"), Some(true));
        assert_eq!(sleeps_by("7 (S) R 1 7"), Some(false));
        assert_eq!(sleeps_by("7 (x) D 1 7"), Some(true));
        assert_eq!(sleeps_by("7 (x"), None);
    }

    /// A thread that first waits, until the first word, and then burns, until the flag says that it is enough.
    fn waits_then_burns() -> (ThreadKey, mpsc::Sender<()>, Arc<AtomicBool>, std::thread::JoinHandle<()>) {
        let (told, key) = mpsc::channel();
        let (begin, begins) = mpsc::channel();
        let enough = Arc::new(AtomicBool::new(false));
        let thread = std::thread::spawn({
            let enough = enough.clone();
            move || {
                told.send(this_thread().unwrap()).unwrap();
                begins.recv().unwrap();
                while !enough.load(Ordering::Relaxed) {}
            }
        });
        (key.recv().unwrap(), begin, enough, thread)
    }

    #[test]
    fn a_thread_that_waits_sleeps_and_uses_nothing_and_one_that_burns_does_not() {
        let (key, begin, enough, thread) = waits_then_burns();
        while activity(key).unwrap().sleeps != Some(true) {
            std::thread::yield_now();
        }
        let before = activity(key).unwrap().used;
        assert_eq!(activity(key).unwrap().used, before);
        begin.send(()).unwrap();
        let until = Instant::now() + Duration::from_secs(10);
        while activity(key).unwrap().used < before + Duration::from_millis(5) {
            assert!(Instant::now() < until, "it burns");
        }
        assert_eq!(activity(key).unwrap().sleeps, Some(false));
        enough.store(true, Ordering::Relaxed);
        thread.join().unwrap();
        // The system takes its time to forget a thread.
        while activity(key).is_some() {
            std::thread::yield_now();
        }
    }
}
