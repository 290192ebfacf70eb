//! The asynchronous mutex.
//!
//! 1. It is a value and one permit ([`Permits`]): who has the permit, and nobody else, may touch the value.
//! 2. A guard is the permit. Every guard (borrowed, owned, mapped) gives it back exactly once, when it is dropped.
//! 3. It is fair: who began to wait first gets the lock first.
//! 4. It is never poisoned: a panic under a guard unlocks.
//! 5. Whoever gets the lock notes its task and line in the lock, for reports on who keeps others waiting.

mod guard;
mod owned_guard;

use std::cell::UnsafeCell;
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use unstuck_base::const_unless_model;
use unstuck_base::entered::begin_blocking;
use unstuck_base::local::WaitKind;
use unstuck_base::parker::block_on;

use crate::permits::{Claim, Permits, Source};

pub use guard::{MappedMutexGuard, MutexGuard};
pub use owned_guard::{OwnedMappedMutexGuard, OwnedMutexGuard};

/// A mutex whose guard may be held across an `.await`, and for which a task waits without blocking its thread.
///
/// For short sections without an `.await` inside, `std::sync::Mutex` serves as well and costs less. This one is for a
/// value that must stay locked while its task waits for something else: a connection, a file, a state that changes in
/// several steps.
///
/// It is fair: tasks get the lock in the order in which they began to wait. A panic while it is locked unlocks it, and
/// leaves the value as it is then.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
/// use unstuck_sync::Mutex;
///
/// # unstuck_base::parker::block_on(async {
/// let log = Arc::new(Mutex::new(Vec::new()));
/// {
///     let mut log = log.lock().await;
///     log.push("connected");
///     std::future::ready(()).await; // the lock stays held across this
///     log.push("ready");
/// }
/// assert_eq!(log.lock().await.len(), 2);
/// # });
/// ```
pub struct Mutex<T: ?Sized> {
    permits: Permits,
    // std's cell: the model's can't hold what has no size. Models put the checked cell inside.
    value: UnsafeCell<T>,
}

// SAFETY: rule 1: one thread at a time touches the value, which is thereby sent to that thread.
unsafe impl<T: ?Sized + Send> Sync for Mutex<T> {}

/// The lock is held, or others wait for it: it could not be had at once.
///
/// # Examples
///
/// ```
/// use unstuck_sync::{Mutex, TryLockError};
///
/// /// Adds one, or says that somebody else is at it.
/// fn count(hits: &Mutex<u32>) -> Result<u32, TryLockError> {
///     let mut hits = hits.try_lock()?;
///     *hits += 1;
///     Ok(*hits)
/// }
///
/// let hits = Mutex::new(0);
/// assert_eq!(count(&hits).unwrap(), 1);
/// let _guard = hits.try_lock().unwrap();
/// assert!(count(&hits).is_err());
/// ```
#[derive(Debug)]
pub struct TryLockError(pub(crate) ());

impl<T> Mutex<T> {
    const_unless_model! {
        /// An unlocked mutex around `t`, for a `static` or a `const`.
        ///
        /// # Examples
        ///
        /// ```
        /// use unstuck_sync::Mutex;
        ///
        /// static NAMES: Mutex<Vec<String>> = Mutex::const_new(Vec::new());
        /// assert!(NAMES.try_lock().unwrap().is_empty());
        /// ```
        pub fn const_new(t: T) -> Self {
            Mutex { permits: Permits::new(1), value: UnsafeCell::new(t) }
        }
    }

    /// An unlocked mutex around `t`.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::Mutex;
    ///
    /// # unstuck_base::parker::block_on(async {
    /// let mutex = Mutex::new(5);
    /// assert_eq!(*mutex.lock().await, 5);
    /// # });
    /// ```
    #[track_caller]
    pub fn new(t: T) -> Self {
        Mutex::const_new(t)
    }

    /// Takes the value out. Nobody can hold the lock: the mutex is moved.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::Mutex;
    ///
    /// assert_eq!(Mutex::new(5).into_inner(), 5);
    /// ```
    pub fn into_inner(self) -> T {
        self.value.into_inner()
    }
}

