//! What a set keeps of tasks that are over. The only tests of their process: they count its memory.

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::future::Future;
use std::sync::Mutex;
use std::sync::atomic::{AtomicIsize, Ordering};

use common::both;
use unstuck::runtime::Runtime;
use unstuck::task::{JoinSet, yield_now};

struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

/// How many bytes the process has allocated and not freed.
static LIVE: AtomicIsize = AtomicIsize::new(0);

/// One test at a time.
static ALONE: Mutex<()> = Mutex::new(());

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

/// One more than a power of two: a queue that doubles its room has the most to spare then.
const TASKS: usize = (1 << 17) + 1;

/// Spawns them, and waits until all are over. Returns how many bytes the set has for each.
fn over<T, F>(runtime: Runtime, tasks: &mut JoinSet<T>, task: impl Fn() -> F) -> usize
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let before = LIVE.load(Ordering::Relaxed);
    for _ in 0..TASKS {
        tasks.spawn_on(task(), runtime.handle());
    }
    let metrics = runtime.metrics();
    runtime.block_on(async {
        while metrics.num_alive_tasks() > 0 {
            yield_now().await;
        }
    });
    drop(runtime); // Its threads have freed the last task then.
    let after = LIVE.load(Ordering::Relaxed);
    assert_eq!(tasks.len(), TASKS);
    (after - before).max(0) as usize / TASKS
}

#[test]
fn a_task_that_is_over_is_freed_before_it_is_joined() {
    let _alone = ALONE.lock();
    for runtime in both() {
        let mut tasks = JoinSet::new();
        let each = over(runtime, &mut tasks, || async {});
        println!("{each} bytes for each task");
        assert!(each <= 64, "{each} bytes for each task");
    }
}

#[test]
fn the_size_of_the_future_does_not_matter() {
    let _alone = ALONE.lock();
    for runtime in both() {
        let mut tasks = JoinSet::new();
        let each = over(runtime, &mut tasks, || async {
            let large = [0_u8; 1024];
            yield_now().await;
            u32::from(large[1])
        });
        println!("{each} bytes for each task");
        assert!(each <= 64, "{each} bytes for each task");
    }
}

#[test]
fn a_set_gives_its_room_back_when_all_are_joined() {
    let _alone = ALONE.lock();
    for runtime in both() {
        let before = LIVE.load(Ordering::Relaxed);
        let mut tasks = JoinSet::new();
        over(runtime, &mut tasks, || async {});
        while tasks.try_join_next().is_some() {}
        assert!(tasks.is_empty());
        let kept = LIVE.load(Ordering::Relaxed) - before;
        assert!(kept < TASKS as isize, "{kept} bytes");
    }
}
