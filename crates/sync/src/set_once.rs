//! A cell that is filled once by somebody, and that others wait for.
//!
//! 1. The value is written under the lock of the wait list, before `filled` is set; it is not written again while the
//!    cell is shared. So whoever sees `filled` may read.
//! 2. Who waits looks at `filled` under that lock before it joins; who fills calls all under the same lock. One of the
//!    two sees the other.
//!
//! Waiting tasks are woken after the lock is released.

use std::error::Error;
use std::fmt;
use std::future::{Future, poll_fn};
use std::panic::Location;
use std::pin::pin;

use unstuck_base::const_unless_model;
use unstuck_base::local::WaitKind;
use unstuck_base::sync::UnsafeCell;
use unstuck_base::sync::atomic::{AtomicBool, Ordering};
use unstuck_base::wake_batch::WakeBatch;

use crate::called::Place;
use crate::wait_list::WaitList;

/// A cell that is empty or holds a value that does not change any more; others can wait until it is filled.
///
/// # Examples
///
/// ```
/// use unstuck_sync::SetOnce;
///
/// static PORT: SetOnce<u16> = SetOnce::const_new();
///
/// let server = std::thread::spawn(|| PORT.set(8080));
/// # unstuck_base::parker::block_on(async {
/// assert_eq!(*PORT.wait().await, 8080);
/// # });
/// server.join().unwrap().unwrap();
/// ```
pub struct SetOnce<T> {
    filled: AtomicBool,
    value: UnsafeCell<Option<T>>,
    list: WaitList,
}

// SAFETY: rule 1: what is shared is only read; `Send` since a thread may fill the cell, and another one drop it.
unsafe impl<T: Send + Sync> Sync for SetOnce<T> {}

/// The cell was filled already. It gives the value back.
///
/// # Examples
///
/// ```
/// use unstuck_sync::{SetOnce, SetOnceError};
///
/// let winner = SetOnce::new();
/// winner.set("Ada").unwrap();
/// let Err(SetOnceError(second)) = winner.set("Grace") else { panic!("there is one winner") };
/// assert_eq!((winner.get(), second), (Some(&"Ada"), "Grace"));
/// ```
#[derive(Debug, PartialEq, Eq)]
pub struct SetOnceError<T>(pub T);

impl<T> SetOnce<T> {
    const_unless_model! {
        /// An empty cell, for a `static` or a `const`.
        ///
        /// # Examples
        ///
        /// ```
        /// use unstuck_sync::SetOnce;
        ///
        /// static PORT: SetOnce<u16> = SetOnce::const_new();
        ///
        /// assert_eq!(PORT.get(), None);
        /// PORT.set(8080).unwrap();
        /// assert_eq!(PORT.get(), Some(&8080));
        /// ```
        pub fn const_new() -> Self {
            SetOnce { filled: AtomicBool::new(false), value: UnsafeCell::new(None), list: WaitList::new() }
        }

        /// A cell that is filled from the start, for a `static` or a `const`.
        ///
        /// # Examples
        ///
        /// ```
        /// use unstuck_sync::SetOnce;
        ///
        /// # unstuck_base::parker::block_on(async {
        /// static PORT: SetOnce<u16> = SetOnce::const_new_with(80);
        ///
        /// assert_eq!(PORT.wait().await, &80);
        /// assert!(PORT.set(8080).is_err());
        /// # });
        /// ```
        pub fn const_new_with(value: T) -> Self {
            SetOnce { filled: AtomicBool::new(true), value: UnsafeCell::new(Some(value)), list: WaitList::new() }
        }
    }

    /// An empty cell.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::SetOnce;
    ///
    /// assert_eq!(SetOnce::<u32>::new().get(), None);
    /// ```
    pub fn new() -> Self {
        SetOnce::const_new()
    }

    /// A cell with this value, or an empty one.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::SetOnce;
    ///
    /// assert_eq!(SetOnce::new_with(Some(3)).get(), Some(&3));
    /// ```
    pub fn new_with(value: Option<T>) -> Self {
        match value {
            Some(value) => SetOnce::const_new_with(value),
            None => SetOnce::const_new(),
        }
    }

