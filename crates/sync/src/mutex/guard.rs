//! The guards that borrow their mutex.
//!
//! 1. While a guard lives its mutex's permit is out, so the value is the guard's alone.
//! 2. A mapped guard keeps the permit and points into the value; it no longer knows the mutex's type.

use std::fmt;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};

use crate::mutex::Mutex;
use crate::permits::Permits;

/// A locked [`Mutex`]: dereferences to its value, unlocks when it is dropped.
///
/// Every `.await` may be the last thing that happens to a future: if the future is dropped there, so is the guard, and
/// the next one in line finds the value as it is then.
///
/// # Examples
///
/// ```
/// use unstuck_sync::Mutex;
///
/// # unstuck_base::parker::block_on(async {
/// let mutex = Mutex::new(vec![1]);
/// let mut guard = mutex.lock().await;
/// guard.push(2); // the value's methods are there
/// assert!(mutex.try_lock().is_err());
/// drop(guard);
/// assert_eq!(*mutex.lock().await, [1, 2]);
/// # });
/// ```
#[must_use = "if unused the Mutex will immediately unlock"]
#[clippy::has_significant_drop]
pub struct MutexGuard<'a, T: ?Sized> {
    pub(super) mutex: &'a Mutex<T>,
}

// SAFETY: a shared guard gives out `&T` only.
unsafe impl<T: ?Sized + Send + Sync> Sync for MutexGuard<'_, T> {}

/// A part of the value of a locked [`Mutex`]; see [`MutexGuard::map`]. Unlocks when it is dropped.
///
/// # Examples
///
/// ```
/// use unstuck_sync::{MappedMutexGuard, Mutex, MutexGuard};
///
/// # unstuck_base::parker::block_on(async {
/// struct Account {
///     owner: String,
///     balance: i64,
/// }
///
/// /// Locks the account, but lets the caller change nothing but the balance.
/// async fn balance(account: &Mutex<Account>) -> MappedMutexGuard<'_, i64> {
///     MutexGuard::map(account.lock().await, |account| &mut account.balance)
/// }
///
/// let account = Mutex::new(Account { owner: "Ada".into(), balance: 10 });
/// *balance(&account).await += 5;
/// let account = account.into_inner();
/// assert_eq!((&*account.owner, account.balance), ("Ada", 15));
/// # });
/// ```
#[must_use = "if unused the Mutex will immediately unlock"]
#[clippy::has_significant_drop]
pub struct MappedMutexGuard<'a, T: ?Sized> {
    permits: &'a Permits,
    part: *mut T,
    _borrows_the_value: PhantomData<&'a mut T>,
}

// SAFETY: rule 1: sending the guard sends the one way to the part.
unsafe impl<T: ?Sized + Send> Send for MappedMutexGuard<'_, T> {}
// SAFETY: a shared guard gives out `&T` only.
unsafe impl<T: ?Sized + Sync> Sync for MappedMutexGuard<'_, T> {}

impl<'a, T: ?Sized> MutexGuard<'a, T> {
    /// Narrows the guard to a part of the value; the mutex stays locked. This is no method, so that it hides none of
    /// the value's: call `MutexGuard::map(guard, f)`.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::{Mutex, MutexGuard};
    ///
    /// # unstuck_base::parker::block_on(async {
    /// let mutex = Mutex::new((1, "one"));
    /// {
    ///     let mut number = MutexGuard::map(mutex.lock().await, |pair| &mut pair.0);
    ///     *number = 2;
    /// }
    /// assert_eq!(*mutex.lock().await, (2, "one"));
    /// # });
    /// ```
    pub fn map<U, F>(mut this: Self, f: F) -> MappedMutexGuard<'a, U>
    where
        U: ?Sized,
        F: FnOnce(&mut T) -> &mut U,
    {
        let part = std::ptr::from_mut(f(&mut *this));
        this.into_mapped(part)
    }

