//! What did not stop when a runtime was told to.
//!
//! 1. It is a record: what it names may have stopped since.

use std::fmt;
use std::panic::Location;
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{slice, vec};

use unstuck_scheduler::blocking::RunningClosure;
use unstuck_task::Probe;

use crate::task::Id;

/// What had not stopped when [`Runtime::shutdown_report`](super::Runtime::shutdown_report) returned: each task that was in
/// a poll, or whose future was being dropped, and each closure of [`spawn_blocking`](crate::task::spawn_blocking); and what
/// was still to be dropped.
///
/// It prints a line for each, which says what to do.
///
/// # Examples
/// ```
/// use std::sync::mpsc;
/// use std::time::Duration;
///
/// let runtime = unstuck::runtime::Runtime::new()?;
/// let (release, held) = mpsc::channel::<()>();
/// let (begin, begun) = mpsc::channel();
/// runtime.spawn_blocking(move || {
///     begin.send(()).unwrap();
///     held.recv()
/// });
/// begun.recv().unwrap();
///
/// let report = runtime.shutdown_report(Duration::from_millis(10));
/// if !report.is_empty() {
///     eprintln!("{report}");
/// }
/// assert_eq!(report.len(), 1);
/// drop(release);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Default)]
#[must_use = "it says what did not stop; `shutdown_timeout` does the same without saying so"]
pub struct ShutdownReport {
    stragglers: Vec<Straggler>,
}

/// One of those that a [`ShutdownReport`] names.
///
/// # Examples
/// ```
/// use unstuck::runtime::{Straggler, StragglerKind};
///
/// /// Whether the program may end without waiting for it any longer.
/// fn may_be_left(straggler: &Straggler) -> bool {
///     straggler.kind() == StragglerKind::Blocking && straggler.name() == Some("cache clean-up")
/// }
/// ```
#[derive(Clone)]
pub struct Straggler {
    kind: StragglerKind,
    id: Id,
    name: Option<Arc<str>>,
    spawned_at: &'static Location<'static>,
    running_for: Duration,
}

/// What a [`Straggler`] is.
///
/// # Examples
/// ```
/// use unstuck::runtime::{Builder, StragglerKind};
/// # use std::time::Duration;
///
/// let runtime = Builder::new_current_thread().build()?;
/// # let (begin, begun) = std::sync::mpsc::channel();
/// runtime.spawn_blocking(move || {
/// #   begin.send(()).unwrap();
///     std::thread::sleep(Duration::from_secs(3600))
/// });
/// # begun.recv().unwrap();
/// let report = runtime.shutdown_report(Duration::ZERO);
/// assert!(report.iter().all(|straggler| straggler.kind() == StragglerKind::Blocking));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum StragglerKind {
    /// A task whose poll has not returned, or the drop of whose future has not.
    Task,
    /// A closure of [`spawn_blocking`](crate::task::spawn_blocking), or an operation of [`fs`](crate::fs) or on a standard
    /// stream, which are the same. It runs; or it had not begun, and the drop of what it was given has not returned.
    Blocking,
    /// A task or closure that will not run any more, and waits to be dropped. The threads had no time for it: there was
    /// little, or the drops of others have not returned.
    Left,
}

impl ShutdownReport {
    /// Of what was left at `now` by a shutdown that began at `began`.
    pub(super) fn new(
        began: Instant,
        now: Instant,
        tasks: Vec<(Instant, Probe)>,
        (running, left): (Vec<RunningClosure>, Vec<RunningClosure>),
    ) -> Self {
        let of_task = |(since, Probe { id, name, spawned_at, running, .. })| Straggler {
            kind: if running { StragglerKind::Task } else { StragglerKind::Left },
            id,
            name,
            spawned_at,
            running_for: now.saturating_duration_since(since),
        };
        let of_closure = |kind, since, RunningClosure { id, name, spawned_at, .. }| Straggler {
            kind,
            id,
            name,
            spawned_at,
            running_for: now.saturating_duration_since(since),
        };
        let running = running.into_iter().map(|closure| of_closure(StragglerKind::Blocking, closure.since, closure));
        let left = left.into_iter().map(|closure| of_closure(StragglerKind::Left, began, closure));
        let mut stragglers: Vec<_> = tasks.into_iter().map(of_task).chain(running).chain(left).collect();
        stragglers.sort_by_key(|straggler| straggler.kind);
        ShutdownReport { stragglers }
    }

    /// Whether everything has stopped.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    ///
    /// let runtime = unstuck::runtime::Runtime::new()?;
    /// runtime.spawn(std::future::pending::<()>());
    /// assert!(runtime.shutdown_report(Duration::from_secs(60)).is_empty()); // who waits can be dropped
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn is_empty(&self) -> bool {
        self.stragglers.is_empty()
    }