impl<T: ?Sized> Mutex<T> {
    /// Waits until the lock is free and nobody waits before us, and locks it. It is unlocked when the guard is dropped.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the lock alone; it loses the place in the line.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::Mutex;
    ///
    /// # unstuck_base::parker::block_on(async {
    /// let mutex = Mutex::new(1);
    /// *mutex.lock().await += 1;
    /// assert_eq!(*mutex.lock().await, 2);
    /// # });
    /// ```
    #[track_caller]
    pub fn lock(&self) -> impl Future<Output = MutexGuard<'_, T>> {
        Lock(Claim::new(self, 1, WaitKind::Mutex, Location::caller()))
    }

    /// As [`lock`](Mutex::lock), blocking the thread: for code that shares the value with tasks and is none itself.
    ///
    /// # Panics
    /// Inside a runtime that was built without `nested_block_on`, where blocking the thread would stall other tasks,
    /// perhaps the one that has the lock.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::Mutex;
    ///
    /// let mutex = Mutex::new(1);
    /// *mutex.blocking_lock() += 1;
    /// assert_eq!(mutex.into_inner(), 2);
    /// ```
    #[track_caller]
    pub fn blocking_lock(&self) -> MutexGuard<'_, T> {
        let _blocking = begin_blocking();
        block_on(self.lock())
    }

    /// As [`lock_owned`](Mutex::lock_owned), blocking the thread.
    ///
    /// # Panics
    /// Inside a runtime that was built without `nested_block_on`, where blocking the thread would stall other tasks,
    /// perhaps the one that has the lock.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    /// use unstuck_sync::Mutex;
    ///
    /// let mutex = Arc::new(Mutex::new(1));
    /// let mut guard = mutex.clone().blocking_lock_owned();
    /// std::thread::spawn(move || *guard += 1).join().unwrap();
    /// assert_eq!(*mutex.blocking_lock(), 2);
    /// ```
    #[track_caller]
    pub fn blocking_lock_owned(self: Arc<Self>) -> OwnedMutexGuard<T> {
        let _blocking = begin_blocking();
        block_on(self.lock_owned())
    }

    /// As [`lock`](Mutex::lock), for a guard that borrows nothing: it keeps the mutex alive and can be moved into a task.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the lock alone; it loses the place in the line.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    /// use unstuck_sync::Mutex;
    ///
    /// # unstuck_base::parker::block_on(async {
    /// let mutex = Arc::new(Mutex::new(1));
    /// let mut guard = mutex.clone().lock_owned().await;
    /// std::thread::spawn(move || *guard += 1).join().unwrap();
    /// assert_eq!(*mutex.lock().await, 2);
    /// # });
    /// ```
    #[track_caller]
    pub fn lock_owned(self: Arc<Self>) -> impl Future<Output = OwnedMutexGuard<T>> {
        LockOwned(Claim::new(self, 1, WaitKind::Mutex, Location::caller()))
    }

    /// Locks if the lock is free and nobody waits for it.
    ///
    /// # Errors
    /// [`TryLockError`] otherwise.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::Mutex;
    ///
    /// let mutex = Mutex::new(1);
    /// let guard = mutex.try_lock().unwrap();
    /// assert!(mutex.try_lock().is_err());
    /// # drop(guard);
    /// ```
    #[track_caller]
    pub fn try_lock(&self) -> Result<MutexGuard<'_, T>, TryLockError> {
        self.take(Location::caller())?;
        Ok(MutexGuard { mutex: self })
    }

    /// As [`try_lock`](Mutex::try_lock), for a guard that borrows nothing.
    ///
    /// # Errors
    /// [`TryLockError`] if the lock is held or waited for.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    /// use unstuck_sync::Mutex;
    ///
    /// let mutex = Arc::new(Mutex::new(5));
    /// let guard = mutex.clone().try_lock_owned().unwrap();
    /// assert!(mutex.try_lock().is_err());
    /// drop(guard);
    /// ```
    #[track_caller]
    pub fn try_lock_owned(self: Arc<Self>) -> Result<OwnedMutexGuard<T>, TryLockError> {
        self.take(Location::caller())?;
        Ok(OwnedMutexGuard { mutex: self })
    }

    /// The value, with no need to lock: `&mut self` proves that nobody else can.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::Mutex;
    ///
    /// let mut mutex = Mutex::new(5);
    /// *mutex.get_mut() += 1;
    /// assert_eq!(mutex.into_inner(), 6);
    /// ```
    pub fn get_mut(&mut self) -> &mut T {
        self.value.get_mut()
    }

    /// Takes the permit, now or never.
    fn take(&self, at: &'static Location<'static>) -> Result<(), TryLockError> {
        self.permits.try_acquire(1).map_err(|_| TryLockError(()))?;
        self.permits.note_holder(at);
        Ok(())
    }

    fn unlock(&self) {
        self.permits.release(1);
    }
}

impl<T: Default> Default for Mutex<T> {
    fn default() -> Self {
        Mutex::new(T::default())
    }
}

impl<T> From<T> for Mutex<T> {
    fn from(t: T) -> Self {
        Mutex::new(t)
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for Mutex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut mutex = f.debug_struct("Mutex");
        match self.try_lock() {
            Ok(guard) => mutex.field("data", &&*guard),
            Err(TryLockError(())) => mutex.field("data", &format_args!("<locked>")),
        };
        mutex.finish()
    }
}

// SAFETY: a shared reference keeps its referent in place.
unsafe impl<T: ?Sized> Source for &Mutex<T> {
    fn permits(&self) -> &Permits {
        &self.permits
    }
}

// SAFETY: an `Arc` keeps its referent in place.
unsafe impl<T: ?Sized> Source for Arc<Mutex<T>> {
    fn permits(&self) -> &Permits {
        &self.permits
    }
}

const NEVER_CLOSED: &str = "a mutex is never closed";

/// What [`Mutex::lock`] returns.
struct Lock<'a, T: ?Sized>(Claim<&'a Mutex<T>>);

impl<'a, T: ?Sized> Future for Lock<'a, T> {
    type Output = MutexGuard<'a, T>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // SAFETY: the one field is pinned when we are.
        let claim = unsafe { self.map_unchecked_mut(|this| &mut this.0) };
        let at = claim.at();
        let mutex = ready!(claim.poll(cx)).expect(NEVER_CLOSED);
        mutex.permits.note_holder(at);
        Poll::Ready(MutexGuard { mutex })
    }
}

/// What [`Mutex::lock_owned`] returns.
struct LockOwned<T: ?Sized>(Claim<Arc<Mutex<T>>>);

impl<T: ?Sized> Future for LockOwned<T> {
    type Output = OwnedMutexGuard<T>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // SAFETY: the one field is pinned when we are.
        let claim = unsafe { self.map_unchecked_mut(|this| &mut this.0) };
        let at = claim.at();
        let mutex = ready!(claim.poll(cx)).expect(NEVER_CLOSED);
        mutex.permits.note_holder(at);
        Poll::Ready(OwnedMutexGuard { mutex })
    }
}

impl fmt::Display for TryLockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("operation would block")
    }
}

impl Error for TryLockError {}
