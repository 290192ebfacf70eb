//! What the runtime tells the user's code of, and what it does about a task that panicked.

use std::sync::Arc;

use super::Builder;
use crate::runtime::{TaskMeta, TaskPanic, UnhandledPanic};

/// Threads. A hook is called inside the runtime, so it may spawn; a panic of it is swallowed. The thread that is in the
/// `block_on` of a current-thread runtime sleeps as a worker does, but is neither started nor ended by the runtime.
impl Builder {
    /// What to call when a thread of the runtime (worker or blocking) has started, on that thread.
    ///
    /// # Examples
    /// ```
    /// use std::sync::Arc;
    /// use std::sync::atomic::{AtomicUsize, Ordering};
    ///
    /// let started = Arc::new(AtomicUsize::new(0));
    /// let count = started.clone();
    /// let runtime = unstuck::runtime::Builder::new_multi_thread()
    ///     .worker_threads(2)
    ///     .on_thread_start(move || {
    ///         count.fetch_add(1, Ordering::Relaxed);
    ///     })
    ///     .build()?;
    /// drop(runtime); // waits for its threads
    /// assert_eq!(started.load(Ordering::Relaxed), 2);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn on_thread_start<F>(&mut self, f: F) -> &mut Self
    where
        F: Fn() + Send + Sync + 'static,
    {
        self.hooks.start = Some(Arc::new(f));
        self
    }

    /// What to call when a thread of the runtime is about to end, on that thread.
    ///
    /// # Examples
    /// ```
    /// use std::sync::Arc;
    /// use std::sync::atomic::{AtomicUsize, Ordering};
    ///
    /// let ended = Arc::new(AtomicUsize::new(0));
    /// let count = ended.clone();
    /// let runtime = unstuck::runtime::Builder::new_multi_thread()
    ///     .worker_threads(2)
    ///     .on_thread_stop(move || {
    ///         count.fetch_add(1, Ordering::Relaxed);
    ///     })
    ///     .build()?;
    /// drop(runtime); // waits for its threads
    /// assert_eq!(ended.load(Ordering::Relaxed), 2);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn on_thread_stop<F>(&mut self, f: F) -> &mut Self
    where
        F: Fn() + Send + Sync + 'static,
    {
        self.hooks.stop = Some(Arc::new(f));
        self
    }

    /// What to call when a worker is about to sleep, since it has nothing to do, on that thread. When the hook has spawned or
    /// woken a task, the worker does not sleep.
    ///
    /// # Examples
    /// ```
    /// use std::sync::Arc;
    /// use std::sync::atomic::{AtomicBool, Ordering};
    /// use unstuck::time::{Duration, sleep};
    ///
    /// let slept = Arc::new(AtomicBool::new(false));
    /// let sleeps = slept.clone();
    /// let runtime = unstuck::runtime::Builder::new_current_thread()
    ///     .enable_time()
    ///     .on_thread_park(move || sleeps.store(true, Ordering::Relaxed))
    ///     .build()?;
    /// runtime.block_on(async { assert!(!slept.load(Ordering::Relaxed)) });
    /// runtime.block_on(async { sleep(Duration::from_millis(5)).await });
    /// assert!(slept.load(Ordering::Relaxed));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn on_thread_park<F>(&mut self, f: F) -> &mut Self
    where
        F: Fn() + Send + Sync + 'static,
    {
        self.hooks.park = Some(Arc::new(f));
        self
    }

    /// What to call when a worker has slept, on that thread, before it polls anything: once for each time that
    /// [`on_thread_park`](Builder::on_thread_park) was due.
    ///
    /// # Examples
    /// ```
    /// use std::sync::atomic::{AtomicIsize, Ordering};
    /// use unstuck::time::{Duration, sleep};
    ///
    /// static ASLEEP: AtomicIsize = AtomicIsize::new(0);
    /// let runtime = unstuck::runtime::Builder::new_current_thread()
    ///     .enable_time()
    ///     .on_thread_park(|| _ = ASLEEP.fetch_add(1, Ordering::Relaxed))
    ///     .on_thread_unpark(|| _ = ASLEEP.fetch_sub(1, Ordering::Relaxed))
    ///     .build()?;
    /// runtime.block_on(async { sleep(Duration::from_millis(5)).await });
    /// assert_eq!(ASLEEP.load(Ordering::Relaxed), 0); // it woke as often as it slept
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn on_thread_unpark<F>(&mut self, f: F) -> &mut Self
    where
        F: Fn() + Send + Sync + 'static,
    {
        self.hooks.unpark = Some(Arc::new(f));
        self
    }
}

