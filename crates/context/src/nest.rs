//! A runtime whose threads may block wherever their code likes: how `base` reaches it.
//!
//! 1. The runtime that the thread is inside is the current one while its scheduler is asked: it may have to start a thread.
//!
//! `Handle::enter_to_run` calls in.

use std::any::Any;

use unstuck_base::entered::Nest;

use crate::handle::{Handle, Parts};

/// That of a runtime whose scheduler [nests](crate::Scheduler::nests). It may be used as long as a handle lives.
pub(crate) fn of(handle: &Handle) -> Nest {
    Nest { runtime: handle.as_ptr().cast(), begin_blocking }
}

/// # Safety
/// The pointer is from [`of`], and the runtime has a handle still.
unsafe fn begin_blocking(parts: *const ()) -> Option<Box<dyn Any>> {
    // SAFETY: our caller's.
    let handle = unsafe { Handle::borrowed(parts.cast::<Parts>()) };
    let _context = handle.enter();
    match handle.parts().scheduler.begin_blocking() {
        Ok(part) => part,
        Err(refused) => panic!("{refused}"),
    }
}
