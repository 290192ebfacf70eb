//! What a task that panics does to its runtime.

/// What a task that panics does to its runtime or local set; see
/// [`Builder::unhandled_panic`](super::Builder::unhandled_panic).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum UnhandledPanic {
    /// Nothing: the panic is handed to whoever joins the task.
    Ignore,
    /// It ends the runtime at once, also when somebody joins the task: every other task is cancelled, and each
    /// [`block_on`](super::Runtime::block_on), in progress or later, panics.
    ShutdownRuntime,
}
