//! Starting tasks on the current runtime.

use std::future::Future;
use std::panic::Location;

use unstuck_base::local;
use unstuck_context::{current, with_current_once};
use unstuck_task::Origin;

use super::{Id, JoinHandle};

/// Starts `future` as a task of its own, on the current runtime.
///
/// It begins to run without being awaited, concurrently with the caller and maybe on another thread; when exactly is
/// up to the scheduler. The returned handle gives its output. Dropping the handle does not stop the task:
/// [`abort`](JoinHandle::abort) does, and so does the shutdown of the runtime.
///
/// The future must be `Send`, since it may move between threads whenever it waits: what is not `Send` must not be kept
/// across an `.await`. For futures that are not there is [`spawn_local`](super::spawn_local()).
///
/// # Panics
///
/// Outside a runtime.
///
/// # Examples
///
/// A task for every connection:
///
/// ```no_run
/// use unstuck::io::{copy, split};
/// use unstuck::net::TcpListener;
///
/// #[unstuck::main]
/// async fn main() -> std::io::Result<()> {
///     let listener = TcpListener::bind("127.0.0.1:8080").await?;
///     loop {
///         let (connection, _) = listener.accept().await?;
///         unstuck::spawn(async move {
///             let (mut reader, mut writer) = split(connection);
///             copy(&mut reader, &mut writer).await
///         });
///     }
/// }
/// ```
///
/// Several at once, and their outputs in order:
///
/// ```
/// # #[unstuck::main(flavor = "current_thread")]
/// # async fn main() {
/// let tasks: Vec<_> = (0..3).map(|n| unstuck::spawn(async move { n * n })).collect();
/// let mut squares = Vec::new();
/// for task in tasks {
///     squares.push(task.await.unwrap());
/// }
/// assert_eq!(squares, [0, 1, 4]);
/// # }
/// ```
#[track_caller]
pub fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    spawn_from(future, Origin::new(Id::from_number(local::next_task_id()), Location::caller()))
}

/// As [`spawn`], with the origin that the caller brings.
#[track_caller]
pub(super) fn spawn_from<F>(future: F, origin: Origin<'_>) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    match with_current_once(|handle| handle.spawn_from(future, origin)) {
        Ok(task) => task,
        Err(error) => panic!("{error}"),
    }
}

/// Runs `f` on a thread that may block, and gives its result.
///
/// For code that waits in the system (files, name lookup, a synchronous client) and for computations that take more than a
/// moment. There is a pool of such threads; up to
/// [`max_blocking_threads`](crate::runtime::Builder::max_blocking_threads) run at a time, the rest is queued.
///
/// The closure can't be stopped once it runs: [`abort`](JoinHandle::abort) and shutdown only keep one that is queued from
/// starting. Closures that compute, rather than wait, can easily be more than there are CPUs: let them take turns with a
/// [`Semaphore`](crate::sync::Semaphore), or use a thread pool for computations. Something that runs for as long as the
/// program does deserves a [`std::thread`] of its own.
///
/// # Panics
///
/// Outside a runtime; if there is no thread for it yet, and the system gives none. Of several calls that this happens to at
/// once one panics, and the handles of the others say that they were cancelled. A panic of `f` is handed to whoever awaits the
/// handle.
///
/// # Examples
///
/// ```
/// use unstuck::task::spawn_blocking;
///
/// # #[unstuck::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), unstuck::task::JoinError> {
/// let primes = spawn_blocking(|| (2..1000).filter(|n| (2..*n).all(|d| n % d != 0)).count()).await?;
/// assert_eq!(primes, 168);
/// # Ok(())
/// # }
/// ```
///
/// Feeding a blocking consumer from async code:
///
/// ```
/// use unstuck::sync::mpsc;
/// use unstuck::task::spawn_blocking;
///
/// # #[unstuck::main(flavor = "current_thread")]
/// # async fn main() {
/// let (sender, mut receiver) = mpsc::channel(4);
/// let sum = spawn_blocking(move || {
///     let mut sum = 0;
///     while let Some(n) = receiver.blocking_recv() {
///         sum += n;
///     }
///     sum
/// });
/// for n in 1..=10 {
///     sender.send(n).await.unwrap();
/// }
/// drop(sender);
/// assert_eq!(sum.await.unwrap(), 55);
/// # }
/// ```
#[track_caller]
pub fn spawn_blocking<F, R>(f: F) -> JoinHandle<R>
where
    F: FnOnce() -> R + Send + 'static,
    R: Send + 'static,
{
    current().spawn_blocking(f)
}
