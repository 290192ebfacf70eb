//! A runtime that is gone leaves no thread, no file descriptor and no memory behind. The only test of its process: it
//! counts those.

use std::alloc::{GlobalAlloc, Layout, System};
use std::fs;
use std::sync::atomic::{AtomicIsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use unstuck::io::{AsyncReadExt, AsyncWriteExt};
use unstuck::net::{TcpListener, TcpStream, UdpSocket};
use unstuck::runtime::{Builder, Runtime};
use unstuck::sync::oneshot;
use unstuck::task::{block_in_place, spawn_blocking};
use unstuck::time::sleep;

/// Generous: it is waited for only by a test that fails.
const LIMIT: Duration = Duration::from_secs(60);
const ROUNDS: usize = 50;
/// Less than a task in each round. Some memory is not a runtime's: ids and thread-locals come in blocks.
const SLACK: isize = 64 * ROUNDS as isize;

struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

/// How many bytes the process has allocated and not freed.
static LIVE: AtomicIsize = AtomicIsize::new(0);

// SAFETY: all is passed on to the system's allocator; `realloc` is made of the other two.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE.fetch_add(layout.size() as isize, Ordering::Relaxed);
        // SAFETY: the caller's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size() as isize, Ordering::Relaxed);
        // SAFETY: the caller's.
        unsafe { System.dealloc(memory, layout) }
    }
}

/// The process's threads and file descriptors; `None` where the system does not list them.
fn count() -> Option<(usize, usize)> {
    Some((fs::read_dir("/proc/self/task").ok()?.count(), fs::read_dir("/proc/self/fd").ok()?.count()))
}

fn build(round: usize) -> (Runtime, bool) {
    let multi = round.is_multiple_of(2);
    let mut builder = if multi { Builder::new_multi_thread() } else { Builder::new_current_thread() };
    (builder.worker_threads(1 + round % 3).enable_all().build().unwrap(), multi)
}

async fn echo_once() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = unstuck::spawn(async move {
        let mut byte = [0];
        let (mut stream, _peer) = listener.accept().await.unwrap();
        stream.read_exact(&mut byte).await.unwrap();
        stream.write_all(&byte).await.unwrap();
    });
    let mut client = TcpStream::connect(address).await.unwrap();
    client.write_all(b"x").await.unwrap();
    client.read_exact(&mut [0]).await.unwrap();
    server.await.unwrap();
}

/// Leaves behind what waits for ever: for a timer, for sockets, for a message.
async fn leave_tasks_waiting() {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (keeps, waits) = oneshot::channel::<()>();
    unstuck::spawn(async move {
        let _keeps = keeps;
        let _received = socket.recv(&mut [0]).await;
    });
    unstuck::spawn(async move { listener.accept().await.map(drop) });
    unstuck::spawn(sleep(Duration::from_secs(3600)));
    unstuck::spawn(waits);
    unstuck::task::yield_now().await;
}

fn use_and_drop(round: usize) {
    let (runtime, multi) = build(round);
    runtime.block_on(async {
        echo_once().await;
        sleep(Duration::from_millis(1)).await;
        let blocking: Vec<_> = (0..3).map(|number| spawn_blocking(move || number)).collect();
        for (number, task) in blocking.into_iter().enumerate() {
            assert_eq!(task.await.unwrap(), number);
        }
        if multi {
            // The spare that comes for the blocking part is gone with the runtime, too.
            unstuck::spawn(async { block_in_place(|| unstuck::runtime::Handle::current().block_on(echo_once())) })
                .await
                .unwrap();
        }
        leave_tasks_waiting().await;
    });
    match round % 5 {
        0 => runtime.shutdown_timeout(LIMIT),
        1 => runtime.shutdown_background(),
        _ => drop(runtime),
    }
}

fn wait_for(before: (usize, usize), what: &str) {
    let start = Instant::now();
    while let now = count().unwrap()
        && now != before
    {
        assert!(start.elapsed() < LIMIT, "{what}: (threads, descriptors) were {before:?} and are {now:?}");
        thread::sleep(Duration::from_millis(1));
    }
}

fn wait_for_memory(before: isize) {
    let start = Instant::now();
    while let now = LIVE.load(Ordering::Relaxed)
        && now > before + SLACK
    {
        assert!(start.elapsed() < LIMIT, "{before} bytes were allocated before {ROUNDS} runtimes, and {now} after");
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn runtimes_that_are_gone_leave_nothing_behind() {
    let Some(before) = count() else { return };
    (0..ROUNDS).for_each(use_and_drop);
    wait_for(before, "one after the other");
    // What is kept for the next runtime is there by now.
    let memory = LIVE.load(Ordering::Relaxed);
    (0..ROUNDS).for_each(use_and_drop);
    wait_for(before, "one after the other, again");
    wait_for_memory(memory);
    let threads: Vec<_> = (0..4)
        .map(|first| thread::spawn(move || (0..ROUNDS / 4).for_each(|round| use_and_drop(first + round))))
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    wait_for(before, "four at a time");
}
