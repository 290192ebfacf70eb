//! The other end of a spawned task: wait for its output, abort it, ask whether it is over.
//!
//! 1. A [`JoinHandle`] has the join side of the state word (`state.rs`, second table); there is one per task.
//! 2. Dropping it detaches the task, which goes on. The output is then dropped by whoever completes the task, or by the
//!    handle if the task was complete.
//! 3. The waker that it left goes with it, or with the completion: so tasks that wait for each other do not keep each
//!    other's memory, and no chain of them is freed by recursion. Nobody else clones, wakes or drops it.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::pin::Pin;
use std::ptr::NonNull;
use std::task::{Context, Poll, Waker, ready};

use unstuck_base::local::{self, TaskRef, WaitKind};

use crate::error::JoinError;
use crate::header::{Header, drop_quietly};
use crate::id::Id;
use crate::run::{Polled, release};
use crate::state::{OnJoinDropped, OnSlotLeft, State};
use crate::waker::submit;

/// Waits for a spawned task, and owns its output.
///
/// Dropping the handle *detaches* the task: it goes on, and its output is dropped when it ends.
///
/// # Errors
/// Awaiting the handle gives a [`JoinError`] when the task panicked, was [aborted](JoinHandle::abort), or was dropped by the
/// shutdown of its runtime.
///
/// # Panics
/// When it is polled again after it gave the output.
///
/// # Cancel safety
/// Awaiting `&mut handle` can be cancelled and begun again: the output is not lost.
pub struct JoinHandle<T> {
    task: NonNull<Header>,
    _output: PhantomData<T>,
}

// SAFETY: the handle gives out a `T` on whatever thread it is on, and nothing else that is bound to a thread.
unsafe impl<T: Send> Send for JoinHandle<T> {}
// SAFETY: a shared handle gives out no reference to the `T`.
unsafe impl<T: Send> Sync for JoinHandle<T> {}
impl<T> Unpin for JoinHandle<T> {}
impl<T> UnwindSafe for JoinHandle<T> {}
impl<T> RefUnwindSafe for JoinHandle<T> {}

impl<T> JoinHandle<T> {
    /// # Safety
    /// The task's output is a `Result<T, JoinError>`; JOIN is set and its reference counted, and neither is given out.
    pub(crate) unsafe fn from_header(task: NonNull<Header>) -> Self {
        JoinHandle { task, _output: PhantomData }
    }

    /// Asks the task to end: its future is dropped, on a thread of its runtime, at the next point where it waits.
    /// Awaiting the handle then gives a [cancelled](JoinError::is_cancelled) error, unless the task was over already.
    ///
    /// Blocking work is kept from beginning by this; once it has begun it runs to its end, and gives its output.
    ///
    /// # Examples
    /// ```
    /// # mod unstuck { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/common/examples.rs.in")); }
    /// # unstuck::run(async {
    /// let task = unstuck::spawn(std::future::pending::<()>());
    /// task.abort();
    /// assert!(task.await.unwrap_err().is_cancelled());
    /// # });
    /// ```
    pub fn abort(&self) {
        // SAFETY: the handle counts a reference.
        unsafe { submit(self.task, State::abort) };
    }

    /// A handle that can abort the task and can't wait for it.
    ///
    /// # Examples
    /// ```
    /// # mod unstuck { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/common/examples.rs.in")); }
    /// # unstuck::run(async {
    /// let task = unstuck::spawn(std::future::pending::<()>());
    /// let abort = task.abort_handle(); // for somebody who does not wait for it
    /// abort.abort();
    /// assert!(task.await.unwrap_err().is_cancelled());
    /// # });
    /// ```
    #[must_use = "abort handles do nothing unless `.abort` is called"]
    pub fn abort_handle(&self) -> AbortHandle {
        self.header().state.add_ref();
        AbortHandle { task: self.task }
    }

    /// Whether the task is over. Its future is dropped then.
    ///
    /// # Examples
    /// ```
    /// # mod unstuck { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/common/examples.rs.in")); }
    /// # unstuck::run(async {
    /// let first = unstuck::spawn(async { 1 });
    /// let second = unstuck::spawn(async { 2 });
    /// assert!(!first.is_finished()); // here it can't have begun yet
    /// second.await.unwrap();
    /// assert!(first.is_finished());
    /// assert_eq!(first.await.unwrap(), 1);
    /// # });
    /// ```
    pub fn is_finished(&self) -> bool {
        self.header().state.snapshot().is_complete()
    }