    /// How many have not stopped.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    ///
    /// let runtime = unstuck::runtime::Runtime::new()?;
    /// let report = runtime.shutdown_report(Duration::from_secs(60));
    /// assert_eq!(report.len(), 0);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn len(&self) -> usize {
        self.stragglers.len()
    }

    /// Each of them: tasks first, then closures, then what only waits to be dropped.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    ///
    /// let runtime = unstuck::runtime::Runtime::new()?;
    /// for straggler in runtime.shutdown_report(Duration::from_secs(1)).iter() {
    ///     eprintln!("{} has not stopped, spawned at {}", straggler.id(), straggler.spawned_at());
    /// }
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn iter(&self) -> slice::Iter<'_, Straggler> {
        self.stragglers.iter()
    }
}

impl Straggler {
    /// What it is.
    ///
    /// # Examples
    /// ```
    /// use unstuck::runtime::{Straggler, StragglerKind};
    ///
    /// /// A task that does not come back is an error in the program; a closure may have good reasons.
    /// fn is_a_mistake(straggler: &Straggler) -> bool {
    ///     straggler.kind() == StragglerKind::Task
    /// }
    /// ```
    pub fn kind(&self) -> StragglerKind {
        self.kind
    }

    /// Its id, as [`JoinHandle::id`](crate::task::JoinHandle::id) told it.
    ///
    /// # Examples
    /// ```
    /// use unstuck::runtime::ShutdownReport;
    /// use unstuck::task::Id;
    ///
    /// fn has_stopped(task: Id, report: &ShutdownReport) -> bool {
    ///     report.iter().all(|straggler| straggler.id() != task)
    /// }
    /// ```
    pub fn id(&self) -> Id {
        self.id
    }

    /// What its spawner called it: see [`task::Builder`](crate::task::Builder). Most have no name.
    ///
    /// # Examples
    /// ```
    /// use unstuck::runtime::Straggler;
    ///
    /// fn title(straggler: &Straggler) -> String {
    ///     straggler.name().map_or_else(|| straggler.id().to_string(), str::to_owned)
    /// }
    /// ```
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Where it was spawned.
    ///
    /// # Examples
    /// ```
    /// use unstuck::runtime::Straggler;
    ///
    /// /// Whether our own code has spawned it, rather than a library.
    /// fn is_ours(straggler: &Straggler) -> bool {
    ///     straggler.spawned_at().file().starts_with("src/")
    /// }
    /// ```
    pub fn spawned_at(&self) -> &'static Location<'static> {
        self.spawned_at
    }

    /// For how long it had been running when the report was made.
    ///
    /// For a blocking closure: since a thread took it up. For a task it is how long its poll has lasted *at least*, since no
    /// clock is read when a poll begins: since the shutdown began, or longer where the runtime's monitor had noticed the poll
    /// before. For what waits to be dropped: since the shutdown began.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use unstuck::runtime::ShutdownReport;
    ///
    /// fn longest(report: &ShutdownReport) -> Duration {
    ///     report.iter().map(|straggler| straggler.running_for()).max().unwrap_or_default()
    /// }
    /// ```
    pub fn running_for(&self) -> Duration {
        self.running_for
    }
}

impl<'a> IntoIterator for &'a ShutdownReport {
    type Item = &'a Straggler;
    type IntoIter = slice::Iter<'a, Straggler>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl IntoIterator for ShutdownReport {
    type Item = Straggler;
    type IntoIter = vec::IntoIter<Straggler>;

    fn into_iter(self) -> Self::IntoIter {
        self.stragglers.into_iter()
    }
}

impl fmt::Display for ShutdownReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("everything has stopped");
        }
        for (index, straggler) in self.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            straggler.fmt(f)?;
        }
        Ok(())
    }
}

impl fmt::Display for Straggler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Straggler { kind, id, name, spawned_at, running_for } = self;
        let (what, since, cure) = match kind {
            StragglerKind::Task => (
                "task",
                "has been in one poll for at least",
                "it blocks its thread, or computes: move that to `spawn_blocking`, or `yield_now` in between",
            ),
            StragglerKind::Blocking => (
                "blocking closure",
                "has been running for",
                "nobody can interrupt it: let it look at a `CancellationToken`, and wait with a timeout only",
            ),
            StragglerKind::Left => (
                "task or closure",
                "has waited to be dropped for",
                "see those that are running, or give the shutdown more time",
            ),
        };
        write!(f, "{what} {id}")?;
        if let Some(name) = name {
            write!(f, " {name:?}")?;
        }
        write!(f, ", spawned at {spawned_at}, {since} {running_for:?}; {cure}")
    }
}

impl fmt::Debug for ShutdownReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.stragglers).finish()
    }
}

impl fmt::Debug for Straggler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Straggler { kind, id, name, spawned_at, running_for } = self;
        let mut text = f.debug_struct("Straggler");
        text.field("kind", kind).field("id", id).field("name", name).field("spawned_at", spawned_at);
        text.field("running_for", running_for).finish()
    }
}
