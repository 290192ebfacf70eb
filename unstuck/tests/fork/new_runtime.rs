//! Runtimes that a child makes for itself.

use std::io::Read;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Waker;
use std::thread;

use unstuck::io::AsyncReadExt;
use unstuck::net::UdpSocket;
use unstuck::signal::unix::{SignalKind, signal};
use unstuck::sync::Mutex;
use unstuck::task::{spawn_blocking, yield_now};
use unstuck::time::{Duration, sleep, timeout};

use crate::child::{End, in_child};
use crate::common::{both, multi_thread};
use crate::works::{a_new_runtime_does_the_most_usual, new_runtimes_do_everything};

#[test]
fn a_child_builds_new_runtimes_that_work() {
    let runtimes = both();
    for runtime in &runtimes {
        // Whatever is made for the process when it is first used is there.
        runtime.block_on(async {
            let _user1 = signal(SignalKind::user_defined1()).unwrap();
            unstuck::process::Command::new("true").status().await.unwrap();
            spawn_blocking(|| ()).await.unwrap();
        });
    }
    assert_eq!(in_child(new_runtimes_do_everything), End::Well);
    for runtime in runtimes {
        runtime.block_on(async { sleep(Duration::from_millis(1)).await });
    }
}

#[test]
fn a_grandchild_does_too() {
    let runtime = multi_thread(2);
    let end = in_child(|| {
        let in_between = multi_thread(2);
        in_between.block_on(async { sleep(Duration::from_millis(1)).await });
        assert_eq!(in_child(new_runtimes_do_everything), End::Well);
        in_between.block_on(async { sleep(Duration::from_millis(1)).await });
    });
    assert_eq!(end, End::Well);
    drop(runtime);
}

#[test]
fn signals_of_the_child_are_not_heard_by_the_parent_nor_the_other_way_round() {
    let runtime = multi_thread(1);
    let listen = || signal(SignalKind::window_change()).unwrap();
    let mut heard = runtime.block_on(async { listen() });
    let end = in_child(|| {
        let new = multi_thread(1);
        new.block_on(async {
            let mut here = listen();
            // SAFETY: the call takes a number; a handler is installed.
            unsafe { libc::raise(libc::SIGWINCH) };
            assert_eq!(here.recv().await, Some(()));
        });
    });
    assert_eq!(end, End::Well);
    runtime.block_on(async {
        assert!(timeout(Duration::from_millis(5), heard.recv()).await.is_err());
        // SAFETY: as above.
        unsafe { libc::raise(libc::SIGWINCH) };
        assert_eq!(heard.recv().await, Some(()));
    });
}

/// Whatever locks other threads hold when the process is forked.
#[test]
fn new_runtimes_work_in_children_of_a_busy_process() {
    let runtime = multi_thread(2);
    let stop = Arc::new(AtomicBool::new(false));
    let (give, mut wakers) = unstuck::sync::mpsc::unbounded_channel::<Waker>();
    runtime.spawn(std::future::poll_fn(move |cx| {
        let _gone = give.send(cx.waker().clone());
        std::task::Poll::<()>::Pending
    }));
    let waker = runtime.block_on(wakers.recv()).unwrap();
    let threads: Vec<_> = (0..3)
        .map(|_| {
            let (stop, handle) = (stop.clone(), runtime.handle().clone());
            thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    handle.block_on(busy(handle.clone()))
                }
            })
        })
        .collect();
    for _ in 0..50 {
        let end = in_child(|| {
            waker.wake_by_ref();
            // SAFETY: the child's copy of a value that nobody else drops in the child.
            drop(unsafe { std::ptr::read(&raw const runtime) });
            a_new_runtime_does_the_most_usual();
        });
        assert_eq!(end, End::Well);
    }
    stop.store(true, Ordering::Relaxed);
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

/// Takes most locks of a runtime, and of the process.
async fn busy(handle: unstuck::runtime::Handle) {
    let lock = Arc::new(Mutex::new(()));
    let tasks: Vec<_> = (0..16)
        .map(|n| {
            let lock = lock.clone();
            handle.spawn(async move {
                let _guard = lock.lock().await;
                let _socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
                sleep(Duration::from_micros(n)).await;
                yield_now().await;
            })
        })
        .collect();
    spawn_blocking(|| drop(crate::common::current_thread())).await.unwrap();
    for task in tasks {
        task.await.unwrap();
    }
}

/// The parent's thread holds the lock of std's stdin while it waits for input.
#[test]
fn a_child_reads_an_input_while_its_parent_waits_for_one() {
    const PROGRAM: &str = "UNSTUCK_FORK_STDIN";
    const DONE: &str = "the child has read";
    if std::env::var_os(PROGRAM).is_some() {
        let runtime = multi_thread(1);
        runtime.spawn(async { unstuck::io::stdin().read_u8().await });
        while !waits_for_input() {
            thread::yield_now();
        }
        assert_eq!(in_child(new_runtimes_do_everything), End::Well);
        println!("{DONE}");
        std::process::exit(0);
    }
    let mut program = Command::new(std::env::current_exe().unwrap())
        .args(["new_runtime::a_child_reads_an_input_while_its_parent_waits_for_one", "--exact", "--nocapture"])
        .env(PROGRAM, "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // Its input stays open, and empty, until it has ended.
    let (mut said, stdin) = (String::new(), program.stdin.take());
    program.stdout.take().unwrap().read_to_string(&mut said).unwrap();
    program.wait().unwrap();
    drop(stdin);
    assert!(said.contains(DONE), "{said}");
}

/// Whether a thread of this process is in the system call that reads the standard input.
fn waits_for_input() -> bool {
    let reads = format!("{} 0x{:x} ", libc::SYS_read, libc::STDIN_FILENO);
    std::fs::read_dir("/proc/self/task").unwrap().any(|thread| {
        let call = std::fs::read_to_string(thread.unwrap().path().join("syscall"));
        call.is_ok_and(|call| call.starts_with(&reads))
    })
}
