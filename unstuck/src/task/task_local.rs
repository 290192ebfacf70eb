//! Values that belong to a task, or to a part of one: like thread-locals, but they go where the task goes.
//!
//! 1. The value lives in the future of [`LocalKey::scope`]. While that is polled or dropped, the key's thread-local cell
//!    points at it; then the cell gets back what it held before. So a scope costs two writes a poll, and nothing is moved.
//! 2. What the cell points at is alive and does not change: the scope that set it is on the stack, and lends itself out
//!    only as shared references.
//! 3. The cell holds an address, which needs no destructor: keys also work while the thread ends.
//! 4. While the value is lent out, by `with`, no scope of the same key begins: that would be no error here, but is one of
//!    the documented misuses of Tokio's keys.

use std::cell::Cell;
use std::fmt;
use std::future::Future;
use std::marker::PhantomPinned;
use std::pin::Pin;
use std::ptr::NonNull;
use std::task::{Context, Poll};
use std::thread;

/// Declares keys of task-local values.
///
/// Each declaration is that of a `static`, with attributes and visibility as one likes, without a value; its type is
/// [`LocalKey`](crate::task::LocalKey), whose [`scope`](crate::task::LocalKey::scope) sets the value for a future.
///
/// # Examples
///
/// ```
/// unstuck::task_local! {
///     /// The number of the request.
///     pub static REQUEST: u32;
///     static USER: String;
/// }
///
/// # #[unstuck::main(flavor = "current_thread")]
/// # async fn main() {
/// async fn log(message: &str) -> String {
///     format!("request {}: {message}", REQUEST.get())
/// }
///
/// let line = REQUEST.scope(7, async {
///     unstuck::task::yield_now().await;
///     log("hello").await
/// });
/// assert_eq!(line.await, "request 7: hello");
/// # }
/// ```
#[macro_export]
macro_rules! task_local {
    () => {};
    ($(#[$attribute:meta])* $visibility:vis static $name:ident: $type:ty; $($rest:tt)*) => {
        $crate::__task_local_inner!($(#[$attribute])* $visibility $name, $type);
        $crate::task_local!($($rest)*);
    };
    ($(#[$attribute:meta])* $visibility:vis static $name:ident: $type:ty) => {
        $crate::__task_local_inner!($(#[$attribute])* $visibility $name, $type);
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __task_local_inner {
    ($(#[$attribute:meta])* $visibility:vis $name:ident, $type:ty) => {
        $(#[$attribute])*
        $visibility static $name: $crate::task::LocalKey<$type> = {
            ::std::thread_local! {
                static CELL: $crate::task::__LocalCell<$type> = const { $crate::task::__LocalCell::new() };
            }
            $crate::task::LocalKey::__new(&CELL)
        };
    };
}

/// A key of task-local values. Declared by [`task_local!`](crate::task_local!).
///
/// The value is there inside the future (or closure) that was given to [`scope`](LocalKey::scope), wherever it is
/// polled; tasks that are spawned there do not inherit it.
///
/// # Examples
///
/// ```
/// unstuck::task_local! {
///     static DEPTH: u32;
/// }
///
/// # #[unstuck::main(flavor = "current_thread")]
/// # async fn main() {
/// DEPTH.scope(1, async {
///     assert_eq!(DEPTH.get(), 1);
///     DEPTH.scope(2, async { assert_eq!(DEPTH.get(), 2) }).await;
///     assert_eq!(DEPTH.get(), 1);
/// }).await;
/// assert!(DEPTH.try_get().is_err());
/// # }
/// ```
pub struct LocalKey<T: 'static> {
    cell: &'static thread::LocalKey<LocalCell<T>>,
}

/// Where a thread finds the value of a key (rule 2). Public for the expansion of `task_local!` alone.
#[doc(hidden)]
pub struct LocalCell<T: 'static> {
    value: Cell<Option<NonNull<T>>>,
    /// How many `with` lend the value out now (rule 4).
    lent: Cell<usize>,
}

impl<T: 'static> LocalCell<T> {
    #[doc(hidden)]
    pub const fn new() -> Self {
        LocalCell { value: Cell::new(None), lent: Cell::new(0) }
    }
}

impl<T: 'static> fmt::Debug for LocalCell<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LocalCell")
    }
}

/// The key has no value here.
///
/// # Examples
///
/// ```
/// unstuck::task_local! {
///     static USER: String;
/// }
///
/// fn user() -> Result<usize, Box<dyn std::error::Error>> {
///     Ok(USER.try_with(|user| user.len())?)
/// }
///
/// assert_eq!(user().unwrap_err().to_string(), "task-local value not set");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccessError(());

impl fmt::Display for AccessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("task-local value not set")
    }
}

impl std::error::Error for AccessError {}

impl<T: 'static> LocalKey<T> {
    #[doc(hidden)]
    pub const fn __new(cell: &'static thread::LocalKey<LocalCell<T>>) -> Self {
        LocalKey { cell }
    }

    /// Sets the value inside `f`, for as long as it lives. It is dropped with the returned future.
    ///
    /// # Cancel safety
    ///
    /// As that of `f`: dropping the returned future drops it, with the value still there.
    ///
    /// # Examples
    ///
    /// ```
    /// unstuck::task_local! {
    ///     static NUMBER: u32;
    /// }
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let task = unstuck::spawn(NUMBER.scope(1, async { NUMBER.get() + 1 }));
    /// assert_eq!(task.await.unwrap(), 2);
    /// # }
    /// ```
    pub fn scope<F: Future>(&'static self, value: T, f: F) -> TaskLocalFuture<T, F> {
        TaskLocalFuture { key: self, value: Some(value), future: Some(f), _pinned: PhantomPinned }
    }

    /// Sets the value while `f` runs.
    ///
    /// # Panics
    ///
    /// Inside [`with`](LocalKey::with) of the same key. So does polling a [`scope`](LocalKey::scope) there.
    ///
    /// # Examples
    ///
    /// ```
    /// unstuck::task_local! {
    ///     static NUMBER: u32;
    /// }
    ///
    /// assert_eq!(NUMBER.sync_scope(1, || NUMBER.get()), 1);
    /// ```
    #[track_caller]
    pub fn sync_scope<F, R>(&'static self, value: T, f: F) -> R
    where
        F: FnOnce() -> R,
    {
        self.assert_not_lent();
        self.pointing_at(Some(NonNull::from(&value)), f)
    }

    /// Gives `f` the value.
    ///
    /// # Panics
    ///
    /// If there is none.
    ///
    /// # Examples
    ///
    /// ```
    /// unstuck::task_local! {
    ///     static NAME: String;
    /// }
    ///
    /// assert_eq!(NAME.sync_scope("Ada".to_owned(), || NAME.with(|name| name.len())), 3);
    /// ```
    #[track_caller]
    pub fn with<F, R>(&'static self, f: F) -> R
    where
        F: FnOnce(&T) -> R,
    {
        match self.try_with(f) {
            Ok(result) => result,
            Err(AccessError(())) => not_set(),
        }
    }

    /// Gives `f` the value, if there is one.
    ///
    /// # Errors
    ///
    /// If there is none: the code does not run inside a scope of this key.
    ///
    /// # Examples
    ///
    /// ```
    /// unstuck::task_local! {
    ///     static REQUEST: u32;
    /// }
    ///
    /// /// Works inside requests and elsewhere.
    /// fn log(message: &str) -> String {
    ///     REQUEST.try_with(|id| format!("[{id}] {message}")).unwrap_or_else(|_| message.to_owned())
    /// }
    ///
    /// assert_eq!(log("started"), "started");
    /// assert_eq!(REQUEST.sync_scope(7, || log("served")), "[7] served");
    /// ```
    pub fn try_with<F, R>(&'static self, f: F) -> Result<R, AccessError>
    where
        F: FnOnce(&T) -> R,
    {
        struct GiveBack<'a>(&'a Cell<usize>);
        impl Drop for GiveBack<'_> {
            fn drop(&mut self) {
                self.0.set(self.0.get() - 1);
            }
        }
        self.cell.with(|cell| {
            let value = cell.value.get().ok_or(AccessError(()))?;
            cell.lent.set(cell.lent.get() + 1);
            let _give_back = GiveBack(&cell.lent);
            // SAFETY: rule 2: the scope is on the stack below us, and it does not change the value before we return.
            Ok(f(unsafe { value.as_ref() }))
        })
    }

    fn is_lent(&'static self) -> bool {
        self.cell.with(|cell| cell.lent.get() > 0)
    }

    #[track_caller]
    fn assert_not_lent(&'static self) {
        assert!(
            !self.is_lent(),
            "cannot enter a task-local scope while the task-local storage is borrowed: end the `LocalKey::with` first"
        );
    }

    /// Points the cell at `value` while `f` runs.
    fn pointing_at<R>(&'static self, value: Option<NonNull<T>>, f: impl FnOnce() -> R) -> R {
        struct Restore<T: 'static> {
            key: &'static LocalKey<T>,
            before: Option<NonNull<T>>,
        }
        impl<T: 'static> Drop for Restore<T> {
            fn drop(&mut self) {
                self.key.cell.with(|cell| cell.value.set(self.before));
            }
        }
        let _restore = Restore { key: self, before: self.cell.with(|cell| cell.value.replace(value)) };
        f()
    }
}

impl<T: Clone + 'static> LocalKey<T> {
    /// A copy of the value.
    ///
    /// # Panics
    ///
    /// If there is none.
    ///
    /// # Examples
    ///
    /// ```
    /// unstuck::task_local! {
    ///     static REQUEST: u32;
    /// }
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let task = unstuck::spawn(REQUEST.scope(7, async {
    ///     let outer = REQUEST.get();
    ///     // A task that is spawned here does not inherit the value: give it on.
    ///     unstuck::spawn(REQUEST.scope(outer, async { REQUEST.get() })).await.unwrap()
    /// }));
    /// assert_eq!(task.await.unwrap(), 7);
    /// # }
    /// ```
    #[track_caller]
    pub fn get(&'static self) -> T {
        match self.try_get() {
            Ok(value) => value,
            Err(AccessError(())) => not_set(),
        }
    }

    /// A copy of the value, if there is one.
    ///
    /// # Errors
    ///
    /// If there is none: the code does not run inside a scope of this key.
    ///
    /// # Examples
    ///
    /// ```
    /// unstuck::task_local! {
    ///     static LIMIT: usize;
    /// }
    ///
    /// let limit = || LIMIT.try_get().unwrap_or(100);
    /// assert_eq!(limit(), 100);
    /// assert_eq!(LIMIT.sync_scope(5, limit), 5);
    /// ```
    pub fn try_get(&'static self) -> Result<T, AccessError> {
        self.try_with(T::clone)
    }
}

#[cold]
#[track_caller]
fn not_set() -> ! {
    panic!(
        "cannot access a task-local storage value without setting it first: run the code inside `LocalKey::scope`; a task \
         that is spawned there does not inherit the value"
    )
}

impl<T: 'static> fmt::Debug for LocalKey<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalKey").finish_non_exhaustive()
    }
}

/// A future inside which a task-local value is set. Made by [`LocalKey::scope`].
///
/// # Examples
///
/// ```
/// use std::future::{Ready, ready};
/// use unstuck::task::futures::TaskLocalFuture;
///
/// unstuck::task_local! {
///     static NUMBER: u32;
/// }
///
/// # #[unstuck::main(flavor = "current_thread")]
/// # async fn main() {
/// let scope: TaskLocalFuture<u32, Ready<&str>> = NUMBER.scope(1, ready("done"));
/// assert_eq!(scope.await, "done");
/// # }
/// ```
///
/// # Panics
///
/// When polled after completion, or inside [`LocalKey::with`] of the same key.
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct TaskLocalFuture<T: 'static, F> {
    key: &'static LocalKey<T>,
    /// Pointed at while the future is polled or dropped; changed only in between.
    value: Option<T>,
    /// Pinned. `None`: it has completed.
    future: Option<F>,
    /// Not `Unpin`, whatever the future is: that may change without anybody's program breaking.
    _pinned: PhantomPinned,
}

