//! The standard streams: each test is a program of its own, this one run again, whose streams are pipes.

mod common;

use std::fs::File;
use std::future::Future;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::pin::pin;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::ptr;
use std::sync::mpsc;
use std::task::{Context, Waker};
use std::time::Duration;

use common::{both, current_thread, multi_thread};
use unstuck::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, stderr, stdin, stdout};

/// Says to the program that it is the child of the test with this name.
const CHILD_OF: &str = "UNSTUCK_STDIO_CHILD_OF";

/// What stands between the words of the test harness and those of the child.
const BEGIN: &str = "the child begins";

/// Runs `child` as a program of its own, and `parent` with its streams here. It must end by itself, with success.
fn with_child(test: &str, child: fn(), parent: impl FnOnce(ChildStdin, BufReader<ChildStdout>)) -> String {
    let (mut program, stdout) = begin(test, child, Stdio::piped());
    parent(program.stdin.take().unwrap(), stdout);
    ends_by_itself(program)
}

/// As [`with_child`], with a terminal as its standard input, whose other end is the parent's.
fn with_child_on_a_terminal(test: &str, child: fn(), parent: impl FnOnce(File, BufReader<ChildStdout>)) {
    let (mut ours, mut childs) = (-1, -1);
    // SAFETY: two places for descriptors, and nothing else is asked for or said.
    let opened = unsafe { libc::openpty(&mut ours, &mut childs, ptr::null_mut(), ptr::null(), ptr::null()) };
    assert_eq!(opened, 0, "{}", std::io::Error::last_os_error());
    // SAFETY: they were opened just now, and nobody else knows them.
    let [ours, childs] = [ours, childs].map(|descriptor| unsafe { OwnedFd::from_raw_fd(descriptor) });
    let (program, stdout) = begin(test, child, Stdio::from(childs));
    parent(File::from(ours), stdout);
    ends_by_itself(program);
}

/// Runs `child` as a program of its own, until it says that it begins.
fn begin(test: &str, child: fn(), stdin: Stdio) -> (Child, BufReader<ChildStdout>) {
    if std::env::var(CHILD_OF).is_ok_and(|name| name == test) {
        println!("\n{BEGIN}");
        child();
        std::process::exit(0);
    }
    let mut program = Command::new(std::env::current_exe().unwrap())
        .args([test, "--exact", "--nocapture", "--test-threads=1"])
        .env(CHILD_OF, test)
        .stdin(stdin)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = BufReader::new(program.stdout.take().unwrap());
    let mut line = String::new();
    while line.trim_end() != BEGIN {
        line.clear();
        assert_ne!(stdout.read_line(&mut line).unwrap(), 0, "the child did not begin");
    }
    (program, stdout)
}

/// Waits for the end of a program; returns what it wrote to its standard error.
fn ends_by_itself(mut program: Child) -> String {
    let id = program.id();
    let mut errors = program.stderr.take().unwrap();
    let (tell, ended) = mpsc::channel();
    let waits = std::thread::spawn(move || {
        let mut said = String::new();
        errors.read_to_string(&mut said).unwrap();
        let status = program.wait().unwrap();
        let _nobody_waits = tell.send(());
        (status, said)
    });
    if ended.recv_timeout(Duration::from_secs(100)).is_err() {
        // SAFETY: it is our own child, and not waited for yet.
        unsafe { libc::kill(id.cast_signed(), libc::SIGKILL) };
        panic!("the child does not end");
    }
    let (status, said) = waits.join().unwrap();
    assert!(status.success(), "{status}: {said}");
    said
}

fn rest(mut stdout: BufReader<ChildStdout>) -> String {
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).unwrap();
    rest
}

/// Polls once, and drops.
fn give_up<F: Future>(future: F) {
    let polled = pin!(future).poll(&mut Context::from_waker(Waker::noop()));
    assert!(polled.is_pending(), "it was to wait");
}

