//! No zombie is left, whoever goes first: the child, its handle, or the runtime.

mod common;

use std::process::Stdio;
use std::time::{Duration, Instant};

use common::{both, current_thread};
use unstuck::process::{Child, ChildStdin, Command};

/// A program that runs until its input ends, and its input.
fn cat() -> (Child, ChildStdin) {
    let mut child = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let stdin = child.stdin.take().unwrap();
    (child, stdin)
}

/// Whether the system still has this child of ours, as a zombie or alive.
fn is_there(pid: u32) -> bool {
    let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else { return false };
    // After the name: the state and the parent.
    let (_name, rest) = stat.rsplit_once(") ").unwrap();
    rest.split(' ').nth(1) == Some(&std::process::id().to_string())
}

/// Until the child has been collected, letting `meanwhile` go on.
fn wait_until_gone(pid: u32, mut meanwhile: impl FnMut()) {
    let limit = Instant::now() + Duration::from_secs(60);
    while is_there(pid) {
        assert!(Instant::now() < limit, "nobody collects the child");
        meanwhile();
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn a_dropped_child_that_ends_later_is_collected_by_its_runtime() {
    for runtime in both() {
        let (child, stdin) = runtime.block_on(async { cat() });
        let pid = child.id().unwrap();
        drop(child);
        assert!(is_there(pid));
        drop(stdin);
        wait_until_gone(pid, || runtime.block_on(async { unstuck::time::sleep(Duration::from_millis(1)).await }));
    }
}

#[test]
fn a_dropped_child_is_collected_while_nothing_else_happens() {
    let runtime = common::multi_thread(1);
    let (child, stdin) = runtime.block_on(async { cat() });
    let pid = child.id().unwrap();
    drop(child);
    drop(stdin);
    wait_until_gone(pid, || {});
}

#[test]
fn a_child_that_ended_before_its_drop_is_collected() {
    let runtime = current_thread();
    let (child, stdin) = runtime.block_on(async { cat() });
    let pid = child.id().unwrap();
    drop(stdin);
    let zombie = || std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap().contains(") Z ");
    while !zombie() {
        std::thread::yield_now();
    }
    drop(child);
    assert!(!is_there(pid));
}

#[test]
fn a_child_that_is_killed_by_its_drop_is_collected() {
    let runtime = common::multi_thread(1);
    let pid = runtime.block_on(async {
        let child = Command::new("sleep").arg("1000").kill_on_drop(true).spawn().unwrap();
        child.id().unwrap()
    });
    wait_until_gone(pid, || {});
}

#[test]
fn a_child_that_was_killed_and_dropped_is_collected() {
    let runtime = common::multi_thread(1);
    let pid = runtime.block_on(async {
        let mut child = Command::new("sleep").arg("1000").spawn().unwrap();
        child.start_kill().unwrap();
        child.id().unwrap()
    });
    wait_until_gone(pid, || {});
}

#[test]
fn an_orphan_is_collected_after_the_end_of_its_runtime() {
    for runtime in both() {
        let (child, stdin) = runtime.block_on(async { cat() });
        let pid = child.id().unwrap();
        drop(child);
        drop(runtime);
        assert!(is_there(pid));
        drop(stdin);
        wait_until_gone(pid, || {});
    }
}

#[test]
fn a_child_that_is_dropped_after_the_end_of_its_runtime_is_collected() {
    for inside_another in [false, true] {
        for runtime in both() {
            let (child, stdin) = runtime.block_on(async { cat() });
            let pid = child.id().unwrap();
            drop(runtime);
            if inside_another {
                current_thread().block_on(async move { drop(child) });
            } else {
                drop(child);
            }
            assert!(is_there(pid));
            drop(stdin);
            wait_until_gone(pid, || {});
        }
    }
}

#[test]
fn a_child_of_a_task_is_collected_when_the_runtime_ends() {
    for runtime in both() {
        let (pid, stdin) = runtime.block_on(async {
            let (mut child, stdin) = cat();
            let pid = child.id().unwrap();
            unstuck::spawn(async move { child.wait().await });
            unstuck::task::yield_now().await;
            (pid, stdin)
        });
        drop(runtime);
        assert!(is_there(pid));
        drop(stdin);
        wait_until_gone(pid, || {});
    }
}

#[test]
fn an_output_that_is_given_up_leaves_no_zombie() {
    let runtime = common::multi_thread(1);
    let pid = runtime.block_on(async {
        let mut child = Command::new("sleep").arg("1000").kill_on_drop(true).stdout(Stdio::piped()).spawn().unwrap();
        let pid = child.id().unwrap();
        assert!(child.try_wait().unwrap().is_none());
        let output = child.wait_with_output();
        assert!(unstuck::time::timeout(Duration::from_millis(1), output).await.is_err());
        pid
    });
    wait_until_gone(pid, || {});
}
