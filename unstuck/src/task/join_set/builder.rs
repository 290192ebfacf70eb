//! Spawning members of a set with settings of their own.

use std::fmt;
use std::future::Future;
use std::io;

use super::JoinSet;
use crate::runtime::Handle;
use crate::task::{self, AbortHandle, LocalSet};

/// Spawns a task that has a name, as a member of a set. Made by [`JoinSet::build_task`]; as the
/// [builder of tasks](task::Builder) in all else.
///
/// # Examples
/// ```
/// use unstuck::task::JoinSet;
///
/// # #[unstuck::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let mut tasks = JoinSet::new();
/// for (name, seats) in [("bus", 50), ("car", 5)] {
///     tasks.build_task().name(name).spawn(async move { seats })?;
/// }
/// assert_eq!(tasks.join_all().await.into_iter().sum::<u32>(), 55);
/// # Ok(())
/// # }
/// ```
#[must_use = "a builder does nothing until it spawns"]
pub struct Builder<'a, T> {
    set: &'a mut JoinSet<T>,
    task: task::Builder<'a>,
}

impl<T: 'static> JoinSet<T> {
    /// For a member with a name.
    ///
    /// # Examples
    /// ```
    /// use unstuck::task::JoinSet;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let mut set = JoinSet::new();
    /// set.build_task().name("answer").spawn(async { 42 })?;
    /// assert_eq!(set.join_next().await.unwrap()?, 42);
    /// # Ok(())
    /// # }
    /// ```
    pub fn build_task(&mut self) -> Builder<'_, T> {
        Builder { set: self, task: task::Builder::new() }
    }
}

impl<'a, T: 'static> Builder<'a, T> {
    /// The name of the task.
    ///
    /// # Examples
    /// ```
    /// use unstuck::task::JoinSet;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let mut tasks = JoinSet::new();
    /// let task = tasks.build_task().name("endless").spawn(std::future::pending::<()>())?;
    /// task.abort();
    /// assert!(tasks.join_next().await.unwrap().unwrap_err().is_cancelled());
    /// # Ok(())
    /// # }
    /// ```
    pub fn name(self, name: &'a str) -> Self {
        Builder { task: self.task.name(name), ..self }
    }

    /// As [`JoinSet::spawn`].
    ///
    /// # Errors
    /// None.
    ///
    /// # Panics
    /// Outside a runtime.
    ///
    /// # Examples
    /// ```
    /// use unstuck::task::JoinSet;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let mut tasks = JoinSet::new();
    /// tasks.build_task().name("greeting").spawn(async { "hello" })?;
    /// assert_eq!(tasks.join_all().await, ["hello"]);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn spawn<F>(self, future: F) -> io::Result<AbortHandle>
    where
        F: Future<Output = T> + Send + 'static,
        T: Send,
    {
        Ok(self.set.insert(self.task.spawn(future)?))
    }

    /// As [`JoinSet::spawn_on`].
    ///
    /// # Errors
    /// None.
    ///
    /// # Examples
    /// ```
    /// use unstuck::task::JoinSet;
    ///
    /// let runtime = unstuck::runtime::Runtime::new()?;
    /// let mut tasks = JoinSet::new();
    /// tasks.build_task().name("greeting").spawn_on(async { "hello" }, runtime.handle())?;
    /// assert_eq!(runtime.block_on(tasks.join_all()), ["hello"]);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[track_caller]
    pub fn spawn_on<F>(self, future: F, handle: &Handle) -> io::Result<AbortHandle>
    where
        F: Future<Output = T> + Send + 'static,
        T: Send,
    {
        Ok(self.set.insert(self.task.spawn_on(future, handle)?))
    }

    /// As [`JoinSet::spawn_blocking`].
    ///
    /// # Errors
    /// None.
    ///
    /// # Panics
    /// Outside a runtime.
    ///
    /// # Examples
    /// ```
    /// use unstuck::task::JoinSet;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let mut tasks = JoinSet::new();
    /// tasks.build_task().name("sum").spawn_blocking(|| (1..=100).sum::<u32>())?;
    /// assert_eq!(tasks.join_all().await, [5050]);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn spawn_blocking<F>(self, f: F) -> io::Result<AbortHandle>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send,
    {
        Ok(self.set.insert(self.task.spawn_blocking(f)?))
    }

    /// As [`JoinSet::spawn_blocking_on`].
    ///
    /// # Errors
    /// None.
    ///
    /// # Examples
    /// ```
    /// use unstuck::task::JoinSet;
    ///
    /// let runtime = unstuck::runtime::Runtime::new()?;
    /// let mut tasks = JoinSet::new();
    /// tasks.build_task().name("sum").spawn_blocking_on(|| (1..=100).sum::<u32>(), runtime.handle())?;
    /// assert_eq!(runtime.block_on(tasks.join_all()), [5050]);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[track_caller]
    pub fn spawn_blocking_on<F>(self, f: F, handle: &Handle) -> io::Result<AbortHandle>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send,
    {
        Ok(self.set.insert(self.task.spawn_blocking_on(f, handle)?))
    }

    /// As [`JoinSet::spawn_local`].
    ///
    /// # Errors
    /// None.
    ///
    /// # Panics
    /// Outside a local set and a local runtime; see [`spawn_local`](crate::task::spawn_local()).
    ///
    /// # Examples
    /// ```
    /// use std::rc::Rc;
    /// use unstuck::task::{JoinSet, LocalSet};
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let text = Rc::new("not Send");
    /// let (local, mut tasks) = (LocalSet::new(), JoinSet::new());
    /// let _guard = local.enter();
    /// tasks.build_task().name("length").spawn_local(async move { text.len() })?;
    /// assert_eq!(local.run_until(tasks.join_all()).await, [8]);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn spawn_local<F>(self, future: F) -> io::Result<AbortHandle>
    where
        F: Future<Output = T> + 'static,
    {
        Ok(self.set.insert(self.task.spawn_local(future)?))
    }

    /// As [`JoinSet::spawn_local_on`].
    ///
    /// # Errors
    /// None.
    ///
    /// # Examples
    /// ```
    /// use std::rc::Rc;
    /// use unstuck::task::{JoinSet, LocalSet};
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let text = Rc::new("not Send");
    /// let (local, mut tasks) = (LocalSet::new(), JoinSet::new());
    /// tasks.build_task().name("length").spawn_local_on(async move { text.len() }, &local)?;
    /// assert_eq!(local.run_until(tasks.join_all()).await, [8]);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn spawn_local_on<F>(self, future: F, local_set: &LocalSet) -> io::Result<AbortHandle>
    where
        F: Future<Output = T> + 'static,
    {
        Ok(self.set.insert(self.task.spawn_local_on(future, local_set)?))
    }
}

impl<T> fmt::Debug for Builder<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("join_set::Builder").field("set", &self.set).field("task", &self.task).finish()
    }
}
