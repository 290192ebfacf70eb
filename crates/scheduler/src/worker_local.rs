//! Which scheduler does this thread run, and as what? The one thread-local of this layer.
//!
//! 1. The pointers are borrowed from the stack of the function that set them, which puts back what was there before it
//!    returns. So they are valid whenever they are found.

use std::cell::Cell;
use std::ptr;

use unstuck_base::sync::thread_local_const;

use crate::pool::worker::Worker;
use crate::single::Running;

/// What the thread runs as; null for what it is not.
#[derive(Clone, Copy)]
pub(crate) struct Role {
    worker: *const Worker,
    single: *const Running,
}

thread_local_const! {
    static ROLE: Cell<Role> = const { Cell::new(Role { worker: ptr::null(), single: ptr::null() }) };
}

impl Role {
    /// A worker of a pool.
    pub(crate) fn worker(worker: &Worker) -> Role {
        Role { worker, single: ptr::null() }
    }

    /// The thread of a single-threaded scheduler.
    pub(crate) fn single(single: &Running) -> Role {
        Role { worker: ptr::null(), single }
    }
}

/// Runs `f` with this role, then puts back the one before.
pub(crate) fn with_role<R>(role: Role, f: impl FnOnce() -> R) -> R {
    struct Restore(Role);
    impl Drop for Restore {
        fn drop(&mut self) {
            ROLE.with(|cell| cell.set(self.0));
        }
    }
    let _restore = Restore(ROLE.with(|cell| cell.replace(role)));
    f()
}

/// The worker that this thread is.
#[inline]
pub(crate) fn current_worker<R>(look: impl FnOnce(&Worker) -> R) -> Option<R> {
    let worker = ROLE.with(|cell| cell.get().worker);
    // SAFETY: rule 1.
    (!worker.is_null()).then(|| look(unsafe { &*worker }))
}

/// The single-threaded scheduler that this thread runs.
#[inline]
pub(crate) fn current_single<R>(look: impl FnOnce(&Running) -> R) -> Option<R> {
    let single = ROLE.with(|cell| cell.get().single);
    // SAFETY: rule 1.
    (!single.is_null()).then(|| look(unsafe { &*single }))
}
