//! Signals that another library handles too, through the registry that such libraries share. Each test has a signal of its own.

#![cfg(not(unstuck_loom))]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

use unstuck_base::WakeBatch;
use unstuck_driver::signal::Listener;
use unstuck_driver::{Driver, Kernel};
use unstuck_os::{OsDriver, open, restore_signal_when_unused};

fn raise(number: i32) {
    // SAFETY: the call has no preconditions; a handler is installed for the signals that the tests raise.
    assert_eq!(unsafe { libc::raise(number) }, 0);
}

/// Registers as another library does; counts the signals.
fn registered(number: i32) -> (signal_hook_registry::SigId, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    let counts = count.clone();
    // SAFETY: the handler adds to an atomic.
    let id = unsafe {
        signal_hook_registry::register(number, move || {
            counts.fetch_add(1, Ordering::SeqCst);
        })
    };
    (id.unwrap(), count)
}

/// Parks until the signal comes.
fn wait(driver: &mut OsDriver, listener: &mut Listener) {
    let limit = Instant::now() + Duration::from_secs(20);
    while listener.poll_recv(&mut Context::from_waker(Waker::noop())).is_pending() {
        assert!(Instant::now() < limit, "the signal was not delivered");
        driver.park(Some(limit), &mut WakeBatch::new()).unwrap();
    }
}

#[test]
fn both_hear_the_signal_whoever_was_first() {
    for (number, others_first) in [(libc::SIGUSR1, true), (libc::SIGUSR2, false)] {
        let (kernel, mut driver) = open().unwrap();
        let early = others_first.then(|| registered(number));
        let mut listener = kernel.signal(number).unwrap().listen().unwrap();
        let (_id, others) = early.unwrap_or_else(|| registered(number));
        for round in 1..4 {
            raise(number);
            wait(&mut driver, &mut listener);
            assert_eq!(others.load(Ordering::SeqCst), round);
        }
    }
}

#[test]
fn a_signal_that_another_library_handles_is_not_restored() {
    for (number, others_first) in [(libc::SIGHUP, true), (libc::SIGALRM, false)] {
        let (kernel, _driver) = open().unwrap();
        let early = others_first.then(|| registered(number));
        let listener = kernel.signal(number).unwrap().listen().unwrap();
        let (_id, others) = early.unwrap_or_else(|| registered(number));
        let error = restore_signal_when_unused(number).unwrap_err();
        assert!(error.to_string().contains("has a handler of other code"), "{error}");
        drop(listener);
        raise(number);
        assert_eq!(others.load(Ordering::SeqCst), 1);
    }
}

#[test]
fn a_library_that_registers_while_somebody_listens_keeps_its_handler() {
    let (kernel, mut driver) = open().unwrap();
    restore_signal_when_unused(libc::SIGVTALRM).unwrap();
    let listener = kernel.signal(libc::SIGVTALRM).unwrap().listen().unwrap();
    let (_id, others) = registered(libc::SIGVTALRM);
    drop(listener);
    raise(libc::SIGVTALRM);
    assert_eq!(others.load(Ordering::SeqCst), 1);
    // Ours is still beneath it.
    let mut again = kernel.signal(libc::SIGVTALRM).unwrap().listen().unwrap();
    raise(libc::SIGVTALRM);
    wait(&mut driver, &mut again);
    assert_eq!(others.load(Ordering::SeqCst), 2);
}
