//! A global allocator that counts what the calling thread allocates.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What a thread has allocated, since it began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Counts {
    /// How many times.
    pub(crate) allocations: usize,
    /// How many bytes more than it has freed.
    pub(crate) live: isize,
    /// The size of the last one, in bytes.
    pub(crate) last_size: usize,
    /// The alignment of the last one, in bytes.
    pub(crate) last_align: usize,
}

/// The tests of this file run one at a time: homes are recycled, and one made for another test would count as lost.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// This thread's counts.
pub(crate) fn counts() -> Counts {
    COUNTS.with(Cell::get)
}

thread_local! {
    static COUNTS: Cell<Counts> = const { Cell::new(Counts { allocations: 0, live: 0, last_size: 0, last_align: 0 }) };
}

struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

// SAFETY: all is passed on to the system's allocator; `realloc` is made of the other two.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let before = counts();
        COUNTS.set(Counts {
            allocations: before.allocations + 1,
            live: before.live + layout.size() as isize,
            last_size: layout.size(),
            last_align: layout.align(),
        });
        // SAFETY: the caller's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        let before = counts();
        COUNTS.set(Counts { live: before.live - layout.size() as isize, ..before });
        // SAFETY: the caller's.
        unsafe { System.dealloc(memory, layout) }
    }
}
