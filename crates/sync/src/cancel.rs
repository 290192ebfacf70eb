//! Cancellation tokens: one side says "stop", the others ask or wait, and every token can have children.
//!
//! What users see is here; the tree is in `cancel/node.rs`, the futures in `cancel/waiting.rs`.

mod node;
mod waiting;

use std::fmt;
use std::future::Future;
use std::hash::{Hash, Hasher};
use std::panic::{Location, RefUnwindSafe, UnwindSafe};

use unstuck_base::sync::Arc;

use node::Node;
use waiting::{RunUntilCancelled, Waiting};

pub use waiting::{WaitForCancellationFuture, WaitForCancellationFutureOwned};

/// A sign to stop that can be given once and is seen by all who have the token, its clones or its descendants.
///
/// Clones are the same token. A [child](CancellationToken::child_token) is another one: it is cancelled with its parent,
/// but can be cancelled without it.
///
/// # Examples
///
/// ```
/// use unstuck_sync::cancel::CancellationToken;
///
/// # unstuck_base::parker::block_on(async {
/// let shutdown = CancellationToken::new();
/// let connection = shutdown.child_token();
///
/// let worker = std::thread::spawn({
///     let connection = connection.clone();
///     move || {
///         while !connection.is_cancelled() {
///             std::thread::yield_now();
///         }
///     }
/// });
///
/// shutdown.cancel();
/// connection.cancelled().await;
/// worker.join().unwrap();
/// # });
/// ```
pub struct CancellationToken {
    node: Arc<Node>,
}

/// Cancels its token when it is dropped, unless [disarmed](DropGuard::disarm).
///
/// # Examples
///
/// ```
/// use unstuck_sync::cancel::CancellationToken;
///
/// let token = CancellationToken::new();
/// let stop_the_others = token.clone().drop_guard();
/// let worker = std::thread::spawn(move || {
///     let _stop_the_others = stop_the_others;
///     panic!("whatever ends this thread");
/// });
/// assert!(worker.join().is_err());
/// assert!(token.is_cancelled());
/// ```
#[derive(Debug)]
#[must_use = "dropping the guard cancels the token"]
pub struct DropGuard {
    token: Option<CancellationToken>,
}

/// Cancels the token that it borrows when it is dropped, unless [disarmed](DropGuardRef::disarm).
///
/// # Examples
///
/// ```
/// use unstuck_sync::cancel::CancellationToken;
///
/// fn first_even(numbers: &[u32], stop_the_others: &CancellationToken) -> Option<u32> {
///     let stop = stop_the_others.drop_guard_ref();
///     let found = numbers.iter().copied().find(|n| n % 2 == 0);
///     if found.is_none() {
///         stop.disarm(); // the others may be luckier
///     }
///     found
/// }
///
/// let token = CancellationToken::new();
/// assert_eq!(first_even(&[1, 3], &token), None);
/// assert!(!token.is_cancelled());
/// assert_eq!(first_even(&[5, 6], &token), Some(6));
/// assert!(token.is_cancelled());
/// ```
#[derive(Debug)]
#[must_use = "dropping the guard cancels the token"]
pub struct DropGuardRef<'a> {
    token: Option<&'a CancellationToken>,
}

// User code is never run under a lock of the token, so a panic can't leave it half-changed.
impl UnwindSafe for CancellationToken {}
impl RefUnwindSafe for CancellationToken {}

impl CancellationToken {
    /// A token that is not cancelled and has no parent.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::cancel::CancellationToken;
    ///
    /// assert!(!CancellationToken::new().is_cancelled());
    /// ```
    pub fn new() -> CancellationToken {
        CancellationToken { node: Arc::new(Node::new(None)) }
    }

    /// A token that will be cancelled when this one is; cancelling the child leaves this one alone. The child of a
    /// cancelled token is cancelled from the start.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::cancel::CancellationToken;
    ///
    /// let parent = CancellationToken::new();
    /// let (first, second) = (parent.child_token(), parent.child_token());
    ///
    /// first.cancel();
    /// assert!(!parent.is_cancelled() && !second.is_cancelled());
    ///
    /// parent.cancel();
    /// assert!(second.is_cancelled());
    /// ```
    pub fn child_token(&self) -> CancellationToken {
        CancellationToken { node: Node::child_of(&self.node) }
    }

