//! Which task is this?

use unstuck_base::local;

use super::Id;

/// The id of the task that this code runs in; the destructors of a task's future and output count as part of it.
///
/// # Panics
///
/// Outside a task, which includes the future given to [`block_on`](crate::runtime::Runtime::block_on): it has no id.
///
/// # Examples
///
/// ```
/// # #[unstuck::main(flavor = "current_thread")]
/// # async fn main() {
/// let task = unstuck::spawn(async { unstuck::task::id() });
/// let id = task.id();
/// assert_eq!(task.await.unwrap(), id);
/// # }
/// ```
#[track_caller]
pub fn id() -> Id {
    try_id().expect(
        "Can't get a task id when not inside a task: this is outside a runtime or in the future of a `block_on`; `spawn` it, \
         or ask `try_id`",
    )
}

/// The id of the task that this code runs in; `None` outside a task.
///
/// # Examples
///
/// ```
/// assert_eq!(unstuck::task::try_id(), None);
/// ```
pub fn try_id() -> Option<Id> {
    let task = local::current_task()?;
    (!task.root).then(|| Id::from_number(task.id))
}