/// In both flavors of runtime a read of the standard input waits when the runtime is dropped.
fn drops_runtimes_whose_reads_wait() {
    for runtime in both() {
        let (begin, begun) = unstuck::sync::oneshot::channel();
        runtime.spawn(async {
            let mut buf = [0; 10];
            let mut stdin = stdin();
            let mut read = pin!(stdin.read(&mut buf));
            let waits = std::future::poll_fn(|cx| std::task::Poll::Ready(read.as_mut().poll(cx).is_pending())).await;
            begin.send(waits).unwrap();
            read.await
        });
        assert!(runtime.block_on(begun).unwrap());
        drop(runtime);
    }
    println!("both are down");
}

#[test]
fn a_read_that_waits_delays_neither_the_runtime_nor_the_program() {
    let test = "a_read_that_waits_delays_neither_the_runtime_nor_the_program";
    with_child(test, drops_runtimes_whose_reads_wait, |stdin, stdout| {
        assert_eq!(rest(stdout), "both are down\n");
        drop(stdin);
    });
}

#[test]
fn a_read_of_a_terminal_that_waits_delays_neither_the_runtime_nor_the_program() {
    let test = "a_read_of_a_terminal_that_waits_delays_neither_the_runtime_nor_the_program";
    with_child_on_a_terminal(test, drops_runtimes_whose_reads_wait, |terminal, stdout| {
        assert_eq!(rest(stdout), "both are down\n");
        drop(terminal);
    });
}

#[test]
fn a_line_of_a_terminal_goes_to_the_next_read_after_one_that_was_given_up() {
    fn child() {
        let first = multi_thread(1);
        first.block_on(async { give_up(stdin().read(&mut [0; 100])) });
        drop(first);
        println!("given up");
        let mut line = String::new();
        current_thread().block_on(unstuck::io::BufReader::new(stdin()).read_line(&mut line)).unwrap();
        print!("{line}");
    }
    let test = "a_line_of_a_terminal_goes_to_the_next_read_after_one_that_was_given_up";
    with_child_on_a_terminal(test, child, |mut terminal, mut stdout| {
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        assert_eq!(line, "given up\n");
        terminal.write_all(b"hello\n").unwrap();
        assert_eq!(rest(stdout), "hello\n");
    });
}

#[test]
fn what_comes_for_a_read_that_was_given_up_is_the_next_ones_in_another_runtime() {
    fn child() {
        let first = multi_thread(1);
        first.block_on(async { give_up(stdin().read(&mut [0; 100])) });
        drop(first);
        println!("given up");
        let all = current_thread().block_on(async {
            let mut all = [0; 5];
            stdin().read_exact(&mut all[..2]).await.unwrap();
            assert_eq!(stdin().read(&mut []).await.unwrap(), 0);
            // Another handle goes on where the first stopped.
            stdin().read_exact(&mut all[2..]).await.unwrap();
            all
        });
        print!("{}", String::from_utf8_lossy(&all));
    }
    let test = "what_comes_for_a_read_that_was_given_up_is_the_next_ones_in_another_runtime";
    with_child(test, child, |mut stdin, mut stdout| {
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        assert_eq!(line, "given up\n");
        stdin.write_all(b"hel").unwrap();
        stdin.write_all(b"lo").unwrap();
        assert_eq!(rest(stdout), "hello");
    });
}

#[test]
fn lines_are_answered_until_the_input_ends() {
    fn child() {
        multi_thread(2).block_on(async {
            let mut lines = unstuck::io::BufReader::new(stdin()).lines();
            let mut stdout = stdout();
            while let Some(line) = lines.next_line().await.unwrap() {
                stdout.write_all(format!("<{line}>\n").as_bytes()).await.unwrap();
                stdout.flush().await.unwrap();
            }
            assert_eq!(stdin().read(&mut [0; 1]).await.unwrap(), 0, "the end is seen again");
        });
    }
    with_child("lines_are_answered_until_the_input_ends", child, |mut stdin, mut stdout| {
        for n in 0..10 {
            writeln!(stdin, "line {n}").unwrap();
            let mut answer = String::new();
            stdout.read_line(&mut answer).unwrap();
            assert_eq!(answer, format!("<line {n}>\n"));
        }
        drop(stdin);
        assert_eq!(rest(stdout), "");
    });
}

