//! The runtime that this thread is in, and the local set that it polls.
//!
//! The rules are those of the crate; this file has its thread-local.

use std::cell::Cell;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::panic::Location;
use std::ptr::NonNull;
use std::thread;

use unstuck_base::fork::{self, Process};
use unstuck_base::sync::thread_local_const;
use unstuck_base::{alarm, entered, fallback, local};
use unstuck_task::{Id, JoinHandle, Origin};

use crate::default;
use crate::handle::{Handle, Parts, Spawner};

struct Current {
    /// Null outside any runtime.
    parts: Cell<*const Parts>,
    /// The process in which they became current: a forked child is outside, wherever its thread was.
    process: Cell<u32>,
    /// How many guards are alive.
    depth: Cell<usize>,
    /// Where `spawn_local` puts tasks.
    local: Cell<Option<NonNull<dyn Spawner>>>,
    /// How many guards of that are alive.
    local_depth: Cell<usize>,
    /// Two of them were dropped in the wrong order: what the others would put back may be gone, so they put back nothing.
    local_broken: Cell<bool>,
}

thread_local_const! {
    static CURRENT: Current = const {
        Current {
            parts: Cell::new(std::ptr::null()),
            process: Cell::new(0),
            depth: Cell::new(0),
            local: Cell::new(None),
            local_depth: Cell::new(0),
            local_broken: Cell::new(false),
        }
    };
}

/// There is no current runtime.
///
/// # Examples
/// ```
/// # mod unstuck { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/common/examples.rs.in")); }
/// use unstuck::runtime::Handle;
///
/// let error = Handle::try_current().unwrap_err(); // no runtime here
/// assert!(error.to_string().contains("Runtime::block_on"));
/// ```
pub struct TryCurrentError(Why);

enum Why {
    Outside,
    /// The thread was inside when its process was forked, or there was a default, and this is the child.
    Forked,
}

impl TryCurrentError {
    /// Whether the thread is outside any runtime, as it also is in a process that was forked inside one. There is no other
    /// reason.
    ///
    /// # Examples
    /// ```
    /// # mod unstuck { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/common/examples.rs.in")); }
    /// use unstuck::runtime::Handle;
    ///
    /// assert!(Handle::try_current().unwrap_err().is_missing_context());
    /// ```
    pub fn is_missing_context(&self) -> bool {
        true
    }

    /// Whether the runtime could not be looked up because the thread ends. Here it always can: rule 2 of the crate.
    ///
    /// # Examples
    /// ```
    /// # mod unstuck { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/common/examples.rs.in")); }
    /// use unstuck::runtime::Handle;
    ///
    /// assert!(!Handle::try_current().unwrap_err().is_thread_local_destroyed());
    /// ```
    pub fn is_thread_local_destroyed(&self) -> bool {
        false
    }
}

impl fmt::Display for TryCurrentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Why::Forked => fork::OF_THE_PARENT,
            Why::Outside => {
                "there is no reactor running, must be called from the context of a Tokio 1.x runtime (unstuck is one): \
                 wrap the call in `Runtime::block_on`, or hold the guard of `Handle::enter`, or of `Handle::make_default` \
                 for all threads"
            }
        })
    }
}

impl fmt::Debug for TryCurrentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MissingContext")
    }
}

impl std::error::Error for TryCurrentError {}

/// The current runtime.
///
/// # Panics
/// If there is none.
#[track_caller]
pub fn current() -> Handle {
    match try_current() {
        Ok(handle) => handle,
        Err(error) => panic!("{error}"),
    }
}

/// The current runtime, or the default one.
///
/// # Errors
/// If there is neither.
pub fn try_current() -> Result<Handle, TryCurrentError> {
    match current_parts() {
        // SAFETY: rule 2: the guard that set the pointer keeps it alive.
        Ok(parts) => Ok(unsafe { Handle::from_borrowed(parts) }),
        Err(outside) => default_or(outside),
    }
}

/// Gives `look` the current runtime, and counts no reference; or the default one, which it does count.
///
/// # Errors
/// If there is neither.
#[inline]
pub fn with_current<R>(look: impl Fn(&Handle) -> R) -> Result<R, TryCurrentError> {
    match current_parts() {
        Ok(parts) => {
            // SAFETY: rule 2. `look` can't end the guard: one that it could reach borrows a handle that lives for ever, since
            // the guard borrows its handle and is not Send. So no count, shared by all threads, is needed.
            let handle = unsafe { Handle::borrowed(parts) };
            Ok(look(&handle))
        }
        Err(outside) => with_default(outside, &look),
    }
}

