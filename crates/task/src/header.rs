//! The allocation of a task: a header of fixed size, and behind it the stage (the future, then its output).
//!
//! 1. The header is first, but for what few tasks have before it (`origin.rs`); the vtable knows the rest.
//! 2. The stage is a union without a tag: the state word says which of its sides is there (rules 2 and 3 of `lib.rs`).

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::any::Any;
use std::future::Future;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::pin::Pin;
use std::ptr::NonNull;
use std::task::{Context, Poll, Waker};

use unstuck_base::list::{Links, Node};
use unstuck_base::local::{self, TaskRef};
use unstuck_base::quietly;
use unstuck_base::sync::UnsafeCell;
use unstuck_base::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

use crate::error::JoinError;
use crate::id::Id;
use crate::origin::{Extra, Origin};
use crate::probe::Record;
use crate::schedule::{Home, HomeRef};
use crate::state::State;

/// What every task has, whatever its future is. The rules of `lib.rs` say who may touch which field.
#[repr(C, align(16))]
pub(crate) struct Header {
    pub(crate) state: State,
    pub(crate) vtable: &'static Vtable,
    pub(crate) home: &'static Home,
    /// Rule 6: whatever queue holds the runnable links it here.
    pub(crate) queue_link: AtomicPtr<()>,
    /// Rule 5.
    pub(crate) links: Links<Header>,
    pub(crate) id: Id,
    pub(crate) spawned_at: &'static Location<'static>,
    pub(crate) record: Record,
    /// Rule 4.
    pub(crate) join_waker: UnsafeCell<Option<Waker>>,
    /// The task's poll number: written by the runner, read by anybody.
    pub(crate) polls: AtomicU32,
    /// The shard of the list of live tasks, or [`UNLISTED`]; never changes after the spawn.
    pub(crate) shard: u16,
    /// Whether the join handle has taken the output: only it touches this.
    pub(crate) taken: UnsafeCell<bool>,
    /// Whether an [`Extra`] is before this; never changes after the spawn.
    pub(crate) has_extra: bool,
}

/// The `shard` of a task that is in no list.
pub(crate) const UNLISTED: u16 = u16::MAX;

// The aim of the design is an empty task in 128 bytes: what is left is for a future that keeps nothing.
#[cfg(not(unstuck_loom))]
const _: () = assert!(size_of::<Header>() <= 112);

// SAFETY: rules 1 to 7 of `lib.rs` say who may touch each field.
unsafe impl Send for Header {}
// SAFETY: as above.
unsafe impl Sync for Header {}

// SAFETY: always the address of the one field; `&raw` makes no reference.
unsafe impl Node for Header {
    unsafe fn links(node: NonNull<Self>) -> NonNull<Links<Self>> {
        // SAFETY: the caller vouches that the node is live.
        unsafe { NonNull::new_unchecked(&raw mut (*node.as_ptr()).links) }
    }
}

/// A task whose future is an `F`.
#[repr(C)]
struct Cell<F: Future> {
    header: Header,
    stage: UnsafeCell<Stage<F>>,
}

union Stage<F: Future> {
    future: ManuallyDrop<F>,
    output: ManuallyDrop<Result<F::Output, JoinError>>,
}

