//! What the user wants to be told of, and how a task is polled when something of that concerns polls.
//!
//! 1. A hook runs where the thing happens, inside the runtime's context, with no lock held.
//! 2. A panic of a hook ends where it is called: it harms neither the thread nor the task.
//! 3. Without hooks and without a histogram, a poll costs two branches more than none of this would.

use std::fmt;
use std::marker::PhantomData;
use std::panic::Location;
use std::sync::Arc;
use std::time::Instant;

use unstuck_task::{Id, Runnable};

use crate::counts::PollTimes;
use crate::quietly;

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
}

/// What a hook is told of a task.
///
/// # Examples
/// ```
/// # use unstuck_scheduler::TaskMeta;
/// fn describe(task: &TaskMeta<'_>) -> String {
///     format!("task {}, spawned at {}", task.id(), task.spawned_at())
/// }
/// ```
pub struct TaskMeta<'a> {
    id: Id,
    spawned_at: &'static Location<'static>,
    _room_for_more: PhantomData<&'a ()>,
}

impl TaskMeta<'_> {
    fn new(id: Id, spawned_at: &'static Location<'static>) -> Self {
        TaskMeta { id, spawned_at, _room_for_more: PhantomData }
    }

    /// The task's id.
    ///
    /// # Examples
    /// ```
    /// use std::collections::HashSet;
    /// use unstuck_scheduler::TaskMeta;
    /// use unstuck_task::Id;
    ///
    /// /// Remembers a task that was spawned; says whether it is a new one.
    /// fn remember(alive: &mut HashSet<Id>, task: &TaskMeta<'_>) -> bool {
    ///     alive.insert(task.id())
    /// }
    /// ```
    pub fn id(&self) -> Id {
        self.id
    }

    /// Where the task was spawned.
    ///
    /// # Examples
    /// ```
    /// use unstuck_scheduler::TaskMeta;
    ///
    /// /// Whether our own code has spawned the task, rather than a library.
    /// fn is_ours(task: &TaskMeta<'_>) -> bool {
    ///     task.spawned_at().file().starts_with("src/")
    /// }
    /// ```
    pub fn spawned_at(&self) -> &'static Location<'static> {
        self.spawned_at
    }
}

impl fmt::Debug for TaskMeta<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskMeta").field("id", &self.id).field("spawned_at", &self.spawned_at).finish()
    }
}

impl Hooks {
    pub(crate) fn spawned(&self, id: Id, spawned_at: &'static Location<'static>) {
        tell(&self.spawn, id, spawned_at);
    }

    pub(crate) fn terminated(&self, id: Id, spawned_at: &'static Location<'static>) {
        tell(&self.terminate, id, spawned_at);
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

/// Polls a task. `times` takes how long that took.
#[inline]
pub(crate) fn poll(task: Runnable, hooks: &Hooks, times: Option<&PollTimes>, now: impl Fn() -> Instant) {
    if hooks.before_poll.is_none() && hooks.after_poll.is_none() && times.is_none() {
        return task.run();
    }
    let (id, spawned_at) = (task.id(), task.spawned_at());
    tell(&hooks.before_poll, id, spawned_at);
    match times {
        None => task.run(),
        Some(times) => {
            let began = now();
            task.run();
            times.record(now().saturating_duration_since(began));
        }
    }
    tell(&hooks.after_poll, id, spawned_at);
}

#[inline]
fn tell(hook: &Option<TaskHook>, id: Id, spawned_at: &'static Location<'static>) {
    if let Some(hook) = hook {
        quietly(|| hook(&TaskMeta::new(id, spawned_at)));
    }
}
