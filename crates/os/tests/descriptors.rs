//! Running out of file descriptors. Alone in its process, whose limit it changes.

#![cfg(not(unstuck_loom))]

use std::fs::File;
use std::net::TcpStream;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use unstuck_base::WakeBatch;
use unstuck_base::interest::Interest;
use unstuck_driver::{Driver, Kernel};

/// Allows this process so many descriptors, and returns how many it was allowed before.
fn limit_descriptors(to: libc::rlim_t) -> libc::rlim_t {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the pointer is good for the call.
    assert_eq!(unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) }, 0);
    let before = std::mem::replace(&mut limit.rlim_cur, to);
    // SAFETY: as above.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &limit) }, 0);
    before
}

/// One test at a time changes the limit.
static LIMIT: Mutex<()> = Mutex::new(());

fn use_up_descriptors() -> Vec<File> {
    std::iter::from_fn(|| File::open("/dev/null").ok()).collect()
}

#[test]
fn a_connection_that_can_not_be_accepted_waits() {
    let _one = LIMIT.lock().unwrap_or_else(PoisonError::into_inner);
    let (kernel, mut driver) = unstuck_os::open().unwrap();
    let listener = kernel.tcp_listen(([127, 0, 0, 1], 0).into(), 8).unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let limit = Instant::now() + Duration::from_secs(20);
    while listener.readiness().now(Interest::READABLE).ready().is_empty() {
        assert!(Instant::now() < limit, "the connection is not told");
        driver.park(Some(limit), &mut WakeBatch::new()).unwrap();
    }

    let before = limit_descriptors(64);
    let files = use_up_descriptors();
    let refused = listener.readiness().try_io(Interest::READABLE, || listener.accept());
    let no_listener = kernel.tcp_listen(([127, 0, 0, 1], 0).into(), 8);
    drop(files);
    limit_descriptors(before);

    assert_eq!(refused.err().unwrap().raw_os_error(), Some(libc::EMFILE));
    assert_eq!(no_listener.err().unwrap().raw_os_error(), Some(libc::EMFILE));
    let accepted = listener.readiness().try_io(Interest::READABLE, || listener.accept());
    assert_eq!(accepted.unwrap().1, client.local_addr().unwrap(), "no new event was needed");
}

#[test]
#[cfg(target_os = "linux")]
fn a_sleep_for_which_there_was_no_timer_leaves_the_next_one_its_own() {
    let _one = LIMIT.lock().unwrap_or_else(PoisonError::into_inner);
    let (_kernel, mut driver) = unstuck_os::open().unwrap();
    let mut sleep = |span| driver.park(Some(Instant::now() + span), &mut WakeBatch::new()).unwrap();
    let timers = || {
        let open = std::fs::read_dir("/proc/self/fd").unwrap();
        open.filter_map(|entry| std::fs::read_link(entry.unwrap().path()).ok())
            .filter(|link| link.to_string_lossy().contains("timerfd"))
            .count()
    };
    let before = limit_descriptors(64);
    let files = use_up_descriptors();
    sleep(Duration::from_millis(30));
    drop(files);
    assert_eq!(timers(), 0);
    let limit = Instant::now() + Duration::from_secs(20);
    while timers() == 0 {
        assert!(Instant::now() < limit, "sleeps go on without a timer");
        // It needs none if this thread is held up for so long.
        sleep(Duration::from_millis(5));
    }
    limit_descriptors(before);
}
