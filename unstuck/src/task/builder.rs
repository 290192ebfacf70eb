//! Spawning tasks with settings of their own.
//!
//! 1. A name changes nothing about how a task runs: it is for whoever reads the program, and stays with the builder.
//! 2. A task is spawned at the line of the user's code that calls the builder.

use std::fmt;
use std::future::Future;
use std::io;

use super::{JoinHandle, LocalSet, spawn, spawn_blocking, spawn_local};
use crate::runtime::Handle;

/// Spawns a task that has a name: a word for whoever reads the program. Tasks are told apart by their
/// [id](super::Id) and the place where they were spawned; the name is not kept with the task.
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
    pub fn new() -> Self {
        Builder::default()
    }

    /// The name of the task.
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
    #[track_caller]
    pub fn spawn<Fut>(self, future: Fut) -> io::Result<JoinHandle<Fut::Output>>
    where
        Fut: Future + Send + 'static,
        Fut::Output: Send + 'static,
    {
        Ok(spawn(future))
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
        Ok(handle.spawn(future))
    }

    /// Spawns a task that stays on this thread; see [`spawn_local`](super::spawn_local()).
    ///
    /// # Errors
    /// None.
    ///
    /// # Panics
    /// Outside a local set.
    #[track_caller]
    pub fn spawn_local<Fut>(self, future: Fut) -> io::Result<JoinHandle<Fut::Output>>
    where
        Fut: Future + 'static,
        Fut::Output: 'static,
    {
        Ok(spawn_local(future))
    }

    /// Spawns a task onto `local_set`; see [`LocalSet::spawn_local`].
    ///
    /// # Errors
    /// None.
    #[track_caller]
    pub fn spawn_local_on<Fut>(self, future: Fut, local_set: &LocalSet) -> io::Result<JoinHandle<Fut::Output>>
    where
        Fut: Future + 'static,
        Fut::Output: 'static,
    {
        Ok(local_set.spawn_local(future))
    }

    /// Runs `function` on a thread that may block; see [`spawn_blocking`](super::spawn_blocking()).
    ///
    /// # Errors
    /// None.
    ///
    /// # Panics
    /// Outside a runtime.
    #[track_caller]
    pub fn spawn_blocking<Function, Output>(self, function: Function) -> io::Result<JoinHandle<Output>>
    where
        Function: FnOnce() -> Output + Send + 'static,
        Output: Send + 'static,
    {
        Ok(spawn_blocking(function))
    }

    /// As [`spawn_blocking`](Builder::spawn_blocking), in the runtime of `handle`.
    ///
    /// # Errors
    /// None.
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
        Ok(handle.spawn_blocking(function))
    }
}

impl fmt::Debug for Builder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("task::Builder").field("name", &self.name).finish()
    }
}
