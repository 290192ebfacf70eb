//! The guards of a writer that keep their lock alive.
//!
//! 1. While a guard lives all permits are out, so the value is the guard's alone.
//! 2. A mapped guard keeps the permits and points into the value, which its `Arc` keeps in place.

use std::fmt;
use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use crate::rwlock::{OwnedRwLockReadGuard, RwLock, downgrade_writer, unlock_writer};

/// An [`RwLock`] that is locked for writing, and that the guard keeps alive: dereferences to its value, unlocks when it
/// is dropped.
#[must_use = "if unused the RwLock will immediately unlock"]
#[clippy::has_significant_drop]
pub struct OwnedRwLockWriteGuard<T: ?Sized> {
    pub(super) lock: Arc<RwLock<T>>,
}

/// A part of the value of an [`RwLock`] that is locked for writing, and that the guard keeps alive; see
/// [`OwnedRwLockWriteGuard::map`]. Unlocks when it is dropped.
#[must_use = "if unused the RwLock will immediately unlock"]
#[clippy::has_significant_drop]
pub struct OwnedRwLockMappedWriteGuard<T: ?Sized, U: ?Sized = T> {
    lock: Arc<RwLock<T>>,
    part: *mut U,
}

// SAFETY: rule 1: sending the guard sends the one way to the part, and a handle of the lock.
unsafe impl<T: ?Sized + Send + Sync, U: ?Sized + Send + Sync> Send for OwnedRwLockMappedWriteGuard<T, U> {}
// SAFETY: a shared guard gives out `&U` and `&Arc<RwLock<T>>` only.
unsafe impl<T: ?Sized + Send + Sync, U: ?Sized + Send + Sync> Sync for OwnedRwLockMappedWriteGuard<T, U> {}

impl<T: ?Sized> OwnedRwLockWriteGuard<T> {
    /// Narrows the guard to a part of the value; the lock stays locked. This is no method, so that it hides none of the
    /// value's: call `OwnedRwLockWriteGuard::map(guard, f)`.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    /// use unstuck_sync::{OwnedRwLockWriteGuard, RwLock};
    ///
    /// # unstuck_base::parker::block_on(async {
    /// let lock = Arc::new(RwLock::new((1, "one")));
    /// {
    ///     let mut number = OwnedRwLockWriteGuard::map(lock.clone().write_owned().await, |pair| &mut pair.0);
    ///     *number = 2;
    /// }
    /// assert_eq!(*lock.read().await, (2, "one"));
    /// # });
    /// ```
    #[inline]
    pub fn map<F, U>(mut this: Self, f: F) -> OwnedRwLockMappedWriteGuard<T, U>
    where
        F: FnOnce(&mut T) -> &mut U,
        U: ?Sized,
    {
        let part = std::ptr::from_mut(f(&mut *this));
        OwnedRwLockMappedWriteGuard { lock: this.into_lock(), part }
    }

    /// As [`map`](OwnedRwLockWriteGuard::map), if `f` finds the part.
    ///
    /// # Errors
    /// The guard itself, if `f` returns `None`.
    #[inline]
    pub fn try_map<F, U>(mut this: Self, f: F) -> Result<OwnedRwLockMappedWriteGuard<T, U>, Self>
    where
        F: FnOnce(&mut T) -> Option<&mut U>,
        U: ?Sized,
    {
        match f(&mut *this).map(std::ptr::from_mut) {
            Some(part) => Ok(OwnedRwLockMappedWriteGuard { lock: this.into_lock(), part }),
            None => Err(this),
        }
    }

    /// Turns the guard into a mapped one, of the whole value.
    #[inline]
    pub fn into_mapped(this: Self) -> OwnedRwLockMappedWriteGuard<T> {
        let part = this.lock.value.get();
        OwnedRwLockMappedWriteGuard { lock: this.into_lock(), part }
    }

    /// Makes a reader of the writer, with no moment in between in which another one could write.
    pub fn downgrade(self) -> OwnedRwLockReadGuard<T> {
        let part = self.lock.value.get();
        self.into_reader(part)
    }

    /// Makes a reader of a part of the value. Others can read once `f` has returned.
    #[inline]
    pub fn downgrade_map<F, U>(this: Self, f: F) -> OwnedRwLockReadGuard<T, U>
    where
        F: FnOnce(&T) -> &U,
        U: ?Sized,
    {
        let part = std::ptr::from_ref(f(&*this));
        this.into_reader(part)
    }