    /// The task's id.
    ///
    /// # Examples
    /// ```
    /// # mod unstuck { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/common/examples.rs.in")); }
    /// # unstuck::run(async {
    /// let (a, b) = (unstuck::spawn(async {}), unstuck::spawn(async {}));
    /// assert_ne!(a.id(), b.id());
    /// # });
    /// ```
    pub fn id(&self) -> Id {
        self.header().id
    }

    /// Has the output been taken?
    fn taken(&self) -> bool {
        // SAFETY: only the join handle touches this field.
        self.header().taken.with(|taken| unsafe { *taken })
    }

    /// Leaves `waker` to whoever completes the task. `false`: it is complete.
    fn leave_waker(&self, cx: &Context<'_>) -> bool {
        let header = self.header();
        let state = header.state.snapshot();
        if state.is_complete() {
            return false;
        }
        if state.has_waker() {
            // SAFETY: rule 4 of `lib.rs`: with WAKER set the slot is only read.
            let same =
                header.join_waker.with(|slot| unsafe { (*slot).as_ref() }.is_some_and(|w| w.will_wake(cx.waker())));
            if same {
                return true;
            }
        }
        // User code, so it comes first: if it panics, the waker that was left before is still there.
        let waker = cx.waker().clone();
        if state.has_waker() && !header.state.unset_join_waker() {
            return false;
        }
        // SAFETY: WAKER is clear.
        unsafe { self.put_waker(waker) }
    }

    /// Puts `waker` in the slot, for whoever completes the task. `false`: it is complete.
    ///
    /// # Safety
    /// Rule 4 of `lib.rs`: WAKER is clear, so the slot is ours.
    unsafe fn put_waker(&self, waker: Waker) -> bool {
        let header = self.header();
        // SAFETY: the caller's.
        let replaced = header.join_waker.with_mut(|slot| unsafe { (*slot).replace(waker) });
        let left = header.state.set_join_waker();
        drop_quietly(replaced);
        left
    }

    /// The output.
    ///
    /// # Safety
    /// Rule 3 of `lib.rs`: the task is COMPLETE, and the output was not taken.
    unsafe fn take(&mut self) -> Result<T, JoinError> {
        let header = self.header();
        let mut output: Polled<T> = Poll::Pending;
        // SAFETY: the caller's, and JOIN is set as long as there is a handle: so the output is ours. It is of this type.
        unsafe {
            (header.vtable.take_output)(self.task, (&raw mut output).cast());
            header.taken.with_mut(|taken| *taken = true);
        }
        match output {
            Poll::Ready(output) => output,
            Poll::Pending => unreachable!("the vtable's function writes the output"),
        }
    }

    /// The last act of a handle that has the slot of the join waker.
    fn empty_slot_and_release(&self) {
        // SAFETY: rule 4: the slot is ours. Then the handle's reference is given back.
        unsafe {
            if self.header().empty_slot() {
                self.forget_wait();
            }
            release(self.task, 1);
        }
    }

    /// If this poll was about to wait for the handle, it does not any more.
    fn forget_wait(&self) {
        local::forget_wait(WaitKind::Join, self.task.as_ptr().addr());
    }

    fn header(&self) -> &Header {
        // SAFETY: the handle counts a reference.
        unsafe { self.task.as_ref() }
    }
}

impl<T> Future for JoinHandle<T> {
    type Output = Result<T, JoinError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let charge = ready!(local::poll_budget(cx));
        assert!(!self.taken(), "JoinHandle polled after completion");
        if self.leave_waker(cx) {
            let header = self.header();
            header.home.process().assert_is_this();
            local::wait_for(WaitKind::Join, self.task.as_ptr().addr(), header.spawned_at);
            return Poll::Pending;
        }
        charge.made_progress();
        // SAFETY: no waker could be left, so the task is COMPLETE; that the output was not taken is asserted above.
        Poll::Ready(unsafe { self.get_mut().take() })
    }
}

/// Leaves `bell` with a handle that was never polled: whoever completes the task wakes it once, on its thread. `false`: the
/// task is over, and nobody wakes it. Neither waits for the task in the poll that is in progress, nor runs user code.
pub fn leave_bell<T>(task: &JoinHandle<T>, bell: Waker) -> bool {
    let header = task.header();
    header.home.process().assert_is_this();
    let state = header.state.snapshot();
    assert!(!state.has_waker(), "the handle has a waker already");
    // SAFETY: only the handle sets WAKER, which is clear.
    !state.is_complete() && unsafe { task.put_waker(bell) }
}

