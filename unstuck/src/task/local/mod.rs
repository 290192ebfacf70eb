//! Tasks that stay on one thread, so that they need not be `Send`.
//!
//! 1. A [`LocalSet`] can't leave its thread; so whoever has one may run and drop its tasks.
//! 2. Its tasks run only while the set, or a [`run_until`](LocalSet::run_until), is polled: by whatever task or
//!    `block_on` awaits it. Each of these has a waker with the set, so none is forgotten.
//! 3. Queues and wake-ups are the scheduler's ([`local_scheduler`](crate::runtime::local_scheduler)).

mod enter;

use std::fmt;
use std::future::Future;
use std::marker::PhantomPinned;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::runtime::local_scheduler::{Local, Poller, Ran};
use pin_project_lite::pin_project;
use unstuck_base::local;
use unstuck_context::Spawner;
use unstuck_task::{Id as TaskId, Origin};

use super::JoinHandle;
use crate::runtime::{Id, Runtime, TaskPanic, UnhandledPanic};

pub(super) use enter::is_in_local_set;
use enter::polling;

pub use enter::LocalEnterGuard;

/// Spawns a task that stays on this thread, and need not be `Send`, onto the current [`LocalSet`] or
/// [`LocalRuntime`](crate::runtime::LocalRuntime).
///
/// It runs when the set is awaited, or the thread is in the runtime's `block_on`. Tasks of a set spawn onto the same set.
///
/// # Panics
///
/// Outside both: use it inside [`LocalSet::run_until`] or a task that was spawned there, or while a guard of
/// [`LocalSet::enter`] or [`LocalRuntime::enter`](crate::runtime::LocalRuntime::enter) lives. Also where the current runtime
/// is a `LocalRuntime` of another thread.
///
/// # Examples
///
/// ```
/// use std::rc::Rc;
/// use unstuck::task::{self, LocalSet};
///
/// # #[unstuck::main(flavor = "current_thread")]
/// # async fn main() {
/// let shared = Rc::new("not Send");
/// let set = LocalSet::new();
/// let length = set
///     .run_until(async move {
///         let shared = shared.clone();
///         task::spawn_local(async move { shared.len() }).await
///     })
///     .await;
/// assert_eq!(length.unwrap(), 8);
/// # }
/// ```
#[track_caller]
pub fn spawn_local<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + 'static,
    F::Output: 'static,
{
    unstuck_context::spawn_local(future)
}

/// Tasks that stay on one thread, and need not be `Send`.
///
/// A future that keeps an [`Rc`](std::rc::Rc) or a [`RefCell`](std::cell::RefCell) across an `.await` can't be spawned
/// by [`spawn`](super::spawn()). [`spawn_local`] takes it, inside a local set: there all tasks run on the thread that
/// awaits the set.
///
/// The tasks run concurrently with each other and with the tasks of the runtime; but only while the set is awaited, by
/// [`run_until`](LocalSet::run_until), [`block_on`](LocalSet::block_on), or as a future, which completes when all tasks are
/// over. Dropping the set drops its tasks.
///
/// # Cancel safety
///
/// Awaiting `&mut set` may be given up and begun again: the tasks stay in the set, and stand still meanwhile. Awaiting the
/// set itself consumes it; giving that up drops the tasks.
///
/// # Examples
///
/// ```
/// use std::cell::Cell;
/// use std::rc::Rc;
/// use unstuck::task::{self, LocalSet};
///
/// # #[unstuck::main(flavor = "current_thread")]
/// # async fn main() {
/// let counter = Rc::new(Cell::new(0));
/// let set = LocalSet::new();
/// set.run_until(async {
///     let tasks: Vec<_> = (0..3)
///         .map(|_| {
///             let counter = counter.clone();
///             task::spawn_local(async move { counter.set(counter.get() + 1) })
///         })
///         .collect();
///     for task in tasks {
///         task.await.unwrap();
///     }
/// })
/// .await;
/// assert_eq!(counter.get(), 3);
/// # }
/// ```
///
/// A thread of its own for such tasks, which are sent there as messages:
///
/// ```
/// use unstuck::runtime::Builder;
/// use unstuck::sync::{mpsc, oneshot};
/// use unstuck::task::{self, LocalSet};
///
/// let (sender, mut receiver) = mpsc::unbounded_channel::<(u32, oneshot::Sender<u32>)>();
/// let thread = std::thread::spawn(move || {
///     let runtime = Builder::new_current_thread().enable_all().build().unwrap();
///     let set = LocalSet::new();
///     set.spawn_local(async move {
///         while let Some((n, answer)) = receiver.recv().await {
///             task::spawn_local(async move { answer.send(n * 2) });
///         }
///     });
///     runtime.block_on(set);
/// });
///
/// let (answer, doubled) = oneshot::channel();
/// sender.send((21, answer)).unwrap();
/// assert_eq!(doubled.blocking_recv(), Ok(42));
/// drop(sender);
/// thread.join().unwrap();
/// ```
pub struct LocalSet {
    /// Its poller is that of the set as a future.
    poller: Poller,
    local: Local,
}

