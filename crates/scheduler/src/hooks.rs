//! What the user wants to be told of, and how a task is polled when something of that concerns polls.
//!
//! 1. A hook runs where the thing happens, inside the runtime's context, with no lock held.
//! 2. A panic of a hook ends where it is called: it harms neither the thread nor the task.
//! 3. Without hooks and without a histogram, a poll costs a few branches more than none of this would.

use std::fmt;
use std::panic::Location;
use std::sync::Arc;
use std::time::{Duration, Instant};

use unstuck_base::quietly;
use unstuck_driver::Kernel;
use unstuck_task::{Id, Origin, Runnable};

use crate::counts::Counts;
use crate::panics::OnPanic;

/// A hook of the user's, run on a thread of the runtime.
pub type Hook = Arc<dyn Fn() + Send + Sync>;

/// A hook of the user's that concerns one task.
pub type TaskHook = Arc<dyn Fn(&TaskMeta<'_>) + Send + Sync>;

/// What the user wants to be told of.
#[derive(Clone, Default)]
pub struct Hooks {
    /// A thread of the runtime (worker or blocking) has started.
    pub start: Option<Hook>,
    /// A thread of the runtime is about to end.
    pub stop: Option<Hook>,
    /// A worker is about to sleep.
    pub park: Option<Hook>,
    /// A worker has slept.
    pub unpark: Option<Hook>,
    /// A task was spawned, and is about to be queued.
    pub spawn: Option<TaskHook>,
    /// A task is about to be polled.
    pub before_poll: Option<TaskHook>,
    /// A task was polled.
    pub after_poll: Option<TaskHook>,
    /// A task is over: completed, panicked or cancelled.
    pub terminate: Option<TaskHook>,
    /// A task has panicked.
    pub panic: OnPanic,
}

/// What a hook is told of a task.
///
/// # Examples
/// ```
/// # mod unstuck { pub use unstuck_scheduler as runtime; pub use unstuck_task as task; }
/// use unstuck::runtime::TaskMeta;
///
/// fn describe(task: &TaskMeta<'_>) -> String {
///     format!("task {}, spawned at {}", task.id(), task.spawned_at())
/// }
/// ```
pub struct TaskMeta<'a> {
    origin: Origin<'a>,
    queued: Option<Duration>,
    forced_yields: u8,
}

impl TaskMeta<'_> {
    /// The task's id.
    ///
    /// # Examples
    /// ```
    /// # mod unstuck { pub use unstuck_scheduler as runtime; pub use unstuck_task as task; }
    /// use std::collections::HashSet;
    /// use unstuck::runtime::TaskMeta;
    /// use unstuck::task::Id;
    ///
    /// /// Remembers a task that was spawned; says whether it is a new one.
    /// fn remember(alive: &mut HashSet<Id>, task: &TaskMeta<'_>) -> bool {
    ///     alive.insert(task.id())
    /// }
    /// ```
    pub fn id(&self) -> Id {
        self.origin.id
    }

    /// Where the task was spawned.
    ///
    /// # Examples
    /// ```
    /// # mod unstuck { pub use unstuck_scheduler as runtime; pub use unstuck_task as task; }
    /// use unstuck::runtime::TaskMeta;
    ///
    /// /// Whether our own code has spawned the task, rather than a library.
    /// fn is_ours(task: &TaskMeta<'_>) -> bool {
    ///     task.spawned_at().file().starts_with("src/")
    /// }
    /// ```
    pub fn spawned_at(&self) -> &'static Location<'static> {
        self.origin.spawned_at
    }

    /// What its spawner called it: see `task::Builder`. Most tasks have no name.
    ///
    /// # Examples
    /// ```
    /// # mod unstuck { pub use unstuck_scheduler as runtime; pub use unstuck_task as task; }
    /// use unstuck::runtime::TaskMeta;
    ///
    /// fn title(task: &TaskMeta<'_>) -> String {
    ///     task.name().map_or_else(|| format!("task {}", task.id()), str::to_owned)
    /// }
    /// ```
    pub fn name(&self) -> Option<&str> {
        self.origin.name
    }

    /// How long the task was queued before this poll: from when it was spawned or woken until a thread took it up. `None`
    /// where the hook is not about a poll, or where the runtime does not measure it; it does if its builder was asked for
    /// `track_task_schedule_latency`, or for a histogram of this.
    ///
    /// # Examples
    /// ```
    /// # mod unstuck { pub use unstuck_scheduler as runtime; pub use unstuck_task as task; }
    /// use std::time::Duration;
    /// use unstuck::runtime::TaskMeta;
    ///
    /// /// Whether the task has waited for so long that somebody should look at what the other tasks do.
    /// fn was_kept_waiting(task: &TaskMeta<'_>) -> bool {
    ///     task.schedule_latency().is_some_and(|latency| latency > Duration::from_millis(100))
    /// }
    /// ```
    pub fn schedule_latency(&self) -> Option<Duration> {
        self.queued
    }

    /// How many polls of the task before this one were made to end, since they had used up their budget (`task::coop` has
    /// more on that); 255 stands for more. 0 where the hook is not about a poll.
    ///
    /// Such a task never waits, as far as the runtime can see: it may be one that does too much at a time.
    ///
    /// This is unstuck's own: Tokio has no such method.
    ///
    /// # Examples
    /// ```
    /// # mod unstuck { pub use unstuck_scheduler as runtime; pub use unstuck_task as task; }
    /// use unstuck::runtime::TaskMeta;
    ///
    /// /// Whether somebody should look at what this task does.
    /// fn hogs_its_thread(task: &TaskMeta<'_>) -> bool {
    ///     task.forced_yields() > 100
    /// }
    /// ```
    pub fn forced_yields(&self) -> u8 {
        self.forced_yields
    }
}

