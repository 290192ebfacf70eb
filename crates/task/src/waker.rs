//! Wakers of tasks: a pointer to the header, and a reference that it counts.
//!
//! 1. During a poll the waker is borrowed: it counts nothing until the future clones it.
//! 2. Every change of the state that may make a runnable happens in [`submit`], inside a guard of the home when the
//!    thread does not keep the scheduler alive.

use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::ptr::NonNull;
use std::task::{RawWaker, RawWakerVTable, Waker};

use crate::header::Header;
use crate::run::{Runnable, free, release};
use crate::state::{OnWake, State};

static VTABLE: RawWakerVTable = RawWakerVTable::new(clone, wake, wake_by_ref, drop);

/// A waker that counts no reference.
///
/// # Safety
/// The task is live as long as the result is.
pub(crate) unsafe fn borrowed(task: &NonNull<Header>) -> impl Deref<Target = Waker> + use<'_> {
    // SAFETY: the vtable's functions keep the contract of wakers; the reference that `drop` would give back is never
    // given back, since the waker is not dropped.
    ManuallyDrop::new(unsafe { Waker::from_raw(RawWaker::new(task.as_ptr().cast(), &VTABLE)) })
}

/// Changes the state so that a runnable may come to be, and hands it to the scheduler.
///
/// # Safety
/// The task is live until `change` has returned. `Submit` from `change` comes with a reference for the runnable.
#[inline]
pub(crate) unsafe fn submit(task: NonNull<Header>, change: impl FnOnce(&State) -> OnWake) {
    // SAFETY: the task is live; its home is for ever.
    let (home, state) = unsafe { (task.as_ref().home, &task.as_ref().state) };
    // A task that is over makes no runnable any more, so a late waker keeps nobody waiting.
    let guarded = !home.is_ours() && !state.snapshot().is_complete();
    let _guard = guarded.then(|| home.guard());
    match change(state) {
        OnWake::Nothing => {}
        // Rule 5 of `schedule.rs`: it is never run, nor dropped.
        OnWake::Submit if !home.process().is_this() => {}
        // SAFETY: the runnable's task is not COMPLETE, and our guard (or our thread) keeps the scheduler from going before
        // it has it: rules 1 to 3 of `schedule.rs`.
        OnWake::Submit => unsafe { home.schedule().schedule(Runnable::from_header(task)) },
        // SAFETY: that was the last reference.
        OnWake::Free => unsafe { free(task) },
    }
}

fn header(data: *const ()) -> NonNull<Header> {
    NonNull::new(data.cast_mut()).expect("a waker's data is the address of a task").cast()
}

/// Counts a reference for another waker.
///
/// # Safety
/// The contract of [`RawWakerVTable`]: `data` is a live waker's.
unsafe fn clone(data: *const ()) -> RawWaker {
    // SAFETY: a waker counts a reference, or is borrowed while the task lives.
    unsafe { header(data).as_ref() }.state.add_ref();
    RawWaker::new(data, &VTABLE)
}

/// Wakes, and uses the waker up.
///
/// # Safety
/// The contract of [`RawWakerVTable`]: `data` is a live waker's, which is not used again.
unsafe fn wake(data: *const ()) {
    // SAFETY: the waker counts a reference, which `wake_by_value` gives back or passes on.
    unsafe { submit(header(data), State::wake_by_value) };
}

/// Wakes.
///
/// # Safety
/// The contract of [`RawWakerVTable`]: `data` is a live waker's.
unsafe fn wake_by_ref(data: *const ()) {
    // SAFETY: the waker counts a reference, or is borrowed while the task lives.
    unsafe { submit(header(data), State::wake_by_ref) };
}

/// Gives the waker's reference back.
///
/// # Safety
/// The contract of [`RawWakerVTable`]: `data` is a live waker's, which is not used again.
unsafe fn drop(data: *const ()) {
    // SAFETY: the waker's reference is given back, once.
    unsafe { release(header(data), 1) };
}
