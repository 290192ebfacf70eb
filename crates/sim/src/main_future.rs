//! The main future of a run: the root, which is polled like a task and is none.
//!
//! 1. It has an identity and a budget of its own, and what it waits for is recorded, as for a task.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use unstuck_base::local::{self, TaskRef, Waits};
use unstuck_base::sync::Mutex;

/// Who the main future is to the rest of the run.
pub(crate) struct Main {
    task: TaskRef,
    flag: Arc<Flag>,
    waker: Waker,
    /// What its last poll waited for.
    waits: Waits,
}

/// Whether it was woken since its last poll began.
struct Flag(Mutex<bool>);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        *self.0.lock() = true;
    }
}

impl Main {
    /// A main future that is ready to be polled for the first time.
    pub(crate) fn new() -> Self {
        let flag = Arc::new(Flag(Mutex::new(true)));
        let waker = Waker::from(flag.clone());
        let task = TaskRef { id: local::next_task_id(), poll: 0, root: true };
        Main { task, flag, waker, waits: Waits::default() }
    }

    pub(crate) fn is_ready(&self) -> bool {
        *self.flag.0.lock()
    }

    /// How often it was polled, and what its last poll waited for.
    pub(crate) fn state(&self) -> (u32, Waits) {
        (self.task.poll, self.waits)
    }

    /// Polls it once.
    pub(crate) fn poll<F: Future>(&mut self, future: Pin<&mut F>) -> Poll<F::Output> {
        // Also when the future panics: the panic goes on to the caller of the run.
        struct End<'a>(Option<local::Outer>, &'a mut Waits);
        impl Drop for End<'_> {
            fn drop(&mut self) {
                if let Some(outer) = self.0.take() {
                    *self.1 = local::end_poll(outer);
                }
            }
        }
        *self.flag.0.lock() = false;
        self.task.poll = self.task.poll.wrapping_add(1);
        let _end = End(Some(local::begin_poll(self.task)), &mut self.waits);
        future.poll(&mut Context::from_waker(&self.waker))
    }
}
