//! Blocking in the middle of a task.

use unstuck_base::{entered, local};
use unstuck_context::with_current;

use super::local::is_in_local_set;

/// Runs `f`, which blocks, on this thread, while other tasks go on without it.
///
/// The multi-threaded runtime activates a replacement for this worker, so that its other tasks are not held up. The
/// *current* task is: whatever else it runs concurrently, by `join!` or `select!` say, stands still until `f` returns. Where
/// `f` can be moved to another thread, prefer [`spawn_blocking`](super::spawn_blocking).
///
/// Inside `f`, [`Handle::block_on`](crate::runtime::Handle::block_on) may be called. Outside a runtime, `f` is just called.
///
/// # Panics
///
/// On a runtime with one thread and inside a [`LocalSet`](super::LocalSet): there nobody could go on.
///
/// # Examples
///
/// ```
/// use unstuck::runtime::Handle;
/// use unstuck::task::block_in_place;
///
/// # #[unstuck::main(worker_threads = 1)]
/// # async fn main() {
/// # unstuck::spawn(async {
/// let answer = block_in_place(|| {
///     // Synchronous code that needs the result of an async function.
///     Handle::current().block_on(async { 42 })
/// });
/// assert_eq!(answer, 42);
/// # }).await.unwrap();
/// # }
/// ```
#[track_caller]
pub fn block_in_place<F, R>(f: F) -> R
where
    F: FnOnce() -> R,
{
    let in_local_set = entered::is_entered() && is_in_local_set();
    assert!(
        !in_local_set,
        "can call blocking only when running on the multi-threaded runtime: a `LocalSet` has one thread, so its other \
         tasks would stand still. Use `spawn_blocking`"
    );
    // Ends when it is dropped, after `f`, also by a panic.
    let _blocking = match with_current(|handle| handle.parts().scheduler.begin_blocking()) {
        Ok(Ok(part)) => part,
        // The payload is a `&str`, as that of a panic with these words written out.
        Ok(Err(refused)) => std::panic::panic_any(refused.0),
        // Outside a runtime.
        Err(_) => None,
    };
    let _left = entered::leave();
    local::with_unlimited_budget(f)
}