#[test]
fn much_input_comes_whole() {
    fn child() {
        let mut all = Vec::new();
        current_thread().block_on(stdin().read_to_end(&mut all)).unwrap();
        assert!(all.iter().enumerate().all(|(at, byte)| *byte == (at % 251) as u8));
        print!("{}", all.len());
    }
    with_child("much_input_comes_whole", child, |mut stdin, stdout| {
        let much: Vec<u8> = (0..1_000_000).map(|at| (at % 251) as u8).collect();
        stdin.write_all(&much).unwrap();
        drop(stdin);
        assert_eq!(rest(stdout), "1000000");
    });
}

#[test]
fn what_std_has_buffered_of_the_input_is_not_lost() {
    fn child() {
        let mut line = String::new();
        std::io::stdin().read_line(&mut line).unwrap();
        let mut all = String::new();
        current_thread().block_on(stdin().read_to_string(&mut all)).unwrap();
        print!("{line}{all}");
    }
    with_child("what_std_has_buffered_of_the_input_is_not_lost", child, |mut stdin, stdout| {
        stdin.write_all(b"one\ntwo\nthree").unwrap();
        drop(stdin);
        assert_eq!(rest(stdout), "one\ntwo\nthree");
    });
}

#[test]
fn output_keeps_its_order_and_the_last_write_is_flushed() {
    fn child() {
        multi_thread(2).block_on(async {
            let mut stdout = stdout();
            for n in 0..1000 {
                stdout.write_all(format!("{n}\n").as_bytes()).await.unwrap();
            }
            stdout.write_all(b"no end of line").await.unwrap();
            stdout.flush().await.unwrap();
            stdout.shutdown().await.unwrap();
            // SAFETY: a clean end would flush what we did not.
            unsafe { libc::_exit(0) };
        });
    }
    with_child("output_keeps_its_order_and_the_last_write_is_flushed", child, |_stdin, stdout| {
        let lines: String = (0..1000).map(|n| format!("{n}\n")).collect();
        assert_eq!(rest(stdout), lines + "no end of line");
    });
}

#[test]
fn what_was_written_is_not_lost_when_the_runtime_ends() {
    fn child() {
        let runtime = unstuck::runtime::Builder::new_current_thread().max_blocking_threads(1).build().unwrap();
        let (end, ended) = mpsc::channel::<()>();
        runtime.spawn_blocking(move || ended.recv());
        // The write is queued behind what blocks.
        runtime.block_on(async { stdout().write_all(b"as good as done\n").await.unwrap() });
        let shutdown = std::thread::spawn(move || drop(runtime));
        drop(end);
        shutdown.join().unwrap();
    }
    with_child("what_was_written_is_not_lost_when_the_runtime_ends", child, |_stdin, stdout| {
        assert_eq!(rest(stdout), "as good as done\n");
    });
}

#[test]
fn a_write_that_fails_is_told() {
    fn child() {
        current_thread().block_on(async {
            // Only now has the parent closed its end.
            stdin().read_to_end(&mut Vec::new()).await.unwrap();
            let mut stdout = stdout();
            stdout.write_all(b"to nobody\n").await.unwrap();
            let error = stdout.flush().await.unwrap_err();
            assert_eq!(error.kind(), std::io::ErrorKind::BrokenPipe);
            stderr().write_all(b"told").await.unwrap();
        });
    }
    let said = with_child("a_write_that_fails_is_told", child, |stdin, stdout| {
        drop(stdout);
        drop(stdin);
    });
    assert_eq!(said, "told");
}

#[test]
fn the_streams_have_the_descriptors_of_the_process() {
    assert_eq!([stdin().as_raw_fd(), stdout().as_raw_fd(), stderr().as_raw_fd()], [0, 1, 2]);
    assert_eq!(format!("{:?} {:?} {:?}", stdin(), stdout(), stderr()), "Stdin { .. } Stdout { .. } Stderr { .. }");
}

#[test]
#[should_panic(expected = "there is no reactor running")]
fn reading_outside_a_runtime_panics() {
    give_up(stdin().read(&mut [0; 1]));
}
