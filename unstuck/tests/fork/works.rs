//! What a runtime must be able to do in a child.

use std::io::Write;
use std::os::fd::AsRawFd;

use unstuck::io::{AsyncReadExt, AsyncWriteExt};
use unstuck::net::{TcpListener, TcpStream};
use unstuck::process::Command;
use unstuck::runtime::{Handle, Runtime, RuntimeFlavor};
use unstuck::signal::unix::{SignalKind, signal};
use unstuck::sync::oneshot;
use unstuck::task::{LocalSet, block_in_place, spawn_blocking, spawn_local};
use unstuck::time::{Duration, sleep, timeout};
use unstuck::{fs, io};

use crate::common::both;

/// New runtimes of both flavors can do everything here.
pub(crate) fn new_runtimes_do_everything() {
    both().into_iter().for_each(does_everything);
}

/// All of it, but what asks the system for much: for many children.
pub(crate) fn a_new_runtime_does_the_most_usual() {
    let runtime = crate::common::multi_thread(2);
    runtime.block_on(async {
        tasks().await;
        timers().await;
        sockets().await;
    });
}

fn does_everything(runtime: Runtime) {
    runtime.block_on(async {
        tasks().await;
        timers().await;
        sockets().await;
        blocking().await;
        signals().await;
        children().await;
        files().await;
        standard_input().await;
    });
    LocalSet::new().block_on(&runtime, async { spawn_local(async {}).await.unwrap() });
    // The threads of this runtime are here, and are waited for.
    drop(runtime);
}

async fn tasks() {
    let (send, receive) = oneshot::channel();
    let receives = unstuck::spawn(receive);
    unstuck::spawn(async { send.send(5).unwrap() }).await.unwrap();
    assert_eq!(receives.await.unwrap(), Ok(5));
}

async fn timers() {
    sleep(Duration::from_millis(1)).await;
    assert!(timeout(Duration::from_millis(1), std::future::pending::<()>()).await.is_err());
}

async fn sockets() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let echoes = unstuck::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let (mut reader, mut writer) = stream.split();
        io::copy(&mut reader, &mut writer).await.unwrap()
    });
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"echo").await.unwrap();
    stream.shutdown().await.unwrap();
    let mut back = String::new();
    stream.read_to_string(&mut back).await.unwrap();
    assert_eq!((back.as_str(), echoes.await.unwrap()), ("echo", 4));
}

async fn blocking() {
    assert_eq!(spawn_blocking(|| 6 * 7).await.unwrap(), 42);
    if Handle::current().runtime_flavor() == RuntimeFlavor::MultiThread {
        assert_eq!(unstuck::spawn(async { block_in_place(|| 8) }).await.unwrap(), 8);
    }
}

async fn signals() {
    for number in [libc::SIGUSR1, libc::SIGUSR2] {
        let mut listener = signal(SignalKind::from_raw(number)).unwrap();
        for _ in 0..2 {
            // SAFETY: the call takes a number; a handler is installed.
            assert_eq!(unsafe { libc::raise(number) }, 0);
            assert_eq!(listener.recv().await, Some(()));
        }
    }
}

async fn children() {
    let output = Command::new("sh").args(["-c", "echo out; exit 3"]).output().await.unwrap();
    assert_eq!((output.status.code(), &*output.stdout), (Some(3), &b"out\n"[..]));
    let mut child = Command::new("sleep").arg("100").kill_on_drop(true).spawn().unwrap();
    child.kill().await.unwrap();
}

async fn files() {
    let path = std::env::temp_dir().join(format!("unstuck-fork-{}", std::process::id()));
    fs::write(&path, "text").await.unwrap();
    assert_eq!(fs::read_to_string(&path).await.unwrap(), "text");
    fs::remove_file(&path).await.unwrap();
}

/// Gives this process another standard input, and reads it.
async fn standard_input() {
    let (reader, mut writer) = std::io::pipe().unwrap();
    // SAFETY: both descriptors are open; what was the standard input is not needed any more.
    assert_eq!(unsafe { libc::dup2(reader.as_raw_fd(), libc::STDIN_FILENO) }, libc::STDIN_FILENO);
    let mut input = io::stdin();
    for text in ["first", "second"] {
        let reads = unstuck::spawn(async move {
            let mut buf = [0; 16];
            let count = input.read(&mut buf).await.unwrap();
            (input, buf[..count].to_vec())
        });
        writer.write_all(text.as_bytes()).unwrap();
        let (again, read) = reads.await.unwrap();
        assert_eq!(read, text.as_bytes());
        input = again;
    }
}
