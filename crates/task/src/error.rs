//! Why a task has no output: it panicked, or it was cancelled.
//!
//! 1. One pointer wide: the common case, a task that ends well, pays nothing for it.

use std::any::Any;
use std::fmt;
use std::io;
use std::panic::AssertUnwindSafe;

use crate::id::Id;

/// A task ended without an output. Returned by awaiting a [`JoinHandle`](crate::JoinHandle).
///
/// # Examples
/// ```
/// # mod unstuck { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/common/examples.rs.in")); }
/// # unstuck::run(async {
/// let panicked = unstuck::spawn(async { panic!("no more coffee") }).await.unwrap_err();
/// assert!(panicked.is_panic());
/// assert!(panicked.to_string().contains("no more coffee"));
///
/// let forever = unstuck::spawn(std::future::pending::<()>());
/// forever.abort();
/// assert!(forever.await.unwrap_err().is_cancelled());
/// # });
/// ```
pub struct JoinError(Box<Ended>);

struct Ended {
    id: Id,
    /// `None`: cancelled. The payload is reached only by value or as a string, so sharing the error shares nothing.
    panic: Option<Payload>,
}

/// What a task panicked with. It need not be `Sync`: a reference to it is never given out to another thread, but for
/// payloads that are strings, which are.
struct Payload(AssertUnwindSafe<Box<dyn Any + Send + 'static>>);

// SAFETY: `&Payload` only offers `message`, which looks at the payload if it is a `&str` or a `String`; both are Sync.
unsafe impl Sync for Payload {}

impl Payload {
    fn message(&self) -> Option<&str> {
        let payload: &(dyn Any + Send) = &**self.0;
        payload.downcast_ref::<&'static str>().copied().or_else(|| payload.downcast_ref::<String>().map(String::as_str))
    }
}

impl JoinError {
    pub(crate) fn cancelled(id: Id) -> Self {
        JoinError(Box::new(Ended { id, panic: None }))
    }

    pub(crate) fn panicked(id: Id, payload: Box<dyn Any + Send + 'static>) -> Self {
        JoinError(Box::new(Ended { id, panic: Some(Payload(AssertUnwindSafe(payload))) }))
    }

    /// Whether the task was cancelled: aborted, or dropped by the shutdown of its runtime.
    ///
    /// # Examples
    /// ```
    /// # mod unstuck { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/common/examples.rs.in")); }
    /// # unstuck::run(async {
    /// let task = unstuck::spawn(std::future::pending::<()>());
    /// task.abort();
    /// assert!(task.await.unwrap_err().is_cancelled());
    /// # });
    /// ```
    pub fn is_cancelled(&self) -> bool {
        self.0.panic.is_none()
    }

    /// Whether the task panicked.
    ///
    /// # Examples
    /// ```
    /// # mod unstuck { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/common/examples.rs.in")); }
    /// # unstuck::run(async {
    /// let error = unstuck::spawn(async { panic!("no more coffee") }).await.unwrap_err();
    /// assert!(error.is_panic());
    /// assert!(!error.is_cancelled());
    /// # });
    /// ```
    pub fn is_panic(&self) -> bool {
        self.0.panic.is_some()
    }

    /// What the task panicked with, to be passed to [`std::panic::resume_unwind`] for example.
    ///
    /// # Panics
    /// If the task did not panic: ask [`is_panic`](JoinError::is_panic) first, or use
    /// [`try_into_panic`](JoinError::try_into_panic).
    ///
    /// # Examples
    /// ```
    /// # mod unstuck { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/common/examples.rs.in")); }
    /// # unstuck::run(async {
    /// let error = unstuck::spawn(async { panic!("no more coffee") }).await.unwrap_err();
    /// let reason = error.into_panic();
    /// assert_eq!(reason.downcast_ref::<&str>(), Some(&"no more coffee"));
    /// # });
    /// ```
    #[track_caller]
    pub fn into_panic(self) -> Box<dyn Any + Send + 'static> {
        self.try_into_panic().expect("`JoinError` reason is not a panic.")
    }

    /// What the task panicked with, or this error again if it was cancelled.
    ///
    /// # Errors
    /// This error, unchanged, if the task did not panic.
    ///
    /// # Examples
    /// ```
    /// # mod unstuck { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/common/examples.rs.in")); }
    /// # unstuck::run(async {
    /// let task = unstuck::spawn(async { panic!("no more coffee") });
    /// match task.await.unwrap_err().try_into_panic() {
    ///     Ok(reason) => assert!(reason.is::<&str>()),
    ///     Err(cancelled) => unreachable!("nobody aborts it: {cancelled}"),
    /// }
    /// # });
    /// ```
    pub fn try_into_panic(mut self) -> Result<Box<dyn Any + Send + 'static>, JoinError> {
        match self.0.panic.take() {
            Some(payload) => Ok(payload.0.0),
            None => Err(self),
        }
    }

    /// The task that ended.
    ///
    /// # Examples
    /// ```
    /// # mod unstuck { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/common/examples.rs.in")); }
    /// # unstuck::run(async {
    /// let task = unstuck::spawn(std::future::pending::<()>());
    /// let id = task.id();
    /// task.abort();
    /// assert_eq!(task.await.unwrap_err().id(), id);
    /// # });
    /// ```
    pub fn id(&self) -> Id {
        self.0.id
    }
}

impl fmt::Display for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = self.0.id;
        match self.0.panic.as_ref().map(Payload::message) {
            None => write!(f, "task {id} was cancelled"),
            Some(Some(message)) => write!(f, "task {id} panicked with message {message:?}"),
            Some(None) => write!(f, "task {id} panicked"),
        }
    }
}

impl fmt::Debug for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = self.0.id;
        match self.0.panic.as_ref().map(Payload::message) {
            None => write!(f, "JoinError::Cancelled({id:?})"),
            Some(Some(message)) => write!(f, "JoinError::Panic({id:?}, {message:?}, ...)"),
            Some(None) => write!(f, "JoinError::Panic({id:?}, ...)"),
        }
    }
}

impl std::error::Error for JoinError {}

impl From<JoinError> for io::Error {
    fn from(error: JoinError) -> io::Error {
        let reason = if error.is_panic() { "task panicked" } else { "task was cancelled" };
        io::Error::other(reason)
    }
}
