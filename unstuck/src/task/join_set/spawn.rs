//! Spawning members of a set.
//!
//! 1. A member is spawned at the line of the user's code that calls the set.

use std::future::Future;

use super::JoinSet;
use crate::runtime::Handle;
use crate::task::{AbortHandle, JoinHandle, LocalSet, spawn, spawn_blocking, spawn_local};

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

    /// Spawns `task` on the runtime of `handle`, as a member of the set; also from outside any runtime.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::task::JoinSet;
    /// use unstuck::runtime::Runtime;
    ///
    /// let runtime = Runtime::new()?;
    /// let mut tasks = JoinSet::new();
    /// tasks.spawn_on(async { "from outside" }, runtime.handle());
    /// assert_eq!(runtime.block_on(tasks.join_next()).unwrap().unwrap(), "from outside");
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[track_caller]
    pub fn spawn_on<F>(&mut self, task: F, handle: &Handle) -> AbortHandle
    where
        F: Future<Output = T> + Send + 'static,
        T: Send,
    {
        self.insert(handle.spawn(task))
    }

    /// Spawns `task`, which need not be `Send`, on the current [`LocalSet`] or local runtime, as a member of this set.
    ///
    /// # Panics
    ///
    /// Outside both; see [`spawn_local`](crate::task::spawn_local()).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::rc::Rc;
    /// use unstuck::task::{JoinSet, LocalSet};
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let (local, shared) = (LocalSet::new(), Rc::new(20));
    /// let sum = local.run_until(async {
    ///     let mut tasks = JoinSet::new();
    ///     for n in 1..=2 {
    ///         let shared = shared.clone();
    ///         tasks.spawn_local(async move { *shared + n });
    ///     }
    ///     tasks.join_all().await.into_iter().sum::<i32>()
    /// });
    /// assert_eq!(sum.await, 43);
    /// # }
    /// ```
    #[track_caller]
    pub fn spawn_local<F>(&mut self, task: F) -> AbortHandle
    where
        F: Future<Output = T> + 'static,
    {
        self.insert(spawn_local(task))
    }

    /// Spawns `task` on `local_set`, as a member of this set. It runs when the local set is awaited.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::rc::Rc;
    /// use unstuck::task::{JoinSet, LocalSet};
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let (local, mut tasks) = (LocalSet::new(), JoinSet::new());
    /// let text = Rc::new("not Send");
    /// tasks.spawn_local_on(async move { text.len() }, &local);
    /// let length = local.run_until(tasks.join_next()).await;
    /// assert_eq!(length.unwrap().unwrap(), 8);
    /// # }
    /// ```
    #[track_caller]
    pub fn spawn_local_on<F>(&mut self, task: F, local_set: &LocalSet) -> AbortHandle
    where
        F: Future<Output = T> + 'static,
    {
        self.insert(local_set.spawn_local(task))
    }

    /// Runs `f` on a thread that may block, as a member of the set; see [`spawn_blocking`](crate::task::spawn_blocking()). Once
    /// it runs it can't be aborted.
    ///
    /// # Panics
    ///
    /// Outside a runtime; if there is no thread for it yet, and the system gives none.
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

    /// As [`spawn_blocking`](JoinSet::spawn_blocking), in the runtime of `handle`; also from outside any runtime.
    ///
    /// # Panics
    ///
    /// If that has no thread for it yet, and the system gives none.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::task::JoinSet;
    /// use unstuck::runtime::Runtime;
    ///
    /// let runtime = Runtime::new()?;
    /// let mut tasks = JoinSet::new();
    /// for n in [10, 100] {
    ///     tasks.spawn_blocking_on(move || (1..=n).sum::<u32>(), runtime.handle());
    /// }
    /// let sums = runtime.block_on(tasks.join_all());
    /// assert_eq!(sums.into_iter().max(), Some(5050));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[track_caller]
    pub fn spawn_blocking_on<F>(&mut self, f: F, handle: &Handle) -> AbortHandle
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send,
    {
        self.insert(handle.spawn_blocking(f))
    }

    /// Takes a task in.
    pub(super) fn insert(&mut self, task: JoinHandle<T>) -> AbortHandle {
        self.members.insert(task)
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