    /// As [`map`](MutexGuard::map), if `f` finds the part.
    ///
    /// # Errors
    /// The guard itself, if `f` returns `None`.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::{Mutex, MutexGuard};
    ///
    /// # unstuck_base::parker::block_on(async {
    /// let mutex = Mutex::new(vec![1, 2, 3]);
    /// let mut last = MutexGuard::try_map(mutex.lock().await, |list| list.last_mut()).unwrap();
    /// *last = 30;
    /// drop(last);
    ///
    /// let Err(list) = MutexGuard::try_map(mutex.lock().await, |list| list.get_mut(7)) else {
    ///     panic!("there are three")
    /// };
    /// assert_eq!(*list, [1, 2, 30]); // still locked
    /// # });
    /// ```
    pub fn try_map<U, F>(mut this: Self, f: F) -> Result<MappedMutexGuard<'a, U>, Self>
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
    /// use unstuck_sync::{Mutex, MutexGuard};
    ///
    /// # unstuck_base::parker::block_on(async {
    /// let mutex = Mutex::new(1);
    /// let guard = mutex.lock().await;
    /// let mutex = MutexGuard::mutex(&guard);
    /// drop(guard);
    /// let again = mutex.lock().await;
    /// # drop(again);
    /// # });
    /// ```
    #[inline]
    pub fn mutex(this: &Self) -> &'a Mutex<T> {
        this.mutex
    }

    fn into_mapped<U: ?Sized>(self, part: *mut U) -> MappedMutexGuard<'a, U> {
        // The permit goes over to the mapped guard.
        let this = ManuallyDrop::new(self);
        MappedMutexGuard { permits: &this.mutex.permits, part, _borrows_the_value: PhantomData }
    }
}

impl<'a, T: ?Sized> MappedMutexGuard<'a, T> {
    /// Narrows the guard further.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::{MappedMutexGuard, Mutex, MutexGuard};
    ///
    /// # unstuck_base::parker::block_on(async {
    /// let mutex = Mutex::new((1, [2, 3]));
    /// let list = MutexGuard::map(mutex.lock().await, |pair| &mut pair.1);
    /// let mut first = MappedMutexGuard::map(list, |list| &mut list[0]);
    /// *first = 20;
    /// drop(first);
    /// assert_eq!(mutex.into_inner(), (1, [20, 3]));
    /// # });
    /// ```
    pub fn map<U, F>(mut this: Self, f: F) -> MappedMutexGuard<'a, U>
    where
        F: FnOnce(&mut T) -> &mut U,
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
    /// use unstuck_sync::{MappedMutexGuard, Mutex, MutexGuard};
    ///
    /// # unstuck_base::parker::block_on(async {
    /// let mutex = Mutex::new((1, vec![2, 3]));
    /// let list = MutexGuard::map(mutex.lock().await, |pair| &mut pair.1);
    /// let Err(list) = MappedMutexGuard::try_map(list, |list| list.get_mut(7)) else { panic!("there are two") };
    /// assert_eq!(*MappedMutexGuard::try_map(list, |list| list.get_mut(1)).unwrap(), 3);
    /// # });
    /// ```
    pub fn try_map<U, F>(mut this: Self, f: F) -> Result<MappedMutexGuard<'a, U>, Self>
    where
        F: FnOnce(&mut T) -> Option<&mut U>,
    {
        match f(&mut *this).map(std::ptr::from_mut) {
            Some(part) => Ok(this.into_mapped(part)),
            None => Err(this),
        }
    }

    fn into_mapped<U: ?Sized>(self, part: *mut U) -> MappedMutexGuard<'a, U> {
        // The permit goes over to the new guard.
        let this = ManuallyDrop::new(self);
        MappedMutexGuard { permits: this.permits, part, _borrows_the_value: PhantomData }
    }
}

impl<T: ?Sized> Drop for MutexGuard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.mutex.unlock();
    }
}

impl<T: ?Sized> Drop for MappedMutexGuard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.permits.release(1);
    }
}

impl<T: ?Sized> Deref for MutexGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: rule 1.
        unsafe { &*self.mutex.value.get() }
    }
}

impl<T: ?Sized> DerefMut for MutexGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: rule 1.
        unsafe { &mut *self.mutex.value.get() }
    }
}

impl<'a, T: ?Sized> Deref for MappedMutexGuard<'a, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: rules 1 and 2.
        unsafe { &*self.part }
    }
}

impl<'a, T: ?Sized> DerefMut for MappedMutexGuard<'a, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: rules 1 and 2.
        unsafe { &mut *self.part }
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for MutexGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: ?Sized + fmt::Display> fmt::Display for MutexGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<'a, T: ?Sized + fmt::Debug> fmt::Debug for MappedMutexGuard<'a, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<'a, T: ?Sized + fmt::Display> fmt::Display for MappedMutexGuard<'a, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
