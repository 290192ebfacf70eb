//! What a task that panics does to its runtime.

use unstuck_scheduler::panics::Then;

/// What a task that panics does to its runtime or local set; see
/// [`Builder::unhandled_panic`](super::Builder::unhandled_panic).
///
/// # Examples
/// ```
/// use unstuck::runtime::{Builder, UnhandledPanic};
///
/// let runtime = Builder::new_current_thread().unhandled_panic(UnhandledPanic::Ignore).build()?;
/// let broken = runtime.spawn(async { panic!("boom") });
/// let next = runtime.spawn(async { "goes on" });
/// assert!(runtime.block_on(broken).unwrap_err().is_panic());
/// assert_eq!(runtime.block_on(next).unwrap(), "goes on");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum UnhandledPanic {
    /// Nothing: the panic is handed to whoever joins the task.
    Ignore,
    /// It ends the runtime at once, also when somebody joins the task: every other task is cancelled, and each
    /// [`block_on`](super::Runtime::block_on), in progress or later, panics, and names the task. (That of a
    /// [`Handle`](super::Handle::block_on) does not; what it waits for fails, as after any shutdown.) A closure of
    /// [`spawn_blocking`](crate::task::spawn_blocking) that panics ends nothing.
    ShutdownRuntime,
    /// It ends the process, by [`std::process::abort`], after a line on the standard error that says which task it was and
    /// where it was spawned. So does a closure of [`spawn_blocking`](crate::task::spawn_blocking) that panics.
    Abort,
}

impl UnhandledPanic {
    pub(crate) fn then(self) -> Then {
        match self {
            UnhandledPanic::Ignore => Then::Nothing,
            UnhandledPanic::ShutdownRuntime => Then::End,
            UnhandledPanic::Abort => Then::Abort,
        }
    }
}
