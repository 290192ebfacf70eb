//! The ways to take permits: waiting, at once or never, and blocking the thread; each for one or for many, and for a
//! permit that borrows the semaphore or keeps it alive.
//!
//! 1. A future owns its permits only when it is ready: a [`Claim`] that is dropped before has changed nothing.

use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use unstuck_base::entered::begin_blocking;
use unstuck_base::local::WaitKind;
use unstuck_base::parker::block_on;

use super::{AcquireError, OwnedSemaphorePermit, Semaphore, SemaphorePermit, TryAcquireError};
use crate::permits::{self, Claim, Refused};

impl Semaphore {
    /// Waits for one permit.
    ///
    /// # Errors
    /// [`AcquireError`] if the semaphore is closed, before or while this waits.
    ///
    /// # Cancel safety
    /// Dropping the future takes no permit; it loses the place in the line.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::Semaphore;
    ///
    /// # unstuck_base::parker::block_on(async {
    /// let semaphore = Semaphore::new(1);
    /// let permit = semaphore.acquire().await.unwrap();
    /// assert_eq!(semaphore.available_permits(), 0);
    /// # drop(permit);
    /// # });
    /// ```
    #[inline]
    #[track_caller]
    pub fn acquire(&self) -> impl Future<Output = Result<SemaphorePermit<'_>, AcquireError>> {
        Acquire(Claim::new(self, 1, WaitKind::Semaphore, Location::caller()))
    }

    /// Waits for `n` permits, which it gets all together. With `n` = 0 it does not wait.
    ///
    /// # Errors
    /// [`AcquireError`] if the semaphore is closed, before or while this waits.
    ///
    /// # Panics
    /// When awaited, if `n` exceeds [`MAX_PERMITS`](Semaphore::MAX_PERMITS).
    ///
    /// # Cancel safety
    /// Dropping the future takes no permit, and gives back those that were set aside for it; it loses the place in the
    /// line.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::Semaphore;
    ///
    /// # unstuck_base::parker::block_on(async {
    /// let semaphore = Semaphore::new(5);
    /// let permit = semaphore.acquire_many(3).await.unwrap();
    /// assert_eq!(permit.num_permits(), 3);
    /// assert_eq!(semaphore.available_permits(), 2);
    /// # });
    /// ```
    #[inline]
    #[track_caller]
    pub fn acquire_many(&self, n: u32) -> impl Future<Output = Result<SemaphorePermit<'_>, AcquireError>> {
        Acquire(Claim::new(self, n as usize, WaitKind::Semaphore, Location::caller()))
    }

    /// Takes one permit if there is one, and nobody waits for it already.
    ///
    /// # Errors
    /// [`TryAcquireError::Closed`] or [`TryAcquireError::NoPermits`].
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::{Semaphore, TryAcquireError};
    ///
    /// let semaphore = Semaphore::new(1);
    /// let _permit = semaphore.try_acquire().unwrap();
    /// assert_eq!(semaphore.try_acquire().unwrap_err(), TryAcquireError::NoPermits);
    ///
    /// semaphore.close();
    /// assert_eq!(semaphore.try_acquire().unwrap_err(), TryAcquireError::Closed);
    /// ```
    #[inline]
    pub fn try_acquire(&self) -> Result<SemaphorePermit<'_>, TryAcquireError> {
        self.try_acquire_many(1)
    }

    /// Takes `n` permits if there are as many, and nobody waits for them already.
    ///
    /// # Errors
    /// [`TryAcquireError::Closed`] or [`TryAcquireError::NoPermits`].
    ///
    /// # Panics
    /// If `n` exceeds [`MAX_PERMITS`](Semaphore::MAX_PERMITS).
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::{Semaphore, TryAcquireError};
    ///
    /// let megabytes = Semaphore::new(10);
    /// let buffer = megabytes.try_acquire_many(8).unwrap();
    /// assert_eq!(megabytes.try_acquire_many(3).unwrap_err(), TryAcquireError::NoPermits);
    /// assert_eq!(megabytes.try_acquire_many(2).unwrap().num_permits(), 2);
    /// # drop(buffer);
    /// ```
    #[inline]
    #[track_caller]
    pub fn try_acquire_many(&self, n: u32) -> Result<SemaphorePermit<'_>, TryAcquireError> {
        self.take(n)?;
        Ok(SemaphorePermit { semaphore: self, permits: n as usize })
    }

    /// As [`acquire`](Semaphore::acquire), for a permit that borrows nothing: it can be moved into a task.
    ///
    /// # Errors
    /// [`AcquireError`] if the semaphore is closed, before or while this waits.
    ///
    /// # Cancel safety
    /// Dropping the future takes no permit; it loses the place in the line.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    /// use unstuck_sync::Semaphore;
    ///
    /// # unstuck_base::parker::block_on(async {
    /// let semaphore = Arc::new(Semaphore::new(3));
    /// let permit = semaphore.clone().acquire_owned().await.unwrap();
    /// std::thread::spawn(move || drop(permit)).join().unwrap();
    /// assert_eq!(semaphore.available_permits(), 3);
    /// # });
    /// ```
    #[inline]
    #[track_caller]
    pub fn acquire_owned(self: Arc<Self>) -> impl Future<Output = Result<OwnedSemaphorePermit, AcquireError>> {
        AcquireOwned(Claim::new(self, 1, WaitKind::Semaphore, Location::caller()))
    }

    /// As [`acquire_many`](Semaphore::acquire_many), for permits that borrow nothing.
    ///
    /// # Errors
    /// [`AcquireError`] if the semaphore is closed, before or while this waits.
    ///
    /// # Panics
    /// When awaited, if `n` exceeds [`MAX_PERMITS`](Semaphore::MAX_PERMITS).
    ///
    /// # Cancel safety
    /// As for [`acquire_many`](Semaphore::acquire_many).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    /// use unstuck_sync::Semaphore;
    ///
    /// # unstuck_base::parker::block_on(async {
    /// let megabytes = Arc::new(Semaphore::new(10));
    /// let buffer = megabytes.clone().acquire_many_owned(8).await.unwrap();
    /// std::thread::spawn(move || drop(buffer)).join().unwrap();
    /// assert_eq!(megabytes.available_permits(), 10);
    /// # });
    /// ```
    #[inline]
    #[track_caller]
    pub fn acquire_many_owned(
        self: Arc<Self>,
        n: u32,
    ) -> impl Future<Output = Result<OwnedSemaphorePermit, AcquireError>> {
        AcquireOwned(Claim::new(self, n as usize, WaitKind::Semaphore, Location::caller()))
    }

    /// As [`try_acquire`](Semaphore::try_acquire), for a permit that borrows nothing.
    ///
    /// # Errors
    /// [`TryAcquireError::Closed`] or [`TryAcquireError::NoPermits`].
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    /// use unstuck_sync::{Semaphore, TryAcquireError};
    ///
    /// let connections = Arc::new(Semaphore::new(1));
    /// let connection = connections.clone().try_acquire_owned().unwrap();
    /// assert_eq!(connections.clone().try_acquire_owned().unwrap_err(), TryAcquireError::NoPermits);
    /// std::thread::spawn(move || drop(connection)).join().unwrap();
    /// assert!(connections.try_acquire_owned().is_ok());
    /// ```
    #[inline]
    pub fn try_acquire_owned(self: Arc<Self>) -> Result<OwnedSemaphorePermit, TryAcquireError> {
        self.try_acquire_many_owned(1)
    }

    /// As [`try_acquire_many`](Semaphore::try_acquire_many), for permits that borrow nothing.
    ///
    /// # Errors
    /// [`TryAcquireError::Closed`] or [`TryAcquireError::NoPermits`].
    ///
    /// # Panics
    /// If `n` exceeds [`MAX_PERMITS`](Semaphore::MAX_PERMITS).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    /// use unstuck_sync::Semaphore;
    ///
    /// let megabytes = Arc::new(Semaphore::new(10));
    /// let buffer = megabytes.clone().try_acquire_many_owned(8).unwrap();
    /// assert!(megabytes.clone().try_acquire_many_owned(3).is_err());
    /// drop(buffer);
    /// assert!(megabytes.try_acquire_many_owned(3).is_ok());
    /// ```
    #[inline]
    #[track_caller]
    pub fn try_acquire_many_owned(self: Arc<Self>, n: u32) -> Result<OwnedSemaphorePermit, TryAcquireError> {
        self.take(n)?;
        Ok(OwnedSemaphorePermit { semaphore: self, permits: n as usize })
    }

    /// As [`acquire`](Semaphore::acquire), blocking the thread.
    ///
    /// # Errors
    /// [`AcquireError`] if the semaphore is closed, before or while this waits.
    ///
    /// # Panics
    /// Inside a runtime that was built without `nested_block_on`, where blocking the thread would stall other tasks.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::Semaphore;
    ///
    /// let semaphore = Semaphore::new(1);
    /// let permit = semaphore.blocking_acquire().unwrap();
    /// assert_eq!(semaphore.available_permits(), 0);
    /// # drop(permit);
    /// ```
    #[track_caller]
    pub fn blocking_acquire(&self) -> Result<SemaphorePermit<'_>, AcquireError> {
        let _blocking = begin_blocking();
        block_on(self.acquire())
    }

    /// As [`acquire_many`](Semaphore::acquire_many), blocking the thread.
    ///
    /// # Errors
    /// [`AcquireError`] if the semaphore is closed, before or while this waits.
    ///
    /// # Panics
    /// Inside a runtime that was built without `nested_block_on`, where blocking the thread would stall other tasks;
    /// and if `n` exceeds [`MAX_PERMITS`](Semaphore::MAX_PERMITS).
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::Semaphore;
    ///
    /// let semaphore = Semaphore::new(5);
    /// let permits = semaphore.blocking_acquire_many(3).unwrap();
    /// assert_eq!((permits.num_permits(), semaphore.available_permits()), (3, 2));
    /// ```
    #[track_caller]
    pub fn blocking_acquire_many(&self, n: u32) -> Result<SemaphorePermit<'_>, AcquireError> {
        let _blocking = begin_blocking();
        block_on(self.acquire_many(n))
    }

    /// As [`acquire_owned`](Semaphore::acquire_owned), blocking the thread.
    ///
    /// # Errors
    /// [`AcquireError`] if the semaphore is closed, before or while this waits.
    ///
    /// # Panics
    /// Inside a runtime that was built without `nested_block_on`, where blocking the thread would stall other tasks.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    /// use unstuck_sync::Semaphore;
    ///
    /// let turns = Arc::new(Semaphore::new(1));
    /// let turn = turns.clone().blocking_acquire_owned().unwrap();
    /// let other = std::thread::spawn({
    ///     let turns = turns.clone();
    ///     move || drop(turns.blocking_acquire_owned().unwrap())
    /// });
    /// drop(turn); // now it is the other's
    /// other.join().unwrap();
    /// assert_eq!(turns.available_permits(), 1);
    /// ```
    #[track_caller]
    pub fn blocking_acquire_owned(self: Arc<Self>) -> Result<OwnedSemaphorePermit, AcquireError> {
        let _blocking = begin_blocking();
        block_on(self.acquire_owned())
    }

    /// As [`acquire_many_owned`](Semaphore::acquire_many_owned), blocking the thread.
    ///
    /// # Errors
    /// [`AcquireError`] if the semaphore is closed, before or while this waits.
    ///
    /// # Panics
    /// Inside a runtime that was built without `nested_block_on`, where blocking the thread would stall other tasks;
    /// and if `n` exceeds [`MAX_PERMITS`](Semaphore::MAX_PERMITS).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    /// use unstuck_sync::Semaphore;
    ///
    /// let semaphore = Arc::new(Semaphore::new(5));
    /// let permits = semaphore.clone().blocking_acquire_many_owned(3).unwrap();
    /// std::thread::spawn(move || permits.forget()).join().unwrap();
    /// assert_eq!(semaphore.available_permits(), 2);
    /// ```
    #[track_caller]
    pub fn blocking_acquire_many_owned(self: Arc<Self>, n: u32) -> Result<OwnedSemaphorePermit, AcquireError> {
        let _blocking = begin_blocking();
        block_on(self.acquire_many_owned(n))
    }

    /// Takes `n` permits out, now or never.
    #[inline]
    #[track_caller]
    fn take(&self, n: u32) -> Result<(), TryAcquireError> {
        let n = n as usize;
        assert!(n <= permits::MAX_PERMITS, "a semaphore may not have more than MAX_PERMITS permits");
        self.permits.try_acquire(n).map_err(|refused| match refused {
            Refused::Closed => TryAcquireError::Closed,
            Refused::NoPermits => TryAcquireError::NoPermits,
        })
    }
}