/// What only the code that knows the future's type can do. All but `free` take a pointer to a live task.
pub(crate) struct Vtable {
    /// Rule 2. Polls the future. When it is done, or has panicked, drops it and leaves the output in its place.
    pub(crate) poll: unsafe fn(NonNull<Header>, &mut Context<'_>) -> Poll<()>,
    /// Rule 2. Drops the future and leaves a cancellation as the output.
    pub(crate) cancel: unsafe fn(NonNull<Header>),
    /// Rule 3. Moves the output to the place given, which is a `Poll<Result<F::Output, JoinError>>`.
    pub(crate) take_output: unsafe fn(NonNull<Header>, *mut ()),
    /// Rule 3. Drops the output, in the name of the task.
    pub(crate) drop_output: unsafe fn(NonNull<Header>),
    /// Rule 8. Frees the allocation. The stage is empty (output taken or dropped), and so is the slot of the join waker.
    pub(crate) free: unsafe fn(NonNull<Header>),
}

struct VtableOf<F>(F);

impl<F: Future> VtableOf<F> {
    const VTABLE: Vtable = Vtable {
        poll: poll::<F>,
        cancel: cancel::<F>,
        take_output: take_output::<F>,
        drop_output: drop_output::<F>,
        free: free::<F>,
    };
}

/// The memory of a task, and how far from its start the cell is.
#[inline]
const fn memory<F: Future>(has_extra: bool) -> (Layout, usize) {
    let cell = Layout::new::<Cell<F>>();
    if !has_extra {
        return (cell, 0);
    }
    let front = size_of::<Extra>().next_multiple_of(cell.align());
    match Layout::from_size_align(front + cell.size(), cell.align()) {
        Ok(whole) => (whole, front),
        Err(_) => panic!("a future is larger than memory can be"),
    }
}

/// Allocates a task in its first state; see [`State::spawned`]. With `times` it has room for when it was queued.
#[inline]
pub(crate) fn allocate<F: Future>(
    future: F,
    home: &HomeRef,
    origin: Origin<'_>,
    listed: Option<u16>,
    times: bool,
) -> NonNull<Header> {
    let has_extra = times || origin.name.is_some();
    let (layout, front) = memory::<F>(has_extra);
    // SAFETY: a task has a header, so the layout is not empty.
    let Some(start) = NonNull::new(unsafe { alloc(layout) }) else { handle_alloc_error(layout) };
    // SAFETY: the layout has the cell there.
    let cell = unsafe { start.add(front) }.cast::<Cell<F>>();
    let header = Header {
        state: State::spawned(listed.is_some()),
        vtable: &VtableOf::<F>::VTABLE,
        home: home.get(),
        queue_link: AtomicPtr::new(std::ptr::null_mut()),
        links: Links::new(),
        id: origin.id,
        spawned_at: origin.spawned_at,
        record: Record::new(),
        join_waker: UnsafeCell::new(None),
        polls: AtomicU32::new(0),
        shard: listed.unwrap_or(UNLISTED),
        taken: UnsafeCell::new(false),
        has_extra,
    };
    if has_extra {
        // SAFETY: the layout has room for it before the cell, whose first field is the header.
        unsafe { Extra::place(cell.cast()).write(Extra::new(origin.name)) };
    }
    // SAFETY: fresh memory of the right layout; field by field, so that the future is copied once, to its place.
    unsafe {
        (&raw mut (*cell.as_ptr()).header).write(header);
        (&raw mut (*cell.as_ptr()).stage).write(UnsafeCell::new(Stage { future: ManuallyDrop::new(future) }));
    }
    cell.cast()
}

/// Where the stage is.
///
/// # Safety
/// `task` is a live task whose future is an `F`.
unsafe fn stage<'a, F: Future>(task: NonNull<Header>) -> &'a UnsafeCell<Stage<F>> {
    // SAFETY: rule 1 of this file: the header is the cell's first field.
    unsafe { &(*task.cast::<Cell<F>>().as_ptr()).stage }
}

/// [`Vtable::poll`].
///
/// # Safety
/// As the field of [`Vtable`] says, and the task's future is an `F`.
unsafe fn poll<F: Future>(task: NonNull<Header>, cx: &mut Context<'_>) -> Poll<()> {
    /// Drops the future while its panic unwinds, so that what it owns can ask `std::thread::panicking`.
    struct DropWhileUnwinding<F: Future>(NonNull<Header>, PhantomData<F>);
    impl<F: Future> Drop for DropWhileUnwinding<F> {
        fn drop(&mut self) {
            // SAFETY: the future is there: the poll that panicked left it, and only we drop it then. A second panic, of
            // its drop, ends here.
            drop_quietly(unsafe { drop_future::<F>(self.0) });
        }
    }
    let polled = catch_unwind(AssertUnwindSafe(|| {
        let unwinding = DropWhileUnwinding::<F>(task, PhantomData);
        // SAFETY: rule 2: RUNNING is the caller's, so the future is there and nobody else touches it; it has not moved
        // since it was spawned, so it may be pinned.
        let polled = unsafe { stage::<F>(task).with_mut(|stage| Pin::new_unchecked(&mut *(*stage).future).poll(cx)) };
        std::mem::forget(unwinding);
        polled
    }));
    let output = match polled {
        Ok(Poll::Pending) => return Poll::Pending,
        // SAFETY: as above; the future is done, so it is dropped now, once.
        Ok(Poll::Ready(output)) => match unsafe { drop_future::<F>(task) } {
            Ok(()) => Ok(output),
            // An output whose future can't be dropped is not handed out: the panic would go unseen.
            Err(panic) => {
                drop_quietly(output);
                Err(panic)
            }
        },
        Err(panic) => Err(panic),
    };
    if let Err(panic) = &output {
        // SAFETY: the task is live, and not COMPLETE, so its scheduler is alive.
        unsafe { tell_panic(task, &**panic) };
    }
    // SAFETY: rule 3: RUNNING is the caller's; the future is gone.
    unsafe { write_output::<F>(task, output.map_err(|panic| JoinError::panicked(task.as_ref().id, panic))) };
    Poll::Ready(())
}

/// Tells the scheduler of a panic.
///
/// # Safety
/// The task is live, and not COMPLETE.
#[cold]
unsafe fn tell_panic(task: NonNull<Header>, payload: &(dyn Any + Send)) {
    // SAFETY: the caller's.
    let (header, extra) = unsafe { (task.as_ref(), Extra::of(task)) };
    let name = extra.and_then(Extra::name).map(|name| &**name);
    let origin = Origin { name, ..Origin::new(header.id, header.spawned_at) };
    // SAFETY: the caller's.
    unsafe { header.home.schedule() }.panicked(origin, payload);
}

/// [`Vtable::cancel`].
///
/// # Safety
/// As the field of [`Vtable`] says, and the task's future is an `F`.
unsafe fn cancel<F: Future>(task: NonNull<Header>) {
    // SAFETY: rules 2 and 3, as in `poll`.
    unsafe {
        let id = task.as_ref().id;
        let error = match drop_future::<F>(task) {
            Ok(()) => JoinError::cancelled(id),
            Err(panic) => JoinError::panicked(id, panic),
        };
        write_output::<F>(task, Err(error));
    }
}

/// Drops the future in its place; its panic is handed back.
///
/// # Safety
/// Rule 2, and the future is there.
unsafe fn drop_future<F: Future>(task: NonNull<Header>) -> Result<(), Box<dyn Any + Send>> {
    // SAFETY: the caller's.
    catch_unwind(AssertUnwindSafe(|| unsafe {
        stage::<F>(task).with_mut(|stage| ManuallyDrop::drop(&mut (*stage).future));
    }))
}

/// Puts the output where the future was.
///
/// # Safety
/// Rule 3, and the future is gone.
unsafe fn write_output<F: Future>(task: NonNull<Header>, output: Result<F::Output, JoinError>) {
    // SAFETY: the caller's.
    unsafe { stage::<F>(task).with_mut(|stage| (*stage).output = ManuallyDrop::new(output)) }
}

/// [`Vtable::take_output`].
///
/// # Safety
/// As the field of [`Vtable`] says, and the task's future is an `F`.
unsafe fn take_output<F: Future>(task: NonNull<Header>, place: *mut ()) {
    // SAFETY: rule 3: the output is the caller's, who takes it once; the place is of this type.
    unsafe {
        let output = stage::<F>(task).with_mut(|stage| ManuallyDrop::take(&mut (*stage).output));
        place.cast::<Poll<Result<F::Output, JoinError>>>().write(Poll::Ready(output));
    }
}

/// [`Vtable::drop_output`].
///
/// # Safety
/// As the field of [`Vtable`] says, and the task's future is an `F`.
unsafe fn drop_output<F: Future>(task: NonNull<Header>) {
    // SAFETY: rule 3: the output is the caller's, who drops it once.
    let output = unsafe { stage::<F>(task).with_mut(|stage| ManuallyDrop::take(&mut (*stage).output)) };
    if output.is_ok() && !std::mem::needs_drop::<F::Output>() {
        return;
    }
    // SAFETY: the task is live.
    unsafe { task.as_ref() }.in_its_name(|| drop_quietly(output));
}

/// [`Vtable::free`].
///
/// # Safety
/// As the field of [`Vtable`] says, and the task's future is an `F`.
unsafe fn free<F: Future>(task: NonNull<Header>) {
    // SAFETY: rule 8: ours was the last reference. The stage is a union and is not dropped.
    unsafe {
        let (layout, front) = memory::<F>(task.as_ref().has_extra);
        if task.as_ref().has_extra {
            Extra::place(task).drop_in_place();
        }
        task.cast::<Cell<F>>().drop_in_place();
        dealloc(task.cast::<u8>().sub(front).as_ptr(), layout);
    }
}

impl Header {
    /// Runs `f`, which does not panic, as part of the task: whoever asks which task this thread runs is told this one.
    pub(crate) fn in_its_name<R>(&self, f: impl FnOnce() -> R) -> R {
        let outer = local::begin_poll(self.next_poll());
        let result = f();
        let _nothing_is_waited_for = local::end_poll(outer);
        result
    }