/// As [`with_current`], on a thread that is outside: apart, so that the others do not pay for it. The runtime is counted: its
/// guard may be dropped by another thread at any time, or by `look`.
#[cold]
#[inline(never)]
fn with_default<R>(outside: TryCurrentError, look: &dyn Fn(&Handle) -> R) -> Result<R, TryCurrentError> {
    default_or(outside).map(|default| look(&default))
}

/// As [`with_current`], for what can be done only once.
///
/// # Errors
/// If there is neither.
#[inline]
pub fn with_current_once<R>(look: impl FnOnce(&Handle) -> R) -> Result<R, TryCurrentError> {
    let default;
    let parts = match current_parts() {
        Ok(parts) => parts,
        Err(outside) => {
            default = default_or(outside)?;
            default.as_ptr()
        }
    };
    // SAFETY: it is the default, which we keep; or else as in `with_current`.
    let handle = unsafe { Handle::borrowed(parts) };
    Ok(look(&handle))
}

/// The default runtime, for a thread that is outside.
#[cold]
fn default_or(outside: TryCurrentError) -> Result<Handle, TryCurrentError> {
    match default::find() {
        Some(handle) => Ok(handle),
        None if fallback::is_of_the_parent() => Err(TryCurrentError(Why::Forked)),
        None => Err(outside),
    }
}

#[inline]
fn current_parts() -> Result<*const Parts, TryCurrentError> {
    CURRENT.with(|current| {
        let parts = current.parts.get();
        if parts.is_null() {
            return Err(TryCurrentError(Why::Outside));
        }
        if current.process.get() != Process::this().to_number() {
            return Err(TryCurrentError(Why::Forked));
        }
        Ok(parts)
    })
}

/// A runtime is the thread's current one as long as this lives.
#[must_use = "the runtime is current only while the guard lives"]
pub struct EnterGuard<'a> {
    // The guard itself has no `Drop`, so that the borrow may end before the guard does: it keeps its own handle.
    _entered: Entered,
    _handle: PhantomData<&'a Handle>,
}

/// What an [`EnterGuard`] has changed, and changes back when it is dropped.
struct Entered {
    handle: ManuallyDrop<Handle>,
    previous: (*const Parts, u32),
    depth: usize,
    alarms: Option<NonNull<dyn alarm::Alarms>>,
    /// The thread runs the runtime.
    inside: Option<entered::Entered>,
}

// SAFETY: a shared reference gives access to nothing. It is not Send: the thread that entered leaves.
unsafe impl Sync for Entered {}

impl EnterGuard<'_> {
    pub(crate) fn new(handle: Handle, inside: Option<entered::Entered>) -> Self {
        let parts = handle.as_ptr();
        let (previous, depth) = CURRENT.with(|current| {
            let depth = current.depth.get() + 1;
            current.depth.set(depth);
            let process = current.process.replace(Process::this().to_number());
            ((current.parts.replace(parts), process), depth)
        });
        let ours: &dyn alarm::Alarms = handle.parts();
        // SAFETY: the guard keeps the handle until it has put back what was there (or for ever: rule 3).
        let alarms = unsafe { alarm::set(Some(NonNull::from(ours))) };
        let entered = Entered { handle: ManuallyDrop::new(handle), previous, depth, alarms, inside };
        EnterGuard { _entered: entered, _handle: PhantomData }
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        // Before the handle goes, and in any case: a guard that the user has leaked does not keep the thread inside.
        drop(self.inside.take());
        let in_order = CURRENT.with(|current| {
            let in_order = current.depth.get() == self.depth;
            if in_order {
                current.depth.set(self.depth - 1);
                current.parts.set(self.previous.0);
                current.process.set(self.previous.1);
            }
            in_order
        });
        if !in_order {
            // Rule 3: the guard above us will put our runtime back as the current one, so its memory stays.
            assert!(
                std::thread::panicking(),
                "`EnterGuard` values dropped out of order. Guards returned by `Handle::enter()` must be dropped in the \
                 reverse order as they were acquired."
            );
            return;
        }
        // SAFETY: what was there is kept by the guard that set it.
        unsafe { alarm::set(self.alarms) };
        // SAFETY: dropped once, here.
        unsafe { ManuallyDrop::drop(&mut self.handle) };
    }
}

