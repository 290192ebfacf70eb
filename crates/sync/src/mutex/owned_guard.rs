//! The guards that keep their mutex alive.
//!
//! 1. While a guard lives its mutex's permit is out, so the value is the guard's alone.
//! 2. A mapped guard keeps the permit and points into the value, which its `Arc` keeps in place.

use std::fmt;
use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use crate::mutex::Mutex;

/// A locked [`Mutex`] that the guard keeps alive: dereferences to its value, unlocks when it is dropped.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
/// use unstuck_sync::{Mutex, OwnedMutexGuard};
///
/// # unstuck_base::parker::block_on(async {
/// struct Transaction {
///     log: OwnedMutexGuard<Vec<&'static str>>, // no lifetime in here
/// }
///
/// let log = Arc::new(Mutex::new(Vec::new()));
/// let mut transaction = Transaction { log: log.clone().lock_owned().await };
/// let committing = std::thread::spawn(move || transaction.log.push("committed"));
/// assert_eq!(*log.lock().await, ["committed"]);
/// # committing.join().unwrap();
/// # });
/// ```
#[clippy::has_significant_drop]
pub struct OwnedMutexGuard<T: ?Sized> {
    pub(super) mutex: Arc<Mutex<T>>,
}

// SAFETY: a shared guard gives out `&T` and `&Arc<Mutex<T>>` only.
unsafe impl<T: ?Sized + Send + Sync> Sync for OwnedMutexGuard<T> {}

/// A part of the value of a locked [`Mutex`] that the guard keeps alive; see [`OwnedMutexGuard::map`]. Unlocks when it
/// is dropped.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
/// use unstuck_sync::{Mutex, OwnedMappedMutexGuard, OwnedMutexGuard};
///
/// # unstuck_base::parker::block_on(async {
/// let inventory = Arc::new(Mutex::new(("apples", 3)));
/// let mut count: OwnedMappedMutexGuard<_, u32> =
///     OwnedMutexGuard::map(inventory.clone().lock_owned().await, |item| &mut item.1);
/// let selling = std::thread::spawn(move || *count -= 1);
/// assert_eq!(*inventory.lock().await, ("apples", 2));
/// # selling.join().unwrap();
/// # });
/// ```
#[must_use = "if unused the Mutex will immediately unlock"]
#[clippy::has_significant_drop]
pub struct OwnedMappedMutexGuard<T: ?Sized, U: ?Sized = T> {
    mutex: Arc<Mutex<T>>,
    part: *mut U,
}

// SAFETY: rule 1: sending the guard sends the one way to the part, and a handle of the mutex.
unsafe impl<T: ?Sized + Send, U: ?Sized + Send> Send for OwnedMappedMutexGuard<T, U> {}
// SAFETY: a shared guard gives out `&U` only.
unsafe impl<T: ?Sized + Send + Sync, U: ?Sized + Send + Sync> Sync for OwnedMappedMutexGuard<T, U> {}

impl<T: ?Sized> OwnedMutexGuard<T> {
    /// Narrows the guard to a part of the value; the mutex stays locked. This is no method, so that it hides none of
    /// the value's: call `OwnedMutexGuard::map(guard, f)`.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    /// use unstuck_sync::{Mutex, OwnedMutexGuard};
    ///
    /// # unstuck_base::parker::block_on(async {
    /// let mutex = Arc::new(Mutex::new((1, "one")));
    /// {
    ///     let mut number = OwnedMutexGuard::map(mutex.clone().lock_owned().await, |pair| &mut pair.0);
    ///     *number = 2;
    /// }
    /// assert_eq!(*mutex.lock().await, (2, "one"));
    /// # });
    /// ```
    pub fn map<U, F>(mut this: Self, f: F) -> OwnedMappedMutexGuard<T, U>
    where
        U: ?Sized,
        F: FnOnce(&mut T) -> &mut U,
    {
        let part = std::ptr::from_mut(f(&mut *this));
        this.into_mapped(part)
    }

    /// As [`map`](OwnedMutexGuard::map), if `f` finds the part.
    ///
    /// # Errors
    /// The guard itself, if `f` returns `None`.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    /// use unstuck_sync::{Mutex, OwnedMutexGuard};
    ///
    /// # unstuck_base::parker::block_on(async {
    /// let mutex = Arc::new(Mutex::new(vec![1, 2, 3]));
    /// let guard = mutex.lock_owned().await;
    /// let Err(guard) = OwnedMutexGuard::try_map(guard, |list| list.get_mut(7)) else { panic!("there are three") };
    /// let first = OwnedMutexGuard::try_map(guard, |list| list.first_mut()).unwrap();
    /// assert_eq!(*first, 1);
    /// # });
    /// ```
    pub fn try_map<U, F>(mut this: Self, f: F) -> Result<OwnedMappedMutexGuard<T, U>, Self>
    where
        U: ?Sized,
        F: FnOnce(&mut T) -> Option<&mut U>,
    {
        match f(&mut *this).map(std::ptr::from_mut) {
            Some(part) => Ok(this.into_mapped(part)),
            None => Err(this),
        }
    }

