//! Tells a forked child that it is one.
//!
//! 1. The handler runs in the child before `fork` returns there, with the means of a signal handler: it stores words, and
//!    gives signals back whose listeners are all the parent's.
//! 2. It is installed before anything of ours is made that a child must leave alone, once or more often: that does no harm.
//! 3. What forks without libc (`clone` by its number) tells nobody.
//!
//! Whoever makes a driver calls [`watch_for_children`].

use std::sync::atomic::{AtomicBool, Ordering};

use unstuck_base::fork;

use crate::signals;

/// Installs the handler. Without it children would not know: no error can be told of, but only a lack of memory makes one.
pub(crate) fn watch_for_children() {
    static WATCHED: AtomicBool = AtomicBool::new(false);
    // Acquire: pairs with the Release below: the handler is there. No lock and no `Once`: a fork could leave it locked.
    if WATCHED.load(Ordering::Acquire) {
        return;
    }
    // SAFETY: rule 1: the function does nothing that is not allowed in a child of a process with threads.
    let result = unsafe { libc::pthread_atfork(None, None, Some(in_the_child)) };
    assert_eq!(result, 0, "the system has no memory for a handler that `fork` calls");
    // Release: as above.
    WATCHED.store(true, Ordering::Release);
}

extern "C" fn in_the_child() {
    fork::became_child();
    signals::in_the_child();
}