    /// Cancels this token and all its descendants, and wakes who waits for them. When the call that cancels a token
    /// returns, all its descendants are seen as cancelled. Cancelling again does nothing.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::cancel::CancellationToken;
    ///
    /// let token = CancellationToken::new();
    /// let same = token.clone();
    /// token.cancel();
    /// token.cancel();
    /// assert!(same.is_cancelled());
    /// ```
    pub fn cancel(&self) {
        Node::cancel(&self.node);
    }

    /// Whether the token is cancelled. This never waits for anything: it is one load.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::cancel::CancellationToken;
    ///
    /// let token = CancellationToken::new();
    /// let mut rounds = 0;
    /// while !token.is_cancelled() {
    ///     rounds += 1;
    ///     if rounds == 3 {
    ///         token.cancel();
    ///     }
    /// }
    /// assert_eq!(rounds, 3);
    /// ```
    #[inline]
    pub fn is_cancelled(&self) -> bool {
        self.node.is_cancelled()
    }

    /// Waits until the token is cancelled.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::cancel::CancellationToken;
    ///
    /// let token = CancellationToken::new();
    /// let worker = std::thread::spawn({
    ///     let token = token.clone();
    ///     move || unstuck_base::parker::block_on(token.cancelled())
    /// });
    /// token.cancel();
    /// worker.join().unwrap();
    /// ```
    #[track_caller]
    pub fn cancelled(&self) -> WaitForCancellationFuture<'_> {
        WaitForCancellationFuture(Waiting::new(self, Location::caller()))
    }

    /// As [`cancelled`](CancellationToken::cancelled), for a future that keeps the token instead of borrowing it.
    ///
    /// # Cancel safety
    /// Dropping the future drops the token, and changes nothing else.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::cancel::CancellationToken;
    ///
    /// # unstuck_base::parker::block_on(async {
    /// let token = CancellationToken::new();
    /// let ended = token.clone().cancelled_owned();
    /// token.cancel();
    /// ended.await;
    /// # });
    /// ```
    #[track_caller]
    pub fn cancelled_owned(self) -> WaitForCancellationFutureOwned {
        WaitForCancellationFutureOwned(Waiting::new(self, Location::caller()))
    }

    /// A guard that cancels this token when it is dropped.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::cancel::CancellationToken;
    ///
    /// let token = CancellationToken::new();
    /// let guard = token.clone().drop_guard();
    /// drop(guard);
    /// assert!(token.is_cancelled());
    /// ```
    pub fn drop_guard(self) -> DropGuard {
        DropGuard { token: Some(self) }
    }

    /// A guard that borrows this token and cancels it when it is dropped.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::cancel::CancellationToken;
    ///
    /// let token = CancellationToken::new();
    /// {
    ///     let _guard = token.drop_guard_ref();
    ///     assert!(!token.is_cancelled());
    /// }
    /// assert!(token.is_cancelled());
    /// ```
    pub fn drop_guard_ref(&self) -> DropGuardRef<'_> {
        DropGuardRef { token: Some(self) }
    }

    /// Runs `fut` until it ends, or the token is cancelled: then it gives `None`. If both happen at once, the result of
    /// `fut` wins; if the token is cancelled before the first poll, `fut` is never polled.
    ///
    /// # Cancel safety
    /// As cancel safe as `fut`: it is dropped with this future, and stopped by a cancellation wherever it stands.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::cancel::CancellationToken;
    ///
    /// # unstuck_base::parker::block_on(async {
    /// let token = CancellationToken::new();
    /// assert_eq!(token.run_until_cancelled(async { 5 }).await, Some(5));
    ///
    /// token.cancel();
    /// assert_eq!(token.run_until_cancelled(async { 5 }).await, None);
    /// # });
    /// ```
    #[track_caller]
    pub fn run_until_cancelled<F>(&self, fut: F) -> impl Future<Output = Option<F::Output>>
    where
        F: Future,
    {
        RunUntilCancelled::new(self, fut, Location::caller())
    }

    /// As [`run_until_cancelled`](CancellationToken::run_until_cancelled), for a future that keeps the token instead of
    /// borrowing it.
    ///
    /// # Cancel safety
    /// As for [`run_until_cancelled`](CancellationToken::run_until_cancelled).
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::cancel::CancellationToken;
    ///
    /// let token = CancellationToken::new();
    /// let work = token.clone().run_until_cancelled_owned(std::future::pending::<u32>());
    /// let worker = std::thread::spawn(move || unstuck_base::parker::block_on(work));
    /// token.cancel();
    /// assert_eq!(worker.join().unwrap(), None);
    /// ```
    #[track_caller]
    pub fn run_until_cancelled_owned<F>(self, fut: F) -> impl Future<Output = Option<F::Output>>
    where
        F: Future,
    {
        RunUntilCancelled::new(self, fut, Location::caller())
    }
}

