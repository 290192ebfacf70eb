//! How much memory idle channels take, and whether used ones give it back. The allocator counts for each thread alone.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use unstuck_sync::{mpsc, oneshot};

struct Counting;

thread_local! {
    static BYTES: Cell<isize> = const { Cell::new(0) };
    static CALLS: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: forwards to the system's allocator; counting allocates nothing (const thread-locals without a destructor).
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        BYTES.set(BYTES.get() + layout.size() as isize);
        CALLS.set(CALLS.get() + 1);
        // SAFETY: forwarded.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        BYTES.set(BYTES.get() - layout.size() as isize);
        // SAFETY: forwarded.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What making something allocates: bytes and calls. What it frees again does not count.
fn cost<T>(make: impl FnOnce() -> T) -> (T, isize, usize) {
    let (bytes, calls) = (BYTES.get(), CALLS.get());
    let made = make();
    (made, BYTES.get() - bytes, CALLS.get() - calls)
}

#[test]
fn an_idle_channel_is_small() {
    let (_channel, bytes, calls) = cost(|| mpsc::channel::<[u64; 1000]>(100));
    assert!(bytes <= 256 && calls == 1, "{bytes} bytes in {calls} allocations");
    let (_channel, bytes, calls) = cost(mpsc::unbounded_channel::<[u64; 1000]>);
    assert!(bytes <= 192 && calls == 1, "{bytes} bytes in {calls} allocations");
    let (_channel, bytes, calls) = cost(oneshot::channel::<u64>);
    assert!(bytes <= 64 && calls == 1, "{bytes} bytes in {calls} allocations");
}

#[test]
fn a_channel_in_use_allocates_nothing_more() {
    let (sender, mut receiver) = mpsc::channel(64);
    let ((), bytes, _) = cost(|| {
        for n in 0..200u64 {
            sender.try_send(n).unwrap();
            assert_eq!(receiver.try_recv(), Ok(n));
        }
    });
    let ((), more, calls) = cost(|| {
        for n in 0..10_000u64 {
            sender.try_send(n).unwrap();
            assert_eq!(receiver.try_recv(), Ok(n));
        }
    });
    assert!(bytes < 1024 && more == 0 && calls == 0, "{bytes}, then {more} bytes in {calls} allocations");
}

#[test]
fn a_channel_that_was_full_gives_its_memory_back() {
    let (sender, mut receiver) = mpsc::unbounded_channel();
    let ((), left, calls) = cost(|| {
        for n in 0..10_000u64 {
            sender.send(n).unwrap();
        }
        for n in 0..10_000u64 {
            assert_eq!(receiver.try_recv(), Ok(n));
        }
    });
    assert!(left < 1024 && calls > 100, "{left} bytes are left");
    let ((), freed, _) = cost(|| drop((sender, receiver)));
    assert!(freed < 0);
}

#[test]
fn nothing_is_left_of_a_channel() {
    let ((), bytes, _) = cost(|| {
        for messages in 0..50 {
            let (sender, mut receiver) = mpsc::unbounded_channel();
            for n in 0..messages {
                sender.send(format!("message {n}")).unwrap();
            }
            for _ in 0..messages / 2 {
                receiver.try_recv().unwrap();
            }
            let other = sender.downgrade();
            if messages % 2 == 0 {
                drop(receiver);
                drop(sender);
            } else {
                drop(sender);
                drop(receiver);
            }
            drop(other);
        }
    });
    assert_eq!(bytes, 0);
}
