//! The attributes that make a runtime around a function.

// For the package named `tokio`, whose users know no path that begins with `unstuck`.
pub use unstuck_macros::{tokio_main, tokio_main_rt, tokio_test, tokio_test_rt};

/// Makes an async function an ordinary one, which runs it in a runtime of its own.
///
/// Mostly for `main`. On another function it works too: every call then builds a runtime and shuts it down; where that
/// happens often, keep a [`Runtime`](crate::runtime::Runtime) instead. The function is the root future of
/// [`Runtime::block_on`](crate::runtime::Runtime::block_on): it runs on the thread that calls it, not on a worker.
/// When it returns, the runtime is shut down with the tasks that are left.
///
/// # Arguments
///
/// | argument | value | default |
/// |---|---|---|
/// | `flavor` | `"multi_thread"`, `"current_thread"`, or `"local"` for a [`LocalRuntime`](crate::runtime::LocalRuntime) | `"multi_thread"` |
/// | `worker_threads` | how many threads run tasks, at least 1; `multi_thread` only | the number of CPUs |
/// | `start_paused` | `true` stops the clock of [`time`](crate::time) from the start; not with `multi_thread` | `false` |
/// | `unhandled_panic` | `"ignore"` or `"shutdown_runtime"`: what a panicking task does to the runtime; not with `multi_thread` | `"ignore"` |
/// | `name` | a string: the name of the runtime | none |
/// | `crate` | a string: the path at which this crate is found | `"::unstuck"` |
///
/// I/O and time are enabled. For anything else use a [`Builder`](crate::runtime::Builder).
///
/// `main` itself takes no arguments, other functions may. The return type is free; as in an ordinary `main`, a `Result`
/// lets you use `?`.
///
/// # Panics
///
/// When the operating system refuses what the runtime needs (threads, file descriptors), and when called from within a
/// runtime.
///
/// # Examples
///
/// ```
/// #[unstuck::main]
/// async fn main() -> Result<(), Box<dyn std::error::Error>> {
///     let answer = unstuck::spawn(async { "42".parse::<u32>() }).await??;
///     assert_eq!(answer, 42);
///     Ok(())
/// }
/// ```
///
/// The same without the macro:
///
/// ```
/// fn main() -> Result<(), Box<dyn std::error::Error>> {
///     let runtime = unstuck::runtime::Builder::new_multi_thread().enable_all().build()?;
///     runtime.block_on(async {
///         let answer = unstuck::spawn(async { "42".parse::<u32>() }).await??;
///         assert_eq!(answer, 42);
///         Ok(())
///     })
/// }
/// ```
///
/// One thread for everything, which also suits a function inside an otherwise synchronous program:
///
/// ```
/// #[unstuck::main(flavor = "current_thread")]
/// async fn sum(numbers: &[u32]) -> u32 {
///     unstuck::task::yield_now().await;
///     numbers.iter().sum()
/// }
///
/// assert_eq!(sum(&[1, 2, 3]), 6);
/// ```
pub use unstuck_macros::main;

/// Makes an async function a test, which runs it in a runtime of its own.
///
/// Takes the arguments of [`main`](macro@main), with one other default: `flavor` is `"current_thread"`. What stands for
/// `#[test]` also goes with it: `#[should_panic]`, `#[ignore]`, a `Result` as return type.
///
/// # Examples
///
/// ```
/// #[unstuck::test]
/// async fn a_task_returns_its_value() {
///     assert_eq!(unstuck::spawn(async { 1 + 1 }).await.unwrap(), 2);
/// }
///
/// #[unstuck::test(flavor = "multi_thread", worker_threads = 2)]
/// async fn parses() -> Result<(), std::num::ParseIntError> {
///     let number: u32 = "7".parse()?;
///     assert_eq!(number, 7);
///     Ok(())
/// }
/// ```
///
/// With the clock stopped, time passes only when there is nothing else to do, and then at once:
///
/// ```
/// use std::time::Duration;
/// use unstuck::time::{Instant, sleep};
///
/// #[unstuck::test(start_paused = true)]
/// async fn an_hour_passes_quickly() {
///     let start = Instant::now();
///     sleep(Duration::from_secs(3600)).await;
///     assert!(start.elapsed() >= Duration::from_secs(3600));
/// }
/// ```
pub use unstuck_macros::test;