    /// The mutex that this guard has locked.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    /// use unstuck_sync::{Mutex, OwnedMutexGuard};
    ///
    /// # unstuck_base::parker::block_on(async {
    /// /// Unlocks, and locks again: others have their turn in between.
    /// async fn let_others_in(guard: OwnedMutexGuard<u32>) -> OwnedMutexGuard<u32> {
    ///     let mutex = OwnedMutexGuard::mutex(&guard).clone();
    ///     drop(guard);
    ///     mutex.lock_owned().await
    /// }
    ///
    /// let guard = Arc::new(Mutex::new(5)).lock_owned().await;
    /// assert_eq!(*let_others_in(guard).await, 5);
    /// # });
    /// ```
    #[inline]
    pub fn mutex(this: &Self) -> &Arc<Mutex<T>> {
        &this.mutex
    }

    fn into_mapped<U: ?Sized>(self, part: *mut U) -> OwnedMappedMutexGuard<T, U> {
        // The permit goes over to the mapped guard.
        let this = ManuallyDrop::new(self);
        // SAFETY: `this` is not used or dropped any more.
        let mutex = unsafe { std::ptr::read(&this.mutex) };
        OwnedMappedMutexGuard { mutex, part }
    }
}

impl<T: ?Sized, U: ?Sized> OwnedMappedMutexGuard<T, U> {
    /// Narrows the guard further.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    /// use unstuck_sync::{Mutex, OwnedMappedMutexGuard, OwnedMutexGuard};
    ///
    /// # unstuck_base::parker::block_on(async {
    /// let mutex = Arc::new(Mutex::new((1, [2, 3])));
    /// let list = OwnedMutexGuard::map(mutex.clone().lock_owned().await, |pair| &mut pair.1);
    /// *OwnedMappedMutexGuard::map(list, |list| &mut list[0]) = 20;
    /// assert_eq!(*mutex.lock().await, (1, [20, 3]));
    /// # });
    /// ```
    pub fn map<S, F>(mut this: Self, f: F) -> OwnedMappedMutexGuard<T, S>
    where
        F: FnOnce(&mut U) -> &mut S,
    {
        let part = std::ptr::from_mut(f(&mut *this));
        this.into_mapped(part)
    }

    /// Narrows the guard further, if `f` finds the part.
    ///
    /// # Errors
    /// The guard itself, if `f` returns `None`.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    /// use unstuck_sync::{Mutex, OwnedMappedMutexGuard, OwnedMutexGuard};
    ///
    /// # unstuck_base::parker::block_on(async {
    /// let mutex = Arc::new(Mutex::new((1, vec![2, 3])));
    /// let list = OwnedMutexGuard::map(mutex.lock_owned().await, |pair| &mut pair.1);
    /// let Err(list) = OwnedMappedMutexGuard::try_map(list, |list| list.get_mut(7)) else { panic!("there are two") };
    /// assert_eq!(*OwnedMappedMutexGuard::try_map(list, |list| list.get_mut(1)).unwrap(), 3);
    /// # });
    /// ```
    pub fn try_map<S, F>(mut this: Self, f: F) -> Result<OwnedMappedMutexGuard<T, S>, Self>
    where
        F: FnOnce(&mut U) -> Option<&mut S>,
    {
        match f(&mut *this).map(std::ptr::from_mut) {
            Some(part) => Ok(this.into_mapped(part)),
            None => Err(this),
        }
    }

    fn into_mapped<S: ?Sized>(self, part: *mut S) -> OwnedMappedMutexGuard<T, S> {
        // The permit goes over to the new guard.
        let this = ManuallyDrop::new(self);
        // SAFETY: `this` is not used or dropped any more.
        let mutex = unsafe { std::ptr::read(&this.mutex) };
        OwnedMappedMutexGuard { mutex, part }
    }
}

impl<T: ?Sized> Drop for OwnedMutexGuard<T> {
    #[inline]
    fn drop(&mut self) {
        self.mutex.unlock();
    }
}

impl<T: ?Sized, U: ?Sized> Drop for OwnedMappedMutexGuard<T, U> {
    #[inline]
    fn drop(&mut self) {
        self.mutex.unlock();
    }
}

impl<T: ?Sized> Deref for OwnedMutexGuard<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: rule 1.
        unsafe { &*self.mutex.value.get() }
    }
}

impl<T: ?Sized> DerefMut for OwnedMutexGuard<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: rule 1.
        unsafe { &mut *self.mutex.value.get() }
    }
}

impl<T: ?Sized, U: ?Sized> Deref for OwnedMappedMutexGuard<T, U> {
    type Target = U;

    #[inline]
    fn deref(&self) -> &U {
        // SAFETY: rules 1 and 2.
        unsafe { &*self.part }
    }
}

impl<T: ?Sized, U: ?Sized> DerefMut for OwnedMappedMutexGuard<T, U> {
    #[inline]
    fn deref_mut(&mut self) -> &mut U {
        // SAFETY: rules 1 and 2.
        unsafe { &mut *self.part }
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for OwnedMutexGuard<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: ?Sized + fmt::Display> fmt::Display for OwnedMutexGuard<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: ?Sized, U: ?Sized + fmt::Debug> fmt::Debug for OwnedMappedMutexGuard<T, U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: ?Sized, U: ?Sized + fmt::Display> fmt::Display for OwnedMappedMutexGuard<T, U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
