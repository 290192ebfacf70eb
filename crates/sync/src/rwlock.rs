//! The asynchronous reader-writer lock.
//!
//! 1. It is a value and as many permits as there may be readers ([`Permits`]). A reader takes one, a writer all: so who
//!    has a permit may read, and who has all of them may write.
//! 2. A guard is its permits. Every guard gives them back exactly once, when it is dropped; a downgrade gives back all
//!    but one.
//! 3. It is fair: readers and writers get the lock in the order in which they began to wait. A reader does not pass a
//!    writer that waits, so writers don't starve.
//! 4. It is never poisoned: a panic under a guard unlocks.
//! 5. A writer notes its task and line in the lock, for reports on who keeps others waiting.

mod locking;
mod owned_read_guard;
mod owned_write_guard;
mod read_guard;
mod write_guard;

use std::cell::UnsafeCell;
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::sync::Arc;

use unstuck_base::const_unless_model;
use unstuck_base::entered::begin_blocking;
use unstuck_base::local::WaitKind;
use unstuck_base::parker::block_on;

use crate::TryLockError;
use crate::permits::{Claim, Permits, Source};
use locking::{Read, ReadOwned, Write, WriteOwned};

pub use owned_read_guard::OwnedRwLockReadGuard;
pub use owned_write_guard::{OwnedRwLockMappedWriteGuard, OwnedRwLockWriteGuard};
pub use read_guard::RwLockReadGuard;
pub use write_guard::{RwLockMappedWriteGuard, RwLockWriteGuard};

/// The most readers that a lock can have at a time.
const MAX_READERS: u32 = u32::MAX >> 3;

/// A lock that many may hold for reading, or one for writing, across an `.await`.
///
/// It is fair: tasks get it in the order in which they began to wait. A reader that comes while a writer waits gets the
/// lock after that writer. So a task that reads must not ask to read again before it has let go: a writer may wait in
/// between, and both would wait for each other.
///
/// # Examples
///
/// ```
/// use unstuck_sync::RwLock;
///
/// # unstuck_base::parker::block_on(async {
/// let config = RwLock::new(String::from("old"));
/// {
///     let (one, two) = (config.read().await, config.read().await);
///     assert_eq!(*one, *two);
/// }
/// *config.write().await = String::from("new");
/// assert_eq!(*config.read().await, "new");
/// # });
/// ```
pub struct RwLock<T: ?Sized> {
    permits: Permits,
    max_readers: u32,
    // std's cell: the model's can't hold what has no size. Models put the checked cell inside.
    value: UnsafeCell<T>,
}

// SAFETY: rule 1: writers are alone with the value, and readers only share it.
unsafe impl<T: ?Sized + Send + Sync> Sync for RwLock<T> {}

impl<T> RwLock<T> {
    const_unless_model! {
        /// An unlocked lock around `value`, for a `static` or a `const`.
        ///
        /// # Examples
        ///
        /// ```
        /// use unstuck_sync::RwLock;
        ///
        /// static LIMIT: RwLock<u32> = RwLock::const_new(10);
        /// assert_eq!(*LIMIT.try_read().unwrap(), 10);
        /// ```
        pub fn const_new(value: T) -> RwLock<T> {
            RwLock::const_with_max_readers(value, MAX_READERS)
        }

        /// As [`with_max_readers`](RwLock::with_max_readers), for a `static` or a `const`.
        ///
        /// # Panics
        /// If `max_reads` is 0 or exceeds `u32::MAX >> 3`.
        ///
        /// # Examples
        ///
        /// ```
        /// use unstuck_sync::RwLock;
        ///
        /// static CONFIG: RwLock<u32> = RwLock::const_with_max_readers(10, 1);
        ///
        /// let reading = CONFIG.try_read().unwrap();
        /// assert!(CONFIG.try_read().is_err()); // one at a time
        /// assert_eq!(*reading, 10);
        /// ```
        #[track_caller]
        pub fn const_with_max_readers(value: T, max_reads: u32) -> RwLock<T> {
            assert!(max_reads > 0, "a RwLock may not be created with 0 readers");
            assert!(max_reads <= MAX_READERS, "a RwLock may not be created with more than 536870911 readers");
            RwLock {
                permits: Permits::new(max_reads as usize),
                max_readers: max_reads,
                value: UnsafeCell::new(value),
            }
        }
    }

    /// An unlocked lock around `value`.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::RwLock;
    ///
    /// # unstuck_base::parker::block_on(async {
    /// let lock = RwLock::new(5);
    /// assert_eq!(*lock.read().await, 5);
    /// # });
    /// ```
    #[track_caller]
    pub fn new(value: T) -> RwLock<T> {
        RwLock::const_new(value)
    }

