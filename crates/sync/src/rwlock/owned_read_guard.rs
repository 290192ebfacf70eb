//! The guard of a reader that keeps its lock alive.
//!
//! 1. While a guard lives one permit is out, so nobody writes, and the value (or the part that `part` points at, which
//!    the `Arc` keeps in place) may be read.

use std::fmt;
use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::sync::Arc;

use crate::RwLock;

/// An [`RwLock`] that is locked for reading, and that the guard keeps alive: dereferences to its value, or to a part of
/// it. Unlocks when it is dropped.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
/// use unstuck_sync::{OwnedRwLockReadGuard, RwLock};
///
/// # unstuck_base::parker::block_on(async {
/// struct Snapshot {
///     names: OwnedRwLockReadGuard<Vec<&'static str>>, // no lifetime in here
/// }
///
/// let names = Arc::new(RwLock::new(vec!["Ada", "Grace"]));
/// let snapshot = Snapshot { names: names.clone().read_owned().await };
/// let counting = std::thread::spawn(move || snapshot.names.len());
/// assert_eq!(counting.join().unwrap(), 2);
/// assert!(names.try_write().is_ok());
/// # });
/// ```
#[must_use = "if unused the RwLock will immediately unlock"]
#[clippy::has_significant_drop]
pub struct OwnedRwLockReadGuard<T: ?Sized, U: ?Sized = T> {
    lock: Arc<RwLock<T>>,
    part: *const U,
}

// SAFETY: rule 1: sending the guard sends a `&U` and a handle of the lock.
unsafe impl<T: ?Sized + Send + Sync, U: ?Sized + Sync> Send for OwnedRwLockReadGuard<T, U> {}
// SAFETY: a shared guard gives out `&U` and `&Arc<RwLock<T>>` only.
unsafe impl<T: ?Sized + Send + Sync, U: ?Sized + Send + Sync> Sync for OwnedRwLockReadGuard<T, U> {}

impl<T: ?Sized> OwnedRwLockReadGuard<T> {
    /// The guard of a permit that is out.
    pub(super) fn of(lock: Arc<RwLock<T>>) -> Self {
        let part = lock.value.get();
        OwnedRwLockReadGuard { lock, part }
    }
}

impl<T: ?Sized, U: ?Sized> OwnedRwLockReadGuard<T, U> {
    /// The guard of a permit that is out, for a part of the value.
    pub(super) fn of_part(lock: Arc<RwLock<T>>, part: *const U) -> Self {
        OwnedRwLockReadGuard { lock, part }
    }

    /// Narrows the guard to a part of the value; the lock stays locked. This is no method, so that it hides none of the
    /// value's: call `OwnedRwLockReadGuard::map(guard, f)`.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    /// use unstuck_sync::{OwnedRwLockReadGuard, RwLock};
    ///
    /// # unstuck_base::parker::block_on(async {
    /// let lock = Arc::new(RwLock::new((1, "one")));
    /// let name = OwnedRwLockReadGuard::map(lock.read_owned().await, |pair| pair.1);
    /// assert_eq!(&*name, "one");
    /// # });
    /// ```
    pub fn map<F, V>(this: Self, f: F) -> OwnedRwLockReadGuard<T, V>
    where
        F: FnOnce(&U) -> &V,
        V: ?Sized,
    {
        let part = std::ptr::from_ref(f(&*this));
        OwnedRwLockReadGuard::of_part(this.into_lock(), part)
    }

    /// As [`map`](OwnedRwLockReadGuard::map), if `f` finds the part.
    ///
    /// # Errors
    /// The guard itself, if `f` returns `None`.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    /// use unstuck_sync::{OwnedRwLockReadGuard, RwLock};
    ///
    /// # unstuck_base::parker::block_on(async {
    /// let names = Arc::new(RwLock::new(vec!["Ada", "Grace"]));
    /// let names = names.read_owned().await;
    /// let Err(names) = OwnedRwLockReadGuard::try_map(names, |names| names.get(7)) else { panic!("there are two") };
    /// let first = OwnedRwLockReadGuard::try_map(names, |names| names.first()).unwrap();
    /// assert_eq!(*first, "Ada");
    /// # });
    /// ```
    pub fn try_map<F, V>(this: Self, f: F) -> Result<OwnedRwLockReadGuard<T, V>, Self>
    where
        F: FnOnce(&U) -> Option<&V>,
        V: ?Sized,
    {
        match f(&*this).map(std::ptr::from_ref) {
            Some(part) => Ok(OwnedRwLockReadGuard::of_part(this.into_lock(), part)),
            None => Err(this),
        }
    }

    /// The lock that this guard holds.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    /// use unstuck_sync::{OwnedRwLockReadGuard, RwLock};
    ///
    /// # unstuck_base::parker::block_on(async {
    /// let lock = Arc::new(RwLock::new(5));
    /// let reading = lock.clone().read_owned().await;
    /// assert!(Arc::ptr_eq(OwnedRwLockReadGuard::rwlock(&reading), &lock));
    /// # });
    /// ```
    #[inline]
    pub fn rwlock(this: &Self) -> &Arc<RwLock<T>> {
        &this.lock
    }

    /// Lets go of the guard without giving its permit back.
    fn into_lock(self) -> Arc<RwLock<T>> {
        let this = ManuallyDrop::new(self);
        // SAFETY: `this` is not used or dropped any more.
        unsafe { std::ptr::read(&this.lock) }
    }
}

impl<T: ?Sized, U: ?Sized> Drop for OwnedRwLockReadGuard<T, U> {
    #[inline]
    fn drop(&mut self) {
        self.lock.permits.release(1);
    }
}

impl<T: ?Sized, U: ?Sized> Deref for OwnedRwLockReadGuard<T, U> {
    type Target = U;

    #[inline]
    fn deref(&self) -> &U {
        // SAFETY: rule 1.
        unsafe { &*self.part }
    }
}

impl<T: ?Sized, U: ?Sized + fmt::Debug> fmt::Debug for OwnedRwLockReadGuard<T, U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: ?Sized, U: ?Sized + fmt::Display> fmt::Display for OwnedRwLockReadGuard<T, U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
