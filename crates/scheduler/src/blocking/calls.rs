//! Must a thread be called for a job that was queued? Two words tell.
//!
//! | event            | queued | searching | and                                                             |
//! |------------------|--------|-----------|-----------------------------------------------------------------|
//! | announce         | +1     |           | with the lock of the queue, before the job is there             |
//! | withdraw         | -n     |           | with the lock of the queue, after jobs were taken out           |
//! | must call        |        |           | after the job was queued: says whether nobody searches          |
//! | search           |        | +1        | a thread was woken or started, or has finished its job          |
//! | stop searching   |        | -1        | says whether it was the last searcher and jobs are queued       |
//!
//! 1. Whoever queues a job fences before it reads `searching`; whoever stops searching fences before it reads `queued`, and
//!    one that begins to search does so in one order with both. So if the one does not see the searcher, that sees the job.
//! 2. `queued` is never too small: while it is 0, there is no job. Whoever has seen it above 0 and then finds no job under
//!    the locks has missed it to another thread: no one spins until a third goes on.

use unstuck_base::CachePadded;
use unstuck_base::sync::atomic::{AtomicUsize, Ordering, fence};

/// The words; see the table.
pub(crate) struct Calls {
    queued: CachePadded<AtomicUsize>,
    searching: CachePadded<AtomicUsize>,
}

impl Calls {
    pub(crate) fn new() -> Self {
        Calls { queued: CachePadded::new(AtomicUsize::new(0)), searching: CachePadded::new(AtomicUsize::new(0)) }
    }

    /// How many jobs are queued, or about to be.
    pub(crate) fn queued(&self) -> usize {
        // SeqCst: rule 1, for a thread that has just begun to search.
        self.queued.load(Ordering::SeqCst)
    }

    pub(crate) fn announce(&self) {
        self.queued.fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) fn withdraw(&self, jobs: usize) {
        self.queued.fetch_sub(jobs, Ordering::SeqCst);
    }

    /// A job was queued: must somebody be called? Ask again under the lock by which threads are called.
    pub(crate) fn must_call(&self) -> bool {
        // SeqCst: rule 1.
        fence(Ordering::SeqCst);
        self.searching.load(Ordering::Relaxed) == 0
    }

    pub(crate) fn search(&self) {
        self.searching.fetch_add(1, Ordering::SeqCst);
    }

    /// `true`: this was the last searcher, and jobs are queued: call somebody.
    #[must_use]
    pub(crate) fn stop_searching(&self) -> bool {
        let last = self.searching.fetch_sub(1, Ordering::SeqCst) == 1;
        // SeqCst: rule 1.
        fence(Ordering::SeqCst);
        last && self.queued.load(Ordering::Relaxed) > 0
    }
}
