//! Unix signals. Alone in its process, to which it sends them.

#![cfg(not(unstuck_loom))]

use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use unstuck_base::WakeBatch;
use unstuck_driver::signal::{Listener, SignalSource};
use unstuck_driver::{Driver, Kernel};
use unstuck_os::{OsDriver, open};

fn raise(number: i32) {
    // SAFETY: the call has no preconditions; a handler is installed for the signals that the tests raise.
    assert_eq!(unsafe { libc::raise(number) }, 0);
}

fn recv(listener: &mut Listener) -> Poll<Option<()>> {
    listener.poll_recv(&mut Context::from_waker(Waker::noop()))
}

/// Parks until the signal comes.
fn wait(driver: &mut OsDriver, listener: &mut Listener) {
    let limit = Instant::now() + Duration::from_secs(20);
    while recv(listener).is_pending() {
        assert!(Instant::now() < limit, "the signal was not delivered");
        driver.park(Some(limit), &mut WakeBatch::new()).unwrap();
    }
}

#[test]
fn several_runtimes_listen_and_each_listener_hears() {
    let ((first, mut driver_a), (second, mut driver_b)) = (open().unwrap(), open().unwrap());
    let source: Arc<SignalSource> = first.signal(libc::SIGUSR1).unwrap();
    assert!(Arc::ptr_eq(&source, &first.signal(libc::SIGUSR1).unwrap()));
    let (mut a, mut a_too) = (source.listen().unwrap(), source.listen().unwrap());
    let mut b = second.signal(libc::SIGUSR1).unwrap().listen().unwrap();
    let mut other = second.signal(libc::SIGUSR2).unwrap().listen().unwrap();
    for _ in 0..3 {
        raise(libc::SIGUSR1);
        wait(&mut driver_a, &mut a);
        assert_eq!(recv(&mut a_too), Poll::Ready(Some(())));
        wait(&mut driver_b, &mut b);
        assert!(recv(&mut a).is_pending() && recv(&mut b).is_pending());
    }
    assert!(recv(&mut other).is_pending());
    raise(libc::SIGUSR2);
    raise(libc::SIGUSR2);
    wait(&mut driver_b, &mut other);
    driver_b.poll(&mut WakeBatch::new()).unwrap();
    assert!(recv(&mut other).is_pending(), "a burst is heard once");

    // A new runtime does not hear what came before it, and one that ended hears nothing more.
    let (third, mut driver_c) = open().unwrap();
    let mut c = third.signal(libc::SIGUSR1).unwrap().listen().unwrap();
    driver_c.poll(&mut WakeBatch::new()).unwrap();
    assert!(recv(&mut c).is_pending());
    driver_a.shut_down(&mut WakeBatch::new());
    assert_eq!(recv(&mut a), Poll::Ready(None));
    assert!(first.signal(libc::SIGUSR1).is_err());
    drop(driver_a);
    raise(libc::SIGUSR1);
    wait(&mut driver_c, &mut c);
}

#[test]
fn what_can_not_be_caught_is_refused() {
    let (kernel, _driver) = open().unwrap();
    for number in [libc::SIGKILL, libc::SIGSTOP, libc::SIGSEGV, 0, -1, 10_000] {
        assert!(kernel.signal(number).is_err(), "{number}");
    }
}
