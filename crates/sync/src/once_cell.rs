//! A cell that is filled once, by an asynchronous function if need be.
//!
//! 1. The one permit is the right to fill the cell. Who has it runs its function; who is given it back unused lets the
//!    next one try. Its task and line are noted, for reports on who keeps the others waiting.
//! 2. The value is written by who has the permit, before `filled` is set; it is not written again while the cell is
//!    shared. So whoever sees `filled` may read.
//! 3. Filling closes the permits: all who wait for the right learn that there is nothing left to do.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::panic::Location;

use unstuck_base::const_unless_model;
use unstuck_base::local::WaitKind;
use unstuck_base::sync::UnsafeCell;
use unstuck_base::sync::atomic::{AtomicBool, Ordering};

use crate::permits::{Claim, Closed, Permits, Refused, Source};

/// A cell that is empty or holds a value that does not change any more. The first one who needs the value computes it,
/// while the others wait.
///
/// If the computation fails, panics or is dropped, the next one who waits tries.
///
/// # Examples
///
/// ```
/// use unstuck_sync::OnceCell;
///
/// static NAME: OnceCell<String> = OnceCell::const_new();
///
/// async fn look_up() -> String {
///     "unstuck".into()
/// }
///
/// # unstuck_base::parker::block_on(async {
/// assert_eq!(NAME.get_or_init(look_up).await, "unstuck");
/// assert_eq!(NAME.get().unwrap(), "unstuck");
/// # });
/// ```
pub struct OnceCell<T> {
    filled: AtomicBool,
    value: UnsafeCell<Option<T>>,
    permits: Permits,
}

// SAFETY: rule 2: what is shared is only read; `Send` since a thread may fill the cell, and another one drop it.
unsafe impl<T: Send + Sync> Sync for OnceCell<T> {}

/// Why [`OnceCell::set`] did not fill the cell. It gives the value back.
///
/// # Examples
///
/// ```
/// use unstuck_sync::{OnceCell, SetError};
///
/// # unstuck_base::parker::block_on(async {
/// let cell = OnceCell::new();
/// cell.get_or_init(async || {
///     assert_eq!(cell.set(2), Err(SetError::InitializingError(2)));
///     1
/// })
/// .await;
/// assert_eq!(cell.set(3), Err(SetError::AlreadyInitializedError(3)));
/// assert_eq!(cell.get(), Some(&1));
/// # });
/// ```
#[derive(Debug, PartialEq, Eq)]
pub enum SetError<T> {
    /// The cell is filled already.
    AlreadyInitializedError(T),
    /// Somebody else is about to fill the cell.
    InitializingError(T),
}

impl<T> OnceCell<T> {
    const_unless_model! {
        /// An empty cell, for a `static` or a `const`.
        ///
        /// # Examples
        ///
        /// ```
        /// use unstuck_sync::OnceCell;
        ///
        /// # unstuck_base::parker::block_on(async {
        /// static GREETING: OnceCell<String> = OnceCell::const_new();
        ///
        /// assert_eq!(GREETING.get(), None);
        /// assert_eq!(GREETING.get_or_init(async || "hello".to_owned()).await, "hello");
        /// # });
        /// ```
        pub fn const_new() -> Self {
            OnceCell { filled: AtomicBool::new(false), value: UnsafeCell::new(None), permits: Permits::new(1) }
        }

        /// A cell that is filled from the start, for a `static` or a `const`.
        ///
        /// # Examples
        ///
        /// ```
        /// use unstuck_sync::OnceCell;
        ///
        /// static ANSWER: OnceCell<u32> = OnceCell::const_new_with(42);
        /// assert_eq!(ANSWER.get(), Some(&42));
        /// ```
        pub fn const_new_with(value: T) -> Self {
            OnceCell { filled: AtomicBool::new(true), value: UnsafeCell::new(Some(value)), permits: Permits::new(0) }
        }
    }

    /// An empty cell.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::OnceCell;
    ///
    /// assert!(!OnceCell::<u32>::new().initialized());
    /// ```
    pub fn new() -> Self {
        OnceCell::const_new()
    }

