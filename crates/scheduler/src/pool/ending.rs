//! A task's panic ends the pool: those in `block_on` are told.
//!
//! 1. The reason is there before the pool is closed, so whoever finds a task cancelled by that also finds the reason.
//! 2. A root future leaves its waker before it looks for the reason; who brings one wakes them after. So none sleeps on.
//! 3. It is used only where a panic is to end the runtime: others pay nothing.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::OnceLock;
use std::task::Waker;

use unstuck_base::quietly;
use unstuck_base::sync::Mutex;

/// Why the pool has ended, and who is to be told; see the module's rules.
pub(crate) struct Ending {
    why: OnceLock<String>,
    roots: Mutex<Roots>,
}

#[derive(Default)]
struct Roots {
    next: u64,
    waiting: Vec<(u64, Waker)>,
}

/// The waker that a root future has left. Dropping this takes it back.
struct Left<'a> {
    ending: &'a Ending,
    number: Option<u64>,
}

impl Ending {
    pub(crate) fn new() -> Self {
        Ending { why: OnceLock::new(), roots: Mutex::new(Roots::default()) }
    }

    /// The pool ends, for this reason. Close it before the [roots](Ending::wake_roots) are woken.
    pub(crate) fn begin(&self, why: String) {
        // The first reason counts.
        let _later = self.why.set(why);
    }

    pub(crate) fn wake_roots(&self) {
        let waiting = std::mem::take(&mut self.roots.lock().waiting);
        for (_, waker) in waiting {
            quietly(|| waker.wake());
        }
    }

    /// A root future that panics when the pool ends by a panic.
    pub(crate) async fn watched<F: Future>(&self, future: F) -> F::Output {
        let mut future = pin!(future);
        let mut left = Left { ending: self, number: None };
        poll_fn(|cx| {
            left.leave(cx.waker());
            if let Some(why) = self.why.get() {
                panic!("a spawned task panicked and the runtime is configured to shut down on unhandled panic: {why}");
            }
            future.as_mut().poll(cx)
        })
        .await
    }
}

impl Left<'_> {
    /// A root future is always polled with the same waker, so that one is left once.
    fn leave(&mut self, waker: &Waker) {
        if self.number.is_none() {
            let waker = waker.clone();
            let mut roots = self.ending.roots.lock();
            roots.next += 1;
            self.number = Some(roots.next);
            let number = roots.next;
            roots.waiting.push((number, waker));
        }
    }
}

impl Drop for Left<'_> {
    fn drop(&mut self) {
        let ours = {
            let waiting = &mut self.ending.roots.lock().waiting;
            let at = waiting.iter().position(|(number, _)| Some(*number) == self.number);
            at.map(|at| waiting.swap_remove(at))
        };
        drop(ours);
    }
}