impl Default for CancellationToken {
    fn default() -> CancellationToken {
        CancellationToken::new()
    }
}

impl Clone for CancellationToken {
    fn clone(&self) -> CancellationToken {
        self.node.add_handle();
        CancellationToken { node: self.node.clone() }
    }
}

impl Drop for CancellationToken {
    fn drop(&mut self) {
        Node::drop_handle(&self.node);
    }
}

impl PartialEq for CancellationToken {
    /// Whether both are clones of one token.
    fn eq(&self, other: &CancellationToken) -> bool {
        Arc::ptr_eq(&self.node, &other.node)
    }
}

impl Eq for CancellationToken {}

impl Hash for CancellationToken {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.node).hash(state);
    }
}

impl fmt::Debug for CancellationToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CancellationToken").field("is_cancelled", &self.is_cancelled()).finish()
    }
}

impl DropGuard {
    /// Gives the token back; it is not cancelled any more by this guard.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::cancel::CancellationToken;
    ///
    /// let guard = CancellationToken::new().drop_guard();
    /// let token = guard.disarm();
    /// assert!(!token.is_cancelled());
    /// ```
    pub fn disarm(mut self) -> CancellationToken {
        self.token.take().expect(ARMED)
    }

    /// The token that will be cancelled.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::cancel::CancellationToken;
    ///
    /// let guard = CancellationToken::new().drop_guard();
    /// let child = guard.token().child_token();
    /// drop(guard);
    /// assert!(child.is_cancelled());
    /// ```
    pub fn token(&self) -> &CancellationToken {
        self.token.as_ref().expect(ARMED)
    }
}

impl<'a> DropGuardRef<'a> {
    /// Gives the token back; it is not cancelled any more by this guard.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::cancel::CancellationToken;
    ///
    /// let token = CancellationToken::new();
    /// let guard = token.drop_guard_ref();
    /// assert_eq!(guard.disarm(), &token);
    /// assert!(!token.is_cancelled());
    /// ```
    pub fn disarm(mut self) -> &'a CancellationToken {
        self.token.take().expect(ARMED)
    }

    /// The token that will be cancelled.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::cancel::CancellationToken;
    ///
    /// let token = CancellationToken::new();
    /// let guard = token.drop_guard_ref();
    /// assert!(!guard.token().is_cancelled());
    /// drop(guard);
    /// assert!(token.is_cancelled());
    /// ```
    pub fn token(&self) -> &CancellationToken {
        self.token.expect(ARMED)
    }
}

const ARMED: &str = "a guard has its token until it is disarmed or dropped";

impl Drop for DropGuard {
    fn drop(&mut self) {
        if let Some(token) = &self.token {
            token.cancel();
        }
    }
}

impl Drop for DropGuardRef<'_> {
    fn drop(&mut self) {
        if let Some(token) = self.token {
            token.cancel();
        }
    }
}