    /// As [`downgrade_map`](OwnedRwLockWriteGuard::downgrade_map), if `f` finds the part.
    ///
    /// # Errors
    /// The guard itself, still a writer, if `f` returns `None`.
    #[inline]
    pub fn try_downgrade_map<F, U>(this: Self, f: F) -> Result<OwnedRwLockReadGuard<T, U>, Self>
    where
        F: FnOnce(&T) -> Option<&U>,
        U: ?Sized,
    {
        match f(&*this).map(std::ptr::from_ref) {
            Some(part) => Ok(this.into_reader(part)),
            None => Err(this),
        }
    }

    /// The lock that this guard holds.
    #[inline]
    pub fn rwlock(this: &Self) -> &Arc<RwLock<T>> {
        &this.lock
    }

    /// Lets go of the guard without giving its permits back.
    fn into_lock(self) -> Arc<RwLock<T>> {
        let this = ManuallyDrop::new(self);
        // SAFETY: `this` is not used or dropped any more.
        unsafe { std::ptr::read(&this.lock) }
    }

    fn into_reader<U: ?Sized>(self, part: *const U) -> OwnedRwLockReadGuard<T, U> {
        let reading = OwnedRwLockReadGuard::of_part(self.into_lock(), part);
        let lock = OwnedRwLockReadGuard::rwlock(&reading);
        downgrade_writer(&lock.permits, lock.max_readers);
        reading
    }
}

impl<T: ?Sized, U: ?Sized> OwnedRwLockMappedWriteGuard<T, U> {
    /// Narrows the guard further.
    #[inline]
    pub fn map<F, V>(mut this: Self, f: F) -> OwnedRwLockMappedWriteGuard<T, V>
    where
        F: FnOnce(&mut U) -> &mut V,
        V: ?Sized,
    {
        let part = std::ptr::from_mut(f(&mut *this));
        OwnedRwLockMappedWriteGuard { lock: this.into_lock(), part }
    }

    /// Narrows the guard further, if `f` finds the part.
    ///
    /// # Errors
    /// The guard itself, if `f` returns `None`.
    #[inline]
    pub fn try_map<F, V>(mut this: Self, f: F) -> Result<OwnedRwLockMappedWriteGuard<T, V>, Self>
    where
        F: FnOnce(&mut U) -> Option<&mut V>,
        V: ?Sized,
    {
        match f(&mut *this).map(std::ptr::from_mut) {
            Some(part) => Ok(OwnedRwLockMappedWriteGuard { lock: this.into_lock(), part }),
            None => Err(this),
        }
    }

    /// The lock that this guard holds.
    #[inline]
    pub fn rwlock(this: &Self) -> &Arc<RwLock<T>> {
        &this.lock
    }

    /// Lets go of the guard without giving its permits back.
    fn into_lock(self) -> Arc<RwLock<T>> {
        let this = ManuallyDrop::new(self);
        // SAFETY: `this` is not used or dropped any more.
        unsafe { std::ptr::read(&this.lock) }
    }
}

impl<T: ?Sized> Drop for OwnedRwLockWriteGuard<T> {
    #[inline]
    fn drop(&mut self) {
        unlock_writer(&self.lock.permits, self.lock.max_readers);
    }
}

impl<T: ?Sized, U: ?Sized> Drop for OwnedRwLockMappedWriteGuard<T, U> {
    #[inline]
    fn drop(&mut self) {
        unlock_writer(&self.lock.permits, self.lock.max_readers);
    }
}

impl<T: ?Sized> Deref for OwnedRwLockWriteGuard<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: rule 1.
        unsafe { &*self.lock.value.get() }
    }
}

impl<T: ?Sized> DerefMut for OwnedRwLockWriteGuard<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: rule 1.
        unsafe { &mut *self.lock.value.get() }
    }
}

impl<T: ?Sized, U: ?Sized> Deref for OwnedRwLockMappedWriteGuard<T, U> {
    type Target = U;

    #[inline]
    fn deref(&self) -> &U {
        // SAFETY: rules 1 and 2.
        unsafe { &*self.part }
    }
}

impl<T: ?Sized, U: ?Sized> DerefMut for OwnedRwLockMappedWriteGuard<T, U> {
    #[inline]
    fn deref_mut(&mut self) -> &mut U {
        // SAFETY: rules 1 and 2.
        unsafe { &mut *self.part }
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for OwnedRwLockWriteGuard<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: ?Sized + fmt::Display> fmt::Display for OwnedRwLockWriteGuard<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: ?Sized, U: ?Sized + fmt::Debug> fmt::Debug for OwnedRwLockMappedWriteGuard<T, U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: ?Sized, U: ?Sized + fmt::Display> fmt::Display for OwnedRwLockMappedWriteGuard<T, U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
