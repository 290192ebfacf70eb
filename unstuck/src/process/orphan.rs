//! Children that nobody waits for any more: they are collected when they end, so that no zombie is left.
//!
//! 1. While the runtime that listens to an orphan lives, the orphan is its own waker: news makes it ask the system. There is
//!    no task, so an orphan keeps no runtime from ending.
//! 2. When that runtime ends first, the orphan is stranded: a thread of its own waits for it, which needs no runtime.
//! 3. When there can be no thread, the stranded child is kept, and asked for whenever a program is started.
//! 4. No lock is held while a waker, a registration or a child is dropped.
//!
//! [`Process`](super::child::Process) leaves orphans when it is dropped.

use std::process::Child;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;

use unstuck_base::fork::PerProcess;
use unstuck_base::local;

use super::running::Running;

/// The thread only sleeps in one system call.
const STACK: usize = 64 * 1024;

/// Rule 3.
static KEPT: PerProcess<Mutex<Vec<Child>>> = PerProcess::new(|| Mutex::new(Vec::new()));

/// A child that is its own waker; `None` when it has been collected or stranded.
struct Orphan(Mutex<Option<Running>>);

/// Leaves a child alone.
pub(super) fn leave(mut running: Running) {
    // An error says that the child is not ours to collect.
    if let Ok(None) = running.try_wait() {
        Arc::new(Orphan(Mutex::new(Some(running)))).ask();
    }
}

impl Orphan {
    /// Collects the child if it has ended; else the next news asks again.
    fn ask(self: &Arc<Self>) {
        let waker = Waker::from(self.clone());
        let waits_of_the_task = local::waits().count();
        let mut place = lock(&self.0);
        let Some(running) = &mut *place else { return };
        let polled = running.poll_end(&mut Context::from_waker(&waker));
        let over = if polled.is_ready() { place.take() } else { None };
        drop(place);
        // It is not the task that drops a child, if any, who waits for the child.
        for wait in local::waits().skip(waits_of_the_task) {
            local::forget_wait(wait.kind, wait.key);
        }
        if let (Poll::Ready(Ok(None)), Some(running)) = (polled, over) {
            strand(running.into_child());
        }
    }
}

impl Wake for Orphan {
    fn wake(self: Arc<Self>) {
        self.ask();
    }
}

/// Has a thread wait for the child.
pub(super) fn strand(child: Child) {
    let child = Arc::new(Mutex::new(child));
    let waiting = {
        let child = child.clone();
        // An error says that the child is not ours to collect.
        move || drop(lock(&child).wait())
    };
    let thread = thread::Builder::new().name("unstuck-reaper".to_owned()).stack_size(STACK).spawn(waiting);
    if thread.is_err()
        && let Some(child) = Arc::into_inner(child)
    {
        lock(KEPT.get()).push(child.into_inner().unwrap_or_else(PoisonError::into_inner));
    }
}

/// Collects those that no thread waits for, as far as they have ended.
pub(super) fn collect_kept() {
    lock(KEPT.get()).retain_mut(|child| matches!(child.try_wait(), Ok(None)));
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    #[test]
    fn a_child_that_no_thread_waits_for_is_collected_by_a_later_start() {
        let mut running = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        let mut ended = Command::new("true").spawn().unwrap();
        ended.wait().unwrap();
        let stdin = running.stdin.take();
        let pid = running.id();
        lock(KEPT.get()).extend([running, ended]);
        let kept = || lock(KEPT.get()).iter().filter(|child| child.id() == pid).count();
        collect_kept();
        assert_eq!((kept(), lock(KEPT.get()).len()), (1, 1));
        drop(stdin);
        while kept() == 1 {
            thread::yield_now();
            collect_kept();
        }
    }
}
