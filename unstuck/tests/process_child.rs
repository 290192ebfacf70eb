//! Child processes: starting, waiting, killing, what a command sets.

mod common;

use std::future::Future;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::pin::pin;
use std::process::Stdio;
use std::task::{Context, Poll, Waker};

use common::{both, current_thread};
use unstuck::io::{AsyncReadExt, AsyncWriteExt};
use unstuck::process::{Child, Command};
use unstuck::task::{JoinSet, yield_now};
use unstuck::time::{Duration, sleep, timeout};

fn shell(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script]);
    command
}

/// A program that runs until its standard input ends.
fn cat() -> Command {
    let mut command = Command::new("cat");
    command.stdin(Stdio::piped()).stdout(Stdio::null());
    command
}

async fn printed(command: &mut Command) -> String {
    let output = command.output().await.unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_end_is_told_again_and_takes_the_id_away() {
    for runtime in both() {
        runtime.block_on(async {
            let mut child = shell("exit 7").spawn().unwrap();
            assert!(child.id().unwrap() > 0);
            for _ in 0..2 {
                assert_eq!(child.wait().await.unwrap().code(), Some(7));
                assert_eq!(child.id(), None);
            }
            assert_eq!(child.try_wait().unwrap().unwrap().code(), Some(7));
        });
    }
}

#[unstuck::test]
async fn a_killed_child_says_so_and_may_be_killed_again() {
    let mut child = cat().spawn().unwrap();
    child.start_kill().unwrap();
    assert_eq!(child.wait().await.unwrap().signal(), Some(libc::SIGKILL));
    child.start_kill().unwrap();
    child.kill().await.unwrap();

    let mut other = cat().spawn().unwrap();
    other.kill().await.unwrap();
    assert_eq!(other.try_wait().unwrap().unwrap().signal(), Some(libc::SIGKILL));
}

#[unstuck::test]
async fn waiting_closes_the_input_and_looking_does_not() {
    let mut child = cat().spawn().unwrap();
    assert_eq!(child.try_wait().unwrap(), None);
    child.stdin.as_mut().unwrap().write_all(b"still open").await.unwrap();
    assert!(child.wait().await.unwrap().success());
    assert!(child.stdin.is_none());
}

#[unstuck::test]
async fn a_wait_that_was_given_up_loses_nothing() {
    let mut child = cat().spawn().unwrap();
    let stdin = child.stdin.take();
    for _ in 0..3 {
        assert!(timeout(Duration::from_millis(1), child.wait()).await.is_err());
    }
    assert!(child.id().is_some());
    drop(stdin);
    assert!(child.wait().await.unwrap().success());
}

#[unstuck::test]
async fn the_task_that_waits_last_is_woken() {
    let mut child = cat().spawn().unwrap();
    let stdin = child.stdin.take();
    {
        let mut wait = pin!(child.wait());
        assert!(wait.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
    let waiting = unstuck::spawn(async move { child.wait().await });
    yield_now().await;
    drop(stdin);
    assert!(waiting.await.unwrap().unwrap().success());
}

#[test]
fn both_streams_are_read_at_the_same_time() {
    for runtime in both() {
        runtime.block_on(async {
            // More than a pipe holds, first into the one and then into the other.
            let script = "head -c 300000 /dev/zero >&2; head -c 400000 /dev/zero; head -c 300000 /dev/zero >&2; exit 1";
            let output = shell(script).output().await.unwrap();
            assert_eq!(output.status.code(), Some(1));
            assert_eq!((output.stdout.len(), output.stderr.len()), (400_000, 600_000));
        });
    }
}

#[unstuck::test]
async fn output_reads_both_streams_whatever_they_were_set_to() {
    let mut command = shell("echo out; echo err >&2");
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let output = command.output().await.unwrap();
    assert_eq!((output.stdout.as_slice(), output.stderr.as_slice()), (b"out\n".as_slice(), b"err\n".as_slice()));
}

#[unstuck::test]
async fn output_with_a_piped_input_ends_it() {
    let output = Command::new("cat").stdin(Stdio::piped()).output().await.unwrap();
    assert!(output.status.success() && output.stdout.is_empty());
}

#[unstuck::test]
async fn what_is_no_pipe_or_was_taken_is_empty_in_the_output() {
    let mut child = shell("echo out; echo err >&2").stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    assert!(child.stdin.is_none() && child.stderr.is_none());
    let mut stdout = child.stdout.take().unwrap();
    let output = child.wait_with_output().await.unwrap();
    assert!(output.stdout.is_empty() && output.stderr.is_empty());
    let mut out = String::new();
    stdout.read_to_string(&mut out).await.unwrap();
    assert_eq!(out, "out\n");
}

#[unstuck::test]
async fn status_closes_pipes_so_that_nobody_waits_for_us() {
    let mut command = shell("cat >/dev/null; exec yes");
    let status = command.stdin(Stdio::piped()).stdout(Stdio::piped()).status().await.unwrap();
    assert_eq!(status.signal(), Some(libc::SIGPIPE));
}

#[unstuck::test]
async fn status_and_output_start_before_they_are_polled() {
    for start in [|command: &mut Command| drop(command.status()), |command: &mut Command| drop(command.output())] {
        let (mut ours, theirs) = UnixStream::pair().unwrap();
        let mut command = shell("echo started >&0");
        command.stdin(std::os::fd::OwnedFd::from(theirs));
        start(&mut command);
        drop(command);
        let mut said = String::new();
        ours.read_to_string(&mut said).unwrap();
        assert_eq!(said, "started\n");
    }
}

/// A child that runs until it is killed, or until our end of the connection is closed; we see its end there.
fn connected(kill_on_drop: bool) -> (Child, UnixStream) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let mut command = Command::new("cat");
    let theirs_too = theirs.try_clone().unwrap();
    command.stdin(std::os::fd::OwnedFd::from(theirs)).stdout(std::os::fd::OwnedFd::from(theirs_too));
    (command.kill_on_drop(kill_on_drop).spawn().unwrap(), ours)
}

#[unstuck::test]
async fn a_dropped_child_runs_on() {
    let (child, mut ours) = connected(false);
    drop(child);
    ours.write_all(b"echo").unwrap();
    let mut echo = [0; 4];
    ours.read_exact(&mut echo).unwrap();
    assert_eq!(&echo, b"echo");
}

#[unstuck::test]
async fn a_dropped_child_is_killed_if_that_was_asked() {
    let (child, mut ours) = connected(true);
    drop(child);
    assert_eq!(ours.read(&mut [0]).unwrap(), 0, "all ends on its side are closed");
}

#[unstuck::test]
async fn a_dropped_status_kills_if_that_was_asked() {
    let (mut ours, theirs) = UnixStream::pair().unwrap();
    let mut command = Command::new("sleep");
    command.arg("1000").stdout(std::os::fd::OwnedFd::from(theirs)).kill_on_drop(true);
    let status = command.status();
    drop(command);
    assert!(timeout(Duration::from_millis(1), status).await.is_err());
    assert_eq!(ours.read(&mut [0]).unwrap(), 0);
}

#[test]
fn a_child_may_be_waited_for_in_another_runtime() {
    for ends_first in [false, true] {
        let first = current_thread();
        let mut child = first.block_on(async { cat().spawn().unwrap() });
        let stdin = child.stdin.take();
        let second = current_thread();
        if ends_first {
            drop(first);
            let outside = pin!(child.wait()).poll(&mut Context::from_waker(Waker::noop()));
            assert!(matches!(outside, Poll::Ready(Err(_))), "nobody would tell it: {outside:?}");
            second.block_on(async {
                assert!(timeout(Duration::from_millis(1), child.wait()).await.is_err());
                drop(stdin);
                assert!(child.wait().await.unwrap().success());
            });
        } else {
            let driving = std::thread::spawn(move || {
                first.block_on(async {
                    drop(stdin);
                    sleep(Duration::from_millis(1)).await;
                });
                first
            });
            let first = driving.join().unwrap();
            let waiting = second.spawn(async move { child.wait().await });
            // The first runtime must be driven, since the child is its.
            while !waiting.is_finished() {
                first.block_on(async { sleep(Duration::from_millis(1)).await });
                second.block_on(yield_now());
            }
            assert!(second.block_on(waiting).unwrap().unwrap().success());
        }
    }
}

#[test]
fn many_children_end_at_the_same_time() {
    for runtime in both() {
        runtime.block_on(async {
            let mut children = JoinSet::new();
            for number in 0..40 {
                let mut child = shell(&format!("exit {number}")).spawn().unwrap();
                children.spawn(async move { (number, child.wait().await.unwrap().code()) });
            }
            while let Some(ended) = children.join_next().await {
                let (number, code) = ended.unwrap();
                assert_eq!(code, Some(number));
            }
        });
    }
}

#[unstuck::test]
async fn a_program_that_can_not_be_started_is_an_error() {
    let mut missing = Command::new("/no/such/program");
    assert_eq!(missing.spawn().unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(missing.status().await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(missing.output().await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(Command::new("/").spawn().unwrap_err().kind(), ErrorKind::PermissionDenied);
}

#[unstuck::test]
async fn a_start_by_a_function_is_its_start() {
    let mut command = shell("exit 9");
    let mut child = command.spawn_with(|std| std.arg("unused").spawn()).unwrap();
    assert_eq!(child.wait().await.unwrap().code(), Some(9));
    assert!(command.as_std().get_args().any(|arg| arg == "unused"), "it has the command itself");
    let refused = command.spawn_with(|_| Err(ErrorKind::QuotaExceeded.into()));
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::QuotaExceeded);
}

#[unstuck::test]
async fn arguments_environment_and_directory_reach_the_child() {
    assert_eq!(printed(Command::new("echo").arg("a b").args(["*", "$HOME"])).await, "a b * $HOME\n");
    assert_eq!(printed(shell("echo $0").arg0("name")).await, "name\n");
    assert_eq!(printed(shell("echo $A $B").env("A", "1").envs([("B", "2")])).await, "1 2\n");
    let mut command = shell("echo $A,$B");
    command.env("A", "1").env("B", "2").env_remove("A");
    assert_eq!(printed(&mut command).await, ",2\n");
    assert_eq!(printed(Command::new("/usr/bin/env").env_clear().env("ONLY", "x")).await, "ONLY=x\n");
    assert_eq!(printed(Command::new("pwd").current_dir("/")).await, "/\n");
}

#[unstuck::test]
async fn a_command_of_std_keeps_its_settings() {
    let mut std = std::process::Command::new("echo");
    std.arg("x");
    let mut command = Command::from(std);
    assert!(!command.get_kill_on_drop());
    assert_eq!(printed(command.arg("y")).await, "x y\n");
    command.as_std_mut().arg("z");
    assert!(command.kill_on_drop(true).get_kill_on_drop());
    assert!(command.into_std().get_args().eq(["x", "y", "z"]));
}

#[unstuck::test]
async fn user_and_group_are_changed_or_refused() {
    let mut command = shell("id -u; id -g");
    command.uid(65533).gid(65534);
    // SAFETY: the call has no preconditions.
    if unsafe { libc::geteuid() } == 0 {
        assert_eq!(printed(&mut command).await, "65533\n65534\n");
    } else {
        assert_eq!(command.spawn().unwrap_err().kind(), ErrorKind::PermissionDenied);
    }
}

#[unstuck::test]
async fn a_child_leads_a_process_group_of_its_own() {
    let mut child = cat().process_group(0).spawn().unwrap();
    let pid = child.id().unwrap() as libc::pid_t;
    // SAFETY: the call takes a number.
    assert_eq!(unsafe { libc::getpgid(pid) }, pid);
    child.kill().await.unwrap();
}

#[unstuck::test]
async fn what_is_called_before_the_program_is_called_in_the_child() {
    let mut command = shell("umask");
    // SAFETY: it makes one system call.
    unsafe {
        command.pre_exec(|| {
            libc::umask(0o27);
            Ok(())
        })
    };
    assert_eq!(printed(&mut command).await, "0027\n");
    // SAFETY: it makes no call.
    unsafe { command.pre_exec(|| Err(std::io::Error::from_raw_os_error(libc::EXDEV))) };
    assert_eq!(command.spawn().unwrap_err().raw_os_error(), Some(libc::EXDEV));
}

#[unstuck::test]
async fn a_wait_ends_only_when_a_debugger_has_let_go() {
    let mut child = cat().spawn().unwrap();
    let pid = child.id().unwrap() as libc::pid_t;
    let mut debugger = std::process::Command::new("cat");
    debugger.stdin(Stdio::piped()).stdout(Stdio::null());
    let seize = move || {
        let nothing = std::ptr::null_mut::<libc::c_void>();
        // SAFETY: the call takes numbers; this one reads nothing through its pointers.
        match unsafe { libc::ptrace(libc::PTRACE_SEIZE, pid, nothing, nothing) } {
            -1 => Err(std::io::Error::last_os_error()),
            _ => Ok(()),
        }
    };
    // SAFETY: it makes one system call.
    let mut debugger = match unsafe { std::os::unix::process::CommandExt::pre_exec(&mut debugger, seize) }.spawn() {
        Ok(debugger) => debugger,
        Err(error) => {
            assert!(std::env::var_os("UNSTUCK_CI").is_none(), "the system allows no debuggers: {error}");
            return;
        }
    };
    drop(child.stdin.take());
    // It has ended, which its descriptor tells; but it is the debugger's until that ends.
    let zombie = || std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap().contains(") Z ");
    while !zombie() {
        yield_now().await;
    }
    assert!(timeout(Duration::from_millis(5), child.wait()).await.is_err());
    drop(debugger.stdin.take());
    assert!(child.wait().await.unwrap().success());
    debugger.wait().unwrap();
}

#[test]
fn a_simulation_refuses_and_says_why() {
    let run = unstuck::sim::run(1, || async {
        let error = Command::new("true").spawn().unwrap_err();
        let status = Command::new("true").status().await.unwrap_err();
        assert_eq!((error.kind(), status.kind()), (ErrorKind::Unsupported, ErrorKind::Unsupported));
        error.to_string()
    });
    assert!(run.output.contains("not decided by the seed"), "{}", run.output);
}

#[test]
fn handles_may_go_to_other_threads() {
    fn anywhere<T: Send + Sync + Unpin + 'static>() {}
    anywhere::<Command>();
    anywhere::<Child>();
    anywhere::<unstuck::process::ChildStdin>();
    anywhere::<unstuck::process::ChildStdout>();
    anywhere::<unstuck::process::ChildStderr>();
    fn is_send<T: Send>(value: T) -> T {
        value
    }
    let future = is_send(async {
        let mut child = Command::new("true").spawn()?;
        is_send(child.wait()).await?;
        is_send(child.kill()).await?;
        is_send(child.wait_with_output()).await
    });
    assert!(current_thread().block_on(future).unwrap().status.success());
}