impl<T: 'static, F> TaskLocalFuture<T, F> {
    /// Takes the value out, also after completion; `None` if it was taken before. What is left of the future runs without
    /// it.
    ///
    /// # Examples
    ///
    /// ```
    /// unstuck::task_local! {
    ///     static NOTES: std::cell::RefCell<Vec<u32>>;
    /// }
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let mut scope = Box::pin(NOTES.scope(Default::default(), async {
    ///     NOTES.with(|notes| notes.borrow_mut().push(7));
    /// }));
    /// scope.as_mut().await;
    /// assert_eq!(scope.as_mut().take_value().unwrap().into_inner(), [7]);
    /// # }
    /// ```
    pub fn take_value(self: Pin<&mut Self>) -> Option<T> {
        // SAFETY: only the future is pinned, and it is left alone.
        unsafe { self.get_unchecked_mut() }.value.take()
    }

    /// Runs `f` with the future, while the key has the value.
    fn in_scope<R>(&mut self, f: impl FnOnce(&mut Option<F>) -> R) -> R {
        let TaskLocalFuture { key, value, future, .. } = self;
        key.pointing_at(value.as_ref().map(NonNull::from), || f(future))
    }
}

impl<T: 'static, F: Future> Future for TaskLocalFuture<T, F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        // SAFETY: the future is not moved.
        let this = unsafe { self.get_unchecked_mut() };
        this.key.assert_not_lent();
        let output = this.in_scope(|slot| {
            let future = slot.as_mut()?;
            // SAFETY: the future is pinned when we are: it is dropped where it is, here or in our own drop.
            let output = unsafe { Pin::new_unchecked(future) }.poll(cx);
            if output.is_ready() {
                *slot = None;
            }
            Some(output)
        });
        output.expect("`TaskLocalFuture` polled after completion")
    }
}

impl<T: 'static, F> Drop for TaskLocalFuture<T, F> {
    fn drop(&mut self) {
        if self.future.is_some() && !self.key.is_lent() {
            // Its destructors see the value.
            self.in_scope(|future| *future = None);
        }
    }
}

impl<T: fmt::Debug + 'static, F> fmt::Debug for TaskLocalFuture<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // While the future is polled it may print this, through the value: nothing but the value is looked at.
        f.debug_struct("TaskLocalFuture").field("value", &self.value).finish_non_exhaustive()
    }
}

const _: () = assert!(!std::mem::needs_drop::<LocalCell<String>>());
