//! Which local set `spawn_local` finds on this thread, and whether one is being polled.
//!
//! 1. The one thread-local of this crate. It owns nothing that must be dropped, so it can be used while the thread ends.
//! 2. A guard keeps its set alive as long as it, or a guard that was made later, can put it back as the current one: a
//!    guard that is not dropped in reverse order leaves its set's memory for ever.

use std::cell::Cell;
use std::fmt;
use std::mem::ManuallyDrop;
use std::sync::Arc;

use crate::runtime::local_scheduler::{Local, LocalTasks};
use unstuck_base::entered;
use unstuck_context::{LocalGuard, enter_local};

struct Here {
    /// How many guards are alive.
    guards: Cell<usize>,
    /// Whether this thread polls, or drops, a local set.
    polling: Cell<bool>,
}

thread_local! {
    static HERE: Here = const { Here { guards: Cell::new(0), polling: Cell::new(false) } };
}

/// A local set is the one that [`spawn_local`](super::spawn_local) finds, as long as this lives. Made by
/// [`LocalSet::enter`](super::LocalSet::enter).
///
/// # Examples
///
/// ```
/// use unstuck::task::{LocalSet, spawn_local};
///
/// let set = LocalSet::new();
/// let guard = set.enter();
/// let task = spawn_local(async { "of the set" });
/// drop(guard); // `spawn_local` would panic now
/// let runtime = unstuck::runtime::Runtime::new()?;
/// assert_eq!(set.block_on(&runtime, task).unwrap(), "of the set");
/// # Ok::<(), std::io::Error>(())
/// ```
#[must_use = "the local set is current only while the guard lives"]
pub struct LocalEnterGuard {
    /// First of the fields that keep something: it puts back what was there before.
    guard: ManuallyDrop<LocalGuard<'static>>,
    tasks: ManuallyDrop<Arc<LocalTasks>>,
    depth: usize,
}

impl LocalEnterGuard {
    pub(super) fn new(tasks: &Arc<LocalTasks>) -> Self {
        let tasks = tasks.clone();
        // SAFETY: local tasks are run on their thread only, and this guard can't leave it. They are kept until they are
        // not current any more, or for ever: rule 2, and if the guard is leaked.
        let guard = unsafe {
            let forever: &'static LocalTasks = &*Arc::as_ptr(&tasks);
            enter_local(Some(forever))
        };
        let depth = HERE.with(|here| {
            here.guards.set(here.guards.get() + 1);
            here.guards.get()
        });
        LocalEnterGuard { guard: ManuallyDrop::new(guard), tasks: ManuallyDrop::new(tasks), depth }
    }
}

impl Drop for LocalEnterGuard {
    fn drop(&mut self) {
        let in_order = HERE.with(|here| {
            let in_order = here.guards.get() == self.depth;
            if in_order {
                here.guards.set(self.depth - 1);
            }
            in_order
        });
        if in_order {
            // SAFETY: dropped once, here, in this order: the set is not current any more when it goes.
            unsafe {
                ManuallyDrop::drop(&mut self.guard);
                ManuallyDrop::drop(&mut self.tasks);
            }
        }
    }
}

impl fmt::Debug for LocalEnterGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalEnterGuard").finish_non_exhaustive()
    }
}

/// Runs `f` as a part of polling or dropping the set.
pub(super) fn polling<R>(local: &Local, f: impl FnOnce() -> R) -> R {
    struct Restore(bool);
    impl Drop for Restore {
        fn drop(&mut self) {
            HERE.with(|here| here.polling.set(self.0));
        }
    }
    let _current = LocalEnterGuard::new(local.tasks());
    // The other tasks of the set would stand still, whatever the runtime has allowed.
    let _here = entered::forbid_blocking();
    let _restore = Restore(HERE.with(|here| here.polling.replace(true)));
    local.enter(f)
}

/// Whether this thread polls, or drops, a local set.
pub(in crate::task) fn is_in_local_set() -> bool {
    HERE.with(|here| here.polling.get())
}
