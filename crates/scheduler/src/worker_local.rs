//! Which scheduler does this thread run, and as what? The one thread-local of this layer.
//!
//! 1. The pointers are borrowed from the stack of the function that set them, which puts back what was there before it
//!    returns. So they are valid whenever they are found.
//! 2. A thread is a worker, or runs a single-threaded scheduler, or neither; beside that it may be a blocking thread. One that
//!    belongs to a pool does so before and after it is its worker, too, and also if it never is.

use std::cell::Cell;
use std::ptr;

use unstuck_base::sync::thread_local_const;

use crate::blocking::BlockingPool;
use crate::pool::member::Belonging;
use crate::pool::worker::Worker;
use crate::single::Running;

/// What the thread runs as; null for what it is not.
#[derive(Clone, Copy)]
struct Role {
    /// The pool that it belongs to.
    belongs: *const Belonging,
    worker: *const Worker,
    single: *const Running,
    /// Whose thread it is.
    blocking: *const BlockingPool,
}

thread_local_const! {
    static ROLE: Cell<Role> =
        const { Cell::new(Role { belongs: ptr::null(), worker: ptr::null(), single: ptr::null(), blocking: ptr::null() }) };
}

/// Runs `f` as a thread that belongs to a pool.
pub(crate) fn as_belonging<R>(belongs: &Belonging, f: impl FnOnce() -> R) -> R {
    with_role(|role| Role { belongs, ..role }, f)
}

/// Runs `f` as a worker of a pool.
pub(crate) fn as_worker<R>(worker: &Worker, f: impl FnOnce() -> R) -> R {
    with_role(|role| Role { worker, single: ptr::null(), ..role }, f)
}

/// Runs `f` as the thread of a single-threaded scheduler.
pub(crate) fn as_single<R>(single: &Running, f: impl FnOnce() -> R) -> R {
    with_role(|role| Role { worker: ptr::null(), single, ..role }, f)
}

/// Runs `f` as a thread of a pool of blocking threads.
pub(crate) fn as_blocking<R>(blocking: &BlockingPool, f: impl FnOnce() -> R) -> R {
    with_role(|role| Role { blocking, ..role }, f)
}

/// What pool this thread belongs to.
pub(crate) fn current_belonging<R>(look: impl FnOnce(&Belonging) -> R) -> Option<R> {
    let belongs = ROLE.with(|cell| cell.get().belongs);
    // SAFETY: rule 1.
    (!belongs.is_null()).then(|| look(unsafe { &*belongs }))
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

/// Whether this is a thread of that pool of blocking threads.
pub(crate) fn is_blocking_thread_of(blocking: &BlockingPool) -> bool {
    ptr::eq(ROLE.with(|cell| cell.get().blocking), blocking)
}

/// Runs `f` with another role, then puts back the one before.
fn with_role<R>(change: impl FnOnce(Role) -> Role, f: impl FnOnce() -> R) -> R {
    struct Restore(Role);
    impl Drop for Restore {
        fn drop(&mut self) {
            ROLE.with(|cell| cell.set(self.0));
        }
    }
    let before = ROLE.with(|cell| cell.get());
    let _restore = Restore(before);
    ROLE.with(|cell| cell.set(change(before)));
    f()
}
