//! Sets of which a limited number of tasks run at the same time.
//!
//! 1. The limit counts futures that are there: a task that is over counts no more, whether it was joined or not.
//! 2. A set spawns only for whoever has it alone, so there is room until that one spawns.

use std::future::Future;
use std::marker::PhantomPinned;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

use unstuck_base::local::{self, WaitKind};
use unstuck_task::Origin;

use super::JoinSet;
use super::members::Members;
use crate::called_at::{called_from, current_at};
use crate::task::{AbortHandle, Id};

impl<T> JoinSet<T> {
    /// An empty set of which no more than `limit` tasks should run at the same time: with
    /// [`spawn_when_free`](JoinSet::spawn_when_free), or any way of spawning after [`until_free`](JoinSet::until_free), whoever
    /// spawns waits while so many run. Tasks that are over don't count, joined or not.
    ///
    /// What does not wait, such as [`spawn`](JoinSet::spawn), spawns beyond the limit too; its tasks count as the others do.
    ///
    /// Tokio's sets have no limit: with Tokio, a semaphore is passed around instead.
    ///
    /// # Panics
    ///
    /// If `limit` is 0: no task could ever be spawned.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::task::JoinSet;
    /// use unstuck::time::{Duration, Instant, sleep};
    ///
    /// # #[unstuck::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() {
    /// let start = Instant::now();
    /// let mut downloads = JoinSet::with_limit(3);
    /// for page in 0..9 {
    ///     downloads
    ///         .spawn_when_free(async move {
    ///             sleep(Duration::from_secs(1)).await;
    ///             page
    ///         })
    ///         .await;
    /// }
    /// assert_eq!(downloads.join_all().await, (0..9).collect::<Vec<_>>());
    /// assert_eq!(start.elapsed().as_secs(), 3); // not 1, nor 9
    /// # }
    /// ```
    #[track_caller]
    pub fn with_limit(limit: usize) -> Self {
        assert!(limit > 0, "a set with a limit of 0 could never have a task: the limit is at least 1");
        JoinSet { members: Members::new(limit) }
    }
}

impl<T: 'static> JoinSet<T> {
    /// Waits until fewer tasks run than the [limit](JoinSet::with_limit) says; at once, where there is none. Then there is
    /// room for one task: it stays until this set spawns.
    ///
    /// For tasks that [`spawn_when_free`](JoinSet::spawn_when_free) does not spawn: local ones, blocking work, tasks with a
    /// name or on another runtime. Tokio's sets don't have this method.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: it changes nothing.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::task::JoinSet;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let mut hashes = JoinSet::with_limit(2);
    /// for n in 0..10_u64 {
    ///     hashes.until_free().await;
    ///     hashes.spawn_blocking(move || n.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    /// }
    /// assert_eq!(hashes.join_all().await.len(), 10);
    /// # }
    /// ```
    #[track_caller]
    pub fn until_free(&mut self) -> impl Future<Output = ()> {
        UntilFree { at: Location::caller(), set: self, _pinned: PhantomPinned }
    }

    /// Waits [until](JoinSet::until_free) fewer tasks run than the [limit](JoinSet::with_limit) says, then spawns `task` on
    /// the current runtime, as a member of the set.
    ///
    /// The outputs of tasks that are over wait in the set for whoever joins them; between two spawns,
    /// [`try_join_next`](JoinSet::try_join_next) takes what is there. It has the set alone while it waits, so tasks are spawned
    /// in the order of the calls. Where several tasks spawn into one set, put it in a [`Mutex`](crate::sync::Mutex), whose
    /// lock they are given in the order in which they asked.
    ///
    /// Tokio's sets don't have this method.
    ///
    /// # Panics
    ///
    /// When it is awaited outside a runtime.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe for the set: if this is dropped while it waits, `task` was not begun, and is dropped with it.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::task::{JoinSet, yield_now};
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let mut sum = 0;
    /// let mut tasks = JoinSet::with_limit(8);
    /// for n in 1..=100 {
    ///     tasks
    ///         .spawn_when_free(async move {
    ///             yield_now().await;
    ///             n
    ///         })
    ///         .await;
    ///     while let Some(output) = tasks.try_join_next() {
    ///         sum += output.unwrap();
    ///     }
    /// }
    /// while let Some(output) = tasks.join_next().await {
    ///     sum += output.unwrap();
    /// }
    /// assert_eq!(sum, 5050);
    /// # }
    /// ```
    #[track_caller]
    pub fn spawn_when_free<F>(&mut self, task: F) -> impl Future<Output = AbortHandle>
    where
        F: Future<Output = T> + Send + 'static,
        T: Send,
    {
        called_from(|at| async move {
            UntilFree { at, set: self, _pinned: PhantomPinned }.await;
            let origin = Origin::new(Id::from_number(local::next_task_id()), at);
            self.insert(current_at(at).spawn_from(task, origin))
        })
    }
}

/// Waits for room in a set; see [`JoinSet::until_free`].
#[must_use = "futures do nothing unless you `.await` or poll them"]
struct UntilFree<'a, T> {
    at: &'static Location<'static>,
    set: &'a mut JoinSet<T>,
    /// As the future of an `async fn`.
    _pinned: PhantomPinned,
}

impl<T> Future for UntilFree<'_, T> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.set.members.poll_free(cx, self.at)
    }
}

impl<T> Drop for UntilFree<'_, T> {
    fn drop(&mut self) {
        local::forget_wait(WaitKind::Join, self.set.members.key());
    }
}
