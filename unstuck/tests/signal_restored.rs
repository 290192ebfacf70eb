//! Signals that do again what they did before, when nobody listens any more. Each test runs in a forked child, since what is
//! done about a signal is the whole process's.

#[path = "fork/child.rs"]
#[allow(unused, reason = "each test program uses its part")]
mod child;
mod common;

use std::os::raw::c_int;
use std::ptr;

use child::{End, in_child};
use common::{both, current_thread};
use unstuck::signal::unix::{Signal, SignalKind, restore_when_unused, signal};

const TERMINATE: SignalKind = SignalKind::terminate();

fn raise(kind: SignalKind) {
    // SAFETY: the call takes a number.
    assert_eq!(unsafe { libc::raise(kind.as_raw_value()) }, 0);
}

/// What the system does about a signal: a function, or what stands for none.
fn action(kind: SignalKind) -> libc::sighandler_t {
    let mut action = std::mem::MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: the pointer is good for what the call writes, and zeroes are a value of it.
    unsafe {
        assert_eq!(libc::sigaction(kind.as_raw_value(), ptr::null(), action.as_mut_ptr()), 0);
        action.assume_init().sa_sigaction
    }
}

fn set_action(kind: SignalKind, function: libc::sighandler_t) {
    // SAFETY: the functions of these tests do nothing; the others stand for none.
    assert_ne!(unsafe { libc::signal(kind.as_raw_value(), function) }, libc::SIG_ERR);
}

extern "C" fn of_other_code(_number: c_int) {}

fn of_other_code_as_action() -> libc::sighandler_t {
    of_other_code as extern "C" fn(c_int) as libc::sighandler_t
}

/// Listens on a runtime that goes on.
fn listen() -> Signal {
    let runtime = Box::leak(Box::new(current_thread()));
    let _guard = runtime.enter();
    signal(TERMINATE).unwrap()
}

#[test]
fn without_asking_the_signal_stays_caught() {
    let end = in_child(|| {
        drop(listen());
        raise(TERMINATE);
    });
    assert_eq!(end, End::Well);
}

#[test]
fn the_signal_kills_after_the_last_listener_was_dropped() {
    for runtime in both().map(|runtime| runtime.metrics().num_workers()) {
        let end = in_child(|| {
            let runtime = common::multi_thread(runtime);
            restore_when_unused(TERMINATE).unwrap();
            runtime.block_on(async {
                let (mut first, second) = (signal(TERMINATE).unwrap(), signal(TERMINATE).unwrap());
                drop(second);
                raise(TERMINATE);
                assert_eq!(first.recv().await, Some(()));
                drop(first);
            });
            // A later listener catches it again.
            let mut later = runtime.block_on(async { signal(TERMINATE).unwrap() });
            raise(TERMINATE);
            assert_eq!(runtime.block_on(later.recv()), Some(()));
            drop(later);
            raise(TERMINATE);
        });
        assert_eq!(end, End::Killed(libc::SIGTERM));
    }
}

#[test]
fn asked_for_later_it_holds_at_once() {
    let end = in_child(|| {
        let listener = listen();
        restore_when_unused(TERMINATE).unwrap();
        raise(TERMINATE);
        assert_ne!(action(TERMINATE), libc::SIG_DFL, "somebody listens");
        drop(listener);
        assert_eq!(action(TERMINATE), libc::SIG_DFL);
    });
    assert_eq!(end, End::Well);
    let end = in_child(|| {
        drop(listen());
        restore_when_unused(TERMINATE).unwrap();
        raise(TERMINATE);
    });
    assert_eq!(end, End::Killed(libc::SIGTERM));
}

#[test]
fn listeners_of_all_runtimes_count() {
    let end = in_child(|| {
        restore_when_unused(TERMINATE).unwrap();
        let [one, other] = [listen(), listen()];
        drop(one);
        raise(TERMINATE);
        drop(other);
        assert_eq!(action(TERMINATE), libc::SIG_DFL);
    });
    assert_eq!(end, End::Well);
}

#[test]
fn a_signal_that_was_ignored_is_ignored_again() {
    let end = in_child(|| {
        set_action(TERMINATE, libc::SIG_IGN);
        restore_when_unused(TERMINATE).unwrap();
        drop(listen());
        assert_eq!(action(TERMINATE), libc::SIG_IGN);
        raise(TERMINATE);
    });
    assert_eq!(end, End::Well);
}

#[test]
fn it_is_refused_where_other_code_has_a_handler() {
    let refused = || {
        let error = restore_when_unused(TERMINATE).unwrap_err();
        assert!(error.to_string().contains("has a handler of other code"), "{error}");
    };
    let end = in_child(|| {
        set_action(TERMINATE, of_other_code_as_action());
        refused();
        // Both have theirs, and ours can't be taken away alone.
        let _listener = listen();
        refused();
    });
    assert_eq!(end, End::Well);
    let end = in_child(|| {
        let _listener = listen();
        set_action(TERMINATE, of_other_code_as_action());
        refused();
    });
    assert_eq!(end, End::Well);
}

#[test]
fn a_handler_that_was_installed_over_ours_stays() {
    let end = in_child(|| {
        restore_when_unused(TERMINATE).unwrap();
        let listener = listen();
        set_action(TERMINATE, of_other_code_as_action());
        drop(listener);
        assert_eq!(action(TERMINATE), of_other_code_as_action());
    });
    assert_eq!(end, End::Well);
}

#[test]
fn a_forked_child_has_no_listeners_until_it_makes_some() {
    let end = in_child(|| {
        restore_when_unused(TERMINATE).unwrap();
        let _listener = listen();
        assert_eq!(in_child(|| raise(TERMINATE)), End::Killed(libc::SIGTERM));
        let end = in_child(|| {
            let runtime = current_thread();
            let mut listener = runtime.block_on(async { signal(TERMINATE).unwrap() });
            raise(TERMINATE);
            assert_eq!(runtime.block_on(listener.recv()), Some(()));
        });
        assert_eq!(end, End::Well);
        raise(TERMINATE);
        assert_ne!(action(TERMINATE), libc::SIG_DFL);
    });
    assert_eq!(end, End::Well);
}

#[test]
fn signals_that_can_not_be_caught_are_refused() {
    for number in [libc::SIGKILL, libc::SIGSEGV, 0, -1, 10_000] {
        let error = restore_when_unused(SignalKind::from_raw(number)).unwrap_err();
        assert!(error.to_string().contains("can't be caught"), "{error}");
    }
}
