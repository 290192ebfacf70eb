//! A set of tasks whose outputs are taken as they come.
//!
//! 1. Each member's join handle has a waker of its own, a [`Bell`](arrivals::Bell), which queues the member among the
//!    arrivals when its task ends. So the set looks only at tasks that are over, in the order in which they ended.
//! 2. A member leaves the set when its output is given out, or with [`detach_all`](JoinSet::detach_all).
//! 3. An arrival names a place and a ticket: one of a member that has left, whose place another one has now, is ignored.

mod arrivals;
mod builder;

use std::fmt;
use std::future::Future;
use std::marker::PhantomPinned;
use std::panic::{Location, resume_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use slab::Slab;
use unstuck_base::local::{self, WaitKind};

use super::{AbortHandle, Id, JoinError, JoinHandle, LocalSet, spawn, spawn_blocking, spawn_local};
use crate::runtime::Handle;

pub use builder::Builder;

use arrivals::{Arrival, Arrivals};

/// Tasks that belong together: their outputs are taken as they come, and dropping the set aborts those that are left.
///
/// All tasks of a set have the same output type. They run from the moment they are spawned, whether the set is awaited
/// or not.
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
    members: Slab<Member<T>>,
    arrivals: Arc<Arrivals>,
    next_ticket: u64,
}

struct Member<T> {
    ticket: u64,
    id: Id,
    task: Task<T>,
}

enum Task<T> {
    /// Its handle will ring the bell, or has.
    Running(JoinHandle<T>),
    /// It was over before the bell could be left.
    Over(Exclusive<Result<T, JoinError>>),
}

/// A task that is over, and its id.
type Joined<T> = Result<(Id, T), JoinError>;

/// What is only reached by value, so that sharing it shares nothing.
struct Exclusive<T>(T);

// SAFETY: no method takes `&self`.
unsafe impl<T> Sync for Exclusive<T> {}

// No output is ever pinned.
impl<T> Unpin for JoinSet<T> {}

impl<T> JoinSet<T> {
    /// An empty set.
    pub fn new() -> Self {
        JoinSet { members: Slab::new(), arrivals: Arc::default(), next_ticket: 0 }
    }

    /// How many tasks are in the set: those that run, and those that are over and not yet joined.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether the set has no tasks.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }
}

