//! The guards of a writer that borrow their lock.
//!
//! 1. While a guard lives all permits are out, so the value is the guard's alone.
//! 2. A mapped guard keeps the permits and points into the value; it can't be downgraded, since `f` may have made its
//!    part readable by one thread only.

use std::fmt;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};

use crate::permits::Permits;
use crate::rwlock::{RwLock, RwLockReadGuard, downgrade_writer, unlock_writer};

/// An [`RwLock`] that is locked for writing: dereferences to its value, unlocks when it is dropped.
///
/// # Examples
///
/// ```
/// use unstuck_sync::RwLock;
///
/// # unstuck_base::parker::block_on(async {
/// let lock = RwLock::new(vec!["Ada"]);
/// let mut writing = lock.write().await;
/// writing.push("Grace"); // the value's methods are there
/// assert!(lock.try_read().is_err());
/// drop(writing);
/// assert_eq!(*lock.read().await, ["Ada", "Grace"]);
/// # });
/// ```
#[must_use = "if unused the RwLock will immediately unlock"]
#[clippy::has_significant_drop]
pub struct RwLockWriteGuard<'a, T: ?Sized> {
    pub(super) lock: &'a RwLock<T>,
}

/// A part of the value of an [`RwLock`] that is locked for writing; see [`RwLockWriteGuard::map`]. Unlocks when it is
/// dropped.
///
/// # Examples
///
/// ```
/// use unstuck_sync::{RwLock, RwLockMappedWriteGuard, RwLockWriteGuard};
///
/// # unstuck_base::parker::block_on(async {
/// struct Account {
///     owner: String,
///     balance: i64,
/// }
///
/// /// Locks the account, but lets the caller change nothing but the balance.
/// async fn balance(account: &RwLock<Account>) -> RwLockMappedWriteGuard<'_, i64> {
///     RwLockWriteGuard::map(account.write().await, |account| &mut account.balance)
/// }
///
/// let account = RwLock::new(Account { owner: "Ada".into(), balance: 10 });
/// *balance(&account).await += 5;
/// let account = account.read().await;
/// assert_eq!((&*account.owner, account.balance), ("Ada", 15));
/// # });
/// ```
#[must_use = "if unused the RwLock will immediately unlock"]
#[clippy::has_significant_drop]
pub struct RwLockMappedWriteGuard<'a, T: ?Sized> {
    permits: &'a Permits,
    all: u32,
    part: *mut T,
    _borrows_the_value: PhantomData<&'a mut T>,
}

// SAFETY: rule 1: sending the guard sends the one way to the part.
unsafe impl<T: ?Sized + Send + Sync> Send for RwLockMappedWriteGuard<'_, T> {}
// SAFETY: a shared guard gives out `&T` only.
unsafe impl<T: ?Sized + Send + Sync> Sync for RwLockMappedWriteGuard<'_, T> {}

impl<'a, T: ?Sized> RwLockWriteGuard<'a, T> {
    /// Narrows the guard to a part of the value; the lock stays locked. This is no method, so that it hides none of the
    /// value's: call `RwLockWriteGuard::map(guard, f)`.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::{RwLock, RwLockWriteGuard};
    ///
    /// # unstuck_base::parker::block_on(async {
    /// let lock = RwLock::new((1, "one"));
    /// {
    ///     let mut number = RwLockWriteGuard::map(lock.write().await, |pair| &mut pair.0);
    ///     *number = 2;
    /// }
    /// assert_eq!(*lock.read().await, (2, "one"));
    /// # });
    /// ```
    #[inline]
    pub fn map<F, U>(mut this: Self, f: F) -> RwLockMappedWriteGuard<'a, U>
    where
        F: FnOnce(&mut T) -> &mut U,
        U: ?Sized,
    {
        let part = std::ptr::from_mut(f(&mut *this));
        this.into_part(part)
    }

    /// As [`map`](RwLockWriteGuard::map), if `f` finds the part.
    ///
    /// # Errors
    /// The guard itself, if `f` returns `None`.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::{RwLock, RwLockWriteGuard};
    ///
    /// # unstuck_base::parker::block_on(async {
    /// let lock = RwLock::new(vec![1, 2, 3]);
    /// let list = lock.write().await;
    /// let Err(list) = RwLockWriteGuard::try_map(list, |list| list.get_mut(7)) else { panic!("there are three") };
    /// let mut first = RwLockWriteGuard::try_map(list, |list| list.first_mut()).unwrap();
    /// *first = 10;
    /// assert_eq!(*first, 10);
    /// # });
    /// ```
    #[inline]
    pub fn try_map<F, U>(mut this: Self, f: F) -> Result<RwLockMappedWriteGuard<'a, U>, Self>
    where
        F: FnOnce(&mut T) -> Option<&mut U>,
        U: ?Sized,
    {
        match f(&mut *this).map(std::ptr::from_mut) {
            Some(part) => Ok(this.into_part(part)),
            None => Err(this),
        }
    }

