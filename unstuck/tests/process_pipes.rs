//! The pipes to a child.

mod common;

use std::fs::File;
use std::future::poll_fn;
use std::io::{ErrorKind, IoSlice, Read};
use std::os::fd::{AsFd, AsRawFd};
use std::pin::Pin;
use std::process::Stdio;

use common::both;
use std::task::Poll;
use unstuck::io::{AsyncBufReadExt, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use unstuck::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use unstuck::time::{Duration, timeout};

fn shell(script: &str) -> Child {
    let mut command = Command::new("sh");
    command.args(["-c", script]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

#[test]
fn a_conversation_goes_on_line_by_line() {
    for runtime in both() {
        runtime.block_on(async {
            let mut child = shell("while read line; do echo \"out $line\"; echo \"err $line\" >&2; done");
            let mut stdin = child.stdin.take().unwrap();
            let mut out = BufReader::new(child.stdout.take().unwrap()).lines();
            let mut err = BufReader::new(child.stderr.take().unwrap()).lines();
            for number in 0..50 {
                stdin.write_all(format!("{number}\n").as_bytes()).await.unwrap();
                assert_eq!(out.next_line().await.unwrap().unwrap(), format!("out {number}"));
                assert_eq!(err.next_line().await.unwrap().unwrap(), format!("err {number}"));
            }
            drop(stdin);
            assert_eq!(out.next_line().await.unwrap(), None);
            assert_eq!(err.next_line().await.unwrap(), None);
            assert!(child.wait().await.unwrap().success());
        });
    }
}

/// Writes until the pipe is full; returns how much that was.
async fn fill(stdin: &mut ChildStdin) -> usize {
    let mut written = 0;
    let full = poll_fn(|cx| {
        loop {
            match Pin::new(&mut *stdin).poll_write(cx, &[b'x'; 4096]) {
                Poll::Ready(n) => written += n.unwrap(),
                Poll::Pending if written == 0 => return Poll::Pending,
                Poll::Pending => return Poll::Ready(()),
            }
        }
    });
    unstuck::task::unconstrained(full).await;
    written
}

#[unstuck::test]
async fn a_full_pipe_is_written_again_when_the_child_has_read() {
    let mut child = shell("kill -STOP $$; wc -c");
    let pid = child.id().unwrap() as libc::pid_t;
    let mut stdin = child.stdin.take().unwrap();
    let written = fill(&mut stdin).await;
    assert!(timeout(Duration::from_millis(2), stdin.write_all(b"more")).await.is_err());
    let writing = unstuck::spawn(async move { stdin.write_all(b"more").await });
    unstuck::task::yield_now().await;
    // Until it has stopped itself, the signal does nothing.
    while !writing.is_finished() {
        // SAFETY: the call takes numbers.
        unsafe { libc::kill(pid, libc::SIGCONT) };
        unstuck::time::sleep(Duration::from_millis(1)).await;
    }
    writing.await.unwrap().unwrap();
    let output = child.wait_with_output().await.unwrap();
    let read: usize = String::from_utf8(output.stdout).unwrap().trim().parse().unwrap();
    assert_eq!(read, written + 4);
}

#[unstuck::test]
async fn writing_to_a_child_that_has_gone_is_an_error() {
    let mut child = shell("exit");
    let mut stdin = child.stdin.take().unwrap();
    assert!(child.wait().await.unwrap().success());
    let error = loop {
        if let Err(error) = stdin.write_all(&[0; 4096]).await {
            break error;
        }
    };
    assert_eq!(error.kind(), ErrorKind::BrokenPipe);
}

#[unstuck::test]
async fn a_writer_that_waits_hears_that_the_child_has_gone() {
    let mut child = shell("kill -STOP $$");
    let mut stdin = child.stdin.take().unwrap();
    fill(&mut stdin).await;
    let writing = unstuck::spawn(async move { stdin.write_all(&[0; 100_000]).await });
    unstuck::task::yield_now().await;
    child.kill().await.unwrap();
    assert_eq!(writing.await.unwrap().unwrap_err().kind(), ErrorKind::BrokenPipe);
}

#[unstuck::test]
async fn shutdown_is_no_close_and_a_drop_is() {
    let mut child = shell("cat");
    let mut stdin = child.stdin.take().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    stdin.shutdown().await.unwrap();
    stdin.flush().await.unwrap();
    stdin.write_all(b"after").await.unwrap();
    drop(stdin);
    let mut all = String::new();
    stdout.read_to_string(&mut all).await.unwrap();
    assert_eq!(all, "after");
}

#[unstuck::test]
async fn several_buffers_are_written_at_once() {
    let mut child = shell("cat");
    let mut stdin = child.stdin.take().unwrap();
    assert!(stdin.is_write_vectored());
    let bufs = [IoSlice::new(b"one "), IoSlice::new(b""), IoSlice::new(b"two")];
    assert_eq!(stdin.write_vectored(&bufs).await.unwrap(), 7);
    let many = vec![IoSlice::new(b"."); 3000];
    let written = stdin.write_vectored(&many).await.unwrap();
    assert!((1..=3000).contains(&written));
    drop(stdin);
    let output = child.wait_with_output().await.unwrap();
    assert_eq!(output.stdout, format!("one two{}", ".".repeat(written)).into_bytes());
}

#[unstuck::test]
async fn the_pipe_of_one_child_is_the_input_of_another() {
    let mut first = shell("sleep 0.01; echo c; echo a; echo b");
    let stdout: Stdio = first.stdout.take().unwrap().try_into().unwrap();
    let sorted = Command::new("sort").stdin(stdout).output().await.unwrap();
    assert_eq!(sorted.stdout, b"a\nb\nc\n");

    let mut last = shell("cat");
    let stdin: Stdio = last.stdin.take().unwrap().try_into().unwrap();
    let status = Command::new("echo").arg("through").stdout(stdin).status().await.unwrap();
    assert!(status.success());
    assert_eq!(last.wait_with_output().await.unwrap().stdout, b"through\n");
}

#[unstuck::test]
async fn a_descriptor_that_is_given_back_blocks() {
    fn blocks(fd: &impl AsRawFd) -> bool {
        // SAFETY: the call takes numbers.
        let flags = unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_GETFL) };
        assert_ne!(flags, -1);
        flags & libc::O_NONBLOCK == 0
    }
    let mut child = shell("echo out; echo err >&2; cat >/dev/null");
    let stdin = child.stdin.take().unwrap();
    let stdout = child.stdout.take().unwrap();
    let stderr = child.stderr.take().unwrap();
    assert!(!blocks(&stdin) && !blocks(&stdout) && !blocks(&stderr));
    assert_eq!(stdin.as_fd().as_raw_fd(), stdin.as_raw_fd());
    let number = stdin.as_raw_fd();
    let stdin = stdin.into_owned_fd().unwrap();
    assert_eq!(stdin.as_raw_fd(), number);
    let [mut out, mut err] = [stdout.into_owned_fd().unwrap(), stderr.into_owned_fd().unwrap()].map(File::from);
    assert!(blocks(&stdin) && blocks(&out) && blocks(&err));
    let mut said = [0; 4];
    out.read_exact(&mut said).unwrap();
    assert_eq!(&said, b"out\n");
    err.read_exact(&mut said).unwrap();
    assert_eq!(&said, b"err\n");
    drop(stdin);
    assert!(child.wait().await.unwrap().success());
}

#[unstuck::test]
async fn pipes_of_std_are_taken_over() {
    let mut command = std::process::Command::new("sh");
    command.args(["-c", "read line; echo $line; echo $line >&2"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = ChildStdin::from_std(child.stdin.take().unwrap()).unwrap();
    let mut stdout = ChildStdout::from_std(child.stdout.take().unwrap()).unwrap();
    let mut stderr = ChildStderr::from_std(child.stderr.take().unwrap()).unwrap();
    stdin.write_all(b"hello\n").await.unwrap();
    let (mut out, mut err) = (String::new(), String::new());
    stdout.read_to_string(&mut out).await.unwrap();
    stderr.read_to_string(&mut err).await.unwrap();
    assert_eq!((out.as_str(), err.as_str()), ("hello\n", "hello\n"));
    child.wait().unwrap();
}

#[unstuck::test]
async fn reading_into_no_room_is_no_end() {
    let mut child = shell("echo x");
    let mut stdout = child.stdout.take().unwrap();
    assert_eq!(stdout.read(&mut []).await.unwrap(), 0);
    let mut all = String::new();
    stdout.read_to_string(&mut all).await.unwrap();
    assert_eq!(all, "x\n");
    assert!(child.wait().await.unwrap().success());
}

#[test]
fn a_pipe_outlives_its_runtime_and_says_so() {
    let runtime = common::current_thread();
    let mut child = runtime.block_on(async { shell("cat") });
    let mut stdout = child.stdout.take().unwrap();
    drop(runtime);
    let other = common::current_thread();
    assert!(other.block_on(stdout.read(&mut [0])).is_err());
    assert!(other.block_on(child.wait()).unwrap().success());
}
