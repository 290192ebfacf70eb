//! The guard of a reader that borrows its lock.
//!
//! 1. While a guard lives one permit is out, so nobody writes, and the value (or the part that `part` points at) may
//!    be read.

use std::fmt;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ops::Deref;

use crate::RwLock;
use crate::permits::Permits;

/// An [`RwLock`] that is locked for reading: dereferences to its value, or to a part of it. Unlocks when it is dropped.
///
/// # Examples
///
/// ```
/// use unstuck_sync::RwLock;
///
/// # unstuck_base::parker::block_on(async {
/// let names = RwLock::new(vec!["Ada", "Grace"]);
/// let reading = names.read().await;
/// assert_eq!(reading.len(), 2); // the value's methods are there
/// assert!(names.try_write().is_err());
/// drop(reading);
/// assert!(names.try_write().is_ok());
/// # });
/// ```
#[must_use = "if unused the RwLock will immediately unlock"]
#[clippy::has_significant_drop]
pub struct RwLockReadGuard<'a, T: ?Sized> {
    permits: &'a Permits,
    part: *const T,
    _borrows_the_value: PhantomData<&'a T>,
}

// SAFETY: rule 1: sending the guard sends a `&T`.
unsafe impl<T: ?Sized + Sync> Send for RwLockReadGuard<'_, T> {}
// SAFETY: a shared guard gives out `&T` only.
unsafe impl<T: ?Sized + Send + Sync> Sync for RwLockReadGuard<'_, T> {}

impl<'a, T: ?Sized> RwLockReadGuard<'a, T> {
    /// The guard of a permit that is out.
    pub(super) fn of(lock: &'a RwLock<T>) -> Self {
        RwLockReadGuard { permits: &lock.permits, part: lock.value.get(), _borrows_the_value: PhantomData }
    }

    /// The guard of a permit that is out, for a part of the value.
    pub(super) fn of_part(permits: &'a Permits, part: *const T) -> Self {
        RwLockReadGuard { permits, part, _borrows_the_value: PhantomData }
    }

    /// Narrows the guard to a part of the value; the lock stays locked. This is no method, so that it hides none of the
    /// value's: call `RwLockReadGuard::map(guard, f)`.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::{RwLock, RwLockReadGuard};
    ///
    /// # unstuck_base::parker::block_on(async {
    /// let lock = RwLock::new((1, "one"));
    /// let name = RwLockReadGuard::map(lock.read().await, |pair| pair.1);
    /// assert_eq!(&*name, "one");
    /// # });
    /// ```
    pub fn map<F, U>(this: Self, f: F) -> RwLockReadGuard<'a, U>
    where
        F: FnOnce(&T) -> &U,
        U: ?Sized,
    {
        let part = std::ptr::from_ref(f(&*this));
        RwLockReadGuard::of_part(this.into_permits(), part)
    }

    /// As [`map`](RwLockReadGuard::map), if `f` finds the part.
    ///
    /// # Errors
    /// The guard itself, if `f` returns `None`.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::{RwLock, RwLockReadGuard};
    ///
    /// # unstuck_base::parker::block_on(async {
    /// let names = RwLock::new(vec!["Ada", "Grace"]);
    /// let last = RwLockReadGuard::try_map(names.read().await, |names| names.last()).unwrap();
    /// assert_eq!(*last, "Grace");
    ///
    /// let Err(names) = RwLockReadGuard::try_map(names.read().await, |names| names.get(7)) else {
    ///     panic!("there are two")
    /// };
    /// assert_eq!(names.len(), 2); // still locked
    /// # });
    /// ```
    pub fn try_map<F, U>(this: Self, f: F) -> Result<RwLockReadGuard<'a, U>, Self>
    where
        F: FnOnce(&T) -> Option<&U>,
        U: ?Sized,
    {
        match f(&*this).map(std::ptr::from_ref) {
            Some(part) => Ok(RwLockReadGuard::of_part(this.into_permits(), part)),
            None => Err(this),
        }
    }

    /// Lets go of the guard without giving its permit back.
    fn into_permits(self) -> &'a Permits {
        ManuallyDrop::new(self).permits
    }
}

impl<T: ?Sized> Drop for RwLockReadGuard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.permits.release(1);
    }
}

impl<T: ?Sized> Deref for RwLockReadGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: rule 1.
        unsafe { &*self.part }
    }
}

impl<'a, T: ?Sized + fmt::Debug> fmt::Debug for RwLockReadGuard<'a, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<'a, T: ?Sized + fmt::Display> fmt::Display for RwLockReadGuard<'a, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
