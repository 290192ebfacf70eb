//! How a file operation reaches the disk of the current runtime: as blocking work.
//!
//! 1. One operation is one trip to a thread that may block, whatever it does there. It keeps a paused clock from jumping, as
//!    any blocking work.
//! 2. A future that is dropped leaves its operation alone: it is done to its end, or, if the runtime ends first, not at all.

use std::fs::File;
use std::io;
use std::panic::Location;
use std::sync::Arc;

use unstuck_base::local;
use unstuck_context::{Handle, current};
use unstuck_driver::readiness::shutdown_error;
use unstuck_driver::{Disk, Kernel};
use unstuck_task::{Id, JoinError, Origin};

use crate::called_at::{Line, current_at};
use crate::task::JoinHandle;

/// What an operation on a thread that may block gives, in time.
pub(crate) type Trip<T> = JoinHandle<T>;

/// Does `work` on a thread that may block, for a future that was asked for at `at`.
///
/// # Panics
/// When polled outside a runtime.
pub(super) async fn on_disk<R>(
    at: Line,
    work: impl FnOnce(&dyn Disk) -> io::Result<R> + Send + 'static,
) -> io::Result<R>
where
    R: Send + 'static,
{
    begin_at(at, current_at(at), move |kernel| work(kernel.disk()?)).await.map_err(not_done)?
}

/// As [`on_disk`], with an open file, which is let go of before the future is ready.
///
/// # Panics
/// When polled outside a runtime.
pub(super) async fn on_file<R>(
    at: Line,
    file: Arc<File>,
    work: impl FnOnce(&dyn Disk, &File) -> io::Result<R> + Send + 'static,
) -> io::Result<R>
where
    R: Send + 'static,
{
    on_disk(at, move |disk| work(disk, &file)).await
}

/// Begins `work` on a thread of `runtime` that may block, and does not wait for it.
#[track_caller]
pub(crate) fn begin<R>(runtime: Handle, work: impl FnOnce(&dyn Kernel) -> R + Send + 'static) -> Trip<R>
where
    R: Send + 'static,
{
    begin_at(Location::caller(), runtime, work)
}

/// As [`begin`], for what was asked for at `at`: who is told of the work is told that line.
#[track_caller]
fn begin_at<R>(at: Line, runtime: Handle, work: impl FnOnce(&dyn Kernel) -> R + Send + 'static) -> Trip<R>
where
    R: Send + 'static,
{
    let kernel = runtime.parts().kernel.clone();
    let origin = Origin::new(Id::from_number(local::next_task_id()), at);
    runtime.spawn_blocking_from(move || work(&*kernel), origin)
}

/// As [`begin`] in the current runtime, for work that somebody will be told is as good as done: it is done also when the runtime ends before it
/// began.
///
/// # Errors
/// The runtime has shut down.
///
/// # Panics
/// Outside a runtime.
#[track_caller]
pub(crate) fn promise<R>(work: impl FnOnce(&dyn Kernel) -> R + Send + 'static) -> io::Result<Trip<R>>
where
    R: Send + 'static,
{
    let runtime = current();
    let kernel = runtime.parts().kernel.clone();
    runtime.spawn_promised(move || work(&*kernel)).ok_or_else(shutdown_error)
}

/// The operation was not done, or panicked.
pub(crate) fn not_done(_why: JoinError) -> io::Error {
    io::Error::other("background task failed")
}
