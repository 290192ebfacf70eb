//! The right to poll a task once.
//!
//! 1. A [`Runnable`] exists exactly while its task is SCHEDULED. Running it, or dropping it, uses it up.
//! 2. Dropping one cancels its task: that is how a queue is emptied at shutdown.
//! 3. The user's future, output and wakers may panic; the thread that runs goes on.

use std::future::Future;
use std::mem::ManuallyDrop;
use std::panic::Location;
use std::ptr::NonNull;
use std::sync::Arc;
use std::task::{Context, Poll};

use unstuck_base::fork::Process;
use unstuck_base::local;
use unstuck_base::quietly;
use unstuck_base::sync::atomic::AtomicPtr;

use crate::header::{self, Header};
use crate::id::Id;
use crate::join::JoinHandle;
use crate::origin::{Extra, Origin};
use crate::schedule::HomeRef;
use crate::state::{OnComplete, OnPend, OnRun, OnSlotLeft};
use crate::waker;

/// The right to poll a task once; see the module's rules.
#[must_use = "dropping a runnable cancels its task"]
pub struct Runnable(NonNull<Header>);

// SAFETY: a runnable is made for a future that is Send, or by a scheduler that promised to keep it on its thread.
unsafe impl Send for Runnable {}

impl std::fmt::Debug for Runnable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Runnable").field(&self.id()).finish()
    }
}

/// Makes a task that is in no list: a closure for a pool of blocking threads, say. Shutdown does not find it once it has
/// left its queue, so it must not wait: it is cancelled if its first poll does not end it.
pub fn unlisted<F>(future: F, home: &HomeRef, origin: Origin<'_>) -> (Runnable, JoinHandle<F::Output>)
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let task = header::allocate(future, home, origin, None, false);
    // SAFETY: the task is in its first state, which counts a reference for each of these.
    unsafe { (Runnable::from_header(task), JoinHandle::from_header(task)) }
}

impl Runnable {
    /// # Safety
    /// The task is SCHEDULED, and a reference for its runnable is counted and not given out.
    pub(crate) unsafe fn from_header(task: NonNull<Header>) -> Self {
        Runnable(task)
    }

    /// The task's id.
    pub fn id(&self) -> Id {
        self.header().id
    }

    /// Where the task was spawned.
    pub fn spawned_at(&self) -> &'static Location<'static> {
        self.header().spawned_at
    }

    /// What its spawner called it. The count keeps the name, also when the task is gone.
    pub fn name(&self) -> Option<Arc<str>> {
        // SAFETY: the runnable counts a reference.
        unsafe { Extra::of(self.0) }?.name().cloned()
    }

    /// Notes when it is queued, in nanoseconds since whatever moment the scheduler counts from. Lost, unless the task's list
    /// was made [with times](crate::TaskList::with_times).
    #[inline]
    pub fn set_queued_at(&mut self, nanos: u64) {
        // SAFETY: the runnable counts a reference, and there is no other one.
        unsafe {
            if let Some(extra) = Extra::of(self.0) {
                extra.set_queued_at(nanos);
            }
        }
    }

    /// When it was queued, as noted.
    #[inline]
    pub fn queued_at(&self) -> Option<u64> {
        // SAFETY: as above.
        unsafe { Extra::of(self.0).map(|extra| extra.queued_at()) }
    }

    /// Makes it a plain pointer, for a queue.
    #[inline]
    pub fn into_raw(self) -> NonNull<()> {
        ManuallyDrop::new(self).0.cast()
    }

    /// Makes a pointer a runnable again.
    ///
    /// # Safety
    /// `raw` came from [`into_raw`](Runnable::into_raw) and is made a runnable once.
    #[inline]
    pub unsafe fn from_raw(raw: NonNull<()>) -> Self {
        Runnable(raw.cast())
    }

    /// The word by which a queue links runnables to each other.
    ///
    /// # Safety
    /// `raw` came from [`into_raw`](Runnable::into_raw), and is a runnable's until the reference is last used.
    #[inline]
    pub unsafe fn link<'a>(raw: NonNull<()>) -> &'a AtomicPtr<()> {
        // SAFETY: the runnable counts a reference, so the task is live; rule 6 of `lib.rs`.
        unsafe { &(*raw.cast::<Header>().as_ptr()).queue_link }
    }

    /// Whether one of the task's last polls was [noted](Runnable::run_noting) to be long.
    #[inline]
    pub fn is_long(&self) -> bool {
        self.header().record.is_long()
    }

    /// How many polls of the task have used up their budget; 255 stands for more.
    pub fn forced_yields(&self) -> u8 {
        self.header().record.forced_yields()
    }

    /// Whether nobody has polled the task yet.
    #[inline]
    pub fn is_new(&self) -> bool {
        self.header().is_new()
    }

    /// Polls the task once, and does what comes of it: the task waits, or is scheduled again, or is over. The thread
    /// keeps the task's scheduler alive.
    pub fn run(self) {
        self.run_noting(|| false);
    }