impl<T: 'static> JoinSet<T> {
    /// Spawns `task` on the current runtime, as a member of the set.
    ///
    /// # Panics
    ///
    /// Outside a runtime.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::task::JoinSet;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let mut tasks = JoinSet::new();
    /// let forever = tasks.spawn(std::future::pending::<()>());
    /// forever.abort();
    /// assert!(tasks.join_next().await.unwrap().unwrap_err().is_cancelled());
    /// # }
    /// ```
    #[track_caller]
    pub fn spawn<F>(&mut self, task: F) -> AbortHandle
    where
        F: Future<Output = T> + Send + 'static,
        T: Send,
    {
        self.insert(spawn(task))
    }

    /// Spawns `task` on the runtime of `handle`, as a member of the set.
    #[track_caller]
    pub fn spawn_on<F>(&mut self, task: F, handle: &Handle) -> AbortHandle
    where
        F: Future<Output = T> + Send + 'static,
        T: Send,
    {
        self.insert(handle.spawn(task))
    }

    /// Spawns `task` on the current [`LocalSet`], as a member of this set.
    ///
    /// # Panics
    ///
    /// Outside a local set; see [`spawn_local`](super::spawn_local()).
    #[track_caller]
    pub fn spawn_local<F>(&mut self, task: F) -> AbortHandle
    where
        F: Future<Output = T> + 'static,
    {
        self.insert(spawn_local(task))
    }

    /// Spawns `task` on `local_set`, as a member of this set. It runs when the local set is awaited.
    #[track_caller]
    pub fn spawn_local_on<F>(&mut self, task: F, local_set: &LocalSet) -> AbortHandle
    where
        F: Future<Output = T> + 'static,
    {
        self.insert(local_set.spawn_local(task))
    }

    /// Runs `f` on a thread that may block, as a member of the set; see [`spawn_blocking`](super::spawn_blocking()). Once
    /// it runs it can't be aborted.
    ///
    /// # Panics
    ///
    /// Outside a runtime.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::task::JoinSet;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let mut tasks = JoinSet::new();
    /// tasks.spawn_blocking(|| "from another thread");
    /// assert_eq!(tasks.join_next().await.unwrap().unwrap(), "from another thread");
    /// # }
    /// ```
    #[track_caller]
    pub fn spawn_blocking<F>(&mut self, f: F) -> AbortHandle
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send,
    {
        self.insert(spawn_blocking(f))
    }

    /// As [`spawn_blocking`](JoinSet::spawn_blocking), in the runtime of `handle`.
    #[track_caller]
    pub fn spawn_blocking_on<F>(&mut self, f: F, handle: &Handle) -> AbortHandle
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send,
    {
        self.insert(handle.spawn_blocking(f))
    }

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
    #[track_caller]
    pub fn join_next_with_id(&mut self) -> impl Future<Output = Option<Result<(Id, T), JoinError>>> {
        JoinNext { at: Location::caller(), set: self, take: with_id, _pinned: PhantomPinned }
    }

    /// Takes a task out of the set that is over now; `None` if there is none.
    ///
    /// # Errors
    ///
    /// The inner result is an error if that task panicked or was aborted.
    pub fn try_join_next(&mut self) -> Option<Result<T, JoinError>> {
        self.try_join_next_with_id().map(without_id)
    }

    /// As [`try_join_next`](JoinSet::try_join_next), with the id of the task.
    ///
    /// # Errors
    ///
    /// The inner result is an error if that task panicked or was aborted.
    pub fn try_join_next_with_id(&mut self) -> Option<Result<(Id, T), JoinError>> {
        loop {
            let arrival = self.arrivals.next()?;
            if let Some(output) = self.take(arrival) {
                return Some(output);
            }
        }
    }

    /// Waits until one of the tasks is over, and takes it out of the set; `None` if the set is empty. Of several tasks
    /// that poll, the last one is woken.
    ///
    /// # Errors
    ///
    /// The inner result is an error if that task panicked or was aborted.
    #[track_caller]
    pub fn poll_join_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<T, JoinError>>> {
        self.poll_next(cx, Location::caller()).map(|output| output.map(without_id))
    }

    /// As [`poll_join_next`](JoinSet::poll_join_next), with the id of the task.
    ///
    /// # Errors
    ///
    /// The inner result is an error if that task panicked or was aborted.
    #[track_caller]
    pub fn poll_join_next_with_id(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<(Id, T), JoinError>>> {
        self.poll_next(cx, Location::caller())
    }

    /// Aborts all tasks. They stay in the set until they are joined, as cancelled ones mostly.
    pub fn abort_all(&mut self) {
        self.members.iter().for_each(|(_, member)| member.abort());
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
    pub async fn shutdown(&mut self) {
        self.abort_all();
        while self.join_next().await.is_some() {}
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
    pub async fn join_all(mut self) -> Vec<T> {
        let mut outputs = Vec::with_capacity(self.len());
        while let Some(output) = self.join_next().await {
            match output {
                Ok(output) => outputs.push(output),
                Err(error) if error.is_panic() => resume_unwind(error.into_panic()),
                Err(error) => {
                    panic!("{error}: `join_all` needs all outputs; where tasks may be aborted, use `join_next`")
                }
            }
        }
        outputs
    }

    /// Lets all tasks go on by themselves: the set is empty then, and their outputs are dropped when they end.
    pub fn detach_all(&mut self) {
        self.members.drain().for_each(drop);
        self.arrivals.clear();
    }

    /// Takes a task in.
    fn insert(&mut self, mut task: JoinHandle<T>) -> AbortHandle {
        let abort = task.abort_handle();
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        let place = self.members.vacant_entry();
        let arrival = Arrival { place: place.key(), ticket };
        let bell = self.arrivals.bell(arrival);
        let task = match leave_bell(&mut task, &bell) {
            Poll::Pending => Task::Running(task),
            Poll::Ready(output) => {
                self.arrivals.push(arrival);
                Task::Over(Exclusive(output))
            }
        };
        place.insert(Member { ticket, id: abort.id(), task });
        abort
    }

    /// The output of the member that arrived, which leaves the set.
    fn take(&mut self, arrival: Arrival) -> Option<Joined<T>> {
        let member = self.members.get(arrival.place).filter(|member| member.ticket == arrival.ticket)?;
        if matches!(&member.task, Task::Running(task) if !task.is_finished()) {
            // Nobody rings for it but the task that ends; should anybody ever, the bell is still there.
            return None;
        }
        let Member { id, task, .. } = self.members.remove(arrival.place);
        let output = match task {
            Task::Over(Exclusive(output)) => output,
            Task::Running(mut task) => match poll_handle(&mut task, Waker::noop()) {
                Poll::Ready(output) => output,
                Poll::Pending => unreachable!("the task is over"),
            },
        };
        Some(output.map(|output| (id, output)))
    }

    fn poll_next(&mut self, cx: &mut Context<'_>, at: &'static Location<'static>) -> Poll<Option<Joined<T>>> {
        if self.is_empty() {
            return Poll::Ready(None);
        }
        let charge = ready!(local::poll_budget(cx));
        while let Some(arrival) = self.arrivals.next_or_wait(cx.waker()) {
            if let Some(output) = self.take(arrival) {
                charge.made_progress();
                return Poll::Ready(Some(output));
            }
        }
        local::wait_for(WaitKind::Join, self.key(), at);
        Poll::Pending
    }
}

impl<T> JoinSet<T> {
    /// The address, as an opaque key for [`local::wait_for`].
    fn key(&self) -> usize {
        Arc::as_ptr(&self.arrivals).addr()
    }
}

impl<T> Member<T> {
    fn abort(&self) {
        if let Task::Running(task) = &self.task {
            task.abort();
        }
    }
}

/// Polls a handle, whatever the budget.
fn poll_handle<T>(task: &mut JoinHandle<T>, waker: &Waker) -> Poll<Result<T, JoinError>> {
    local::with_unlimited_budget(|| Pin::new(task).poll(&mut Context::from_waker(waker)))
}

/// Leaves the bell with the handle. The poll in progress does not wait for the task by that, so its record is undone.
fn leave_bell<T>(task: &mut JoinHandle<T>, bell: &Waker) -> Poll<Result<T, JoinError>> {
    let before = local::waits().count();
    let polled = poll_handle(task, bell);
    if polled.is_pending()
        && let Some(wait) = local::waits().nth(before)
    {
        local::forget_wait(wait.kind, wait.key);
    }
    polled
}

fn with_id<T>(output: Joined<T>) -> Joined<T> {
    output
}

fn without_id<T>(output: Joined<T>) -> Result<T, JoinError> {
    output.map(|(_, output)| output)
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
        this.set.poll_next(cx, this.at).map(|output| output.map(this.take))
    }
}

impl<T, R> Drop for JoinNext<'_, T, R> {
    fn drop(&mut self) {
        local::forget_wait(WaitKind::Join, self.set.key());
    }
}

impl<T> Drop for JoinSet<T> {
    fn drop(&mut self) {
        self.members.iter().for_each(|(_, member)| member.abort());
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

/// Spawns every future of the iterator, as [`JoinSet::spawn`] does.
impl<T, F> FromIterator<F> for JoinSet<T>
where
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    fn from_iter<I: IntoIterator<Item = F>>(tasks: I) -> Self {
        let mut set = JoinSet::new();
        set.extend(tasks);
        set
    }
}

/// Spawns every future of the iterator, as [`JoinSet::spawn`] does.
impl<T, F> Extend<F> for JoinSet<T>
where
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    fn extend<I: IntoIterator<Item = F>>(&mut self, tasks: I) {
        tasks.into_iter().for_each(|task| {
            self.spawn(task);
        });
    }
}