/// What [`Semaphore::acquire`] and [`Semaphore::acquire_many`] return.
struct Acquire<'a>(Claim<&'a Semaphore>);

impl<'a> Future for Acquire<'a> {
    type Output = Result<SemaphorePermit<'a>, AcquireError>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // SAFETY: the one field is pinned when we are.
        let claim = unsafe { self.map_unchecked_mut(|this| &mut this.0) };
        let permits = claim.needs();
        let claimed = ready!(claim.poll(cx));
        Poll::Ready(match claimed {
            Ok(semaphore) => Ok(SemaphorePermit { semaphore, permits }),
            Err(permits::Closed) => Err(AcquireError(())),
        })
    }
}

/// What [`Semaphore::acquire_owned`] and [`Semaphore::acquire_many_owned`] return.
struct AcquireOwned(Claim<Arc<Semaphore>>);

impl Future for AcquireOwned {
    type Output = Result<OwnedSemaphorePermit, AcquireError>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // SAFETY: the one field is pinned when we are.
        let claim = unsafe { self.map_unchecked_mut(|this| &mut this.0) };
        let permits = claim.needs();
        let claimed = ready!(claim.poll(cx));
        Poll::Ready(match claimed {
            Ok(semaphore) => Ok(OwnedSemaphorePermit { semaphore, permits }),
            Err(permits::Closed) => Err(AcquireError(())),
        })
    }
}