    /// A cell with this value, or an empty one.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::OnceCell;
    ///
    /// assert_eq!(OnceCell::new_with(Some(3)).get(), Some(&3));
    /// ```
    pub fn new_with(value: Option<T>) -> Self {
        match value {
            Some(value) => OnceCell::const_new_with(value),
            None => OnceCell::const_new(),
        }
    }

    /// Whether the cell is filled.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::OnceCell;
    ///
    /// let cell = OnceCell::new();
    /// assert!(!cell.initialized());
    /// cell.set(1).unwrap();
    /// assert!(cell.initialized());
    /// ```
    pub fn initialized(&self) -> bool {
        // Acquire: pairs with the Release in `fill` (rule 2).
        self.filled.load(Ordering::Acquire)
    }

    /// The value, if the cell is filled.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::OnceCell;
    ///
    /// let cell = OnceCell::new();
    /// assert_eq!(cell.get(), None);
    /// cell.set("ready").unwrap();
    /// assert_eq!(cell.get(), Some(&"ready"));
    /// ```
    pub fn get(&self) -> Option<&T> {
        if !self.initialized() {
            return None;
        }
        // SAFETY: rule 2: the cell is filled, so nobody writes.
        self.value.with(|value| unsafe { (*value).as_ref() })
    }

    /// The value, if the cell is filled.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::OnceCell;
    ///
    /// let mut cell = OnceCell::new_with(Some(1));
    /// *cell.get_mut().unwrap() += 1;
    /// assert_eq!(cell.get(), Some(&2));
    /// ```
    pub fn get_mut(&mut self) -> Option<&mut T> {
        // SAFETY: `&mut self`: nobody else has the cell.
        self.value.with_mut(|value| unsafe { (*value).as_mut() })
    }

    /// Fills the cell.
    ///
    /// # Errors
    /// [`SetError`] with the value, if the cell is filled or somebody is about to fill it.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::OnceCell;
    ///
    /// let cell = OnceCell::new();
    /// assert!(cell.set(1).is_ok());
    /// assert!(cell.set(2).unwrap_err().is_already_init_err());
    /// ```
    pub fn set(&self, value: T) -> Result<(), SetError<T>> {
        if self.initialized() {
            return Err(SetError::AlreadyInitializedError(value));
        }
        match self.permits.try_acquire(1) {
            Ok(()) => {
                Right(self).fill(value);
                Ok(())
            }
            Err(Refused::NoPermits) => Err(SetError::InitializingError(value)),
            Err(Refused::Closed) => Err(SetError::AlreadyInitializedError(value)),
        }
    }

    /// The value; if there is none, fills the cell with what `f` gives. Of several who ask at once, one runs its `f`,
    /// and the others wait for it.
    ///
    /// Don't ask for the same cell in `f`: it would wait for itself.
    ///
    /// # Cancel safety
    /// Dropping the future drops what `f` gave; if that was under way, the next one who waits runs its own `f`.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::OnceCell;
    ///
    /// # unstuck_base::parker::block_on(async {
    /// let cell = OnceCell::new();
    /// assert_eq!(cell.get_or_init(async || 1).await, &1);
    /// assert_eq!(cell.get_or_init(async || 2).await, &1);
    /// # });
    /// ```
    #[track_caller]
    pub fn get_or_init<F, Fut>(&self, f: F) -> impl Future<Output = &T>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = T>,
    {
        let at = Location::caller();
        async move {
            match self.right_to_fill(at).await {
                Ok(right) => right.fill(f().await),
                Err(value) => value,
            }
        }
    }