    /// As [`run`](Runnable::run); when the task is not over, `was_long` says whether the poll was long.
    #[inline]
    pub fn run_noting(self, was_long: impl FnOnce() -> bool) {
        let task = ManuallyDrop::new(self).0;
        // SAFETY: the runnable counts a reference.
        let header = unsafe { task.as_ref() };
        if header.state.run() == OnRun::Cancel {
            // SAFETY: RUNNING is ours, with the runnable's reference.
            return unsafe { cancel(task) };
        }
        let outer = local::begin_poll(header.next_poll());
        let process = Process::this();
        // SAFETY: the waker is borrowed for the poll, during which the runnable's reference keeps the task alive.
        let waker = unsafe { waker::borrowed(&task) };
        // SAFETY: rule 2 of `lib.rs`: RUNNING is ours.
        let polled = unsafe { (header.vtable.poll)(task, &mut Context::from_waker(&waker)) };
        let waits = local::end_poll(outer);
        if !process.is_this() {
            // The poll has forked, and this is the child: rule 5 of `schedule.rs`. Whoever runs tasks here ends now.
            return;
        }
        if polled.is_ready() {
            // SAFETY: RUNNING is ours, with the runnable's reference; the output is written.
            return unsafe { complete(task) };
        }
        if header.is_unlisted() {
            // Rule 1 of `schedule.rs`: nobody would shut it down while it waits, and its waker would find no scheduler.
            // SAFETY: RUNNING is still ours.
            return unsafe { cancel(task) };
        }
        header.record.end_poll(waits);
        if waits.spent {
            header.record.note_spent();
        }
        let was_long = was_long();
        if was_long || header.record.is_long() {
            header.record.note_length(was_long);
        }
        let home = header.home;
        match header.state.pend() {
            OnPend::Waits => {}
            // SAFETY: SCHEDULED with the runnable's reference, so the task is not COMPLETE and the scheduler lives.
            OnPend::Resubmit => unsafe { home.schedule() }.reschedule(Runnable(task)),
            // SAFETY: RUNNING is still ours.
            OnPend::Cancel => unsafe { cancel(task) },
        }
    }

    fn header(&self) -> &Header {
        // SAFETY: the runnable counts a reference.
        unsafe { self.0.as_ref() }
    }
}

impl Drop for Runnable {
    fn drop(&mut self) {
        let _poll_or_cancel = self.header().state.run();
        // SAFETY: RUNNING is ours, with the runnable's reference.
        unsafe { cancel(self.0) }
    }
}

/// Drops the future, and ends the task.
///
/// # Safety
/// RUNNING is the caller's, with one reference; the future is there. The caller's thread keeps the scheduler alive.
pub(crate) unsafe fn cancel(task: NonNull<Header>) {
    // SAFETY: the caller's. The vtable's functions do not panic.
    unsafe {
        task.as_ref().in_its_name(|| (task.as_ref().vtable.cancel)(task));
        complete(task);
    }
}

/// Takes the task out of the list of live tasks, publishes the output, tells who waits for it, and gives the references
/// of the runner and of the list back. The task leaves the list first: who sees it over does not find it alive.
///
/// # Safety
/// RUNNING is the caller's, with one reference; the output is written. The caller's thread keeps the scheduler alive.
unsafe fn complete(task: NonNull<Header>) {
    // SAFETY: the caller's reference keeps the task alive.
    let header = unsafe { task.as_ref() };
    let list = if header.is_unlisted() {
        None
    } else {
        // SAFETY: the caller keeps the scheduler alive.
        let schedule = unsafe { header.home.schedule() };
        // SAFETY: as above.
        let name = unsafe { Extra::of(task) }.and_then(|extra| extra.name()).map(|name| &**name);
        schedule.ended(Origin { name, ..Origin::new(header.id, header.spawned_at) });
        schedule.tasks()
    };
    let references = if list.is_some_and(|tasks| tasks.remove(task)) { 2 } else { 1 };
    match header.state.complete(references) {
        OnComplete::Given => {}
        OnComplete::DropOutput => {
            // SAFETY: rule 3 of `lib.rs`: nobody will join, so the output is ours. The references are, too.
            unsafe {
                (header.vtable.drop_output)(task);
                if header.state.complete_detached(references) {
                    free(task);
                }
            }
        }
        OnComplete::Wake => {
            // SAFETY: rule 4: with WAKER set the slot is only read.
            header.join_waker.with(|slot| unsafe {
                if let Some(waker) = &*slot {
                    quietly(|| waker.wake_by_ref());
                }
            });
            if header.state.end_wake(references) == OnSlotLeft::EmptySlot {
                // SAFETY: rule 4: the join handle has left the slot to us. The references are ours.
                unsafe {
                    header.empty_slot();
                    release(task, references);
                }
            }
        }
    }
}

/// Gives references back; frees the task if they were the last ones.
///
/// # Safety
/// The caller has that many references, and does not touch the task afterwards.
#[inline]
pub(crate) unsafe fn release(task: NonNull<Header>, references: usize) {
    // SAFETY: the caller's.
    unsafe {
        if task.as_ref().state.drop_refs(references) {
            free(task);
        }
    }
}

/// Frees a task that nobody refers to. It is over: until then its list, its runnable or its runner has a reference.
///
/// # Safety
/// The last reference was given back.
pub(crate) unsafe fn free(task: NonNull<Header>) {
    // SAFETY: nobody else can reach the task, so all of it is ours.
    unsafe { (task.as_ref().vtable.free)(task) }
}

/// A poll that is ready has an output; used by the join side.
pub(crate) type Polled<T> = Poll<Result<T, crate::JoinError>>;