    /// An unlocked lock around `value` that at most `max_reads` may hold for reading at a time; more wait.
    ///
    /// # Panics
    /// If `max_reads` is 0 or exceeds `u32::MAX >> 3`.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::RwLock;
    ///
    /// let lock = RwLock::with_max_readers("page", 2);
    /// let (first, _second) = (lock.try_read().unwrap(), lock.try_read().unwrap());
    /// assert!(lock.try_read().is_err());
    /// drop(first);
    /// assert!(lock.try_read().is_ok());
    /// ```
    #[track_caller]
    pub fn with_max_readers(value: T, max_reads: u32) -> RwLock<T> {
        RwLock::const_with_max_readers(value, max_reads)
    }

    /// Takes the value out. Nobody can hold the lock: it is moved.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::RwLock;
    ///
    /// assert_eq!(RwLock::new(5).into_inner(), 5);
    /// ```
    pub fn into_inner(self) -> T {
        self.value.into_inner()
    }
}

impl<T: ?Sized> RwLock<T> {
    /// Waits until no writer holds the lock or waits before us, and locks it for reading.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the lock alone; it loses the place in the line.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::RwLock;
    ///
    /// # unstuck_base::parker::block_on(async {
    /// let lock = RwLock::new(1);
    /// let one = lock.read().await;
    /// let two = lock.read().await;
    /// assert_eq!(*one + *two, 2);
    /// # });
    /// ```
    #[track_caller]
    pub fn read(&self) -> impl Future<Output = RwLockReadGuard<'_, T>> {
        Read(Claim::new(self, 1, WaitKind::Read, Location::caller()))
    }

    /// As [`read`](RwLock::read), blocking the thread.
    ///
    /// # Panics
    /// Inside a runtime that was built without `nested_block_on`, where blocking the thread would stall other tasks,
    /// perhaps the one that has the lock.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::RwLock;
    ///
    /// let lock = RwLock::new(1);
    /// assert_eq!(*lock.blocking_read(), 1);
    /// ```
    #[track_caller]
    pub fn blocking_read(&self) -> RwLockReadGuard<'_, T> {
        let _blocking = begin_blocking();
        block_on(self.read())
    }

    /// As [`read`](RwLock::read), for a guard that borrows nothing: it keeps the lock alive and can be moved into a task.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the lock alone; it loses the place in the line.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    /// use unstuck_sync::RwLock;
    ///
    /// # unstuck_base::parker::block_on(async {
    /// let lock = Arc::new(RwLock::new(5));
    /// assert_eq!(*lock.clone().read_owned().await, 5);
    /// # });
    /// ```
    #[track_caller]
    pub fn read_owned(self: Arc<Self>) -> impl Future<Output = OwnedRwLockReadGuard<T>> {
        ReadOwned(Claim::new(self, 1, WaitKind::Read, Location::caller()))
    }

    /// Locks for reading if that needs no waiting.
    ///
    /// # Errors
    /// [`TryLockError`] if a writer holds the lock or waits for it.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::RwLock;
    ///
    /// let lock = RwLock::new(1);
    /// let reading = lock.try_read().unwrap();
    /// assert!(lock.try_read().is_ok());
    /// assert!(lock.try_write().is_err());
    /// # drop(reading);
    /// ```
    pub fn try_read(&self) -> Result<RwLockReadGuard<'_, T>, TryLockError> {
        self.permits.try_acquire(1).map_err(|_| TryLockError(()))?;
        Ok(RwLockReadGuard::of(self))
    }

    /// As [`try_read`](RwLock::try_read), for a guard that borrows nothing.
    ///
    /// # Errors
    /// [`TryLockError`] if a writer holds the lock or waits for it.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    /// use unstuck_sync::RwLock;
    ///
    /// let lock = Arc::new(RwLock::new(5));
    /// assert_eq!(*lock.clone().try_read_owned().unwrap(), 5);
    /// ```
    pub fn try_read_owned(self: Arc<Self>) -> Result<OwnedRwLockReadGuard<T>, TryLockError> {
        self.permits.try_acquire(1).map_err(|_| TryLockError(()))?;
        Ok(OwnedRwLockReadGuard::of(self))
    }

    /// Waits until nobody holds the lock or waits before us, and locks it for writing.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the lock alone; it loses the place in the line.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::RwLock;
    ///
    /// # unstuck_base::parker::block_on(async {
    /// let lock = RwLock::new(1);
    /// *lock.write().await += 1;
    /// assert_eq!(*lock.read().await, 2);
    /// # });
    /// ```
    #[track_caller]
    pub fn write(&self) -> impl Future<Output = RwLockWriteGuard<'_, T>> {
        Write(Claim::new(self, self.max_readers as usize, WaitKind::Write, Location::caller()))
    }

    /// As [`write`](RwLock::write), blocking the thread.
    ///
    /// # Panics
    /// Inside a runtime that was built without `nested_block_on`, where blocking the thread would stall other tasks,
    /// perhaps the one that has the lock.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::RwLock;
    ///
    /// let lock = RwLock::new(1);
    /// *lock.blocking_write() += 1;
    /// assert_eq!(lock.into_inner(), 2);
    /// ```
    #[track_caller]
    pub fn blocking_write(&self) -> RwLockWriteGuard<'_, T> {
        let _blocking = begin_blocking();
        block_on(self.write())
    }

    /// As [`write`](RwLock::write), for a guard that borrows nothing: it keeps the lock alive and can be moved into a
    /// task.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the lock alone; it loses the place in the line.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    /// use unstuck_sync::RwLock;
    ///
    /// # unstuck_base::parker::block_on(async {
    /// let lock = Arc::new(RwLock::new(5));
    /// *lock.clone().write_owned().await = 6;
    /// assert_eq!(*lock.read().await, 6);
    /// # });
    /// ```
    #[track_caller]
    pub fn write_owned(self: Arc<Self>) -> impl Future<Output = OwnedRwLockWriteGuard<T>> {
        let all = self.max_readers as usize;
        WriteOwned(Claim::new(self, all, WaitKind::Write, Location::caller()))
    }

    /// Locks for writing if that needs no waiting.
    ///
    /// # Errors
    /// [`TryLockError`] if anybody holds the lock or waits for it.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::RwLock;
    ///
    /// let lock = RwLock::new(5);
    /// let reading = lock.try_read().unwrap();
    /// assert!(lock.try_write().is_err());
    /// drop(reading);
    /// *lock.try_write().unwrap() = 6;
    /// ```
    #[track_caller]
    pub fn try_write(&self) -> Result<RwLockWriteGuard<'_, T>, TryLockError> {
        self.take_all(Location::caller())?;
        Ok(RwLockWriteGuard { lock: self })
    }

    /// As [`try_write`](RwLock::try_write), for a guard that borrows nothing.
    ///
    /// # Errors
    /// [`TryLockError`] if anybody holds the lock or waits for it.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    /// use unstuck_sync::RwLock;
    ///
    /// let lock = Arc::new(RwLock::new(5));
    /// let writing = lock.clone().try_write_owned().unwrap();
    /// assert!(lock.try_read().is_err());
    /// drop(writing);
    /// ```
    #[track_caller]
    pub fn try_write_owned(self: Arc<Self>) -> Result<OwnedRwLockWriteGuard<T>, TryLockError> {
        self.take_all(Location::caller())?;
        Ok(OwnedRwLockWriteGuard { lock: self })
    }

    /// The value, with no need to lock: `&mut self` proves that nobody else can.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::RwLock;
    ///
    /// let mut lock = RwLock::new(5);
    /// *lock.get_mut() += 1;
    /// assert_eq!(lock.into_inner(), 6);
    /// ```
    pub fn get_mut(&mut self) -> &mut T {
        self.value.get_mut()
    }

    /// Takes all permits, now or never.
    fn take_all(&self, at: &'static Location<'static>) -> Result<(), TryLockError> {
        self.permits.try_acquire(self.max_readers as usize).map_err(|_| TryLockError(()))?;
        self.permits.note_holder(at);
        Ok(())
    }
}

/// Gives back all permits of a writer, of a lock with so many.
fn unlock_writer(permits: &Permits, all: u32) {
    permits.note_no_holder();
    permits.release(all as usize);
}

/// Makes a reader of a writer: it keeps one permit.
fn downgrade_writer(permits: &Permits, all: u32) {
    permits.note_no_holder();
    permits.release(all as usize - 1);
}

impl<T: Default> Default for RwLock<T> {
    fn default() -> Self {
        RwLock::new(T::default())
    }
}

impl<T> From<T> for RwLock<T> {
    fn from(value: T) -> Self {
        RwLock::new(value)
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for RwLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lock = f.debug_struct("RwLock");
        match self.try_read() {
            Ok(guard) => lock.field("data", &&*guard),
            Err(TryLockError(())) => lock.field("data", &format_args!("<locked>")),
        };
        lock.finish()
    }
}

// SAFETY: a shared reference keeps its referent in place.
unsafe impl<T: ?Sized> Source for &RwLock<T> {
    fn permits(&self) -> &Permits {
        &self.permits
    }
}

// SAFETY: an `Arc` keeps its referent in place.
unsafe impl<T: ?Sized> Source for Arc<RwLock<T>> {
    fn permits(&self) -> &Permits {
        &self.permits
    }
}