    /// Turns the guard into a mapped one, of the whole value.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::{RwLock, RwLockMappedWriteGuard, RwLockWriteGuard};
    ///
    /// # unstuck_base::parker::block_on(async {
    /// struct Node {
    ///     value: u32,
    ///     next: Option<Box<Node>>,
    /// }
    ///
    /// let end = Node { value: 2, next: None };
    /// let list = RwLock::new(Node { value: 1, next: Some(Box::new(end)) });
    /// // Goes along the list: the guard has one type at every step.
    /// let mut node = RwLockWriteGuard::into_mapped(list.write().await);
    /// let mut last = loop {
    ///     match RwLockMappedWriteGuard::try_map(node, |node| node.next.as_deref_mut()) {
    ///         Ok(next) => node = next,
    ///         Err(last) => break last,
    ///     }
    /// };
    /// last.value += 1;
    /// assert_eq!(last.value, 3);
    /// # });
    /// ```
    #[inline]
    pub fn into_mapped(this: Self) -> RwLockMappedWriteGuard<'a, T> {
        let whole = this.lock.value.get();
        this.into_part(whole)
    }

    /// Makes a reader of the writer, with no moment in between in which another one could write.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::RwLock;
    ///
    /// # unstuck_base::parker::block_on(async {
    /// let lock = RwLock::new(1);
    /// let mut writing = lock.write().await;
    /// *writing += 1;
    /// let reading = writing.downgrade();
    /// assert_eq!((*reading, *lock.read().await), (2, 2));
    /// # });
    /// ```
    pub fn downgrade(self) -> RwLockReadGuard<'a, T> {
        let lock = ManuallyDrop::new(self).lock;
        let reading = RwLockReadGuard::of(lock);
        downgrade_writer(&lock.permits, lock.max_readers);
        reading
    }

    /// Makes a reader of a part of the value. Others can read once `f` has returned.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::{RwLock, RwLockWriteGuard};
    ///
    /// # unstuck_base::parker::block_on(async {
    /// let lock = RwLock::new(("draft", 1));
    /// let mut writing = lock.write().await;
    /// *writing = ("final", 2);
    /// let title = RwLockWriteGuard::downgrade_map(writing, |page| &page.0);
    /// assert_eq!((*title, lock.read().await.1), ("final", 2));
    /// # });
    /// ```
    #[inline]
    pub fn downgrade_map<F, U>(this: Self, f: F) -> RwLockReadGuard<'a, U>
    where
        F: FnOnce(&T) -> &U,
        U: ?Sized,
    {
        let part = std::ptr::from_ref(f(&*this));
        this.into_reader(part)
    }

    /// As [`downgrade_map`](RwLockWriteGuard::downgrade_map), if `f` finds the part.
    ///
    /// # Errors
    /// The guard itself, still a writer, if `f` returns `None`.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::{RwLock, RwLockWriteGuard};
    ///
    /// # unstuck_base::parker::block_on(async {
    /// let lock = RwLock::new(vec![1]);
    /// let list = lock.write().await;
    /// let Err(mut list) = RwLockWriteGuard::try_downgrade_map(list, |list| list.get(1)) else {
    ///     panic!("there is one")
    /// };
    /// list.push(2);
    /// let second = RwLockWriteGuard::try_downgrade_map(list, |list| list.get(1)).unwrap();
    /// assert_eq!((*second, lock.read().await.len()), (2, 2));
    /// # });
    /// ```
    #[inline]
    pub fn try_downgrade_map<F, U>(this: Self, f: F) -> Result<RwLockReadGuard<'a, U>, Self>
    where
        F: FnOnce(&T) -> Option<&U>,
        U: ?Sized,
    {
        match f(&*this).map(std::ptr::from_ref) {
            Some(part) => Ok(this.into_reader(part)),
            None => Err(this),
        }
    }

    fn into_part<U: ?Sized>(self, part: *mut U) -> RwLockMappedWriteGuard<'a, U> {
        // The permits go over to the mapped guard.
        let lock = ManuallyDrop::new(self).lock;
        RwLockMappedWriteGuard { permits: &lock.permits, all: lock.max_readers, part, _borrows_the_value: PhantomData }
    }

    fn into_reader<U: ?Sized>(self, part: *const U) -> RwLockReadGuard<'a, U> {
        let lock = ManuallyDrop::new(self).lock;
        let reading = RwLockReadGuard::of_part(&lock.permits, part);
        downgrade_writer(&lock.permits, lock.max_readers);
        reading
    }
}

