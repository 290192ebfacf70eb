//! Is this thread inside a runtime, so that blocking it would stall tasks?
//!
//! 1. A thread is inside while it runs a worker or a `block_on`; merely having a current runtime (`Handle::enter`)
//!    does not count.
//! 2. Guards nest and restore what they found; they stay on their thread.
//! 3. A forked child is outside, wherever its thread was in the parent.
//! 4. Who is inside may block only if the runtime has a [`Nest`], and is outside for as long. It is the runtime that the
//!    thread is inside that is asked, whichever is the current one.
//!
//! `block_on` enters, `block_in_place` leaves for a while; `block_on`, the `blocking_*` methods of channels and locks, and the
//! end of a runtime ask.

use std::any::Any;
use std::marker::PhantomData;

use crate::fork::Process;
use crate::local;

/// Where a thread is.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    /// The process in which it entered a runtime.
    process: u32,
    nest: Option<Nest>,
}

impl Place {
    /// In no runtime. No process has this number.
    pub(crate) const OUTSIDE: Place = Place { process: 0, nest: None };

    fn is_inside(self) -> bool {
        self.process == Process::this().to_number()
    }
}

/// How a runtime gets along without one of its threads, where its user allowed them to block.
#[derive(Clone, Copy, Debug)]
pub struct Nest {
    /// What `begin_blocking` is given: a pointer that is known to whoever wrote that.
    pub runtime: *const (),
    /// The thread is going to block; dropping the answer, on this thread, says that it does not any more.
    ///
    /// # Safety
    /// The argument is `runtime`, and the caller of [`enter_with`] keeps what he promised.
    pub begin_blocking: unsafe fn(*const ()) -> Option<Box<dyn Any>>,
}

/// This thread is inside a runtime, or has left one for a while; dropping it restores what was before.
#[must_use = "the thread counts as inside (or outside) only while this lives"]
pub struct Entered {
    before: Place,
    _stays_on_its_thread: PhantomData<*const ()>,
}

/// Marks this thread as inside a runtime, which lets nobody block; `None` when it is inside one already.
pub fn enter() -> Option<Entered> {
    go_inside(None)
}

/// Marks this thread as inside a runtime that lets its threads block; `None` when it is inside one already.
///
/// # Safety
/// The nest's function may be called, on this thread, until the answer is dropped.
pub unsafe fn enter_with(nest: Nest) -> Option<Entered> {
    go_inside(Some(nest))
}

fn go_inside(nest: Option<Nest>) -> Option<Entered> {
    (!is_entered()).then(|| go_to(Place { process: Process::this().to_number(), nest }))
}

/// Marks this thread as outside, for a part that may block.
pub fn leave() -> Entered {
    go_to(Place::OUTSIDE)
}

/// Lets nobody block on this thread: what it runs shares the thread with others, who could not go on. A thread outside any
/// runtime stays outside.
pub fn forbid_blocking() -> Entered {
    go_to(Place { nest: None, ..local::place_inside() })
}

fn go_to(place: Place) -> Entered {
    Entered { before: local::replace_place_inside(place), _stays_on_its_thread: PhantomData }
}

/// Whether this thread is inside a runtime.
pub fn is_entered() -> bool {
    local::place_inside().is_inside()
}

/// This thread may block as long as this lives.
#[must_use = "the thread may block only while this lives"]
pub struct Blocking {
    // Dropped in this order: the thread is inside again when it takes up its work.
    _left: Option<Entered>,
    _part: Option<Box<dyn Any>>,
}

/// For functions that block the thread: they do so while the answer lives.
///
/// # Panics
/// If this thread is inside a runtime, where blocking would stall other tasks, unless the runtime was built to get along.
#[track_caller]
pub fn begin_blocking() -> Blocking {
    match try_begin_blocking() {
        Some(blocking) => blocking,
        None => panic!(
            "Cannot block the current thread from within a runtime. It drives tasks, which would all stand still: use the \
             `async` form of this operation, or move the blocking part to `spawn_blocking` or `block_in_place`. Where that \
             can't be, build the (multi-thread) runtime with `Builder::nested_block_on`."
        ),
    }
}

/// As [`begin_blocking`], for who has another word to say about it: `None`, where that panics.
pub fn try_begin_blocking() -> Option<Blocking> {
    let place = local::place_inside();
    if !place.is_inside() {
        return Some(Blocking { _left: None, _part: None });
    }
    let nest = place.nest?;
    // SAFETY: whoever entered with it vouches for it until it puts back what was there before.
    let part = unsafe { (nest.begin_blocking)(nest.runtime) };
    Some(Blocking { _left: Some(leave()), _part: part })
}

impl Drop for Entered {
    fn drop(&mut self) {
        local::replace_place_inside(self.before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[test]
    fn entering_twice_is_refused_until_the_thread_has_left() {
        assert!(!is_entered());
        let entered = enter().unwrap();
        assert!(enter().is_none());
        {
            let _left = leave();
            let _blocking = begin_blocking();
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
        let _blocking = begin_blocking();
    }

    /// Counts the blocking parts that are begun and not ended.
    fn counts(parts: &Cell<usize>) -> Nest {
        struct Part(*const Cell<usize>);
        impl Drop for Part {
            fn drop(&mut self) {
                assert!(is_entered(), "it is inside again");
                // SAFETY: the test keeps it.
                let parts = unsafe { &*self.0 };
                parts.set(parts.get() - 1);
            }
        }
        /// # Safety
        /// The cell lives until the part is dropped.
        unsafe fn begin(parts: *const ()) -> Option<Box<dyn Any>> {
            assert!(is_entered(), "it is inside still");
            let parts = parts.cast::<Cell<usize>>();
            // SAFETY: our caller's.
            unsafe { (*parts).set((*parts).get() + 1) };
            Some(Box::new(Part(parts)))
        }
        Nest { runtime: std::ptr::from_ref(parts).cast(), begin_blocking: begin }
    }

    #[test]
    fn a_runtime_that_lets_its_threads_block_is_told() {
        let parts = Cell::new(0);
        // SAFETY: the cell lives longer, and the parts are dropped before it.
        let entered = unsafe { enter_with(counts(&parts)) }.unwrap();
        assert!(enter().is_none());
        let blocking = begin_blocking();
        assert_eq!(parts.get(), 1);
        assert!(!is_entered());
        {
            let _inner = enter().unwrap();
            assert!(try_begin_blocking().is_none(), "the inner one does not let them");
        }
        drop(blocking);
        assert_eq!(parts.get(), 0);
        assert!(is_entered());
        {
            let _forbidden = forbid_blocking();
            assert!(is_entered() && try_begin_blocking().is_none());
        }
        assert!(try_begin_blocking().is_some());
        drop(entered);
        let _outside = forbid_blocking();
        assert!(try_begin_blocking().is_some() && parts.get() == 0);
    }
}
