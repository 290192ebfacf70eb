//! A set of tasks whose outputs are taken as they come.
//!
//! 1. This file is what users see of it; how the set learns who is over is in `store.rs`, spawning in `spawn.rs`, spawning
//!    with a limit in `limit.rs`.
//! 2. Waiting changes nothing but the waker that is left: a member leaves with the poll that returns its output.

mod builder;
mod limit;
mod members;
mod spawn;
mod store;

use std::fmt;
use std::future::Future;
use std::marker::PhantomPinned;
use std::panic::{Location, resume_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use unstuck_base::local::{self, WaitKind};

use super::{Id, JoinError, JoinHandle};
use crate::called_at::{called_from, named};

pub use builder::Builder;

use members::Members;
use store::Joined;

/// Tasks that belong together: their outputs are taken as they come, and dropping the set aborts those that are left.
///
/// All tasks of a set have the same output type. They run from the moment they are spawned, whether the set is awaited
/// or not. How many run at the same time can be [limited](JoinSet::with_limit).
///
/// # Memory
///
/// When a task ends, its output moves to the set, beside its id, and the task is freed: also a million tasks that are over
/// and that nobody has joined need no more than their outputs and a few words each. A task's memory stays, without its future
/// and its output, as long as there is an [`AbortHandle`](super::AbortHandle) of it (spawning returns one) or a
/// [`Waker`](std::task::Waker).
///
/// Dropping the set drops the outputs that were not joined, on the thread that drops it. As where a
/// [`JoinHandle`] is dropped, a panic in the drop of an output ends there.
///
/// # Examples
///
/// ```
/// use unstuck::task::JoinSet;
///
/// # #[unstuck::main(flavor = "current_thread")]
/// # async fn main() {
/// let mut tasks = JoinSet::new();
/// for n in 0..5 {
///     tasks.spawn(async move { n * 10 });
/// }
///
/// let mut sum = 0;
/// while let Some(output) = tasks.join_next().await {
///     sum += output.unwrap();
/// }
/// assert_eq!(sum, 100);
/// # }
/// ```
pub struct JoinSet<T> {
    members: Members<T>,
}

// No output is ever pinned.
impl<T> Unpin for JoinSet<T> {}

impl<T> JoinSet<T> {
    /// An empty set.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::task::JoinSet;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let mut requests = JoinSet::new();
    /// requests.spawn(async { "an answer" });
    /// assert_eq!(requests.join_next().await.unwrap().unwrap(), "an answer");
    /// assert!(requests.join_next().await.is_none());
    /// # }
    /// ```
    pub fn new() -> Self {
        JoinSet { members: Members::new(usize::MAX) }
    }

    /// How many tasks are in the set: those that run, and those that are over and not yet joined.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::task::JoinSet;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let mut tasks = JoinSet::new();
    /// for n in 0..3 {
    ///     tasks.spawn(async move { n });
    /// }
    /// tasks.join_next().await;
    /// assert_eq!(tasks.len(), 2);
    /// # }
    /// ```
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// How many of the tasks are over, and wait for somebody to ask for their outputs.
    ///
    /// All that the set keeps of these is the outputs. But a number that only grows says that nobody asks: a service should
    /// warn of that, or keep its tasks in a [`TaskTracker`], which keeps nothing.
    ///
    /// This is unstuck's own: Tokio has no such method.
    ///
    /// [`TaskTracker`]: https://docs.rs/tokio-util/latest/tokio_util/task/task_tracker/struct.TaskTracker.html
    ///
    /// # Examples
    /// ```
    /// use unstuck::task::{JoinSet, yield_now};
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let mut connections = JoinSet::new();
    /// connections.spawn(async {});
    /// connections.spawn(std::future::pending());
    /// yield_now().await;
    /// assert_eq!((connections.finished(), connections.len()), (1, 2));
    /// # }
    /// ```
    pub fn finished(&self) -> usize {
        self.members.over()
    }

    /// Whether the set has no tasks.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::task::JoinSet;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let mut tasks = JoinSet::new();
    /// tasks.spawn(async {});
    /// unstuck::task::yield_now().await;
    /// assert!(!tasks.is_empty()); // it is over, but was not joined
    /// tasks.join_next().await;
    /// assert!(tasks.is_empty());
    /// # }
    /// ```
    pub fn is_empty(&self) -> bool {
        self.members.len() == 0
    }
}

impl<T: 'static> JoinSet<T> {
    /// Waits until one of the tasks is over, and takes it out of the set; `None` if the set is empty. Tasks come in the
    /// order in which they end.
    ///
    /// # Errors
    ///
    /// The inner result is an error if that task panicked or was aborted.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: a task leaves the set only with the poll that returns it.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::task::JoinSet;
    /// use unstuck::time::{Duration, sleep};
    ///
    /// # #[unstuck::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() {
    /// let mut tasks = JoinSet::new();
    /// for n in [3, 1, 2] {
    ///     tasks.spawn(async move {
    ///         sleep(Duration::from_secs(n)).await;
    ///         n
    ///     });
    /// }
    /// assert_eq!(tasks.join_next().await.unwrap().unwrap(), 1);
    /// assert_eq!(tasks.len(), 2);
    /// # }
    /// ```
    #[track_caller]
    pub fn join_next(&mut self) -> impl Future<Output = Option<Result<T, JoinError>>> {
        JoinNext { at: Location::caller(), set: self, take: without_id, _pinned: PhantomPinned }
    }

    /// As [`join_next`](JoinSet::join_next), with the id of the task. That of a task that failed is in its
    /// [error](JoinError::id).
    ///
    /// # Errors
    ///
    /// The inner result is an error if that task panicked or was aborted.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: a task leaves the set only with the poll that returns it.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::collections::HashMap;
    /// use unstuck::task::JoinSet;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let mut tasks = JoinSet::new();
    /// let mut names = HashMap::new();
    /// for name in ["bread", "milk"] {
    ///     names.insert(tasks.spawn(async move { name.len() }).id(), name);
    /// }
    /// while let Some(output) = tasks.join_next_with_id().await {
    ///     let (id, length) = output.unwrap();
    ///     assert_eq!(names[&id].len(), length);
    /// }
    /// # }
    /// ```
    #[track_caller]
    pub fn join_next_with_id(&mut self) -> impl Future<Output = Option<Result<(Id, T), JoinError>>> {
        JoinNext { at: Location::caller(), set: self, take: with_id, _pinned: PhantomPinned }
    }

    /// Takes a task out of the set that is over now; `None` if there is none, be the set empty or not.
    ///
    /// # Errors
    ///
    /// The inner result is an error if that task panicked or was aborted.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::task::JoinSet;
    /// use unstuck::task::yield_now;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let mut tasks = JoinSet::new();
    /// tasks.spawn(async { "soon" });
    /// assert!(tasks.try_join_next().is_none());
    /// yield_now().await; // the task runs
    /// assert_eq!(tasks.try_join_next().unwrap().unwrap(), "soon");
    /// # }
    /// ```
    pub fn try_join_next(&mut self) -> Option<Result<T, JoinError>> {
        self.try_join_next_with_id().map(without_id)
    }

    /// As [`try_join_next`](JoinSet::try_join_next), with the id of the task.
    ///
    /// # Errors
    ///
    /// The inner result is an error if that task panicked or was aborted.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::task::JoinSet;
    /// use unstuck::task::yield_now;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let mut tasks = JoinSet::new();
    /// let task = tasks.spawn(async { "soon" });
    /// yield_now().await;
    /// assert_eq!(tasks.try_join_next_with_id().unwrap().unwrap(), (task.id(), "soon"));
    /// # }
    /// ```
    pub fn try_join_next_with_id(&mut self) -> Option<Result<(Id, T), JoinError>> {
        self.members.next()
    }

    /// Waits until one of the tasks is over, and takes it out of the set; `None` if the set is empty. Of several tasks
    /// that poll, the last one is woken. For futures and streams written by hand.
    ///
    /// Also when a task is over it may be Pending, since the [budget](super::coop) of this poll is used up; then it has woken
    /// the caller already.
    ///
    /// # Errors
    ///
    /// The inner result is an error if that task panicked or was aborted.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::future::poll_fn;
    /// use std::task::Poll;
    /// use unstuck::task::JoinSet;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let mut tasks = JoinSet::new();
    /// tasks.spawn(async { 1 });
    /// tasks.spawn(async { 2 });
    /// // All that are over by now, at once.
    /// let sum = poll_fn(|cx| {
    ///     let mut sum = 0;
    ///     while let Poll::Ready(Some(output)) = tasks.poll_join_next(cx) {
    ///         sum += output.unwrap();
    ///     }
    ///     if sum == 0 { Poll::Pending } else { Poll::Ready(sum) }
    /// });
    /// assert_eq!(sum.await, 3);
    /// # }
    /// ```
    #[track_caller]
    pub fn poll_join_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<T, JoinError>>> {
        self.members.poll_next(cx, Location::caller()).map(|output| output.map(without_id))
    }

    /// As [`poll_join_next`](JoinSet::poll_join_next), with the id of the task.
    ///
    /// # Errors
    ///
    /// The inner result is an error if that task panicked or was aborted.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::future::poll_fn;
    /// use unstuck::task::JoinSet;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let mut tasks = JoinSet::new();
    /// let task = tasks.spawn(async { 1 });
    /// let joined = poll_fn(|cx| tasks.poll_join_next_with_id(cx)).await;
    /// assert_eq!(joined.unwrap().unwrap(), (task.id(), 1));
    /// # }
    /// ```
    #[track_caller]
    pub fn poll_join_next_with_id(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<(Id, T), JoinError>>> {
        self.members.poll_next(cx, Location::caller())
    }

    /// Aborts all tasks. They stay in the set until they are joined: as cancelled ones, but for those that were over already,
    /// and blocking work that has begun.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::task::JoinSet;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let mut tasks = JoinSet::new();
    /// for _ in 0..2 {
    ///     tasks.spawn(std::future::pending::<()>());
    /// }
    /// tasks.abort_all();
    /// while let Some(output) = tasks.join_next().await {
    ///     assert!(output.unwrap_err().is_cancelled());
    /// }
    /// # }
    /// ```
    pub fn abort_all(&mut self) {
        self.members.abort_all();
    }

    /// Aborts all tasks and waits until they are gone. Their outputs are dropped.
    ///
    /// # Cancel safety
    ///
    /// The tasks are aborted in the first poll; those that were not waited for stay in the set.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::task::JoinSet;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let mut tasks = JoinSet::new();
    /// tasks.spawn(std::future::pending::<()>());
    /// tasks.shutdown().await;
    /// assert!(tasks.is_empty());
    /// # }
    /// ```
    #[track_caller]
    pub fn shutdown(&mut self) -> impl Future<Output = ()> {
        called_from(|_at| async move {
            self.abort_all();
            while self.join_next().await.is_some() {}
        })
    }

    /// Waits for all tasks, and returns their outputs in the order in which they ended.
    ///
    /// # Panics
    ///
    /// When a task panicked, with its panic; when one was aborted. The other tasks are aborted then.
    ///
    /// # Cancel safety
    ///
    /// Not cancel safe: the set is consumed, so dropping the future aborts what is left and loses the outputs.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::task::JoinSet;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let tasks: JoinSet<_> = (1..=3).map(|n| async move { n * n }).collect();
    /// let mut squares = tasks.join_all().await;
    /// squares.sort();
    /// assert_eq!(squares, [1, 4, 9]);
    /// # }
    /// ```
    #[track_caller]
    pub fn join_all(mut self) -> impl Future<Output = Vec<T>> {
        called_from(|at| async move {
            let mut outputs = Vec::with_capacity(self.len());
            while let Some(output) = self.join_next().await {
                match output {
                    Ok(output) => outputs.push(output),
                    Err(error) if error.is_panic() => resume_unwind(error.into_panic()),
                    Err(error) => panic!(
                        "{error}: `join_all` needs all outputs; where tasks may be aborted, use `join_next`{}",
                        named(at)
                    ),
                }
            }
            outputs
        })
    }

    /// Lets all tasks go on by themselves: the set is empty then, and their outputs are dropped when they end.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::task::JoinSet;
    /// use unstuck::sync::oneshot;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let (sender, receiver) = oneshot::channel();
    /// let mut tasks = JoinSet::new();
    /// tasks.spawn(async { sender.send("still here") });
    /// tasks.detach_all();
    /// assert!(tasks.is_empty());
    /// drop(tasks); // which would have aborted it
    /// assert_eq!(receiver.await, Ok("still here"));
    /// # }
    /// ```
    pub fn detach_all(&mut self) {
        self.members.detach_all();
    }
}

/// Waits for a task of a set; see [`JoinSet::join_next`].
#[must_use = "futures do nothing unless you `.await` or poll them"]
struct JoinNext<'a, T, R> {
    at: &'static Location<'static>,
    set: &'a mut JoinSet<T>,
    take: fn(Joined<T>) -> Result<R, JoinError>,
    /// As the future of an `async fn`.
    _pinned: PhantomPinned,
}

impl<T: 'static, R> Future for JoinNext<'_, T, R> {
    type Output = Option<Result<R, JoinError>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // SAFETY: no field is pinned.
        let this = unsafe { self.get_unchecked_mut() };
        this.set.members.poll_next(cx, this.at).map(|output| output.map(this.take))
    }
}

impl<T, R> Drop for JoinNext<'_, T, R> {
    fn drop(&mut self) {
        local::forget_wait(WaitKind::Join, self.set.members.key());
    }
}

impl<T> Drop for JoinSet<T> {
    fn drop(&mut self) {
        self.members.let_go(JoinHandle::abort);
    }
}

impl<T> Default for JoinSet<T> {
    fn default() -> Self {
        JoinSet::new()
    }
}

impl<T> fmt::Debug for JoinSet<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinSet").field("len", &self.len()).finish()
    }
}

fn with_id<T>(output: Joined<T>) -> Joined<T> {
    output
}

fn without_id<T>(output: Joined<T>) -> Result<T, JoinError> {
    output.map(|(_, output)| output)
}
