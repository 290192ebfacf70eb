//! Child processes: commands that can't be started.
#![cfg(unix)]

use std::io::ErrorKind;
use std::process::Stdio;

use unstuck::process::{ChildStdin, ChildStdout, Command};

use crate::blame::{refused, run};
use crate::common::both;

#[test]
fn a_command_that_can_not_be_started_is_an_error() {
    for runtime in both() {
        run(&runtime, async {
            let kind = |command: &mut Command| command.spawn().map(drop).unwrap_err().kind();
            assert_eq!(kind(&mut Command::new("")), ErrorKind::NotFound);
            assert_eq!(kind(&mut Command::new("/no/such/program")), ErrorKind::NotFound);
            assert_eq!(kind(&mut Command::new("no-such-program-in-the-path")), ErrorKind::NotFound);
            assert_eq!(kind(&mut Command::new("/")), ErrorKind::PermissionDenied);
            assert_eq!(kind(&mut Command::new("tr\0ue")), ErrorKind::InvalidInput);
            assert_eq!(kind(Command::new("true").arg("a\0b")), ErrorKind::InvalidInput);
            assert_eq!(kind(Command::new("true").env("A\0", "b")), ErrorKind::InvalidInput);
            assert_eq!(kind(Command::new("true").env("A", "b\0")), ErrorKind::InvalidInput);
            assert_eq!(kind(Command::new("true").current_dir("/no/such/folder")), ErrorKind::NotFound);
            assert_eq!(kind(Command::new("true").current_dir("/dev/null")), ErrorKind::NotADirectory);
            assert_eq!(kind(Command::new("true").current_dir("\0")), ErrorKind::InvalidInput);
            let output = Command::new("/no/such/program").output().await;
            assert_eq!(output.unwrap_err().kind(), ErrorKind::NotFound);
            let status = Command::new("a\0").status().await;
            assert_eq!(status.unwrap_err().kind(), ErrorKind::InvalidInput);
        });
    }
}

#[test]
fn outside_a_runtime_no_child_is_started() {
    refused("there is no reactor running", || drop(Command::new("true").spawn()));
    refused("there is no reactor running", || drop(Command::new("true").output()));
    refused("there is no reactor running", || drop(Command::new("true").status()));
}

#[test]
fn killing_a_child_that_has_ended_is_no_mistake() {
    for runtime in both() {
        run(&runtime, async {
            let mut child = Command::new("true").stdin(Stdio::null()).spawn().unwrap();
            assert!(child.wait().await.unwrap().success());
            assert_eq!(child.id(), None);
            child.start_kill().unwrap();
            child.kill().await.unwrap();
            // Nor is asking again.
            assert!(child.wait().await.unwrap().success());
            assert!(child.try_wait().unwrap().unwrap().success());
        });
    }
}

#[test]
fn the_pipes_of_a_child_of_std_need_a_runtime() {
    let mut child = std::process::Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (stdin, stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    refused("there is no reactor running", || drop(ChildStdin::from_std(stdin)));
    refused("there is no reactor running", || drop(ChildStdout::from_std(stdout)));
    assert!(child.wait().unwrap().success(), "its input was closed");
}