/// Tasks. A hook is called inside the runtime, so it may spawn; a panic of it is swallowed. It takes part in every spawn or
/// poll of the runtime: let it be short. Hooks do not see blocking work, nor the tasks of a
/// [`LocalSet`](crate::task::LocalSet), nor the future of a `block_on`.
impl Builder {
    /// What to call when a task is spawned, before it is queued, on the thread that spawns it.
    ///
    /// # Examples
    /// ```
    /// use std::sync::Arc;
    /// use std::sync::atomic::{AtomicUsize, Ordering};
    ///
    /// let spawned = Arc::new(AtomicUsize::new(0));
    /// let count = spawned.clone();
    /// let runtime = unstuck::runtime::Builder::new_current_thread()
    ///     .on_task_spawn(move |task| {
    ///         println!("task {} was spawned at {}", task.id(), task.spawned_at());
    ///         count.fetch_add(1, Ordering::Relaxed);
    ///     })
    ///     .build()?;
    /// runtime.spawn(async {});
    /// assert_eq!(spawned.load(Ordering::Relaxed), 1);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn on_task_spawn<F>(&mut self, f: F) -> &mut Self
    where
        F: Fn(&TaskMeta<'_>) + Send + Sync + 'static,
    {
        self.hooks.spawn = Some(Arc::new(f));
        self
    }

    /// What to call before each poll of a task, on the thread that polls it.
    ///
    /// # Examples
    /// ```
    /// use std::sync::Arc;
    /// use std::sync::atomic::{AtomicUsize, Ordering};
    ///
    /// let polls = Arc::new(AtomicUsize::new(0));
    /// let count = polls.clone();
    /// let runtime = unstuck::runtime::Builder::new_current_thread()
    ///     .on_before_task_poll(move |_task| {
    ///         count.fetch_add(1, Ordering::Relaxed);
    ///     })
    ///     .build()?;
    /// let task = runtime.spawn(async { unstuck::task::yield_now().await });
    /// runtime.block_on(task).unwrap();
    /// assert_eq!(polls.load(Ordering::Relaxed), 2);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn on_before_task_poll<F>(&mut self, f: F) -> &mut Self
    where
        F: Fn(&TaskMeta<'_>) + Send + Sync + 'static,
    {
        self.hooks.before_poll = Some(Arc::new(f));
        self
    }

    /// What to call after each poll of a task, on the thread that polled it. The task may be over, and others may know.
    ///
    /// # Examples
    /// ```
    /// use std::sync::Mutex;
    ///
    /// static LAST: Mutex<Option<unstuck::task::Id>> = Mutex::new(None);
    /// let runtime = unstuck::runtime::Builder::new_current_thread()
    ///     .on_after_task_poll(|task| *LAST.lock().unwrap() = Some(task.id()))
    ///     .build()?;
    /// let task = runtime.spawn(async {});
    /// let id = task.id();
    /// runtime.block_on(task).unwrap();
    /// assert_eq!(*LAST.lock().unwrap(), Some(id));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn on_after_task_poll<F>(&mut self, f: F) -> &mut Self
    where
        F: Fn(&TaskMeta<'_>) + Send + Sync + 'static,
    {
        self.hooks.after_poll = Some(Arc::new(f));
        self
    }

    /// What to call when a task is over: it completed, panicked or was cancelled, also by the shutdown of the runtime. Its
    /// future is gone then, and who joins it is told after the hook.
    ///
    /// # Examples
    /// ```
    /// use std::sync::Arc;
    /// use std::sync::atomic::{AtomicUsize, Ordering};
    ///
    /// let over = Arc::new(AtomicUsize::new(0));
    /// let count = over.clone();
    /// let runtime = unstuck::runtime::Builder::new_current_thread()
    ///     .on_task_terminate(move |_task| {
    ///         count.fetch_add(1, Ordering::Relaxed);
    ///     })
    ///     .build()?;
    /// let task = runtime.spawn(async {});
    /// runtime.block_on(task).unwrap();
    /// assert_eq!(over.load(Ordering::Relaxed), 1);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn on_task_terminate<F>(&mut self, f: F) -> &mut Self
    where
        F: Fn(&TaskMeta<'_>) + Send + Sync + 'static,
    {
        self.hooks.terminate = Some(Arc::new(f));
        self
    }

    /// What a task that panics does to the runtime; [`UnhandledPanic::Ignore`] without this. Every sort of runtime can do all
    /// of it. To be told of each panic, and go on: [`on_unhandled_panic`](Builder::on_unhandled_panic).
    ///
    /// Only a panic in a poll counts, not one of the drop of a task that is cancelled. For the tasks of a
    /// [`LocalSet`](crate::task::LocalSet), [that says](crate::task::LocalSet::unhandled_panic) what is done.
    ///
    /// # Examples
    /// ```should_panic
    /// use unstuck::runtime::{Builder, UnhandledPanic};
    ///
    /// let runtime =
    ///     Builder::new_current_thread().unhandled_panic(UnhandledPanic::ShutdownRuntime).build().unwrap();
    /// runtime.block_on(async {
    ///     unstuck::spawn(async { panic!("boom") });
    ///     std::future::pending::<()>().await; // panics
    /// });
    /// ```
    pub fn unhandled_panic(&mut self, behavior: UnhandledPanic) -> &mut Self {
        self.hooks.panic.then = behavior.then();
        self
    }

    /// What to call when a task panics, or a closure of [`spawn_blocking`](crate::task::spawn_blocking): on the thread that
    /// ran it, before anybody who joins it is told. After that comes what [`unhandled_panic`](Builder::unhandled_panic) says.
    ///
    /// The panic hook of std, which knows the line that panicked, has been called before. This one knows the task: its id,
    /// name, and where it was spawned.
    ///
    /// # Examples
    /// ```
    /// use std::sync::Mutex;
    ///
    /// static ALARMS: Mutex<Vec<String>> = Mutex::new(Vec::new());
    /// let runtime = unstuck::runtime::Builder::new_multi_thread()
    ///     .on_unhandled_panic(|panic| {
    ///         let what = panic.message().unwrap_or("something");
    ///         ALARMS.lock().unwrap().push(format!("{what} (spawned at {})", panic.spawned_at()));
    ///     })
    ///     .build()?;
    /// let task = runtime.spawn(async { panic!("boom") });
    /// assert!(runtime.block_on(task).unwrap_err().is_panic());
    /// assert!(ALARMS.lock().unwrap()[0].starts_with("boom (spawned at "));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn on_unhandled_panic<F>(&mut self, f: F) -> &mut Self
    where
        F: Fn(&TaskPanic<'_>) + Send + Sync + 'static,
    {
        self.hooks.panic.hook = Some(Arc::new(f));
        self
    }
}
