//! Polls the root future of a `block_on` on a thread that runs nothing else.
//!
//! 1. The root future is a task with an identity of its own (or that of the task inside which the thread blocks), a
//!    budget, and a waker: the thread's parker.
//! 2. The thread spins a little before it sleeps, as `patience.rs` says.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use unstuck_base::fork::Process;
use unstuck_base::local::{self, TaskRef};
use unstuck_base::parker::Parker;

use crate::patience::Patience;

/// Runs `future` to its end on this thread, which sleeps while the future waits.
///
/// # Panics
/// If the future does; in a child that the future has forked, if it waits there.
#[track_caller]
pub fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = std::pin::pin!(future);
    let parker = Arc::new(Parker::new());
    let waker = Waker::from(parker.clone());
    let mut cx = Context::from_waker(&waker);
    let mut root = Root::new();
    let mut patience = Patience::new();
    let process = Process::this();
    loop {
        if let Poll::Ready(output) = root.poll(future.as_mut(), &mut cx) {
            return output;
        }
        // The poll may have forked, and nobody in the child would ever wake it.
        process.assert_is_this();
        if !patience.spin_until(|| parker.take_notification()) {
            parker.park();
        }
    }
}

/// Who a root future is to the rest of the runtime; see the module's first rule.
pub(crate) struct Root {
    task: TaskRef,
}

impl Root {
    pub(crate) fn new() -> Self {
        let new = || TaskRef { id: local::next_task_id(), poll: 0, root: true };
        Root { task: local::current_task().unwrap_or_else(new) }
    }

    /// Polls the root future once, as a poll of its own.
    pub(crate) fn poll<F: Future>(&mut self, future: Pin<&mut F>, cx: &mut Context<'_>) -> Poll<F::Output> {
        struct End(Option<local::Outer>);
        impl Drop for End {
            // Also when the future panics: the panic goes on to the caller of `block_on`.
            fn drop(&mut self) {
                if let Some(outer) = self.0.take() {
                    let _waits = local::end_poll(outer);
                }
            }
        }
        self.task.poll = self.task.poll.wrapping_add(1);
        let _end = End(Some(local::begin_poll(self.task)));
        future.poll(cx)
    }
}