/// The output of a task that is over. Its handle goes, so that nothing of the task stays for it. The bell of this handle may
/// call this; no user code runs then.
///
/// # Panics
/// When the task is not over, or its output was taken.
pub fn take_output<T>(mut task: JoinHandle<T>) -> Result<T, JoinError> {
    assert!(task.is_finished() && !task.taken(), "the task is over and has its output");
    // SAFETY: asserted.
    unsafe { task.take() }
}

/// Drops the output of a task that is over and gone, in its name; a panic of that ends here.
pub fn drop_output<T>(id: Id, output: T) {
    if !std::mem::needs_drop::<T>() {
        return;
    }
    // No poll of a task has the number 0 but after having wrapped around.
    let outer = local::begin_poll(TaskRef { id: id.number(), poll: 0, root: false });
    drop_quietly(output);
    let _nothing_is_waited_for = local::end_poll(outer);
}

impl<T> Drop for JoinHandle<T> {
    fn drop(&mut self) {
        match self.header().state.drop_join() {
            OnJoinDropped::Given => {}
            OnJoinDropped::EmptySlot => self.empty_slot_and_release(),
            OnJoinDropped::Complete => {
                if !self.taken() {
                    // SAFETY: rule 3: the output is ours and was not taken.
                    unsafe { (self.header().vtable.drop_output)(self.task) };
                }
                match self.header().state.end_join() {
                    OnSlotLeft::Given => self.forget_wait(),
                    OnSlotLeft::EmptySlot => self.empty_slot_and_release(),
                }
            }
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for JoinHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinHandle").field("id", &self.id()).finish()
    }
}

/// Aborts a task; can't wait for it.
///
/// Dropping it changes nothing for the task.
pub struct AbortHandle {
    task: NonNull<Header>,
}

// SAFETY: only the header is reached, which is Sync.
unsafe impl Send for AbortHandle {}
// SAFETY: as above.
unsafe impl Sync for AbortHandle {}
impl UnwindSafe for AbortHandle {}
impl RefUnwindSafe for AbortHandle {}

impl AbortHandle {
    /// Asks the task to end; see [`JoinHandle::abort`].
    ///
    /// # Examples
    /// ```
    /// # mod unstuck { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/common/examples.rs.in")); }
    /// # unstuck::run(async {
    /// let task = unstuck::spawn(async { 6 * 7 });
    /// let handle = task.abort_handle();
    /// assert_eq!(task.await.unwrap(), 42);
    /// handle.abort(); // too late: that changes nothing
    /// # });
    /// ```
    pub fn abort(&self) {
        // SAFETY: the handle counts a reference.
        unsafe { submit(self.task, State::abort) };
    }

    /// Whether the task is over.
    ///
    /// # Examples
    /// ```
    /// # mod unstuck { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/common/examples.rs.in")); }
    /// # unstuck::run(async {
    /// let task = unstuck::spawn(async { 6 * 7 });
    /// let handle = task.abort_handle();
    /// assert!(!handle.is_finished());
    /// task.await.unwrap();
    /// assert!(handle.is_finished());
    /// # });
    /// ```
    pub fn is_finished(&self) -> bool {
        self.header().state.snapshot().is_complete()
    }

    /// The task's id.
    ///
    /// # Examples
    /// ```
    /// # mod unstuck { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/common/examples.rs.in")); }
    /// # unstuck::run(async {
    /// let task = unstuck::spawn(async {});
    /// assert_eq!(task.abort_handle().id(), task.id());
    /// # });
    /// ```
    pub fn id(&self) -> Id {
        self.header().id
    }

    fn header(&self) -> &Header {
        // SAFETY: the handle counts a reference.
        unsafe { self.task.as_ref() }
    }
}

impl Clone for AbortHandle {
    fn clone(&self) -> Self {
        self.header().state.add_ref();
        AbortHandle { task: self.task }
    }
}

impl Drop for AbortHandle {
    fn drop(&mut self) {
        // SAFETY: the handle's reference.
        unsafe { release(self.task, 1) };
    }
}

impl fmt::Debug for AbortHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AbortHandle").field("id", &self.id()).finish()
    }
}
