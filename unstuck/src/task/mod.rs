//! Tasks: futures that the runtime runs on their own.
//!
//! A task is what a thread is elsewhere, but costs about a hundred bytes. [`spawn`] starts one; awaiting its
//! [`JoinHandle`] waits for its output. A task whose handle is dropped goes on; a task that panics affects nobody else, its
//! panic is handed to whoever awaits the handle.
//!
//! | to do | use |
//! |---|---|
//! | run something concurrently | [`spawn`] |
//! | run many things, and take their outputs as they come | [`JoinSet`] |
//! | call code that blocks, or computes for long | [`spawn_blocking`]; [`block_in_place`] if it can't be moved to another thread |
//! | run futures that are not `Send` | [`LocalSet`] with [`spawn_local`] |
//! | give way to other tasks in a long computation | [`yield_now`], or [`coop::consume_budget`] |
//! | know in which request, say, the code runs | [`task_local!`](crate::task_local!) |
//!
//! A task runs until it reaches an `.await` that has to wait. Code that does not reach one for long keeps its thread busy;
//! on the multi-threaded runtime other tasks then go on elsewhere, but the work itself is better done by
//! [`spawn_blocking`].
//!
//! # Examples
//!
//! ```
//! use unstuck::task;
//!
//! # #[unstuck::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), task::JoinError> {
//! let one = task::spawn(async { 1 });
//! let two = task::spawn_blocking(|| 1 + 1);
//! assert_eq!(one.await? + two.await?, 3);
//! # Ok(())
//! # }
//! ```
//!
//! Rules of this folder: nothing here keeps a queue; tasks are spawned through the current runtime or local set, at the
//! line of the user's code.

mod block_in_place;
mod builder;
pub mod coop;
mod id;
pub mod join_set;
mod local;
mod spawn;
mod task_local;
mod yield_now;

pub use block_in_place::block_in_place;
pub use builder::Builder;
pub use id::{id, try_id};
pub use join_set::JoinSet;
pub use local::{LocalEnterGuard, LocalSet, spawn_local};
pub use spawn::{spawn, spawn_blocking};
pub use task_local::LocalKey;
pub use unstuck_task::{Id, JoinError};
pub use yield_now::yield_now;

/// The right to end a task early, apart from the right to its output.
///
/// # Examples
///
/// ```
/// use unstuck::task;
///
/// # #[unstuck::main(flavor = "current_thread")]
/// # async fn main() {
/// let task = task::spawn(std::future::pending::<()>());
/// let abort = task.abort_handle();
/// assert_eq!(abort.id(), task.id());
///
/// abort.abort();
/// assert!(task.await.unwrap_err().is_cancelled());
/// assert!(abort.is_finished());
/// # }
/// ```
#[doc(inline)]
pub use unstuck_task::AbortHandle;

/// What [`spawn`] returns: a future of the task's output, and a handle to the task.
///
/// # Examples
///
/// The output of a task, the panic of another, and a third that is ended early:
///
/// ```
/// use unstuck::task;
///
/// # #[unstuck::main(flavor = "current_thread")]
/// # async fn main() {
/// let sum = task::spawn(async { 1 + 2 });
/// assert_eq!(sum.await.unwrap(), 3);
///
/// let broken = task::spawn(async { panic!("out of paper") });
/// let error: task::JoinError = broken.await.unwrap_err();
/// assert_eq!(error.into_panic().downcast_ref(), Some(&"out of paper"));
///
/// let endless = task::spawn(std::future::pending::<()>());
/// assert!(!endless.is_finished());
/// endless.abort();
/// assert!(endless.await.unwrap_err().is_cancelled());
/// # }
/// ```
///
/// Dropping the handle lets the task go on:
///
/// ```
/// use unstuck::{sync::oneshot, task};
///
/// # #[unstuck::main(flavor = "current_thread")]
/// # async fn main() {
/// let (sender, receiver) = oneshot::channel();
/// drop(task::spawn(async { sender.send("still here") }));
/// assert_eq!(receiver.await, Ok("still here"));
/// # }
/// ```
#[doc(inline)]
pub use unstuck_task::JoinHandle;

#[doc(hidden)]
pub use task_local::LocalCell as __LocalCell;

#[doc(hidden)]
pub use coop::{Unconstrained, consume_budget, unconstrained};

/// The futures that have a name.
pub mod futures {
    pub use super::task_local::TaskLocalFuture;
}