impl<'a, T: ?Sized> RwLockMappedWriteGuard<'a, T> {
    /// Narrows the guard further.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::{RwLock, RwLockMappedWriteGuard, RwLockWriteGuard};
    ///
    /// # unstuck_base::parker::block_on(async {
    /// let lock = RwLock::new((1, [2, 3]));
    /// let list = RwLockWriteGuard::map(lock.write().await, |pair| &mut pair.1);
    /// *RwLockMappedWriteGuard::map(list, |list| &mut list[0]) = 20;
    /// assert_eq!(*lock.read().await, (1, [20, 3]));
    /// # });
    /// ```
    #[inline]
    pub fn map<F, U>(mut this: Self, f: F) -> RwLockMappedWriteGuard<'a, U>
    where
        F: FnOnce(&mut T) -> &mut U,
        U: ?Sized,
    {
        let part = std::ptr::from_mut(f(&mut *this));
        this.into_part(part)
    }

    /// Narrows the guard further, if `f` finds the part.
    ///
    /// # Errors
    /// The guard itself, if `f` returns `None`.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::{RwLock, RwLockMappedWriteGuard, RwLockWriteGuard};
    ///
    /// # unstuck_base::parker::block_on(async {
    /// let lock = RwLock::new((1, vec![2, 3]));
    /// let list = RwLockWriteGuard::map(lock.write().await, |pair| &mut pair.1);
    /// let Err(list) = RwLockMappedWriteGuard::try_map(list, |list| list.get_mut(7)) else { panic!("there are two") };
    /// assert_eq!(*RwLockMappedWriteGuard::try_map(list, |list| list.get_mut(1)).unwrap(), 3);
    /// # });
    /// ```
    #[inline]
    pub fn try_map<F, U>(mut this: Self, f: F) -> Result<RwLockMappedWriteGuard<'a, U>, Self>
    where
        F: FnOnce(&mut T) -> Option<&mut U>,
        U: ?Sized,
    {
        match f(&mut *this).map(std::ptr::from_mut) {
            Some(part) => Ok(this.into_part(part)),
            None => Err(this),
        }
    }

    fn into_part<U: ?Sized>(self, part: *mut U) -> RwLockMappedWriteGuard<'a, U> {
        // The permits go over to the new guard.
        let this = ManuallyDrop::new(self);
        RwLockMappedWriteGuard { permits: this.permits, all: this.all, part, _borrows_the_value: PhantomData }
    }
}

impl<T: ?Sized> Drop for RwLockWriteGuard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        unlock_writer(&self.lock.permits, self.lock.max_readers);
    }
}

impl<T: ?Sized> Drop for RwLockMappedWriteGuard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        unlock_writer(self.permits, self.all);
    }
}

impl<T: ?Sized> Deref for RwLockWriteGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: rule 1.
        unsafe { &*self.lock.value.get() }
    }
}

impl<T: ?Sized> DerefMut for RwLockWriteGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: rule 1.
        unsafe { &mut *self.lock.value.get() }
    }
}

impl<T: ?Sized> Deref for RwLockMappedWriteGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: rules 1 and 2.
        unsafe { &*self.part }
    }
}

impl<T: ?Sized> DerefMut for RwLockMappedWriteGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: rules 1 and 2.
        unsafe { &mut *self.part }
    }
}

impl<'a, T: ?Sized + fmt::Debug> fmt::Debug for RwLockWriteGuard<'a, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<'a, T: ?Sized + fmt::Display> fmt::Display for RwLockWriteGuard<'a, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<'a, T: ?Sized + fmt::Debug> fmt::Debug for RwLockMappedWriteGuard<'a, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<'a, T: ?Sized + fmt::Display> fmt::Display for RwLockMappedWriteGuard<'a, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
