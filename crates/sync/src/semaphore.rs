//! The counting semaphore that users see.
//!
//! 1. A permit is the right to one unit; dropping it gives the unit back, `forget` does not.
//! 2. Everything else is [`Permits`]: this file only names it and words its errors.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use unstuck_base::const_unless_model;
use unstuck_base::entered::assert_may_block;
use unstuck_base::local::WaitKind;
use unstuck_base::parker::block_on;

use crate::permits::{self, Claim, Permits, Refused, Source};

/// A number of permits, of which tasks take some and give them back.
///
/// It is fair: permits go to those who wait in the order in which they began to wait, and nobody overtakes. A task that
/// waits for many permits holds up those behind it until it has them all, also if they would be content with fewer.
///
/// Giving a permit back happens before every later taking of one: what a task did while it had its permit is seen by
/// those who get a permit afterwards.
///
/// # Examples
///
/// At most two of these sections run at a time:
///
/// ```
/// use std::sync::Arc;
/// use unstuck_sync::Semaphore;
///
/// # unstuck_base::parker::block_on(async {
/// let limit = Arc::new(Semaphore::new(2));
///
/// let first = limit.acquire().await.unwrap();
/// let _second = limit.acquire().await.unwrap();
/// assert!(limit.try_acquire().is_err());
///
/// drop(first);
/// assert_eq!(limit.available_permits(), 1);
/// # });
/// ```
pub struct Semaphore {
    permits: Permits,
}

/// Some permits of a borrowed [`Semaphore`]. Dropping it gives them back.
#[must_use]
#[clippy::has_significant_drop]
#[derive(Debug)]
pub struct SemaphorePermit<'a> {
    semaphore: &'a Semaphore,
    permits: usize,
}

/// Some permits of a shared [`Semaphore`], which it keeps alive. Dropping it gives them back.
#[must_use]
#[clippy::has_significant_drop]
#[derive(Debug)]
pub struct OwnedSemaphorePermit {
    semaphore: Arc<Semaphore>,
    permits: usize,
}

/// The semaphore was closed: it gives out no permits any more.
#[derive(Debug)]
pub struct AcquireError(());

/// Why a permit could not be had at once.
#[derive(Debug, PartialEq, Eq)]
pub enum TryAcquireError {
    /// The semaphore was closed, and gives out no permits any more.
    Closed,
    /// There are too few permits now, or others wait for them already.
    NoPermits,
}

impl Semaphore {
    /// The most permits that a semaphore can have. Going beyond panics.
    pub const MAX_PERMITS: usize = permits::MAX_PERMITS;

    const_unless_model! {
        /// A semaphore with `permits` permits, for a `static` or a `const`.
        ///
        /// # Panics
        /// If `permits` exceeds [`MAX_PERMITS`](Semaphore::MAX_PERMITS).
        ///
        /// # Examples
        ///
        /// ```
        /// use unstuck_sync::Semaphore;
        ///
        /// static CONNECTIONS: Semaphore = Semaphore::const_new(100);
        /// assert_eq!(CONNECTIONS.available_permits(), 100);
        /// ```
        #[track_caller]
        pub fn const_new(permits: usize) -> Self {
            Semaphore { permits: Permits::new(permits) }
        }
    }

    /// A semaphore with `permits` permits.
    ///
    /// # Panics
    /// If `permits` exceeds [`MAX_PERMITS`](Semaphore::MAX_PERMITS).
    #[track_caller]
    pub fn new(permits: usize) -> Self {
        Semaphore::const_new(permits)
    }

    /// How many permits are there to be taken now.
    pub fn available_permits(&self) -> usize {
        self.permits.available()
    }

    /// Adds `n` permits, and gives them to those who wait.
    ///
    /// # Panics
    /// If there would be more than [`MAX_PERMITS`](Semaphore::MAX_PERMITS) available; then nothing is added.
    #[track_caller]
    pub fn add_permits(&self, n: usize) {
        self.permits.add(n);
    }

