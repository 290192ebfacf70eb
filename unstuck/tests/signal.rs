//! Signals, sent by this process to itself.

use std::process::Command;

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
    for kind in [9, 19, -1, 10_000] {
        assert!(signal(SignalKind::from_raw(kind)).is_err(), "{kind}");
    }
}

#[test]
#[should_panic(expected = "there is no reactor running")]
fn listening_outside_a_runtime_tells_what_to_do() {
    let _ = signal(SignalKind::user_defined1());
}

#[test]
fn kinds_have_the_numbers_of_the_system() {
    assert_eq!(SignalKind::terminate().as_raw_value(), 15);
    assert_eq!(i32::from(SignalKind::hangup()), 1);
    assert_eq!(SignalKind::from(3), SignalKind::quit());
    assert_ne!(SignalKind::alarm(), SignalKind::child());
}