    /// As [`get_or_init`](OnceCell::get_or_init), with an `f` that may fail.
    ///
    /// # Errors
    /// That of `f`. The cell stays empty, and the next one who waits runs its own `f`.
    ///
    /// # Cancel safety
    /// As for [`get_or_init`](OnceCell::get_or_init).
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::OnceCell;
    ///
    /// # unstuck_base::parker::block_on(async {
    /// let cell = OnceCell::new();
    /// assert_eq!(cell.get_or_try_init(async || "x".parse::<u32>()).await.ok(), None);
    /// assert_eq!(cell.get_or_try_init(async || "4".parse::<u32>()).await, Ok(&4));
    /// # });
    /// ```
    #[track_caller]
    pub fn get_or_try_init<E, F, Fut>(&self, f: F) -> impl Future<Output = Result<&T, E>>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        let at = Location::caller();
        async move {
            match self.right_to_fill(at).await {
                Ok(right) => Ok(right.fill(f().await?)),
                Err(value) => Ok(value),
            }
        }
    }

    /// Takes the value out and leaves the cell empty.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::OnceCell;
    ///
    /// let mut cell = OnceCell::new_with(Some(1));
    /// assert_eq!(cell.take(), Some(1));
    /// assert!(!cell.initialized());
    /// ```
    pub fn take(&mut self) -> Option<T> {
        std::mem::take(self).into_inner()
    }

    /// Takes the value out.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::OnceCell;
    ///
    /// assert_eq!(OnceCell::new_with(Some(3)).into_inner(), Some(3));
    /// ```
    pub fn into_inner(self) -> Option<T> {
        self.value.into_inner()
    }

    /// Waits for the right to fill the cell; or gives the value.
    async fn right_to_fill(&self, at: &'static Location<'static>) -> Result<Right<'_, T>, &T> {
        if let Some(value) = self.get() {
            return Err(value);
        }
        match Claim::new(self, 1, WaitKind::Once, at).await {
            Ok(cell) => {
                cell.permits.note_holder(at);
                Ok(Right(cell))
            }
            Err(Closed) => Err(self.get().expect("rule 3: closed means filled")),
        }
    }
}

// SAFETY: a shared reference keeps its referent in place.
unsafe impl<T> Source for &OnceCell<T> {
    fn permits(&self) -> &Permits {
        &self.permits
    }
}

/// The right to fill the cell (rule 1): it passes on when it is dropped.
struct Right<'a, T>(&'a OnceCell<T>);

impl<'a, T> Right<'a, T> {
    fn fill(self, value: T) -> &'a T {
        let cell = self.0;
        // SAFETY: rule 2: we have the permit, and nobody reads before `filled` is set.
        cell.value.with_mut(|slot| unsafe { *slot = Some(value) });
        // Release: pairs with the Acquire in `initialized`.
        cell.filled.store(true, Ordering::Release);
        // The right is used up: it must not come back.
        std::mem::forget(self);
        cell.permits.close();
        cell.get().expect("it was filled just now")
    }
}

impl<T> Drop for Right<'_, T> {
    fn drop(&mut self) {
        self.0.permits.release(1);
    }
}

impl<T> Default for OnceCell<T> {
    fn default() -> Self {
        OnceCell::new()
    }
}

impl<T> From<T> for OnceCell<T> {
    fn from(value: T) -> Self {
        OnceCell::const_new_with(value)
    }
}

impl<T: Clone> Clone for OnceCell<T> {
    fn clone(&self) -> Self {
        OnceCell::new_with(self.get().cloned())
    }
}

impl<T: PartialEq> PartialEq for OnceCell<T> {
    fn eq(&self, other: &Self) -> bool {
        self.get() == other.get()
    }
}

impl<T: Eq> Eq for OnceCell<T> {}

impl<T: fmt::Debug> fmt::Debug for OnceCell<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnceCell").field("value", &self.get()).finish()
    }
}

impl<T> SetError<T> {
    /// Whether the cell was filled already.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::OnceCell;
    ///
    /// let cell = OnceCell::new_with(Some(1));
    /// assert!(cell.set(2).unwrap_err().is_already_init_err());
    /// ```
    pub fn is_already_init_err(&self) -> bool {
        matches!(self, SetError::AlreadyInitializedError(_))
    }

    /// Whether somebody else was about to fill the cell.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::OnceCell;
    ///
    /// # unstuck_base::parker::block_on(async {
    /// let cell = OnceCell::new();
    /// cell.get_or_init(async || {
    ///     assert!(cell.set(2).unwrap_err().is_initializing_err());
    ///     1
    /// })
    /// .await;
    /// # });
    /// ```
    pub fn is_initializing_err(&self) -> bool {
        matches!(self, SetError::InitializingError(_))
    }
}

impl<T> fmt::Display for SetError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SetError::AlreadyInitializedError(_) => "AlreadyInitializedError",
            SetError::InitializingError(_) => "InitializingError",
        })
    }
}

impl<T: fmt::Debug> Error for SetError<T> {}
