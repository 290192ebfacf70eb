//! How the runtime's threads are made: their names and stacks, and how many workers there are.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;

use unstuck_scheduler::blocking::StartThread;

/// In bytes: it starts spares, and reads what the system says of threads.
const MONITOR_STACK: usize = 256 * 1024;

/// Gives each thread its name.
pub(super) type NameThread = Arc<dyn Fn() -> String + Send + Sync>;

/// What the builder says about threads.
#[derive(Clone)]
pub(super) struct Threads {
    pub(super) name: NameThread,
    pub(super) stack_size: Option<usize>,
}

impl Threads {
    /// The same name for all of them.
    pub(super) fn named(name: String) -> NameThread {
        Arc::new(move || name.clone())
    }

    /// What starts one.
    pub(super) fn starter(&self) -> StartThread {
        let threads = self.clone();
        Arc::new(move |work| threads.start(work))
    }

    fn start(&self, work: Box<dyn FnOnce() + Send>) -> io::Result<()> {
        // A panic of the user's function must not unwind through whoever needs a thread.
        let name = catch_unwind(AssertUnwindSafe(|| (self.name)()))
            .map_err(|_panic| io::Error::other("the function that names the runtime's threads panicked"))?;
        // std panics where it starts a thread of such a name, and that may be in the middle of a task's wake-up.
        if name.contains('\0') {
            let message = format!("a thread can't be named {name:?}: the name has a zero byte in it");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        let mut builder = thread::Builder::new().name(name);
        if let Some(size) = self.stack_size {
            builder = builder.stack_size(size);
        }
        builder.spawn(work).map(drop)
    }
}

/// Starts the thread of a pool's monitor. It runs no code of the user's, so what the user says of threads does not concern
/// it.
pub(super) fn start_monitor(work: Box<dyn FnOnce() + Send>) -> io::Result<()> {
    thread::Builder::new().name("unstuck-monitor".to_owned()).stack_size(MONITOR_STACK).spawn(work).map(drop)
}

/// How many workers a multi-thread runtime has when nobody says: the variable `TOKIO_WORKER_THREADS`, or as many as the
/// machine can run at the same time.
///
/// # Panics
/// If the variable is set and is not a number above 0.
#[track_caller]
pub(super) fn default_workers() -> usize {
    match std::env::var("TOKIO_WORKER_THREADS") {
        Ok(value) => match value.parse::<usize>() {
            Ok(0) => panic!("\"TOKIO_WORKER_THREADS\" cannot be set to 0: a runtime needs a thread, set 1 or more"),
            Ok(workers) => workers,
            Err(error) => panic!("\"TOKIO_WORKER_THREADS\" must be usize, error: {error}, value: {value}"),
        },
        Err(std::env::VarError::NotPresent) => thread::available_parallelism().map_or(1, usize::from),
        Err(std::env::VarError::NotUnicode(value)) => {
            panic!("\"TOKIO_WORKER_THREADS\" must be valid unicode, error: {value:?}")
        }
    }
}