impl fmt::Debug for EnterGuard<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EnterGuard").finish_non_exhaustive()
    }
}

/// `spawn_local` puts tasks onto a local set as long as this lives.
///
/// Guards are dropped in reverse order. When one is not, `spawn_local` finds no set until all of them are gone.
#[derive(Debug)]
#[must_use = "the local set is current only while the guard lives"]
pub struct LocalGuard<'a> {
    previous: Option<NonNull<dyn Spawner>>,
    depth: usize,
    _local: PhantomData<&'a dyn Spawner>,
}

/// Makes `local` the place for `spawn_local` on this thread, until the guard is dropped; `None`: there is none.
///
/// # Safety
/// The tasks of `local` are run and dropped on this thread only. The guard is not leaked, or `local` lives for ever.
pub unsafe fn enter_local<'a>(local: Option<&'a dyn Spawner>) -> LocalGuard<'a> {
    // SAFETY: only the lifetime changes; the guard puts back what was there before `'a` ends.
    let local = local.map(|local| unsafe {
        std::mem::transmute::<NonNull<dyn Spawner + 'a>, NonNull<dyn Spawner>>(NonNull::from(local))
    });
    CURRENT.with(|current| {
        let depth = current.local_depth.get() + 1;
        current.local_depth.set(depth);
        LocalGuard { previous: current.local.replace(local), depth, _local: PhantomData }
    })
}

impl Drop for LocalGuard<'_> {
    fn drop(&mut self) {
        CURRENT.with(|current| {
            let alive = current.local_depth.get();
            let broken = current.local_broken.get() || alive != self.depth;
            current.local_depth.set(alive - 1);
            current.local_broken.set(broken && alive > 1);
            current.local.set(if broken { None } else { self.previous });
        });
    }
}

/// Spawns a task that stays on this thread: onto the local set that is current, or else onto the current runtime, if that
/// is a local one.
///
/// # Panics
/// If there is neither, or the local runtime is at home on another thread.
#[track_caller]
pub fn spawn_local<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + 'static,
    F::Output: 'static,
{
    spawn_local_from(future, Origin::new(Id::from_number(local::next_task_id()), Location::caller()))
}

/// As [`spawn_local`], with the origin that the caller brings.
///
/// # Panics
/// As that.
#[track_caller]
pub fn spawn_local_from<F>(future: F, origin: Origin<'_>) -> JoinHandle<F::Output>
where
    F: Future + 'static,
    F::Output: 'static,
{
    if let Some(set) = CURRENT.with(|current| current.local.get()) {
        // SAFETY: `enter_local` promised that the set is alive while it is current, and that its tasks are run and dropped
        // on this thread only.
        return unsafe { spawn_onto(set.as_ref(), future, origin) };
    }
    // SAFETY: rule 2. The default one is not meant: its tasks run only while its own thread is in its `block_on`.
    let current = current_parts().ok().map(|parts| unsafe { Handle::from_borrowed(parts) });
    let local = current.and_then(|runtime| Some((runtime.parts().scheduler.only_thread()?, runtime)));
    let Some((only, runtime)) = local else {
        panic!(
            "`spawn_local` called from outside of a `task::LocalSet` or `runtime::LocalRuntime`: run it inside \
             `LocalSet::run_until`, or inside a task that was spawned there"
        )
    };
    assert!(
        only == thread::current().id(),
        "Local tasks can only be spawned on a LocalRuntime from the thread the runtime was created on: there they are run"
    );
    // SAFETY: `only_thread` says that the tasks are run and dropped on this thread only.
    unsafe { spawn_onto(&*runtime.parts().scheduler, future, origin) }
}

/// # Safety
/// The tasks of `spawner` are run and dropped on this thread only.
#[track_caller]
unsafe fn spawn_onto<F>(spawner: &(impl Spawner + ?Sized), future: F, origin: Origin<'_>) -> JoinHandle<F::Output>
where
    F: Future + 'static,
    F::Output: 'static,
{
    spawner.home().get().process().assert_is_this();
    // SAFETY: as our caller promised.
    let (join, runnable) = unsafe { spawner.live().spawn_unchecked(future, spawner.home(), origin) };
    if let Some(runnable) = runnable {
        spawner.spawned(origin);
        spawner.schedule(runnable);
    }
    join
}
