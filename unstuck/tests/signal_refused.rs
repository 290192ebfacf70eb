//! Signals on a system that does not let a handler be changed any more. Each test runs in a forked child.

#![cfg(target_os = "linux")]

#[path = "fork/child.rs"]
#[allow(unused, reason = "each test program uses its part")]
mod child;
mod common;

use std::io::ErrorKind;
use std::mem::offset_of;

use child::{End, in_child};
use common::current_thread;
use unstuck::signal::unix::{SignalKind, restore_when_unused, signal};

const TERMINATE: SignalKind = SignalKind::terminate();

/// From now on this process may ask what the system does about a signal, and not change it.
fn forbid_changes() {
    const NUMBER: u32 = offset_of!(libc::seccomp_data, nr) as u32;
    const ACTION: u32 = offset_of!(libc::seccomp_data, args) as u32 + 8;
    let load = |offset| (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, offset);
    let if_equal = |value, then, otherwise| (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, then, otherwise, value);
    let end = |what| (libc::BPF_RET | libc::BPF_K, 0, 0, what);
    // Both words of the second argument are zero where nothing is to be changed.
    let mut program = [
        load(NUMBER),
        if_equal(libc::SYS_rt_sigaction as u32, 0, 4),
        load(ACTION),
        if_equal(0, 0, 3),
        load(ACTION + 4),
        if_equal(0, 0, 1),
        end(libc::SECCOMP_RET_ALLOW),
        end(libc::SECCOMP_RET_ERRNO | libc::EPERM as u32),
    ]
    .map(|(code, jt, jf, k)| libc::sock_filter { code: code as u16, jt, jf, k });
    let program = libc::sock_fprog { len: program.len() as u16, filter: program.as_mut_ptr() };
    // SAFETY: the program is there for the call, which copies it.
    unsafe {
        assert_eq!(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
        assert_eq!(libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program), 0);
    }
}

#[test]
fn a_listener_that_would_not_hear_the_signal_is_an_error() {
    let end = in_child(|| {
        restore_when_unused(TERMINATE).unwrap();
        let runtime = current_thread();
        let _guard = runtime.enter();
        drop(signal(TERMINATE).unwrap());
        // The driver knows the signal already, and the system does not call us any more.
        forbid_changes();
        assert_eq!(signal(TERMINATE).unwrap_err().kind(), ErrorKind::PermissionDenied);
    });
    assert_eq!(end, End::Well);
}

#[test]
fn a_signal_that_can_not_be_given_back_at_once_is_an_error_and_stays_caught() {
    let end = in_child(|| {
        let runtime = current_thread();
        let _guard = runtime.enter();
        drop(signal(TERMINATE).unwrap());
        forbid_changes();
        assert_eq!(restore_when_unused(TERMINATE).unwrap_err().kind(), ErrorKind::PermissionDenied);
        let mut again = signal(TERMINATE).unwrap();
        // SAFETY: the call takes a number.
        assert_eq!(unsafe { libc::raise(libc::SIGTERM) }, 0);
        assert_eq!(runtime.block_on(again.recv()), Some(()));
    });
    assert_eq!(end, End::Well);
}
