//! Signals, sent by this process to itself.

use std::future::poll_fn;
use std::pin::Pin;
use std::process::Command;
use std::task::{Context, Poll, Waker};

use unstuck::runtime::Builder;
use unstuck::signal::ctrl_c;
use unstuck::signal::unix::{SignalKind, signal};
use unstuck::time::{Duration, timeout};

/// Sends a signal to this process.
fn send(name: &str) {
    let pid = std::process::id().to_string();
    assert!(Command::new("kill").args(["-s", name, &pid]).status().unwrap().success());
}

#[unstuck::test]
async fn a_listener_hears_the_signal_each_time() {
    let mut usr1 = signal(SignalKind::user_defined1()).unwrap();
    for _ in 0..3 {
        send("USR1");
        assert_eq!(usr1.recv().await, Some(()));
    }
}

#[unstuck::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_listener_hears_it_and_a_new_one_only_what_comes_later() {
    let mut early = [signal(SignalKind::user_defined2()).unwrap(), signal(SignalKind::user_defined2()).unwrap()];
    send("USR2");
    for listener in &mut early {
        assert_eq!(listener.recv().await, Some(()));
    }
    let mut late = signal(SignalKind::user_defined2()).unwrap();
    assert!(timeout(Duration::from_millis(2), late.recv()).await.is_err());
    send("USR2");
    assert_eq!(late.recv().await, Some(()));
}

#[unstuck::test]
async fn ctrl_c_is_heard() {
    let listening = unstuck::spawn(ctrl_c());
    // It listens from its first poll on.
    unstuck::task::yield_now().await;
    send("INT");
    listening.await.unwrap().unwrap();
}

#[unstuck::test]
async fn every_waiter_for_ctrl_c_hears_it_and_the_next_one_again() {
    for _ in 0..2 {
        let [mut a, mut b] = [(); 2].map(|()| Box::pin(ctrl_c()));
        // They listen from their first poll on.
        assert!(futures_are_pending(&mut a, &mut b).await);
        send("INT");
        a.await.unwrap();
        b.await.unwrap();
    }
}

/// Polls both once.
async fn futures_are_pending<F: Future + Unpin>(a: &mut F, b: &mut F) -> bool {
    poll_fn(|cx| Poll::Ready(Pin::new(&mut *a).poll(cx).is_pending() && Pin::new(&mut *b).poll(cx).is_pending())).await
}

#[unstuck::test]
async fn signals_that_come_before_anybody_looks_count_as_one() {
    let mut listener = signal(SignalKind::from_raw(libc::SIGURG)).unwrap();
    let mut witness = signal(SignalKind::from_raw(libc::SIGURG)).unwrap();
    for _ in 0..5 {
        send("URG");
        witness.recv().await.unwrap();
    }
    assert_eq!(listener.recv().await, Some(()));
    assert!(timeout(Duration::from_millis(2), listener.recv()).await.is_err());
}

#[unstuck::test]
async fn a_listener_that_is_dropped_disturbs_no_other() {
    let mut stays = signal(SignalKind::alarm()).unwrap();
    let mut goes = signal(SignalKind::alarm()).unwrap();
    assert!(timeout(Duration::from_millis(1), goes.recv()).await.is_err());
    drop(goes);
    send("ALRM");
    assert_eq!(stays.recv().await, Some(()));
    drop(stays);
    // Without any listener the signal still does nothing else: it would end the process.
    send("ALRM");
    let mut later = signal(SignalKind::alarm()).unwrap();
    send("ALRM");
    assert_eq!(later.recv().await, Some(()));
}

#[unstuck::test]
async fn a_wait_that_was_given_up_loses_no_signal() {
    let mut listener = signal(SignalKind::from_raw(libc::SIGCONT)).unwrap();
    for _ in 0..3 {
        assert!(timeout(Duration::from_millis(1), listener.recv()).await.is_err());
    }
    send("CONT");
    assert_eq!(listener.recv().await, Some(()));
}

#[unstuck::test]
async fn of_the_tasks_that_poll_one_listener_the_last_is_woken() {
    let mut listener = signal(SignalKind::io()).unwrap();
    assert!(listener.poll_recv(&mut Context::from_waker(Waker::noop())).is_pending());
    let waiting = unstuck::spawn(async move { poll_fn(|cx| listener.poll_recv(cx)).await });
    unstuck::task::yield_now().await;
    send("IO");
    assert_eq!(waiting.await.unwrap(), Some(()));
}

#[unstuck::test]
async fn real_time_signals_are_signals() {
    for number in [libc::SIGRTMIN(), libc::SIGRTMAX()] {
        let mut listener = signal(SignalKind::from_raw(number)).unwrap();
        // SAFETY: the call takes a number; a handler is installed.
        assert_eq!(unsafe { libc::raise(number) }, 0);
        assert_eq!(listener.recv().await, Some(()));
    }
}

#[test]
fn two_runtimes_hear_the_same_signal() {
    let [a, b] = [(); 2].map(|()| Builder::new_current_thread().enable_all().build().unwrap());
    let mut in_a = a.block_on(async { signal(SignalKind::hangup()).unwrap() });
    let mut in_b = b.block_on(async { signal(SignalKind::hangup()).unwrap() });
    send("HUP");
    assert_eq!(a.block_on(in_a.recv()), Some(()));
    assert_eq!(b.block_on(in_b.recv()), Some(()));
}

#[test]
fn a_listener_outlives_its_runtime_and_hears_the_end() {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let mut listener = runtime.block_on(async { signal(SignalKind::window_change()).unwrap() });
    drop(runtime);
    let other = Builder::new_current_thread().enable_all().build().unwrap();
    assert_eq!(other.block_on(listener.recv()), None);
}

#[unstuck::test]
async fn signals_that_can_not_be_caught_are_refused() {
    let crashes = [libc::SIGSEGV, libc::SIGILL, libc::SIGFPE];
    for kind in [libc::SIGKILL, libc::SIGSTOP, 0, -1, 10_000].into_iter().chain(crashes) {
        let error = signal(SignalKind::from_raw(kind)).expect_err("it can't be caught");
        assert!(error.to_string().contains("listen for another one"), "{kind}: {error}");
    }
}

#[test]
#[should_panic(expected = "there is no reactor running")]
fn listening_outside_a_runtime_tells_what_to_do() {
    let _ = signal(SignalKind::user_defined1());
}

#[test]
fn kinds_have_the_numbers_of_the_system() {
    let kinds = [
        (SignalKind::alarm(), libc::SIGALRM),
        (SignalKind::child(), libc::SIGCHLD),
        (SignalKind::hangup(), libc::SIGHUP),
        (SignalKind::interrupt(), libc::SIGINT),
        (SignalKind::io(), libc::SIGIO),
        (SignalKind::pipe(), libc::SIGPIPE),
        (SignalKind::quit(), libc::SIGQUIT),
        (SignalKind::terminate(), libc::SIGTERM),
        (SignalKind::user_defined1(), libc::SIGUSR1),
        (SignalKind::user_defined2(), libc::SIGUSR2),
        (SignalKind::window_change(), libc::SIGWINCH),
    ];
    for (kind, number) in kinds {
        assert_eq!((kind.as_raw_value(), i32::from(kind)), (number, number));
        assert_eq!((SignalKind::from(number), SignalKind::from_raw(number)), (kind, kind));
    }
    assert_ne!(SignalKind::alarm(), SignalKind::child());
}