    /// Who the thread says that it polls. The poll number is counted on.
    pub(crate) fn next_poll(&self) -> TaskRef {
        // Relaxed: one writer, who runs the task or has its output.
        let poll = self.polls.load(Ordering::Relaxed).wrapping_add(1);
        self.polls.store(poll, Ordering::Relaxed);
        TaskRef { id: self.id.number(), poll, root: false }
    }

    /// Whether nobody has polled the task yet. For its runner: the number wraps around, so once in a blue moon it says so
    /// of another task.
    pub(crate) fn is_new(&self) -> bool {
        // Relaxed: the runnable that the runner holds was handed on since the last poll.
        self.polls.load(Ordering::Relaxed) == 0
    }

    /// Whether the task is in no list of live tasks.
    pub(crate) fn is_unlisted(&self) -> bool {
        self.shard == UNLISTED
    }

    /// Drops the join waker, if there is one. `true`: there was.
    ///
    /// # Safety
    /// Rule 4 of `lib.rs`: the slot is the caller's.
    pub(crate) unsafe fn empty_slot(&self) -> bool {
        // SAFETY: the caller's.
        let waker = self.join_waker.with_mut(|slot| unsafe { (*slot).take() });
        let was_there = waker.is_some();
        drop_quietly(waker);
        was_there
    }
}

/// Drops a user's value; its panic ends here (rule 10 of `lib.rs`).
pub(crate) fn drop_quietly<T>(value: T) {
    quietly(|| drop(value));
}
