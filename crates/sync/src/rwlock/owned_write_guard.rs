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
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
/// use unstuck_sync::{OwnedRwLockWriteGuard, RwLock};
///
/// # unstuck_base::parker::block_on(async {
/// struct Update {
///     names: OwnedRwLockWriteGuard<Vec<&'static str>>, // no lifetime in here
/// }
///
/// let lock = Arc::new(RwLock::new(vec!["Ada"]));
/// let mut update = Update { names: lock.clone().write_owned().await };
/// let updating = std::thread::spawn(move || update.names.push("Grace"));
/// assert_eq!(*lock.read().await, ["Ada", "Grace"]);
/// # updating.join().unwrap();
/// # });
/// ```
#[must_use = "if unused the RwLock will immediately unlock"]
#[clippy::has_significant_drop]
pub struct OwnedRwLockWriteGuard<T: ?Sized> {
    pub(super) lock: Arc<RwLock<T>>,
}

/// A part of the value of an [`RwLock`] that is locked for writing, and that the guard keeps alive; see
/// [`OwnedRwLockWriteGuard::map`]. Unlocks when it is dropped.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
/// use unstuck_sync::{OwnedRwLockMappedWriteGuard, OwnedRwLockWriteGuard, RwLock};
///
/// # unstuck_base::parker::block_on(async {
/// let lock = Arc::new(RwLock::new(("apples", 3)));
/// let mut count: OwnedRwLockMappedWriteGuard<_, u32> =
///     OwnedRwLockWriteGuard::map(lock.clone().write_owned().await, |item| &mut item.1);
/// let selling = std::thread::spawn(move || *count -= 1);
/// assert_eq!(*lock.read().await, ("apples", 2));
/// # selling.join().unwrap();
/// # });
/// ```
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
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    /// use unstuck_sync::{OwnedRwLockWriteGuard, RwLock};
    ///
    /// # unstuck_base::parker::block_on(async {
    /// let lock = Arc::new(RwLock::new(vec![1, 2, 3]));
    /// let list = lock.write_owned().await;
    /// let Err(list) = OwnedRwLockWriteGuard::try_map(list, |list| list.get_mut(7)) else { panic!("there are three") };
    /// let mut first = OwnedRwLockWriteGuard::try_map(list, |list| list.first_mut()).unwrap();
    /// *first = 10;
    /// assert_eq!(*first, 10);
    /// # });
    /// ```
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
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    /// use unstuck_sync::{OwnedRwLockMappedWriteGuard, OwnedRwLockWriteGuard, RwLock};
    ///
    /// # unstuck_base::parker::block_on(async {
    /// struct Node {
    ///     value: u32,
    ///     next: Option<Box<Node>>,
    /// }
    ///
    /// let end = Node { value: 2, next: None };
    /// let list = Arc::new(RwLock::new(Node { value: 1, next: Some(Box::new(end)) }));
    /// // Goes along the list: the guard has one type at every step.
    /// let mut node = OwnedRwLockWriteGuard::into_mapped(list.write_owned().await);
    /// let mut last = loop {
    ///     match OwnedRwLockMappedWriteGuard::try_map(node, |node| node.next.as_deref_mut()) {
    ///         Ok(next) => node = next,
    ///         Err(last) => break last,
    ///     }
    /// };
    /// last.value += 1;
    /// assert_eq!(last.value, 3);
    /// # });
    /// ```
    #[inline]
    pub fn into_mapped(this: Self) -> OwnedRwLockMappedWriteGuard<T> {
        let part = this.lock.value.get();
        OwnedRwLockMappedWriteGuard { lock: this.into_lock(), part }
    }

    /// Makes a reader of the writer, with no moment in between in which another one could write.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    /// use unstuck_sync::RwLock;
    ///
    /// # unstuck_base::parker::block_on(async {
    /// let lock = Arc::new(RwLock::new(1));
    /// let mut writing = lock.clone().write_owned().await;
    /// *writing += 1;
    /// let reading = writing.downgrade();
    /// assert_eq!((*reading, *lock.read().await), (2, 2));
    /// # });
    /// ```
    pub fn downgrade(self) -> OwnedRwLockReadGuard<T> {
        let part = self.lock.value.get();
        self.into_reader(part)
    }

    /// Makes a reader of a part of the value. Others can read once `f` has returned.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    /// use unstuck_sync::{OwnedRwLockWriteGuard, RwLock};
    ///
    /// # unstuck_base::parker::block_on(async {
    /// let lock = Arc::new(RwLock::new(("draft", 1)));
    /// let mut writing = lock.clone().write_owned().await;
    /// *writing = ("final", 2);
    /// let title = OwnedRwLockWriteGuard::downgrade_map(writing, |page| &page.0);
    /// assert_eq!((*title, lock.read().await.1), ("final", 2));
    /// # });
    /// ```
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
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    /// use unstuck_sync::{OwnedRwLockWriteGuard, RwLock};
    ///
    /// # unstuck_base::parker::block_on(async {
    /// let lock = Arc::new(RwLock::new(vec![1]));
    /// let list = lock.clone().write_owned().await;
    /// let Err(mut list) = OwnedRwLockWriteGuard::try_downgrade_map(list, |list| list.get(1)) else {
    ///     panic!("there is one")
    /// };
    /// list.push(2);
    /// let second = OwnedRwLockWriteGuard::try_downgrade_map(list, |list| list.get(1)).unwrap();
    /// assert_eq!((*second, lock.read().await.len()), (2, 2));
    /// # });
    /// ```
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
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    /// use unstuck_sync::{OwnedRwLockWriteGuard, RwLock};
    ///
    /// # unstuck_base::parker::block_on(async {
    /// /// Unlocks, and locks again: others have their turn in between.
    /// async fn let_others_in(writing: OwnedRwLockWriteGuard<u32>) -> OwnedRwLockWriteGuard<u32> {
    ///     let lock = OwnedRwLockWriteGuard::rwlock(&writing).clone();
    ///     drop(writing);
    ///     lock.write_owned().await
    /// }
    ///
    /// let writing = Arc::new(RwLock::new(5)).write_owned().await;
    /// assert_eq!(*let_others_in(writing).await, 5);
    /// # });
    /// ```
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
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    /// use unstuck_sync::{OwnedRwLockMappedWriteGuard, OwnedRwLockWriteGuard, RwLock};
    ///
    /// # unstuck_base::parker::block_on(async {
    /// let lock = Arc::new(RwLock::new((1, [2, 3])));
    /// let list = OwnedRwLockWriteGuard::map(lock.clone().write_owned().await, |pair| &mut pair.1);
    /// *OwnedRwLockMappedWriteGuard::map(list, |list| &mut list[0]) = 20;
    /// assert_eq!(*lock.read().await, (1, [20, 3]));
    /// # });
    /// ```
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
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    /// use unstuck_sync::{OwnedRwLockMappedWriteGuard, OwnedRwLockWriteGuard, RwLock};
    ///
    /// # unstuck_base::parker::block_on(async {
    /// let lock = Arc::new(RwLock::new((1, vec![2, 3])));
    /// let list = OwnedRwLockWriteGuard::map(lock.write_owned().await, |pair| &mut pair.1);
    /// let Err(list) = OwnedRwLockMappedWriteGuard::try_map(list, |list| list.get_mut(7)) else {
    ///     panic!("there are two")
    /// };
    /// assert_eq!(*OwnedRwLockMappedWriteGuard::try_map(list, |list| list.get_mut(1)).unwrap(), 3);
    /// # });
    /// ```
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
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    /// use unstuck_sync::{OwnedRwLockMappedWriteGuard, OwnedRwLockWriteGuard, RwLock};
    ///
    /// # unstuck_base::parker::block_on(async {
    /// let lock = Arc::new(RwLock::new((1, 2)));
    /// let first = OwnedRwLockWriteGuard::map(lock.clone().write_owned().await, |pair| &mut pair.0);
    /// assert!(Arc::ptr_eq(OwnedRwLockMappedWriteGuard::rwlock(&first), &lock));
    /// # });
    /// ```
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