impl TaskMeta<'_> {
    fn of(origin: Origin<'_>) -> TaskMeta<'_> {
        TaskMeta { origin, queued: None, forced_yields: 0 }
    }
}

impl fmt::Debug for TaskMeta<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Origin { id, spawned_at, name } = &self.origin;
        let mut text = f.debug_struct("TaskMeta");
        text.field("id", id).field("spawned_at", spawned_at).field("name", name);
        text.field("schedule_latency", &self.queued).field("forced_yields", &self.forced_yields).finish()
    }
}

impl Hooks {
    pub(crate) fn spawned(&self, origin: Origin<'_>) {
        tell(&self.spawn, TaskMeta::of(origin));
    }

    pub(crate) fn terminated(&self, origin: Origin<'_>) {
        tell(&self.terminate, TaskMeta::of(origin));
    }
}

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hooks").finish_non_exhaustive()
    }
}

/// Runs a hook; its panic ends here (rule 2).
pub(crate) fn run_hook(hook: &Option<Hook>) {
    if let Some(hook) = hook {
        quietly(|| hook());
    }
}

/// Polls a task, which counts itself what it measures. With a `clock` it is known when the task was queued. `was_long` says
/// after the poll whether it was long.
#[inline]
pub(crate) fn poll(
    task: Runnable,
    hooks: &Hooks,
    counts: &Counts,
    clock: Option<&QueueClock>,
    now: impl Fn() -> Instant,
    was_long: impl FnOnce() -> bool,
) {
    let times = counts.poll_times();
    if hooks.before_poll.is_none() && hooks.after_poll.is_none() && times.is_none() && clock.is_none() {
        return task.run_noting(was_long);
    }
    let queued = clock.map(|clock| clock.has_queued(&task));
    if let (Some(times), Some(queued)) = (counts.queue_times(), queued) {
        times.record(queued);
    }
    // Kept for what comes after the poll: the task may be gone by then.
    let (name, forced_yields) = (task.name(), task.forced_yields());
    let origin = Origin { name: name.as_deref(), ..Origin::new(task.id(), task.spawned_at()) };
    let meta = || TaskMeta { origin, queued, forced_yields };
    tell(&hooks.before_poll, meta());
    match times {
        None => task.run_noting(was_long),
        Some(times) => {
            let began = now();
            task.run_noting(was_long);
            times.record(now().saturating_duration_since(began));
        }
    }
    tell(&hooks.after_poll, meta());
}

#[inline]
fn tell(hook: &Option<TaskHook>, task: TaskMeta<'_>) {
    if let Some(hook) = hook {
        quietly(|| hook(&task));
    }
}

/// When tasks are queued, in nanoseconds since it was made.
pub(crate) struct QueueClock {
    kernel: Arc<dyn Kernel>,
    began: Instant,
}

/// Notes on a task that it is queued now, if that is measured.
#[inline]
pub(crate) fn queued(clock: &Option<QueueClock>, mut task: Runnable) -> Runnable {
    if let Some(clock) = clock {
        task.set_queued_at(clock.now());
    }
    task
}

impl QueueClock {
    pub(crate) fn new(kernel: Arc<dyn Kernel>) -> Self {
        QueueClock { began: kernel.real_now(), kernel }
    }

    fn has_queued(&self, task: &Runnable) -> Duration {
        let now = self.now();
        Duration::from_nanos(now.saturating_sub(task.queued_at().unwrap_or(now)))
    }

    fn now(&self) -> u64 {
        // 500 years fit.
        self.kernel.real_now().saturating_duration_since(self.began).as_nanos() as u64
    }
}