impl LocalSet {
    /// A set without tasks.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::task::LocalSet;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let set = LocalSet::new();
    /// let task = set.spawn_local(async { 1 + 1 });
    /// set.await; // until all tasks are over
    /// assert_eq!(task.await.unwrap(), 2);
    /// # }
    /// ```
    pub fn new() -> LocalSet {
        let local = Local::new();
        LocalSet { poller: local.poller(), local }
    }

    /// The id of the set, which no other set and no runtime has that lives at the same time.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::task::LocalSet;
    ///
    /// assert_ne!(LocalSet::new().id(), unstuck::runtime::Runtime::new().unwrap().handle().id());
    /// ```
    pub fn id(&self) -> Id {
        Id::from_number(self.local.tasks().home().get().number())
    }

    /// What a task that panics does to the set; [`UnhandledPanic::Ignore`] without this. With
    /// [`ShutdownRuntime`](UnhandledPanic::ShutdownRuntime) every other task is cancelled, and whoever awaits the set, then or
    /// later, panics.
    ///
    /// # Examples
    ///
    /// ```should_panic
    /// use unstuck::runtime::UnhandledPanic;
    /// use unstuck::task::{self, LocalSet};
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let mut set = LocalSet::new();
    /// set.unhandled_panic(UnhandledPanic::ShutdownRuntime);
    /// set.spawn_local(async { panic!("boom") });
    /// set.run_until(std::future::pending::<()>()).await; // panics
    /// # }
    /// ```
    pub fn unhandled_panic(&mut self, behavior: UnhandledPanic) -> &mut Self {
        self.local.change_on_panic(|on_panic| on_panic.then = behavior.then());
        self
    }

    /// What to call when a task of the set panics; see
    /// [`Builder::on_unhandled_panic`](crate::runtime::Builder::on_unhandled_panic), which is not told of these.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::atomic::{AtomicU32, Ordering};
    /// use unstuck::task::LocalSet;
    ///
    /// static PANICS: AtomicU32 = AtomicU32::new(0);
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let mut set = LocalSet::new();
    /// set.on_unhandled_panic(|panic| {
    ///     eprintln!("{panic}");
    ///     PANICS.fetch_add(1, Ordering::Relaxed);
    /// });
    /// set.spawn_local(async { panic!("boom") });
    /// set.await;
    /// assert_eq!(PANICS.load(Ordering::Relaxed), 1);
    /// # }
    /// ```
    pub fn on_unhandled_panic<F>(&mut self, f: F) -> &mut Self
    where
        F: Fn(&TaskPanic<'_>) + Send + Sync + 'static,
    {
        self.local.change_on_panic(|on_panic| on_panic.hook = Some(Arc::new(f)));
        self
    }

    /// Makes this the set that [`spawn_local`] finds, until the guard is dropped; also outside any runtime. The tasks run
    /// when the set is awaited.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::task::{self, LocalSet};
    ///
    /// let set = LocalSet::new();
    /// let task = {
    ///     let _guard = set.enter();
    ///     task::spawn_local(async { 7 })
    /// };
    /// let runtime = unstuck::runtime::Builder::new_current_thread().build().unwrap();
    /// assert_eq!(set.block_on(&runtime, task).unwrap(), 7);
    /// ```
    pub fn enter(&self) -> LocalEnterGuard {
        LocalEnterGuard::new(self.local.tasks())
    }

    /// Spawns a task onto the set, from wherever on its thread. It runs when the set is awaited.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::rc::Rc;
    /// use unstuck::task::LocalSet;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let set = LocalSet::new();
    /// let text = Rc::new("not Send");
    /// let task = set.spawn_local(async move { text.len() });
    /// assert_eq!(set.run_until(task).await.unwrap(), 8);
    /// # }
    /// ```
    #[track_caller]
    pub fn spawn_local<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        self.spawn_from(future, Origin::new(TaskId::from_number(local::next_task_id()), Location::caller()))
    }