    /// Whether the cell is filled.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::SetOnce;
    ///
    /// let cell = SetOnce::new();
    /// assert!(!cell.initialized());
    /// cell.set(1).unwrap();
    /// assert!(cell.initialized());
    /// ```
    pub fn initialized(&self) -> bool {
        // Acquire: pairs with the Release in `set` (rule 1).
        self.filled.load(Ordering::Acquire)
    }

    /// The value, if the cell is filled.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::SetOnce;
    ///
    /// let cell = SetOnce::new();
    /// assert_eq!(cell.get(), None);
    /// cell.set("ready").unwrap();
    /// assert_eq!(cell.get(), Some(&"ready"));
    /// ```
    pub fn get(&self) -> Option<&T> {
        if !self.initialized() {
            return None;
        }
        // SAFETY: rule 1: the cell is filled, so nobody writes.
        self.value.with(|value| unsafe { (*value).as_ref() })
    }

    /// Fills the cell, and wakes who waits for it.
    ///
    /// # Errors
    /// [`SetOnceError`] with the value, if the cell is filled already.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::{SetOnce, SetOnceError};
    ///
    /// let cell = SetOnce::new();
    /// assert_eq!(cell.set(1), Ok(()));
    /// assert_eq!(cell.set(2), Err(SetOnceError(2)));
    /// assert_eq!(cell.get(), Some(&1));
    /// ```
    pub fn set(&self, value: T) -> Result<(), SetOnceError<T>> {
        if self.initialized() {
            return Err(SetOnceError(value));
        }
        let mut batch = WakeBatch::new();
        let mut queue = self.list.lock();
        // Relaxed: `filled` changes under the lock that we have. Who loses a race thereby finds the value in its place.
        if self.filled.load(Ordering::Relaxed) {
            drop(queue);
            return Err(SetOnceError(value));
        }
        // SAFETY: rule 1: we have the lock, and nobody reads before `filled` is set. What is replaced is `None`.
        self.value.with_mut(|slot| unsafe { *slot = Some(value) });
        // Release: pairs with the Acquire in `initialized`.
        self.filled.store(true, Ordering::Release);
        queue.call_all(&mut batch);
        drop(queue);
        batch.wake_all();
        Ok(())
    }

    /// Waits until the cell is filled.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    /// use unstuck_sync::SetOnce;
    ///
    /// # unstuck_base::parker::block_on(async {
    /// let cell = Arc::new(SetOnce::new());
    /// let setting = std::thread::spawn({
    ///     let cell = cell.clone();
    ///     move || cell.set(7).unwrap()
    /// });
    /// assert_eq!(*cell.wait().await, 7);
    /// setting.join().unwrap();
    /// # });
    /// ```
    #[track_caller]
    pub fn wait(&self) -> impl Future<Output = &T> {
        let at = Location::caller();
        async move {
            if let Some(value) = self.get() {
                return value;
            }
            let mut place = pin!(Place::new(&self.list, WaitKind::Once, at));
            poll_fn(|cx| place.as_mut().poll_called(cx, || self.initialized())).await;
            self.get().expect("who is called finds the cell filled")
        }
    }

    /// Takes the value out.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::SetOnce;
    ///
    /// assert_eq!(SetOnce::new_with(Some(3)).into_inner(), Some(3));
    /// ```
    pub fn into_inner(self) -> Option<T> {
        self.value.into_inner()
    }
}

impl<T> Default for SetOnce<T> {
    fn default() -> Self {
        SetOnce::new()
    }
}

impl<T> From<T> for SetOnce<T> {
    fn from(value: T) -> Self {
        SetOnce::const_new_with(value)
    }
}

impl<T: Clone> Clone for SetOnce<T> {
    fn clone(&self) -> Self {
        SetOnce::new_with(self.get().cloned())
    }
}

impl<T: PartialEq> PartialEq for SetOnce<T> {
    fn eq(&self, other: &Self) -> bool {
        self.get() == other.get()
    }
}

impl<T: Eq> Eq for SetOnce<T> {}

impl<T: fmt::Debug> fmt::Debug for SetOnce<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SetOnce").field("value", &self.get()).finish()
    }
}

impl<T> fmt::Display for SetOnceError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SetOnceError")
    }
}

impl<T: fmt::Debug> Error for SetOnceError<T> {}