    /// Takes up to `n` of the available permits away for good, and returns how many those were.
    pub fn forget_permits(&self, n: usize) -> usize {
        self.permits.forget(n)
    }

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
    /// Inside a runtime, where blocking the thread would stall other tasks.
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
        assert_may_block();
        block_on(self.acquire())
    }

    /// As [`acquire_many`](Semaphore::acquire_many), blocking the thread.
    ///
    /// # Errors
    /// [`AcquireError`] if the semaphore is closed, before or while this waits.
    ///
    /// # Panics
    /// Inside a runtime, where blocking the thread would stall other tasks; and if `n` exceeds
    /// [`MAX_PERMITS`](Semaphore::MAX_PERMITS).
    #[track_caller]
    pub fn blocking_acquire_many(&self, n: u32) -> Result<SemaphorePermit<'_>, AcquireError> {
        assert_may_block();
        block_on(self.acquire_many(n))
    }

    /// As [`acquire_owned`](Semaphore::acquire_owned), blocking the thread.
    ///
    /// # Errors
    /// [`AcquireError`] if the semaphore is closed, before or while this waits.
    ///
    /// # Panics
    /// Inside a runtime, where blocking the thread would stall other tasks.
    #[track_caller]
    pub fn blocking_acquire_owned(self: Arc<Self>) -> Result<OwnedSemaphorePermit, AcquireError> {
        assert_may_block();
        block_on(self.acquire_owned())
    }

    /// As [`acquire_many_owned`](Semaphore::acquire_many_owned), blocking the thread.
    ///
    /// # Errors
    /// [`AcquireError`] if the semaphore is closed, before or while this waits.
    ///
    /// # Panics
    /// Inside a runtime, where blocking the thread would stall other tasks; and if `n` exceeds
    /// [`MAX_PERMITS`](Semaphore::MAX_PERMITS).
    #[track_caller]
    pub fn blocking_acquire_many_owned(self: Arc<Self>, n: u32) -> Result<OwnedSemaphorePermit, AcquireError> {
        assert_may_block();
        block_on(self.acquire_many_owned(n))
    }

    /// Closes the semaphore for good: all who wait, and all who ask later, get an error. Permits that are out stay
    /// valid and come back as usual.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::Semaphore;
    ///
    /// # unstuck_base::parker::block_on(async {
    /// let semaphore = Semaphore::new(1);
    /// semaphore.close();
    /// assert!(semaphore.acquire().await.is_err());
    /// # });
    /// ```
    pub fn close(&self) {
        self.permits.close();
    }

    /// Whether the semaphore was closed.
    pub fn is_closed(&self) -> bool {
        self.permits.is_closed()
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

impl fmt::Debug for Semaphore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Semaphore")
            .field("permits", &self.available_permits())
            .field("closed", &self.is_closed())
            .finish_non_exhaustive()
    }
}

// SAFETY: a shared reference keeps its referent in place.
unsafe impl Source for &Semaphore {
    fn permits(&self) -> &Permits {
        &self.permits
    }
}

// SAFETY: an `Arc` keeps its referent in place.
unsafe impl Source for Arc<Semaphore> {
    fn permits(&self) -> &Permits {
        &self.permits
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

impl SemaphorePermit<'_> {
    /// Gives the permits up without giving them back: the semaphore has so many fewer from now on.
    pub fn forget(mut self) {
        self.permits = 0;
    }

    /// Adds the permits of `other` to these.
    ///
    /// # Panics
    /// If the two are permits of different semaphores.
    #[track_caller]
    pub fn merge(&mut self, mut other: Self) {
        assert!(
            std::ptr::eq(self.semaphore, other.semaphore),
            "merging permits from different semaphore instances is not possible"
        );
        self.permits += std::mem::take(&mut other.permits);
    }

    /// Takes `n` of these permits off into a permit of their own; `None`, and nothing changes, if there are fewer.
    pub fn split(&mut self, n: usize) -> Option<Self> {
        self.permits = self.permits.checked_sub(n)?;
        Some(SemaphorePermit { semaphore: self.semaphore, permits: n })
    }

    /// How many permits these are.
    pub fn num_permits(&self) -> usize {
        self.permits
    }

    /// The semaphore of these permits.
    pub fn semaphore(&self) -> &Semaphore {
        self.semaphore
    }
}

impl OwnedSemaphorePermit {
    /// Gives the permits up without giving them back: the semaphore has so many fewer from now on.
    pub fn forget(mut self) {
        self.permits = 0;
    }

    /// Adds the permits of `other` to these.
    ///
    /// # Panics
    /// If the two are permits of different semaphores.
    #[track_caller]
    pub fn merge(&mut self, mut other: Self) {
        assert!(
            Arc::ptr_eq(&self.semaphore, &other.semaphore),
            "merging permits from different semaphore instances is not possible"
        );
        self.permits += std::mem::take(&mut other.permits);
    }

    /// Takes `n` of these permits off into a permit of their own; `None`, and nothing changes, if there are fewer.
    pub fn split(&mut self, n: usize) -> Option<Self> {
        self.permits = self.permits.checked_sub(n)?;
        Some(OwnedSemaphorePermit { semaphore: self.semaphore.clone(), permits: n })
    }

    /// How many permits these are.
    pub fn num_permits(&self) -> usize {
        self.permits
    }

    /// The semaphore of these permits.
    pub fn semaphore(&self) -> &Arc<Semaphore> {
        &self.semaphore
    }
}

impl Drop for SemaphorePermit<'_> {
    #[inline]
    fn drop(&mut self) {
        self.semaphore.permits.release(self.permits);
    }
}

impl Drop for OwnedSemaphorePermit {
    #[inline]
    fn drop(&mut self) {
        self.semaphore.permits.release(self.permits);
    }
}

impl fmt::Display for AcquireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("semaphore closed")
    }
}

impl Error for AcquireError {}

impl fmt::Display for TryAcquireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TryAcquireError::Closed => "semaphore closed",
            TryAcquireError::NoPermits => "no permits available",
        })
    }
}

impl Error for TryAcquireError {}