    /// As [`spawn_local`](LocalSet::spawn_local), with the origin that the caller brings.
    pub(super) fn spawn_from<F>(&self, future: F, origin: Origin<'_>) -> JoinHandle<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        self.local.spawn(future, origin)
    }

    /// Runs `future` and the tasks of the set on `rt`, blocking this thread until `future` completes. Tasks that are left
    /// go on when the set is awaited the next time.
    ///
    /// # Panics
    ///
    /// Inside a runtime; and if `future` does.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::task::{self, LocalSet};
    ///
    /// let runtime = unstuck::runtime::Runtime::new().unwrap();
    /// let answer = LocalSet::new().block_on(&runtime, async {
    ///     task::spawn_local(async { 42 }).await.unwrap()
    /// });
    /// assert_eq!(answer, 42);
    /// ```
    #[track_caller]
    pub fn block_on<F: Future>(&self, rt: &Runtime, future: F) -> F::Output {
        rt.block_on(self.run_until(future))
    }

    /// Runs `future` and, concurrently, the tasks of the set, until `future` completes. Inside, [`spawn_local`] finds the
    /// set. Tasks that are left go on when the set is awaited the next time.
    ///
    /// # Cancel safety
    ///
    /// As that of `future`: dropping this drops it, while the tasks stay in the set.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::task::{self, LocalSet};
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let set = LocalSet::new();
    /// set.run_until(async {
    ///     task::spawn_local(async {}).await.unwrap();
    /// })
    /// .await;
    /// # }
    /// ```
    pub fn run_until<F: Future>(&self, future: F) -> impl Future<Output = F::Output> {
        RunUntil { set: self, poller: self.local.poller(), future, pinned: PhantomPinned }
    }
}

/// Runs tasks of the set for a while.
fn run_some(local: &Local, cx: &Context<'_>) {
    if local.run_some() == Ran::Some {
        cx.waker().wake_by_ref();
    }
    if let Some(why) = local.has_panicked() {
        local.shut_down();
        panic!("a spawned task panicked and the LocalSet is configured to shutdown on unhandled panic: {why}");
    }
}

/// Completes when all tasks of the set are over.
impl Future for LocalSet {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let LocalSet { poller, local } = self.get_mut();
        poller.leave_waker(cx.waker());
        polling(local, || run_some(local, cx));
        if local.is_empty() { Poll::Ready(()) } else { Poll::Pending }
    }
}

pin_project! {
    /// See [`LocalSet::run_until`].
    #[must_use = "futures do nothing unless you `.await` or poll them"]
    struct RunUntil<'a, F> {
        set: &'a LocalSet,
        poller: Poller,
        #[pin]
        future: F,
        // As the future of an `async fn`.
        #[pin]
        pinned: PhantomPinned,
    }
}

impl<F: Future> Future for RunUntil<'_, F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let local = &this.set.local;
        this.poller.leave_waker(cx.waker());
        polling(local, || {
            if let Poll::Ready(output) = this.future.poll(cx) {
                return Poll::Ready(output);
            }
            // The polls of the tasks begin with nothing to wait for; ours waits for what the future does.
            let waits = local::waits();
            run_some(local, cx);
            waits.for_each(|wait| local::wait_for(wait.kind, wait.key, wait.at));
            Poll::Pending
        })
    }
}

impl Drop for LocalSet {
    fn drop(&mut self) {
        polling(&self.local, || self.local.shut_down());
    }
}

impl Default for LocalSet {
    fn default() -> LocalSet {
        LocalSet::new()
    }
}

impl fmt::Debug for LocalSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalSet").finish_non_exhaustive()
    }
}
