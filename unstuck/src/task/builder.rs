//! Spawning tasks with settings of their own.
//!
//! 1. A name changes nothing about how a task runs: it is for whoever looks at the tasks. The task keeps a copy.
//! 2. A task is spawned at the line of the user's code that calls the builder.

use std::fmt;
use std::future::Future;
use std::io;
use std::panic::Location;

use unstuck_base::local;
use unstuck_context::{current, spawn_local_from};
use unstuck_task::Origin;

use super::spawn::spawn_from;
use super::{Id, JoinHandle, LocalSet};
use crate::runtime::Handle;

/// Spawns a task that has a name: a word for whoever looks at the tasks of a program. The name stays with the task, and
/// [hooks](crate::runtime::TaskMeta::name) are told of it. Several tasks may have the same: what tells them apart is their
/// [id](super::Id).
///
/// The methods return a [`Result`](io::Result) as those of [`std::thread::Builder`] do. None of them fails.
///
/// # Examples
/// ```
/// use unstuck::task::Builder;
///
/// # #[unstuck::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let task = Builder::new().name("answer").spawn(async { 42 })?;
/// assert_eq!(task.await?, 42);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Default)]
#[must_use = "a builder does nothing until it spawns"]
pub struct Builder<'a> {
    name: Option<&'a str>,
}

impl<'a> Builder<'a> {
    /// For a task without a name.
    ///
    /// # Examples
    /// ```
    /// use unstuck::task::Builder;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let task = Builder::new().spawn(async { 42 })?;
    /// assert_eq!(task.await?, 42);
    /// # Ok(())
    /// # }
    /// ```
    pub fn new() -> Self {
        Builder::default()
    }

    /// The name of the task.
    ///
    /// # Examples
    /// ```
    /// use unstuck::task::Builder;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let tasks = ["north", "south"].map(|name| Builder::new().name(name).spawn(async move { name.len() }));
    /// for task in tasks {
    ///     assert_eq!(task?.await?, 5);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn name(&self, name: &'a str) -> Self {
        Builder { name: Some(name) }
    }

    /// Spawns a task on the current runtime; see [`spawn`](super::spawn()).
    ///
    /// # Errors
    /// None.
    ///
    /// # Panics
    /// Outside a runtime.
    ///
    /// # Examples
    /// ```
    /// use unstuck::task::Builder;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let task = Builder::new().name("greeting").spawn(async { "hello" })?;
    /// assert_eq!(task.await?, "hello");
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn spawn<Fut>(self, future: Fut) -> io::Result<JoinHandle<Fut::Output>>
    where
        Fut: Future + Send + 'static,
        Fut::Output: Send + 'static,
    {
        Ok(spawn_from(future, self.origin()))
    }

    /// Spawns a task on the runtime of `handle`; see [`Handle::spawn`].
    ///
    /// # Errors
    /// None.
    ///
    /// # Examples
    /// ```
    /// use unstuck::task::Builder;
    ///
    /// let runtime = unstuck::runtime::Runtime::new()?;
    /// let task = Builder::new().name("elsewhere").spawn_on(async { 1 }, runtime.handle())?;
    /// assert_eq!(runtime.block_on(task)?, 1);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[track_caller]
    pub fn spawn_on<Fut>(self, future: Fut, handle: &Handle) -> io::Result<JoinHandle<Fut::Output>>
    where
        Fut: Future + Send + 'static,
        Fut::Output: Send + 'static,
    {
        Ok(handle.context().spawn_from(future, self.origin()))
    }

    /// Spawns a task that stays on this thread; see [`spawn_local`](super::spawn_local()).
    ///
    /// # Errors
    /// None.
    ///
    /// # Panics
    /// Outside a local set and a local runtime; see [`spawn_local`](super::spawn_local()).
    ///
    /// # Examples
    /// ```
    /// use std::rc::Rc;
    /// use unstuck::task::{Builder, LocalSet};
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let text = Rc::new("not Send");
    /// let set = LocalSet::new();
    /// let _guard = set.enter();
    /// let task = Builder::new().name("length").spawn_local(async move { text.len() })?;
    /// assert_eq!(set.run_until(task).await?, 8);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn spawn_local<Fut>(self, future: Fut) -> io::Result<JoinHandle<Fut::Output>>
    where
        Fut: Future + 'static,
        Fut::Output: 'static,
    {
        Ok(spawn_local_from(future, self.origin()))
    }

    /// Spawns a task onto `local_set`; see [`LocalSet::spawn_local`].
    ///
    /// # Errors
    /// None.
    ///
    /// # Examples
    /// ```
    /// use std::rc::Rc;
    /// use unstuck::task::{Builder, LocalSet};
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let text = Rc::new("not Send");
    /// let set = LocalSet::new();
    /// let task = Builder::new().name("length").spawn_local_on(async move { text.len() }, &set)?;
    /// assert_eq!(set.run_until(task).await?, 8);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn spawn_local_on<Fut>(self, future: Fut, local_set: &LocalSet) -> io::Result<JoinHandle<Fut::Output>>
    where
        Fut: Future + 'static,
        Fut::Output: 'static,
    {
        Ok(local_set.spawn_from(future, self.origin()))
    }

    /// Runs `function` on a thread that may block; see [`spawn_blocking`](super::spawn_blocking()).
    ///
    /// # Errors
    /// None.
    ///
    /// # Panics
    /// Outside a runtime; if there is no thread for it yet, and the system gives none.
    ///
    /// # Examples
    /// ```
    /// use unstuck::task::Builder;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let sum = Builder::new().name("sum").spawn_blocking(|| (1..=100).sum::<u32>())?;
    /// assert_eq!(sum.await?, 5050);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn spawn_blocking<Function, Output>(self, function: Function) -> io::Result<JoinHandle<Output>>
    where
        Function: FnOnce() -> Output + Send + 'static,
        Output: Send + 'static,
    {
        Ok(current().spawn_blocking_from(function, self.origin()))
    }

    /// As [`spawn_blocking`](Builder::spawn_blocking), in the runtime of `handle`.
    ///
    /// # Errors
    /// None.
    ///
    /// # Panics
    /// If that has no thread for it yet, and the system gives none.
    ///
    /// # Examples
    /// ```
    /// use unstuck::task::Builder;
    ///
    /// let runtime = unstuck::runtime::Runtime::new()?;
    /// let sum = Builder::new().name("sum").spawn_blocking_on(|| (1..=100).sum::<u32>(), runtime.handle())?;
    /// assert_eq!(runtime.block_on(sum)?, 5050);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[track_caller]
    pub fn spawn_blocking_on<Function, Output>(
        self,
        function: Function,
        handle: &Handle,
    ) -> io::Result<JoinHandle<Output>>
    where
        Function: FnOnce() -> Output + Send + 'static,
        Output: Send + 'static,
    {
        Ok(handle.context().spawn_blocking_from(function, self.origin()))
    }

    /// Of a task that the caller's caller spawns.
    #[track_caller]
    fn origin(self) -> Origin<'a> {
        let origin = Origin::new(Id::from_number(local::next_task_id()), Location::caller());
        Origin { name: self.name, ..origin }
    }
}

impl fmt::Debug for Builder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("task::Builder").field("name", &self.name).finish()
    }
}
