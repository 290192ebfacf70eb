//! What is done about a task that panics, beside telling who joins it.
//!
//! 1. It is done on the thread that polled the task, whose future is gone by then, with no lock held, before anybody who
//!    joins it is told.
//! 2. First the user's hook is called, whose own panic ends there. Then the process ends, or the runtime, or nothing does.
//! 3. Tasks that do not panic pay nothing for it.

use std::any::Any;
use std::fmt;
use std::io::Write;
use std::panic::Location;
use std::sync::Arc;

use unstuck_base::quietly;
use unstuck_task::{Id, Origin};

/// A hook of the user's that concerns a panic.
pub type PanicHook = Arc<dyn Fn(&TaskPanic<'_>) + Send + Sync>;

/// What is to be done about a task that panics.
#[derive(Clone, Default)]
pub struct OnPanic {
    /// Called for each.
    pub hook: Option<PanicHook>,
    /// What comes after that.
    pub then: Then,
}

/// What a panic ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Then {
    /// The task.
    #[default]
    Nothing,
    /// The runtime. A blocking closure does not end it.
    End,
    /// The process.
    Abort,
}

/// A panic of a task, as a hook is told of it.
///
/// It prints as one line: which task, where it was spawned, and the message.
///
/// # Examples
/// ```
/// # mod unstuck { pub use unstuck_scheduler as runtime; }
/// use unstuck::runtime::TaskPanic;
///
/// fn log(panic: &TaskPanic<'_>) {
///     eprintln!("error: {panic}");
/// }
/// ```
pub struct TaskPanic<'a> {
    origin: Origin<'a>,
    payload: &'a (dyn Any + Send),
    is_blocking: bool,
}

impl<'a> TaskPanic<'a> {
    pub(crate) fn of_task(origin: Origin<'a>, payload: &'a (dyn Any + Send)) -> Self {
        TaskPanic { origin, payload, is_blocking: false }
    }

    pub(crate) fn of_closure(origin: Origin<'a>, payload: &'a (dyn Any + Send)) -> Self {
        TaskPanic { origin, payload, is_blocking: true }
    }
}

impl TaskPanic<'_> {
    /// The task's id.
    ///
    /// # Examples
    /// ```
    /// # mod unstuck { pub use unstuck_scheduler as runtime; pub use unstuck_task as task; }
    /// use std::sync::Mutex;
    /// use unstuck::runtime::TaskPanic;
    /// use unstuck::task::Id;
    ///
    /// fn remember(broken: &Mutex<Vec<Id>>, panic: &TaskPanic<'_>) {
    ///     broken.lock().unwrap().push(panic.id());
    /// }
    /// ```
    pub fn id(&self) -> Id {
        self.origin.id
    }

    /// What its spawner called it: see `task::Builder`. Most tasks have no name.
    ///
    /// # Examples
    /// ```
    /// # mod unstuck { pub use unstuck_scheduler as runtime; }
    /// use unstuck::runtime::TaskPanic;
    ///
    /// fn title(panic: &TaskPanic<'_>) -> String {
    ///     panic.name().map_or_else(|| format!("task {}", panic.id()), str::to_owned)
    /// }
    /// ```
    pub fn name(&self) -> Option<&str> {
        self.origin.name
    }

    /// Where it was spawned. Where it panicked, `std::panic::set_hook` is told.
    ///
    /// # Examples
    /// ```
    /// # mod unstuck { pub use unstuck_scheduler as runtime; }
    /// use unstuck::runtime::TaskPanic;
    ///
    /// /// Whether our own code has spawned the task, rather than a library.
    /// fn is_ours(panic: &TaskPanic<'_>) -> bool {
    ///     panic.spawned_at().file().starts_with("src/")
    /// }
    /// ```
    pub fn spawned_at(&self) -> &'static Location<'static> {
        self.origin.spawned_at
    }

    /// Whether it is a closure of `spawn_blocking`.
    ///
    /// # Examples
    /// ```
    /// # mod unstuck { pub use unstuck_scheduler as runtime; }
    /// use unstuck::runtime::TaskPanic;
    ///
    /// fn kind(panic: &TaskPanic<'_>) -> &'static str {
    ///     if panic.is_blocking() { "blocking work" } else { "a task" }
    /// }
    /// ```
    pub fn is_blocking(&self) -> bool {
        self.is_blocking
    }

    /// What it panicked with, if that is text, as the payload of `panic!` is.
    ///
    /// # Examples
    /// ```
    /// # mod unstuck { pub use unstuck_scheduler as runtime; }
    /// use unstuck::runtime::TaskPanic;
    ///
    /// fn is_assertion(panic: &TaskPanic<'_>) -> bool {
    ///     panic.message().is_some_and(|message| message.starts_with("assertion"))
    /// }
    /// ```
    pub fn message(&self) -> Option<&str> {
        let text = self.payload.downcast_ref::<&'static str>().copied();
        text.or_else(|| self.payload.downcast_ref::<String>().map(String::as_str))
    }

    /// What it panicked with, which whoever joins the task is given.
    ///
    /// # Examples
    /// ```
    /// # mod unstuck { pub use unstuck_scheduler as runtime; }
    /// use unstuck::runtime::TaskPanic;
    ///
    /// /// What our code panics with on purpose, by `std::panic::panic_any`.
    /// struct OutOfMoney;
    ///
    /// fn is_on_purpose(panic: &TaskPanic<'_>) -> bool {
    ///     panic.payload().is::<OutOfMoney>()
    /// }
    /// ```
    pub fn payload(&self) -> &(dyn Any + Send) {
        self.payload
    }
}

impl fmt::Display for TaskPanic<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Origin { id, spawned_at, name } = self.origin;
        f.write_str(if self.is_blocking { "blocking closure" } else { "task" })?;
        write!(f, " {id}")?;
        if let Some(name) = name {
            write!(f, " {name:?}")?;
        }
        write!(f, ", spawned at {spawned_at}, panicked")?;
        self.message().map_or(Ok(()), |message| write!(f, " with {message:?}"))
    }
}

impl fmt::Debug for TaskPanic<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Origin { id, spawned_at, name } = &self.origin;
        let mut text = f.debug_struct("TaskPanic");
        text.field("id", id).field("spawned_at", spawned_at).field("name", name);
        text.field("is_blocking", &self.is_blocking).field("message", &self.message()).finish_non_exhaustive()
    }
}

impl OnPanic {
    /// Does what is to be done (rule 2). `Some`: the runtime ends, for this reason.
    #[must_use = "the runtime may have to end"]
    pub(crate) fn panicked(&self, panic: &TaskPanic<'_>) -> Option<String> {
        if let Some(hook) = &self.hook {
            quietly(|| hook(panic));
        }
        match self.then {
            Then::Nothing => None,
            Then::End => Some(panic.to_string()),
            Then::Abort => {
                // Nobody may read it, and then there is nothing to be done about that.
                let _nobody_reads_it = writeln!(
                    std::io::stderr(),
                    "unstuck: {panic}; the process aborts, as `UnhandledPanic::Abort` demands"
                );
                std::process::abort()
            }
        }
    }
}

impl fmt::Debug for OnPanic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnPanic").field("then", &self.then).finish_non_exhaustive()
    }
}
