//! Tasks that nobody counts, and tasks that nobody waits for.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::time::Duration;

use super::super::rt;
use super::one_thread;

const TASKS: usize = 200_000;

pub(super) fn waiting() -> String {
    one_thread().block_on(async {
        let before = resident();
        for _ in 0..TASKS {
            rt::spawn(std::future::pending::<()>());
        }
        rt::task::yield_now().await;
        each(before)
    })
}

pub(super) fn finished() -> String {
    one_thread().block_on(async {
        let before = resident();
        let mut tasks = rt::task::JoinSet::new();
        for _ in 0..TASKS {
            tasks.spawn(async {
                let buffer = [0_u8; 1000];
                rt::task::yield_now().await;
                std::hint::black_box(buffer);
            });
            // The last ones run, and finish, while this goes on.
            rt::task::yield_now().await;
        }
        each(before)
    })
}

pub(super) fn orphan() -> String {
    let steps = Arc::new(AtomicU32::new(0));
    let runtime = one_thread();
    runtime.block_on(async {
        let steps = steps.clone();
        drop(rt::spawn(async move {
            loop {
                rt::time::sleep(Duration::from_millis(1)).await;
                steps.fetch_add(1, SeqCst);
            }
        }));
        rt::time::sleep(Duration::from_millis(50)).await;
    });
    let (alive, of_it) = (runtime.metrics().num_alive_tasks(), steps.load(SeqCst) > 1);
    drop(runtime);
    let kept = Arc::strong_count(&steps) > 1;
    format!("goes on: {of_it}; tasks alive: {alive}; there after the runtime ended: {kept}")
}

pub(super) fn orphan_panics() -> String {
    std::panic::set_hook(Box::new(|_| println!("one line on standard error")));
    one_thread().block_on(async {
        drop(rt::spawn(async { panic!("as it happens") }));
        rt::time::sleep(Duration::from_millis(10)).await;
    });
    "the program goes on".to_owned()
}

/// What each task takes.
fn each(before: usize) -> String {
    let bytes = resident().saturating_sub(before);
    format!("{} MiB, {} bytes each", bytes >> 20, bytes / TASKS)
}

/// How much memory this process has in use.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("this is Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("Linux tells");
    line.trim().trim_end_matches(" kB").parse::<usize>().expect("it is a number") * 1024
}
