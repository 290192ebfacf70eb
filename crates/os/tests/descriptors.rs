//! Running out of file descriptors. Alone in its process, whose limit it changes.

#![cfg(not(unstuck_loom))]

use std::fs::File;
use std::net::TcpStream;
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

#[test]
fn a_connection_that_can_not_be_accepted_waits() {
    let (kernel, mut driver) = unstuck_os::open().unwrap();
    let listener = kernel.tcp_listen(([127, 0, 0, 1], 0).into(), 8).unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let limit = Instant::now() + Duration::from_secs(20);
    while listener.readiness().now(Interest::READABLE).ready().is_empty() {
        assert!(Instant::now() < limit, "the connection is not told");
        driver.park(Some(limit), &mut WakeBatch::new()).unwrap();
    }

    let before = limit_descriptors(64);
    let mut files = Vec::new();
    while let Ok(file) = File::open("/dev/null") {
        files.push(file);
    }
    let refused = listener.readiness().try_io(Interest::READABLE, || listener.accept());
    let no_listener = kernel.tcp_listen(([127, 0, 0, 1], 0).into(), 8);
    files.clear();
    limit_descriptors(before);

    assert_eq!(refused.err().unwrap().raw_os_error(), Some(libc::EMFILE));
    assert_eq!(no_listener.err().unwrap().raw_os_error(), Some(libc::EMFILE));
    let accepted = listener.readiness().try_io(Interest::READABLE, || listener.accept());
    assert_eq!(accepted.unwrap().1, client.local_addr().unwrap(), "no new event was needed");
}
