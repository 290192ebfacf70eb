//! Is this thread inside a runtime, so that blocking it would stall tasks?
//!
//! 1. A thread is inside while it runs a worker or a `block_on`; merely having a current runtime (`Handle::enter`)
//!    does not count.
//! 2. Guards nest and restore what they found; they stay on their thread.
//! 3. A forked child is outside, wherever its thread was in the parent.
//!
//! `block_on` enters, `block_in_place` leaves for a while, the `blocking_*` methods of channels and locks ask.

use std::marker::PhantomData;

use crate::fork::Process;
use crate::local;

/// The thread is in no runtime. No process has this number.
const OUTSIDE: u32 = 0;

/// This thread is inside a runtime, or has left one for a while; dropping it restores what was before.
#[derive(Debug)]
#[must_use = "the thread counts as inside (or outside) only while this lives"]
pub struct Entered {
    before: u32,
    _stays_on_its_thread: PhantomData<*const ()>,
}

/// Marks this thread as inside a runtime; `None` when it is already.
pub fn enter() -> Option<Entered> {
    let this = Process::this().to_number();
    let before = local::replace_entered(this);
    (before != this).then(|| Entered { before, _stays_on_its_thread: PhantomData })
}

/// Marks this thread as outside, for a part that may block.
pub fn leave() -> Entered {
    Entered { before: local::replace_entered(OUTSIDE), _stays_on_its_thread: PhantomData }
}

/// Whether this thread is inside a runtime.
pub fn is_entered() -> bool {
    local::entered() == Process::this().to_number()
}

/// For functions that block the thread.
///
/// # Panics
/// If this thread is inside a runtime, where blocking would stall other tasks.
#[track_caller]
pub fn assert_may_block() {
    assert!(
        !is_entered(),
        "Cannot block the current thread from within a runtime. It drives tasks, which would all stand still: use the \
         `async` form of this operation, or move the blocking part to `spawn_blocking` or `block_in_place`."
    );
}

impl Drop for Entered {
    fn drop(&mut self) {
        local::replace_entered(self.before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entering_twice_is_refused_until_the_thread_has_left() {
        assert!(!is_entered());
        let entered = enter().unwrap();
        assert!(enter().is_none());
        {
            let _left = leave();
            assert_may_block();
            let _again = enter().unwrap();
            assert!(is_entered());
        }
        assert!(is_entered());
        drop(entered);
        assert!(!is_entered());
    }

    #[test]
    #[should_panic(expected = "Cannot block the current thread")]
    fn blocking_inside_a_runtime_is_refused() {
        let _entered = enter();
        assert_may_block();
    }
}
